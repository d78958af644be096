//! OpenClaw packages and Node binaries on the host, found without running anything: from units, processes, the caller's
//! `PATH`, and the places where package managers put them.

mod apps;
pub mod manifest;
mod node;
mod places;

use super::source::{Source, read_text};
use super::trust::rights_for;
use crate::model::file::{Account, EntryKind};
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::process::ProcessFact;
use crate::snapshot::program::{FoundBy, NodeBinary, Package, ProgramFacts};
use crate::snapshot::service::{ServiceUnit, Unread};
use manifest::Manifest;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Start scripts of package managers are short.
const MOST_SCRIPT_BYTES: u64 = 64 << 10;

/// Directories of `PATH` beyond these are not looked at.
const MOST_PATH_ENTRIES: usize = 100;

/// What is needed to find programs.
pub struct ProgramInputs<'a> {
    /// Units that were found.
    pub units: &'a [ServiceUnit],
    /// Processes that were found.
    pub processes: &'a [ProcessFact],
    /// Accounts whose homes are looked through.
    pub homes: &'a [Account],
    /// The caller's `PATH`; none below `--root`, where it would be another host's.
    pub path: Option<&'a OsStr>,
}

/// Finds packages and Node binaries.
pub fn collect(source: &dyn Source, inputs: &ProgramInputs<'_>) -> ProgramFacts {
    let mut finder = Finder { source, facts: ProgramFacts::default() };
    for unit in inputs.units {
        finder.unit(unit, inputs.homes);
    }
    for process in inputs.processes {
        finder.process(process);
    }
    if let Some(path) = inputs.path {
        finder.path(path);
    }
    for (directory, account) in places::candidates(source, inputs.homes) {
        finder.directory(&directory, account, FoundBy::UsualPlace);
    }
    finder.facts.packages.extend(apps::collect(source, inputs.homes));
    finder.facts
}

struct Finder<'a> {
    source: &'a dyn Source,
    facts: ProgramFacts,
}

