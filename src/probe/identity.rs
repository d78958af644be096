//! Decides whether an OpenClaw gateway answers at an address. A bare 200 proves nothing: old releases answer any path with
//! their dashboard, and so do other programs with theirs.

use super::facts::{Connect, HandshakeSeen, HttpSeen, Identity, Page, Stage, Verdict};

/// Judges by everything that one address answered.
pub(super) fn judge(connect: &Connect, http: &[HttpSeen], handshake: Option<&HandshakeSeen>) -> Identity {
    if handshake.is_some_and(|seen| seen.challenge_ms.is_some()) {
        return yes("it opened a WebSocket and sent `connect.challenge`");
    }
    if let Some(evidence) = http.iter().find_map(marks) {
        return Identity::Yes { evidence };
    }
    match handshake.map(|seen| &seen.verdict) {
        None => Identity::Unknown { reason: not_connected(connect) },
        Some(Verdict::NotTheProtocol { what, waiting_for: Stage::Challenge }) => {
            Identity::No { evidence: format!("it opened a WebSocket, but sent {what}") }
        }
        Some(Verdict::NotTheProtocol { what, .. }) => Identity::Unknown { reason: what.clone() },
        Some(Verdict::Http(answer)) => judge_http(answer),
        Some(Verdict::TimedOut { waiting_for }) => {
            Identity::Unknown { reason: format!("out of time while waiting for {waiting_for}") }
        }
        Some(Verdict::Closed { waiting_for }) => {
            Identity::Unknown { reason: format!("it closed the connection instead of sending {waiting_for}") }
        }
        Some(Verdict::Refused(refusal)) => {
            yes(&format!("it closed the WebSocket with `{}`, which gateways say", refusal.message))
        }
        // Neither is reached without a challenge.
        Some(Verdict::HelloOk(_) | Verdict::Withheld { .. }) => yes("it went through the handshake"),
    }
}

fn yes(evidence: &str) -> Identity {
    Identity::Yes { evidence: evidence.to_owned() }
}

/// What only a gateway answers.
fn marks(answer: &HttpSeen) -> Option<String> {
    let path = &answer.path;
    match &answer.page {
        Page::Live | Page::Ready { .. } | Page::Startup { .. } => Some(format!("{path} answers in a gateway's form")),
        Page::ControlUi { product, .. } => Some(format!("{path} is the dashboard of {}", product.name())),
        Page::ProxyAttributionRequired => Some(format!("{path} answers `proxy_attribution_required`")),
        Page::Upgraded | Page::Foreign { .. } | Page::Unrecognised { .. } | Page::WantsTls | Page::None { .. } => None,
    }
}

/// The upgrade was answered by plain HTTP that is no gateway's own.
fn judge_http(answer: &HttpSeen) -> Identity {
    match (&answer.page, answer.status) {
        (Page::Foreign { what }, _) => Identity::No { evidence: format!("it answered with {what}") },
        (Page::WantsTls, _) => Identity::Unknown { reason: "it wants TLS; see the entry with wss://".to_owned() },
        (Page::None { what }, _) => Identity::Unknown { reason: what.clone() },
        // A proxy in front of a gateway answers for itself in these cases.
        (Page::Unrecognised { what }, Some(300..=399 | 401 | 403 | 407 | 408 | 429 | 500..=599)) => {
            Identity::Unknown { reason: format!("{what} to the WebSocket upgrade; a proxy may stand in front") }
        }
        (Page::Unrecognised { what }, _) => {
            Identity::No { evidence: format!("it answered the WebSocket upgrade with {what}") }
        }
        _ => Identity::Unknown { reason: "its answer to the WebSocket upgrade tells nothing".to_owned() },
    }
}

fn not_connected(connect: &Connect) -> String {
    match connect {
        Connect::Refused => "nothing listens there".to_owned(),
        Connect::Filtered { waited_ms } => format!("no connection within {waited_ms} ms"),
        Connect::Connected { .. } => "no handshake was made".to_owned(),
        Connect::Unavailable { reason }
        | Connect::Unresolved { reason }
        | Connect::NotTried { reason }
        | Connect::Failed { reason } => reason.clone(),
    }
}
