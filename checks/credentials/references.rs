//! # A variable that the configuration refers to is not set
//!
//! ## What it finds
//! `${NAME}`, or a secret reference to a variable, where neither the service nor any file that it reads sets the
//! variable; and the same for the CLI of this shell.
//!
//! ## Why it locks you out
//! A token or password that can't be resolved leaves the gateway without one: it refuses to start, or refuses everybody.
//! In a release like 2026.2.19 one variable that is unset or empty makes the whole configuration fail to load, wherever
//! it stands (`Missing env var "X" referenced at config path: …`). Services do not see what a login shell sets.
//!
//! ## How to read the evidence
//! The line with the reference, and where the variable was looked for.
//!
//! ## How to be sure by hand
//! `systemctl --user show openclaw-gateway -p Environment -p EnvironmentFiles`, and `systemctl --user show-environment`.
//!
//! ## What the fix does
//! Nothing by itself: the value is yours. It says where to set it so that the service sees it.
//!
//! ## Since and until
//! `${NAME}` in all releases; secret references for tokens from 2026.3.7, for passwords from 2026.3.2. From then on an
//! unresolved one stops nobody where the service has `OPENCLAW_GATEWAY_TOKEN` (or `…_PASSWORD`), which then counts; that is
//! only warned of. 2026.9.6 keeps an unresolved text outside authentication as it is instead of failing.

use crate::checks::reading::listed;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::secret::SecretShape;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, JsonPath, Severity, Unknown};
use crate::snapshot::config::{ConfigNode, ConfigValue};
use crate::snapshot::environment::{EnvValue, Environment};

/// A variable that the configuration refers to is not set.
#[derive(Debug)]
pub struct References;

const SECRET: &str = "secret-unresolved-service";
const SECRET_CLI: &str = "secret-unresolved-cli";
const VALUE: &str = "config-variable-unset";

/// At most so many references outside authentication are reported.
const MOST: usize = 20;

impl Check for References {
    fn id(&self) -> &'static str {
        "config-references"
    }

    fn area(&self) -> Area {
        Area::Credentials
    }

    fn source(&self) -> &'static str {
        "credentials/references"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const SECRETS: Option<Cause> = Some(Cause::SecretUnresolved);
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(SECRET, Cause::SecretUnresolved, "The service can't resolve its token or password"),
            CodeSpec::warning(SECRET_CLI, SECRETS, "The CLI of this shell can't resolve the token or password"),
            CodeSpec::error(VALUE, Cause::ConfigInvalid, "A variable in the configuration is not set for the service"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(root) = context.loaded()? else { return Ok(Vec::new()) };
        let mut references = Vec::new();
        collect(root, &mut JsonPath::default(), &mut references);
        let sight = Sight::of(context);
        let mut findings = Vec::new();
        for reference in references.iter().take(MOST) {
            let names: Vec<&str> = reference.names.iter().map(String::as_str).collect();
            let unset: Vec<&str> = names.iter().copied().filter(|name| !sight.service_has(context, name)).collect();
            if !unset.is_empty() {
                findings.push(self.service(context, reference, &unset, &sight));
            } else if reference.is_auth() && names.iter().any(|name| sight.cli_has(context, name) == Some(false)) {
                findings.push(self.cli(context, reference, &names));
            }
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let file = context.installation.path(".env");
        let by_hand = vec![
            format!("Set the variable in {file}, which both the service and the CLI read (mode 0600)."),
            "Restart the gateway.".to_owned(),
        ];
        Some(Plan::manual(finding, "give the variable to the service", by_hand))
    }
}

/// One value that refers to variables.
#[derive(Debug, Clone)]
struct Reference<'c> {
    at: JsonPath,
    node: &'c ConfigNode,
    names: Vec<String>,
}

impl Reference<'_> {
    fn is_auth(&self) -> bool {
        let path = self.at.to_string();
        ["gateway.auth.token", "gateway.auth.password"].iter().any(|key| path == *key)
    }
}

/// Values that refer to variables, as `${NAME}` or as `{source: "env", …}` below `gateway`.
fn collect<'c>(node: &'c ConfigNode, at: &mut JsonPath, found: &mut Vec<Reference<'c>>) {
    match &node.value {
        ConfigValue::Reference { names, .. } => {
            found.push(Reference { at: at.clone(), node, names: names.clone() });
        }
        ConfigValue::Object(members) => {
            let text = |key: &str| node.get(key).and_then(ConfigNode::as_str);
            if let (Some("env"), Some(id)) = (text("source"), text("id")) {
                found.push(Reference { at: at.clone(), node, names: vec![id.to_owned()] });
                return;
            }
            for member in members {
                // The env block sets variables and does not read them.
                if at.0.is_empty() && member.key == "env" {
                    continue;
                }
                let mut inner = at.clone().then(member.key.as_str());
                collect(&member.node, &mut inner, found);
            }
        }
        ConfigValue::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                let mut inner = at.clone().then(index);
                collect(element, &mut inner, found);
            }
        }
        _ => {}
    }
}

/// What was looked at for variables of the service.
struct Sight {
    /// Environments of units and running gateways.
    environments: Vec<Environment>,
    /// Where it was looked, in words.
    places: Vec<String>,
    /// Whether a unit or process was seen at all.
    service_seen: bool,
    /// Whether some holder could not be read.
    blind: bool,
}

