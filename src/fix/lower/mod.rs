//! From what a plan says to the operations that do it: paths resolved, subjects fingerprinted, entries listed, contents
//! worked out, and before and after in words. Nothing is changed here; what is refused is refused before anybody is asked.

mod aside;
mod content;
mod database;
mod diff;
mod machine;
mod ownership;
mod secret;

use super::access::Access;
use super::error::{FixError, Result};
use super::machine::Machine;
use super::mask::Masker;
use super::op::Task;
use super::policy::must_not_be_frozen;
use super::rights::Actor;
use super::walk::{Base, Last, Links, Place, Top, Walker, Way};
use crate::collect::source::Account;
use crate::model::{Action, HostPath, SecretVault};
use std::collections::{HashMap, HashSet};

/// Where plans for one installation may act, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Territory {
    /// The account that the gateway runs as.
    pub account: Account,
    /// The directories that hold its state, configuration, locks and units. Nothing outside them is ever written.
    pub bases: Vec<HostPath>,
    /// What must not be written although it lies there, and what to edit instead: configuration that Nix, an image or a
    /// supervisor owns.
    pub frozen: Vec<(HostPath, String)>,
}

/// Before and after of one step, in words and without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// What is done: `change the owner of`, `replace` and so on.
    pub verb: &'static str,
    /// To what.
    pub subject: String,
    /// What it is now.
    pub before: String,
    /// What it will be.
    pub after: String,
    /// The change of the contents as a unified diff, secrets hidden.
    pub diff: Option<String>,
    /// The single entries, where there are several.
    pub entries: Vec<ShownEntry>,
    /// What is left alone and why, and what else has to be known.
    pub notes: Vec<String>,
}

/// Before and after of one of several entries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ShownEntry {
    /// The entry.
    pub path: HostPath,
    /// What it is now.
    pub before: String,
    /// What it will be.
    pub after: String,
}

/// A step as operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    /// What is done, in order. Empty where it is so already.
    pub tasks: Vec<Task>,
    /// What is shown.
    pub shown: Shown,
}

/// What earlier steps will have done when a step begins.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// Names that will be free.
    pub gone: HashSet<HostPath>,
    /// Texts as they will be.
    pub edited: HashMap<HostPath, String>,
    /// Directories that will not be open to others any more.
    pub narrowed: Vec<HostPath>,
}

/// Lowers the steps of one plan.
#[derive(Debug)]
pub struct Lowering<'a> {
    /// Where `/` is.
    pub top: &'a Top,
    /// For whom.
    pub actor: &'a Actor,
    /// What must not be written.
    pub frozen: &'a [(HostPath, String)],
    /// The running machine.
    pub machine: &'a Machine,
    /// What hides secrets.
    pub masker: &'a Masker,
    /// What the secrets are that plans name by their labels.
    pub secrets: &'a SecretVault,
    /// Where the plan may act; grows by what trusted links lead to.
    pub bases: Vec<Base>,
    /// What earlier steps will have done.
    pub overlay: Overlay,
}

