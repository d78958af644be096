//! One fixer at a time: an advisory lock on the vault, and one on each state directory, because root and the account
//! have different vaults.

use crate::collect::source::EntryKind;
use crate::fix::error::{FixError, Result};
use crate::fix::rights::Actor;
use crate::fix::sys;
use crate::fix::walk::{Base, Last, Links, Top, Walker};
use crate::model::HostPath;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Long enough for another run's last lines.
const PATIENCE: Duration = Duration::from_millis(500);

/// A held lock; it ends with the value, or with the process.
#[derive(Debug)]
pub struct Lock {
    _held: OwnedFd,
}

impl Lock {
    /// Takes the lock on an opened file or directory, waiting no longer than a fixer takes that is just ending.
    ///
    /// # Errors
    /// [`FixError::Busy`] where another process holds it.
    pub fn take(file: impl Into<OwnedFd>, path: &HostPath) -> Result<Self> {
        let held = file.into();
        let end = Instant::now() + PATIENCE;
        loop {
            match rustix::fs::flock(held.as_fd(), FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _held: held }),
                Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
                Err(Errno::WOULDBLOCK) => return Err(FixError::Busy { what: format!("{path} is locked") }),
                Err(error) => return Err(FixError::io(format!("lock {path}"), error)),
            }
        }
    }
}

/// Locks on the state directories of a transaction, each directory once however many names lead to it.
#[derive(Debug, Default)]
pub struct StateLocks {
    held: Vec<Lock>,
    seen: Vec<(u64, u64)>,
}

impl StateLocks {
    /// Locks what of these is a directory. One that is not there, or that this account cannot open, is passed over:
    /// whoever cannot open it changes nothing in it either.
    ///
    /// # Errors
    /// [`FixError::Busy`] where another fixer is at work there.
    pub fn take(&mut self, top: &Top, actor: &Actor, bases: &[Base]) -> Result<()> {
        for base in bases {
            let walker = Walker { top, actor, bases: std::slice::from_ref(base), narrowed: &[] };
            let Ok(place) = walker.locate(&base.path, Last::Follow, Links::Judge) else { continue };
            let Ok(Some(pin)) = place.pin() else { continue };
            let identity = (pin.stamp.dev, pin.stamp.ino);
            if pin.stamp.kind != EntryKind::Directory || self.seen.contains(&identity) {
                continue;
            }
            if let Ok(dir) = sys::open_dir(pin.into_dir().fd()) {
                self.held.push(Lock::take(dir, &base.path)?);
                self.seen.push(identity);
            }
        }
        Ok(())
    }
}
