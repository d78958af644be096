//! What the engine needs to know of the host. The command line implements it over the collectors; tests by hand.

use super::lower::Territory;
use crate::model::{Fact, Manager, ProcessId, SecretVault, Unknown};
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

/// What the engine asks of the host. Looked at afresh each time where it says so.
pub trait Host {
    /// What `--root` named, if anything.
    fn root(&self) -> Option<&Path>;

    /// Where plans for an installation may act; unknown where the account cannot be derived.
    fn territory(&self, installation: Option<&str>) -> Fact<Territory>;

    /// What runs now for an installation, looked at afresh.
    fn gateway(&self, installation: Option<&str>) -> Gateway;

    /// Why the gateway's service is not for the doctor to stop or change, where somebody else supervises it.
    fn external_supervisor(&self, _installation: Option<&str>) -> Option<String> {
        None
    }

    /// All secrets that were read, so that none is shown.
    fn secrets(&self) -> &SecretVault;

    /// Home of the gateway's account in the host's view, for the journal of an unprivileged run below `--root`.
    fn home(&self) -> Option<PathBuf>;
}
