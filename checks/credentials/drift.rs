//! # Holders of the shared token disagree
//!
//! ## What it finds
//! The token (or password) that the gateway takes and the one that the host's own CLI sends, where they differ; copies
//! in units, environment files and processes that differ from the gateway's; a token that only the service has; a
//! cached device token that was thrown away because of a wrong shared token.
//!
//! ## Why it locks you out
//! The gateway takes `gateway.auth.token` first and its environment only without that. The CLI of a local gateway goes
//! the other way up to 2026.7.35: a variable in a shell or in `.env` beats the configuration and makes the CLI send
//! another token than the gateway has. From 2026.8.1 both take the configuration first. Up to 2026.3.2 the service
//! installer wrote the token into the unit, where it stays as it was.
//!
//! ## How to read the evidence
//! Equal letters are equal values: `token A` here and `token B` there are two different tokens, with their lengths and
//! where they are held. The values themselves are never shown. In 2026.2.17 to 2026.2.21 the refusal is worded
//! `device token mismatch (rotate/reissue device token)`, and rotating is the wrong cure.
//!
//! ## How to be sure by hand
//! `env -u OPENCLAW_GATEWAY_TOKEN openclaw devices list` uses the configuration's token up to 2026.7.35.
//!
//! ## What the fix does
//! Nothing by itself: which holder is right is your choice, `--choose CODE=ID`. Then the copies that are wrong are taken
//! out of the files that hold them, or `gateway.auth` gets the value that is right. The values are shown nowhere, and
//! none goes into a unit, a log or a journal; the backup for undo is as private as every other.
//!
//! ## Since and until
//! All releases. `CLAWDBOT_GATEWAY_TOKEN` is read up to 2026.3.13, `~/.config/openclaw/gateway.env` from 2026.4.15.

use super::drift_plan::with_choices;
use super::holders::{Holder, Shared, Site, all, of_cli, of_gateway};
use crate::checks::logs::evidence;
use crate::checks::reading::listed;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::{EventKind, Rejection};
use crate::model::plan::Plan;
use crate::model::secret::SecretShape;
use crate::model::{Cause, Certainty, Evidence, Finding, SecretLabel, Severity, Unknown};
use crate::snapshot::config::ConfigSibling;
use crate::snapshot::store::FileState;

/// Holders of the shared token disagree.
#[derive(Debug)]
pub struct Drift;

pub(super) const CLI: &str = "cli-token-differs";
pub(super) const COPY: &str = "token-copy-differs";
const NODE: &str = "node-token-differs";
pub(super) const SERVICE_ONLY: &str = "token-only-in-service";
const EMPTIED: &str = "device-token-dropped";
pub(super) const CHANGED: &str = "token-changed";

impl Check for Drift {
    fn id(&self) -> &'static str {
        "gateway-token-holders"
    }

    fn area(&self) -> Area {
        Area::Credentials
    }

    fn source(&self) -> &'static str {
        "credentials/drift"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const DRIFT: Option<Cause> = Some(Cause::GatewayTokenDrift);
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(CLI, Cause::GatewayTokenDrift, "The host's CLI sends another token than the gateway has"),
            CodeSpec::warning(COPY, DRIFT, "A copy of the token differs from the gateway's"),
            CodeSpec::warning(NODE, DRIFT, "A node host's unit holds another token than the gateway has"),
            CodeSpec::warning(
                SERVICE_ONLY,
                Some(Cause::TokenMissing),
                "Only the service has the token, the CLI has none",
            ),
            CodeSpec::warning(CHANGED, DRIFT, "The gateway's token changed, and clients are refused with another one"),
            CodeSpec::warning(EMPTIED, DRIFT, "The CLI threw its device token away because of a wrong shared token"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes, Subject::Devices, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        // With another gateway as the target, what is held here can't be compared with it.
        if context.uses_remote_gateway() {
            return Ok(Vec::new());
        }
        let Some(shared) = Shared::of_mode(context) else { return Ok(Vec::new()) };
        let holders = all(context, shared);
        let gateway = of_gateway(context, &holders);
        let cli = of_cli(context, &holders);
        let mut findings = Vec::new();
        if let Some(gateway) = &gateway {
            if let Some(cli) = cli.as_ref().filter(|cli| cli.label != gateway.label) {
                findings.push(self.cli(context, shared, gateway, cli));
            }
            findings.extend(self.copies(context, shared, gateway, &holders, cli.as_ref()));
            findings.extend(self.service_only(context, shared, gateway, &holders, cli.as_ref()));
        }
        findings.extend(self.changed(context, gateway.as_ref()));
        findings.extend(self.emptied(context));
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = vec![
            finding.fix_hint.clone()?,
            "Which holder is right is for you to say. The doctor shows no secret.".to_owned(),
        ];
        Some(with_choices(context, finding, Plan::manual(finding, "make the holders agree by hand", by_hand)))
    }
}

