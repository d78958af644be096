//! # CLI and gateway use different directories
//!
//! ## What it finds
//! A caller whose environment points at another state directory or home than the unit's, a service on another directory
//! than the default one beside it, a configuration that is taken from another directory than the state, a state directory
//! inside a state directory, one of root's own beside the user's, and a gateway that works on another directory: it has
//! opened the database there, or says so itself when it is asked.
//!
//! ## Why it locks you out
//! Identity, device tokens and often the gateway token lie in the state directory. A CLI with another one is another
//! device, has no credentials, or shows an empty list although the gateway knows its devices.
//!
//! ## How to read the evidence
//! The state directory of a unit comes from `OPENCLAW_STATE_DIR`, `HOME` and the profile in the unit; a unit never carries
//! `OPENCLAW_HOME`. A gateway of another profile beside this one is fine and not reported.
//!
//! ## How to be sure by hand
//! `env | grep OPENCLAW_` in the shell that fails; `systemctl --user show openclaw-gateway -p Environment`;
//! `openclaw status` prints `Config (cli)` and `Config (service)`.
//!
//! ## What the fix does
//! Nothing: run the CLI with the gateway's directories, as its account.
//!
//! ## Since and until
//! All releases. Up to 2026.3.13 the `CLAWDBOT_` names count, too.

use crate::checks::services::units;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, HostPath, Severity, Unknown};
use crate::snapshot::config::ConfigFrom;
use crate::snapshot::environment::EnvVar;
use crate::snapshot::service::ServiceUnit;
use crate::snapshot::tree::EntryRole;

/// See the module's documentation.
pub struct StateDirs;

const CAUSE: Cause = Cause::StateDirMismatch;

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "cli-other-state-dir",
        CAUSE,
        "The caller's environment names another state directory than the service",
    ),
    CodeSpec::error("gateway-other-state-dir", CAUSE, "The gateway on this port works on another state directory"),
    CodeSpec::warning("cli-other-home", Some(CAUSE), "The caller's OPENCLAW_HOME is unknown to the service"),
    CodeSpec::warning(
        "config-in-other-dir",
        Some(CAUSE),
        "The configuration is taken from another directory than the state",
    ),
    CodeSpec::warning(
        "default-state-dir-beside",
        Some(CAUSE),
        "The service works on another directory than the one that a CLI without options takes",
    ),
    CodeSpec::warning("nested-state-dir", Some(CAUSE), "A state directory lies inside the state directory"),
    CodeSpec::warning("root-has-own-state", Some(CAUSE), "Root has a state directory of its own beside the user's"),
];

impl Check for StateDirs {
    fn id(&self) -> &'static str {
        "state-dir-mismatch"
    }

    fn area(&self) -> Area {
        Area::Host
    }

    fn source(&self) -> &'static str {
        "host/state_dirs"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes, Subject::Listeners, Subject::Probe]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let found = [
            self.caller(context),
            self.home(context),
            self.gateway(context).or_else(|| self.told(context)),
            self.config(context),
            self.default_beside(context),
            self.nested(context),
            self.root(context),
        ];
        let found: Vec<Finding> = found.into_iter().flatten().collect();
        match context.snapshot.services.why_unknown() {
            Some(why) if found.is_empty() => Err(why.clone()),
            _ => Ok(found),
        }
    }
}

/// A variable of the caller's environment, where the caller is the gateway's account: a doctor under sudo has another
/// environment than the shell that fails.
fn caller_variable<'s>(context: &Context<'s>, name: &str) -> Option<&'s EnvVar> {
    let account = context.installation.account()?;
    if account.uid != context.snapshot.run_as.uid {
        return None;
    }
    context.snapshot.caller_environment.known()?.get(name)
}

/// The gateway units of the account that run or would start.
fn account_units<'s>(context: &Context<'s>) -> Vec<&'s ServiceUnit> {
    let Some(account) = context.installation.account() else { return Vec::new() };
    let services = context.snapshot.services.known();
    services
        .into_iter()
        .flat_map(|facts| facts.gateways())
        .filter(|unit| {
            let named = unit.user.as_ref().map(|user| user.value.as_str());
            let own = match named {
                Some(name) => Some(name) == account.name.as_deref() || name == account.uid.to_string(),
                None => unit.home_owner == Some(account.uid),
            };
            own && units::is_in_play(unit) == Some(true)
        })
        .collect()
}

