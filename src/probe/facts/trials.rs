//! What became of secrets and of an added forwarding header.

use super::{AuthMode, Locality};
use crate::model::{Fact, SecretLabel};
use serde::{Deserialize, Serialize};

/// What became of one secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenTrial {
    /// Which value it is.
    pub label: SecretLabel,
    /// Who holds it, e.g. `gateway.auth.token in /home/claw/.openclaw/openclaw.json`.
    pub holders: Vec<String>,
    /// The endpoint that it was meant for.
    pub url: String,
    /// What the gateway said.
    pub verdict: TrialVerdict,
}

/// What the gateway said to a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialVerdict {
    /// It is the right one.
    Accepted,
    /// It is not.
    Mismatch,
    /// The gateway wants another kind of secret.
    OtherMode {
        /// What it wants.
        wants: AuthMode,
    },
    /// The gateway's limiter is closed: nothing was learnt.
    RateLimited,
    /// It was not sent.
    Skipped {
        /// Why, e.g. `listener not proven: …`.
        reason: String,
    },
    /// It was sent, but the answer says nothing about it.
    Unclear {
        /// What was answered.
        reason: String,
    },
}

/// What an added forwarding header does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyHeaderTest {
    /// The endpoint.
    pub url: String,
    /// The header that was added.
    pub header: String,
    /// What it did.
    pub outcome: ProxyOutcome,
    /// Whether the same header makes an HTTP request count as remote (from 2026.3.7, by `/readyz`).
    pub counts_as_local: Fact<Locality>,
}

/// What an added forwarding header did to a WebSocket upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyOutcome {
    /// HTTP 403 `proxy_attribution_required`: the peer is no trusted proxy (from 2026.8.1).
    RefusedUnattributed,
    /// The handshake went on as without the header.
    Passed,
    /// Something else.
    Other {
        /// What.
        what: String,
    },
}
