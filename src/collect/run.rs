//! One run of the collectors: from what was asked for to a snapshot.

use super::accounts::AccountBook;
use super::environment::{self, RawVar};
use super::gateway::{self, Reach};
use super::installations::select;
use super::locks::{self, LockInputs};
use super::programs::{self, ProgramInputs};
use super::services::{self, ServiceInputs};
use super::source::{Account, Reader, Source, read_text};
use super::{clock, container, listeners, logs, mounts, processes};
use crate::logs::LogSummary;
use crate::model::subject::Subject;
use crate::model::{Fact, HostPath, Release, Secret, SecretVault, Unknown, UnknownKind};
use crate::probe::facts::EndpointProbe;
use crate::probe::{ProbeFacts, system_proof};
use crate::snapshot::environment::{Environment, Place};
use crate::snapshot::installation::Installation;
use crate::snapshot::listener::ListenerFacts;
use crate::snapshot::lock::LockFacts;
use crate::snapshot::mount::MountFact;
use crate::snapshot::process::ProcessFacts;
use crate::snapshot::program::ProgramFacts;
use crate::snapshot::service::ServiceFacts;
use crate::snapshot::{HostFacts, RunAs, SCHEMA, Snapshot};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The home to look in.
    pub home: Option<PathBuf>,
    /// The state directory.
    pub state_dir: Option<PathBuf>,
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// The profile.
    pub profile: Option<String>,
    /// The gateway's account, by name or number.
    pub user: Option<String>,
    /// The release to judge by.
    pub release: Option<Release>,
    /// The time to judge as of.
    pub as_of: Option<jiff::Timestamp>,
    /// Bound on the whole run.
    pub timeout: Duration,
    /// More logs, paths of the caller.
    pub logs: Vec<PathBuf>,
    /// Whether the gateway may be dialled.
    pub probe: bool,
    /// How far the probe goes.
    pub probe_reach: Reach,
    /// Options that suggested commands repeat.
    pub repeat_options: Vec<String>,
    /// What the selected checks need.
    pub needs: BTreeSet<Subject>,
    /// Files below the state directory that the user's own checks ask about.
    pub files: Vec<String>,
}

/// Why nothing can be collected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No installation where it was looked for.
    #[error("no OpenClaw installation found in {}", list(.looked_in))]
    NoInstallation {
        /// Where it was looked for.
        looked_in: Vec<HostPath>,
    },
    /// `--user` names nobody.
    #[error("--user {0}: no such account")]
    NoSuchUser(String),
}

fn list(paths: &[HostPath]) -> String {
    let shown: Vec<String> = paths.iter().take(6).map(ToString::to_string).collect();
    let more =
        if paths.len() > shown.len() { format!(" and {} more", paths.len() - shown.len()) } else { String::new() };
    if shown.is_empty() { "any home".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}

/// Collects.
///
/// # Errors
/// Where there is nothing to look at, or the account asked for does not exist.
pub fn collect(source: &dyn Source, request: &Request, vault: &mut SecretVault) -> Result<Snapshot, RequestError> {
    Run::new(source, request)?.collect(vault)
}

pub(super) struct Run<'r> {
    pub(super) source: &'r dyn Source,
    pub(super) request: &'r Request,
    pub(super) accounts: AccountBook,
    pub(super) run_as: RunAs,
    pub(super) option_account: Option<Account>,
    pub(super) deadline: Instant,
}

impl<'r> Run<'r> {
    fn new(source: &'r dyn Source, request: &'r Request) -> Result<Self, RequestError> {
        let accounts = AccountBook::read(source);
        let option_account = match &request.user {
            Some(text) => {
                let account = accounts.resolve(text).known().cloned();
                Some(account.ok_or_else(|| RequestError::NoSuchUser(text.clone()))?)
            }
            None => None,
        };
        let deadline = Instant::now() + request.timeout;
        Ok(Self { source, request, accounts, run_as: run_as(), option_account, deadline })
    }