/// The state directory that a unit's gateway uses.
fn state_of(unit: &ServiceUnit) -> Option<HostPath> {
    if let Some(state) = &unit.state_dir {
        return Some(state.value.clone());
    }
    let home = unit.home.as_ref()?;
    let profile = unit.profile.as_ref().map(|name| format!("-{name}")).unwrap_or_default();
    Some(home.value.join(format!(".openclaw{profile}")))
}

impl StateDirs {
    fn found(&self, context: &Context<'_>, code: &str, path: &HostPath, sure: Certainty, message: String) -> Finding {
        context.finding(self, code, &path.to_string(), message).because(CAUSE, sure).at(path)
    }

    fn caller(&self, context: &Context<'_>) -> Option<Finding> {
        let variable = caller_variable(context, "OPENCLAW_STATE_DIR")?;
        let wanted = HostPath::from(variable.value.plain().map(str::trim).filter(|text| text.starts_with('/'))?);
        let units = account_units(context);
        let states: Vec<(&ServiceUnit, HostPath)> =
            units.into_iter().filter_map(|unit| Some((unit, state_of(unit)?))).collect();
        let real = context.installation.real_state_dir.as_ref();
        let agrees =
            |state: &HostPath| *state == wanted || Some(state) == real && wanted == context.installation.state_dir;
        if states.iter().any(|(_, state)| agrees(state)) {
            return None;
        }
        let (unit, state) = states.first()?;
        let message = format!("This shell uses the state directory {wanted}, and {} uses {state}", units::title(unit));
        let finding = self.found(context, "cli-other-state-dir", &wanted, Certainty::Likely, message);
        Some(
            finding
                .evidence(Evidence::new(format!("OPENCLAW_STATE_DIR={wanted} in the caller's environment")))
                .evidence(Evidence::new(format!("{} works on {state}", units::title(unit))).at(&unit.path))
                .hint("Unset OPENCLAW_STATE_DIR in this shell, or set it for the service, too"),
        )
    }

    fn home(&self, context: &Context<'_>) -> Option<Finding> {
        let variable = caller_variable(context, "OPENCLAW_HOME")?;
        let home = variable.value.plain().map(str::trim).filter(|text| !text.is_empty())?;
        if caller_variable(context, "OPENCLAW_STATE_DIR").is_some() {
            return None;
        }
        let own_home = context.installation.account()?.home.as_ref().map(|path| HostPath::from(path.as_path()));
        let unit = account_units(context).into_iter().find(|unit| unit.state_dir.is_none())?;
        if own_home == Some(HostPath::from(home)) {
            return None;
        }
        let message = format!(
            "This shell has OPENCLAW_HOME={home}, which {} does not know: they use different directories",
            units::title(unit)
        );
        let finding = self.found(context, "cli-other-home", &HostPath::from(home), Certainty::Possible, message);
        Some(
            finding
                .evidence(Evidence::new("OPENCLAW_HOME in the caller's environment"))
                .evidence(Evidence::new("the unit sets no OPENCLAW_STATE_DIR").at(&unit.path))
                .hint("Set OPENCLAW_STATE_DIR for both, or unset OPENCLAW_HOME"),
        )
    }

