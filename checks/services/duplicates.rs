//! # Two gateways fight over one port or state directory
//!
//! ## What it finds
//! More than one unit, LaunchAgent or process that would run a gateway on the same port or the same state directory:
//! a user unit beside a system unit, units of the old names (clawdbot-, moltbot-, moltx-gateway) beside the new one, a
//! LaunchAgent beside a LaunchDaemon, a gateway started by hand or left over beside a unit.
//!
//! ## Why it locks you out
//! Each ends or blocks the other. From 2026.3.7 a gateway that a service starts kills other gateways on its port, so
//! that two enabled units restart each other for ever. The one that wins may hold another token, another release or
//! another state directory, and then knows none of your devices.
//!
//! ## How to read the evidence
//! Each line names a unit with its file and state, or a process with its account and unit. A gateway of another profile
//! with a port and a state directory of its own is fine and is not listed. Units are matched by a gateway subcommand in
//! their command line, never by a name that merely contains the word.
//!
//! ## How to be sure by hand
//! `systemctl --user list-units '*gateway*'`, the same without `--user`, and `ss -ltnp 'sport = :18789'`.
//!
//! ## What the fix does
//! Disables exactly one named unit through its own manager and keeps the one that is meant: the one of the current
//! product name that belongs to the account of this state. A left-over process is ended by its pid, after checking
//! that it still is that process.
//!
//! ## Since and until
//! All releases. OpenClaw itself notices a user and a system unit of one name only from 2026.8.1; up to 2026.7.35 the
//! clean-up hint of `gateway status` names the wrong unit: do not follow it.

use super::units;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Action, Applicability, Manager, Plan, Step};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, HostPath, Severity, Unknown};
use crate::snapshot::process::{ProcessFact, ProcessRole};
use crate::snapshot::service::{Enabled, ServiceUnit};

/// See the module's documentation.
pub struct Duplicates;

const CAUSE: Cause = Cause::DuplicateGateway;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("duplicate-unit", CAUSE, "Two units would run a gateway on one port or state directory"),
    CodeSpec::error("legacy-unit", CAUSE, "A unit of an old product name lies beside the current one"),
    CodeSpec::error("stray-gateway", CAUSE, "A gateway process runs that no unit of this installation owns"),
    CodeSpec::error("foreign-account-gateway", CAUSE, "A gateway runs on this state as another account"),
];

impl Check for Duplicates {
    fn id(&self) -> &'static str {
        "duplicate-gateway"
    }

    fn area(&self) -> Area {
        Area::Services
    }

    fn source(&self) -> &'static str {
        "services/duplicates"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let services = match &context.snapshot.services {
            Fact::Known(services) => services.gateways().collect(),
            Fact::Absent => Vec::new(),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let mut findings = Vec::new();
        if let Some(meant) = meant(context, &services) {
            for other in
                services.iter().filter(|unit| !is_same(unit, meant) && !unit.masked && rivals(context, meant, unit))
            {
                findings.push(self.unit(context, meant, other));
            }
        }
        if let Fact::Known(processes) = &context.snapshot.processes {
            let strays = processes.gateways().filter_map(|process| self.process(context, &services, process));
            findings.extend(strays);
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        match finding.code.as_str() {
            "stray-gateway" | "foreign-account-gateway" => plan_process(context, finding),
            _ => plan_unit(context, finding),
        }
    }
}

fn is_same(one: &ServiceUnit, other: &ServiceUnit) -> bool {
    one.path == other.path && one.manager == other.manager
}

