//! Facts about running processes that are, start, or imitate a gateway. Live hosts only.

use super::environment::Environment;
use super::service::Recognition;
use crate::model::plan::{Manager, ProcessId};
use crate::model::{Fact, HostPath, Product, Unknown};
use serde::{Deserialize, Serialize};

/// The processes that matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFacts {
    /// Gateways, node hosts, launchers and CLI runs.
    pub processes: Vec<ProcessFact>,
    /// How many processes were seen at all.
    pub seen: usize,
    /// Why some may be missing: `hidepid`, a pid namespace, a cap.
    pub blind: Vec<Unknown>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFact {
    /// Process id in the doctor's namespace.
    pub pid: u32,
    /// Parent; 1 is init (or the user manager for its services).
    pub ppid: u32,
    /// Real uid.
    pub uid: u32,
    /// Effective uid.
    pub euid: u32,
    /// Start time in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
    /// Start time.
    pub started: Fact<jiff::Timestamp>,
    /// What it is.
    pub role: ProcessRole,
    /// What says so.
    pub recognised_by: Recognition,
    /// Product, from the title or the arguments.
    pub product: Option<Product>,
    /// Kernel's short name (15 characters).
    pub comm: String,
    /// Arguments, secrets masked. A gateway has overwritten its own with a title (2026.2.19 and 2026.9.6, Linux).
    pub argv: Vec<String>,
    /// The executable, without ` (deleted)`.
    pub exe: Fact<HostPath>,
    /// Whether the executable was replaced or removed since (an upgrade of node).
    pub exe_deleted: bool,
    /// Current directory.
    pub cwd: Fact<HostPath>,
    /// Its root directory; other than `/` in a container or chroot.
    pub root: Fact<HostPath>,
    /// Where its cgroup places it.
    pub cgroup: Fact<CgroupPlace>,
    /// Its network namespace.
    pub network: Fact<Namespace>,
    /// Its mount namespace.
    pub mounts: Fact<Namespace>,
    /// Its pid namespace.
    pub pids: Fact<Namespace>,
    /// Its environment at the start, filtered, secrets as labels. Unknown for other accounts without privilege.
    pub environment: Fact<Environment>,
    /// Open descriptors now.
    pub open_files: Fact<u64>,
    /// Soft limit of open descriptors; `u64::MAX` is unlimited.
    pub open_files_limit: Fact<u64>,
    /// The directory of the OpenClaw package that it runs, from arguments or open files.
    pub package: Fact<HostPath>,
    /// Files that are open and were removed or replaced meanwhile, such as `openclaw.sqlite-wal`.
    pub deleted_files: Fact<Vec<HostPath>>,
    /// TCP ports that it listens on.
    pub ports: Fact<Vec<u16>>,
    /// SQLite databases that are open, such as `state/openclaw.sqlite`.
    pub databases: Fact<Vec<HostPath>>,
    /// Whether it is a zombie: ended and not yet collected by its parent.
    pub zombie: bool,
    /// Whether it is stopped by a signal or a debugger.
    pub stopped: bool,
}

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessRole {
    /// A gateway. The process that owns the port and the lock.
    Gateway,
    /// The parent that re-spawned itself as a gateway and waits for it (`openclaw.mjs`).
    Launcher,
    /// A node host.
    Node,
    /// Another run of the CLI, for example `openclaw devices list`.
    Cli,
}

/// Where a cgroup places a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupPlace {
    /// The path in the unified (or systemd's own) hierarchy.
    pub path: String,
    /// The service unit.
    pub unit: Option<UnitRef>,
    /// Id of the container, as Docker, containerd, Podman or LXC write it into the path.
    pub container: Option<String>,
}

/// A unit by manager and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnitRef {
    /// Its manager.
    pub manager: Manager,
    /// Its name, with suffix.
    pub name: String,
}

/// A namespace in relation to the doctor's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Namespace {
    /// Inode number of the namespace.
    pub id: u64,
    /// Whether it is the doctor's own.
    pub own: bool,
}

impl ProcessFact {
    /// What tells it apart from a process that later gets the same pid. `None` where the executable is unknown.
    pub fn identity(&self) -> Option<ProcessId> {
        let exe = self.exe.known()?.clone();
        Some(ProcessId { pid: self.pid, start_ticks: self.start_ticks, exe, uid: self.uid })
    }

    /// Whether it could be a gateway for all that may be seen: up to 2026.7 one can keep the bare title `openclaw`, and
    /// then only its listening sockets tell, which other accounts do not see.
    pub fn may_be_gateway(&self) -> bool {
        let bare = self.role == ProcessRole::Cli && self.recognised_by == Recognition::Title;
        self.role == ProcessRole::Gateway || bare && self.ports.why_unknown().is_some() && !self.argv_has_subcommand()
    }

    fn argv_has_subcommand(&self) -> bool {
        self.argv.first().is_some_and(|title| title.contains('-'))
    }

    /// The unit that it belongs to.
    pub fn unit(&self) -> Option<&UnitRef> {
        self.cgroup.known().and_then(|place| place.unit.as_ref())
    }

    /// Whether it lives in a container or network namespace of its own; `None` where unknown.
    pub fn elsewhere(&self) -> Option<bool> {
        if self.cgroup.known().is_some_and(|place| place.container.is_some()) {
            return Some(true);
        }
        self.network.known().map(|namespace| !namespace.own)
    }
}

impl ProcessFacts {
    /// Processes that own a gateway's port and lock.
    pub fn gateways(&self) -> impl Iterator<Item = &ProcessFact> {
        // A zombie has ended: it holds neither port nor state, and only waits for its parent to collect it. In containers
        // without an init that can be for ever.
        self.processes.iter().filter(|process| process.role == ProcessRole::Gateway && !process.zombie)
    }

    /// A process by pid.
    pub fn by_pid(&self, pid: u32) -> Option<&ProcessFact> {
        self.processes.iter().find(|process| process.pid == pid)
    }
}
