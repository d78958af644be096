//! # The host's own CLI leaves the loopback interface
//!
//! ## What it finds
//! Settings that send the CLI of the gateway's own host to a LAN or tailnet address, and remote addresses without
//! encryption.
//!
//! ## Why it locks you out
//! Up to 2026.2.19 the CLI follows `gateway.bind`: with `lan` or `tailnet` it goes to the host's own address there and
//! counts as remote, so that it is not approved by itself. From 2026.2.19 the CLI refuses `ws://` to an address that is
//! not loopback (`SECURITY ERROR: Gateway URL … uses plaintext ws://`), and every call fails before it is sent.
//!
//! ## How to read the evidence
//! The setting that decides where the CLI goes.
//!
//! ## How to be sure by hand
//! `openclaw devices list` prints `Gateway target:` and `Source:`; `openclaw devices list --url ws://127.0.0.1:18789
//! --token …` is a way in.
//!
//! ## What the fix does
//! Bind is put back to loopback where only the CLI of an old release needs it; other machines then no longer reach the
//! gateway directly, so this is asked for.
//!
//! ## Since and until
//! From 2026.2.21 the CLI of the host always goes to 127.0.0.1. Plain `ws://` to private addresses is let through again
//! by 2026.8.1 at the latest; from 2026.3.2 `OPENCLAW_ALLOW_INSECURE_PRIVATE_WS=1` lets it through.

use crate::checks::configuration::mode::host_of;
use crate::checks::reading::quoted;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::address::is_private_pseudonym;
use crate::model::plan::{Applicability, ConfigEdit, JsonPath, Plan};
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};
use crate::snapshot::config::ConfigNode;
use crate::snapshot::device::PairedRelation;
use std::net::IpAddr;

/// The host's own CLI leaves the loopback interface.
#[derive(Debug)]
pub struct Locality;

const REMOTE: &str = "cli-not-local";
const PLAINTEXT: &str = "cli-plaintext-refused";
const REMOTE_URL: &str = "remote-url-plaintext";
const OVERRIDE: &str = "cli-url-override";
const COUNTED: &str = "loopback-counts-as-remote";

impl Check for Locality {
    fn id(&self) -> &'static str {
        "cli-locality"
    }

    fn area(&self) -> Area {
        Area::Proxies
    }

    fn source(&self) -> &'static str {
        "proxies/locality"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(
                REMOTE,
                Cause::NotLocal,
                "The host's CLI reaches the gateway by another address than loopback",
            ),
            CodeSpec::error(
                PLAINTEXT,
                Cause::PlaintextRefused,
                "The host's CLI refuses its own unencrypted connection",
            ),
            CodeSpec::error(REMOTE_URL, Cause::PlaintextRefused, "The remote address is unencrypted and refused"),
            CodeSpec::warning(OVERRIDE, Some(Cause::NotLocal), "A variable sends the CLI to another address"),
            CodeSpec::warning(
                COUNTED,
                Some(Cause::NotLocal),
                "The running gateway counts a direct connection from its own host as remote",
            ),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Probe]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let remote = context.uses_remote_gateway();
        let found = if remote { self.remote_url(context) } else { self.bind(context) };
        Ok(found.into_iter().chain(self.url_override(context)).chain(self.counted(context)).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        if matches!(finding.code.as_str(), REMOTE_URL | OVERRIDE | COUNTED) {
            let by_hand = finding.fix_hint.clone()?;
            return Some(Plan::manual(finding, "change the address by hand", vec![by_hand]));
        }
        let bind = context.value(&["gateway", "bind"])?;
        let edits = vec![ConfigEdit::ReplaceValue {
            at: JsonPath::keys(["gateway", "bind"]),
            was: bind.as_str().map(serde_json::Value::from),
            to: "loopback".into(),
        }];
        let plan = context.edit_plan(
            finding,
            Applicability::Unsafe,
            "set gateway.bind back to loopback",
            bind,
            edits,
            "the CLI of this release follows it",
        )?;
        Some(
            plan.say_first("Afterwards other machines reach the gateway only through Tailscale, SSH or a proxy.")
                .then_by_hand("Instead, update to 2026.2.21 or later: its CLI always goes to 127.0.0.1."),
        )
    }
}

impl Locality {
    fn bind(&self, context: &Context<'_>) -> Option<Finding> {
        let node = context.value(&["gateway", "bind"])?;
        let bind = node.as_str().filter(|bind| matches!(*bind, "lan" | "tailnet"))?;
        let release = context.release()?;
        let follows = match bind {
            "lan" => release.within((2, 9), (2, 20)),
            _ => release.within((1, 29), (2, 20)),
        };
        if !follows {
            return None;
        }
        let encrypted = context.value(&["gateway", "tls", "enabled"]).and_then(ConfigNode::as_bool) == Some(true);
        if release.at_least(2, 18) && !encrypted {
            let message = format!(
                "gateway.bind is {bind}: the CLI of this host goes to its {bind} address and refuses to do so without \
                 encryption"
            );
            let mut finding = context.config_finding(self, PLAINTEXT, "gateway.bind", node, message);
            // Without a tailnet address the CLI stays on loopback.
            finding.certainty = if bind == "lan" { Certainty::Certain } else { Certainty::Likely };
            return Some(finding.hint(way_in(context)));
        }
        let message =
            format!("gateway.bind is {bind}: the CLI of this host goes to its {bind} address and counts as remote");
        let mut finding = context.config_finding(self, REMOTE, "gateway.bind", node, message);
        finding.certainty = Certainty::Likely;
        let identity = context.installation.devices.identity.records.first();
        if identity.is_some_and(|identity| identity.paired == PairedRelation::SameKey) {
            // A paired device gets in from anywhere.
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        }
        Some(finding.hint(way_in(context)))
    }

