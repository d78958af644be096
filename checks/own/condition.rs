//! One condition of a declarative check: which fact it looks at, and what that must be.

use super::value::{Texts, Wanted};
use crate::checks::{Context, Subject};
use crate::logs::EventKind;
use crate::logs::releases::ReleaseRange;
use crate::model::{Evidence, Fact, Unknown, UnknownKind};
use crate::snapshot::config::{ConfigNode, ConfigValue};
use crate::snapshot::environment::{EnvValue, Environment, Sited};
use crate::snapshot::service::ServiceUnit;
use crate::snapshot::tree::EntryFacts;
use serde::Deserialize;
use std::net::IpAddr;

/// A log event counts for so long.
const RECENT_MS: i64 = 24 * 3_600 * 1_000;

/// A condition as written: one subject, and what is wanted of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Raw {
    config: Option<String>,
    file: Option<String>,
    unit: Option<String>,
    listener: Option<u16>,
    environment: Option<String>,
    release: Option<String>,
    log: Option<String>,
    present: Option<bool>,
    is: Option<Texts>,
    is_not: Option<Texts>,
    matches: Option<String>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    owner: Option<String>,
    owner_not: Option<String>,
    mode_at_most: Option<String>,
    address: Option<String>,
}

/// A condition.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// A key of the configuration that the gateway loads.
    Config(Vec<String>, Wanted),
    /// A file below the state directory.
    File(String, FileWanted),
    /// A directive of the gateway's unit.
    Unit(String, Wanted),
    /// A socket that listens on a port.
    Listener(u16, Option<Address>, bool),
    /// A variable of the unit, the running gateway, an environment file or the caller.
    Environment(String, Wanted),
    /// The release that is judged by.
    Release(String, ReleaseRange),
    /// So many log events of a kind within a day.
    Log(EventKind, u64),
}

/// What a file must be.
#[derive(Debug, Clone, Default)]
pub(super) struct FileWanted {
    present: Option<bool>,
    owner: Option<Owner>,
    owner_not: Option<Owner>,
    mode_at_most: Option<u32>,
}

/// An owner by role or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The account that the gateway is meant to run as.
    Account,
    /// A number; `root` is 0.
    Uid(u32),
}

/// Where a socket listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// On every address.
    Any,
    /// On a loopback address only.
    Loopback,
    /// On this one.
    Is(IpAddr),
}

impl Condition {
    /// Reads a condition.
    pub fn of(raw: Raw) -> Result<Self, String> {
        let subjects = [
            raw.config.is_some(),
            raw.file.is_some(),
            raw.unit.is_some(),
            raw.listener.is_some(),
            raw.environment.is_some(),
            raw.release.is_some(),
            raw.log.is_some(),
        ];
        if subjects.iter().filter(|is| **is).count() != 1 {
            return Err(
                "a condition has exactly one of `config`, `file`, `unit`, `listener`, `environment`, `release`, `log`"
                    .to_owned(),
            );
        }
        let of_file = raw.owner.is_some() || raw.owner_not.is_some() || raw.mode_at_most.is_some();
        if of_file && raw.file.is_none() || raw.address.is_some() && raw.listener.is_none() {
            return Err(
                "`owner`, `owner-not` and `mode-at-most` go with `file`, `address` goes with `listener`".to_owned()
            );
        }
        let Raw { present, is, is_not, matches, at_least, at_most, .. } = raw;
        let compares = is.is_some() || is_not.is_some() || matches.is_some() || at_most.is_some();
        let wanted = move || Wanted::of(present, is, is_not, matches.as_deref(), at_least, at_most);
        if let Some(path) = raw.config {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            if path.len() > 12 || path.iter().any(String::is_empty) {
                return Err("`config` is a path of keys such as gateway.auth.mode".to_owned());
            }
            return Ok(Condition::Config(path, wanted()?));
        }
        if let Some(name) = raw.unit {
            return Ok(Condition::Unit(name, wanted()?));
        }
        if let Some(name) = raw.environment {
            return Ok(Condition::Environment(name, wanted()?));
        }
        if compares || at_least.is_some() && raw.log.is_none() || present.is_some() && raw.log.is_some() {
            return Err(
                "`is`, `is-not`, `matches`, `at-least` and `at-most` go with a value; `at-least` also with `log`"
                    .to_owned(),
            );
        }
        if let Some(port) = raw.listener {
            let address = raw.address.as_deref().map(address).transpose()?;
            return Ok(Condition::Listener(port, address, present.unwrap_or(true)));
        }
        if let Some(text) = raw.release {
            let range = text.parse().map_err(|error| format!("release: {error}"))?;
            return Ok(Condition::Release(text, range));
        }
        if let Some(kind) = raw.log {
            let kind = kind.parse().map_err(|error| format!("log: {error}"))?;
            // Counts are small whole numbers.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            return Ok(Condition::Log(kind, at_least.unwrap_or(1.0).clamp(1.0, 1e6) as u64));
        }
        let name = raw.file.unwrap_or_default();
        let plain =
            !name.is_empty() && !name.starts_with('/') && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !plain {
            return Err("`file` is a path below the state directory, without `..`".to_owned());
        }
        let wanted = FileWanted {
            present,
            owner: raw.owner.as_deref().map(owner).transpose()?,
            owner_not: raw.owner_not.as_deref().map(owner).transpose()?,
            mode_at_most: raw.mode_at_most.as_deref().map(mode).transpose()?,
        };
        if present.is_none() && !of_file {
            return Err("say what is wanted: `present`, `owner`, `owner-not` or `mode-at-most`".to_owned());
        }
        Ok(Condition::File(name, wanted))
    }

