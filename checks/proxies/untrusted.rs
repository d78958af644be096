//! # A proxy in front of the gateway is not trusted
//!
//! ## What it finds
//! Signs in the log that connections come through a proxy which `gateway.trustedProxies` does not cover, together with
//! refusals that this explains.
//!
//! ## Why it locks you out
//! Up to 2026.7.35 forwarded headers make a connection count as remote, so a new device behind the proxy is not approved
//! by itself. Up to 2026.3.28 trusting the proxy gives the client its own address back; from 2026.3.31 it changes nothing
//! about locality, and each new device is approved by hand once. From 2026.8.1 an untrusted proxy is refused with HTTP 403
//! before the connection opens.
//!
//! ## How to read the evidence
//! `Proxy headers detected from untrusted address` alone is no fault: paired devices get in all the same, and the line
//! comes with every connection. With a refusal of a device that is not paired it tells why. From 2026.8.1 the line comes
//! once in the life of a gateway, so that its absence proves nothing.
//!
//! ## How to be sure by hand
//! From 2026.8.1: `curl -i -H 'X-Forwarded-For: 203.0.113.9' http://127.0.0.1:PORT/api/health` answers 403
//! `proxy_attribution_required`. Before, the log's `fwd=` shows the header.
//!
//! ## What the fix does
//! Nothing by itself: whom to trust is yours to say. The address to list is the one that the log shows as `remote=`; the
//! proxy must overwrite the header, not append to it.
//!
//! ## Since and until
//! All releases; the rules change with 2026.3.31 and 2026.8.1.

use super::trust::{KEY, is_set, node, trusts};
use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::episode::Episode;
use crate::logs::summary::LogSummary;
use crate::logs::{EventKind, LogEvent, Rejection};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown, address};
use std::net::IpAddr;

/// A proxy in front of the gateway is not trusted.
#[derive(Debug)]
pub struct Untrusted;

const REMOTE: &str = "proxy-not-trusted";
const FORBIDDEN: &str = "proxy-forbidden";
const WAITING: &str = "proxy-client-waiting";

impl Check for Untrusted {
    fn id(&self) -> &'static str {
        "proxy-untrusted"
    }

    fn area(&self) -> Area {
        Area::Proxies
    }

    fn source(&self) -> &'static str {
        "proxies/untrusted"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const PROXY: Option<Cause> = Some(Cause::ProxyAttribution);
        const CODES: &[CodeSpec] = &[
            CodeSpec::warning(REMOTE, PROXY, "Clients behind an untrusted proxy count as remote and are refused"),
            CodeSpec::warning(FORBIDDEN, PROXY, "A proxy is refused with HTTP 403 although a list is there"),
            CodeSpec::warning(WAITING, PROXY, "A new device behind a trusted proxy waits for its approval"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs, Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let summary = evidence::logs(context);
        let mut findings = Vec::new();
        if let Ok(summary) = &summary {
            findings.extend(self.forbidden(context, summary));
            findings.extend(self.remote(context, summary));
        }
        if findings.is_empty() {
            findings.extend(self.waiting(context));
        }
        match (findings.is_empty(), summary) {
            (true, Err(why)) => Err(why),
            _ => Ok(findings),
        }
    }

    fn plan(&self, _: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = finding.fix_hint.clone()?;
        Some(Plan::manual(finding, "decide whom to trust", vec![by_hand]))
    }
}

impl Untrusted {
    /// From 2026.8.1: HTTP 403. The one line that a gateway writes in its life is a sign of its own
    /// (`refused-connections`); here it is held against a list, which says that somebody wants a proxy.
    fn forbidden(&self, context: &Context<'_>, summary: &LogSummary) -> Option<Finding> {
        is_set(context).then_some(())?;
        let shown = |episode: &&Episode| {
            (episode.event == EventKind::UnattributableProxy || episode.rejection == Some(Rejection::ProxyAttribution))
                && evidence::is_current(context, episode)
        };
        let episode = summary.episodes.iter().find(shown)?;
        let peer = peer(&episode.sample);
        // The list was mended after the line was written: it says nothing of now.
        if peer.is_some_and(|peer| trusts(context, peer)) && changed_since(context, &episode.sample) {
            return None;
        }
        let from = peer.map(|peer| format!(" from {}", address::shown(peer))).unwrap_or_default();
        let message =
            format!("The gateway refuses proxied connections{from} with HTTP 403: it can't tell who the client is");
        let mut finding = self.with_config(context, FORBIDDEN, message);
        finding.evidence.push(evidence::evidence(summary, episode, "proxied traffic without a usable client address"));
        finding.certainty = Certainty::Likely;
        if trusted_peer(context, peer) {
            finding = finding.hint(
                "The proxy is trusted, so it sends no client address, or a loopback one: make it overwrite \
                 X-Forwarded-For with the client's address",
            );
        } else {
            finding = finding.hint(advice(context, peer));
        }
        Some(finding)
    }

