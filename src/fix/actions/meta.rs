//! Owner and mode of entries. Each is pinned, looked at through the pin, and changed through the pin; a link is changed
//! itself. Where both change, the mode is narrowed first. Set-id bits are cleared and never given.

use super::{Deed, Hands};
use crate::collect::source::EntryKind;
use crate::fix::access::kind_word;
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::journal::Ledger;
use crate::fix::op::{After, Intent, MetaItem, Op, SET_ID};
use crate::fix::sys;
use crate::fix::walk::{Pin, Place, Way};
use crate::model::HostPath;

impl Hands<'_> {
    pub(super) fn meta(&self, ledger: &mut Ledger, items: &[MetaItem]) -> Result<Deed> {
        for item in items {
            self.look(item)?;
        }
        let intent =
            Intent { op: Op::Meta { items: items.to_vec() }, kept: Vec::new(), temporary: None, dir_mtime: None };
        self.journalled(ledger, intent, None, || {
            let mut stamps: Vec<Option<Stamp>> = Vec::with_capacity(items.len());
            for item in items {
                match self.change(item) {
                    Ok(stamp) => stamps.push(Some(stamp)),
                    Err(error) => {
                        self.take_back(items, &stamps);
                        return Err(error);
                    }
                }
            }
            Ok(After { stamps, ..After::default() })
        })
    }

    /// Pins the entry and holds it against the guards and the fingerprint.
    fn look(&self, item: &MetaItem) -> Result<(Place, Pin)> {
        let place = self.access.place(&item.path)?;
        let pin = place.must_pin()?;
        may_be_given(&pin.stamp, &item.path)?;
        let actor = self.access.walker.actor;
        if !self.is_undo() && item.uid != pin.stamp.uid && (item.uid != actor.account.uid || item.uid == 0) {
            return Err(FixError::refused(&item.path, "would be given to another account than the gateway's"));
        }
        if place.way == Way::AccountLink && pin.stamp.uid != actor.account.uid {
            return Err(FixError::refused(
                &item.path,
                "is reached by a link that the account controls and does not belong to the account",
            ));
        }
        item.before.must_match(&pin.stamp, &item.path)?;
        Ok((place, pin))
    }

    fn change(&self, item: &MetaItem) -> Result<Stamp> {
        let (_, pin) = self.look(item)?;
        let is_link = pin.stamp.kind == EntryKind::Symlink;
        let wanted = if is_link { pin.stamp.mode } else { wanted_mode(item, pin.stamp.kind) };
        let owner_changes = (item.uid, item.gid) != (pin.stamp.uid, pin.stamp.gid);
        if owner_changes && !is_link {
            self.chmod(&pin, pin.stamp.mode & wanted, &item.path)?;
        }
        if owner_changes {
            sys::chown_pin(pin.fd(), item.uid, item.gid)
                .map_err(|error| self.not_allowed(format!("change the owner of {}", item.path), error))?;
        }
        if !is_link {
            self.chmod(&pin, wanted, &item.path)?;
        }
        let now = pin.restamp(&item.path)?;
        if (now.uid, now.gid, now.mode) != (item.uid, item.gid, wanted) {
            return Err(FixError::io(
                format!("change {}", item.path),
                std::io::Error::other("the change did not hold"),
            ));
        }
        Ok(now)
    }

    /// Sets the mode if it differs: with the account's rights where the entry is the account's.
    fn chmod(&self, pin: &Pin, mode: u32, path: &HostPath) -> Result<()> {
        let now = pin.restamp(path)?;
        if now.mode == mode {
            return Ok(());
        }
        let set = || {
            sys::chmod_pin(pin.fd(), mode)
                .map_err(|error| self.not_allowed(format!("change the mode of {path}"), error))
        };
        if now.uid == self.access.walker.actor.account.uid { self.access.walker.actor.as_account(set) } else { set() }
    }

    /// Takes back what the operation had already done when a later entry failed.
    fn take_back(&self, items: &[MetaItem], done: &[Option<Stamp>]) {
        for (item, now) in items.iter().zip(done).rev() {
            let Some(now) = now else { continue };
            let mode = item.before.mode & if item.before.kind == EntryKind::Directory { 0o7777 } else { !SET_ID };
            let back = MetaItem {
                path: item.path.clone(),
                before: now.clone(),
                uid: item.before.uid,
                gid: item.before.gid,
                mode,
            };
            // An entry that was swapped meanwhile is left alone; the journal still names it.
            let _ = self.revert(&back);
        }
    }

    fn revert(&self, item: &MetaItem) -> Result<()> {
        let pin = self.access.place(&item.path)?.must_pin()?;
        item.before.must_match(&pin.stamp, &item.path)?;
        if pin.stamp.kind != EntryKind::Symlink {
            self.chmod(&pin, pin.stamp.mode & item.mode, &item.path)?;
        }
        sys::chown_pin(pin.fd(), item.uid, item.gid)
            .map_err(|error| FixError::io(format!("change the owner of {}", item.path), error))?;
        if pin.stamp.kind == EntryKind::Symlink { Ok(()) } else { self.chmod(&pin, item.mode, &item.path) }
    }

    fn not_allowed(&self, what: String, error: std::io::Error) -> FixError {
        if error.kind() == std::io::ErrorKind::PermissionDenied && !self.access.walker.actor.privileged {
            FixError::NeedsRoot { what }
        } else {
            FixError::io(what, error)
        }
    }
}

/// The mode that the entry gets: set-id bits of files are dropped, those of directories stay as the plan says.
fn wanted_mode(item: &MetaItem, kind: EntryKind) -> u32 {
    if kind == EntryKind::Directory { item.mode & 0o7777 } else { item.mode & 0o7777 & !SET_ID }
}

/// Regular files with one name, directories and links may change owner and mode; nothing else.
pub fn may_be_given(stamp: &Stamp, path: &HostPath) -> Result<()> {
    match stamp.kind {
        EntryKind::File if stamp.links != 1 => Err(FixError::refused(
            path,
            format_args!("has {} names (hard links), one of which may lie elsewhere", stamp.links),
        )),
        EntryKind::File | EntryKind::Directory | EntryKind::Symlink => Ok(()),
        kind => Err(FixError::refused(
            path,
            format_args!("is a {}; only files, directories and links are re-owned", kind_word(kind)),
        )),
    }
}
