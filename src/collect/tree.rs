//! Walks the state directory: owners, modes, attributes, and what the gateway's account may do with each entry.
//!
//! Links are never followed below the top. Entries that no gateway needs to start or to let a device in (media,
//! workspaces, caches) are passed over; a state tree can hold a million of them.

use super::source::access::{Want, permits};
use super::source::{Account, Attributes, EntryKind, Meta, Source};
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::tree::{EntryFacts, EntryRole, Rights, TreeFacts};
use std::path::Path;
use std::time::Instant;

/// The walk stops after so many entries.
const MOST_ENTRIES: usize = 50_000;

/// So many odd entries are kept; the rest is counted.
const MOST_ODD: usize = 500;

/// Directories are entered down to this depth below the state directory (`agents/<id>/sessions` is 3).
const MOST_DEPTH: usize = 6;

/// Directories that hold what users and plugins put there; nobody is locked out by them.
const PASSED_OVER: &[&str] = &[
    "workspace",
    "cache",
    "media",
    "node_modules",
    ".git",
    "sandboxes",
    "browser",
    "canvas",
    "completions",
    "memory",
    "plugin-skills",
    "extensions",
];

/// Looks at the tree below `top`. `account` is the one the gateway is meant to run as.
pub fn collect(source: &dyn Source, top: &Path, account: Fact<&Account>, deadline: Instant) -> TreeFacts {
    let mut facts = TreeFacts {
        above: above(source, top, &account),
        top: Fact::Absent,
        key: Vec::new(),
        odd: Vec::new(),
        odd_total: 0,
        leftovers: Vec::new(),
        seen: 0,
        unlisted: Vec::new(),
        cut: None,
    };
    let real = match source.resolve(top) {
        Ok(real) => real,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return facts,
        Err(error) => {
            facts.top = Fact::Unknown(Unknown::from_io(format!("look at {}", HostPath::from(top)), &error));
            return facts;
        }
    };
    let meta = match source.metadata(&real) {
        Ok(meta) => meta,
        Err(error) => {
            facts.top = Fact::Unknown(Unknown::from_io(format!("look at {}", HostPath::from(top)), &error));
            return facts;
        }
    };
    let mut entry = entry_facts(source, top, &real, meta, EntryRole::StateDir, &account);
    entry.leads_to = (real != top).then(|| HostPath::from(real.as_path()));
    let is_directory = entry.meta.kind == EntryKind::Directory;
    let device = entry.meta.device;
    facts.top = Fact::Known(entry);
    if is_directory {
        let mut walk = Walk { source, account, facts: &mut facts, deadline, device, top };
        walk.directory(&real, Path::new(""), 0);
    }
    facts
}

/// Single files below the state directory, by name: what the user's own checks ask about.
pub fn asked(
    source: &dyn Source,
    top: &Path,
    names: &[String],
    account: &Fact<&Account>,
) -> Vec<(HostPath, Fact<EntryFacts>)> {
    let look = |name: &String| {
        let path = top.join(name);
        let role = role_of(Path::new(name), EntryKind::File);
        let fact = match source.metadata(&path) {
            Ok(meta) => Fact::Known(entry_facts(source, &path, &path, meta, role, account)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
            Err(error) => {
                Fact::Unknown(Unknown::from_io(format!("look at {}", HostPath::from(path.as_path())), &error))
            }
        };
        (HostPath::from(path.as_path()), fact)
    };
    names.iter().map(look).collect()
}

/// The directories above, from `/` down, with links resolved.
fn above(source: &dyn Source, top: &Path, account: &Fact<&Account>) -> Vec<EntryFacts> {
    let real = source.resolve(top).unwrap_or_else(|_| top.to_path_buf());
    let mut parents: Vec<&Path> = real.ancestors().skip(1).collect();
    parents.reverse();
    parents
        .into_iter()
        .filter_map(|path| {
            let meta = source.metadata(path).ok()?;
            Some(entry_facts(source, path, path, meta, EntryRole::Above, account))
        })
        .collect()
}

struct Walk<'w> {
    source: &'w dyn Source,
    account: Fact<&'w Account>,
    facts: &'w mut TreeFacts,
    deadline: Instant,
    device: u64,
    top: &'w Path,
}

