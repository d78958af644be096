//! Plans: typed actions with subject, before, after, reason and inverse. Printing a plan is the dry run.
//!
//! A check says *what* is to change; `fix::engine` fingerprints the subjects, shows before and after, guards, backs up,
//! applies, verifies and journals. A check therefore never writes a diff, a backup or an inverse itself.

use super::HostPath;
use super::choice::Choice;
use super::secret::SecretLabel;
use super::store_edit::{Holds, StoreEdit};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// How far a machine may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// Only a person can do it: secrets, remote hosts, judgement.
    Manual,
    /// Changes behaviour or resets pairings; always asks.
    Unsafe,
    /// Restores what OpenClaw itself would have; loses nothing.
    Safe,
}

impl Applicability {
    /// The lower-case word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Applicability::Manual => "manual",
            Applicability::Unsafe => "unsafe",
            Applicability::Safe => "safe",
        }
    }
}

/// What the running gateway must be doing while the plan is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayDuring {
    /// It may run or not.
    Any,
    /// It must be stopped through its own supervisor first, and what ran before is restored afterwards.
    Stopped,
    /// It is stopped where a supervisor can start it again, because it could erase meanwhile what the plan saves: a
    /// handshake that read the store as empty a moment ago writes that back. Where nobody could start it again, it goes
    /// on, and the plan says so.
    Paused,
}

impl GatewayDuring {
    /// Whether the plan wants the gateway stopped, must it or not.
    pub fn wants_stop(self) -> bool {
        self != GatewayDuring::Any
    }
}

/// Bytes of a file that a plan wants. They may hold tokens: neither `Debug` nor `Serialize` shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(pub Vec<u8>);

impl Content {
    /// The digest of the bytes, for [`Action::Replace`].
    pub fn digest(&self) -> ContentDigest {
        ContentDigest::of(&self.0)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// SHA-256 of a file's bytes. Kept in memory and in the private journal only, never printed: a hash of a file that
/// holds little but a weak token would be an oracle for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Wraps a digest worked out piece by piece.
    pub fn from_raw(raw: [u8; 32]) -> Self {
        Self(raw)
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentDigest(..)")
    }
}

/// A service manager that a unit belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    /// `systemd --system`.
    SystemdSystem,
    /// The `systemd --user` manager of an account.
    SystemdUser {
        /// The account's uid.
        uid: u32,
    },
    /// A launchd domain, such as `gui/501` or `system`.
    Launchd {
        /// The domain target.
        domain: String,
    },
}

/// A process by everything that tells it apart from one that later got the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Process id in the doctor's namespace.
    pub pid: u32,
    /// Start time in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
    /// The executable.
    pub exe: HostPath,
    /// Real uid.
    pub uid: u32,
}

/// One step from the top of a JSON document to a value in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JsonStep {
    /// The member of an object. Where a key is written twice, the last one is meant, as for OpenClaw's parser.
    Key(String),
    /// The element of an array, from 0.
    Index(usize),
}

impl From<&str> for JsonStep {
    fn from(key: &str) -> Self {
        JsonStep::Key(key.to_owned())
    }
}

impl From<usize> for JsonStep {
    fn from(index: usize) -> Self {
        JsonStep::Index(index)
    }
}

/// The way from the top of a JSON document to a value in it; empty for the document itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonPath(pub Vec<JsonStep>);

impl JsonPath {
    /// A path of object keys, such as `["gateway", "trustedProxies"]`.
    pub fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(JsonStep::from).collect())
    }

    /// The path one step further in.
    pub fn then(self, step: impl Into<JsonStep>) -> Self {
        self.then_step(step.into())
    }

    /// The path one step further in.
    pub fn then_step(mut self, step: JsonStep) -> Self {
        self.0.push(step);
        self
    }
}

impl fmt::Display for JsonPath {
    /// `gateway.trustedProxies[0]`; keys that are no plain words are quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |key: &str| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
        };
        for (place, step) in self.0.iter().enumerate() {
            match step {
                JsonStep::Index(index) => write!(f, "[{index}]")?,
                JsonStep::Key(key) if plain(key) && place == 0 => f.write_str(key)?,
                JsonStep::Key(key) if plain(key) => write!(f, ".{key}")?,
                JsonStep::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        if self.0.is_empty() { f.write_str("(the whole document)") } else { Ok(()) }
    }
}

