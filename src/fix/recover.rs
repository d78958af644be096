//! Finding out what became of operations whose result was never recorded, because the doctor was killed or the machine
//! went down between the two lines of the journal. Each can have happened, or not, or (owner and mode) half.

use super::access::Access;
use super::error::{FixError, Result};
use super::fingerprint::Stamp;
use super::inverse::database_files;
use super::journal::Action;
use super::op::{After, Intent, Op};
use super::sys;
use crate::collect::source::EntryKind;
use crate::model::HostPath;
use rustix::fs::AtFlags;
use std::os::fd::AsFd;

/// What became of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It did not happen; nothing is to be taken back.
    NotDone,
    /// It happened, with this result.
    Done(Box<After>),
    /// Neither the old nor the new state is there: somebody else has changed it since.
    Unclear(String),
}

/// Looks at the subjects of an operation without a recorded result.
///
/// # Errors
/// Where they cannot be looked at.
pub fn outcome(access: &Access<'_>, action: &Action) -> Result<Outcome> {
    let intent = &action.intent;
    let found = match &intent.op {
        Op::Meta { items } => {
            let mut stamps = Vec::new();
            for item in items {
                let now = look(access, &item.path)?;
                let same = now.as_ref().filter(|now| now.same_inode(&item.before));
                let owners = [(item.uid, item.gid), (item.before.uid, item.before.gid)];
                match same {
                    Some(now) if owners.contains(&(now.uid, now.gid)) => stamps.push(Some(now.clone())),
                    _ => return Ok(Outcome::Unclear(format!("{} was replaced", item.path))),
                }
            }
            Outcome::Done(Box::new(After { stamps, ..After::default() }))
        }
        Op::Flags { path, before, was, to } => {
            let place = access.place(path)?;
            let Some(pin) = place.pin()?.filter(|pin| pin.stamp.same_inode(before)) else {
                return Ok(Outcome::Unclear(format!("{path} was replaced")));
            };
            let failed = |error| FixError::io(format!("read the attributes of {path}"), error);
            let file = sys::open_pinned(place.dir.fd(), &place.name, pin.fd()).map_err(failed)?;
            let flags = sys::write_flags(file.as_fd()).map_err(failed)?;
            match flags {
                _ if flags == *was => Outcome::NotDone,
                _ if flags == *to => done(Some(pin.stamp)),
                _ => Outcome::Unclear(format!("the attributes of {path} are other ones now")),
            }
        }
        Op::Put { path, before, image } => {
            let now = look_inside(access, path)?;
            match (before, now) {
                (None, None) => Outcome::NotDone,
                (Some(before), Some(now)) if before.same_inode(&now) => Outcome::NotDone,
                (_, Some(now)) if now.digest == Some(image.digest) => done(Some(now)),
                _ => Outcome::Unclear(format!("{path} has been changed since")),
            }
        }
        Op::Remove { path, before } | Op::Unlink { path, before, .. } => match look(access, path)? {
            Some(now) if now.same_inode(before) => Outcome::NotDone,
            Some(_) => Outcome::Unclear(format!("{path} is there again")),
            None => removed(access, intent, path, before)?,
        },
        Op::Rename { path, to, before } => match (look(access, path)?, look(access, to)?) {
            (Some(now), _) if now.same_inode(before) => Outcome::NotDone,
            (None, Some(now)) if now.same_inode(before) => done(Some(now)),
            _ => Outcome::Unclear(format!("{path} and {to} have been changed since")),
        },
        Op::Link { path, .. } => match look(access, path)? {
            None => Outcome::NotDone,
            Some(now) if now.kind == EntryKind::Symlink => done(Some(now)),
            Some(_) => Outcome::Unclear(format!("{path} has been changed since")),
        },
        // Asking the manager what is so now is done by whoever takes it back; a process that was ended stays ended.
        Op::Unit { .. } | Op::Gateway { .. } | Op::EndProcess { .. } => Outcome::NotDone,
        Op::DeleteRow { database, .. } => row(access, intent, database)?,
    };
    Ok(found)
}

fn done(stamp: Option<Stamp>) -> Outcome {
    Outcome::Done(Box::new(After::one(stamp, None)))
}

/// The row is gone or not, which only SQLite can tell. Where the files are as they were before, it is not; else the
/// backups stay and a person decides, because a gateway may have written since.
fn row(access: &Access<'_>, intent: &Intent, database: &HostPath) -> Result<Outcome> {
    for path in database_files(database) {
        let now = look_inside(access, &path)?.and_then(|stamp| stamp.digest);
        let then = intent.kept.iter().find(|kept| kept.path == path).map(|kept| kept.image.digest);
        if now != then {
            return Ok(Outcome::Unclear(format!("{database} has been written to, by the interrupted run or since")));
        }
    }
    Ok(Outcome::NotDone)
}

/// Renamed to the temporary name, and perhaps not unlinked yet.
fn removed(access: &Access<'_>, intent: &Intent, path: &HostPath, before: &Stamp) -> Result<Outcome> {
    if let Some(temporary) = &intent.temporary {
        let place = access.place(temporary)?;
        if place.pin()?.is_some_and(|pin| pin.stamp.same_inode(before)) {
            let original = access.place(path)?;
            access.in_dir(&place, || {
                sys::rename_to_free(place.dir.fd(), &place.name, &original.name)
                    .map_err(|error| FixError::io(format!("put {path} back"), error))
            })?;
            return Ok(Outcome::NotDone);
        }
    }
    Ok(done(None))
}

/// Clears away what an interrupted operation left beside its subject: only its own temporary file, only where that is a
/// regular file, and only where the subject itself is there or was never to be replaced.
///
/// # Errors
/// Where it cannot be looked at or removed.
pub fn clear_temporary(access: &Access<'_>, intent: &Intent) -> Result<()> {
    let (Some(temporary), Op::Put { path, before, .. }) = (&intent.temporary, &intent.op) else { return Ok(()) };
    let is_ours = temporary.file_name().starts_with(".openclaw-doctor-") && temporary.parent() == path.parent();
    if !is_ours {
        return Err(FixError::journal("the journal names a temporary file that no doctor makes"));
    }
    let place = access.place(temporary)?;
    let Some(pin) = place.pin()? else { return Ok(()) };
    if pin.stamp.kind != EntryKind::File || before.is_some() && look(access, path)?.is_none() {
        return Err(FixError::refused(temporary, "is left over and may be the only copy; look at it"));
    }
    access.in_dir(&place, || {
        rustix::fs::unlinkat(place.dir.fd(), &place.name, AtFlags::empty())
            .map_err(|error| FixError::io(format!("clear away {temporary}"), error))
    })
}

fn look(access: &Access<'_>, path: &HostPath) -> Result<Option<Stamp>> {
    Ok(access.place(path)?.pin()?.map(|pin| pin.stamp))
}

/// With the digest, where it is a plain file.
fn look_inside(access: &Access<'_>, path: &HostPath) -> Result<Option<Stamp>> {
    let place = access.place(path)?;
    match place.pin()? {
        Some(pin) if pin.stamp.kind == EntryKind::File && pin.stamp.links == 1 => {
            access.full_stamp(&place, &pin).map(Some)
        }
        other => Ok(other.map(|pin| pin.stamp)),
    }
}
