//! Facts about service units that start a gateway or a node host: systemd units and launchd plists, from the files, and
//! what their manager says where it answers.

use super::environment::{EnvFile, Environment, Place, Sited};
use crate::model::file::Meta;
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath, Product, Release, Unknown};
use serde::{Deserialize, Serialize};

/// All units that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFacts {
    /// Gateway and node units, and units that only bear such a name (`kind` says which).
    pub units: Vec<ServiceUnit>,
    /// Files beside units that OpenClaw or a person left, such as `clawdbot-gateway.service.bak`.
    pub leftovers: Vec<HostPath>,
    /// Other supervisors that start a gateway: cron, pm2, compose, supervisord.
    pub supervisors: Vec<OtherSupervisor>,
    /// Whether each manager answered.
    pub managers: Vec<ManagerFact>,
    /// Directories and files that could not be read.
    pub unread: Vec<Unread>,
}

/// A place that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The directory or file.
    pub path: HostPath,
    /// Why.
    pub why: Unknown,
}

/// Whether a service manager answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerFact {
    /// Which one.
    pub manager: Manager,
    /// Known: it answered. Absent: it is proven not to run (no systemd, no user session). Else the reason.
    pub answers: Fact<()>,
}

/// One unit (systemd) or job (launchd).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceUnit {
    /// The manager that it belongs to.
    pub manager: Manager,
    /// Name with `.service`, or the launchd label.
    pub name: String,
    /// The file that counts.
    pub path: HostPath,
    /// Owner and mode of that file, links followed.
    pub meta: Fact<Meta>,
    /// Files of the same name in directories that count less.
    pub shadowed: Vec<HostPath>,
    /// Drop-ins in the order in which they are applied.
    pub drop_ins: Vec<HostPath>,
    /// Whether it starts a gateway, a node host, or something else under such a name.
    pub kind: UnitKind,
    /// What says so.
    pub recognised_by: Recognition,
    /// The product whose program it starts; else the one its name has.
    pub product: Option<Product>,
    /// Whether the name is one that only older products used (`clawdbot-`, `moltbot-`, `moltx-`, `com.clawdbot.`, …).
    pub legacy_name: bool,
    /// The profile, from `OPENCLAW_PROFILE` or `--profile`, else from the unit's name. `None` is the default profile.
    pub profile: Option<String>,
    /// `User=` or `UserName`, as written (a name or a number).
    pub user: Option<Sited<String>>,
    /// `Group=` or `GroupName`.
    pub group: Option<Sited<String>>,
    /// Owner of the home that holds the file, for user units.
    pub home_owner: Option<u32>,
    /// What is started, in order. Secrets in arguments are masked.
    pub exec: Vec<ExecLine>,
    /// The JavaScript entry or the `openclaw` program among the arguments, links not resolved.
    pub entry: Option<HostPath>,
    /// Port: `--port`, else `OPENCLAW_GATEWAY_PORT`. `None`: the configuration decides.
    pub port: Option<Sited<UnitPort>>,
    /// `HOME` that the program will see: `Environment=`, else the home of the account.
    pub home: Option<Sited<HostPath>>,
    /// `OPENCLAW_STATE_DIR` (or an older name).
    pub state_dir: Option<Sited<HostPath>>,
    /// `OPENCLAW_CONFIG_PATH` (or an older name).
    pub config_path: Option<Sited<HostPath>>,
    /// `WorkingDirectory=`
    pub working_directory: Option<Sited<String>>,
    /// What the program will see: `Environment=`, overridden by environment files, without unset names.
    pub environment: Environment,
    /// Every setting of a secret in lines and files, also those that later ones override.
    pub held_secrets: Vec<super::environment::EnvVar>,
    /// `EnvironmentFile=` files in order.
    pub environment_files: Vec<EnvFile>,
    /// `UnsetEnvironment=`
    pub unset_environment: Vec<Sited<String>>,
    /// Restart and stop settings.
    pub settings: ServiceSettings,
    /// The release that the unit says it was made by: `OPENCLAW_SERVICE_VERSION` (until 2026.7.35), or `vX` in the
    /// description.
    pub service_version: Option<Sited<Release>>,
    /// Whether it starts by itself.
    pub enabled: Fact<Enabled>,
    /// Linked to `/dev/null`, or empty: it cannot be started.
    pub masked: bool,
    /// Log files that the unit names (launchd `StandardOutPath`, `StandardErrorPath`; systemd `append:`, `file:`).
    pub logs: Vec<Sited<HostPath>>,
    /// What the manager says.
    pub live: Fact<UnitState>,
    /// Parts that could not be read or understood, so that the fields above may lack something.
    pub unread: Vec<Unread>,
}

