//! # The log shows clients that are refused
//!
//! ## What it finds
//! Connections that the gateway refused and still refuses, grouped by device or address and by reason: first, last,
//! how often, and whether something ended it since.
//!
//! ## Why it locks you out
//! The reason field of the log is what the gateway decided. The words that a client shows hide it: `pairing required`
//! stands for four different reasons, and up to 2026.2.21 `device token mismatch` is mostly a wrong shared token.
//!
//! ## How to read the evidence
//! A refusal that repeats every few seconds is a client in a loop, not a person. A refusal proves what the gateway saw,
//! not who is right: a wrong token in one client is no fault of the gateway.
//!
//! ## How to be sure by hand
//! `grep 'closed before connect' /tmp/openclaw/openclaw-*.log | tail`, and look at `cause`, `reason` and `authReason`.
//!
//! ## What the fix does
//! Nothing: text from a log never authorises a change. The checks of the state itself offer one where they can.
//!
//! ## Since and until
//! All releases; `metadata-upgrade` from 2026.2.26, HTTP 403 for unattributable proxies from 2026.8.1.

use super::evidence;
use crate::checks::pairing::device_tokens::was_sent_instead;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::Rejection;
use crate::logs::episode::{Episode, EpisodeKind};
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};
use crate::snapshot::device::{CachedToken, PairedDevice, TokenAgreement};
use crate::snapshot::store::FileState;

/// See the module's documentation.
pub struct Refusals;

const fn warning(code: &'static str, cause: Cause, summary: &'static str) -> CodeSpec {
    CodeSpec::warning(code, Some(cause), summary)
}

static CODES: &[CodeSpec] = &[
    CodeSpec::info("refused-new-device", Some(Cause::NewDevice), "A device that is not paired is refused"),
    warning(
        "refused-upgrade",
        Cause::ScopeUpgrade,
        "A device is refused because it asks for more than its record holds",
    ),
    warning("refused-repin", Cause::DeviceRepin, "A device is refused because its platform or family changed"),
    warning("refused-no-token", Cause::TokenMissing, "A client sends no token"),
    warning("refused-gateway-token", Cause::GatewayTokenDrift, "A client sends another gateway token or password"),
    warning("refused-device-token", Cause::StaleDeviceToken, "A client sends a device token that is not the gateway's"),
    warning("refused-no-secret", Cause::SecretUnresolved, "The gateway has no usable token or password"),
    warning(
        "refused-not-local",
        Cause::NotLocal,
        "A client on this host comes in over an address that is not loopback",
    ),
    warning("refused-setup-code", Cause::BootstrapToken, "A spent or expired setup code is used"),
    warning("refused-rate-limit", Cause::AuthRateLimit, "An address is locked out after failed attempts"),
    warning("refused-proxy", Cause::ProxyAttribution, "Proxied connections are refused"),
    warning("refused-insecure-page", Cause::InsecureContext, "A page can't make a device identity over plain HTTP"),
    warning("refused-signature", Cause::ClockOrSignature, "A device signature is expired or does not match"),
    warning("refused-origin", Cause::OriginNotAllowed, "A browser's origin is not allowed"),
    warning("refused-version", Cause::VersionSkew, "A client speaks another protocol version"),
    warning("refused-handshake", Cause::ClientProtocol, "A client skips or misuses the handshake"),
    warning("refused-timeout", Cause::HandshakeTimeout, "Handshakes time out"),
];

