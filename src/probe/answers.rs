//! Reads what a gateway sends, release by release. The sender may be hostile: wrong types, other members and deep nesting
//! are borne, nothing grows beyond the frame itself, and every kept text is bounded.

use super::facts::{AuthMode, Hello, Refusal, RefusalKind};
use super::loose::{Loose, Members};
use super::text::bounded;
use crate::model::HostPath;

/// A text frame of the server, as far as a probe cares.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerFrame {
    /// `connect.challenge`, with the server's clock in epoch milliseconds where given.
    Challenge { ts: Option<i64> },
    /// The answer to the request of this id.
    Answer { id: String, answer: Answer },
    /// Another event, or an answer that is none of ours.
    Aside,
    /// No frame of this protocol.
    Alien { what: &'static str },
}

/// An answer to `connect`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// `hello-ok`.
    Hello(Box<Hello>),
    /// An error.
    Refused(Refusal),
}

/// Reads one text frame.
pub(super) fn read(text: &str) -> ServerFrame {
    let Ok(Members(Some(head))) = serde_json::from_str::<Members<Head>>(text) else {
        return ServerFrame::Alien { what: "a text that is no JSON object" };
    };
    match (head.kind.0.as_deref(), head.event.0.as_deref()) {
        (Some("event"), Some("connect.challenge")) => {
            let ts = serde_json::from_str::<ChallengeFrame>(text).ok().and_then(|frame| frame.payload.0?.ts.0);
            ServerFrame::Challenge { ts }
        }
        (Some("event"), Some(_)) => ServerFrame::Aside,
        (Some("res"), _) => read_answer(text, head),
        _ => ServerFrame::Alien { what: "JSON that is no frame of a gateway" },
    }
}

fn read_answer(text: &str, head: Head) -> ServerFrame {
    let answer = if head.ok.0 == Some(true) {
        serde_json::from_str::<HelloFrame>(text)
            .ok()
            .and_then(|frame| frame.payload.0)
            .filter(|payload| payload.kind.0.as_deref() == Some("hello-ok"))
            .map(|payload| Answer::Hello(Box::new(payload.into_hello())))
    } else {
        let error = serde_json::from_str::<ErrorFrame>(text).ok().and_then(|frame| frame.error.0);
        error.map(|error| Answer::Refused(error.into_refusal()))
    };
    match (answer, head.id.0) {
        (Some(answer), Some(id)) => ServerFrame::Answer { id, answer },
        _ => ServerFrame::Alien { what: "an answer of unknown form" },
    }
}

#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Head {
    #[serde(rename = "type")]
    kind: Loose<String>,
    event: Loose<String>,
    id: Loose<String>,
    ok: Loose<bool>,
}

#[derive(serde::Deserialize)]
struct ChallengeFrame {
    #[serde(default)]
    payload: Members<Challenge>,
}

#[derive(serde::Deserialize)]
struct Challenge {
    #[serde(default)]
    ts: Loose<i64>,
}

#[derive(serde::Deserialize)]
struct HelloFrame {
    #[serde(default)]
    payload: Members<HelloPayload>,
}

#[derive(serde::Deserialize)]
struct HelloPayload {
    #[serde(rename = "type", default)]
    kind: Loose<String>,
    #[serde(default)]
    protocol: Loose<i64>,
    #[serde(default)]
    server: Members<Server>,
    #[serde(default)]
    auth: Members<Granted>,
    #[serde(default)]
    snapshot: Members<Snapshot>,
}

#[derive(serde::Deserialize)]
struct Server {
    #[serde(default)]
    version: Loose<String>,
}

#[derive(serde::Deserialize)]
struct Granted {
    #[serde(default)]
    scopes: Loose<Vec<String>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    #[serde(default)]
    state_dir: Loose<String>,
    #[serde(default)]
    config_path: Loose<String>,
    #[serde(default)]
    auth_mode: Loose<String>,
}

impl HelloPayload {
    fn into_hello(self) -> Hello {
        let (mut state_dir, mut config_path, mut auth_mode) = (None, None, None);
        if let Some(snapshot) = self.snapshot.0 {
            state_dir =
                snapshot.state_dir.0.filter(|path| path.starts_with('/')).map(|path| HostPath::new(bounded(&path)));
            config_path =
                snapshot.config_path.0.filter(|path| path.starts_with('/')).map(|path| HostPath::new(bounded(&path)));
            auth_mode = snapshot.auth_mode.0.map(|word| AuthMode::from_word(&word));
        }
        Hello {
            protocol: self.protocol.0.and_then(|number| u32::try_from(number).ok()),
            version: self.server.0.and_then(|server| server.version.0).map(|version| bounded(&version)),
            auth_mode,
            scopes: self
                .auth
                .0
                .and_then(|auth| auth.scopes.0)
                .map(|scopes| scopes.iter().map(|s| bounded(s)).collect()),
            state_dir,
            config_path,
        }
    }
}

#[derive(serde::Deserialize)]
struct ErrorFrame {
    #[serde(default)]
    error: Members<ErrorBody>,
}

