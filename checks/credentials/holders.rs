//! Who holds the gateway's shared secret, and which one counts for the gateway and for the host's own CLI.
//!
//! The gateway takes the configuration first in every release, then its environment. The CLI of a local gateway goes
//! the other way up to 2026.7.35 (`--token`, then environment, then configuration) and like the gateway from 2026.8.1
//! (host-by-release 2.2, release-2026.2.19 F7, release-2026.9.6 F7). Files named `.env` set variables that are unset.

use crate::checks::Context;
use crate::checks::reading::in_words;
use crate::model::secret::SecretShape;
use crate::model::{Evidence, Fact, SecretLabel};
use crate::snapshot::config::{ConfigNode, ConfigValue};
use crate::snapshot::environment::{EnvValue, EnvVar, Environment, Place};
use crate::snapshot::service::UnitKind;

/// What the clients and the gateway share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// `gateway.auth.token`
    Token,
    /// `gateway.auth.password`
    Password,
}

/// Where a secret is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// `gateway.auth.*`
    Config,
    /// The `env` block of the configuration.
    ConfigEnv,
    /// `.env` of the state directory.
    StateEnv,
    /// `~/.config/openclaw/gateway.env` (from 2026.4.15).
    GlobalEnv,
    /// A unit, its drop-ins or its environment files.
    Unit,
    /// The environment of a running gateway.
    Process,
    /// The unit of a node host, a client.
    NodeUnit,
    /// The environment of whoever runs the doctor.
    Caller,
}

/// One holder.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// Where.
    pub place: Site,
    /// In words, such as `OPENCLAW_GATEWAY_TOKEN in openclaw-gateway.service`.
    pub words: String,
    /// Which secret.
    pub label: SecretLabel,
    /// What was read.
    pub evidence: Evidence,
    /// The variable's name, where a variable holds it.
    pub variable: Option<String>,
}

impl Shared {
    /// The key below `gateway.auth`.
    pub fn key(self) -> &'static str {
        match self {
            Shared::Token => "token",
            Shared::Password => "password",
        }
    }

    /// The variables that the judged release reads, in order. The older names count up to 2026.3.13.
    pub fn variables(self, context: &Context<'_>) -> Vec<&'static str> {
        let (now, before) = match self {
            Shared::Token => ("OPENCLAW_GATEWAY_TOKEN", "CLAWDBOT_GATEWAY_TOKEN"),
            Shared::Password => ("OPENCLAW_GATEWAY_PASSWORD", "CLAWDBOT_GATEWAY_PASSWORD"),
        };
        match context.release() {
            Some(release) if release.before(1, 29) => vec![before],
            Some(release) if release.at_least(3, 22) => vec![now],
            _ => vec![now, before],
        }
    }

    /// Which one the gateway asks for; `None` for other ways of logging in, or where a variable decides.
    pub fn of_mode(context: &Context<'_>) -> Option<Self> {
        let auth = |key: &str| context.value(&["gateway", "auth", key]);
        match auth("mode").map(|mode| mode.as_str().unwrap_or_default()) {
            Some("token") => Some(Shared::Token),
            Some("password") => Some(Shared::Password),
            Some(_) => None,
            None if auth("token").is_none() && auth("password").is_some() => Some(Shared::Password),
            None => Some(Shared::Token),
        }
    }
}

/// Every holder that was seen, in the order in which the gateway asks.
pub fn all(context: &Context<'_>, shared: Shared) -> Vec<Holder> {
    let mut holders: Vec<Holder> = config(context, shared).into_iter().collect();
    holders.extend(processes(context, shared));
    holders.extend(units(context, shared));
    holders.extend(files(context, shared));
    holders.extend(config_env(context, shared));
    holders.extend(caller(context, shared));
    holders
}

/// The holder that counts for the gateway.
pub fn of_gateway(context: &Context<'_>, holders: &[Holder]) -> Option<Holder> {
    let order = [Site::Config, Site::Process, Site::Unit, Site::StateEnv, Site::GlobalEnv, Site::ConfigEnv];
    first(holders, &usable_places(context, &order))
}

/// The holder that counts for the host's own CLI, without options.
pub fn of_cli(context: &Context<'_>, holders: &[Holder]) -> Option<Holder> {
    let environment = [Site::Caller, Site::StateEnv, Site::GlobalEnv, Site::ConfigEnv];
    let order: Vec<Site> = if context.since(8, 1)? {
        [Site::Config].into_iter().chain(environment).collect()
    } else {
        environment.into_iter().chain([Site::Config]).collect()
    };
    first(holders, &usable_places(context, &order))
}

fn usable_places(context: &Context<'_>, order: &[Site]) -> Vec<Site> {
    // Between 2026.4.1 and 2026.4.15 nothing is known; before, the file is not read.
    let global = context.since(4, 15) == Some(true);
    order.iter().copied().filter(|place| *place != Site::GlobalEnv || global).collect()
}