/// The unit that is meant to run this installation's gateway: of the current name before old ones, running or enabled
/// before not, the account's own before the system's.
fn meant<'u>(context: &Context<'_>, units: &[&'u ServiceUnit]) -> Option<&'u ServiceUnit> {
    units
        .iter()
        .filter(|unit| !unit.masked && units::is_of_installation(context, unit))
        .max_by_key(|unit| {
            let running = unit.live.known().is_some_and(|state| state.is_up());
            let own = matches!(unit.manager, Manager::SystemdUser { .. });
            (!unit.legacy_name, running, unit.starts_by_itself() == Some(true), own)
        })
        .copied()
}

/// Whether two units want the same port or the same state directory.
fn rivals(context: &Context<'_>, meant: &ServiceUnit, other: &ServiceUnit) -> bool {
    let port = |unit| units::port(context, unit);
    let state = |unit| units::state_dir(context, unit);
    let same = |a: Option<_>, b: Option<_>| a.is_some() && a == b;
    // An old unit without a port of its own reads a configuration that mostly has the same one; so does a unit of an
    // old name in the same home.
    let same_home = other.legacy_name
        && other.home_owner.is_some()
        && other.home_owner == meant.home_owner
        && other.profile == meant.profile;
    same(port(meant), port(other))
        || state(meant).is_some() && state(meant) == state(other)
        || same_home && other.port.is_none()
}

impl Duplicates {
    fn unit(&self, context: &Context<'_>, meant: &ServiceUnit, other: &ServiceUnit) -> Finding {
        let code = if other.legacy_name { "legacy-unit" } else { "duplicate-unit" };
        let both = units::is_in_play(meant).zip(units::is_in_play(other));
        let (severity, certainty) = match both {
            Some((true, true)) => (Severity::Error, Certainty::Certain),
            Some((_, true)) => (Severity::Error, Certainty::Likely),
            // It would have to be started by hand to do harm.
            Some((_, false)) => (Severity::Warning, Certainty::Possible),
            None => (Severity::Warning, Certainty::Likely),
        };
        let port = units::port(context, other).or_else(|| units::port(context, meant));
        let port = port.map(|port| format!(" on port {port}")).unwrap_or_default();
        let message = format!(
            "{} ({}) would run a second gateway{port} beside {} ({})",
            units::title(other),
            units::state(other),
            units::title(meant),
            units::state(meant)
        );
        let mut finding =
            context.finding(self, code, &other.path.to_string(), message).because(CAUSE, certainty).at(&other.path);
        finding.severity = severity;
        for (unit, what) in [
            (other, "the second one"),
            (meant, "the one that is meant: it belongs to this state and bears the current name"),
        ] {
            finding = finding.evidence(
                Evidence::new(format!("{}: {}; {what}", units::title(unit), units::state(unit))).at(&unit.path),
            );
            for exec in &unit.exec {
                let mut piece = Evidence::new(format!("{} {}", exec.setting, exec.argv.join(" "))).at(&exec.at.file);
                piece.line = exec.at.line;
                finding = finding.evidence(piece);
            }
        }
        finding.hint(format!(
            "Disable {} and keep {}; do not follow a clean-up hint of `gateway status`, which up to 2026.7.35 names the wrong unit",
            other.name, meant.name
        ))
    }

    fn process(&self, context: &Context<'_>, units: &[&ServiceUnit], process: &ProcessFact) -> Option<Finding> {
        let account = context.installation.account()?;
        // Another container or network namespace has its own loopback: no rival.
        if process.elsewhere() == Some(true) || !works_here(context, process) {
            return None;
        }
        let owner = process.unit();
        let owned = owner
            .is_some_and(|owner| units.iter().any(|unit| unit.name == owner.name && unit.manager == owner.manager));
        let foreign = process.uid != account.uid;
        let has_unit =
            units.iter().any(|unit| units::is_of_installation(context, unit) && units::is_in_play(unit) == Some(true));
        if !foreign && (owned || !has_unit) {
            return None;
        }
        let code = if foreign { "foreign-account-gateway" } else { "stray-gateway" };
        let by = owner.map_or_else(|| "no unit".to_owned(), |unit| unit.name.clone());
        let message = format!(
            "A gateway runs as pid {} of uid {} (owned by {by}), while this state belongs to {}",
            process.pid,
            process.uid,
            context.installation.account_name().unwrap_or_default()
        );
        let command = process.argv.join(" ");
        let mut finding = context
            .finding(self, code, &format!("{}:{}", process.pid, process.start_ticks), message)
            .because(CAUSE, Certainty::Certain);
        finding = finding.evidence(Evidence::new(format!(
            "process {}: {command}, parent {}, uid {}",
            process.pid, process.ppid, process.uid
        )));
        if let Some(path) = lock_path(context, process.pid) {
            finding = finding.evidence(Evidence::new("the lock that it holds").at(&path));
        }
        Some(finding)
    }
}

/// Whether a process uses the judged state directory or port, as far as can be seen.
pub(super) fn works_here(context: &Context<'_>, process: &ProcessFact) -> bool {
    let installation = context.installation;
    let on_state = process
        .databases
        .known()
        .is_some_and(|paths| paths.iter().any(|path| path.starts_with(&installation.state_dir)));
    let holds_lock = lock_path(context, process.pid).is_some();
    let port = units::gateway_port(context);
    let listens = context.snapshot.listeners.known().is_some_and(|listeners| {
        listeners.listeners.iter().any(|listener| {
            listener.port == port && listener.owner.known().is_some_and(|owner| owner.pid == process.pid)
        })
    });
    on_state || holds_lock || listens
}

/// The lock of this installation that names a pid.
fn lock_path(context: &Context<'_>, pid: u32) -> Option<crate::model::HostPath> {
    let locks = context.snapshot.locks.known()?;
    let installation = context.installation;
    locks
        .locks
        .iter()
        .find(|lock| {
            let owner = lock.owner.known();
            let ours = owner.is_some_and(|owner| {
                owner.state_dir.as_ref() == Some(&installation.state_dir)
                    || owner.config_path.as_ref() == Some(&installation.config.path)
            });
            ours && owner.is_some_and(|owner| owner.pid == Some(pid))
        })
        .map(|lock| lock.path.clone())
}

fn plan_unit(context: &Context<'_>, finding: &Finding) -> Option<Plan> {
    let services = context.snapshot.services.known()?;
    let unit = services.gateways().find(|unit| Some(&unit.path) == finding.path.as_ref())?;
    let units: Vec<&ServiceUnit> = services.gateways().collect();
    let kept = meant(context, &units).filter(|kept| !is_same(kept, unit))?;
    let reason = format!("{} is the one that is meant", kept.name);
    let mut steps = Vec::new();
    if context.snapshot.host.live && units::is_in_play(unit) != Some(false) {
        let action = Action::DisableUnit { manager: unit.manager.clone(), unit: unit.name.clone(), mask: false };
        steps.push(Step::new(action, reason.as_str()));
    } else if let Fact::Known(Enabled::Yes(links)) = &unit.enabled {
        // Below a root no manager answers: what enables the unit are these links.
        // A launchd job starts because its file lies there: setting that aside is all.
        for link in links.iter().filter(|link| **link != unit.path) {
            steps.push(Step::new(
                Action::RemoveLink { path: link.clone(), target: unit.path.clone() },
                "it starts the unit at boot or login",
            ));
        }
    }
    let in_home = context.installation.home.as_ref().is_some_and(|home| unit.path.starts_with(home));
    if in_home {
        let to = HostPath::from(format!("{}.set-aside", unit.path).as_str());
        steps.push(Step::new(
            Action::SetAside { path: unit.path.clone(), to },
            "so that nothing enables it again; the text is kept",
        ));
    }
    let mut plan =
        Plan::of(finding, Applicability::Unsafe, format!("take {} out of service", units::title(unit)), steps)
            .say_first(format!("{} is kept: {}.", units::title(kept), why_kept(kept, unit)));
    if plan.steps.is_empty() {
        plan.applicability = Applicability::Manual;
        plan.manual =
            vec![format!("Disable it with the manager that it belongs to, then remove {} yourself", unit.path)];
    }
    Some(plan)
}

/// What tells the unit that is kept from the other one, the first thing that does.
fn why_kept(kept: &ServiceUnit, other: &ServiceUnit) -> &'static str {
    let runs = |unit: &ServiceUnit| unit.live.known().is_some_and(|state| state.is_up());
    let starts = |unit: &ServiceUnit| unit.starts_by_itself() == Some(true);
    if other.legacy_name && !kept.legacy_name {
        "it bears the current name, and the other one a retired one"
    } else if runs(kept) && !runs(other) {
        "it runs, and the other one does not"
    } else if starts(kept) && !starts(other) {
        "it starts by itself, and the other one does not"
    } else if matches!(kept.manager, Manager::SystemdUser { .. }) && other.manager != kept.manager {
        "it is the account's own, which OpenClaw's own commands act on"
    } else {
        "both are alike; it is the one that works on this state directory. If the other one is meant, say No"
    }
}

fn plan_process(context: &Context<'_>, finding: &Finding) -> Option<Plan> {
    let processes = context.snapshot.processes.known()?;
    let process = processes.processes.iter().find(|process| {
        process.role == ProcessRole::Gateway
            && finding.evidence.iter().any(|piece| piece.text.starts_with(&format!("process {}:", process.pid)))
    })?;
    let summary = format!("end the gateway process {} of uid {}", process.pid, process.uid);
    match process.identity() {
        Some(identity) => {
            let action = Action::EndProcess { process: identity, kill: false };
            Some(Plan::of(
                finding,
                Applicability::Unsafe,
                summary,
                vec![Step::new(action, "no unit of this installation owns it")],
            ))
        }
        None => Some(Plan::manual(
            finding,
            summary,
            vec!["Run the doctor with sudo, so that it can see which program it is.".to_owned()],
        )),
    }
}
