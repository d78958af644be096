//! What a probe learnt: plain values for the snapshot. They hold no secret; texts of the server are bounded, but not
//! sanitised: that is the renderers' work.

mod handshake;
mod pages;
mod trials;

pub use handshake::{CloseSeen, HandshakeSeen, Hello, Refusal, RefusalKind, Stage, Verdict};
pub use pages::{HttpSeen, Page};
pub use trials::{ProxyHeaderTest, ProxyOutcome, TokenTrial, TrialVerdict};

use crate::model::{Fact, HostPath, Maskable, Release};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// Everything that one run of the probe learnt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeFacts {
    /// One entry for each address that was tried, in the order of trying.
    pub endpoints: Vec<EndpointProbe>,
    /// One entry for each distinct secret.
    pub tokens: Vec<TokenTrial>,
    /// What an added forwarding header does; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proxy_headers: Option<ProxyHeaderTest>,
    /// What the reader should know about the probe itself, e.g. which lines it leaves in the gateway's log.
    pub notes: Vec<String>,
}

/// What one address answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointProbe {
    /// The address as asked for, e.g. `ws://127.0.0.1:18789`.
    pub url: String,
    /// The socket address that was dialled; absent where the name has none.
    pub address: Option<Maskable<SocketAddr>>,
    /// What became of the TCP connection.
    pub connect: Connect,
    /// TLS; absent on a plain connection.
    pub tls: Fact<TlsSeen>,
    /// Answers to plain HTTP requests, by path.
    pub http: Vec<HttpSeen>,
    /// The WebSocket handshake without any secret.
    pub handshake: Fact<HandshakeSeen>,
    /// Whether an OpenClaw gateway answers here, and what says so.
    pub is_openclaw: Identity,
    /// The release as the gateway words it, which may be `dev`; see [`EndpointProbe::release`].
    pub server_version: Fact<String>,
    /// The protocol number in use: 3 up to 2026.5.7, 4 from 2026.5.12.
    pub protocol: Fact<u32>,
    /// How the gateway authenticates.
    pub auth_mode: Fact<AuthMode>,
    /// Whether the gateway counts this connection as local.
    pub counts_as_local: Fact<Locality>,
    /// The state directory of the running gateway. Told to every accepted client up to 2026.4.1, later to admins only.
    pub state_dir: Fact<HostPath>,
    /// The configuration file of the running gateway; told as the state directory is.
    pub config_path: Fact<HostPath>,
    /// The gateway's clock minus ours, in milliseconds, from the challenge. Exact to the time the challenge took.
    pub clock_skew_ms: Fact<i64>,
}

impl EndpointProbe {
    /// `IPv4`, `IPv6`, or nothing where there was no address.
    pub fn family(&self) -> Option<&'static str> {
        let address = self.address.as_ref()?.plain()?;
        Some(if address.is_ipv4() { "IPv4" } else { "IPv6" })
    }

    /// The release, where the gateway told one. Real 2026.2.19 gateways only say `dev`.
    pub fn release(&self) -> Option<Release> {
        self.server_version.known()?.parse().ok()
    }
}

/// What became of a TCP connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connect {
    /// Nothing listens there.
    Refused,
    /// No answer within the limit, as behind a firewall that drops packets.
    Filtered {
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
    /// Connected.
    Connected {
        /// How long it took, in milliseconds.
        ms: u64,
    },
    /// This host has no such address or route, e.g. IPv6 is switched off.
    Unavailable {
        /// What the system said.
        reason: String,
    },
    /// The name could not be resolved.
    Unresolved {
        /// What the resolver said.
        reason: String,
    },
    /// It was not tried, and why.
    NotTried {
        /// Why.
        reason: String,
    },
    /// Any other failure.
    Failed {
        /// What the system said.
        reason: String,
    },
}

/// The TLS side of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsSeen {
    /// SHA-256 of the certificate that was shown, in lower-case hex.
    pub fingerprint: String,
    /// Whether a secret may travel on it.
    pub trust: CertificateTrust,
}

/// How far a certificate is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateTrust {
    /// It is the one whose fingerprint was pinned.
    Pinned,
    /// Another fingerprint was pinned.
    PinMismatch,
    /// The system's roots vouch for it and for the name.
    Verified,
    /// Neither pinned nor vouched for.
    Untrusted {
        /// What the verifier said.
        reason: String,
    },
}

/// Whether an OpenClaw gateway answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// It does.
    Yes {
        /// What says so.
        evidence: String,
    },
    /// Something else does.
    No {
        /// What says so.
        evidence: String,
    },
    /// It can't be told.
    Unknown {
        /// Why not.
        reason: String,
    },
}

impl Identity {
    /// True only where it is proven.
    pub fn is_yes(&self) -> bool {
        matches!(self, Identity::Yes { .. })
    }
}

/// Whether a gateway counts a connection as local, and how it was learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locality {
    /// It does.
    pub local: bool,
    /// What says so.
    pub evidence: String,
}

/// How a gateway authenticates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    /// Not at all.
    None,
    /// By the shared token.
    Token,
    /// By the shared password.
    Password,
    /// By headers of a trusted proxy.
    TrustedProxy,
    /// By something newer than this program.
    Other(String),
}

impl AuthMode {
    /// Reads the word that the gateway uses.
    pub fn from_word(word: &str) -> Self {
        match word {
            "none" => AuthMode::None,
            "token" => AuthMode::Token,
            "password" => AuthMode::Password,
            "trusted-proxy" => AuthMode::TrustedProxy,
            other => AuthMode::Other(super::text::bounded(other)),
        }
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthMode::None => "none",
            AuthMode::Token => "token",
            AuthMode::Password => "password",
            AuthMode::TrustedProxy => "trusted-proxy",
            AuthMode::Other(word) => word,
        })
    }
}
