//! Facts about the host's clock.

use crate::model::{Fact, HostPath};
use serde::{Deserialize, Serialize};

/// The host's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// The time when facts were collected.
    pub now: jiff::Timestamp,
    /// Whether the kernel counts the clock as synchronised (`adjtimex`). Live Linux only.
    pub synchronised: Fact<bool>,
    /// The kernel's estimate of the error in milliseconds, where it is synchronised.
    pub error_ms: Fact<u64>,
    /// The newest time that a time service left on disk (systemd-timesyncd, chrony): a clock before it has gone back.
    pub last_sync: Fact<LastSync>,
    /// When the host was started.
    pub booted: Fact<jiff::Timestamp>,
}

/// A trace of a time service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSync {
    /// The file.
    pub path: HostPath,
    /// Its modification time.
    pub time: jiff::Timestamp,
}
