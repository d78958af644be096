//! Lock files and shared temporary directories (host-by-release 3.2, 5.1), from the files; on a live host with the
//! processes that they name.

use super::source::{ReadError, Source};
use super::trust::rights_for;
use crate::model::file::EntryKind;
use crate::model::{Fact, HostPath, Product, Unknown, UnknownKind};
use crate::snapshot::lock::{Lock, LockDirectory, LockFacts, LockKind, LockOwner, LockProcess, TempDirectory};
use crate::snapshot::service::Unread;
use sha1::Digest as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A lock of 2026.9.6 has some twelve kilobytes, most of them blanks.
const MOST_BYTES: u64 = 256 << 10;

/// At most so many entries of a directory are looked at.
const MOST_ENTRIES: usize = 2_000;

/// At most so many locks are kept.
const MOST_LOCKS: usize = 200;

/// What is needed to find locks.
pub struct LockInputs<'a> {
    /// State directories that were found.
    pub state_dirs: &'a [PathBuf],
    /// Configuration paths, as OpenClaw would write them: the hash in a lock's name is that of the text.
    pub config_paths: &'a [PathBuf],
    /// Temporary directories that services and accounts use, beside `/tmp`.
    pub temp_dirs: &'a [PathBuf],
}

/// Finds locks and temporary directories.
pub fn collect(source: &dyn Source, inputs: &LockInputs<'_>) -> LockFacts {
    let mut facts = LockFacts::default();
    let mut finder = Finder { source, inputs, seen: BTreeSet::new() };
    let tmp = PathBuf::from("/tmp");
    for temp in std::iter::once(&tmp).chain(inputs.temp_dirs) {
        finder.temporary(temp, &mut facts);
    }
    for state in inputs.state_dirs {
        finder.state(state, &mut facts);
    }
    for config in inputs.config_paths {
        finder.clobber(config, &mut facts);
    }
    facts
}

struct Finder<'a> {
    source: &'a dyn Source,
    inputs: &'a LockInputs<'a>,
    seen: BTreeSet<PathBuf>,
}

impl Finder<'_> {
    /// `openclaw-UID`, `clawdbot-UID` and `openclaw` in a temporary directory. Up to 2026.7.35 the first two hold locks
    /// and the log of accounts that cannot use the shared directory.
    fn temporary(&mut self, temp: &Path, facts: &mut LockFacts) {
        for name in self.names(temp, facts) {
            let Some((product, uid)) = temp_name(&name) else { continue };
            let path = temp.join(&name);
            let Ok(meta) = self.source.metadata(&path) else { continue };
            if !self.seen.insert(path.clone()) {
                continue;
            }
            let uid_in_name = uid;
            let host_path = HostPath::from(path.as_path());
            facts.temp_directories.push(TempDirectory {
                path: host_path.clone(),
                meta: meta.clone(),
                product,
                uid_in_name,
            });
            if meta.kind == EntryKind::Directory {
                let before = facts.locks.len();
                self.locks(&path, facts);
                if facts.locks.len() > before || uid.is_some() {
                    facts.directories.push(LockDirectory { path: host_path, meta, in_state: false, uid_in_name });
                }
            }
        }
    }

    /// `STATE/tmp/openclaw-UID`, from 2026.8.1.
    fn state(&mut self, state: &Path, facts: &mut LockFacts) {
        let real = self.source.resolve(state).unwrap_or_else(|_| state.to_path_buf());
        let temp = real.join("tmp");
        for name in self.names(&temp, facts) {
            let Some((_, uid_in_name)) = temp_name(&name) else { continue };
            let path = temp.join(&name);
            let Ok(meta) = self.source.metadata(&path) else { continue };
            if self.seen.insert(path.clone()) {
                if meta.kind == EntryKind::Directory {
                    self.locks(&path, facts);
                }
                let path = HostPath::from(path.as_path());
                facts.directories.push(LockDirectory { path, meta, in_state: true, uid_in_name });
            }
        }
    }

    /// `openclaw.json.clobber.lock`, a directory beside the configuration.
    fn clobber(&mut self, config: &Path, facts: &mut LockFacts) {
        let Some(name) = config.file_name() else { return };
        let mut name = name.to_os_string();
        name.push(".clobber.lock");
        let path = config.with_file_name(name);
        if let Ok(meta) = self.source.metadata(&path)
            && self.seen.insert(path.clone())
        {
            facts.locks.push(Lock {
                path: HostPath::from(path.as_path()),
                meta,
                kind: LockKind::Clobber,
                config: Some(HostPath::from(config)),
                owner: Fact::Absent,
                process: Fact::Absent,
            });
        }
    }

    fn names(&self, directory: &Path, facts: &mut LockFacts) -> Vec<String> {
        let listing = self.source.resolve(directory).and_then(|real| self.source.list(&real, MOST_ENTRIES));
        let path = HostPath::from(directory);
        match listing {
            Ok(listing) => {
                if listing.cut {
                    let why = Unknown::new(UnknownKind::TooLarge, "more entries than are looked at");
                    facts.unread.push(Unread { path, why });
                }
                listing.names.into_iter().filter_map(|name| name.into_string().ok()).collect()
            }
            Err(error) => {
                use std::io::ErrorKind;
                if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                    let why = Unknown::from_io(format!("list {path}"), &error);
                    facts.unread.push(Unread { path, why });
                }
                Vec::new()
            }
        }
    }

    fn locks(&self, directory: &Path, facts: &mut LockFacts) {
        for name in self.names(directory, facts) {
            let Some(kind) = kind_of(&name) else { continue };
            let path = directory.join(&name);
            let Ok(meta) = self.source.metadata(&path) else { continue };
            if facts.locks.len() == MOST_LOCKS {
                let why = Unknown::new(UnknownKind::TooLarge, "more locks than are looked at");
                facts.unread.push(Unread { path: HostPath::from(directory), why });
                return;
            }
            let owner = match kind {
                LockKind::Config | LockKind::State | LockKind::Other => self.owner(&path),
                LockKind::Reclaim | LockKind::Clobber | LockKind::Handle => Fact::Absent,
            };
            let process = process_of(self.source, &owner);
            let config = self.config_of(&name, owner.known());
            facts.locks.push(Lock { path: HostPath::from(path.as_path()), meta, kind, config, owner, process });
        }
    }

    /// The configuration whose hash is in the name; else the one that the lock names, if it is among those offered.
    fn config_of(&self, name: &str, owner: Option<&LockOwner>) -> Option<HostPath> {
        let hash = name.strip_prefix("gateway.")?.split('.').next()?;
        let by_hash = self.inputs.config_paths.iter().find(|path| {
            let text = path.to_string_lossy();
            hash == short_sha1(&text) || hash == short_sha256(&text)
        });
        let by_hash = by_hash.map(|path| HostPath::from(path.as_path()));
        by_hash.or_else(|| {
            let named = owner?.config_path.clone()?;
            self.inputs.config_paths.iter().any(|path| path == named.as_path()).then_some(named)
        })
    }

    fn owner(&self, path: &Path) -> Fact<LockOwner> {
        // With the rights of whoever owns the directory: several accounts keep their locks here.
        let rights = rights_for(self.source, path, None);
        let bytes = match self.source.read(path, MOST_BYTES, rights.reader()) {
            Ok(contents) => contents.bytes,
            Err(ReadError::NotFound) => return Fact::Absent,
            Err(error) => return Fact::Unknown(error.unknown(path)),
        };
        parse(&bytes)
    }
}

