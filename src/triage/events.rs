//! Log events in a paste, recognised by the same signatures as in live logs, as signs.

use super::paste::Paste;
use super::rules::is_denied;
use super::sign::{Sign, Signs};
use crate::logs::recognize::matched;
use crate::logs::{EventKind, LogEvent, Rejection, SignatureSet, record, stamp::Clock};
use crate::model::{Cause, Release};

/// The events of a paste, each with the index of its line.
pub fn find(paste: &Paste, signatures: &SignatureSet) -> Vec<(usize, LogEvent)> {
    let clock = Clock::default();
    let mut found = Vec::new();
    for logical in &paste.logical {
        let Some(line) = paste.lines.get(logical.first).filter(|line| !line.is_advice) else { continue };
        let mut candidates = signatures.candidates(logical.text.as_bytes()).peekable();
        if candidates.peek().is_none() {
            continue;
        }
        let record = record::read(&logical.text, &clock);
        let event = candidates.find_map(|signature| {
            let place = signature.pattern()?.find(&record.message)?.start();
            let denied = is_denied(&record.message, place);
            let event = matched(signature, &record, 0, u64::from(line.number))?;
            // A release that is known not to print a line can still be quoted; the words then count as they stand.
            (!denied).then_some(event)
        });
        if let Some(event) = event.filter(|event| !event.is_of_own_probe()) {
            found.push((logical.first, event));
        }
    }
    found
}

/// Adds what the events say.
pub fn signs(events: &[(usize, LogEvent)], signatures: &SignatureSet, release: Option<&Release>, into: &mut Signs) {
    for (line, event) in events {
        let weight = signatures.get(&event.signature).map_or(2, |signature| i32::from(signature.weight));
        let detail = &event.detail;
        if let Some(rejection) = detail.rejection {
            refusal(*line, event, rejection, release, into);
        } else if let Some(cause) = event.cause(release) {
            let state = detail.path.as_deref().is_none_or(is_state_path);
            let weight = if cause == Cause::StateOwnership && !state { 1 } else { weight };
            let id = format!("log-{}", event.signature);
            into.add(Sign::new(id, event.kind.words(), *line).mark(cause, weight));
        }
    }
}

/// Whether a path can be part of what the gateway keeps. Installed packages and sockets are not.
fn is_state_path(path: &str) -> bool {
    let foreign = ["/node_modules/", "docker.sock", "/usr/lib/", "/usr/local/lib/", "/usr/bin/", "/dev/"];
    !foreign.iter().any(|part| path.contains(part))
}

fn refusal(line: usize, event: &LogEvent, rejection: Rejection, release: Option<&Release>, into: &mut Signs) {
    let id = format!("refused-{rejection}");
    let sign = Sign::new(id, rejection.words(), line);
    let detail = &event.detail;
    let sign = match rejection {
        Rejection::RoleUpgrade if detail.roles_from.is_empty() && event.kind == EventKind::AccessUpgradeRequested => {
            sign.mark(Cause::PairingStoreDamaged, 4).mark(Cause::ScopeUpgrade, 5)
        }
        Rejection::RoleUpgrade => sign.mark(Cause::DeviceRepin, 7).mark(Cause::ScopeUpgrade, 4),
        Rejection::NotPaired => {
            let local = |text: &Option<String>| {
                text.as_deref()
                    .is_none_or(|text| text == "n/a" || text.starts_with("127.") || text.starts_with("localhost"))
            };
            // A browser or a forwarded client is a new device; the host's own direct connection should not be one.
            let direct = detail.forwarded_for.is_none() && detail.origin.is_none() && local(&detail.remote);
            if direct && detail.remote.is_some() {
                into.add(Sign::new("local-refused", "a direct local connection was refused as unpaired", line));
                sign.mark(Cause::NewDevice, 1)
            } else {
                sign.mark(Cause::NewDevice, 4)
            }
        }
        Rejection::DeviceTokenMismatch => return, // judged by release in the rules
        Rejection::StoreFailure => {
            // Silent closes are a sign only of what stands beside them.
            return;
        }
        Rejection::ClientGaveUp | Rejection::PairingRequired | Rejection::Abnormal | Rejection::Other => return,
        other => match other.cause(release, None) {
            Some(cause) => sign.mark(cause, strength(other)),
            None => return,
        },
    };
    into.add(sign);
}

/// How much a stated reason counts for its cause.
fn strength(rejection: Rejection) -> i32 {
    match rejection {
        Rejection::MetadataUpgrade
        | Rejection::BootstrapToken
        | Rejection::RateLimited
        | Rejection::ProxyAttribution
        | Rejection::SignatureExpired => 9,
        Rejection::OriginNotAllowed
        | Rejection::ScopeUpgrade
        | Rejection::ScopeMismatch
        | Rejection::SignatureInvalid => 8,
        Rejection::DeviceIdentityRequired => 3,
        Rejection::TokenNotConfigured | Rejection::PasswordNotConfigured => 6,
        _ => 7,
    }
}

/// Whether the host's own direct connection was refused, by log line or by what its command printed.
pub fn local_refused(paste: &Paste, events: &[(usize, LogEvent)]) -> bool {
    let by_log = events.iter().any(|(_, event)| {
        event.detail.rejection == Some(Rejection::NotPaired)
            && event.detail.forwarded_for.is_none()
            && event.detail.remote.as_deref().is_some_and(|remote| remote.starts_with("127.") || remote == "::1")
    });
    let text = &paste.flat(false).text;
    let by_command = text.contains("pairing required")
        && (text.contains("Source: local loopback") || text.contains("Gateway target: ws://127.0.0.1"));
    by_log || by_command
}
