//! Where systemd looks for units, and which files there belong to one unit (systemd.unit(5) "Unit File Load Path").

use crate::collect::source::Source;
use crate::collect::trust::Rights;
use crate::model::file::{Account, EntryKind};
use crate::model::{HostPath, Unknown};
use crate::snapshot::service::Unread;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// At most so many names of a directory are looked at.
const MOST_NAMES: usize = 5_000;

/// One directory of the load path with its names. Earlier ones count more.
#[derive(Debug, Clone)]
pub struct UnitDirectory {
    /// The directory.
    pub path: PathBuf,
    /// With whose rights its files are read.
    pub rights: Rights,
    /// Filled by packages, with hundreds of units that are not ours: only files with a name of ours are read.
    pub vendor: bool,
    /// It lies in a home.
    pub in_home: bool,
    /// Sorted names.
    pub names: Vec<String>,
}

/// Directories of the system manager.
const SYSTEM: &[(&str, bool)] = &[
    ("/etc/systemd/system.control", false),
    ("/run/systemd/system.control", false),
    ("/run/systemd/transient", false),
    ("/run/systemd/generator.early", false),
    ("/etc/systemd/system", false),
    ("/etc/systemd/system.attached", false),
    ("/run/systemd/system", false),
    ("/run/systemd/generator", false),
    ("/usr/local/lib/systemd/system", false),
    ("/usr/lib/systemd/system", true),
    ("/lib/systemd/system", true),
    ("/run/systemd/generator.late", false),
];

/// Where a directory of a user manager lies.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// Below the home.
    Home,
    /// Below `/run/user/UID/systemd`.
    Session,
    /// For all users.
    Shared,
    /// For all users, filled by packages.
    Vendor,
}

/// Directories of a user manager.
const USER: &[(Base, &str)] = &[
    (Base::Home, ".config/systemd/user.control"),
    (Base::Session, "user.control"),
    (Base::Session, "transient"),
    (Base::Session, "generator.early"),
    (Base::Home, ".config/systemd/user"),
    (Base::Shared, "/etc/systemd/user"),
    (Base::Session, "user"),
    (Base::Shared, "/run/systemd/user"),
    (Base::Session, "generator"),
    (Base::Home, ".local/share/systemd/user"),
    (Base::Shared, "/usr/local/share/systemd/user"),
    (Base::Vendor, "/usr/share/systemd/user"),
    (Base::Shared, "/usr/local/lib/systemd/user"),
    (Base::Vendor, "/usr/lib/systemd/user"),
    (Base::Vendor, "/lib/systemd/user"),
    (Base::Session, "generator.late"),
];

/// The load path of the system manager.
pub fn system(source: &dyn Source, unread: &mut Vec<Unread>) -> Vec<UnitDirectory> {
    let places = SYSTEM.iter().map(|(path, vendor)| place(PathBuf::from(path), Rights::own(), *vendor, false));
    listed(source, places.collect(), unread)
}

/// The load path of an account's manager; what all users share where `shared` is set. OpenClaw itself writes to
/// `~/.config/systemd/user` whatever `XDG_CONFIG_HOME` says (host-by-release 2.1).
pub fn user(source: &dyn Source, account: &Account, shared: bool, unread: &mut Vec<Unread>) -> Vec<UnitDirectory> {
    let session = PathBuf::from(format!("/run/user/{}/systemd", account.uid));
    let places = USER.iter().filter_map(|(base, name)| match base {
        Base::Home => Some(place(account.home.as_ref()?.join(name), Rights::of(account), false, true)),
        Base::Session => Some(place(session.join(name), Rights::of(account), false, false)),
        Base::Shared => shared.then(|| place(PathBuf::from(name), Rights::own(), false, false)),
        Base::Vendor => shared.then(|| place(PathBuf::from(name), Rights::own(), true, false)),
    });
    listed(source, places.collect(), unread)
}

fn place(path: PathBuf, rights: Rights, vendor: bool, in_home: bool) -> UnitDirectory {
    UnitDirectory { path, rights, vendor, in_home, names: Vec::new() }
}