impl Check for Refusals {
    fn id(&self) -> &'static str {
        "refused-connections"
    }

    fn area(&self) -> Area {
        Area::Logs
    }

    fn source(&self) -> &'static str {
        "logs/refusals"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs, Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let summary = evidence::logs(context)?;
        let release = context.installation.release();
        let mut findings: Vec<Finding> = Vec::new();
        for episode in &summary.episodes {
            if episode.kind != EpisodeKind::Refusals || !evidence::is_current(context, episode) {
                continue;
            }
            let seen = || came_from_outside(episode).or_else(|| sent_its_device_token(context, episode));
            let Some(cause) = seen().or_else(|| episode.sample.cause(release)) else { continue };
            let Some(spec) = CODES.iter().find(|spec| spec.cause == Some(cause)) else { continue };
            if is_settled(context, episode, cause) {
                continue;
            }
            let piece = evidence::evidence(summary, episode, &words(episode));
            // One finding a code: a proxy matrix of refusals is one story.
            if let Some(finding) = findings.iter_mut().find(|finding| finding.code == spec.code) {
                finding.evidence.push(piece);
                if evidence::is_loop(episode) {
                    strengthen(finding);
                }
                continue;
            }
            let message = format!("The gateway refuses {}: {}", who(episode), words(episode));
            let mut finding = context
                .finding(self, spec.code, &who(episode), message)
                .because(cause, Certainty::Possible)
                .evidence(piece);
            finding.evidence.extend(evidence::place(context, cause));
            finding.evidence.extend(stale_cache(context, cause));
            if let Some(hint) = hint(context, cause) {
                finding = finding.hint(hint);
            }
            if cause == Cause::NotLocal && !is_hosts_own(context, episode) {
                finding.severity = Severity::Info;
            }
            if evidence::is_loop(episode) {
                strengthen(&mut finding);
            }
            findings.push(finding);
        }
        Ok(findings)
    }
}

/// This host's own cached token, where it is not the one on record.
fn stale_cache(context: &Context<'_>, cause: Cause) -> Option<Evidence> {
    let cache = &context.installation.devices.cached;
    let path = cache.path.as_ref().filter(|_| cause == Cause::StaleDeviceToken)?;
    let differs = |token: &CachedToken| {
        matches!(token.agreement, TokenAgreement::Differs | TokenAgreement::Revoked | TokenAgreement::NoToken)
    };
    let stale = cache.records.iter().any(differs);
    stale.then(|| Evidence::new("the device token that this host keeps is not the one on its record").at(path))
}

/// A client that keeps trying is really locked out; a single refusal may be anybody's slip.
fn strengthen(finding: &mut Finding) {
    if finding.severity > Severity::Info {
        finding.certainty = Certainty::Likely;
    }
}

/// The device has been paired since, so the refusal is history.
fn is_settled(context: &Context<'_>, episode: &Episode, cause: Cause) -> bool {
    let Some(device) = episode.sample.detail.device_id.as_deref() else { return false };
    let holds = |record: &PairedDevice| record.device_id.known().is_some_and(|id| id.0 == device);
    let approved_after = |record: &PairedDevice| {
        let approved = record.approved_at_ms.known().copied().unwrap_or_default();
        episode.last.is_some_and(|last| approved > last.as_millisecond())
    };
    let mut paired = context.installation.paired_devices();
    match cause {
        Cause::NewDevice => paired.any(holds),
        // Without a record there is nothing left to upgrade: the device will be new. Only a store that was read says so.
        Cause::ScopeUpgrade | Cause::DeviceRepin
            if store_was_read(context) && !context.installation.paired_devices().any(holds) =>
        {
            true
        }
        Cause::ScopeUpgrade | Cause::DeviceRepin | Cause::StaleDeviceToken => {
            paired.any(|record| holds(record) && approved_after(record))
        }
        _ => false,
    }
}

/// Whether it is this host's own device, or a CLI that says nothing of a device.
fn is_hosts_own(context: &Context<'_>, episode: &Episode) -> bool {
    let detail = &episode.sample.detail;
    let installation = context.installation;
    let of_database = installation.live_content().and_then(|content| content.primary_identity().known().copied());
    let mut own = installation
        .devices
        .identity
        .records
        .iter()
        .chain(of_database)
        .filter_map(|identity| identity.device_id.known());
    match detail.device_id.as_deref() {
        Some(device) => own.any(|id| id.0 == device),
        None => detail.client.as_deref() == Some("cli"),
    }
}

