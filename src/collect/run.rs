//! One run of the collectors: from what was asked for to a snapshot.

use super::accounts::AccountBook;
use super::discover::{self, Candidate, Directions};
use super::env_files::{self, EnvDialect};
use super::environment::{self, RawVar};
use super::services::{self, ServiceInputs};
use super::source::{Account, Reader, Source};
use super::{config, database, database_locks, devices, gateway_account, logs, tree};
use crate::logs::LogSummary;
use crate::model::subject::Subject;
use crate::model::{Fact, HostPath, Release, Secret, SecretVault, Unknown, UnknownKind};
use crate::snapshot::config::{ConfigFacts, ConfigFrom};
use crate::snapshot::environment::{EnvFile, Environment, Place};
use crate::snapshot::installation::{FoundBy, GatewayAccount, Installation, JudgedRelease, StoreKind, Versions};
use crate::snapshot::service::ServiceFacts;
use crate::snapshot::store::{FileState, JsonStore};
use crate::snapshot::{HostFacts, RunAs, SCHEMA, Snapshot};
use crate::statedb::StateDatabase;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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
    /// Options that suggested commands repeat.
    pub repeat_options: Vec<String>,
    /// What the selected checks need.
    pub needs: BTreeSet<Subject>,
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

struct Run<'r> {
    source: &'r dyn Source,
    request: &'r Request,
    accounts: AccountBook,
    run_as: RunAs,
    option_account: Option<Account>,
    deadline: Instant,
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
        let candidates = self.candidates(&homes);
        if candidates.is_empty() {
            return Err(RequestError::NoInstallation { looked_in: homes.into_iter().map(HostPath::from).collect() });
        }
        let services = self.services(&homes, vault);
        let mut installations: Vec<Installation> = candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| self.installation(index, candidate, services.known(), vault))
            .collect();
        select(&mut installations);
        let logs = self.logs(&installations, services.known());
        if let Some(installation) = installations.iter_mut().find(|installation| installation.selected) {
            self.learn_from_logs(installation, &logs);
        }
        let (as_of, as_of_from) = self.as_of(&installations, &logs);
        let uids: Vec<u32> =
            installations.iter().filter_map(Installation::account).map(|account| account.uid).collect();
        let not_live = || {
            if self.source.is_live() {
                Unknown::new(UnknownKind::NotCollected, "not collected")
            } else {
                Unknown::offline_root()
            }
        };
        Ok(Snapshot {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: jiff::Timestamp::now(),
            as_of,
            as_of_from,
            host: self.host(),
            run_as: self.run_as.clone(),
            repeat_options: self.request.repeat_options.clone(),
            surroundings: crate::snapshot::container::Surroundings {
                container: Fact::Unknown(not_live()),
                wsl: Fact::Unknown(not_live()),
                init: Fact::Unknown(not_live()),
                shifted_uids: Fact::Unknown(not_live()),
            },
            accounts: self.accounts.facts(self.source, uids),
            caller_environment: self.caller_environment(vault),
            services,
            processes: Fact::Unknown(not_live()),
            listeners: Fact::Unknown(not_live()),
            locks: Fact::Unknown(not_live()),
            mounts: Fact::Unknown(not_live()),
            programs: Fact::Unknown(not_live()),
            clock: Fact::Unknown(not_live()),
            logs,
            installations,
        })
    }

    /// Units are always read: they say which account runs the gateway. Their managers are asked only on a live host.
    fn services(&self, homes: &[PathBuf], vault: &mut SecretVault) -> Fact<ServiceFacts> {
        let known = self.accounts.homes(self.source);
        let accounts: Vec<Account> = known
            .into_iter()
            .filter(|account| account.home.as_ref().is_some_and(|home| homes.contains(home)))
            .collect();
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
        let raw: Vec<RawVar> =
            std::env::vars().map(|(name, value)| RawVar { name, value: Secret::new(value), at: at.clone() }).collect();
        Fact::Known(environment::environment(&raw, vault))
    }

    /// The environment files that OpenClaw reads by itself (host-by-release 1.2).
    fn env_files(&self, candidate: &Candidate, reader: Reader<'_>, vault: &mut SecretVault) -> Vec<EnvFile> {
        let state = &candidate.state_dir;
        let gateway_env = candidate.home.as_ref().map(|home| home.join(".config/openclaw/gateway.env"));
        let files = [
            (Some(state.join(".env")), EnvDialect::Dotenv),
            (gateway_env, EnvDialect::Dotenv),
            (Some(state.join("gateway.systemd.env")), EnvDialect::Systemd),
        ];
        files
            .into_iter()
            .filter_map(|(path, dialect)| path.map(|path| (path, dialect)))
            .filter_map(|(path, dialect)| {
                let environment = env_files::collect(self.source, &path, dialect, reader, vault);
                let meta = Fact::from(self.source.metadata(&path).ok());
                let host_path = HostPath::from(path.as_path());
                let at = Place { file: host_path.clone(), line: None };
                (!environment.is_absent()).then_some(EnvFile { path: host_path, optional: true, at, meta, environment })
            })
            .collect()
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

    /// The newest release that a log names, where nothing else tells.
    fn learn_from_logs(&self, installation: &mut Installation, logs: &Fact<LogSummary>) {
        let Some(summary) = logs.known() else { return };
        installation.versions.logs =
            summary.releases.iter().max_by_key(|seen| seen.last).map(|seen| seen.release.clone());
        installation.release = self.judged_release(&installation.versions);
    }

    fn host(&self) -> HostFacts {
        HostFacts {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            root: self.source.root().map(HostPath::from),
            live: self.source.is_live(),
            name: Fact::unknown(UnknownKind::NotCollected, "not collected"),
        }
    }

    /// The homes to look in, the likeliest first.
    fn homes(&self) -> Vec<PathBuf> {
        if let Some(home) = &self.request.home {
            return vec![home.clone()];
        }
        let mut homes: Vec<PathBuf> = Vec::new();
        let mut add = |home: PathBuf| {
            if home != Path::new("/") && !homes.contains(&home) && self.source.metadata_following(&home).is_ok() {
                homes.push(home);
            }
        };
        if let Some(home) = self.option_account.as_ref().and_then(|account| account.home.clone()) {
            add(home);
        }
        let live = self.source.is_live();
        if live {
            let sudo_home = self.run_as.sudo_uid.and_then(|uid| self.accounts.by_uid(uid).0.home);
            let own_home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
            // As root the caller's HOME is not trusted (design, fixes rule 11): sudo may keep another user's.
            let own_home = if self.run_as.privileged { self.accounts.by_uid(0).0.home } else { own_home };
            sudo_home.into_iter().chain(own_home).for_each(&mut add);
        }
        if !live || self.run_as.privileged {
            // People's homes before those of services; both before root's.
            let is_service = |account: &Account| account.uid < 500 || account.uid >= 65_000;
            let mut accounts = self.accounts.homes(self.source);
            accounts.sort_by_key(is_service);
            accounts
                .into_iter()
                .filter(|account| account.uid != 0)
                .filter_map(|account| account.home)
                .for_each(&mut add);
            add(PathBuf::from("/root"));
        }
        homes
    }

    fn candidates(&self, homes: &[PathBuf]) -> Vec<Candidate> {
        let request = self.request;
        let option = Directions {
            state_dir: request.state_dir.clone(),
            config: request.config.clone(),
            profile: request.profile.clone(),
        };
        if option.state_dir.is_some() || option.config.is_some() || option.profile.is_some() {
            let holding = |path: &PathBuf| {
                option.state_dir.as_ref().or(option.config.as_ref()).is_some_and(|dir| dir.starts_with(path))
            };
            let home = homes.iter().find(|home| holding(home));
            let home = home.or_else(|| homes.first().filter(|_| option.state_dir.is_none() && option.config.is_none()));
            let directed = discover::directed(
                self.source,
                home.map(PathBuf::as_path),
                &option,
                FoundBy::Option,
                ConfigFrom::Option,
            );
            return directed.into_iter().filter(|candidate| self.exists(candidate)).collect();
        }
        let mut found: Vec<Candidate> = Vec::new();
        if self.source.is_live() && request.home.is_none() && !self.run_as.privileged {
            let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            for (state, config) in
                [("OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH"), ("CLAWDBOT_STATE_DIR", "CLAWDBOT_CONFIG_PATH")]
            {
                let directions = Directions { state_dir: variable(state), config: variable(config), profile: None };
                if directions.state_dir.is_some() || directions.config.is_some() {
                    let by = FoundBy::CallerEnvironment(state.to_owned());
                    let home = homes.first().map(PathBuf::as_path);
                    found.extend(discover::directed(self.source, home, &directions, by, ConfigFrom::CallerEnvironment));
                    break;
                }
            }
        }
        for candidate in homes.iter().flat_map(|home| discover::in_home(self.source, home)) {
            if !found.iter().any(|other| other.state_dir == candidate.state_dir) {
                found.push(candidate);
            }
        }
        found
    }

    fn exists(&self, candidate: &Candidate) -> bool {
        let there = |path: &Path| !matches!(self.source.metadata(path), Err(error) if error.kind() == std::io::ErrorKind::NotFound);
        there(&candidate.state_dir) || there(&candidate.config)
    }

    fn installation(
        &self,
        index: usize,
        candidate: &Candidate,
        services: Option<&ServiceFacts>,
        vault: &mut SecretVault,
    ) -> Installation {
        let account = gateway_account::derive(
            self.source,
            &self.accounts,
            candidate,
            services,
            self.run_as.sudo_uid,
            self.option_account.as_ref(),
        );
        let reading_as = self.reading_as(&account, &candidate.state_dir);
        let reader = reading_as.as_ref().map_or(Reader::Own, Reader::As);
        let config = config::collect(self.source, &candidate.config, candidate.config_from, reader, vault);
        let tree = tree::collect(
            self.source,
            &candidate.state_dir,
            account.as_ref().map(|account| &account.account),
            self.deadline,
        );
        let database = database::collect(self.source, &candidate.state_dir, reader, vault, self.deadline);
        let state = database_release(&database).or_else(|| config_release(&config));
        let versions = Versions { state, ..Versions::default() };
        let release = self.judged_release(&versions);
        let identity = devices::identity_dir(release.known().map(|judged| &judged.release), candidate.home.as_deref());
        let devices = devices::collect(self.source, &candidate.state_dir, identity.as_deref(), reader, vault);
        let real = self.source.resolve(&candidate.state_dir).ok().filter(|real| *real != candidate.state_dir);
        Installation {
            id: format!("i{}", index + 1),
            selected: false,
            found_by: candidate.found_by.clone(),
            product: candidate.product,
            profile: candidate.profile.clone(),
            home: candidate.home.as_deref().map(HostPath::from),
            state_dir: HostPath::from(candidate.state_dir.as_path()),
            real_state_dir: real.map(HostPath::from),
            account,
            release,
            versions,
            store: store_kind(&devices, &database),
            config,
            tree,
            devices,
            database_locks: database_locks::collect(self.source, &database),
            database,
            env_files: self.env_files(candidate, reader, vault),
        }
    }

    /// With whose rights the account's files are read. Where the account is unknown, those of the owner of the state
    /// directory: whoever controls the files gains nothing by them.
    fn reading_as(&self, account: &Fact<GatewayAccount>, state_dir: &Path) -> Option<Account> {
        match account {
            Fact::Known(known) => Some(known.account.clone()),
            Fact::Absent | Fact::Unknown(_) => {
                let owner = self.source.metadata_following(state_dir).ok()?;
                Some(self.accounts.by_uid(owner.uid).0)
            }
        }
    }

    fn judged_release(&self, versions: &Versions) -> Fact<JudgedRelease> {
        let known = |release: &Release, from: &str| {
            Fact::Known(JudgedRelease { release: release.clone(), from: from.to_owned() })
        };
        let signs = [
            (&self.request.release, "--openclaw-version"),
            (&versions.running, "the running gateway"),
            (&versions.service, "the service's package"),
            (&versions.logs, "the log"),
            (&versions.state, "what the state says it was written by"),
            (&versions.cli, "the package on PATH"),
        ];
        signs
            .into_iter()
            .find_map(|(release, from)| release.as_ref().map(|release| known(release, from)))
            .unwrap_or_else(|| {
                Fact::unknown(
                    UnknownKind::Failed,
                    "no package, unit, log or state names it; give it with --openclaw-version",
                )
            })
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

/// `meta.lastTouchedVersion` (host-by-release 1.2).
fn config_release(config: &ConfigFacts) -> Option<Release> {
    config.at(&["meta", "lastTouchedVersion"])?.as_str()?.parse().ok()
}

/// The `app_version` that wrote the database last, where the database is the live store. The configuration may be
/// touched by an older CLI.
fn database_release(database: &Fact<StateDatabase>) -> Option<Release> {
    let database = database.known()?;
    database.is_live().known().filter(|live| **live)?;
    database.content.known()?.primary_meta()?.release.known().cloned()
}

/// Tables alone prove nothing (release-2026.9.6 section 4): a database is the live store by its schema version or rows.
fn store_kind(devices: &JsonStore, database: &Fact<StateDatabase>) -> StoreKind {
    let json = [&devices.paired.state, &devices.pending.state].iter().any(|state| !matches!(state, FileState::Missing));
    let live = match database {
        Fact::Known(database) => database.is_live(),
        Fact::Absent => Fact::Known(false),
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
    };
    match (json, live) {
        (true, Fact::Known(true)) => StoreKind::Both,
        (false, Fact::Known(true)) => StoreKind::Sqlite,
        (true, _) => StoreKind::Json,
        (false, Fact::Unknown(_)) => StoreKind::Unknown,
        (false, Fact::Known(false) | Fact::Absent) => StoreKind::None,
    }
}

/// The installation to judge: the one that was named, else one with an account other than root's, else the first.
fn select(installations: &mut [Installation]) {
    let is_roots = |installation: &Installation| installation.account().is_some_and(|account| account.uid == 0);
    let named = |installation: &Installation| !matches!(installation.found_by, FoundBy::Home);
    let chosen = installations
        .iter()
        .position(named)
        .or_else(|| installations.iter().position(|installation| !is_roots(installation)))
        .unwrap_or(0);
    if let Some(installation) = installations.get_mut(chosen) {
        installation.selected = true;
    }
}
