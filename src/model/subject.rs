//! Subjects that collectors look at only where a check needs them.

use serde::Serialize;

/// A subject that collectors can look at. Configuration, files and accounts are always collected: nothing can be
/// judged without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The JSON device store and identity.
    Devices,
    /// The SQLite state.
    Database,
    /// Units and plists.
    Services,
    /// Processes.
    Processes,
    /// Listening sockets.
    Listeners,
    /// Lock files.
    Locks,
    /// Mounts and free space.
    Mounts,
    /// Logs.
    Logs,
    /// The gateway's own answer.
    Probe,
    /// Installed packages and Node.
    Programs,
    /// Clock and its synchronisation.
    Clock,
}
