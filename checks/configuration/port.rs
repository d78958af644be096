//! # The port of the service differs from the configuration's
//!
//! ## What it finds
//! A gateway unit with `--port` or `OPENCLAW_GATEWAY_PORT` that differs from `gateway.port`; a `.env` file or the
//! environment of this shell that sends the CLI to another port.
//!
//! ## Why it locks you out
//! The gateway listens where its unit says (`--port`, then `OPENCLAW_GATEWAY_PORT`, then the configuration), so editing
//! `gateway.port` does nothing while the unit carries a number. The CLI goes where its own environment or the
//! configuration says and finds nobody: `gateway closed (1006)`.
//!
//! ## How to read the evidence
//! The two numbers with their places.
//!
//! ## How to be sure by hand
//! `ss -ltnp | grep openclaw` shows the port that is in use.
//!
//! ## What the fix does
//! Nothing by itself: which number is meant is yours to say.
//!
//! ## Since and until
//! All releases. From 2026.8.1 a named profile without a configured port has one of its own (20000 and up); before, it
//! is 18789 like the default one. `host:port` in the variable is understood from 2026.3.24.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};
use crate::snapshot::environment::Environment;
use crate::snapshot::service::ServiceUnit;

/// The port of the service differs from the configuration's.
#[derive(Debug)]
pub struct Port;

const UNIT: &str = "port-differs-from-unit";
const CLI: &str = "port-differs-for-cli";

impl Check for Port {
    fn id(&self) -> &'static str {
        "gateway-port"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/port"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(UNIT, Cause::ConfigInvalid, "The unit's port differs from the configuration's"),
            CodeSpec::error(CLI, Cause::ConfigInvalid, "A variable sends the CLI to another port than the gateway's"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        if context.uses_remote_gateway() {
            return Ok(Vec::new());
        }
        let units = context.gateway_units()?;
        let mut findings = Vec::new();
        for unit in &units {
            let Some(listens) = unit.port.as_ref().and_then(|port| port.value.port) else { continue };
            let dials = dialled(context);
            if dials.port != listens {
                findings.push(self.unit(context, unit, listens, &dials));
            }
        }
        if units.is_empty() {
            findings.extend(self.cli(context));
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = vec![
            finding.fix_hint.clone()?,
            format!(
                "Or install the service again with the configuration's port: `{}`.",
                context.openclaw("gateway install --force")
            ),
        ];
        Some(Plan::manual(finding, "make the ports agree by hand", by_hand))
    }
}

/// Where the CLI goes, and what says so.
struct Dialled {
    port: u16,
    evidence: Evidence,
}

impl Port {
    fn unit(&self, context: &Context<'_>, unit: &ServiceUnit, listens: u16, dials: &Dialled) -> Finding {
        let message = format!(
            "{} makes the gateway listen on port {listens}, and the CLI goes to {}: the unit wins over gateway.port",
            unit.name, dials.port
        );
        let mut evidence = Evidence::new(format!("{} sets port {listens}", unit.name)).at(&unit.path);
        if let Some(port) = &unit.port {
            evidence = Evidence::new(format!("port {listens} is set here")).at(&port.at.file);
            evidence.line = port.at.line;
        }
        let mut finding = context
            .finding(self, UNIT, &format!("{}#{listens}", unit.path), message)
            .at(&context.config().path)
            .evidence(dials.evidence.clone())
            .evidence(evidence)
            .hint(format!("Set gateway.port to {listens}, or change the unit and restart it"));
        finding.certainty = Certainty::Likely;
        if unit.starts_by_itself() == Some(false) {
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        }
        finding
    }

    /// Without a unit a gateway that is started by hand reads the same files, but not the caller's variables later on.
    fn cli(&self, context: &Context<'_>) -> Option<Finding> {
        let configured = context.config().port()?;
        let dials = dialled(context);
        let from_file = dials.evidence.path.as_ref().is_some_and(|path| path.file_name() == ".env");
        if dials.port == configured || from_file {
            return None;
        }
        let message = format!("This shell sends the CLI to port {}, and gateway.port is {configured}", dials.port);
        let node = context.value(&["gateway", "port"])?;
        let mut finding = context.config_finding(self, CLI, "gateway.port", node, message);
        (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        finding.evidence.push(dials.evidence);
        Some(finding.hint("Unset OPENCLAW_GATEWAY_PORT in this shell"))
    }
}

/// The port that the CLI goes to: variable, then configuration, then the default.
fn dialled(context: &Context<'_>) -> Dialled {
    let snapshot = context.snapshot;
    let own_shell = context.installation.account().is_some_and(|account| account.uid == snapshot.run_as.uid);
    let shell = snapshot.caller_environment.known().filter(|_| own_shell);
    let files = context.installation.env_files.iter().filter(|file| file.path.file_name() == ".env");
    let environments = shell.into_iter().chain(files.filter_map(|file| file.environment.known()));
    if let Some((port, evidence)) = environments.filter_map(|environment| variable(context, environment)).next() {
        return Dialled { port, evidence };
    }
    match (context.config().port(), context.value(&["gateway", "port"])) {
        (Some(port), Some(node)) => Dialled { port, evidence: context.value_evidence("gateway.port", node) },
        _ => Dialled {
            port: default_port(context),
            evidence: Evidence::new(format!("gateway.port is not set, so it is {}", default_port(context)))
                .at(&context.config().path),
        },
    }
}

fn variable(context: &Context<'_>, environment: &Environment) -> Option<(u16, Evidence)> {
    let mut names = vec!["OPENCLAW_GATEWAY_PORT"];
    if context.since(3, 22) != Some(true) {
        names.push("CLAWDBOT_GATEWAY_PORT");
    }
    let var = names.into_iter().find_map(|name| environment.get(name))?;
    let text = var.value.plain()?.trim();
    let port = text.parse().ok().or_else(|| {
        let with_host = context.since(3, 24) != Some(false);
        with_host.then(|| text.rsplit_once(':').and_then(|(_, port)| port.parse().ok())).flatten()
    })?;
    let mut evidence = Evidence::new(format!("{} is {port}", var.name)).at(&var.at.file);
    evidence.line = var.at.line;
    Some((port, evidence))
}

/// 18789, or from 2026.8.1 a port of the profile's own: `20000 + FNV1a32(profile) mod 40000` (host-by-release 4).
pub fn default_port(context: &Context<'_>) -> u16 {
    match &context.installation.profile {
        Some(profile) if profile == "dev" => 19_001,
        Some(profile) if context.since(8, 1) == Some(true) => profile_port(profile),
        _ => 18_789,
    }
}

fn profile_port(profile: &str) -> u16 {
    let hash = profile.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    u16::try_from(20_000 + hash % 40_000).unwrap_or(18_789)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_the_ports_of_the_notes() {
        assert_eq!(profile_port("work"), 41_984);
        assert_eq!(profile_port("rescue"), 23_532);
    }
}
