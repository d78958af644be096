//! # No gateway is listening
//!
//! ## What it finds
//! A live host on which nothing listens on the gateway's port, with what its unit says: not started, failed, stopped
//! for good after too many restarts, or alive without listening. On an image the same, where its log ends with it.
//!
//! ## Why it locks you out
//! Clients see `gateway closed (1006)` or a refused connection. Neither says anything about pairing.
//!
//! ## How to read the evidence
//! The unit's state and exit code come from its manager. Exit code 78 means that the gateway refused to start and told
//! the manager not to try again. A process without a listener can be a start that failed and stayed alive (from
//! 2026.3.13) or one that still loads.
//!
//! ## How to be sure by hand
//! `systemctl --user status openclaw-gateway`, `journalctl --user -u openclaw-gateway -n 50`, `ss -ltn`.
//!
//! ## What the fix does
//! Clears the failed state and starts the unit, where nothing else that the doctor found explains why it is down. You
//! are asked first.
//!
//! ## Since and until
//! All releases; exit code 78 from 2026.4.15.

use super::units;
use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::EventKind;
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown};
use crate::snapshot::service::ServiceUnit;

/// See the module's documentation.
pub struct Running;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("gateway-down", Cause::GatewayNotRunning, "Nothing listens on the gateway's port"),
    CodeSpec::error(
        "gateway-start-limit",
        Cause::GatewayNotRunning,
        "The service manager gave up restarting the gateway",
    ),
    CodeSpec::error(
        "gateway-not-listening",
        Cause::GatewayNotRunning,
        "A gateway process is alive but does not listen",
    ),
];

impl Check for Running {
    fn id(&self) -> &'static str {
        "gateway-running"
    }

    fn area(&self) -> Area {
        Area::Services
    }

    fn source(&self) -> &'static str {
        "services/running"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes, Subject::Listeners, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if context.uses_remote_gateway() {
            return Ok(Vec::new());
        }
        let listeners = match &context.snapshot.listeners {
            Fact::Known(listeners) => listeners,
            Fact::Absent => return Ok(Vec::new()),
            // Of a mounted image the log alone can tell.
            Fact::Unknown(why) if context.snapshot.host.live => return Err(why.clone()),
            Fact::Unknown(why) => return self.offline(context).map_or(Err(why.clone()), |found| Ok(vec![found])),
        };
        let port = units::gateway_port(context);
        if listeners.listeners.iter().any(|listener| listener.port == port && listener.namespace_of.is_none()) {
            return Ok(Vec::new());
        }
        let unit = unit(context);
        let alive = context.snapshot.processes.known().and_then(|processes| {
            let account = context.installation.account()?;
            processes.gateways().find(|process| process.uid == account.uid && process.elsewhere() != Some(true))
        });
        let (code, what) = match (alive, unit.and_then(|unit| unit.live.known())) {
            (Some(process), _) => {
                ("gateway-not-listening", format!("although a gateway process ({}) is alive", process.pid))
            }
            (None, Some(state)) if state.start_limit_hit() => {
                ("gateway-start-limit", "its unit restarted too often and was given up".to_owned())
            }
            (None, Some(state)) => ("gateway-down", format!("its unit is {} ({})", state.active, state.result)),
            (None, None) => ("gateway-down", "and no gateway process was seen".to_owned()),
        };
        let subject = context.installation.state_dir.to_string();
        let mut finding = context
            .finding(self, code, &subject, format!("Nothing listens on port {port}: {what}"))
            .because(Cause::GatewayNotRunning, Certainty::Certain);
        if let Some(unit) = unit {
            finding = finding
                .evidence(Evidence::new(format!("{}: {}", units::title(unit), units::state(unit))).at(&unit.path));
            if let Some(state) = unit.live.known()
                && let Some(status) = state.exec_main_status.filter(|status| *status != 0)
            {
                let meaning = if status == 78 { ": it refused to start and asked not to be restarted" } else { "" };
                finding = finding.evidence(Evidence::new(format!("last exit status {status}{meaning}")));
            }
        }
        finding =
            finding.evidence(Evidence::new(format!("no socket listens on port {port} in this network namespace")));
        Ok(vec![finding.hint(hint(context, unit))])
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let unit = unit(context).filter(|unit| !unit.masked)?;
        if finding.code == "gateway-not-listening" {
            return None;
        }
        let (manager, name) = (unit.manager.clone(), unit.name.clone());
        let mut steps = Vec::new();
        if unit.live.known().is_some_and(|state| state.active == "failed" || state.start_limit_hit()) {
            steps.push(Step::new(
                Action::ResetFailedUnit { manager: manager.clone(), unit: name.clone() },
                "it is in failed state",
            ));
        }
        steps.push(Step::new(Action::StartUnit { manager, unit: name }, "nothing listens"));
        let summary = format!("start {}", units::title(unit));
        Some(Plan::of(finding, Applicability::Unsafe, summary, steps))
    }
}