impl Drift {
    fn cli(&self, context: &Context<'_>, shared: Shared, gateway: &Holder, cli: &Holder) -> Finding {
        let message = format!(
            "The host's CLI sends {} ({}), and the gateway has {} ({}): it is refused",
            cli.label, cli.words, gateway.label, gateway.words
        );
        let finding = context.finding(self, CLI, shared.key(), message).hint(unset_hint(context, cli));
        let finding = match &cli.evidence.path {
            Some(path) => finding.at(path),
            None => finding,
        };
        finding.evidence(gateway.evidence.clone()).evidence(cli.evidence.clone())
    }

    fn copies(
        &self,
        context: &Context<'_>,
        shared: Shared,
        gateway: &Holder,
        holders: &[Holder],
        cli: Option<&Holder>,
    ) -> Vec<Finding> {
        let differs = |holder: &&Holder| {
            // An empty variable counts as unset.
            holder.label != gateway.label
                && holder.label.shape != SecretShape::Blank
                && cli.is_none_or(|cli| cli.words != holder.words || cli.label == gateway.label)
        };
        let (nodes, copies): (Vec<&Holder>, Vec<&Holder>) =
            holders.iter().filter(differs).partition(|holder| holder.place == Site::NodeUnit);
        let mut findings: Vec<Finding> = nodes
            .iter()
            .map(|node| {
                let message = format!(
                    "{} is {}, and the gateway of this host has {}: a node host that connects here is refused",
                    node.words, node.label, gateway.label
                );
                self.about(context, NODE, node, message)
                    .evidence(gateway.evidence.clone())
                    .hint("If that node host belongs to this gateway, install its service again")
            })
            .collect();
        if let Some(first) = copies.first() {
            let words: Vec<String> = copies.iter().map(|copy| format!("{} ({})", copy.words, copy.label)).collect();
            let message = format!(
                "The gateway takes {} from {}; another {} is held as {}, and whoever uses that one is refused",
                gateway.label,
                gateway.words,
                shared.key(),
                listed(&words)
            );
            let mut finding = self.about(context, COPY, first, message).evidence(gateway.evidence.clone());
            finding.evidence.extend(copies.iter().skip(1).map(|copy| copy.evidence.clone()));
            findings.push(finding.hint(format!("Remove the copies that are no longer right: {}", listed(&words))));
        }
        findings
    }

    fn service_only(
        &self,
        context: &Context<'_>,
        shared: Shared,
        gateway: &Holder,
        holders: &[Holder],
        cli: Option<&Holder>,
    ) -> Option<Finding> {
        let in_service = matches!(gateway.place, Site::Unit | Site::Process);
        let configured = context.value(&["gateway", "auth", shared.key()]).is_some();
        // As root nothing is known of the shell of whoever uses the CLI.
        let cli_known =
            holders.iter().any(|holder| holder.place == Site::Caller) || !context.snapshot.run_as.privileged;
        if !in_service || configured || cli.is_some() || !cli_known {
            return None;
        }
        let message = format!(
            "Only the service holds the {} ({}): the CLI has none to send, and gets in only with a device token of its \
             own",
            shared.key(),
            gateway.words
        );
        let path = &context.config().path;
        let mut finding = self.about(context, SERVICE_ONLY, gateway, message);
        finding.certainty = Certainty::Possible;
        finding.evidence.push(Evidence::new(format!("gateway.auth.{} is not set", shared.key())).at(path));
        Some(finding.hint(format!("Set gateway.auth.{} in {path} as well", shared.key())))
    }