/// One change to a JSON or JSON5 document, made by span, so that comments, order and style stay.
///
/// `was` is the value that the check saw, compared as a value, not as text. Where it no longer matches, the plan is
/// stale. Leave it `None` only where the old value is a secret that the facts hold as a label.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigEdit {
    /// Remove one element of an array.
    RemoveElement {
        /// The array.
        array: JsonPath,
        /// Which element, from 0, counted in the document as it is before any edit.
        index: usize,
        /// The element that the check saw.
        was: Option<serde_json::Value>,
    },
    /// Put another value in a value's place. The new value must hold no secret.
    ReplaceValue {
        /// The value.
        at: JsonPath,
        /// What the check saw.
        was: Option<serde_json::Value>,
        /// What it becomes.
        to: serde_json::Value,
    },
    /// Add a member to an object that has no such key, as its last one. Missing objects on the way are made.
    InsertMember {
        /// The object.
        object: JsonPath,
        /// The new key.
        key: String,
        /// Its value, without secrets.
        value: serde_json::Value,
    },
    /// Remove a member.
    RemoveMember {
        /// The member.
        at: JsonPath,
        /// What the check saw.
        was: Option<serde_json::Value>,
    },
    /// Move a member, as written, to the action's side file. For retired or unknown keys, which are never just dropped.
    MoveOut {
        /// The member.
        at: JsonPath,
    },
    /// Give a member another key, keeping its value, place and comments (a record filed under a wrong id).
    RenameKey {
        /// The member.
        at: JsonPath,
        /// The new key, which the object must not have yet.
        to: String,
    },
}

#[allow(missing_docs)] // the fields are named for what they are; each variant says what is done
/// One change. Every variant has an inverse in the closed set that the journal knows, except [`Action::EndProcess`].
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Give an entry to an account; links are re-owned themselves, never followed.
    Chown { path: HostPath, uid: u32, gid: u32 },
    /// Give everything of another owner in a directory, and the directory itself, to an account. The engine lists the
    /// entries when the plan is prepared, and changes exactly those.
    ChownTree { path: HostPath, uid: u32, gid: u32 },
    /// Set permission bits (only ever narrower, or the owner's own bits).
    Chmod { path: HostPath, mode: u32 },
    /// Clear the immutable or append-only attribute.
    ClearAttributes { path: HostPath, immutable: bool, append_only: bool },
    /// Replace a file's contents. `seen` is the digest of the bytes that the check judged and worked `content` out from.
    Replace { path: HostPath, seen: ContentDigest, content: Content },
    /// Edit a JSON5 document by span, all edits or none. `side_file` takes what [`ConfigEdit::MoveOut`] moves out; it
    /// must not exist yet.
    EditConfig { path: HostPath, edits: Vec<ConfigEdit>, side_file: Option<HostPath> },
    /// Put a secret that this run has read into a JSON5 document, in the place of what stands at `at` or as a new member.
    /// The plan holds its label only; the value goes from memory into that one file and nowhere else.
    WriteSecret { path: HostPath, at: JsonPath, secret: SecretLabel },
    /// Take a variable out of an environment file, or out of a unit file's `Environment=` lines of their own.
    RemoveVariable { path: HostPath, name: String },
    /// Change a JSON file of the device store by record, all edits or none. Where the file is not there, it is made.
    EditStore { path: HostPath, holds: Holds, edits: Vec<StoreEdit> },
    /// Create a file that is not there.
    Create { path: HostPath, content: Content, mode: u32 },
    /// Rename a file or directory to a free name in the same directory.
    SetAside { path: HostPath, to: HostPath },
    /// Rename a SQLite database with its `-wal`, `-shm` and `-journal`, those of them that exist when it is done, to
    /// `to` and its companions' names. The gateway must be stopped.
    SetAsideDatabase { database: HostPath, to: HostPath },
    /// Put a copy in the place of a SQLite database, whose files are set aside as [`Action::SetAsideDatabase`] does. The
    /// copy is judged again when the plan is prepared and when it is applied. The gateway must be stopped.
    RestoreDatabase { database: HostPath, from: HostPath, to: HostPath },
    /// Remove a file that is proven to be a leftover; a backup is kept.
    Remove { path: HostPath },
    /// Remove a symbolic link that leads to `target`, such as the link that enables a unit.
    RemoveLink { path: HostPath, target: HostPath },
    /// Disable and stop one unit through its own manager.
    DisableUnit { manager: Manager, unit: String, mask: bool },
    /// Clear the failed state of one unit, so that it may start again.
    ResetFailedUnit { manager: Manager, unit: String },
    /// Stop one unit through its own manager.
    StopUnit { manager: Manager, unit: String },
    /// Start one unit through its own manager.
    StartUnit { manager: Manager, unit: String },
    /// End one process by pidfd, after checking who it is: TERM, and KILL after that only where `kill` says so.
    EndProcess { process: ProcessId, kill: bool },
    /// Delete one row of the state database (gateway stopped, as the account). `key` is the whole primary key: column
    /// names with their values. The row must exist.
    DeleteRow { database: HostPath, table: String, key: Vec<(String, String)> },
}

