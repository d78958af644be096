//! Finding out what became of operations whose result was never recorded, because the doctor was killed or the machine
//! went down between the two lines of the journal. Each can have happened, or not, or (owner and mode) half.

use super::access::Access;
use super::error::{FixError, Result};
use super::fingerprint::Stamp;
use super::inverse::database_files;
use super::journal::Action;
use super::op::{After, Intent, Op, UnitChange, UnitState};
use super::sys;
use crate::collect::source::EntryKind;
use crate::model::HostPath;
use rustix::fs::AtFlags;
use std::os::fd::AsFd;

/// What became of an operation. Finding out changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It did not happen; nothing is to be taken back.
    NotDone,
    /// The entry was renamed to the temporary name to be removed, and is still there: [`settle`] puts it back.
    Parked,
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
            None if is_parked(access, intent, before)? => Outcome::Parked,
            None => done(None),
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
        // Units are asked for with `unit_outcome`; a gateway is started again by whoever takes the run back; a process
        // that was ended stays ended.
        Op::Unit { .. } | Op::Gateway { .. } | Op::EndProcess { .. } => Outcome::NotDone,
        Op::DeleteRow { database, .. } => row(access, intent, database)?,
    };
    Ok(found)
}

/// Whether a change of a unit happened, by what its manager says now.
pub fn unit_outcome(change: UnitChange, before: &UnitState, now: UnitState) -> Outcome {
    let masked = |state: &UnitState| state.enabled.starts_with("masked");
    let happened = match change {
        UnitChange::Disable => before.starts_by_itself() && !now.starts_by_itself(),
        UnitChange::Enable => !before.starts_by_itself() && now.starts_by_itself(),
        UnitChange::Stop => before.runs() && !now.runs(),
        UnitChange::Start => !before.runs() && now.runs(),
        UnitChange::Mask => !masked(before) && masked(&now),
        UnitChange::Unmask => masked(before) && !masked(&now),
        UnitChange::ResetFailed => before.active == "failed" && now.active != "failed",
    };
    if happened { Outcome::Done(Box::new(After { unit: Some(now), ..After::default() })) } else { Outcome::NotDone }
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

fn is_parked(access: &Access<'_>, intent: &Intent, before: &Stamp) -> Result<bool> {
    let Some(temporary) = &intent.temporary else { return Ok(false) };
    Ok(look(access, temporary)?.is_some_and(|now| now.same_inode(before)))
}

/// Puts right what an interrupted operation left beside its subject: an entry that was about to be removed gets its name
/// back, and a half-made file goes.
///
/// # Errors
/// Where it cannot be looked at or changed, and where the journal names what no doctor makes.
pub fn settle(access: &Access<'_>, intent: &Intent) -> Result<()> {
    let Some(temporary) = &intent.temporary else { return Ok(()) };
    let path = match &intent.op {
        Op::Put { path, .. } | Op::Remove { path, .. } | Op::Unlink { path, .. } => path,
        _ => return Ok(()),
    };
    if !temporary.file_name().starts_with(".openclaw-doctor-") || temporary.parent() != path.parent() {
        return Err(FixError::journal("the journal names a temporary file that no doctor makes"));
    }
    let place = access.place(temporary)?;
    let Some(pin) = place.pin()? else { return Ok(()) };
    match &intent.op {
        Op::Remove { before, .. } | Op::Unlink { before, .. } if pin.stamp.same_inode(before) => {
            let original = access.place(path)?;
            access.in_dir(&place, || {
                sys::rename_to_free(place.dir.fd(), &place.name, &original.name)
                    .map_err(|error| FixError::io(format!("put {path} back"), error))
            })
        }
        Op::Put { before, .. } => {
            if pin.stamp.kind != EntryKind::File || before.is_some() && look(access, path)?.is_none() {
                return Err(FixError::refused(temporary, "is left over and may be the only copy; look at it"));
            }
            access.in_dir(&place, || {
                rustix::fs::unlinkat(place.dir.fd(), &place.name, AtFlags::empty())
                    .map_err(|error| FixError::io(format!("clear away {temporary}"), error))
            })
        }
        _ => Ok(()),
    }
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