impl Walk<'_> {
    /// `real` is the directory with links resolved, `relative` its path below the state directory.
    fn directory(&mut self, real: &Path, relative: &Path, depth: usize) {
        let left = MOST_ENTRIES.saturating_sub(self.facts.seen);
        let listing = match self.source.list(real, left) {
            Ok(listing) => listing,
            Err(error) => {
                let path = HostPath::new(self.top.join(relative));
                let why = Unknown::from_io(format!("list {path}"), &error);
                self.facts.unlisted.push((path, why));
                return;
            }
        };
        if listing.cut {
            self.facts.cut = Some(Unknown::new(UnknownKind::TooLarge, format!("more than {MOST_ENTRIES} entries")));
        }
        for name in listing.names {
            if self.facts.cut.is_some() && self.facts.seen >= MOST_ENTRIES {
                return;
            }
            if self.facts.seen % 256 == 255 && Instant::now() > self.deadline {
                self.facts.cut = Some(Unknown::new(UnknownKind::TimedOut, "the time for this run was used up"));
                return;
            }
            self.entry(&real.join(&name), &relative.join(&name), depth);
        }
    }

    fn entry(&mut self, real: &Path, relative: &Path, depth: usize) {
        let Ok(meta) = self.source.metadata(real) else { return };
        self.facts.seen += 1;
        let role = role_of(relative, meta.kind);
        let (kind, device) = (meta.kind, meta.device);
        let path = self.top.join(relative);
        let is_key = !matches!(role, EntryRole::Other | EntryRole::ConfigCopy);
        if is_key || self.is_odd(&meta) {
            let mut entry = entry_facts(self.source, &path, real, meta, role, &self.account);
            if kind == EntryKind::Symlink {
                entry.leads_to = self.source.resolve(real).ok().map(HostPath::from);
            }
            self.keep(entry, is_key);
        }
        let entered =
            kind == EntryKind::Directory && depth < MOST_DEPTH && device == self.device && !is_passed_over(relative);
        if entered {
            self.directory(real, relative, depth + 1);
        }
    }

    fn is_odd(&self, meta: &Meta) -> bool {
        let foreign = self.account.known().is_some_and(|account| meta.uid != account.uid);
        let special = !matches!(meta.kind, EntryKind::File | EntryKind::Directory | EntryKind::Symlink);
        let closed = match meta.kind {
            EntryKind::File => meta.mode & 0o600 != 0o600,
            EntryKind::Directory => meta.mode & 0o700 != 0o700,
            _ => false,
        };
        foreign || special || closed || meta.kind == EntryKind::File && meta.links > 1
    }

    fn keep(&mut self, entry: EntryFacts, is_key: bool) {
        if entry.role == EntryRole::Leftover {
            if self.facts.leftovers.len() < MOST_ODD {
                self.facts.leftovers.push(entry);
            }
        } else if is_key && self.facts.key.len() < MOST_ODD {
            self.facts.key.push(entry);
        } else {
            self.facts.odd_total += 1;
            if self.facts.odd.len() < MOST_ODD {
                self.facts.odd.push(entry);
            }
        }
    }
}

fn is_passed_over(relative: &Path) -> bool {
    relative.file_name().and_then(|name| name.to_str()).is_some_and(|name| PASSED_OVER.contains(&name))
}

fn entry_facts(
    source: &dyn Source,
    path: &Path,
    real: &Path,
    meta: Meta,
    role: EntryRole,
    account: &Fact<&Account>,
) -> EntryFacts {
    let attributes = if meta.kind == EntryKind::Symlink { Attributes::default() } else { source.attributes(real) };
    let may = account.as_ref().map(|account| Rights {
        read: permits(account, &meta, Some(&attributes), Want::READ),
        write: permits(account, &meta, Some(&attributes), Want::WRITE),
        enter: permits(account, &meta, Some(&attributes), Want::ENTER),
    });
    EntryFacts { path: HostPath::from(path), role, meta, attributes, may, leads_to: None }
}

/// What an entry is to OpenClaw, by its path below the state directory.
pub fn role_of(relative: &Path, kind: EntryKind) -> EntryRole {
    let parts: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap_or("\u{fffd}")).collect();
    let is_directory = kind == EntryKind::Directory;
    match parts.as_slice() {
        [name] if is_config_name(name) => EntryRole::Config,
        [name] if is_leftover(name) => EntryRole::Leftover,
        [name] if name.split_once(".json.").is_some_and(|(stem, _)| is_config_name(&format!("{stem}.json"))) => {
            EntryRole::ConfigCopy
        }
        [".env" | "gateway.systemd.env" | "node.systemd.env"] | ["service-env", ..] => EntryRole::EnvFile,
        ["devices"] if is_directory => EntryRole::DevicesDir,
        ["devices", "paired.json"] => EntryRole::Paired,
        ["devices", "pending.json"] => EntryRole::Pending,
        ["devices", "bootstrap.json"] => EntryRole::Bootstrap,
        ["devices" | "identity" | "nodes" | "state", name] if is_leftover(name) => EntryRole::Leftover,
        ["nodes"] | ["nodes", "paired.json" | "pending.json"] => EntryRole::Nodes,
        ["identity"] if is_directory => EntryRole::IdentityDir,
        ["identity", "device.json"] => EntryRole::Identity,
        ["identity", "device-auth.json"] => EntryRole::DeviceAuth,
        ["state"] if is_directory => EntryRole::DatabaseDir,
        ["state", "openclaw.sqlite"] => EntryRole::Database,
        ["state", "openclaw.sqlite-wal" | "openclaw.sqlite-shm" | "openclaw.sqlite-journal"] => {
            EntryRole::DatabaseCompanion
        }
        ["state", name] if name.starts_with("openclaw.sqlite") && !is_directory => EntryRole::DatabaseCopy,
        [".openclaw" | ".clawdbot" | ".moltbot"] if is_directory => EntryRole::NestedState,
        ["config-journal-fingerprint.key"] => EntryRole::JournalKey,
        ["tmp"] => EntryRole::LockDir,
        ["tmp", name] if is_directory && (name.starts_with("openclaw-") || *name == "agent-cli") => EntryRole::LockDir,
        ["tmp", _, name] if name.ends_with(".lock") || name.ends_with(".lock.sqlite") => EntryRole::Lock,
        ["agents"] | ["agents", _] | ["agents", _, "agent" | "sessions"] if is_directory => EntryRole::Agents,
        ["cron"] => EntryRole::Cron,
        ["logs"] => EntryRole::Logs,
        ["credentials"] => EntryRole::Credentials,
        _ => EntryRole::Other,
    }
}

fn is_config_name(name: &str) -> bool {
    matches!(name, "openclaw.json" | "clawdbot.json" | "moltbot.json" | "moldbot.json")
}

/// `<file>.<uuid>.tmp` up to 2026.5.7, `.fs-safe-replace.<pid>.<uuid>.tmp` after (pairing-by-release 1.3).
fn is_leftover(name: &str) -> bool {
    name.ends_with(".tmp") && (name.contains(".json.") || name.starts_with(".fs-safe-replace."))
}
