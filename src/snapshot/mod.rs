//! The facts that collectors hand to the checks. Plain values: they can be stored, redacted, and judged elsewhere.

pub mod account;
pub mod clock;
pub mod config;
pub mod container;
pub mod device;
pub mod device_build;
pub mod device_key;
pub mod environment;
pub mod file;
pub mod identities;
pub mod installation;
pub mod json_text;
pub mod listener;
pub mod lock;
pub mod mount;
pub mod process;
pub mod program;
pub mod queue;
pub mod record;
pub mod scopes;
pub mod service;
pub mod store;
pub mod tree;

pub use installation::Installation;

use crate::model::{Fact, HostPath};
use serde::{Deserialize, Serialize};

/// Everything that one run knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of this form.
    pub schema: u32,
    /// The doctor that took it.
    pub tool_version: String,
    /// When it was taken.
    pub taken_at: jiff::Timestamp,
    /// The time to judge as of.
    pub as_of: jiff::Timestamp,
    /// What `as_of` was taken from, in words.
    pub as_of_from: String,
    /// The host as a whole.
    pub host: HostFacts,
    /// Who ran the doctor.
    pub run_as: RunAs,
    /// Options in use that a suggested command must repeat, as typed.
    pub repeat_options: Vec<String>,
    /// Where the host runs: container, WSL, init, user namespace.
    pub surroundings: container::Surroundings,
    /// Who called, and the accounts that matter.
    pub accounts: account::AccountFacts,
    /// The caller's environment, as far as OpenClaw reads it.
    pub caller_environment: Fact<environment::Environment>,
    /// Units and plists of gateways and node hosts.
    pub services: Fact<service::ServiceFacts>,
    /// Gateway-like processes.
    pub processes: Fact<process::ProcessFacts>,
    /// Listening sockets on the ports that matter.
    pub listeners: Fact<listener::ListenerFacts>,
    /// Lock files and lock directories.
    pub locks: Fact<lock::LockFacts>,
    /// Mounts and free space of the directories that matter.
    pub mounts: Fact<Vec<mount::MountFact>>,
    /// Installed packages and Node.
    pub programs: Fact<program::ProgramFacts>,
    /// Clock and its synchronisation.
    pub clock: Fact<clock::ClockFacts>,
    /// What the logs of the judged installation say.
    pub logs: Fact<crate::logs::LogSummary>,
    /// What the gateway itself answered.
    pub probe: Fact<crate::probe::ProbeFacts>,
    /// The installations found.
    pub installations: Vec<Installation>,
}

/// The form that this build writes.
pub const SCHEMA: u32 = 1;

/// The host as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    /// `linux`, `macos`, …
    pub os: String,
    /// `x86_64`, `aarch64`, …
    pub arch: String,
    /// The directory or archive of `--root`.
    pub root: Option<HostPath>,
    /// Whether facts come from the running host.
    pub live: bool,
    /// The host's name.
    pub name: Fact<String>,
}

/// Who ran the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAs {
    /// Effective uid.
    pub uid: u32,
    /// Whether it has root's rights.
    pub privileged: bool,
    /// The account behind `sudo` or `doas`.
    pub sudo_uid: Option<u32>,
}

impl Snapshot {
    /// The installation that is judged.
    pub fn selected(&self) -> Option<&Installation> {
        self.installations.iter().find(|installation| installation.selected)
    }

    /// Milliseconds since the epoch of the time to judge as of.
    pub fn as_of_ms(&self) -> i64 {
        self.as_of.as_millisecond()
    }
}