    /// Up to 2026.7.35: remote, and so not approved by itself.
    fn remote(&self, context: &Context<'_>, summary: &LogSummary) -> Option<Finding> {
        if context.since(8, 1) == Some(true) {
            return None;
        }
        let remark = summary.episodes.iter().find(|episode| episode.event == EventKind::ProxyHeadersUntrusted)?;
        let refusal = summary.episodes.iter().find(|episode| {
            matches!(episode.rejection, Some(Rejection::NotPaired | Rejection::PairingRequired))
                && evidence::is_current(context, episode)
                && forwarded(&episode.sample).is_some()
                && !is_paired(context, &episode.sample)
        })?;
        let peer = peer(&refusal.sample);
        if peer.is_some_and(|peer| trusts(context, peer)) && changed_since(context, &refusal.sample) {
            return None;
        }
        let through = peer.map(|peer| format!(" (the proxy at {})", address::shown(peer))).unwrap_or_default();
        let message = format!(
            "A device behind a proxy{through} counts as remote and is not approved by itself: the proxy is not trusted"
        );
        let mut finding = self.with_config(context, REMOTE, message);
        finding.evidence.push(evidence::evidence(summary, refusal, "a device that is not paired was refused"));
        finding.evidence.push(evidence::evidence(
            summary,
            remark,
            "forwarded headers from an address that is not trusted",
        ));
        // A store that lost its devices looks the same from here.
        finding.certainty = Certainty::Possible;
        Some(finding.hint(advice(context, peer)))
    }

    /// A request with a client's own address, which only a trusted proxy can have handed on.
    fn waiting(&self, context: &Context<'_>) -> Option<Finding> {
        let loopback_bind = matches!(context.text(&["gateway", "bind"]), None | Some("loopback"));
        if !is_set(context) || !loopback_bind {
            return None;
        }
        let installation = context.installation;
        let request = installation.pending_requests().find(|request| {
            let remote = request.remote_ip.known().and_then(|text| address::parse(text));
            remote.is_some_and(|remote| !remote.is_loopback())
                && !installation.paired_devices().any(|paired| paired.device_id == request.device_id)
        })?;
        let address = request.remote_ip.known()?;
        let message = format!(
            "A new device at {address} came through the trusted proxy: trusting a proxy makes nobody local, so it waits \
             for its approval"
        );
        let mut finding = self.with_config(context, WAITING, message);
        finding.severity = Severity::Warning;
        finding.certainty = Certainty::Possible;
        Some(finding.hint(format!(
            "Look at the request with `{}`, and approve exactly that one, only if it is yours",
            context.openclaw("devices list")
        )))
    }

    /// A finding about the list, or about its absence.
    fn with_config(&self, context: &Context<'_>, code: &str, message: String) -> Finding {
        match node(context) {
            Some(node) => context.config_finding(self, code, KEY, node, message),
            None => {
                let path = &context.config().path;
                let finding = context.file_finding(self, code, message);
                finding.evidence(Evidence::new(format!("{KEY} is not set")).at(path))
            }
        }
    }
}

/// What to do about a proxy that connects from an address.
pub fn advice(context: &Context<'_>, peer: Option<IpAddr>) -> String {
    let address = peer.map_or_else(|| "the proxy's address".to_owned(), address::shown);
    let approve = context.openclaw("devices list");
    let trap = peer.is_some_and(|peer| peer.is_loopback());
    match context.release() {
        Some(release) if release.within((2, 19), (3, 28)) && trap => format!(
            "Approve the device with `{approve}`; do not list {address} in {KEY}: in this release that makes the host's \
             own connections remote"
        ),
        Some(release) if release.at_least(8, 1) => format!(
            "List {address} in {KEY}, make the proxy overwrite X-Forwarded-For, then approve each new device with \
             `{approve}`"
        ),
        Some(release) if release.at_least(3, 31) => {
            format!("Approve the device with `{approve}`; trusting the proxy would not make it local in this release")
        }
        _ => format!("List {address} in {KEY} if you want client addresses, and approve the device with `{approve}`"),
    }
}

fn trusted_peer(context: &Context<'_>, peer: Option<IpAddr>) -> bool {
    peer.is_some_and(|peer| trusts(context, peer))
}

/// The forwarded address of an event, if it carries one.
fn forwarded(event: &LogEvent) -> Option<&str> {
    event.detail.forwarded_for.as_deref().filter(|text| !matches!(*text, "" | "n/a"))
}

/// The address of the proxy itself.
fn peer(event: &LogEvent) -> Option<IpAddr> {
    event.detail.remote.as_deref().and_then(address::parse).map(|address| address.to_canonical())
}

fn is_paired(context: &Context<'_>, event: &LogEvent) -> bool {
    let Some(device) = event.detail.device_id.as_deref() else { return false };
    context.installation.paired_devices().any(|paired| paired.device_id.known().is_some_and(|id| id.0 == device))
}

/// Whether the configuration was written after an event.
fn changed_since(context: &Context<'_>, event: &LogEvent) -> bool {
    let written = context.config().meta.known().map(|meta| meta.mtime_ns);
    match (written, event.time) {
        (Some(written), Some(time)) => written > time.as_nanosecond(),
        _ => false,
    }
}