    /// The subjects to collect for it.
    pub fn needs(&self) -> &'static [Subject] {
        match self {
            Condition::Config(..) | Condition::File(..) | Condition::Release(..) => &[],
            Condition::Unit(..) => &[Subject::Services],
            Condition::Listener(..) => &[Subject::Listeners],
            Condition::Environment(..) => &[Subject::Services, Subject::Processes],
            Condition::Log(..) => &[Subject::Logs],
        }
    }

    /// The file that it asks about.
    pub fn file(&self) -> Option<&str> {
        match self {
            Condition::File(name, _) => Some(name),
            _ => None,
        }
    }

    /// What shows that it holds; `None` where it does not.
    pub fn holds(&self, context: &Context<'_>) -> Result<Option<Evidence>, Unknown> {
        match self {
            Condition::Config(path, wanted) => config(context, path, wanted),
            Condition::File(name, wanted) => file(context, name, wanted),
            Condition::Unit(name, wanted) => unit(context, name, wanted),
            Condition::Listener(port, address, present) => listener(context, *port, *address, *present),
            Condition::Environment(name, wanted) => environment(context, name, wanted),
            Condition::Release(text, range) => match context.release() {
                None => Err(Unknown::new(UnknownKind::Failed, "no release is known")),
                Some(release) => Ok(range
                    .holds(release)
                    .then(|| Evidence::new(format!("the release is {release}, which is in {text}")))),
            },
            Condition::Log(kind, least) => log(context, *kind, *least),
        }
    }

    /// In words, for `explain`.
    pub fn words(&self) -> String {
        match self {
            Condition::Config(path, wanted) => format!("the configuration's {} {}", path.join("."), wanted.words()),
            Condition::File(name, wanted) => format!("the file {name} {}", wanted.words()),
            Condition::Unit(name, wanted) => format!("{name} of the gateway's unit {}", wanted.words()),
            Condition::Listener(port, address, present) => {
                let place = match address {
                    None => String::new(),
                    Some(Address::Any) => " on every address".to_owned(),
                    Some(Address::Loopback) => " on loopback".to_owned(),
                    Some(Address::Is(address)) => format!(" on {address}"),
                };
                format!("{} listens on port {port}{place}", if *present { "something" } else { "nothing" })
            }
            Condition::Environment(name, wanted) => format!("the variable {name} {}", wanted.words()),
            Condition::Release(text, _) => format!("the release is in {text}"),
            Condition::Log(kind, least) => format!("the log has `{kind}` at least {least} times within a day"),
        }
    }
}

