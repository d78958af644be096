//! A fact is known, absent, or unknown with a reason. Unknown is never treated as absent or healthy.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something the collectors looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact<T> {
    /// It was read, and this is its value.
    Known(T),
    /// It was looked for and is proven not to be there.
    Absent,
    /// It could not be established.
    Unknown(Unknown),
}

/// Why a fact could not be established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// The class of the reason, for rules.
    pub kind: UnknownKind,
    /// One clause for a person, without secrets, e.g. `open /home/claw/.openclaw/devices: permission denied`.
    pub reason: String,
}

/// Classes of reasons why a fact is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownKind {
    /// The doctor itself lacks the right to read it.
    NoPermission,
    /// This operating system or file system does not offer it.
    Unsupported,
    /// Live facts do not exist below `--root` or in a snapshot.
    OfflineRoot,
    /// The time limit of the run or of this step was reached.
    TimedOut,
    /// It is there but is not in a form that can be understood.
    Malformed,
    /// It changed while it was read, so no reading can be trusted.
    Unstable,
    /// It was not asked for (`--only`, `--skip`, `--no-probe`).
    NotCollected,
    /// A cap on size, count or depth was reached.
    TooLarge,
    /// Reading it failed in another way.
    Failed,
}

impl Unknown {
    /// An unknown of the given kind with a reason for a person.
    pub fn new(kind: UnknownKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    /// The reason for live facts below `--root`. The words are fixed by the contract.
    pub fn offline_root() -> Self {
        Self::new(UnknownKind::OfflineRoot, "offline root")
    }

    /// The reason for a failed system call on `what`.
    pub fn from_io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => UnknownKind::NoPermission,
            std::io::ErrorKind::Unsupported => UnknownKind::Unsupported,
            std::io::ErrorKind::TimedOut => UnknownKind::TimedOut,
            _ => UnknownKind::Failed,
        };
        Self::new(kind, format!("{what}: {error}"))
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl<T> Fact<T> {
    /// An unknown fact of the given kind.
    pub fn unknown(kind: UnknownKind, reason: impl Into<String>) -> Self {
        Fact::Unknown(Unknown::new(kind, reason))
    }

    /// The value, if known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Fact::Known(value) => Some(value),
            Fact::Absent | Fact::Unknown(_) => None,
        }
    }

    /// Why the fact is unknown, if it is.
    pub fn why_unknown(&self) -> Option<&Unknown> {
        match self {
            Fact::Unknown(why) => Some(why),
            Fact::Known(_) | Fact::Absent => None,
        }
    }

    /// Borrows the value inside.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Fact::Known(value) => Fact::Known(value),
            Fact::Absent => Fact::Absent,
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
        }
    }

    /// Applies `f` to a known value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Fact::Known(value) => Fact::Known(f(value)),
            Fact::Absent => Fact::Absent,
            Fact::Unknown(why) => Fact::Unknown(why),
        }
    }

    /// True only where the absence is proven.
    pub fn is_absent(&self) -> bool {
        matches!(self, Fact::Absent)
    }
}

impl<T> From<Option<T>> for Fact<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Fact::Absent, Fact::Known)
    }
}