/// `openclaw` and `openclaw-1000`; `clawdbot` likewise. `openclaw-state-locks-1000` holds only SQLite's own locks.
fn temp_name(name: &str) -> Option<(Product, Option<u32>)> {
    [Product::Openclaw, Product::Clawdbot].into_iter().find_map(|product| {
        let tail = name.strip_prefix(product.name())?;
        if tail.is_empty() {
            return Some((product, None));
        }
        let uid = tail.strip_prefix('-')?.parse().ok()?;
        Some((product, Some(uid)))
    })
}

fn kind_of(name: &str) -> Option<LockKind> {
    if name.ends_with(".lock.sqlite") {
        Some(LockKind::Handle)
    } else if name.contains(".lock.reclaim") {
        Some(LockKind::Reclaim)
    } else if name == "gateway.state.lock" {
        Some(LockKind::State)
    } else if name.starts_with("gateway.") && name.ends_with(".lock") {
        Some(LockKind::Config)
    } else {
        name.ends_with(".lock").then_some(LockKind::Other)
    }
}

/// The first eight hex digits of SHA-1: up to 2026.2.19.
fn short_sha1(text: &str) -> String {
    hex(&sha1::Sha1::digest(text.as_bytes()))
}

/// The first eight hex digits of SHA-256: from 2026.2.21.
fn short_sha256(text: &str) -> String {
    hex(&sha2::Sha256::digest(text.as_bytes()))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The first JSON value; from 2026.8.1 a long run of blanks follows it.
fn parse(bytes: &[u8]) -> Fact<LockOwner> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Fact::unknown(UnknownKind::Malformed, "the lock is empty");
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<serde_json::Value>();
    let Some(Ok(value)) = values.next() else {
        return Fact::unknown(UnknownKind::Malformed, "the lock holds no JSON");
    };
    let Some(object) = value.as_object() else {
        return Fact::unknown(UnknownKind::Malformed, "the lock holds no object");
    };
    let text = |key: &str| object.get(key).and_then(|value| value.as_str());
    let number = |key: &str| object.get(key).and_then(serde_json::Value::as_u64);
    Fact::Known(LockOwner {
        pid: number("pid").and_then(|pid| pid.try_into().ok()).filter(|pid| *pid != 0),
        created: text("createdAt").and_then(|time| time.parse().ok()),
        config_path: text("configPath").map(HostPath::from),
        state_dir: text("stateDir").map(HostPath::from),
        port: number("port").and_then(|port| port.try_into().ok()),
        start_ticks: number("startTime"),
        role: text("role").filter(|role| *role != "gateway").map(|role| role.chars().take(40).collect()),
    })
}

