//! What the engine needs from the rest of the doctor. The command line implements it over collect, checks and diagnosis;
//! tests implement it by hand.

use super::lower::Territory;
use crate::cli::Failure;
use crate::model::{Fact, Finding, Manager, Plan, ProcessId, SecretVault, Unknown};
use std::path::{Path, PathBuf};

/// What runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gateway {
    /// Proven: no gateway uses this installation's state.
    Stopped,
    /// A service manager runs it.
    Unit {
        /// Whose unit.
        manager: Manager,
        /// Its full name.
        unit: String,
    },
    /// Somebody started it by hand, or it is left over from a service. The doctor can end it but not start it again.
    Loose {
        /// The process that holds the state.
        process: ProcessId,
        /// How a person starts it again: a command for display, never run.
        start: String,
    },
    /// It could not be established.
    Unknown(Unknown),
    /// Below `--root` nobody can tell; the plan says so.
    Offline,
}

/// What was found after fixing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recheck {
    /// All findings, not only those that were to be fixed.
    pub findings: Vec<Finding>,
    /// Why nobody may call the installation healthy, if so.
    pub inconclusive: Option<String>,
}

/// The doctor around the engine.
pub trait World {
    /// Collects, checks and plans. `wanted` are ids of checks, codes or causes; empty for all.
    ///
    /// # Errors
    /// Unknown ids, no installation, and whatever keeps the doctor from looking.
    fn plans(&self, wanted: &[String]) -> Result<Vec<Plan>, Failure>;

    /// Collects and checks again, after something was changed.
    ///
    /// # Errors
    /// As [`World::plans`].
    fn recheck(&self) -> Result<Recheck, Failure>;

    /// What `--root` named, if anything.
    fn root(&self) -> Option<&Path>;

    /// Where plans for an installation may act; unknown where the account cannot be derived.
    fn territory(&self, installation: Option<&str>) -> Fact<Territory>;

    /// What runs now for an installation, looked at afresh.
    fn gateway(&self, installation: Option<&str>) -> Gateway;

    /// All secrets that were read, so that none is shown.
    fn secrets(&self) -> &SecretVault;

    /// Home of the gateway's account in the host's view, for the journal of an unprivileged run below `--root`.
    fn home(&self) -> Option<PathBuf>;

    /// The options in use, quoted for a shell, to repeat them in commands that are suggested. May be empty.
    fn options(&self) -> String;
}
