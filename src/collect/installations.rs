//! Which installations there are on a host, and what each of them holds.

use super::discover::{self, Candidate, Directions};
use super::env_files::{self, EnvDialect};
use super::run::Run;
use super::source::{Account, Reader};
use super::{config, database, database_locks, devices, gateway_account, tree};
use crate::model::{Fact, HostPath, Release, SecretVault};
use crate::snapshot::config::{ConfigFacts, ConfigFrom};
use crate::snapshot::environment::{EnvFile, Place};
use crate::snapshot::installation::{FoundBy, GatewayAccount, Installation, StoreKind, Versions};
use crate::snapshot::service::{ServiceFacts, ServiceUnit};
use crate::snapshot::store::{FileState, JsonStore};
use crate::statedb::StateDatabase;
use std::path::{Path, PathBuf};

impl Run<'_> {
    /// The homes to look in, the likeliest first.
    pub(super) fn homes(&self) -> Vec<PathBuf> {
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

    /// Where installations may be: what the options name, else what the caller's environment, the homes and the units name.
    pub(super) fn candidates(&self, homes: &[PathBuf], services: Option<&ServiceFacts>) -> Vec<Candidate> {
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
        let in_homes = homes.iter().flat_map(|home| discover::in_home(self.source, home));
        for candidate in in_homes.chain(self.of_units(homes, services)) {
            if !found.iter().any(|other| other.state_dir == candidate.state_dir) {
                found.push(candidate);
            }
        }
        found
    }

    /// State directories that units of the accounts looked at name by `OPENCLAW_STATE_DIR`, wherever they lie.
    fn of_units(&self, homes: &[PathBuf], services: Option<&ServiceFacts>) -> Vec<Candidate> {
        let units = services.into_iter().flat_map(ServiceFacts::gateways).filter(|unit| !unit.masked);
        let candidate = |unit: &ServiceUnit| {
            let state_dir = unit.state_dir.as_ref()?.value.as_path().to_path_buf();
            let account = gateway_account::unit_account(&self.accounts, unit)?;
            let home = account.home.filter(|home| homes.contains(home))?;
            let config = unit.config_path.as_ref().map(|config| config.value.as_path().to_path_buf());
            let directions = Directions { state_dir: Some(state_dir), config, profile: None };
            let by = FoundBy::Service(unit.name.clone());
            discover::directed(self.source, Some(&home), &directions, by, ConfigFrom::ServiceEnvironment)
        };
        units.filter_map(candidate).filter(|candidate| self.exists(candidate)).collect()
    }

    pub(super) fn exists(&self, candidate: &Candidate) -> bool {
        let there = |path: &Path| !matches!(self.source.metadata(path), Err(error) if error.kind() == std::io::ErrorKind::NotFound);
        there(&candidate.state_dir) || there(&candidate.config)
    }

    pub(super) fn installation(
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
            account: account.clone(),
            release,
            versions,
            store: store_kind(&devices, &database),
            config,
            database_copies: database::copies(self.source, &tree, reader, vault, self.deadline),
            asked_files: tree::asked(
                self.source,
                &candidate.state_dir,
                &self.request.files,
                &account.as_ref().map(|account| &account.account),
            ),
            tree,
            devices,
            database_locks: database_locks::collect(self.source, &database),
            database,
            env_files: self.env_files(candidate, reader, vault),
        }
    }

    /// With whose rights the account's files are read. Where the account is unknown, those of the owner of the state
    /// directory: whoever controls the files gains nothing by them.
    pub(super) fn reading_as(&self, account: &Fact<GatewayAccount>, state_dir: &Path) -> Option<Account> {
        match account {
            Fact::Known(known) => Some(known.account.clone()),
            Fact::Absent | Fact::Unknown(_) => {
                let owner = self.source.metadata_following(state_dir).ok()?;
                Some(self.accounts.by_uid(owner.uid).0)
            }
        }
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

/// The installation to judge: the one that was named, else the one that a unit works on, be it in a home or where the unit
/// says, else one with an account other than root's, else the first.
pub(super) fn select(installations: &mut [Installation], services: Option<&ServiceFacts>) {
    let is_roots = |installation: &Installation| installation.account().is_some_and(|account| account.uid == 0);
    let named =
        |installation: &Installation| matches!(installation.found_by, FoundBy::Option | FoundBy::CallerEnvironment(_));
    let served = |installation: &Installation| {
        !is_roots(installation)
            && services
                .into_iter()
                .flat_map(ServiceFacts::gateways)
                .any(|unit| !unit.masked && !unit.legacy_name && gateway_account::works_on(unit, installation))
    };
    let chosen = installations
        .iter()
        .position(named)
        .or_else(|| installations.iter().position(served))
        .or_else(|| installations.iter().position(|installation| !is_roots(installation)))
        .unwrap_or(0);
    if let Some(installation) = installations.get_mut(chosen) {
        installation.selected = true;
    }
}