    fn remote_url(&self, context: &Context<'_>) -> Option<Finding> {
        let node = context.value(&["gateway", "remote", "url"])?;
        let url = node.as_str()?.trim();
        let lower = url.to_ascii_lowercase();
        if !lower.starts_with("ws://") && !lower.starts_with("http://") {
            return None;
        }
        let host = host_of(url)?;
        if super::address::is_loopback_host(host) || context.since(2, 18) == Some(false) {
            return None;
        }
        let private = is_private(host);
        let allowed = context
            .snapshot
            .caller_environment
            .known()
            .is_some_and(|environment| environment.plain("OPENCLAW_ALLOW_INSECURE_PRIVATE_WS") == Some("1"));
        let (severity, certainty) = match (context.since(3, 2), context.since(8, 1), private) {
            (Some(false), _, _) => (Severity::Error, Certainty::Certain),
            (Some(true), _, _) if allowed => return None,
            (_, Some(true), true) => return None,
            (_, Some(true), false) => (Severity::Error, Certainty::Certain),
            (_, _, false) => (Severity::Error, Certainty::Likely),
            // Somewhere between these releases private addresses were let through again.
            (_, _, true) => (Severity::Warning, Certainty::Possible),
        };
        let message = format!(
            "gateway.remote.url is {}: the CLI refuses an unencrypted connection to an address that is not loopback",
            quoted(url)
        );
        let mut finding = context.config_finding(self, REMOTE_URL, "gateway.remote.url", node, message);
        (finding.severity, finding.certainty) = (severity, certainty);
        Some(finding.hint("Use wss:// (Tailscale Serve, or a proxy with TLS), or an SSH tunnel to ws://127.0.0.1"))
    }
}

impl Locality {
    /// The gateway gave a direct connection over loopback no details, which local callers get (from 2026.3.7).
    fn counted(&self, context: &Context<'_>) -> Option<Finding> {
        let endpoints = &context.snapshot.probe.known()?.endpoints;
        let on_loopback = endpoints.iter().filter(|seen| {
            let to = seen.address.as_ref().and_then(|address| address.plain());
            to.is_some_and(|to| to.ip().to_canonical().is_loopback())
        });
        let (seen, said) = on_loopback
            .filter_map(|seen| Some((seen, seen.counts_as_local.known()?)))
            .find(|(seen, locality)| seen.is_openclaw.is_yes() && !locality.local)?;
        let message = "The running gateway counts a direct connection from its own host as remote: its clients here are \
                       not approved by themselves";
        let mut finding = context.finding(self, COUNTED, &seen.url, message);
        finding.certainty = Certainty::Likely;
        let piece = Evidence::new(format!("probe of {}: {}", seen.url, said.evidence));
        Some(finding.evidence(piece).hint(
            "Look at gateway.trustedProxies and at gateway.allowRealIpFallback, and restart the gateway if they were changed",
        ))
    }

    /// `OPENCLAW_GATEWAY_URL` in `.env` or in the caller's own shell (honoured from 2026.3.2).
    fn url_override(&self, context: &Context<'_>) -> Option<Finding> {
        if context.since(3, 2) == Some(false) {
            return None;
        }
        let snapshot = context.snapshot;
        let own = context.installation.account().is_some_and(|account| account.uid == snapshot.run_as.uid);
        let shell = snapshot.caller_environment.known().filter(|_| own);
        let files = context.installation.env_files.iter().filter(|file| file.path.file_name() == ".env");
        let mut environments = shell.into_iter().chain(files.filter_map(|file| file.environment.known()));
        let var = environments.find_map(|environment| environment.get("OPENCLAW_GATEWAY_URL"))?;
        let url = var.value.plain()?.trim();
        let host = host_of(url).filter(|host| !host.is_empty() && !super::address::is_loopback_host(host))?;
        let message = format!(
            "OPENCLAW_GATEWAY_URL sends the CLI to {} instead of 127.0.0.1: it counts as remote, or reaches another gateway",
            quoted(host)
        );
        let mut piece = Evidence::new(format!("OPENCLAW_GATEWAY_URL names the host {}", quoted(host))).at(&var.at.file);
        piece.line = var.at.line;
        let mut finding = context.finding(self, OVERRIDE, host, message).at(&var.at.file).evidence(piece);
        finding.certainty = Certainty::Possible;
        Some(finding.hint("Unset OPENCLAW_GATEWAY_URL for the CLI of this host"))
    }
}

fn way_in(context: &Context<'_>) -> String {
    let port = context.config().port().unwrap_or(18_789);
    format!("Call the CLI with `--url ws://127.0.0.1:{port} --token …`, set gateway.bind to loopback, or update")
}

/// Private addresses and names that 2026.8.1 lets through (`isTrustedPlaintextWebSocketHost`).
fn is_private(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            address.is_private() || address.is_link_local() || first == 100 && (64..128).contains(&second)
        }
        Ok(IpAddr::V6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
        Err(_) => host.ends_with(".local") || host.ends_with(".ts.net") || is_private_pseudonym(host),
    }
}