impl Running {
    /// How the log of an image ends: with a gateway that was given up or never came back, or that clients missed.
    fn offline(&self, context: &Context<'_>) -> Option<Finding> {
        let summary = context.snapshot.logs.known()?;
        let events = summary.events.iter().rev();
        let last = events.clone().find(|event| is_end(event.kind) || event.kind.is_up());
        let (code, sure, event, what) = match last.map(|event| (event.kind, event)) {
            Some((EventKind::StartFailedStaysAlive, event)) => {
                ("gateway-not-listening", Certainty::Likely, event, "its start failed, and the process stays alive")
            }
            Some((EventKind::StartLimitHit, event)) => {
                ("gateway-start-limit", Certainty::Likely, event, "its service manager gave up restarting it")
            }
            Some((EventKind::OutOfMemory, event)) => {
                ("gateway-down", Certainty::Likely, event, "it ended for want of memory and did not come back")
            }
            // A gateway that was stopped is no fault, unless somebody wanted it.
            Some((kind, _)) if kind.is_up() => return None,
            _ => {
                // There the network is the likelier answer.
                if context.snapshot.surroundings.container.known().is_some() || is_wsl(context) {
                    return None;
                }
                let missed = evidence::unreachable(context, summary)?;
                let after = last.is_none_or(|last| missed.time >= last.time);
                after.then_some(())?;
                ("gateway-down", Certainty::Possible, missed, "a client found nothing listening")
            }
        };
        let subject = context.installation.state_dir.to_string();
        let message = format!("By the end of the log no gateway listens: {what}");
        let mut finding = context
            .finding(self, code, &subject, message)
            .because(Cause::GatewayNotRunning, sure)
            .evidence(evidence::of_event(summary, event, what));
        finding.severity = Severity::Warning;
        if let Some(unit) = unit(context) {
            finding = finding
                .evidence(Evidence::new(format!("{}: {}", units::title(unit), units::state(unit))).at(&unit.path));
        }
        Some(finding.hint(hint(context, unit(context))))
    }
}

fn is_wsl(context: &Context<'_>) -> bool {
    context.snapshot.surroundings.wsl.known().is_some()
}

/// Whether a gateway is not up after such an event.
fn is_end(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::StartFailedStaysAlive
            | EventKind::StartLimitHit
            | EventKind::OutOfMemory
            | EventKind::Stopping
            | EventKind::Signal
            | EventKind::UnitStopped
            | EventKind::UnitExited
    )
}

/// The unit of this installation, the running or enabled one first.
fn unit<'s>(context: &Context<'s>) -> Option<&'s ServiceUnit> {
    let services = context.snapshot.services.known()?;
    services
        .gateways()
        .filter(|unit| units::is_of_installation(context, unit))
        .max_by_key(|unit| (!unit.legacy_name, units::is_in_play(unit) == Some(true)))
}

fn hint(context: &Context<'_>, unit: Option<&ServiceUnit>) -> String {
    match unit {
        Some(_) => format!("Look at the last start with `{}`, then start it", context.openclaw("gateway status")),
        None if context.snapshot.surroundings.container.known().is_some() => {
            "Look at the container's own log and restart policy; no service manager is wanted in it".to_owned()
        }
        None => format!("Start it with `{}`, or under the supervisor that you use", context.openclaw("gateway run")),
    }
}
