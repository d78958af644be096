//! Applying one operation: look, compare with the fingerprint, back up, write the intent, act, look again, write the
//! result. One file per family.

mod flags;
mod link;
mod meta;
pub mod process;
mod put;
mod remove;
mod rename;
pub mod row;
pub mod unit;

pub use meta::may_be_given;

use super::access::{Access, read_xattrs};
use super::error::{FixError, Result};
use super::fingerprint::{FileTime, Stamp};
use super::journal::{Ledger, TransactionId, Vault};
use super::machine::Machine;
use super::op::{After, DirTime, Intent, Kept, Op, Supply, Task};
use super::sys;
use super::walk::{Dir, Pin, Place};
use crate::model::HostPath;
use rustix::fs::{Timespec, Timestamps};
use std::ffi::OsString;
use std::io::Read;

/// Files larger than this are not backed up and so not replaced or removed (databases are the only large ones).
const MOST_BACKUP_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// Why an operation is done, which decides what it may do.
#[derive(Debug, Clone, Copy)]
pub enum Purpose<'a> {
    /// A plan is applied.
    Fix,
    /// A transaction of this vault is taken back.
    Undo(&'a Vault, &'a TransactionId),
}

/// What every operation needs.
pub struct Hands<'a> {
    /// The way to the subjects.
    pub access: Access<'a>,
    /// Why it is done.
    pub purpose: Purpose<'a>,
    /// The running machine, where there is one.
    pub machine: &'a Machine,
}

/// An operation that has been done.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Its number in the journal.
    pub n: u64,
    /// What was announced.
    pub intent: Intent,
    /// What came of it.
    pub after: After,
}

impl Hands<'_> {
    /// Applies one task. On an error nothing has changed.
    ///
    /// # Errors
    /// Everything that the guards refuse, a stale subject, a failed system call, a journal that cannot be written.
    pub fn apply(&self, ledger: &mut Ledger, task: &Task) -> Result<Deed> {
        match &task.op {
            Op::Meta { items } => self.meta(ledger, items),
            Op::Flags { path, before, was, to } => self.flags(ledger, path, before, *was, *to),
            Op::Put { path, before, image } => self.put(ledger, path, before.as_ref(), image, task),
            Op::Remove { path, before } => self.remove(ledger, path, before, task),
            Op::Rename { path, to, before } => self.rename(ledger, path, to, before, task),
            Op::Link { path, target, uid, gid, .. } => self.link(ledger, path, target, (*uid, *gid), task),
            Op::Unlink { path, target, before } => self.unlink(ledger, path, target, before, task),
            Op::Unit { .. } | Op::Gateway { .. } => self.unit(ledger, &task.op),
            Op::EndProcess { process, kill } => self.end_process(ledger, process, *kill),
            Op::DeleteRow { database, before, .. } => self.delete_row(ledger, database, before, task),
        }
    }

    /// Whether root's rights may be used for what only an undo may do.
    fn is_undo(&self) -> bool {
        matches!(self.purpose, Purpose::Undo(..))
    }

    /// Announces, acts, makes the names in `durable`'s directory durable, and records the result. `act` must have
    /// changed nothing when it fails.
    fn journalled(
        &self,
        ledger: &mut Ledger,
        intent: Intent,
        durable: Option<&Place>,
        act: impl FnOnce() -> Result<After>,
    ) -> Result<Deed> {
        let n = ledger.intent(&intent)?;
        match act() {
            Ok(after) => {
                let deed = Deed { n, intent, after };
                let synced =
                    durable.map_or(Ok(()), |place| self.access.in_dir(place, || sync_dir(&place.dir, &place.path)));
                match synced.and_then(|()| ledger.done(n, &deed.after)) {
                    Ok(()) => Ok(deed),
                    Err(error) => Err(FixError::Unrecorded { deed: Box::new(deed), error: Box::new(error) }),
                }
            }
            Err(error) => {
                // Where even this cannot be written, recovery finds out by looking.
                let _ = ledger.failed(n, &error.to_string());
                Err(error)
            }
        }
    }

    /// A name for a temporary file beside a subject.
    fn temporary(&self, ledger: &Ledger) -> OsString {
        OsString::from(format!(".openclaw-doctor-{}-{}.tmp", ledger.id, ledger.next_number()))
    }

    /// Copies a pinned file into the backups.
    fn keep(&self, ledger: &mut Ledger, place: &Place, pin: &Pin, stamp: &Stamp) -> Result<Kept> {
        if stamp.size > MOST_BACKUP_BYTES {
            return Err(FixError::refused(&place.path, "is too large to be backed up"));
        }
        let file = self.access.open_pinned(place, pin)?;
        let xattrs = read_xattrs(&file, &place.path)?;
        ledger.keep(&place.path, stamp, xattrs, file.take(MOST_BACKUP_BYTES))
    }

    /// Sets a directory's time back after an inverse operation, where nobody else changed the directory before it.
    fn restore_dir_time(&self, place: &Place, before: Option<FileTime>, wanted: Option<DirTime>) {
        let Some(wanted) = wanted.filter(|wanted| before == Some(wanted.expected)) else { return };
        // The time of a directory is a nicety: where it cannot be set, the undo is whole without it.
        let _ = self.access.in_dir(place, || {
            let fd = sys::open_dir(place.dir.fd()).map_err(|error| FixError::io("open a directory", error))?;
            let atime = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
            let times = Timestamps { last_access: atime, last_modification: timespec(wanted.set) };
            rustix::fs::futimens(&fd, &times).map_err(|error| FixError::io("set a directory's time", error))
        });
    }

    /// The bytes of a task.
    fn supply(&self, supply: &Supply) -> Result<Box<dyn Read>> {
        match (supply, self.purpose) {
            (Supply::Bytes(bytes), _) => Ok(Box::new(std::io::Cursor::new(std::sync::Arc::clone(bytes)))),
            (Supply::Blob(blob), Purpose::Undo(vault, id)) => Ok(Box::new(vault.open_blob(id, blob)?)),
            (Supply::Blob(_) | Supply::Nothing, _) => Err(FixError::journal("the new contents are missing")),
        }
    }
}

/// Modification time of a directory now.
fn dir_mtime(dir: &Dir) -> Option<FileTime> {
    Stamp::of(dir.fd()).ok().map(|stamp| stamp.mtime)
}

fn timespec(time: FileTime) -> Timespec {
    Timespec { tv_sec: time.s, tv_nsec: time.n.into() }
}

/// Makes the names of a directory durable. A directory that the account may write but not read cannot be synced.
fn sync_dir(dir: &Dir, path: &HostPath) -> Result<()> {
    match sys::open_dir(dir.fd()).and_then(|fd| rustix::fs::fsync(&fd).map_err(std::io::Error::from)) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        other => other.map_err(|error| FixError::io(format!("sync the directory of {path}"), error)),
    }
}
