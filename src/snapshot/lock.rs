//! Facts about lock files and the shared temporary directories (host-by-release 3.2 and 5.1).

use super::service::Unread;
use crate::model::file::Meta;
use crate::model::{Fact, HostPath, Product};
use serde::{Deserialize, Serialize};

/// Locks and temporary directories.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFacts {
    /// Lock directories that exist.
    pub directories: Vec<LockDirectory>,
    /// Lock files and reclaim markers in them.
    pub locks: Vec<Lock>,
    /// Log and temporary directories under `/tmp` and `$TMPDIR` that exist: `openclaw`, `openclaw-UID`, `clawdbot`.
    pub temp_directories: Vec<TempDirectory>,
    /// Places that could not be read; where this is not empty, no lock means nothing.
    pub unread: Vec<Unread>,
}

/// A directory that holds gateway locks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockDirectory {
    /// The directory.
    pub path: HostPath,
    /// Owner and mode of the entry itself, not of what a link leads to.
    pub meta: Meta,
    /// Whether it lies in a state directory (from 2026.8.1) or under the temporary directory (before).
    pub in_state: bool,
    /// The uid in its name, if it has one.
    pub uid_in_name: Option<u32>,
}

/// A lock file, or a directory that serves as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The file or directory.
    pub path: HostPath,
    /// Owner and mode.
    pub meta: Meta,
    /// Which lock it is.
    pub kind: LockKind,
    /// The config path that its name's hash belongs to, among the paths that were offered.
    pub config: Option<HostPath>,
    /// What it says. Absent for directories and for the empty `.sqlite` files.
    pub owner: Fact<LockOwner>,
    /// What is known of the process that it names.
    pub process: Fact<LockProcess>,
}

/// Kinds of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// `gateway.HASH.lock`: one gateway per configuration path.
    Config,
    /// `gateway.state.lock`: one gateway per state directory (from 2026.8.1).
    State,
    /// `*.lock.reclaim`: somebody began to take over a lock and did not end.
    Reclaim,
    /// `openclaw.json.clobber.lock`, a directory (from 2026.3.24).
    Clobber,
    /// `*.lock.sqlite`: empty, held by SQLite locks; its existence means nothing.
    Handle,
    /// Another `*.lock`.
    Other,
}

/// The first JSON value of a lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The process.
    pub pid: Option<u32>,
    /// When it was made.
    pub created: Option<jiff::Timestamp>,
    /// The configuration that it is for.
    pub config_path: Option<HostPath>,
    /// The state directory (from 2026.8.1).
    pub state_dir: Option<HostPath>,
    /// The port (from 2026.7.1).
    pub port: Option<u16>,
    /// Start time of the process in clock ticks since boot (Linux).
    pub start_ticks: Option<u64>,
    /// `agent-embedded`, `sqlite-maintenance`, `skill-workshop-apply`; `None` is a gateway.
    pub role: Option<String>,
}

/// The process that a lock names, judged as OpenClaw judges it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockProcess {
    /// No process has that pid.
    Gone,
    /// The pid belongs to a process that started at another time.
    OtherProcess {
        /// Its short name.
        comm: String,
    },
    /// It runs, and its start time is the lock's.
    Alive {
        /// Its real uid.
        uid: u32,
        /// Whether its title or arguments are a gateway's. Up to 2026.3.2 OpenClaw does not know its own title.
        gateway: bool,
    },
    /// It runs; the lock has no start time, so only the arguments speak.
    AliveUnproven {
        /// Its real uid.
        uid: u32,
        /// Whether its title or arguments are a gateway's.
        gateway: bool,
        /// Its short name.
        comm: String,
    },
}

/// A temporary or log directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TempDirectory {
    /// The directory.
    pub path: HostPath,
    /// Owner and mode of the entry itself, not of what a link leads to.
    pub meta: Meta,
    /// The product that uses the name.
    pub product: Product,
    /// The uid in its name; `None` is the shared one, which belongs to whoever came first.
    pub uid_in_name: Option<u32>,
}

impl TempDirectory {
    /// Whether this account would use it for its log (from 2026.2.17): a real directory, its own, closed to others'
    /// writing. Otherwise OpenClaw turns to `$TMPDIR/openclaw-UID`.
    pub fn usable_by(&self, uid: u32) -> bool {
        self.meta.kind == crate::model::file::EntryKind::Directory
            && self.meta.uid == uid
            && self.meta.mode & 0o022 == 0
    }
}

impl LockProcess {
    /// Whether the lock is proven to be held by nobody.
    pub fn is_dead(&self) -> bool {
        matches!(self, LockProcess::Gone | LockProcess::OtherProcess { .. })
    }
}