impl FileWanted {
    fn words(&self) -> String {
        let owner = |owner: Owner| match owner {
            Owner::Account => "the gateway's account".to_owned(),
            Owner::Uid(uid) => format!("uid {uid}"),
        };
        let parts = [
            self.present.map(|present| if present { "exists".to_owned() } else { "does not exist".to_owned() }),
            self.owner.map(|wanted| format!("belongs to {}", owner(wanted))),
            self.owner_not.map(|wanted| format!("does not belong to {}", owner(wanted))),
            self.mode_at_most.map(|mode| format!("is open beyond {mode:04o}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn address(text: &str) -> Result<Address, String> {
    match text {
        "any" => Ok(Address::Any),
        "loopback" => Ok(Address::Loopback),
        _ => text.parse().map(Address::Is).map_err(|_| "`address` is `any`, `loopback` or an IP address".to_owned()),
    }
}

fn owner(text: &str) -> Result<Owner, String> {
    match text {
        "account" => Ok(Owner::Account),
        "root" => Ok(Owner::Uid(0)),
        _ => text.parse().map(Owner::Uid).map_err(|_| "an owner is `account`, `root` or a number".to_owned()),
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| "`mode-at-most` is an octal mode such as \"0600\"".to_owned())
}

fn config(context: &Context<'_>, path: &[String], wanted: &Wanted) -> Result<Option<Evidence>, Unknown> {
    context.loaded()?;
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let key = path.join(".");
    let Some(node) = context.value(&keys) else {
        let missing = || Evidence::new(format!("{key} is not set")).at(&context.config().path);
        return Ok(wanted.wants_absence().then(missing));
    };
    if wanted.wants_absence() {
        return Ok(None);
    }
    // Of a list any item counts.
    let nodes: Vec<&ConfigNode> = node.elements().map_or_else(|| vec![node], |items| items.iter().collect());
    if !wanted.looks_at_value() {
        return Ok(Some(context.value_evidence(&key, node)));
    }
    for item in nodes {
        if wanted.holds(&text_of(&key, item)?) {
            return Ok(Some(context.value_evidence(&key, item)));
        }
    }
    Ok(None)
}

fn text_of(key: &str, node: &ConfigNode) -> Result<String, Unknown> {
    if let ConfigValue::Number(number) = &node.value {
        return Ok(number.to_string());
    }
    let text = node.as_str().map(str::to_owned).or_else(|| node.as_bool().map(|value| value.to_string()));
    text.ok_or_else(|| {
        Unknown::new(
            UnknownKind::Failed,
            format!("{key} is a secret, a reference or a group; only whether it is set can be asked"),
        )
    })
}

fn file(context: &Context<'_>, name: &str, wanted: &FileWanted) -> Result<Option<Evidence>, Unknown> {
    let path = context.installation.path(name);
    let asked = context.installation.asked_files.iter().find(|(other, _)| *other == path);
    let entry: &EntryFacts = match asked.map(|(_, entry)| entry) {
        None => return Err(Unknown::new(UnknownKind::NotCollected, format!("{path} was not looked at"))),
        Some(Fact::Unknown(why)) => return Err(why.clone()),
        Some(Fact::Absent) => {
            let missing = || Evidence::new("it does not exist").at(&path);
            return Ok((wanted.present == Some(false)).then(missing));
        }
        Some(Fact::Known(entry)) => entry,
    };
    if wanted.present == Some(false) {
        return Ok(None);
    }
    let is = |owner: Owner| match owner {
        Owner::Uid(uid) => Ok(entry.meta.uid == uid),
        Owner::Account => match context.installation.account() {
            Some(account) => Ok(entry.meta.uid == account.uid),
            None => Err(Unknown::new(UnknownKind::Failed, "the gateway's account is unknown")),
        },
    };
    let owner = wanted.owner.map(is).transpose()?.unwrap_or(true);
    let other = !wanted.owner_not.map(is).transpose()?.unwrap_or(false);
    let open = wanted.mode_at_most.is_none_or(|most| entry.meta.mode & 0o7777 & !most != 0);
    let text = format!("owner {}, mode {:04o}", entry.meta.uid, entry.meta.mode & 0o7777);
    Ok((owner && other && open).then(|| Evidence::new(text).at(&path)))
}

fn unit(context: &Context<'_>, name: &str, wanted: &Wanted) -> Result<Option<Evidence>, Unknown> {
    let units = context.gateway_units()?;
    for unit in &units {
        let found = match directive(unit, name) {
            Some(set) => wanted.holds(&set.value).then(|| {
                let mut piece = Evidence::new(format!("{name}={}", set.value)).at(&set.at.file);
                piece.line = set.at.line;
                piece
            }),
            None => wanted.wants_absence().then(|| Evidence::new(format!("{name} is not set")).at(&unit.path)),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// A directive by systemd's name.
fn directive<'s>(unit: &'s ServiceUnit, name: &str) -> Option<&'s Sited<String>> {
    let settings = &unit.settings;
    let set = match name {
        "Restart" => &settings.restart,
        "RestartSec" => &settings.restart_sec,
        "RestartPreventExitStatus" => &settings.restart_prevent_exit_status,
        "SuccessExitStatus" => &settings.success_exit_status,
        "StartLimitBurst" => &settings.start_limit_burst,
        "StartLimitIntervalSec" => &settings.start_limit_interval,
        "KillMode" => &settings.kill_mode,
        "TimeoutStartSec" => &settings.timeout_start,
        "TimeoutStopSec" => &settings.timeout_stop,
        "Type" => &settings.kind,
        "LimitNOFILE" => &settings.limit_nofile,
        "User" => &unit.user,
        "Group" => &unit.group,
        "WorkingDirectory" => &unit.working_directory,
        _ => return settings.sandbox.iter().find(|(other, _)| other == name).map(|(_, set)| set),
    };
    set.as_ref()
}

fn listener(
    context: &Context<'_>,
    port: u16,
    address: Option<Address>,
    present: bool,
) -> Result<Option<Evidence>, Unknown> {
    let facts = match &context.snapshot.listeners {
        Fact::Known(facts) => facts,
        Fact::Absent => return Ok(None),
        Fact::Unknown(why) => return Err(why.clone()),
    };
    // Loopback and wildcard addresses are readable in a redacted snapshot, too.
    let masked = facts.on(port).any(|listener| listener.address.plain().is_none());
    if masked && matches!(address, Some(Address::Is(_))) {
        return Err(Unknown::new(UnknownKind::NotCollected, "the snapshot hides the addresses"));
    }
    let found = facts.on(port).find(|listener| {
        let held = listener.address.plain().map(IpAddr::to_canonical);
        match address {
            None => true,
            Some(Address::Any) => listener.is_wildcard(),
            Some(Address::Loopback) => held.is_some_and(|held| held.is_loopback()),
            Some(Address::Is(address)) => held == Some(address.to_canonical()),
        }
    });
    match (found, facts.unread.first()) {
        (Some(listener), _) => {
            Ok(present.then(|| Evidence::new(format!("something listens on {} port {port}", listener.address))))
        }
        (None, Some(why)) => Err(why.clone()),
        (None, None) => Ok((!present).then(|| Evidence::new(format!("nothing of that kind listens on port {port}")))),
    }
}

fn environment(context: &Context<'_>, name: &str, wanted: &Wanted) -> Result<Option<Evidence>, Unknown> {
    let snapshot = context.snapshot;
    let account = context.installation.account().map(|account| account.uid);
    let units = context.gateway_units()?;
    let processes = snapshot.processes.known().into_iter().flat_map(|facts| facts.gateways());
    let own = processes.filter(|process| account.is_none_or(|uid| uid == process.uid));
    let caller = snapshot.caller_environment.known().filter(|_| account == Some(snapshot.run_as.uid));
    let files = context.installation.env_files.iter().filter_map(|file| file.environment.known());
    let holders: Vec<&Environment> = units
        .iter()
        .map(|unit| &unit.environment)
        .chain(own.filter_map(|process| process.environment.known()))
        .chain(files)
        .chain(caller)
        .collect();
    if wanted.wants_absence() {
        let is_set = holders.iter().any(|holder| holder.has(name));
        return Ok((!is_set).then(|| Evidence::new(format!("{name} is set nowhere that was looked at"))));
    }
    for holder in holders {
        match holder.get(name) {
            Some(var) => {
                let holds = match &var.value {
                    EnvValue::Plain(value) => wanted.holds(value),
                    EnvValue::Secret(_) if wanted.looks_at_value() => {
                        return Err(Unknown::new(
                            UnknownKind::Failed,
                            format!("{name} is a secret; only whether it is set can be asked"),
                        ));
                    }
                    EnvValue::Secret(_) => true,
                };
                if holds {
                    let mut piece = Evidence::new(format!("{name} is set")).at(&var.at.file);
                    piece.line = var.at.line;
                    return Ok(Some(piece));
                }
            }
            None if holder.has(name) && wanted.looks_at_value() => {
                return Err(Unknown::new(UnknownKind::NotCollected, format!("of {name} only the name is kept")));
            }
            None if holder.has(name) => return Ok(Some(Evidence::new(format!("{name} is set")))),
            None => {}
        }
    }
    Ok(None)
}

fn log(context: &Context<'_>, kind: EventKind, least: u64) -> Result<Option<Evidence>, Unknown> {
    let summary = crate::checks::logs::evidence::logs(context)?;
    let recent = |time: jiff::Timestamp| context.snapshot.as_of_ms() - time.as_millisecond() < RECENT_MS;
    let events = || summary.events.iter().filter(|event| event.kind == kind && event.time.is_none_or(recent));
    let count = u64::try_from(events().count()).unwrap_or(u64::MAX);
    let last = events().next_back().filter(|_| count >= least);
    Ok(last.map(|last| {
        let what = format!("{}, {count} times within a day", kind.words());
        crate::checks::logs::evidence::of_event(summary, last, &what)
    }))
}