/// An action with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Why, one clause.
    pub reason: String,
}

impl Step {
    /// An action and why it is done.
    pub fn new(action: Action, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }
}

/// What a check proposes for one finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The finding's fingerprint.
    pub finding: String,
    /// The finding's check.
    pub check_id: String,
    /// The finding's code.
    pub code: String,
    /// The finding's severity: what weighs less after the fix is not the same finding any more.
    pub severity: super::Severity,
    /// The installation it acts on.
    pub installation: Option<String>,
    /// How far a machine may go.
    pub applicability: Applicability,
    /// One line.
    pub summary: String,
    /// What must be said before anything else, for example "do not start the gateway before this fix".
    pub first: Vec<String>,
    /// The changes, in order. Empty for a manual plan.
    pub steps: Vec<Step>,
    /// What a person does, in order: before confirming (`Manual`) or after the steps.
    pub manual: Vec<String>,
    /// What the gateway must be doing meanwhile.
    pub gateway: GatewayDuring,
    /// Other ways out, of which a person may choose one.
    pub choices: Vec<Choice>,
}

impl Plan {
    /// A plan without machine steps.
    pub fn manual(finding: &super::Finding, summary: impl Into<String>, manual: Vec<String>) -> Self {
        Self { manual, ..Self::of(finding, Applicability::Manual, summary, Vec::new()) }
    }

    /// A plan with steps.
    pub fn of(
        finding: &super::Finding,
        applicability: Applicability,
        summary: impl Into<String>,
        steps: Vec<Step>,
    ) -> Self {
        Self {
            finding: finding.fingerprint.clone(),
            check_id: finding.check_id.clone(),
            code: finding.code.clone(),
            severity: finding.severity,
            installation: finding.installation.clone(),
            applicability,
            summary: summary.into(),
            first: Vec::new(),
            steps,
            manual: Vec::new(),
            gateway: GatewayDuring::Any,
            choices: Vec::new(),
        }
    }

    /// Adds what must be said before anything else.
    pub fn say_first(mut self, text: impl Into<String>) -> Self {
        self.first.push(text.into());
        self
    }

    /// Adds what a person does after the steps (or instead of them).
    pub fn then_by_hand(mut self, text: impl Into<String>) -> Self {
        self.manual.push(text.into());
        self
    }

    /// The gateway must be stopped meanwhile.
    pub fn with_gateway_stopped(mut self) -> Self {
        self.gateway = GatewayDuring::Stopped;
        self
    }

    /// The gateway is better stopped meanwhile, so that it does not erase what the plan saves.
    pub fn with_gateway_paused(mut self) -> Self {
        self.gateway = GatewayDuring::Paused;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_paths_read_like_openclaws_own_messages() {
        let path = JsonPath::keys(["gateway", "trustedProxies"]).then(0);
        assert_eq!(path.to_string(), "gateway.trustedProxies[0]");
        assert_eq!(JsonPath::keys(["a b", "c"]).to_string(), "[\"a b\"].c");
        assert_eq!(JsonPath::default().to_string(), "(the whole document)");
    }

    #[test]
    fn contents_and_digests_are_not_shown() {
        let content = Content(b"token-value".to_vec());
        assert_eq!(format!("{content:?} {:?}", content.digest()), "Content(11 bytes) ContentDigest(..)");
    }
}
