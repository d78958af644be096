//! # Loopback is trusted as a proxy, so the host itself counts as remote
//!
//! ## What it finds
//! An entry of `gateway.trustedProxies` that covers 127.0.0.1 or ::1, in a release where that makes every direct
//! connection from the host itself remote.
//!
//! ## Why it locks you out
//! From 2026.2.19 to 2026.3.28 the client's address is taken from the forwarded headers when the peer is trusted. A
//! direct connection has none, so its address is unknown and it counts as remote. A CLI that is not paired yet is then
//! not approved by itself: `pairing required`, and nobody is left who could approve. The log's own advice ("Configure
//! gateway.trustedProxies …") leads into this.
//!
//! ## How to read the evidence
//! The entry, and whether the host's own device is paired already. A paired one goes on working; the trap closes with
//! the next new device or a lost store.
//!
//! ## How to be sure by hand
//! `openclaw devices list` on the host is refused, and the log has `cause: pairing-required` with no `fwd=`.
//!
//! ## What the fix does
//! Takes the loopback entries out. A proxy on this host is then untrusted again, so that its clients count as remote and
//! are approved by hand once. Where only IPv4 loopback is listed, `ws://[::1]:PORT` is a way in without any change.
//! Requests that failed tries left behind keep the approval away for five more minutes.
//!
//! ## Since and until
//! 2026.2.19 to 2026.3.28. Up to 2026.2.17 and from 2026.3.31 such entries do not matter to locality; from 2026.8.1 a
//! proxy on the same host needs them.

use super::trust::{Item, KEY, items};
use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::Rejection;
use crate::model::plan::{Applicability, ConfigEdit, JsonPath, Plan};
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};
use crate::snapshot::device::PairedRelation;
use crate::snapshot::store::FileState;

/// Loopback is trusted as a proxy, so the host itself counts as remote.
#[derive(Debug)]
pub struct Loopback;

const CLOSED: &str = "loopback-trusted";
const LATENT: &str = "loopback-trusted-latent";

impl Check for Loopback {
    fn id(&self) -> &'static str {
        "trusted-loopback"
    }

    fn area(&self) -> Area {
        Area::Proxies
    }

    fn source(&self) -> &'static str {
        "proxies/loopback"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(
                CLOSED,
                Cause::ProxyAttribution,
                "Loopback is trusted and the host's own CLI is not paired",
            ),
            CodeSpec::warning(LATENT, None, "Loopback is trusted: the next new device of the host is locked out"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let known = match context.within((2, 19), (3, 28)) {
            Some(false) => return Ok(Vec::new()),
            Some(true) => true,
            // Only two of the six eras have the trap.
            None => false,
        };
        let all = items(context);
        let covering: Vec<&Item<'_>> = all
            .iter()
            .filter(|item| item.works() && (item.entry.covers_v4_loopback() || item.entry.covers_v6_loopback()))
            .collect();
        let Some(first) = covering.first() else { return Ok(Vec::new()) };
        let host = Host::of(context);
        let refusal = local_refusal(context);
        let (code, severity, certainty) = match (host, &refusal, known) {
            (_, _, false) => (LATENT, Severity::Warning, Certainty::Possible),
            (Host::Paired, None, true) => (LATENT, Severity::Warning, Certainty::Certain),
            (Host::Paired, Some(_), true) => (CLOSED, Severity::Error, Certainty::Likely),
            (Host::New, _, true) => (CLOSED, Severity::Error, Certainty::Certain),
            (Host::Unclear, _, true) => (CLOSED, Severity::Warning, Certainty::Likely),
        };
        let v4 = covering.iter().any(|item| item.entry.covers_v4_loopback());
        let v6 = covering.iter().any(|item| item.entry.covers_v6_loopback());
        let mut finding = context
            .config_finding(self, code, KEY, first.node, message(context, host, v4, v6))
            .hint(hint(context, v4 && !v6));
        (finding.severity, finding.certainty) = (severity, certainty);
        finding.evidence = covering.iter().map(|item| context.value_evidence(&item.key(), item.node)).collect();
        finding.evidence.push(host.evidence(context));
        finding.evidence.extend(refusal);
        finding.evidence.extend(waiting_request(context));
        Ok(vec![finding])
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        if context.within((2, 19), (3, 28)) != Some(true) {
            return None;
        }
        let all = items(context);
        let only: Vec<&Item<'_>> = all.iter().filter(|item| item.entry.is_loopback_only()).collect();
        let wide =
            all.iter().any(|item| item.works() && item.entry.covers_v4_loopback() && !item.entry.is_loopback_only());
        if only.is_empty() || wide {
            let by_hand = "Replace the range that covers loopback by the proxies' own addresses".to_owned();
            return Some(Plan::manual(finding, "narrow the trusted range", vec![by_hand]));
        }
        let array = JsonPath::keys(["gateway", "trustedProxies"]);
        let edits = only
            .iter()
            .map(|item| ConfigEdit::RemoveElement {
                array: array.clone(),
                index: item.index,
                was: Some(item.text.into()),
            })
            .collect();
        let plan = context.edit_plan(
            finding,
            Applicability::Unsafe,
            format!("take the loopback entries out of {KEY}"),
            only.first()?.node,
            edits,
            "they make the host's own connections count as remote",
        )?;
        Some(
            plan.say_first("A proxy on this host is then untrusted: each device behind it is approved by hand once.")
                .then_by_hand(
                    "If the CLI is refused still, a request that it left keeps the approval away: wait five minutes, or \
                     fix the waiting request too.",
                ),
        )
    }
}