/// What a unit starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitKind {
    /// A gateway.
    Gateway,
    /// A node host (`openclaw node …`), which is a client of a gateway.
    Node,
    /// Something else under a name of ours, for example `openclaw-backup.service`.
    Other,
    /// The file could not be read or holds no command, so that nothing is known but the name.
    Unclear,
}

/// What told the kind of a unit or process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recognition {
    /// The arguments: a subcommand together with an entry of the product (host-by-release 3.1).
    Arguments,
    /// `OPENCLAW_SERVICE_MARKER` and `OPENCLAW_SERVICE_KIND`.
    Markers,
    /// The title that a process gave itself.
    Title,
    /// A process with the bare title `openclaw` that listens: up to 2026.7 a gateway started as `openclaw gateway` may
    /// keep that title (seen with 2026.6.11), and no other command listens under it.
    Listening,
    /// Only the name.
    Name,
}

/// A port setting of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitPort {
    /// The number, where the text is one (from 2026.3.24 also `host:port`).
    pub port: Option<u16>,
    /// The text.
    pub text: String,
    /// Whether it is an argument (`--port`), which wins over the variable.
    pub from_argument: bool,
}

/// One command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecLine {
    /// The setting: `ExecStart`, `ExecStartPre`, `ProgramArguments`, …
    pub setting: String,
    /// The arguments, specifiers expanded, secrets masked.
    pub argv: Vec<String>,
    /// Where it stands.
    pub at: Place,
}

/// Settings that decide about restarts, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSettings {
    /// `Restart=`; `KeepAlive` of launchd as `always` or `no`.
    pub restart: Option<Sited<String>>,
    /// `RestartSec=`; `ThrottleInterval` of launchd.
    pub restart_sec: Option<Sited<String>>,
    /// `RestartPreventExitStatus=`
    pub restart_prevent_exit_status: Option<Sited<String>>,
    /// `SuccessExitStatus=`
    pub success_exit_status: Option<Sited<String>>,
    /// `StartLimitBurst=`
    pub start_limit_burst: Option<Sited<String>>,
    /// `StartLimitIntervalSec=`
    pub start_limit_interval: Option<Sited<String>>,
    /// `KillMode=`
    pub kill_mode: Option<Sited<String>>,
    /// `TimeoutStartSec=`
    pub timeout_start: Option<Sited<String>>,
    /// `TimeoutStopSec=`; `ExitTimeOut` of launchd.
    pub timeout_stop: Option<Sited<String>>,
    /// `Type=`
    pub kind: Option<Sited<String>>,
    /// `LimitNOFILE=`
    pub limit_nofile: Option<Sited<String>>,
    /// Sandboxing that can close the state: `ProtectHome=`, `ProtectSystem=`, `PrivateTmp=`, `ReadWritePaths=`,
    /// `ReadOnlyPaths=`, `DynamicUser=`, `StateDirectory=`, by name.
    pub sandbox: Vec<(String, Sited<String>)>,
}

/// Whether a unit starts by itself, from the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enabled {
    /// These links, or this plist (`RunAtLoad`, `KeepAlive`), start it.
    Yes(Vec<HostPath>),
    /// It could be enabled and is not.
    No,
    /// It cannot be enabled (no `[Install]`), something else must start it.
    Static,
}