impl Lowering<'_> {
    /// The directories of a territory, with those that links in their place lead to.
    ///
    /// # Errors
    /// Where a directory is reached in a way that is refused.
    pub fn bases(top: &Top, actor: &Actor, territory: &Territory) -> Result<Vec<Base>> {
        let mut bases: Vec<Base> = territory.bases.iter().map(Base::new).collect();
        let named = bases.clone();
        for base in &named {
            let walker = Walker { top, actor, bases: &named, narrowed: &[] };
            match walker.locate(&base.path, Last::Follow, Links::Judge) {
                Ok(place) if place.path != base.path => bases.push(Base { path: place.path, way: place.way }),
                // One that is not there needs no way to it.
                Ok(_) | Err(FixError::Stale { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bases)
    }

    /// The operations of an action and what they look like.
    ///
    /// # Errors
    /// What the guards refuse, and subjects that are not what the action says.
    pub fn lower(&mut self, action: &Action) -> Result<Lowered> {
        match action {
            Action::Chown { path, uid, gid } => self.chown(path, *uid, *gid),
            Action::ChownTree { path, uid, gid } => self.chown_tree(path, *uid, *gid),
            Action::Chmod { path, mode } => self.chmod(path, *mode),
            Action::ClearAttributes { path, immutable, append_only } => {
                self.clear_attributes(path, *immutable, *append_only)
            }
            Action::Replace { path, seen, content } => self.replace(path, *seen, content),
            Action::EditConfig { path, edits, side_file } => self.edit_config(path, edits, side_file.as_ref()),
            Action::WriteSecret { path, at, secret } => self.write_secret(path, at, secret),
            Action::RemoveVariable { path, name } => self.remove_variable(path, name),
            Action::EditStore { path, holds, edits } => self.edit_store(path, *holds, edits),
            Action::Create { path, content, mode } => self.create(path, content, *mode),
            Action::SetAside { path, to } => self.set_aside(path, to),
            Action::SetAsideDatabase { database, to } => self.set_aside_database(database, to),
            Action::RestoreDatabase { database, from, to } => self.restore_database(database, from, to),
            Action::Remove { path } => self.remove(path),
            Action::RemoveLink { path, target } => self.remove_link(path, target),
            Action::DisableUnit { manager, unit, mask } => self.disable_unit(manager, unit, *mask),
            Action::ResetFailedUnit { manager, unit } => self.reset_failed_unit(manager, unit),
            Action::StopUnit { manager, unit } => self.stop_unit(manager, unit),
            Action::StartUnit { manager, unit } => self.start_unit(manager, unit),
            Action::EndProcess { process, kill } => self.end_process(process, *kill),
            Action::DeleteRow { database, table, key } => self.delete_row(database, table, key),
        }
    }

    /// The subject's place, with links resolved and judged, and refused where it must not be written.
    fn subject(&mut self, path: &HostPath, last: Last) -> Result<Place> {
        must_not_be_frozen(self.frozen, path)?;
        let found = Walker { top: self.top, actor: self.actor, bases: &self.bases, narrowed: &self.overlay.narrowed }
            .locate(path, last, Links::Judge)?;
        must_not_be_frozen(self.frozen, &found.path)?;
        if !self.bases.iter().any(|base| found.path.starts_with(&base.path)) {
            let directory = found.path.parent().unwrap_or_else(|| found.path.clone());
            self.bases.push(Base { path: directory, way: found.way });
        }
        must_be_writable(&found)?;
        Ok(found)
    }

    fn access(&self) -> Access<'_> {
        Access {
            walker: Walker { top: self.top, actor: self.actor, bases: &self.bases, narrowed: &self.overlay.narrowed },
        }
    }

    /// Who an entry may be given to: the gateway's account, which is never root by inference.
    fn must_be_the_account(&self, uid: u32, gid: u32) -> Result<()> {
        let account = &self.actor.account;
        if uid == 0 {
            return Err(FixError::no(
                "nothing is ever given to root; where the gateway is meant to run as root, do it by hand",
            ));
        }
        let own_group = gid == account.gid || account.groups.contains(&gid);
        if uid == account.uid && own_group { Ok(()) } else { Err(FixError::no("this is not the gateway's account")) }
    }
}

/// A mount that is read-only is named before anything is tried.
fn must_be_writable(place: &Place) -> Result<()> {
    use rustix::fs::{StatVfsMountFlags, fstatvfs};
    match fstatvfs(place.dir.fd()) {
        Ok(stat) if stat.f_flag.contains(StatVfsMountFlags::RDONLY) => Err(FixError::refused(
            &place.path,
            "is on a file system that is mounted read-only; change it where that is built or mounted from",
        )),
        _ => Ok(()),
    }
}

/// Root touches nothing of others behind a link that the account controls.
fn must_be_straight(place: &Place, uid: u32, actor: &Actor) -> Result<()> {
    if place.way == Way::AccountLink && uid != actor.account.uid {
        return Err(FixError::refused(
            &place.path,
            "is reached by a link that the account controls and does not belong to the account",
        ));
    }
    Ok(())
}