#[derive(serde::Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: Loose<String>,
    #[serde(default)]
    message: Loose<String>,
    #[serde(default)]
    details: Members<Details>,
}

#[derive(serde::Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    code: Loose<String>,
    reason: Loose<String>,
    auth_reason: Loose<String>,
    expected_protocol: Loose<i64>,
}

impl ErrorBody {
    fn into_refusal(self) -> Refusal {
        let details = self.details.0.unwrap_or_default();
        let (code, message) = (self.code.0.unwrap_or_default(), self.message.0.unwrap_or_default());
        let reason = details.auth_reason.0.or(details.reason.0);
        Refusal {
            kind: kind_of(&code, details.code.0.as_deref(), reason.as_deref(), &message),
            code: bounded(&code),
            message: bounded(&message),
            detail: details.code.0.map(|detail| bounded(&detail)),
            reason: reason.map(|reason| bounded(&reason)),
            expected_protocol: details.expected_protocol.0.and_then(|number| u32::try_from(number).ok()),
        }
    }
}

/// What an error means: by its detail code (from 2026.2.22), else by the words of older releases
/// (pairing-by-release, 3.3; release-2026.2.19, F12).
fn kind_of(code: &str, detail: Option<&str>, reason: Option<&str>, message: &str) -> RefusalKind {
    use RefusalKind as Kind;
    if let Some(kind) = detail.and_then(kind_of_detail) {
        return kind;
    }
    if reason.is_some_and(|reason| reason.starts_with("trusted_proxy")) {
        return Kind::ProxyIdentityRequired;
    }
    if code == "UNAVAILABLE" {
        return Kind::Starting;
    }
    WORDS.iter().find(|(words, _)| message.contains(words)).map_or(Kind::Other, |(_, kind)| *kind)
}

fn kind_of_detail(detail: &str) -> Option<RefusalKind> {
    use RefusalKind as Kind;
    Some(match detail {
        "DEVICE_IDENTITY_REQUIRED" | "CONTROL_UI_DEVICE_IDENTITY_REQUIRED" => Kind::DeviceRequired,
        "PAIRING_REQUIRED" => Kind::PairingRequired,
        "AUTH_TOKEN_MISMATCH" => Kind::TokenMismatch,
        "AUTH_TOKEN_MISSING" => Kind::TokenMissing,
        "AUTH_TOKEN_NOT_CONFIGURED" => Kind::TokenNotConfigured,
        "AUTH_PASSWORD_MISMATCH" => Kind::PasswordMismatch,
        "AUTH_PASSWORD_MISSING" => Kind::PasswordMissing,
        "AUTH_PASSWORD_NOT_CONFIGURED" => Kind::PasswordNotConfigured,
        "AUTH_DEVICE_TOKEN_MISMATCH" => Kind::DeviceTokenMismatch,
        "AUTH_RATE_LIMITED" => Kind::RateLimited,
        "AUTH_IDENTITY_HEADER_REQUIRED" | "AUTH_VERIFIED_USER_REQUIRED" => Kind::ProxyIdentityRequired,
        "PROTOCOL_MISMATCH" => Kind::ProtocolMismatch,
        // AUTH_UNAUTHORIZED also covers trusted-proxy failures; their reason is looked at next.
        "AUTH_REQUIRED" => Kind::Unauthorized,
        _ => return None,
    })
}

/// In the order of looking: the more telling words first.
const WORDS: &[(&str, RefusalKind)] = &[
    ("device identity required", RefusalKind::DeviceRequired),
    ("requires device identity", RefusalKind::DeviceRequired),
    ("pairing required", RefusalKind::PairingRequired),
    ("device token mismatch", RefusalKind::DeviceTokenMismatch),
    ("gateway token mismatch", RefusalKind::TokenMismatch),
    ("gateway token missing", RefusalKind::TokenMissing),
    ("token not configured", RefusalKind::TokenNotConfigured),
    ("gateway password mismatch", RefusalKind::PasswordMismatch),
    ("gateway password missing", RefusalKind::PasswordMissing),
    ("password not configured", RefusalKind::PasswordNotConfigured),
    ("too many failed authentication attempts", RefusalKind::RateLimited),
    ("protocol mismatch", RefusalKind::ProtocolMismatch),
    ("invalid connect params", RefusalKind::InvalidRequest),
    ("invalid handshake", RefusalKind::InvalidRequest),
    ("invalid request frame", RefusalKind::InvalidRequest),
    ("gateway starting", RefusalKind::Starting),
    ("restart in progress", RefusalKind::Starting),
    ("suspension in progress", RefusalKind::Starting),
    ("unauthorized", RefusalKind::Unauthorized),
    ("gateway auth required", RefusalKind::Unauthorized),
];

/// The meaning of a close reason alone, for servers that close without an answer frame.
pub(super) fn kind_of_close(code: u16, reason: &str) -> RefusalKind {
    if matches!(code, 1012 | 1013) {
        return RefusalKind::Starting;
    }
    kind_of("", None, None, reason)
}