fn first(holders: &[Holder], order: &[Site]) -> Option<Holder> {
    let usable = |holder: &&Holder| holder.label.shape != SecretShape::Blank;
    order.iter().find_map(|place| holders.iter().filter(usable).find(|holder| holder.place == *place)).cloned()
}

fn config(context: &Context<'_>, shared: Shared) -> Option<Holder> {
    let key = format!("gateway.auth.{}", shared.key());
    let node = context.value(&["gateway", "auth", shared.key()])?;
    let label = label_of(node)?;
    let evidence = context.value_evidence(&key, node);
    Some(Holder { place: Site::Config, words: key, label, evidence, variable: None })
}

fn config_env(context: &Context<'_>, shared: Shared) -> Option<Holder> {
    shared.variables(context).into_iter().find_map(|name| {
        let node = context.value(&["env", "vars", name]).or_else(|| context.value(&["env", name]))?;
        let words = format!("{name} in the env block of the configuration");
        let evidence = context.value_evidence(&format!("env.vars.{name}"), node);
        Some(Holder {
            place: Site::ConfigEnv,
            words,
            label: label_of(node)?,
            evidence,
            variable: Some(name.to_owned()),
        })
    })
}

fn label_of(node: &ConfigNode) -> Option<SecretLabel> {
    match &node.value {
        ConfigValue::Secret(label) => Some(label.clone()),
        _ => None,
    }
}

fn files(context: &Context<'_>, shared: Shared) -> Vec<Holder> {
    let held = |file: &crate::snapshot::environment::EnvFile| {
        let place = match file.path.file_name().as_str() {
            ".env" => Site::StateEnv,
            "gateway.env" => Site::GlobalEnv,
            // `gateway.systemd.env` counts through the unit that names it.
            _ => return None,
        };
        from_environment(context, shared, place, file.environment.known()?, &file.path.to_string())
    };
    context.installation.env_files.iter().filter_map(held).collect()
}

fn units(context: &Context<'_>, shared: Shared) -> Vec<Holder> {
    let Fact::Known(services) = &context.snapshot.services else { return Vec::new() };
    let own = context.gateway_units().unwrap_or_default();
    let gateways =
        own.into_iter().filter_map(|unit| from_environment(context, shared, Site::Unit, &unit.environment, &unit.name));
    let nodes = services.units.iter().filter(|unit| unit.kind == UnitKind::Node && context.is_same_account(unit));
    let nodes =
        nodes.filter_map(|unit| from_environment(context, shared, Site::NodeUnit, &unit.environment, &unit.name));
    gateways.chain(nodes).collect()
}

fn processes(context: &Context<'_>, shared: Shared) -> Vec<Holder> {
    let Fact::Known(processes) = &context.snapshot.processes else { return Vec::new() };
    let account = context.installation.account().map(|account| account.uid);
    let own = processes.gateways().filter(|process| account.is_none_or(|uid| uid == process.uid));
    let held = own.filter_map(|process| {
        let words = format!("the running gateway (pid {})", process.pid);
        from_environment(context, shared, Site::Process, process.environment.known()?, &words)
    });
    held.collect()
}

/// The caller's shell, unless it is root's: sudo hands on nobody's variables.
fn caller(context: &Context<'_>, shared: Shared) -> Option<Holder> {
    let snapshot = context.snapshot;
    if snapshot.run_as.privileged && context.installation.account().is_none_or(|account| account.uid != 0) {
        return None;
    }
    from_environment(context, shared, Site::Caller, snapshot.caller_environment.known()?, "this shell")
}

fn from_environment(
    context: &Context<'_>,
    shared: Shared,
    place: Site,
    environment: &Environment,
    holder: &str,
) -> Option<Holder> {
    let var = shared.variables(context).into_iter().find_map(|name| environment.get(name))?;
    let EnvValue::Secret(label) = &var.value else { return None };
    let words = format!("{} in {holder}", var.name);
    let evidence = variable_evidence(var, &format!("{words} is {label}"));
    Some(Holder { place, words, label: label.clone(), evidence, variable: Some(var.name.clone()) })
}

/// A variable as evidence, at the place where it was set.
pub fn variable_evidence(var: &EnvVar, text: &str) -> Evidence {
    let Place { file, line } = &var.at;
    let mut evidence = Evidence::new(text).at(file);
    evidence.line = *line;
    evidence
}

/// A configured secret in words, for messages: its label, or what stands there instead.
pub fn configured(context: &Context<'_>, shared: Shared) -> String {
    context.value(&["gateway", "auth", shared.key()]).map_or_else(|| "not set".to_owned(), in_words)
}