    /// The gateway that listens on the port of this configuration has opened another state directory's database (F8b).
    fn gateway(&self, context: &Context<'_>) -> Option<Finding> {
        let listeners = context.snapshot.listeners.known()?;
        let processes = context.snapshot.processes.known()?;
        let port = units::gateway_port(context);
        let owner = listeners.on(port).find_map(|listener| listener.owner.known())?;
        let process = processes.gateways().find(|process| process.pid == owner.pid)?;
        let databases = process.databases.known().filter(|paths| !paths.is_empty())?;
        let installation = context.installation;
        let ours = |path: &HostPath| {
            path.starts_with(&installation.state_dir)
                || installation.real_state_dir.as_ref().is_some_and(|real| path.starts_with(real))
        };
        if databases.iter().any(ours) {
            return None;
        }
        let other = databases.iter().find(|path| path.file_name() == "openclaw.sqlite")?;
        let message = format!(
            "The gateway on port {port} (pid {}) works on {other}, not on {}: lists here are empty, and devices of one are unknown to the other",
            process.pid, installation.state_dir
        );
        let finding = self.found(context, "gateway-other-state-dir", other, Certainty::Likely, message);
        Some(
            finding
                .evidence(Evidence::new(format!("pid {} has it open", process.pid)).at(other))
                .evidence(Evidence::new("the state directory that is judged").at(&installation.state_dir))
                .hint("Run the CLI with the gateway's state directory (OPENCLAW_STATE_DIR), or restart the gateway with this one"),
        )
    }

    /// The gateway itself says where its state is: to every client it lets in up to 2026.4.1, later to admins.
    fn told(&self, context: &Context<'_>) -> Option<Finding> {
        let gateways = context.snapshot.probe.known()?.endpoints.iter().filter(|seen| seen.is_openclaw.is_yes());
        let (url, told) = gateways.into_iter().find_map(|seen| Some((&seen.url, seen.state_dir.known()?)))?;
        let installation = context.installation;
        if *told == installation.state_dir || Some(told) == installation.real_state_dir.as_ref() {
            return None;
        }
        let message = format!(
            "The gateway that answers here works on {told}, not on {}: lists here are empty, and devices of one are \
             unknown to the other",
            installation.state_dir
        );
        let finding = self.found(context, "gateway-other-state-dir", told, Certainty::Likely, message);
        Some(
            finding
                .evidence(Evidence::new(format!("the gateway at {url} says that its state is there")).at(told))
                .evidence(Evidence::new("the state directory that is judged").at(&installation.state_dir))
                .hint("Run the CLI with the gateway's state directory (OPENCLAW_STATE_DIR), or restart the gateway with this one"),
        )
    }

    fn config(&self, context: &Context<'_>) -> Option<Finding> {
        let config = context.config();
        (config.from == ConfigFrom::OtherDefaultDirectory).then_some(())?;
        let state = &context.installation.state_dir;
        let message = format!("The configuration is taken from {}, and the state lies in {state}", config.path);
        let finding = self.found(context, "config-in-other-dir", &config.path, Certainty::Possible, message);
        Some(
            finding
                .evidence(
                    Evidence::new("the state directory has no configuration, and this older directory has one")
                        .at(&config.path),
                )
                .hint("Move the configuration into the state directory, or name it with OPENCLAW_CONFIG_PATH"),
        )
    }

    /// The service's directory comes from `OPENCLAW_STATE_DIR`, and the account's default directory has state of its own: a
    /// CLI in a shell without that variable works on the other one (host-by-release 1.1).
    fn default_beside(&self, context: &Context<'_>) -> Option<Finding> {
        let installation = context.installation;
        let unit = account_units(context).into_iter().find(|unit| {
            unit.state_dir.as_ref().is_some_and(|state| {
                state.value == installation.state_dir || Some(&state.value) == installation.real_state_dir.as_ref()
            })
        })?;
        let home = installation.account()?.home.as_ref().map(|home| HostPath::from(home.as_path()))?;
        let is_default = |path: &HostPath| [".openclaw", ".clawdbot"].iter().any(|name| home.join(name) == *path);
        if is_default(&installation.state_dir) {
            return None;
        }
        let other = context.snapshot.installations.iter().find(|other| is_default(&other.state_dir))?;
        // Another unit's directory is another gateway's, and fine.
        if account_units(context).into_iter().any(|unit| state_of(unit).as_ref() == Some(&other.state_dir)) {
            return None;
        }
        let message = format!(
            "{} works on {}, and {} holds state, too: a CLI without OPENCLAW_STATE_DIR or --profile uses that one, where it \
             is another device and sees other pairings",
            units::title(unit),
            installation.state_dir,
            other.state_dir
        );
        let finding = self.found(context, "default-state-dir-beside", &other.state_dir, Certainty::Possible, message);
        let set = unit.state_dir.as_ref().map_or(&unit.path, |state| &state.at.file);
        Some(
            finding
                .evidence(Evidence::new(format!("the service's state directory is {}", installation.state_dir)).at(set))
                .evidence(Evidence::new("what a CLI without options takes").at(&other.state_dir))
                .evidence(Evidence::new("what the gateway works on").at(&installation.state_dir))
                .hint(format!(
                    "Run the CLI with the service's directory: OPENCLAW_STATE_DIR={}",
                    crate::model::shell::quote(&installation.state_dir.to_string())
                )),
        )
    }

