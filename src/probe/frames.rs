//! The only frame that a probe sends. It has no member for a device, so no device can be sent, with a secret or without.

use super::trust::TrustedChannel;
use crate::model::Secret;
use serde::Serialize;
use std::fmt;

/// The id of our request; the answer repeats it.
pub(super) const REQUEST_ID: &str = "openclaw-doctor-1";

/// The protocol range that every release accepts (pairing-by-release, 4.1).
const PROTOCOLS: (u32, u32) = (3, 4);

/// A protocol number that no release speaks. The gateway names its own in the refusal, before any authentication
/// (release-2026.2.19, F12).
const NO_SUCH_PROTOCOL: u32 = 1000;

/// How a shared secret is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretUse {
    /// As `auth.token`.
    Token,
    /// As `auth.password`.
    Password,
    /// As `auth.password` beside a meaningless token: up to 2026.2.1 a password alone is answered with
    /// `device identity required` before it is looked at (pairing-by-release, 4.2 c').
    PasswordBesideToken,
}

/// A secret that waits for a trusted channel.
#[derive(Debug, Clone)]
pub struct SealedSecret {
    secret: Secret,
    presented: SecretUse,
}

impl SealedSecret {
    /// Seals a secret.
    pub fn new(secret: Secret, presented: SecretUse) -> Self {
        Self { secret, presented }
    }
}

/// What a handshake is to find out.
#[derive(Debug, Clone)]
pub enum Ask {
    /// Whether this is an OpenClaw gateway: no secret, no device. Answered with `device identity required`.
    Hello,
    /// Which protocol it speaks.
    Protocol,
    /// Whether a secret is right: sent without a device, so that nothing is stored (pairing-by-release, 4.2 b and c).
    Secret(SealedSecret),
}

/// A frame for the wire. It may hold a secret and shows nothing of itself.
pub struct ConnectFrame(String);

impl ConnectFrame {
    /// The frame of an ask that holds no secret.
    pub(super) fn open(ask: &Ask) -> Option<Self> {
        match ask {
            Ask::Hello => Some(Self::build(PROTOCOLS, SCOPES_WITHOUT_SECRET, None)),
            Ask::Protocol => Some(Self::build((NO_SUCH_PROTOCOL, NO_SUCH_PROTOCOL), SCOPES_WITHOUT_SECRET, None)),
            Ask::Secret(_) => None,
        }
    }

    /// The frame of a secret, for a channel that was proven.
    pub(super) fn sealed(sealed: &SealedSecret, _proof: &TrustedChannel) -> Self {
        let value = sealed.secret.expose();
        let auth = match sealed.presented {
            SecretUse::Token => Auth { token: Some(value), password: None },
            SecretUse::Password => Auth { token: None, password: Some(value) },
            SecretUse::PasswordBesideToken => Auth { token: Some("-"), password: Some(value) },
        };
        Self::build(PROTOCOLS, SCOPES_WITH_SECRET, Some(auth))
    }

    fn build(
        (min_protocol, max_protocol): (u32, u32),
        scopes: &'static [&'static str],
        auth: Option<Auth<'_>>,
    ) -> Self {
        let request = Request {
            kind: "req",
            id: REQUEST_ID,
            method: "connect",
            params: Params {
                min_protocol,
                max_protocol,
                client: Client {
                    id: "cli",
                    display_name: "openclaw-doctor probe",
                    version: env!("CARGO_PKG_VERSION"),
                    platform: if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS },
                    mode: "cli",
                },
                role: "operator",
                scopes,
                caps: [],
                auth,
            },
        };
        // Plain strings and numbers always serialize; an empty frame would only be refused.
        Self(serde_json::to_string(&request).unwrap_or_default())
    }

    /// The text, for the socket.
    pub(super) fn into_wire(self) -> String {
        self.0
    }
}

impl fmt::Debug for ConnectFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectFrame(…)")
    }
}

const SCOPES_WITHOUT_SECRET: &[&str] = &["operator.read"];

/// From 2026.4.2 `hello-ok` tells its directories to admins only. Without a device the scopes end with the connection.
const SCOPES_WITH_SECRET: &[&str] = &["operator.admin"];

#[derive(Serialize)]
struct Request<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'static str,
    method: &'static str,
    params: Params<'a>,
}

/// `connect` parameters, without `device` on purpose. A mode other than `cli` would leave a presence entry, and the ids
/// of operator interfaces get other answers (pairing-by-release, 4.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    min_protocol: u32,
    max_protocol: u32,
    client: Client,
    role: &'static str,
    scopes: &'static [&'static str],
    caps: [&'static str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Auth<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    id: &'static str,
    display_name: &'static str,
    version: &'static str,
    platform: &'static str,
    mode: &'static str,
}

/// `deviceToken` is left out: before 2026.2.22 it is a schema error.
#[derive(Serialize)]
struct Auth<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}
