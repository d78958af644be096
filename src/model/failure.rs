//! Exit code 2: what was asked could not be done. One clear sentence, and what to do.

use serde::Serialize;
use std::fmt;

/// Why a command could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// A word for scripts: `usage`, `no-such-file`, `no-installation`, `redaction`, `io`, `malformed`.
    pub kind: &'static str,
    /// One sentence with path and line where there is one.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failed system call on a path.
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { "no-such-file" } else { "io" };
        Self::new(kind, format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