    fn nested(&self, context: &Context<'_>) -> Option<Finding> {
        let inner = context.installation.tree.with_role(EntryRole::NestedState)?;
        let message = format!(
            "{} is a state directory inside a state directory: something ran with HOME or OPENCLAW_HOME set to it",
            inner.path
        );
        let finding = self.found(context, "nested-state-dir", &inner.path, Certainty::Possible, message);
        let sign = Evidence::new(format!("made by uid {}", inner.meta.uid)).at(&inner.path);
        Some(
            finding
                .evidence(sign)
                .hint("Set OPENCLAW_HOME (or HOME) of that program to the home, not to the state directory"),
        )
    }

    /// `sudo openclaw …` made a state directory in root's home.
    fn root(&self, context: &Context<'_>) -> Option<Finding> {
        let account = context.installation.account().filter(|account| account.uid != 0)?;
        let root = HostPath::from("/root");
        let other = context
            .snapshot
            .installations
            .iter()
            .find(|other| other.id != context.installation.id && other.state_dir.starts_with(&root))?;
        // A gateway that is meant to run as root has a unit of its own.
        let has_unit = context.snapshot.services.known().is_some_and(|facts| {
            facts.gateways().any(|unit| {
                let is_root = unit.user.as_ref().map_or(unit.home_owner == Some(0), |user| user.value == "root");
                is_root && state_of(unit).is_none_or(|state| state == other.state_dir)
            })
        });
        if has_unit || matches!(other.account, Fact::Known(ref known) if known.account.uid != 0) {
            return None;
        }
        let message = format!(
            "{} exists beside {}: the CLI was run as root, where it is another device with another configuration",
            other.state_dir, context.installation.state_dir
        );
        let mut finding = self.found(context, "root-has-own-state", &other.state_dir, Certainty::Possible, message);
        finding.severity = Severity::Warning;
        let name = account.name.clone().unwrap_or_else(|| account.uid.to_string());
        Some(
            finding
                .evidence(Evidence::new("root's own state directory").at(&other.state_dir))
                .hint(format!("Run the CLI as the gateway's account: sudo -u {name} -H openclaw …")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes};
    use crate::snapshot::environment::{EnvValue, Environment, Place};
    use crate::snapshot::process::ProcessFacts;

    #[test]
    fn an_ordinary_installation_is_left_in_peace() {
        assert!(codes(&StateDirs, &Lab::sqlite(Some("2026.9.6")).snapshot()).is_empty());
    }

    #[test]
    fn a_state_directory_inside_itself_and_a_configuration_elsewhere() {
        let nested = Lab::new(Some("2026.9.6")).file(".openclaw/openclaw.json", "{}");
        assert_eq!(codes(&StateDirs, &nested.snapshot()), ["nested-state-dir"]);
        let mut other = Lab::new(Some("2026.9.6")).snapshot();
        other.installations[0].config.from = ConfigFrom::OtherDefaultDirectory;
        assert_eq!(codes(&StateDirs, &other), ["config-in-other-dir"]);
    }

    #[test]
    fn a_variable_without_any_unit_proves_nothing() {
        let mut snapshot = Lab::new(Some("2026.9.6")).snapshot();
        let at = Place { file: "/proc/self/environ".into(), line: None };
        let var = EnvVar { name: "OPENCLAW_STATE_DIR".to_owned(), value: EnvValue::Plain("/srv/other".to_owned()), at };
        snapshot.caller_environment = Fact::Known(Environment { vars: vec![var], other_names: Vec::new() });
        snapshot.processes = Fact::Known(ProcessFacts::default());
        assert!(codes(&StateDirs, &snapshot).is_empty());
    }
}
