//! One fixer at a time: an advisory lock on the vault, and one on each state directory, because root and the account
//! have different vaults.

use crate::fix::error::{FixError, Result};
use crate::model::HostPath;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// A held lock; it ends with the value, or with the process.
#[derive(Debug)]
pub struct Lock {
    _held: OwnedFd,
}

impl Lock {
    /// Takes the lock on an opened file or directory, without waiting.
    ///
    /// # Errors
    /// [`FixError::Busy`] where another process holds it.
    pub fn take(file: impl Into<OwnedFd>, path: &HostPath) -> Result<Self> {
        let held = file.into();
        match rustix::fs::flock(held.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _held: held }),
            Err(Errno::WOULDBLOCK) => Err(FixError::Busy { what: format!("{path} is locked") }),
            Err(error) => Err(FixError::io(format!("lock {path}"), error)),
        }
    }
}
