//! What is known of a SQLite state database. Plain values without secrets; they go into the snapshot.

use super::source::FileIdentity;
use super::tables::TableOddity;
use super::wal::WalEnd;
use crate::model::{Fact, HostPath, Release, SecretLabel};
use crate::snapshot::device::{CachedToken, DeviceId, DeviceIdentity, FieldProblem, PairedDevice, PendingRequest};
use serde::{Deserialize, Serialize};

/// The schema version from which on the database is the live device store (2026.8.1).
pub const FIRST_LIVE_SCHEMA: u32 = 15;
/// The newest schema version that this build was made for (2026.9.6).
pub const NEWEST_KNOWN_SCHEMA: u32 = 18;

/// A state database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDatabase {
    /// The main file.
    pub path: HostPath,
    /// The files, looked at before any of them was opened.
    pub files: DbFileFacts,
    /// What the main file is.
    pub header: Fact<HeaderVerdict>,
    /// `PRAGMA user_version` of the committed state. 1 for 2026.6.1 to 7.35; 15 to 18 for 2026.8.1 to 9.6.
    pub user_version: Fact<u32>,
    /// `user_version` in the main file alone: older than the committed state where the log holds a newer one, but readable
    /// where the log is not.
    pub main_user_version: Fact<u32>,
    /// What is in the write-ahead log.
    pub wal: Fact<WalFacts>,
    /// Whether a rollback journal of an unfinished transaction was there and was undone in the copy.
    pub rolled_back: bool,
    /// What the tables hold.
    pub content: Fact<DatabaseContent>,
}

/// The files of a database from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbFileFacts {
    /// `openclaw.sqlite`.
    pub main: Fact<FileIdentity>,
    /// `-wal`. It stays after a clean stop and is no sign of a crash.
    pub wal: Fact<FileIdentity>,
    /// `-shm`. Beside a missing `-wal` it says that the log was deleted.
    pub shm: Fact<FileIdentity>,
    /// `-journal`.
    pub journal: Fact<FileIdentity>,
}

/// What the main file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderVerdict {
    /// There is none, but companions of it are left.
    Missing,
    /// It has no bytes. 2026.9.6 builds an empty database in its place and says nothing (lab F4b).
    Zero,
    /// It does not start as a SQLite database.
    NotSqlite {
        /// Its size in bytes.
        bytes: u64,
    },
    /// Pages are missing at its end.
    Truncated {
        /// Pages that it should have.
        expected_pages: u32,
        /// Of these, how many are neither in the file nor in the log.
        missing_pages: u32,
    },
    /// A SQLite database of the expected size.
    Ok,
}

/// What is in the write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalFacts {
    /// What can be said of the log as a whole.
    pub verdict: WalVerdict,
    /// Commits in it.
    pub commits: u64,
    /// Frames up to the last commit.
    pub committed_frames: u64,
    /// Valid frames after the last commit: a transaction that was not finished.
    pub uncommitted_frames: u64,
    /// How its valid part ends; `None` where it was not read.
    pub end: Option<WalEnd>,
}

/// What can be said of a log as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WalVerdict {
    /// It has no frames.
    Empty,
    /// Its commits were applied.
    Applied,
    /// Its header is damaged; SQLite takes it as empty and its rows are lost.
    DamagedHeader,
    /// A version that SQLite refuses.
    ForeignVersion,
    /// It was made for another page size: it belongs to another database. It was left out.
    OtherDatabase,
    /// There is no main file, or an empty one: SQLite throws the log away.
    Orphaned,
    /// The main file alone is sound, and with the log it is not: the log belongs to another database or another time.
    DoesNotFit,
}

