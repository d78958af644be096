//! The user's own rules: declarative checks and log signatures from files in the config directory (`docs/own-checks.md`).
//!
//! They are read once, before anything is judged, and then stand beside the built-in checks for the life of the process:
//! in `list`, `explain`, `--only` and every report.

mod condition;
mod declared;
pub mod files;
mod parse;
pub mod signatures;
mod value;

pub use parse::{MOST_BYTES, MOST_CHECKS, OwnError, checks};

use super::Check;
use std::sync::OnceLock;

/// Every id of a check of one's own begins so, now and in every later release: built-in ids never do.
pub const PREFIX: &str = "my-";

/// What was read from the config directory.
#[derive(Default)]
pub struct Own {
    /// The checks, in the order of files and of entries in them.
    pub checks: Vec<&'static dyn Check>,
    /// What could not be used. Nothing else of that file is.
    pub problems: Vec<OwnError>,
    /// Ids of the user's own signatures.
    pub signatures: Vec<String>,
    /// Files that some check asks about.
    pub files: Vec<String>,
}

static OWN: OnceLock<Own> = OnceLock::new();

/// Puts the user's own rules in place. Only the first call counts; `false` for a later one.
pub fn install(own: Own) -> bool {
    OWN.set(own).is_ok()
}

/// What is in place: nothing, unless [`install`] was called.
pub fn installed() -> &'static Own {
    static NONE: Own = Own { checks: Vec::new(), problems: Vec::new(), signatures: Vec::new(), files: Vec::new() };
    OWN.get().unwrap_or(&NONE)
}