impl Finder<'_> {
    fn unit(&mut self, unit: &ServiceUnit, homes: &[Account]) {
        let by = || FoundBy::Unit(unit.name.clone());
        let account = match &unit.manager {
            Manager::SystemdUser { uid } => homes.iter().find(|account| account.uid == *uid),
            Manager::SystemdSystem | Manager::Launchd { .. } => None,
        };
        let search = unit.environment.plain("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin").to_owned();
        if let Some(entry) = &unit.entry {
            let entry = entry.as_path();
            let entry = if entry.is_absolute() { Some(entry.to_path_buf()) } else { self.which(entry, &search) };
            if let Some(entry) = entry {
                self.program(&entry, account, by());
            }
        }
        for line in unit.exec.iter().filter(|line| line.setting != "ExecStartPre") {
            // Also behind `env`, `sh wrapper` and the like: the word before the entry.
            for word in line.argv.iter().filter(|word| is_node(word)) {
                let path = Path::new(word);
                let path = if path.is_absolute() { Some(path.to_path_buf()) } else { self.which(path, &search) };
                if let Some(path) = path {
                    self.node(&path, by());
                }
            }
        }
    }

    /// A bare name in a list of directories.
    fn which(&self, name: &Path, search: &str) -> Option<PathBuf> {
        let directories = search.split(':').filter(|directory| directory.starts_with('/')).take(MOST_PATH_ENTRIES);
        let mut files = directories.map(|directory| Path::new(directory).join(name));
        files.find(|file| self.source.metadata_following(file).is_ok_and(|meta| meta.kind == EntryKind::File))
    }

    fn process(&mut self, process: &ProcessFact) {
        if let Some(directory) = process.package.known() {
            self.directory(directory.as_path(), None, FoundBy::Process(process.pid));
        }
        // The path of a process in another mount namespace is not this host's.
        let here = process.mounts.known().is_none_or(|mounts| mounts.own);
        if let Some(exe) = process.exe.known().filter(|exe| here && is_node(&exe.to_string())) {
            self.node(exe.as_path(), FoundBy::Process(process.pid));
        }
    }

    fn path(&mut self, path: &OsStr) {
        let directories = std::env::split_paths(path).filter(|directory| directory.is_absolute());
        for (position, directory) in directories.enumerate().take(MOST_PATH_ENTRIES) {
            for name in places::PACKAGE_NAMES {
                let program = directory.join(name);
                if self.source.metadata(&program).is_ok() {
                    let by = FoundBy::Path { position, program: HostPath::from(program.as_path()) };
                    self.program(&program, None, by);
                }
            }
            let node = directory.join("node");
            if self.source.metadata_following(&node).is_ok_and(|meta| meta.kind == EntryKind::File) {
                self.node(&node, FoundBy::Path { position, program: HostPath::from(node.as_path()) });
            }
        }
    }

    /// A program file or entry: the package around it, or the one that its script starts.
    fn program(&mut self, program: &Path, account: Option<&Account>, by: FoundBy) {
        let ours =
            |found: &(PathBuf, Fact<Manifest>)| found.1.known().is_none_or(|manifest| manifest.product().is_some());
        let around = manifest::of_entry(self.source, program, account).filter(ours);
        if let Some((directory, manifest)) = around {
            self.add(&directory, manifest, by);
        } else if let Some(target) = self.target_of_script(program, account)
            && let Some((directory, manifest)) = manifest::of_entry(self.source, &target, account).filter(ours)
        {
            self.add(&directory, manifest, by);
        }
    }

    /// The entry that a start script of pnpm, npm or a person names: `exec node "$basedir/global/5/node_modules/openclaw/…"`.
    fn target_of_script(&self, program: &Path, account: Option<&Account>) -> Option<PathBuf> {
        let rights = rights_for(self.source, program, account);
        let text = read_text(self.source, program, MOST_SCRIPT_BYTES, rights.reader()).ok()?;
        if !text.starts_with("#!") {
            return None;
        }
        let real = self.source.resolve(program).ok()?;
        let base = real.parent()?;
        let words = text.split(|c: char| c.is_whitespace() || "\"';()".contains(c));
        let mut entries = words.filter(|word| {
            places::PACKAGE_NAMES.iter().any(|name| word.contains(&format!("/{name}/"))) && word.contains(".mjs")
                || word.ends_with("/dist/index.js")
                || word.ends_with("/dist/entry.js")
        });
        entries.find_map(|word| match word.strip_prefix("$basedir/").or_else(|| word.strip_prefix("${basedir}/")) {
            Some(tail) => Some(base.join(tail)),
            None => word.starts_with('/').then(|| PathBuf::from(word)),
        })
    }

    /// A directory that may be a package.
    fn directory(&mut self, directory: &Path, account: Option<&Account>, by: FoundBy) {
        let manifest = manifest::read(self.source, directory, account);
        let counts = match &manifest {
            Fact::Known(manifest) => manifest.product().is_some(),
            Fact::Absent => false,
            // A closed directory of our name is worth saying; any other is not.
            Fact::Unknown(_) => directory.file_name().is_some_and(|name| name != "app"),
        };
        if counts {
            let real = self.source.resolve(directory).unwrap_or_else(|_| directory.to_path_buf());
            self.add(&real, manifest, by);
        }
    }

    fn add(&mut self, directory: &Path, manifest: Fact<Manifest>, by: FoundBy) {
        let directory = HostPath::from(directory);
        if let Some(known) = self.facts.packages.iter_mut().find(|package| package.directory == directory) {
            if !known.found_by.contains(&by) {
                known.found_by.push(by);
            }
            return;
        }
        match manifest {
            Fact::Known(manifest) => {
                let Some(product) = manifest.product() else { return };
                self.facts.packages.push(Package {
                    directory,
                    product,
                    release: manifest.release(),
                    engines_node: manifest.engines_node.into(),
                    uid: manifest.uid,
                    schema_version: manifest.state_schema.into(),
                    found_by: vec![by],
                });
            }
            Fact::Absent => {}
            Fact::Unknown(why) => self.unread(directory, why),
        }
    }

    fn unread(&mut self, path: HostPath, why: Unknown) {
        if self.facts.unread.iter().all(|unread| unread.path != path) {
            self.facts.unread.push(Unread { path, why });
        }
    }

    fn node(&mut self, path: &Path, by: FoundBy) {
        let Ok(real) = self.source.resolve(path) else {
            let why = Unknown::new(UnknownKind::Failed, "it is not there");
            self.unread(HostPath::from(path), why);
            return;
        };
        let path = HostPath::from(real.as_path());
        match self.facts.nodes.iter_mut().find(|node| node.path == path) {
            Some(known) if !known.found_by.contains(&by) => known.found_by.push(by),
            Some(_) => {}
            None => {
                let version = node::version(self.source, &real);
                self.facts.nodes.push(NodeBinary { path, version, found_by: vec![by] });
            }
        }
    }
}

/// `node`, `nodejs`, `node22`, `node-24`.
fn is_node(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let tail = name.strip_prefix("nodejs").or_else(|| name.strip_prefix("node"));
    tail.is_some_and(|tail| tail.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()))
}
