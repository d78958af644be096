//! Plans: typed actions with subject, before, after, reason and inverse. Printing a plan is the dry run.

use super::HostPath;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far a machine may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// Only a person can do it: secrets, remote hosts, judgement.
    Manual,
    /// Changes behaviour or resets pairings; always asks.
    Unsafe,
    /// Restores what OpenClaw itself would have; loses nothing.
    Safe,
}

/// What the running gateway must be doing while the plan is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayDuring {
    /// It may run or not.
    Any,
    /// It must be stopped through its own supervisor first, and what ran before is restored afterwards.
    Stopped,
}

/// Bytes of a file that a plan wants. They may hold tokens: neither `Debug` nor `Serialize` shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(pub Vec<u8>);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// A service manager that a unit belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    /// `systemd --system`.
    SystemdSystem,
    /// The `systemd --user` manager of an account.
    SystemdUser {
        /// The account's uid.
        uid: u32,
    },
    /// A launchd domain, such as `gui/501` or `system`.
    Launchd {
        /// The domain target.
        domain: String,
    },
}

/// A process by everything that tells it apart from one that later got the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Process id in the doctor's namespace.
    pub pid: u32,
    /// Start time in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
    /// The executable.
    pub exe: HostPath,
    /// Real uid.
    pub uid: u32,
}

#[allow(missing_docs)] // the fields are named for what they are; each variant says what is done
/// One change. Every variant has an inverse in the closed set that the journal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Give an entry to an account; links are re-owned themselves, never followed.
    Chown { path: HostPath, uid: u32, gid: u32 },
    /// Set permission bits (only ever narrower, or the owner's own bits).
    Chmod { path: HostPath, mode: u32 },
    /// Clear the immutable or append-only attribute.
    ClearAttributes { path: HostPath, immutable: bool, append_only: bool },
    /// Replace a file's contents; `diff` is what is shown, with secrets masked.
    Replace { path: HostPath, content: Content, diff: String },
    /// Create a file that is not there.
    Create { path: HostPath, content: Content, mode: u32, diff: String },
    /// Rename a file to a free name beside it.
    SetAside { path: HostPath, to: HostPath },
    /// Remove a file that is proven to be a leftover; a backup is kept.
    Remove { path: HostPath },
    /// Disable and stop one unit through its own manager.
    DisableUnit { manager: Manager, unit: String, mask: bool },
    /// Clear the failed state of one unit, so that it may start again.
    ResetFailedUnit { manager: Manager, unit: String },
    /// Stop one unit through its own manager.
    StopUnit { manager: Manager, unit: String },
    /// Start one unit through its own manager.
    StartUnit { manager: Manager, unit: String },
    /// End one process: TERM first, by pidfd, after checking who it is.
    EndProcess { process: ProcessId },
    /// Delete one row of the state database (gateway stopped, as the account).
    DeleteRow { database: HostPath, table: String, key_column: String, key: String },
}

/// An action with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Why, one clause.
    pub reason: String,
}

/// What a check proposes for one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The finding's fingerprint.
    pub finding: String,
    /// The finding's check.
    pub check_id: String,
    /// The finding's code.
    pub code: String,
    /// The installation it acts on.
    pub installation: Option<String>,
    /// How far a machine may go.
    pub applicability: Applicability,
    /// One line.
    pub summary: String,
    /// What must be said before anything else, for example "do not start the gateway before this fix".
    pub first: Vec<String>,
    /// The changes, in order. Empty for a manual plan.
    pub steps: Vec<Step>,
    /// What a person does, in order: before confirming (`Manual`) or after the steps.
    pub manual: Vec<String>,
    /// What the gateway must be doing meanwhile.
    pub gateway: GatewayDuring,
}

impl Plan {
    /// A plan without machine steps.
    pub fn manual(finding: &super::Finding, summary: impl Into<String>, manual: Vec<String>) -> Self {
        Self {
            applicability: Applicability::Manual,
            manual,
            ..Self::of(finding, Applicability::Manual, summary, Vec::new())
        }
    }

    /// A plan with steps.
    pub fn of(
        finding: &super::Finding,
        applicability: Applicability,
        summary: impl Into<String>,
        steps: Vec<Step>,
    ) -> Self {
        Self {
            finding: finding.fingerprint.clone(),
            check_id: finding.check_id.clone(),
            code: finding.code.clone(),
            installation: finding.installation.clone(),
            applicability,
            summary: summary.into(),
            first: Vec::new(),
            steps,
            manual: Vec::new(),
            gateway: GatewayDuring::Any,
        }
    }
}