/// What the tables hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseContent {
    /// The real version of the content: the larger of `user_version` and a publication that 9.x deferred
    /// (`config_machine_state`, key `state.schema.contentVersion`).
    pub schema_version: Fact<u32>,
    /// Whether this database is the live device store: schema 15 or newer, or rows in a device table. The tables exist,
    /// empty and unused, from 2026.6.1 on.
    pub live: bool,
    /// Rows of `schema_meta`.
    pub meta: Fact<Vec<SchemaMeta>>,
    /// Tables that this schema version must have and that are not there.
    pub missing_tables: Vec<String>,
    /// Things that stand where OpenClaw has plain tables and columns.
    pub oddities: Vec<TableOddity>,
    /// Whether the pages and rows hold together.
    pub integrity: Integrity,
    /// Devices that the gateway knows.
    pub paired: Fact<Vec<PairedDevice>>,
    /// Requests that wait.
    pub pending: Fact<Vec<PendingRequest>>,
    /// Key pairs of this state directory; OpenClaw uses the one named `primary`.
    pub identities: Fact<Vec<DeviceIdentity>>,
    /// Tokens that clients of this state directory keep, for this gateway.
    pub cached_tokens: Fact<Vec<CachedToken>>,
    /// Tokens that clients of this state directory keep, for other gateways.
    pub origin_tokens: Fact<Vec<CachedToken>>,
    /// One-time setup codes.
    pub bootstrap_tokens: Fact<Vec<BootstrapToken>>,
    /// Chat senders that wait for approval: another queue than the devices'.
    pub channel_requests: Fact<Vec<ChannelRequest>>,
    /// The lease of the gateway that uses this database (from 2026.9.3).
    pub gateway_lease: Fact<GatewayLease>,
    /// Starts of the gateway.
    pub boots: Fact<BootSummary>,
    /// Legacy files that were imported.
    pub migrations: Fact<Vec<MigrationSource>>,
}

/// A row of `schema_meta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaMeta {
    /// `primary`, `state-migrations`, `startup-migrations`.
    pub key: String,
    /// `global` for the state database; another one is refused.
    pub role: Fact<String>,
    /// For `primary` the schema version.
    pub schema_version: Fact<i64>,
    /// The release that last wrote the row: the first line of `app_version`.
    pub release: Fact<Release>,
    /// How many lines `app_version` has; more than one is a build stamp.
    pub stamp_lines: usize,
    /// In ms since 1970. A value newer than the configuration says that the database was made anew.
    pub created_at_ms: Fact<i64>,
    /// In ms since 1970.
    pub updated_at_ms: Fact<i64>,
}

/// Whether pages and rows hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integrity {
    /// `quick_check` found nothing.
    Ok {
        /// Whether only the tables of pairing and identity were checked.
        pairing_tables_only: bool,
    },
    /// What `quick_check` found, at most 20 lines.
    Problems(Vec<String>),
    /// It was not checked, or not to the end.
    NotChecked(String),
}

/// A one-time setup code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootstrapToken {
    /// Which code it is.
    pub label: Fact<SecretLabel>,
    /// The device that redeemed it.
    pub device_id: Fact<DeviceId>,
    /// Whether it has been redeemed.
    pub redeemed: bool,
    /// Issue, in ms since 1970. A code lives 10 minutes.
    pub issued_at_ms: Fact<i64>,
    /// Last use, in ms since 1970.
    pub last_used_at_ms: Fact<i64>,
    /// What is wrong with single columns.
    pub problems: Vec<FieldProblem>,
}

/// A chat sender that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRequest {
    /// The channel, for example `telegram`.
    pub channel: String,
    /// The account of the channel.
    pub account: String,
    /// When it was asked for, as stored (ISO 8601). It lives 60 minutes.
    pub created_at: Fact<String>,
    /// When it was last asked for, as stored.
    pub last_seen_at: Fact<String>,
}