    fn collect(&self, vault: &mut SecretVault) -> Result<Snapshot, RequestError> {
        let homes = self.homes();
        let services = self.services(&homes, vault);
        let candidates = self.candidates(&homes, services.known());
        if candidates.is_empty() {
            return Err(RequestError::NoInstallation { looked_in: homes.into_iter().map(HostPath::from).collect() });
        }
        let mut installations: Vec<Installation> = candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| self.installation(index, candidate, services.known(), vault))
            .collect();
        select(&mut installations, services.known());
        let logs = self.logs(&installations, services.known());
        if let Some(installation) = installations.iter_mut().find(|installation| installation.selected) {
            self.learn_from_logs(installation, &logs);
        }
        let (as_of, as_of_from) = self.as_of(&installations, &logs);
        let uids: Vec<u32> =
            installations.iter().filter_map(Installation::account).map(|account| account.uid).collect();
        let processes = self.if_needed(Subject::Processes, || processes::collect(self.source, vault));
        let listeners =
            self.if_needed(Subject::Listeners, || self.listeners(&installations, &services, &processes, vault));
        let programs = self.programs(&services, &processes, &homes);
        for installation in &mut installations {
            self.learn_from_programs(installation, &services, &processes, &programs);
        }
        let mut snapshot = Snapshot {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: jiff::Timestamp::now(),
            as_of,
            as_of_from,
            host: self.host(),
            run_as: self.run_as.clone(),
            repeat_options: self.request.repeat_options.clone(),
            surroundings: container::collect(self.source, |name| std::env::var(name).ok()),
            accounts: self.accounts.facts(self.source, uids),
            caller_environment: self.caller_environment(vault),
            services: services.clone(),
            processes,
            listeners,
            locks: self.locks(&installations, services.known()),
            mounts: self.mounts(&installations),
            programs,
            clock: if self.request.needs.contains(&Subject::Clock) {
                Fact::Known(clock::collect(self.source))
            } else {
                Fact::unknown(UnknownKind::NotCollected, "not asked for")
            },
            logs,
            probe: Fact::Unknown(Unknown::offline_root()),
            installations,
        };
        snapshot.probe = self.probe(&snapshot, vault);
        if let Fact::Known(probe) = &snapshot.probe {
            let running = probe.endpoints.iter().find_map(EndpointProbe::release);
            if let Some(installation) = snapshot.installations.iter_mut().find(|installation| installation.selected) {
                installation.versions.running = running;
                installation.release = self.judged_release(&installation.versions);
            }
        }
        Ok(snapshot)
    }

    /// Talks to the gateway on loopback. Leaves lines in its log and nothing else.
    fn probe(&self, snapshot: &Snapshot, vault: &SecretVault) -> Fact<ProbeFacts> {
        if !self.source.is_live() {
            return Fact::Unknown(Unknown::offline_root());
        }
        if !self.request.probe {
            return Fact::unknown(UnknownKind::NotCollected, "--no-probe");
        }
        let Some(installation) = snapshot.selected().filter(|_| self.request.needs.contains(&Subject::Probe)) else {
            return Fact::unknown(UnknownKind::NotCollected, "not asked for");
        };
        let (request, expected) = gateway::prepare(snapshot, installation, vault, &self.request.probe_reach);
        let proof = system_proof(expected);
        Fact::Known(gateway::dial(&request, installation, proof.as_ref()))
    }

    /// Collects a live subject only where a check needs it.
    fn if_needed<T>(&self, subject: Subject, collect: impl FnOnce() -> Fact<T>) -> Fact<T> {
        if !self.source.is_live() {
            Fact::Unknown(Unknown::offline_root())
        } else if !self.request.needs.contains(&subject) {
            Fact::unknown(UnknownKind::NotCollected, "not asked for")
        } else {
            collect()
        }
    }

    /// Packages and Node binaries, without running anything.
    fn programs(
        &self,
        services: &Fact<ServiceFacts>,
        processes: &Fact<ProcessFacts>,
        homes: &[PathBuf],
    ) -> Fact<ProgramFacts> {
        if !self.request.needs.contains(&Subject::Programs) {
            return Fact::unknown(UnknownKind::NotCollected, "not asked for");
        }
        let path = std::env::var_os("PATH").filter(|_| self.source.is_live() && !self.run_as.privileged);
        let accounts = self.accounts_of(homes);
        let inputs = ProgramInputs {
            units: services.known().map(|facts| facts.units.as_slice()).unwrap_or_default(),
            processes: processes.known().map(|facts| facts.processes.as_slice()).unwrap_or_default(),
            homes: &accounts,
            path: path.as_deref(),
        };
        Fact::Known(programs::collect(self.source, &inputs))
    }

    fn locks(&self, installations: &[Installation], services: Option<&ServiceFacts>) -> Fact<LockFacts> {
        if !self.request.needs.contains(&Subject::Locks) {
            return Fact::unknown(UnknownKind::NotCollected, "not asked for");
        }
        let path = |path: &HostPath| path.as_path().to_path_buf();
        let temporary =
            services.into_iter().flat_map(ServiceFacts::gateways).filter_map(|unit| unit.environment.plain("TMPDIR"));
        let inputs = LockInputs {
            state_dirs: &installations.iter().map(|installation| path(&installation.state_dir)).collect::<Vec<_>>(),
            config_paths: &installations.iter().map(|installation| path(&installation.config.path)).collect::<Vec<_>>(),
            temp_dirs: &temporary.map(PathBuf::from).collect::<Vec<_>>(),
        };
        Fact::Known(locks::collect(self.source, &inputs))
    }

    fn mounts(&self, installations: &[Installation]) -> Fact<Vec<MountFact>> {
        if !self.request.needs.contains(&Subject::Mounts) {
            return Fact::unknown(UnknownKind::NotCollected, "not asked for");
        }
        let Some(installation) = installations.iter().find(|installation| installation.selected) else {
            return Fact::Absent;
        };
        let state = installation.state_dir.as_path().to_path_buf();
        Fact::Known(mounts::collect(self.source, &[state, PathBuf::from("/tmp")]))
    }

    fn accounts_of(&self, homes: &[PathBuf]) -> Vec<Account> {
        let holds = |account: &Account| account.home.as_ref().is_some_and(|home| homes.contains(home));
        self.accounts.homes(self.source).into_iter().filter(holds).collect()
    }

    /// Listeners on the ports of every gateway that units and configurations name.
    fn listeners(
        &self,
        installations: &[Installation],
        services: &Fact<ServiceFacts>,
        processes: &Fact<ProcessFacts>,
        vault: &mut SecretVault,
    ) -> Fact<ListenerFacts> {
        let of_units =
            services.known().into_iter().flat_map(ServiceFacts::gateways).filter_map(|unit| unit.port.as_ref());
        let mut ports: BTreeSet<u16> = of_units.filter_map(|port| port.value.port).collect();
        ports.extend(
            installations.iter().map(|installation| installation.config.port().unwrap_or(gateway::DEFAULT_PORT)),
        );
        let ports: Vec<u16> = ports.into_iter().flat_map(listeners::ports_of).collect();
        let gateways = processes.known().map(|facts| facts.processes.as_slice()).unwrap_or_default();
        listeners::collect(self.source, &ports, gateways, vault)
    }

    /// Units are always read: they say which account runs the gateway. Their managers are asked only on a live host.
    fn services(&self, homes: &[PathBuf], vault: &mut SecretVault) -> Fact<ServiceFacts> {
        let accounts = self.accounts_of(homes);
        let ask_managers = self.source.is_live() && self.request.needs.contains(&Subject::Services);
        let inputs = ServiceInputs { book: &self.accounts, homes: &accounts, ask_managers };
        Fact::Known(services::collect(self.source, &inputs, vault))
    }

    /// The caller's own variables, on a live host.
    fn caller_environment(&self, vault: &mut SecretVault) -> Fact<Environment> {
        if !self.source.is_live() {
            return Fact::Unknown(Unknown::offline_root());
        }
        let at = Place { file: HostPath::from("/proc/self/environ"), line: None };
        // Node decodes its environment as UTF-8 with replacement, so OpenClaw sees the same text.
        let text = |bytes: OsString| bytes.to_string_lossy().into_owned();
        let raw: Vec<RawVar> = std::env::vars_os()
            .map(|(name, value)| RawVar { name: text(name), value: Secret::new(text(value)), at: at.clone() })
            .collect();
        Fact::Known(environment::environment(&raw, vault))
    }

    fn logs(&self, installations: &[Installation], services: Option<&ServiceFacts>) -> Fact<LogSummary> {
        if !self.request.needs.contains(&Subject::Logs) {
            return Fact::unknown(UnknownKind::NotCollected, "not asked for");
        }
        let Some(installation) = installations.iter().find(|installation| installation.selected) else {
            return Fact::Absent;
        };
        let reading_as = self.reading_as(&installation.account, installation.state_dir.as_path());
        let reader = reading_as.as_ref().map_or(Reader::Own, Reader::As);
        logs::collect(self.source, installation, services, reader, &self.request.logs, self.deadline)
    }

    /// The running kernel's answer, or the file of an image.
    fn host_name(&self) -> Fact<String> {
        let name = if self.source.is_live() {
            rustix::system::uname().nodename().to_string_lossy().into_owned()
        } else {
            read_text(self.source, std::path::Path::new("/etc/hostname"), 4096, Reader::Own).unwrap_or_default()
        };
        let name = name.trim().to_owned();
        if name.is_empty() { Fact::Absent } else { Fact::Known(name) }
    }

    fn host(&self) -> HostFacts {
        HostFacts {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            root: self.source.root().map(HostPath::from),
            live: self.source.is_live(),
            name: self.host_name(),
        }
    }

    fn as_of(&self, installations: &[Installation], logs: &Fact<LogSummary>) -> (jiff::Timestamp, String) {
        if let Some(time) = self.request.as_of {
            return (time, "--as-of".to_owned());
        }
        let now = jiff::Timestamp::now();
        if self.source.is_live() {
            return (now, "now".to_owned());
        }
        let files = installations
            .iter()
            .flat_map(|installation| installation.tree.kept())
            .map(|entry| entry.meta.mtime_ns)
            .max();
        let files = files.and_then(|time| jiff::Timestamp::from_nanosecond(time).ok());
        let logged = logs.known().and_then(|summary| summary.newest);
        match (files, logged) {
            (Some(files), Some(logged)) if logged >= files => (logged, "the newest time seen in the logs".to_owned()),
            (Some(files), _) => (files, "the newest time seen in the state".to_owned()),
            (None, Some(logged)) => (logged, "the newest time seen in the logs".to_owned()),
            (None, None) => (now, "now: no time was found in state or logs".to_owned()),
        }
    }
}

fn run_as() -> RunAs {
    let uid = rustix::process::geteuid().as_raw();
    let behind = ["SUDO_UID", "DOAS_UID"].iter().find_map(|name| std::env::var(name).ok()?.parse().ok());
    RunAs { uid, privileged: uid == 0, sudo_uid: behind.filter(|_| uid == 0) }
}
