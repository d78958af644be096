//! Facts about the files of a state directory: who owns them and what the gateway's account may do with them.

use crate::model::file::{Attributes, Meta};
use crate::model::{Fact, HostPath, Unknown};
use serde::{Deserialize, Serialize};

/// The state directory as files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeFacts {
    /// The directories above the state directory, from `/` down, as far as they can be looked at.
    pub above: Vec<EntryFacts>,
    /// The state directory itself.
    pub top: Fact<EntryFacts>,
    /// The entries that the gateway or CLI must be able to use, where they exist.
    pub key: Vec<EntryFacts>,
    /// Other entries that are odd: another owner, closed to the account, immutable, special, with several links.
    /// Capped; `odd_total` counts all.
    pub odd: Vec<EntryFacts>,
    /// All odd entries that were seen.
    pub odd_total: usize,
    /// Leftover temporary files of failed writes.
    pub leftovers: Vec<EntryFacts>,
    /// How many entries were looked at.
    pub seen: usize,
    /// Directories that could not be listed by the doctor, with the reason.
    pub unlisted: Vec<(HostPath, Unknown)>,
    /// Why the walk ended early, if it did.
    pub cut: Option<Unknown>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryFacts {
    /// The entry.
    pub path: HostPath,
    /// What it is to OpenClaw.
    pub role: EntryRole,
    /// Owner, mode, size, times.
    pub meta: Meta,
    /// Immutable flag and ACL.
    pub attributes: Attributes,
    /// What the gateway's account may do, judged from owner, groups, mode and ACL, the entry alone. Unknown where the
    /// account is.
    pub may: Fact<Rights>,
    /// Where the entry is a link: where it leads, resolved.
    pub leads_to: Option<HostPath>,
}

/// What an account may do with one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Read a file, or list a directory.
    pub read: bool,
    /// Write a file, or change the names in a directory.
    pub write: bool,
    /// Enter a directory.
    pub enter: bool,
}

/// What an entry of the state directory is to OpenClaw (host-by-release 1.3, release-2026.9.6 section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryRole {
    /// A directory above the state directory.
    Above,
    /// The state directory.
    StateDir,
    /// `openclaw.json` or a legacy name of it.
    Config,
    /// `openclaw.json.bak` and other copies.
    ConfigCopy,
    /// `.env`, `gateway.systemd.env`, `service-env/`.
    EnvFile,
    /// `devices/`
    DevicesDir,
    /// `devices/paired.json`
    Paired,
    /// `devices/pending.json`
    Pending,
    /// `devices/bootstrap.json`
    Bootstrap,
    /// `nodes/` and what is in it.
    Nodes,
    /// `identity/`
    IdentityDir,
    /// `identity/device.json`
    Identity,
    /// `identity/device-auth.json`
    DeviceAuth,
    /// `state/`
    DatabaseDir,
    /// `state/openclaw.sqlite`
    Database,
    /// `state/openclaw.sqlite-wal`, `-shm`, `-journal`
    DatabaseCompanion,
    /// A copy of the database beside it, such as `state/openclaw.sqlite.bak`.
    DatabaseCopy,
    /// `config-journal-fingerprint.key`, made together with the first state database (from 2026.8.1).
    JournalKey,
    /// A state directory inside the state directory (`.openclaw/.openclaw`).
    NestedState,
    /// `tmp/` and the lock directories in it.
    LockDir,
    /// A lock file.
    Lock,
    /// `agents/` and the directories in it.
    Agents,
    /// `cron/`
    Cron,
    /// `logs/`
    Logs,
    /// `credentials/`
    Credentials,
    /// A leftover `*.tmp` of a failed write.
    Leftover,
    /// Anything else.
    Other,
}

impl TreeFacts {
    /// The entry with a role, if it exists.
    pub fn with_role(&self, role: EntryRole) -> Option<&EntryFacts> {
        self.key.iter().find(|entry| entry.role == role)
    }

    /// Every entry that was kept, the top included.
    pub fn kept(&self) -> impl Iterator<Item = &EntryFacts> {
        self.top.known().into_iter().chain(&self.key).chain(&self.odd)
    }
}