fn process_of(source: &dyn Source, owner: &Fact<LockOwner>) -> Fact<LockProcess> {
    match owner {
        Fact::Known(owner) if !source.is_live() => match owner.pid {
            Some(_) => Fact::Unknown(Unknown::offline_root()),
            None => Fact::Absent,
        },
        Fact::Known(owner) => match owner.pid {
            Some(pid) => look(pid, owner.start_ticks),
            None => Fact::Absent,
        },
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
    }
}

#[cfg(target_os = "linux")]
fn look(pid: u32, start_ticks: Option<u64>) -> Fact<LockProcess> {
    use super::processes::{judge_process, reason};
    use crate::snapshot::process::ProcessRole;
    let looked = i32::try_from(pid).map_err(|_| None).and_then(|pid| {
        let process = procfs::process::Process::new(pid).map_err(Some)?;
        let stat = process.stat().map_err(Some)?;
        let uid = process.status().map_err(Some)?.ruid;
        Ok((process, stat, uid))
    });
    let (process, stat, uid) = match looked {
        Ok(found) => found,
        Err(None | Some(procfs::ProcError::NotFound(_))) => return Fact::Known(LockProcess::Gone),
        Err(Some(error)) => return Fact::Unknown(reason("look at the process of the lock", &error)),
    };
    let comm = stat.comm.clone();
    let gateway = judge_process(&process, &stat).is_some_and(|role| role != ProcessRole::Node);
    match start_ticks {
        Some(ticks) if ticks == stat.starttime => Fact::Known(LockProcess::Alive { uid, gateway }),
        Some(_) => Fact::Known(LockProcess::OtherProcess { comm }),
        None => Fact::Known(LockProcess::AliveUnproven { uid, gateway, comm }),
    }
}

#[cfg(not(target_os = "linux"))]
fn look(pid: u32, _start_ticks: Option<u64>) -> Fact<LockProcess> {
    use sysinfo::{Pid, ProcessesToUpdate, System};
    let Ok(mut system) = System::new() else {
        return Fact::unknown(UnknownKind::Unsupported, "this system does not list its processes");
    };
    let pid = Pid::from_u32(pid);
    system.refresh_processes(ProcessesToUpdate::Some(&[pid]), true);
    match system.process(pid) {
        None => Fact::Known(LockProcess::Gone),
        Some(process) => {
            let comm = process.name().to_string_lossy().into_owned();
            let uid = process.user_id().map_or(u32::MAX, |uid| **uid);
            let gateway = super::recognise::title(&comm).is_some();
            Fact::Known(LockProcess::AliveUnproven { uid, gateway, comm })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_directories_and_locks() {
        assert_eq!(temp_name("openclaw"), Some((Product::Openclaw, None)));
        assert_eq!(temp_name("clawdbot-1000"), Some((Product::Clawdbot, Some(1000))));
        assert_eq!(temp_name("openclaw-state-locks-1000"), None);
        assert_eq!(temp_name("openclaw-x"), None);
        assert_eq!(kind_of("gateway.3d3394ea.lock"), Some(LockKind::Config));
        assert_eq!(kind_of("gateway.state.lock"), Some(LockKind::State));
        assert_eq!(kind_of("gateway.state.lock.sqlite"), Some(LockKind::Handle));
        assert_eq!(kind_of("gateway.3d3394ea.lock.reclaim"), Some(LockKind::Reclaim));
        assert_eq!(kind_of("openclaw-2026-11-22.log"), None);
    }

    /// Both seen on real gateways: 2026.2.19 names its lock by SHA-1, 2026.9.6 by SHA-256.
    #[test]
    fn hashes_are_those_of_the_releases() {
        assert_eq!(short_sha1("/home/hostlab/.openclaw/openclaw.json"), "3d3394ea");
        assert_eq!(short_sha256("/home/claw9/.openclaw/openclaw.json"), "76cfe15b");
    }

    #[test]
    fn only_the_first_value_of_a_lock_counts() {
        let text = "{\n  \"pid\": 1694,\n  \"createdAt\": \"2026-11-22T14:21:45.202Z\",\n  \"port\": 20000,\n  \"startTime\": 278498\n}\n\t\t  \t \t\n";
        let owner = parse(text.as_bytes());
        let owner = owner.known().expect("a lock");
        assert_eq!(
            (owner.pid, owner.port, owner.start_ticks, &owner.role),
            (Some(1694), Some(20000), Some(278498), &None)
        );
        assert_eq!(owner.created.map(|time| time.as_second()), Some(1_795_357_305));
        assert_eq!(parse(b"  ").why_unknown().map(|why| why.kind), Some(UnknownKind::Malformed));
        assert_eq!(parse(b"[1]").why_unknown().map(|why| why.kind), Some(UnknownKind::Malformed));
        assert_eq!(parse(b"{\"pid\":-1}").known().map(|owner| owner.pid), Some(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_trouble(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes);
        }
    }
}
