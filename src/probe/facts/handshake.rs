//! What a WebSocket handshake brought.

use super::{AuthMode, HttpSeen};
use crate::model::HostPath;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one WebSocket handshake brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandshakeSeen {
    /// Milliseconds from the open WebSocket to the challenge; absent when none came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub challenge_ms: Option<u64>,
    /// Milliseconds from our request to the answer; absent when none came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer_ms: Option<u64>,
    /// The gateway's clock minus ours when the challenge arrived, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub clock_skew_ms: Option<i64>,
    /// How it ended.
    pub verdict: Verdict,
    /// The close frame of the server, if one came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub close: Option<CloseSeen>,
}

/// A close frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseSeen {
    /// The code; 1005 when the frame had none.
    pub code: u16,
    /// The reason, which releases cut at 120 to 123 bytes.
    pub reason: String,
}

/// How a handshake ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The gateway let the connection in.
    HelloOk(Hello),
    /// The gateway answered with an error.
    Refused(Refusal),
    /// The upgrade was answered by plain HTTP.
    Http(HttpSeen),
    /// The connection was closed without an answer. Code 1000 with an empty reason after our request means that the
    /// gateway could not read its own store (pairing-by-release, 1.4), or that its own time limit ran out.
    Closed {
        /// What was being waited for.
        waiting_for: Stage,
    },
    /// Our own time limit ran out.
    TimedOut {
        /// What was being waited for.
        waiting_for: Stage,
    },
    /// What came is no OpenClaw handshake.
    NotTheProtocol {
        /// What was wrong with it.
        what: String,
        /// What was being waited for.
        waiting_for: Stage,
    },
    /// A secret was ready, but not sent.
    Withheld {
        /// Why.
        reason: String,
    },
}

/// A step of the handshake that was being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The answer to the upgrade.
    Upgrade,
    /// The challenge.
    Challenge,
    /// The answer to our request.
    Answer,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Upgrade => "the answer to the WebSocket upgrade",
            Stage::Challenge => "the challenge",
            Stage::Answer => "the answer to the connect request",
        })
    }
}

/// What `hello-ok` told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hello {
    /// The protocol number chosen by the gateway.
    pub protocol: Option<u32>,
    /// `server.version`.
    pub version: Option<String>,
    /// `snapshot.authMode` (late releases).
    pub auth_mode: Option<AuthMode>,
    /// Scopes granted; none when the answer has no `auth` (device-less up to 2026.4.15).
    pub scopes: Option<Vec<String>>,
    /// `snapshot.stateDir`.
    pub state_dir: Option<HostPath>,
    /// `snapshot.configPath`.
    pub config_path: Option<HostPath>,
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// What it means, read from the detail code where there is one and from the words in older releases.
    pub kind: RefusalKind,
    /// `error.code`.
    pub code: String,
    /// `error.message`.
    pub message: String,
    /// `error.details.code` (from 2026.2.22).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// `error.details.reason` or `authReason`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// `error.details.expectedProtocol`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected_protocol: Option<u32>,
}

/// What an error answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// A device is wanted: what a gateway says to a request without secret.
    DeviceRequired,
    /// The device waits for approval.
    PairingRequired,
    /// The shared token is wrong.
    TokenMismatch,
    /// A shared token is wanted.
    TokenMissing,
    /// The gateway has no token set.
    TokenNotConfigured,
    /// The shared password is wrong.
    PasswordMismatch,
    /// A shared password is wanted.
    PasswordMissing,
    /// The gateway has no password set.
    PasswordNotConfigured,
    /// The device token is wrong.
    DeviceTokenMismatch,
    /// Too many failed attempts; wait.
    RateLimited,
    /// The identity header of a trusted proxy is wanted.
    ProxyIdentityRequired,
    /// Refused for another reason of authentication.
    Unauthorized,
    /// The gateway is still starting or just restarting.
    Starting,
    /// No common protocol.
    ProtocolMismatch,
    /// The request was not understood: a newer release, or no gateway at all.
    InvalidRequest,
    /// A reason newer than this program.
    Other,
}