/// What a service manager says about a unit. Words are systemd's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`
    pub active: String,
    /// `running`, `dead`, `failed`, `auto-restart`, `exited`, …
    pub sub: String,
    /// `success`, `exit-code`, `signal`, `oom-kill`, `start-limit-hit`, `timeout`, …
    pub result: String,
    /// The main process, if one runs.
    pub main_pid: Option<u32>,
    /// Automatic restarts since the last start by hand.
    pub n_restarts: Option<u32>,
    /// How the last main process ended: exit code or signal number, by `exec_main_code`.
    pub exec_main_status: Option<i32>,
    /// 1 exited, 2 killed, 3 dumped (`CLD_*`); 0 or none: has not ended.
    pub exec_main_code: Option<i32>,
    /// `enabled`, `disabled`, `static`, `masked`, `linked`, …
    pub unit_file_state: String,
    /// The file on disk is newer than what the manager runs.
    pub need_daemon_reload: Option<bool>,
    /// Cgroup path, as in `/proc/PID/cgroup`.
    pub control_group: Option<String>,
    /// The file that the manager uses.
    pub fragment_path: Option<HostPath>,
    /// The drop-ins that the manager uses.
    pub drop_in_paths: Vec<HostPath>,
    /// When it last became active.
    pub active_since: Option<jiff::Timestamp>,
    /// When its state last changed.
    pub changed: Option<jiff::Timestamp>,
}

/// Something else that starts a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherSupervisor {
    /// What it is.
    pub kind: SupervisorKind,
    /// Where it says so.
    pub at: Place,
    /// The command, secrets masked.
    pub command: String,
    /// The account, where it is known.
    pub account: Option<String>,
}

/// Supervisors beside service managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SupervisorKind {
    /// A cron line.
    Cron,
    /// pm2's saved process list.
    Pm2,
    /// A compose file.
    Compose,
    /// supervisord.
    Supervisord,
}

impl UnitState {
    /// Whether the manager says that it gave up restarting it. It often keeps the result of the last failure instead
    /// (seen with systemd 252), so ask [`ServiceUnit::gave_up`].
    pub fn start_limit_hit(&self) -> bool {
        self.result == "start-limit-hit"
    }

    /// Whether it runs, or is about to be started again.
    pub fn is_up(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "deactivating")
    }
}

impl ServiceFacts {
    /// Units that start a gateway.
    pub fn gateways(&self) -> impl Iterator<Item = &ServiceUnit> {
        self.units.iter().filter(|unit| unit.kind == UnitKind::Gateway)
    }
}

/// Why a manager does not start a failed unit again, although `Restart=` asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GaveUp {
    /// Too many starts in the interval (`StartLimitBurst=`).
    StartLimit,
    /// The exit code is one of `RestartPreventExitStatus=` (78 from 2026.4.15: a refused configuration).
    PreventedExit(i32),
}

impl ServiceUnit {
    /// Why the manager does not start the failed unit again, where it would otherwise. A unit with `Restart=always` or
    /// `on-failure` fails for good only by the start limit or by an exit code that is exempt.
    pub fn gave_up(&self) -> Option<GaveUp> {
        let state = self.live.known().filter(|state| state.active == "failed")?;
        if state.start_limit_hit() {
            return Some(GaveUp::StartLimit);
        }
        let restart = self.settings.restart.as_ref().map(|restart| restart.value.as_str());
        let restarts = matches!(restart, Some("always" | "on-failure"));
        let exempt = self.settings.restart_prevent_exit_status.as_ref().map_or("", |list| list.value.as_str());
        let exited = state.exec_main_status.filter(|_| state.exec_main_code == Some(1));
        match exited.filter(|code| exempt.split_whitespace().any(|word| word.parse() == Ok(*code))) {
            Some(code) if restarts => Some(GaveUp::PreventedExit(code)),
            _ => restarts.then_some(GaveUp::StartLimit),
        }
    }

    /// Whether it starts by itself; `None` where that is unknown.
    pub fn starts_by_itself(&self) -> Option<bool> {
        match &self.enabled {
            _ if self.masked => Some(false),
            Fact::Known(Enabled::Yes(_)) => Some(true),
            Fact::Known(Enabled::No | Enabled::Static) | Fact::Absent => Some(false),
            Fact::Unknown(_) => None,
        }
    }
}
