//! Service units that start a gateway or a node host: systemd units and launchd plists from the files, and what their
//! manager says where it answers.

mod launchctl;
mod lines;
mod manager;
mod names;
mod others;
mod plists;
mod query;
mod search;
mod specifiers;
mod syntax;
mod unit;
mod verdict;

use super::accounts::AccountBook;
use super::env_files::{self, EnvDialect};
use super::environment::RawVar;
use super::source::{Reader, Source};
use crate::model::file::Account;
use crate::model::plan::Manager;
use crate::model::{Fact, SecretVault};
use crate::snapshot::service::{ManagerFact, ServiceFacts, ServiceUnit};
use search::UnitDirectory;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is needed to look for units.
pub struct ServiceInputs<'a> {
    /// The host's accounts.
    pub book: &'a AccountBook,
    /// Accounts whose homes are looked at.
    pub homes: &'a [Account],
    /// Whether running managers are asked (never below `--root`).
    pub ask_managers: bool,
}

/// Finds the units of every manager.
pub fn collect(source: &dyn Source, inputs: &ServiceInputs<'_>, vault: &mut SecretVault) -> ServiceFacts {
    let mut facts = ServiceFacts::default();
    let directories = search::system(source, &mut facts.unread);
    let system = Manager::SystemdSystem;
    add(
        source,
        inputs,
        &mut facts,
        vault,
        Group { manager: system, account: None, directories, inherited: Vec::new() },
    );
    let sharing = sharing(source, inputs);
    for account in inputs.homes {
        let shared = sharing.contains(&account.uid);
        let directories = search::user(source, account, shared, &mut facts.unread);
        if directories.is_empty() {
            continue;
        }
        let inherited = environment_d(source, account);
        let manager = Manager::SystemdUser { uid: account.uid };
        add(source, inputs, &mut facts, vault, Group { manager, account: Some(account), directories, inherited });
    }
    plists::collect(source, inputs, &mut facts, vault);
    others::collect(source, inputs, &mut facts, vault);
    facts
}

/// One manager with its load path.
struct Group<'a> {
    manager: Manager,
    account: Option<&'a Account>,
    directories: Vec<UnitDirectory>,
    inherited: Vec<RawVar>,
}

fn add(
    source: &dyn Source,
    inputs: &ServiceInputs<'_>,
    facts: &mut ServiceFacts,
    vault: &mut SecretVault,
    group: Group<'_>,
) {
    facts.leftovers.extend(search::leftovers(&group.directories));
    let context = unit::Context {
        source,
        book: inputs.book,
        manager: group.manager.clone(),
        account: group.account,
        directories: &group.directories,
        inherited: &group.inherited,
    };
    let files = search::units(source, &group.directories);
    let mut units: Vec<ServiceUnit> = files.iter().filter_map(|files| unit::read(&context, files, vault)).collect();
    if inputs.ask_managers && !units.is_empty() {
        let names: Vec<String> = units.iter().map(|unit| unit.name.clone()).collect();
        let states = manager::states(source, &group.manager, group.account, &names);
        for (position, unit) in units.iter_mut().enumerate() {
            unit.live = match &states {
                Fact::Known(states) => states.get(position).cloned().into(),
                Fact::Absent => Fact::Absent,
                Fact::Unknown(why) => Fact::Unknown(why.clone()),
            };
        }
        facts.managers.push(ManagerFact { manager: group.manager, answers: states.map(|_| ()) });
    }
    facts.units.append(&mut units);
}

/// Accounts that units for all users are shown for: those that keep a state directory, linger, or are logged in; of
/// everybody, the first ordinary one where there is none.
fn sharing(source: &dyn Source, inputs: &ServiceInputs<'_>) -> Vec<u32> {
    const STATES: &[&str] = &[".openclaw", ".clawdbot", ".moltbot", ".moldbot"];
    let exists = |path: &Path| source.metadata(path).is_ok();
    let uses = |account: &Account| {
        account.home.as_ref().is_some_and(|home| STATES.iter().any(|name| exists(&home.join(name))))
            || inputs.book.linger(source, account).known().is_some()
            || exists(&PathBuf::from(format!("/run/user/{}/systemd", account.uid)))
    };
    let mut chosen: Vec<u32> = inputs.homes.iter().filter(|account| uses(account)).map(|account| account.uid).collect();
    if chosen.is_empty() {
        let first = inputs.homes.iter().find(|account| account.uid != 0).or(inputs.homes.first());
        chosen.extend(first.map(|account| account.uid));
    }
    chosen
}

/// Our variables in `environment.d` (environment.d(5)): a user manager gives them to all its units. Files of one name
/// count once, all are applied in order of their names.
fn environment_d(source: &dyn Source, account: &Account) -> Vec<RawVar> {
    let mut chosen: BTreeMap<std::ffi::OsString, (PathBuf, bool)> = BTreeMap::new();
    let home = account.home.as_ref().map(|home| (home.join(".config/environment.d"), true));
    let shared = ["/etc/environment.d", "/run/environment.d", "/usr/local/lib/environment.d", "/usr/lib/environment.d"];
    let shared = shared.iter().map(|path| (PathBuf::from(path), false));
    for (directory, own) in home.into_iter().chain(shared) {
        let Ok(listing) = source.resolve(&directory).and_then(|real| source.list(&real, 500)) else { continue };
        for name in listing.names.into_iter().filter(|name| name.to_str().is_some_and(|name| name.ends_with(".conf"))) {
            let path = directory.join(&name);
            chosen.entry(name).or_insert((path, own));
        }
    }
    let mut found = Vec::new();
    for (path, own) in chosen.into_values() {
        let reader = if own { Reader::As(account) } else { Reader::Own };
        if let Fact::Known(raw) = env_files::raw(source, &path, EnvDialect::Systemd, reader) {
            // A value with `$` would have to be expanded in the manager's own environment, which is not known.
            let plain = |var: &RawVar| is_ours(&var.name) && !var.value.expose().contains('$');
            found.extend(raw.into_iter().filter(plain));
        }
    }
    found
}

fn is_ours(name: &str) -> bool {
    name.starts_with("OPENCLAW_") || name.starts_with("CLAWDBOT_")
}