/// Whether the host's own device is known to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    Paired,
    New,
    Unclear,
}

impl Host {
    fn of(context: &Context<'_>) -> Self {
        let identity = &context.installation.devices.identity;
        match identity.records.first().map(|identity| identity.paired) {
            Some(PairedRelation::SameKey) => Host::Paired,
            Some(PairedRelation::NotPaired | PairedRelation::OtherKey) => Host::New,
            Some(PairedRelation::Unclear) => Host::Unclear,
            // The first call of the CLI makes an identity, which nobody knows.
            None if identity.state == FileState::Missing => Host::New,
            None => Host::Unclear,
        }
    }

    fn evidence(self, context: &Context<'_>) -> Evidence {
        let path = context.installation.path("devices/paired.json");
        let words = match self {
            Host::Paired => "the host's own device is paired",
            Host::New => "the host's own device is not among the paired ones",
            Host::Unclear => "whether the host's own device is paired could not be read",
        };
        Evidence::new(words).at(&path)
    }
}

fn message(context: &Context<'_>, host: Host, v4: bool, v6: bool) -> String {
    let which = match (v4, v6) {
        (true, true) => "127.0.0.1 and ::1",
        (true, false) => "127.0.0.1",
        _ => "::1",
    };
    let release = context.release_words();
    let effect = match host {
        Host::Paired => "the CLI, which is paired, still gets in, the next new device of this host does not",
        Host::New | Host::Unclear => "the CLI of this host is told `pairing required` and nobody can approve it",
    };
    format!("{KEY} trusts {which}: in {release} the host's own direct connections then count as remote, so {effect}")
}

fn hint(context: &Context<'_>, only_v4: bool) -> String {
    let port = context.config().port().unwrap_or(18_789);
    let way_in = if only_v4 { format!("; until then ws://[::1]:{port} is a way in") } else { String::new() };
    format!("Take the loopback entries out of {KEY}{way_in}")
}

/// A refusal of a direct connection from this host.
fn local_refusal(context: &Context<'_>) -> Option<Evidence> {
    let summary = evidence::logs(context).ok()?;
    let episode = summary.episodes.iter().find(|episode| {
        let detail = &episode.sample.detail;
        let direct = detail.forwarded_for.as_deref().is_none_or(|forwarded| matches!(forwarded, "" | "n/a"));
        matches!(episode.rejection, Some(Rejection::NotPaired | Rejection::PairingRequired))
            && evidence::is_current(context, episode)
            && direct
            && detail.host.as_deref().is_none_or(is_local_host_header)
    })?;
    Some(evidence::evidence(summary, episode, "a direct local connection was refused as not paired"))
}

fn is_local_host_header(host: &str) -> bool {
    let name = crate::checks::configuration::mode::host_of(host).unwrap_or(host);
    super::address::is_loopback_host(name) || matches!(host, "n/a" | "")
}

/// A request of the host's own device that came in as remote: it keeps the local approval away while it lives.
fn waiting_request(context: &Context<'_>) -> Option<Evidence> {
    let installation = context.installation;
    let own = installation.devices.identity.records.first()?.device_id.known()?;
    let mut pending = installation.devices.pending.records.iter();
    let waits = pending.any(|request| request.device_id.known() == Some(own) && request.silent.known() != Some(&true));
    waits.then(|| {
        Evidence::new("a waiting request of the host's own device, made while it counted as remote")
            .at(&installation.path("devices/pending.json"))
    })
}