impl Sight {
    fn of(context: &Context<'_>) -> Self {
        let mut sight = Self { environments: Vec::new(), places: Vec::new(), service_seen: false, blind: false };
        match context.gateway_units() {
            Ok(units) => {
                for unit in units {
                    sight.environments.push(unit.environment.clone());
                    sight.places.push(unit.name.clone());
                    sight.service_seen = true;
                    sight.blind |= !unit.unread.is_empty();
                }
            }
            Err(_) => sight.blind = true,
        }
        if let Fact::Known(processes) = &context.snapshot.processes {
            let account = context.installation.account().map(|account| account.uid);
            for process in processes.gateways().filter(|process| account.is_none_or(|uid| uid == process.uid)) {
                match &process.environment {
                    Fact::Known(environment) => {
                        sight.environments.push(environment.clone());
                        sight.places.push(format!("pid {}", process.pid));
                        sight.service_seen = true;
                    }
                    _ => sight.blind = true,
                }
            }
        }
        for file in &context.installation.env_files {
            match &file.environment {
                Fact::Known(_) => sight.places.push(file.path.to_string()),
                _ => sight.blind = true,
            }
        }
        sight
    }

    fn service_has(&self, context: &Context<'_>, name: &str) -> bool {
        self.environments.iter().any(|environment| sets(environment, name)) || files_have(context, name)
    }

    /// The variable of the service that takes the place of an unresolved token or password, where one does (code of
    /// 2026.3.13 to 2026.9.6; measured with 2026.6.11).
    fn counts_instead(&self, context: &Context<'_>, key: &str) -> Option<&'static str> {
        let name = match key {
            "gateway.auth.token" if context.since(3, 7) == Some(true) => "OPENCLAW_GATEWAY_TOKEN",
            "gateway.auth.password" if context.since(3, 7) == Some(true) => "OPENCLAW_GATEWAY_PASSWORD",
            _ => return None,
        };
        self.environments.iter().any(|environment| sets(environment, name)).then_some(name)
    }

    /// Whether the CLI of this shell has it; `None` where the caller is not the one who uses the CLI.
    fn cli_has(&self, context: &Context<'_>, name: &str) -> Option<bool> {
        let snapshot = context.snapshot;
        let caller = snapshot.caller_environment.known()?;
        let own = context.installation.account().is_some_and(|account| account.uid == snapshot.run_as.uid);
        own.then(|| sets(caller, name) || files_have(context, name))
    }
}

/// Whether an environment sets a variable to something: an empty one counts as unset.
fn sets(environment: &Environment, name: &str) -> bool {
    match environment.get(name).map(|var| &var.value) {
        Some(EnvValue::Plain(text)) => !text.is_empty(),
        Some(EnvValue::Secret(label)) => label.shape != SecretShape::Blank,
        None => environment.has(name),
    }
}

/// `.env` files and the env block of the configuration, which service and CLI both read.
fn files_have(context: &Context<'_>, name: &str) -> bool {
    let in_files = context.installation.env_files.iter().any(|file| {
        let read_by_openclaw = matches!(file.path.file_name().as_str(), ".env" | "gateway.env");
        read_by_openclaw && file.environment.known().is_some_and(|environment| sets(environment, name))
    });
    let block = context.value(&["env", "vars", name]).or_else(|| context.value(&["env", name]));
    in_files || block.is_some()
}

impl References {
    fn service(&self, context: &Context<'_>, reference: &Reference<'_>, unset: &[&str], sight: &Sight) -> Finding {
        let key = reference.at.to_string();
        let auth = reference.is_auth();
        let names = listed(unset);
        let code = if auth { SECRET } else { VALUE };
        let instead = sight.counts_instead(context, &key);
        let effect = instead.map(|name| format!("; its {name} counts instead, which a CLI elsewhere does not have"));
        let message =
            format!("{key} refers to {names}, which is not set for the gateway{}", effect.unwrap_or_default());
        let mut finding = context.config_finding(self, code, &key, reference.node, message);
        (finding.severity, finding.certainty) = match instead {
            Some(_) => (Severity::Warning, Certainty::Possible),
            None => weight(context, auth, sight),
        };
        let looked =
            if sight.places.is_empty() { "no unit or file was found".to_owned() } else { listed(&sight.places) };
        finding.evidence.push(Evidence::new(format!("looked for {names} in: {looked}")));
        finding.hint(format!("Set {names} in {}", context.installation.path(".env")))
    }

    fn cli(&self, context: &Context<'_>, reference: &Reference<'_>, names: &[&str]) -> Finding {
        let key = reference.at.to_string();
        let names = listed(names);
        let message =
            format!("{key} refers to {names}, which the service has and this shell has not: the CLI has no token");
        let mut finding = context.config_finding(self, SECRET_CLI, &key, reference.node, message);
        finding.certainty = Certainty::Likely;
        finding.hint(format!("Set {names} in {}, which both read", context.installation.path(".env")))
    }
}

fn weight(context: &Context<'_>, auth: bool, sight: &Sight) -> (Severity, Certainty) {
    // A user manager's own environment, a wrapper or a container may set it all the same.
    let sure = if sight.service_seen && !sight.blind { Certainty::Likely } else { Certainty::Possible };
    let lenient = context.since(8, 1) != Some(false) && !auth;
    match (lenient, sure) {
        (true, _) => (Severity::Warning, Certainty::Possible),
        (false, Certainty::Likely) => (Severity::Error, Certainty::Likely),
        (false, _) => (Severity::Warning, Certainty::Possible),
    }
}
