//! One OpenClaw installation: where it is, who runs it, which releases are involved, and what is in it.

use super::config::ConfigFacts;
use super::tree::TreeFacts;
use crate::model::file::Account;
use crate::model::release::Product;
use crate::model::{Era, Fact, HostPath, Release};
use serde::{Deserialize, Serialize};

/// One installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Installation {
    /// `i1`, `i2`, … in the order they were found.
    pub id: String,
    /// Whether it is the one that is judged.
    pub selected: bool,
    /// Why it was looked at.
    pub found_by: FoundBy,
    /// The product name of its directory.
    pub product: Product,
    /// The profile, where its directory names one.
    pub profile: Option<String>,
    /// The home that holds it, if one does.
    pub home: Option<HostPath>,
    /// The state directory as configured.
    pub state_dir: HostPath,
    /// The state directory with links resolved, where that differs.
    pub real_state_dir: Option<HostPath>,
    /// The account that the gateway is meant to run as.
    pub account: Fact<GatewayAccount>,
    /// The releases that left their mark.
    pub versions: Versions,
    /// The release to judge by.
    pub release: Fact<JudgedRelease>,
    /// Where the device store lives, by evidence.
    pub store: StoreKind,
    /// The configuration that its gateway would load.
    pub config: ConfigFacts,
    /// Its files.
    pub tree: TreeFacts,
    /// Files that the user's own checks ask about, each as it is.
    #[serde(default)]
    pub asked_files: Vec<(HostPath, Fact<super::tree::EntryFacts>)>,
    /// The device store of the JSON era, also where it is only a leftover.
    pub devices: super::store::JsonStore,
    /// The SQLite state, also where it is not yet the live store.
    pub database: Fact<crate::statedb::StateDatabase>,
    /// Copies of the state database beside it, the newest first, each judged as the database itself is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub database_copies: Vec<crate::statedb::StateDatabase>,
    /// Who holds locks on the state database. Live Linux only.
    pub database_locks: Fact<Vec<crate::statedb::locks::Holder>>,
    /// Environment files that the gateway or CLI of this state directory reads (`.env`, `gateway.systemd.env`).
    pub env_files: Vec<super::environment::EnvFile>,
}

/// Why an installation was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// `--state-dir`, `--config` or `--profile`.
    Option,
    /// A variable of the caller's environment, named here.
    CallerEnvironment(String),
    /// The unit or plist named here says so.
    Service(String),
    /// It lies in a home directory.
    Home,
}

/// The account that the gateway is meant to run as, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayAccount {
    /// The account.
    pub account: Account,
    /// How it is known.
    pub from: AccountFrom,
}

/// How the gateway's account is known (design "Facts").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountFrom {
    /// `--user`
    Option,
    /// `User=` of a system unit, or the owner of the home that holds the user unit.
    Unit,
    /// A running gateway that belongs to that unit confirms it.
    Process,
    /// `SUDO_UID`
    Sudo,
    /// The owner of the home that holds the state.
    Home,
}

impl AccountFrom {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            AccountFrom::Option => "option",
            AccountFrom::Unit => "unit",
            AccountFrom::Process => "process",
            AccountFrom::Sudo => "sudo",
            AccountFrom::Home => "home",
        }
    }
}

/// The releases that left their mark.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Which wrote the state: `meta.lastTouchedVersion`, `schema_meta.app_version`.
    pub state: Option<Release>,
    /// Which the service would start.
    pub service: Option<Release>,
    /// Which runs now.
    pub running: Option<Release>,
    /// Which the caller's `PATH` would run.
    pub cli: Option<Release>,
    /// Which the logs name last.
    pub logs: Option<Release>,
    /// The one release of the packages that were found: of those that gateways were started from, else of all.
    pub installed: Option<Release>,
}

/// The release to judge by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedRelease {
    /// The release.
    pub release: Release,
    /// What says so, in words.
    pub from: String,
}

/// Where the device store lives, by evidence (release-2026.9.6 section 0, fact 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// `devices/*.json` and no live database.
    Json,
    /// A live database and no JSON files.
    Sqlite,
    /// A live database with JSON files beside it.
    Both,
    /// Neither.
    None,
    /// It could not be established.
    Unknown,
}

impl StoreKind {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            StoreKind::Json => "json",
            StoreKind::Sqlite => "sqlite",
            StoreKind::Both => "both",
            StoreKind::None => "none",
            StoreKind::Unknown => "unknown",
        }
    }
}

impl Installation {
    /// The release to judge by, if any sign gives one.
    pub fn release(&self) -> Option<&Release> {
        self.release.known().map(|judged| &judged.release)
    }

    /// The era to judge by: from the release, else from where the store lives.
    pub fn era(&self) -> Option<Era> {
        match self.release() {
            Some(release) => Some(release.era()),
            None => match self.store {
                StoreKind::Sqlite | StoreKind::Both => Some(Era::SqlitePipeline),
                StoreKind::Json | StoreKind::None | StoreKind::Unknown => None,
            },
        }
    }

    /// Whether the release is in a closed range of plain 2026 releases. `None` where no release is known.
    pub fn release_within(&self, first: (u32, u32), last: (u32, u32)) -> Option<bool> {
        self.release().map(|release| release.within(first, last))
    }

    /// The gateway's account, if known.
    pub fn account(&self) -> Option<&Account> {
        self.account.known().map(|account| &account.account)
    }

    /// How commands name the account: its name, or its number.
    pub fn account_name(&self) -> Option<String> {
        self.account().map(|account| account.name.clone().unwrap_or_else(|| account.uid.to_string()))
    }

    /// The records of the live device store, of either generation.
    pub fn paired_devices(&self) -> Box<dyn Iterator<Item = &super::device::PairedDevice> + '_> {
        match self.live_content().and_then(|content| content.paired.known()) {
            Some(rows) => Box::new(rows.iter()),
            None => Box::new(self.devices.paired.records.iter()),
        }
    }

    /// The waiting requests of the live device store, of either generation.
    pub fn pending_requests(&self) -> Box<dyn Iterator<Item = &super::device::PendingRequest> + '_> {
        match self.live_content().and_then(|content| content.pending.known()) {
            Some(rows) => Box::new(rows.iter()),
            None => Box::new(self.devices.pending.records.iter()),
        }
    }

    /// The content of the state database, where it is the live store.
    pub fn live_content(&self) -> Option<&crate::statedb::DatabaseContent> {
        let database = self.database.known()?;
        database.is_live().known().filter(|live| **live)?;
        database.content.known()
    }

    /// A path below the state directory.
    pub fn path(&self, relative: &str) -> HostPath {
        self.state_dir.join(relative)
    }
}