/// A client that dialled a loopback name and arrives from another address without a proxy's headers: it is on this host or
/// in a container of it, and its locality was lost on the way.
fn came_from_outside(episode: &Episode) -> Option<Cause> {
    let detail = &episode.sample.detail;
    let unpaired = matches!(episode.rejection, Some(Rejection::NotPaired | Rejection::PairingRequired));
    let forwarded = detail.forwarded_for.as_deref().is_some_and(|address| !address.is_empty() && address != "n/a");
    let remote = detail.remote.as_deref()?.parse::<std::net::IpAddr>().ok()?.to_canonical();
    let host = detail.host.as_deref()?;
    let dialled = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local_name = crate::checks::proxies::address::is_loopback_host(dialled.trim_matches(['[', ']']));
    (unpaired && !forwarded && local_name && !remote.is_loopback()).then_some(Cause::NotLocal)
}

/// Up to 2026.2.12 this host's CLI sends its device token in place of the gateway's, and the gateway words the refusal as
/// one of the gateway's token.
fn sent_its_device_token(context: &Context<'_>, episode: &Episode) -> Option<Cause> {
    let detail = &episode.sample.detail;
    let remote = detail.remote.as_deref()?.parse::<std::net::IpAddr>().ok()?.to_canonical();
    let own_cli = episode.rejection == Some(Rejection::TokenMismatch)
        && detail.client.as_deref() == Some("cli")
        && remote.is_loopback();
    (own_cli && was_sent_instead(context)).then_some(Cause::StaleDeviceToken)
}

fn store_was_read(context: &Context<'_>) -> bool {
    let installation = context.installation;
    installation.live_content().is_some_and(|content| content.paired.known().is_some())
        || matches!(installation.devices.paired.state, FileState::Sound | FileState::Missing)
}

fn words(episode: &Episode) -> String {
    episode.rejection.map_or("connection refused", Rejection::words).to_owned()
}

fn who(episode: &Episode) -> String {
    let detail = &episode.sample.detail;
    let client = detail.client.as_deref().map(|client| format!(" ({client})")).unwrap_or_default();
    match (&detail.device_id, &detail.forwarded_for, &detail.remote) {
        (Some(device), _, _) => format!("device {}{client}", device.chars().take(12).collect::<String>()),
        (None, Some(address), _) if address != "n/a" => format!("a client at {address}{client}"),
        (None, _, Some(address)) => format!("a client at {address}{client}"),
        _ => format!("a client{client}"),
    }
}

fn hint(context: &Context<'_>, cause: Cause) -> Option<String> {
    let text = match cause {
        Cause::NewDevice => format!(
            "Look at the request with `{}` and approve exactly that one, only if it is yours",
            context.openclaw("devices list")
        ),
        Cause::ScopeUpgrade | Cause::DeviceRepin => {
            format!("Look at the request with `{}` before you approve it", context.openclaw("devices list"))
        }
        Cause::GatewayTokenDrift => {
            "Compare the token that this client holds with gateway.auth.token; do not rotate the device token"
                .to_owned()
        }
        Cause::ProxyAttribution => crate::checks::proxies::untrusted::advice(context, None),
        Cause::NotLocal => {
            "Let that client connect to 127.0.0.1 in the gateway's own network, or approve it once as a remote device"
                .to_owned()
        }
        Cause::TokenMissing => "Give the client the gateway's token (gateway.auth.token)".to_owned(),
        Cause::AuthRateLimit => {
            "Stop the client that keeps trying, and wait until the lock ends (5 minutes by default)".to_owned()
        }
        Cause::HandshakeTimeout => "Try again when the gateway is less busy; pairing is not at fault".to_owned(),
        Cause::ClockOrSignature => "Compare the clocks of the client and this host".to_owned(),
        Cause::StaleDeviceToken => {
            "Connect that client once with the gateway's shared token; it is then given a new device token".to_owned()
        }
        _ => return None,
    };
    Some(text)
}
