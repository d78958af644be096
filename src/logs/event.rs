//! One event model for every release, format and source.

use super::kind::EventKind;
use super::rejection::{Refusal, Rejection};
use crate::model::{Cause, Release};
use serde::{Deserialize, Serialize};

/// Severity of a log record as its writer stated it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Trace.
    Trace,
    /// Debug.
    Debug,
    /// Info.
    Info,
    /// Warning.
    Warn,
    /// Error.
    Error,
    /// Fatal.
    Fatal,
}

impl Level {
    /// Reads the names that tslog, console output and journald priorities use.
    pub fn of(text: &str) -> Option<Level> {
        Some(match text.to_ascii_lowercase().as_str() {
            "trace" | "silly" => Level::Trace,
            "debug" | "7" => Level::Debug,
            "info" | "6" | "5" | "notice" | "log" => Level::Info,
            "warn" | "warning" | "4" => Level::Warn,
            "error" | "err" | "3" => Level::Error,
            "fatal" | "crit" | "2" | "1" | "0" => Level::Fatal,
            _ => return None,
        })
    }
}

/// One thing that a log says happened.
///
/// Texts come from a log that strangers can write to: they are escaped for terminals and secrets in them are masked
/// as far as their form gives them away, but they are never a reason to change anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvent {
    /// What happened.
    pub kind: EventKind,
    /// Index into the sources of the summary.
    pub source: u32,
    /// Line in that source, from 1 (after decompression).
    pub line: u64,
    /// When, in UTC. `None` where the line carries no usable time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<jiff::Timestamp>,
    /// The signature that recognised it.
    pub signature: String,
    /// The record's text: trimmed, cut at a length, control characters escaped.
    pub text: String,
    /// Everything else the record says.
    #[serde(flatten)]
    pub detail: Box<Detail>,
}

macro_rules! details {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// Fields of an event. Absent means that the record does not say it.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct Detail {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none", default)] pub $name: Option<$type>,)*
            /// Scopes that the record holds.
            #[serde(skip_serializing_if = "Vec::is_empty", default)]
            pub scopes_from: Vec<String>,
            /// Scopes that the client asks for.
            #[serde(skip_serializing_if = "Vec::is_empty", default)]
            pub scopes_to: Vec<String>,
            /// Roles that the record holds.
            #[serde(skip_serializing_if = "Vec::is_empty", default)]
            pub roles_from: Vec<String>,
            /// Roles that the client asks for.
            #[serde(skip_serializing_if = "Vec::is_empty", default)]
            pub roles_to: Vec<String>,
        }
    };
}

details! {
    /// Why the connection was refused, if one was.
    rejection: Rejection,
    /// The cause that the signature points at.
    points_at: Cause,
    /// The release that the line names.
    release: Release,
    /// Logger name, such as `gateway/ws`.
    subsystem: String,
    /// Severity as the writer stated it.
    level: Level,
    /// Connection id.
    conn: String,
    /// Peer address as the gateway resolved it.
    remote: String,
    /// `X-Forwarded-For` or its kin, raw.
    forwarded_for: String,
    /// Socket addresses of the connection (`A->B`, 2026.4.10 and later).
    peer: String,
    /// `Host` header.
    host: String,
    /// `Origin` header.
    origin: String,
    /// `User-Agent` header.
    user_agent: String,
    /// Client id, such as `cli` or `openclaw-control-ui`.
    client: String,
    /// Version that the client states.
    client_version: String,
    /// Client mode, such as `cli`, `webchat`, `node`.
    mode: String,
    /// Role that the client asks for.
    role: String,
    /// Device id.
    device_id: String,
    /// Id of the pairing request.
    request_id: String,
    /// Structured or worded reason.
    reason: String,
    /// Authentication reason, such as `token_mismatch`.
    auth_reason: String,
    /// Which credential was sent (`token`, `device-token`, `none`).
    auth_provided: String,
    /// The structured `cause`.
    cause_field: String,
    /// WebSocket close code.
    close_code: u16,
    /// Close reason in words.
    close_reason: String,
    /// Error name of the operating system, such as `EACCES`.
    errno: String,
    /// Path that the record names.
    path: String,
    /// Handshake state (`pending`, `connected`, `failed`).
    handshake: String,
    /// Handshake phase (2026.7.1 and later).
    phase: String,
    /// Time the handshake took, in milliseconds.
    duration_ms: u64,
    /// Process id that the record names.
    pid: u64,
    /// Port that the record names.
    port: u16,
    /// A count that the record states (restart counter, suppressed lines).
    count: u64,
    /// Exit status that the record states.
    exit_status: i32,
    /// Service unit or label.
    unit: String,
    /// Key path of the configuration that the record names.
    key: String,
}

impl LogEvent {
    /// The refusal that the event's fields describe.
    pub fn refusal(&self) -> Refusal<'_> {
        let detail = &self.detail;
        Refusal {
            cause: detail.cause_field.as_deref(),
            reason: detail.reason.as_deref(),
            auth_reason: detail.auth_reason.as_deref(),
            close_code: detail.close_code,
            close_reason: detail.close_reason.as_deref(),
        }
    }

    /// The cause that this event points at, judged by `release`. Fields beat the signature's general answer.
    pub fn cause(&self, release: Option<&Release>) -> Option<Cause> {
        let shared = self.detail.auth_provided.as_deref().map(|sent| sent == "token" || sent == "password");
        let by_reason = self.detail.rejection.and_then(|rejection| rejection.cause(release, shared));
        by_reason.or(self.detail.points_at)
    }

    /// Whether this is a trace of this program's own probe, which says nothing about the gateway's clients: its
    /// `User-Agent` in `closed before connect`, its display name in `unauthorized` and `protocol mismatch`.
    pub fn is_of_own_probe(&self) -> bool {
        let detail = &self.detail;
        [&detail.user_agent, &detail.client].into_iter().flatten().any(|name| name.starts_with(crate::model::PROGRAM))
    }

    /// Who was refused: the device where it is known, else the forwarded address, else the peer.
    pub fn subject(&self) -> Option<&str> {
        let detail = &self.detail;
        let usable = |text: &'_ &str| !text.is_empty() && *text != "n/a";
        detail
            .device_id
            .as_deref()
            .filter(usable)
            .or_else(|| detail.forwarded_for.as_deref().filter(usable))
            .or_else(|| detail.remote.as_deref().filter(usable))
    }
}
