//! Why a fix did not happen. Every variant means that the step it stopped has changed nothing.

use crate::model::HostPath;
use std::fmt;
use std::io;

/// Why the engine did not do something.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    /// A subject is no longer what the plan was made for.
    #[error("stale plan: {what}")]
    Stale {
        /// What differs, naming the subject.
        what: String,
    },
    /// A guard forbids it, however often it is tried.
    #[error("refused: {why}")]
    Refused {
        /// Which guard, and what a person can do about it.
        why: String,
    },
    /// It needs rights that this run does not have.
    #[error("needs root: {what}")]
    NeedsRoot {
        /// What needs them.
        what: String,
    },
    /// A system call failed.
    #[error("{what}: {}", explain(.source))]
    Io {
        /// What was tried, on which path.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another fixer holds the lock.
    #[error("another openclaw-doctor is fixing or undoing here ({what}); wait for it and try again")]
    Busy {
        /// The lock.
        what: String,
    },
    /// The journal cannot be trusted or understood.
    #[error("journal: {what}")]
    Journal {
        /// What is wrong with it.
        what: String,
    },
    /// It was done, but the journal could not say so. The caller takes it back at once.
    #[error("{error}")]
    Unrecorded {
        /// What was done.
        deed: Box<super::actions::Deed>,
        /// Why the journal could not be written.
        error: Box<FixError>,
    },
    /// A command of a service manager failed.
    #[error("{what}")]
    Command {
        /// The command and what it printed.
        what: String,
    },
}

impl FixError {
    /// A subject changed since it was planned.
    pub fn stale(path: &HostPath, what: impl fmt::Display) -> Self {
        FixError::Stale { what: format!("{path} {what}") }
    }

    /// A guard says no about a path.
    pub fn refused(path: &HostPath, why: impl fmt::Display) -> Self {
        FixError::Refused { why: format!("{path} {why}") }
    }

    /// A guard says no.
    pub fn no(why: impl Into<String>) -> Self {
        FixError::Refused { why: why.into() }
    }

    /// A failed system call.
    pub fn io(what: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        FixError::Io { what: what.to_string(), source: source.into() }
    }

    /// A journal that cannot be used.
    pub fn journal(what: impl Into<String>) -> Self {
        FixError::Journal { what: what.into() }
    }

    /// A word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            FixError::Stale { .. } => "stale",
            FixError::Refused { .. } => "refused",
            FixError::NeedsRoot { .. } => "needs-root",
            FixError::Io { .. } => "io",
            FixError::Busy { .. } => "busy",
            FixError::Journal { .. } | FixError::Unrecorded { .. } => "journal",
            FixError::Command { .. } => "command",
        }
    }
}

/// The system's words, and for those that people meet while fixing, what they mean.
fn explain(error: &io::Error) -> String {
    use rustix::io::Errno;
    let more = match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => "; make room on that file system and try again, nothing was lost",
        Some(Errno::ROFS) => "; the file system is mounted read-only, so the change has to be made where it is built",
        Some(Errno::PERM) => "; an immutable or append-only attribute (lsattr) can be the reason",
        _ => "",
    };
    format!("{error}{more}")
}

/// The result of anything the engine does.
pub type Result<T, E = FixError> = std::result::Result<T, E>;