/// Lists the directories that exist, each real one once (`/lib` is often a link to `/usr/lib`).
fn listed(source: &dyn Source, places: Vec<UnitDirectory>, unread: &mut Vec<Unread>) -> Vec<UnitDirectory> {
    let mut seen = BTreeSet::new();
    let mut directories = Vec::new();
    for mut directory in places {
        let real = match source.resolve(&directory.path) {
            Ok(real) => real,
            Err(error) => {
                note(&directory.path, &error, unread);
                continue;
            }
        };
        if !seen.insert(real.clone()) {
            continue;
        }
        match source.list(&real, MOST_NAMES) {
            Ok(listing) => {
                directory.names = listing.names.into_iter().filter_map(|name| name.into_string().ok()).collect();
                if listing.cut {
                    let why = Unknown::new(crate::model::UnknownKind::TooLarge, "more entries than are looked at");
                    unread.push(Unread { path: HostPath::from(directory.path.as_path()), why });
                }
                directories.push(directory);
            }
            Err(error) => note(&directory.path, &error, unread),
        }
    }
    directories
}

fn note(path: &Path, error: &std::io::Error, unread: &mut Vec<Unread>) {
    use std::io::ErrorKind;
    if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
        let path = HostPath::from(path);
        let why = Unknown::from_io(format!("list {path}"), error);
        unread.push(Unread { path, why });
    }
}

/// A unit by name, with the files that make it up.
#[derive(Debug, Clone)]
pub struct UnitFiles {
    /// Unit name; for an instance of a template the instance's.
    pub name: String,
    /// Index of the directory that holds the file that counts.
    pub directory: usize,
    /// That file.
    pub path: PathBuf,
    /// Files of that name that count less.
    pub shadowed: Vec<PathBuf>,
    /// Other names of the unit: links to it in the load path.
    pub aliases: Vec<String>,
    /// Drop-ins in the order in which they are applied, with the index of the directory.
    pub drop_ins: Vec<(usize, PathBuf)>,
    /// Links in `*.wants`, `*.requires` and `*.upholds`.
    pub wanted_by: Vec<PathBuf>,
}

/// Words in the names of units that may be ours.
const OUR_WORDS: &[&str] = &["openclaw", "clawdbot", "moltbot", "moldbot", "moltx", "clawd"];

/// Whether a unit's or label's name has one of our words.
pub fn has_our_word(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    OUR_WORDS.iter().any(|word| lower.contains(word))
}

/// Every service unit of a load path that may be ours: all of those that people make, of packages those with our name.
pub fn units(source: &dyn Source, directories: &[UnitDirectory]) -> Vec<UnitFiles> {
    let mut units: Vec<UnitFiles> = Vec::new();
    let mut aliases: Vec<(String, String)> = Vec::new();
    for (index, directory) in directories.iter().enumerate() {
        for name in directory.names.iter().filter(|name| name.ends_with(".service")) {
            if directory.vendor && !has_our_word(name) {
                continue;
            }
            let path = directory.path.join(name);
            if let Some(target) = alias_of(source, &path, name, directories) {
                aliases.push((target, name.clone()));
                continue;
            }
            match units.iter_mut().find(|unit| unit.name == *name) {
                Some(unit) => unit.shadowed.push(path),
                None => units.push(unit_at(name, index, path)),
            }
        }
    }
    for (target, alias) in aliases {
        if let Some(unit) = units.iter_mut().find(|unit| unit.name == target) {
            unit.aliases.push(alias);
        }
    }
    let mut all = Vec::new();
    for unit in units {
        let instances = instances(source, directories, &unit.name);
        if instances.is_empty() {
            all.push(unit);
        } else {
            all.extend(instances.into_iter().map(|name| unit.instance(name)));
        }
    }
    for unit in &mut all {
        unit.drop_ins = drop_ins(source, directories, unit);
        unit.wanted_by = wanted_by(source, directories, unit);
    }
    all
}

fn unit_at(name: &str, directory: usize, path: PathBuf) -> UnitFiles {
    UnitFiles {
        name: name.to_owned(),
        directory,
        path,
        shadowed: Vec::new(),
        aliases: Vec::new(),
        drop_ins: Vec::new(),
        wanted_by: Vec::new(),
    }
}

impl UnitFiles {
    /// An instance with its template's files.
    fn instance(&self, name: String) -> Self {
        Self { name, aliases: Vec::new(), ..self.clone() }
    }
}

/// A link to a unit of another name in the load path is an alias of it; any other link is the unit itself.
fn alias_of(source: &dyn Source, path: &Path, name: &str, directories: &[UnitDirectory]) -> Option<String> {
    if source.metadata(path).ok()?.kind != EntryKind::Symlink {
        return None;
    }
    let target = source.read_link(path).ok()?;
    let other = target.file_name()?.to_str()?;
    let known = directories.iter().any(|directory| directory.names.binary_search_by(|n| n.as_str().cmp(other)).is_ok());
    (other != name && other.ends_with(".service") && known).then(|| other.to_owned())
}