    /// Clients are refused with a wrong token, and the gateway's is not what it was: it made a new one, or a copy of the
    /// configuration has another.
    fn changed(&self, context: &Context<'_>, gateway: Option<&Holder>) -> Option<Finding> {
        let summary = evidence::logs(context).ok()?;
        let refused = summary.episodes.iter().find(|episode| {
            let rejected = matches!(
                episode.rejection,
                Some(Rejection::TokenMismatch | Rejection::PasswordMismatch | Rejection::DeviceTokenMismatch)
            );
            rejected
                && evidence::is_current(context, episode)
                && episode.sample.cause(context.release()) == Some(Cause::GatewayTokenDrift)
        })?;
        let made = summary.newest_of(EventKind::TokenGenerated).filter(|event| event.time <= refused.last);
        let now = gateway.filter(|gateway| gateway.place == Site::Config);
        let other = before(context, gateway);
        if made.is_none() && other.is_none() {
            return None;
        }
        let path = &context.config().path;
        let message = "The gateway's token changed: clients that still have the one before are refused";
        let mut finding = context
            .finding(self, CHANGED, &path.to_string(), message)
            .because(Cause::GatewayTokenDrift, Certainty::Likely)
            .at(path)
            .evidence(evidence::evidence(summary, refused, "a client was refused with another token"));
        finding.evidence.extend(now.map(|now| now.evidence.clone()));
        if let Some(event) = made {
            let mut piece = Evidence::new("log: the gateway made a new token");
            piece.time = event.time;
            finding.evidence.push(piece);
        }
        if let Some((copy, token)) = other {
            finding.evidence.push(Evidence::new(format!("this copy of the configuration has {token}")).at(&copy.path));
        }
        Some(finding.hint(format!("Give the clients the token in {path}, or put the one before back")))
    }

    /// 2026.2.17 to 2026.2.21: a wrong shared token is answered as a device token mismatch, and the CLI empties its
    /// cache because of that answer.
    fn emptied(&self, context: &Context<'_>) -> Option<Finding> {
        if context.within((2, 17), (2, 21)) != Some(true) {
            return None;
        }
        let cached = &context.installation.devices.cached;
        if cached.state != FileState::Sound || !cached.records.is_empty() {
            return None;
        }
        let summary = evidence::logs(context).ok()?;
        let episode = summary.episodes.iter().find(|episode| {
            episode.rejection == Some(Rejection::DeviceTokenMismatch)
                && episode.sample.detail.client.as_deref().is_none_or(|client| client.starts_with("cli"))
        })?;
        let path = cached.path.clone()?;
        let message = "The CLI of this host was refused with a wrong shared token and threw its device token away; the \
                       words `device token mismatch` mean the shared token in this release";
        let finding = context
            .finding(self, EMPTIED, &path.to_string(), message)
            .because(Cause::GatewayTokenDrift, Certainty::Likely)
            .at(&path)
            .evidence(Evidence::new("no device token is cached any more").at(&path))
            .evidence(evidence::evidence(summary, episode, "refused as device token mismatch"));
        Some(
            finding.hint("Unset OPENCLAW_GATEWAY_TOKEN, and call the CLI without --token; do not rotate device tokens"),
        )
    }

    fn about(&self, context: &Context<'_>, code: &str, holder: &Holder, message: String) -> Finding {
        let mut finding = context.finding(self, code, &holder.words, message).evidence(holder.evidence.clone());
        finding.path = holder.evidence.path.clone();
        finding.line = holder.evidence.line;
        (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        finding
    }
}

/// The newest backup of the configuration, where it has another token than the configuration.
pub(super) fn before<'s>(
    context: &Context<'s>,
    gateway: Option<&Holder>,
) -> Option<(&'s ConfigSibling, &'s SecretLabel)> {
    let now = gateway.filter(|gateway| gateway.place == Site::Config)?;
    let siblings = &context.installation.config.siblings;
    let backups = siblings.iter().filter(|copy| copy.path.file_name().contains(".bak"));
    let newest = backups.max_by_key(|copy| copy.meta.mtime_ns)?;
    newest.token.known().filter(|token| **token != now.label).map(|token| (newest, token))
}

fn unset_hint(context: &Context<'_>, cli: &Holder) -> String {
    let name = cli.words.split(' ').next().unwrap_or_default();
    match cli.place {
        Site::Caller => format!("Run `unset {name}` and look where the shell sets it"),
        Site::StateEnv | Site::GlobalEnv => {
            let file = cli.evidence.path.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("Remove {name} from {file}, or make it the gateway's")
        }
        Site::ConfigEnv => format!("Remove {name} from the env block of {}", context.config().path),
        _ => "Give the CLI the gateway's token".to_owned(),
    }
}