/// Who runs the gateway, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayLease {
    /// Process id in the gateway's own namespace.
    pub pid: Fact<i64>,
    /// Host name.
    pub host: Fact<String>,
    /// Start of the process in clock ticks since boot, as in field 22 of `/proc/PID/stat`.
    pub started_at_ticks: Fact<i64>,
    /// Port.
    pub port: Fact<i64>,
    /// For example `foreground`.
    pub mode: Fact<String>,
    /// The supervisor that it believes to run under; absent for none.
    pub supervisor: Fact<String>,
    /// End of the lease, in ms since 1970. It lasts 5 minutes and is renewed.
    pub expires_at_ms: Fact<i64>,
    /// Last renewal, in ms since 1970.
    pub heartbeat_at_ms: Fact<i64>,
}

/// The starts of the gateway (`gateway_boot_lifecycle`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootSummary {
    /// How many are recorded.
    pub count: usize,
    /// The oldest one, in ms since 1970.
    pub first_started_at_ms: Option<i64>,
    /// The newest ones, newest first, at most [`BOOTS_KEPT`].
    pub last: Vec<Boot>,
}

/// How many starts are kept in a [`BootSummary`].
pub const BOOTS_KEPT: usize = 8;

/// One start of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Process id.
    pub pid: Option<i64>,
    /// Start, in ms since 1970.
    pub started_at_ms: i64,
    /// End, in ms since 1970; `None` while it runs, or after a crash.
    pub completed_at_ms: Option<i64>,
    /// For example `clean_stop`, `startup_failed`.
    pub outcome: Option<String>,
    /// For example `stop (SIGTERM)`.
    pub reason: Option<String>,
    /// Why it was started.
    pub startup_reason: Option<String>,
}

/// A legacy source that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationSource {
    /// The kind of import.
    pub kind: String,
    /// The file.
    pub source: HostPath,
    /// The table it went to.
    pub table: String,
    /// For example `completed`.
    pub status: String,
    /// Whether the file was removed.
    pub removed_source: bool,
    /// Records in the file.
    pub records: Option<i64>,
    /// In ms since 1970.
    pub imported_at_ms: Option<i64>,
}

impl StateDatabase {
    /// Whether this database is the live device store, as far as can be told.
    pub fn is_live(&self) -> Fact<bool> {
        let by_version = [&self.user_version, &self.main_user_version]
            .into_iter()
            .any(|version| version.known().is_some_and(|version| *version >= FIRST_LIVE_SCHEMA));
        match &self.content {
            _ if by_version => Fact::Known(true),
            Fact::Known(content) => Fact::Known(content.live),
            Fact::Absent => Fact::Absent,
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
        }
    }

    /// Whether the log was deleted: `-shm` is there and `-wal` is not (lab F4h; rows committed since the last checkpoint are
    /// lost). Unknown where either could not be looked at.
    pub fn wal_deleted(&self) -> Fact<bool> {
        match (&self.files.shm, &self.files.wal) {
            (Fact::Known(_), Fact::Absent) => Fact::Known(true),
            (Fact::Absent, _) | (_, Fact::Known(_)) => Fact::Known(false),
            (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::Unknown(why.clone()),
        }
    }
}

impl DatabaseContent {
    /// Those of the missing tables that pairing and identity need: without one of them the gateway refuses to start (lab
    /// 2026.9.6, F4j). Of the other missing tables that is likely, not proven.
    pub fn missing_pairing_tables(&self) -> impl Iterator<Item = &str> {
        self.missing_tables.iter().map(String::as_str).filter(|table| super::required::is_pairing(table))
    }

    /// The `primary` row of `schema_meta`.
    pub fn primary_meta(&self) -> Option<&SchemaMeta> {
        self.meta.known()?.iter().find(|meta| meta.key == "primary")
    }

    /// The identity that OpenClaw uses.
    pub fn primary_identity(&self) -> Fact<&DeviceIdentity> {
        match &self.identities {
            Fact::Known(all) => all.iter().find(|identity| identity.key_name == "primary").into(),
            Fact::Absent => Fact::Absent,
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
        }
    }
}