/// Instances of a template that are linked somewhere: `claw@work.service` for `claw@.service`.
fn instances(source: &dyn Source, directories: &[UnitDirectory], name: &str) -> Vec<String> {
    let Some(prefix) = name.strip_suffix("@.service") else { return Vec::new() };
    let mut found = BTreeSet::new();
    for wants in wants_directories(directories) {
        let Ok(listing) = source.list(&wants, MOST_NAMES) else { continue };
        for name in listing.names.iter().filter_map(|name| name.to_str()) {
            let tail = name.strip_prefix(prefix).and_then(|tail| tail.strip_prefix('@'));
            if tail.is_some_and(|tail| tail.ends_with(".service") && tail != ".service") {
                found.insert(name.to_owned());
            }
        }
    }
    found.into_iter().collect()
}

fn wants_directories(directories: &[UnitDirectory]) -> impl Iterator<Item = PathBuf> + '_ {
    directories.iter().flat_map(|directory| {
        let kinds = [".wants", ".requires", ".upholds"];
        let names = directory.names.iter().filter(move |name| kinds.iter().any(|kind| name.ends_with(kind)));
        names.map(|name| directory.path.join(name))
    })
}

fn wanted_by(source: &dyn Source, directories: &[UnitDirectory], unit: &UnitFiles) -> Vec<PathBuf> {
    let names = || std::iter::once(&unit.name).chain(&unit.aliases);
    wants_directories(directories)
        .flat_map(|wants| names().map(move |name| wants.join(name)))
        .filter(|link| source.metadata(link).is_ok())
        .collect()
}

/// Drop-ins: `a-b.service.d`, `a-.service.d`, for a template's instance also the template's, and `service.d`. Of two
/// files with one name the one counts that lies earlier in the load path, and within one directory of it the one of the
/// more specific name; `service.d` comes last of all. They are applied in order of their names (checked against
/// systemd 252).
fn drop_ins(source: &dyn Source, directories: &[UnitDirectory], unit: &UnitFiles) -> Vec<(usize, PathBuf)> {
    let names = std::iter::once(&unit.name).chain(&unit.aliases).flat_map(|name| drop_in_names(name));
    let own: Vec<String> = names.collect();
    let mut chosen: Vec<(String, usize, PathBuf)> = Vec::new();
    for folders in [own.as_slice(), &["service.d".to_owned()]] {
        for (index, directory) in directories.iter().enumerate() {
            for folder in folders.iter().filter(|folder| directory.names.binary_search(folder).is_ok()) {
                let folder = directory.path.join(folder);
                let real = source.resolve(&folder);
                let Ok(listing) = real.and_then(|real| source.list(&real, MOST_NAMES)) else { continue };
                for name in listing.names.iter().filter_map(|name| name.to_str()) {
                    if name.ends_with(".conf") && !chosen.iter().any(|(other, ..)| other == name) {
                        chosen.push((name.to_owned(), index, folder.join(name)));
                    }
                }
            }
        }
    }
    chosen.sort_by(|a, b| a.0.cmp(&b.0));
    chosen.into_iter().map(|(_, index, path)| (index, path)).collect()
}

/// The drop-in directories of a unit name, the most specific first, without `service.d`.
fn drop_in_names(name: &str) -> Vec<String> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let mut names = vec![format!("{name}.d")];
    let base = stem.split_once('@').map_or(stem, |(prefix, _)| {
        names.push(format!("{prefix}@.service.d"));
        prefix
    });
    for (position, _) in base.match_indices('-').rev() {
        let prefix = base.get(..=position).unwrap_or_default();
        names.push(format!("{prefix}.service.d"));
    }
    names
}

/// Files beside units that are leftovers of a move or an edit, such as `clawdbot-gateway.service.bak`.
pub fn leftovers(directories: &[UnitDirectory]) -> Vec<HostPath> {
    let ends = [".bak", ".old", ".orig", ".save", ".disabled", ".backup", "~", ".rpmsave", ".dpkg-old"];
    let mut found = Vec::new();
    for directory in directories {
        for name in &directory.names {
            let left = name.contains(".service") && ends.iter().any(|end| name.ends_with(end));
            if left && has_our_word(name) {
                found.push(HostPath::new(directory.path.join(name)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_in_directories_of_a_name() {
        assert_eq!(
            drop_in_names("openclaw-gateway-work.service"),
            ["openclaw-gateway-work.service.d", "openclaw-gateway-.service.d", "openclaw-.service.d"]
        );
        assert_eq!(drop_in_names("claw@work.service"), ["claw@work.service.d", "claw@.service.d"]);
    }
}
