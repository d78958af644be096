//! Why a connection was refused: structured fields first, the close reason second, the close code last.

use crate::model::{Cause, Release};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! rejections {
    ($($variant:ident $id:literal $words:literal;)*) => {
        /// The reason of a refused connection, the same for every release and wording.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rejection {
            $(#[doc = $words] $variant,)*
        }

        impl Rejection {
            /// Every reason.
            pub const ALL: &'static [Rejection] = &[$(Rejection::$variant,)*];

            /// The id used in JSON and by `logs --reason`.
            pub fn id(self) -> &'static str {
                match self { $(Rejection::$variant => $id,)* }
            }

            /// Plain words.
            pub fn words(self) -> &'static str {
                match self { $(Rejection::$variant => $words,)* }
            }
        }
    };
}

rejections! {
    NotPaired "not-paired" "the device is not paired";
    RoleUpgrade "role-upgrade" "the device asks for a role that its record does not hold";
    ScopeUpgrade "scope-upgrade" "the device asks for more scopes than its record holds";
    MetadataUpgrade "metadata-upgrade" "the device's platform or family changed";
    PairingRequired "pairing-required" "pairing required, reason not stated";
    TokenMissing "token-missing" "no token was sent";
    TokenMismatch "token-mismatch" "another gateway token was sent";
    TokenNotConfigured "token-not-configured" "the gateway has no token configured";
    TokenRedacted "token-redacted" "the configured token is a redaction placeholder";
    PasswordMissing "password-missing" "no password was sent";
    PasswordMismatch "password-mismatch" "another password was sent";
    PasswordNotConfigured "password-not-configured" "the gateway has no password configured";
    DeviceTokenMismatch "device-token-mismatch" "the device token is not the gateway's";
    ScopeMismatch "scope-mismatch" "the device token covers fewer scopes than the client asks for";
    BootstrapToken "bootstrap-token" "the setup code was spent or has expired";
    RateLimited "rate-limited" "too many failed attempts from this address";
    TailscaleIdentity "tailscale-identity" "Tailscale did not vouch for the user";
    TrustedProxy "trusted-proxy" "the trusted-proxy login was not acceptable";
    ProxyAttribution "proxy-attribution" "a proxy does not say who the client is";
    Unauthorized "unauthorized" "credentials refused, reason not stated";
    DeviceIdentityRequired "device-identity-required" "the client sent no device identity";
    InsecureContext "insecure-context" "the page cannot make a device identity there";
    SignatureExpired "signature-expired" "the client's clock differs";
    SignatureInvalid "signature-invalid" "the device signature does not match";
    DeviceNonce "device-nonce" "the handshake nonce is missing or wrong";
    DeviceKey "device-key" "the device key does not belong to the device id";
    OriginNotAllowed "origin-not-allowed" "the browser's origin is not allowed";
    ProtocolMismatch "protocol-mismatch" "client and gateway speak different protocols";
    InvalidHandshake "invalid-handshake" "the client misuses the handshake";
    InvalidRole "invalid-role" "the client asks for an unknown role";
    BuildMismatch "build-mismatch" "the page was made by another build";
    AccessDenied "access-denied" "this user may not connect";
    HandshakeTimeout "handshake-timeout" "the handshake was not finished in time";
    StoreFailure "store-failure" "closed without a reason: the gateway failed while handling it";
    Abnormal "abnormal" "the connection broke off without a close frame";
    NotReady "not-ready" "the gateway was starting or restarting";
    AuthChanged "auth-changed" "the gateway's credentials changed under the client";
    ClientGaveUp "client-gave-up" "the client itself closed the connection";
    Other "other" "another reason";
}

/// What is known of a refused connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refusal<'a> {
    /// The structured `cause` (`pairing-required`, `unauthorized`, …).
    pub cause: Option<&'a str>,
    /// The structured `reason` (`not-paired`, `device-signature-stale`, …).
    pub reason: Option<&'a str>,
    /// The structured or worded authentication reason (`token_mismatch`, …).
    pub auth_reason: Option<&'a str>,
    /// The close code.
    pub close_code: Option<u16>,
    /// The close reason in words.
    pub close_reason: Option<&'a str>,
}

impl Rejection {
    /// Works out the reason. Fields beat words, words beat the close code.
    pub fn of(refusal: &Refusal<'_>) -> Option<Rejection> {
        refusal
            .auth_reason
            .and_then(of_auth_reason)
            .or_else(|| of_cause(refusal.cause?, refusal.reason, refusal.close_reason))
            .or_else(|| refusal.reason.and_then(of_pairing_reason))
            .or_else(|| refusal.close_reason.and_then(Rejection::of_words))
            .or_else(|| of_code(refusal.close_code?, refusal.close_reason))
    }

    /// The reason in a close reason, an error message or a machine code of any release.
    pub fn of_words(text: &str) -> Option<Rejection> {
        let lower = text.to_ascii_lowercase();
        WORDS.iter().find(|(words, _)| lower.contains(words)).map(|(_, rejection)| *rejection)
    }

    /// The cause that this reason points at in that release, if it points at one by itself.
    ///
    /// 2026.2.17 to 2026.2.21 report a wrong *shared* token that comes with a device as a device token mismatch
    /// (pairing-by-release 3.3); `shared_token_sent` says that the structured `authProvided` was `token`.
    pub fn cause(self, release: Option<&Release>, shared_token_sent: Option<bool>) -> Option<Cause> {
        Some(match self {
            Rejection::NotPaired => Cause::NewDevice,
            Rejection::RoleUpgrade | Rejection::ScopeUpgrade | Rejection::ScopeMismatch => Cause::ScopeUpgrade,
            Rejection::MetadataUpgrade => Cause::DeviceRepin,
            Rejection::TokenMissing | Rejection::PasswordMissing => Cause::TokenMissing,
            Rejection::TokenMismatch | Rejection::PasswordMismatch => Cause::GatewayTokenDrift,
            Rejection::DeviceTokenMismatch => {
                let shared_worded_as_device = release.is_some_and(|release| release.within((2, 14), (2, 21)));
                if shared_worded_as_device && shared_token_sent != Some(false) {
                    Cause::GatewayTokenDrift
                } else {
                    Cause::StaleDeviceToken
                }
            }
            Rejection::TokenNotConfigured | Rejection::PasswordNotConfigured | Rejection::TokenRedacted => {
                Cause::SecretUnresolved
            }
            Rejection::BootstrapToken => Cause::BootstrapToken,
            Rejection::RateLimited => Cause::AuthRateLimit,
            Rejection::TrustedProxy | Rejection::ProxyAttribution => Cause::ProxyAttribution,
            Rejection::InsecureContext => Cause::InsecureContext,
            Rejection::SignatureExpired | Rejection::SignatureInvalid => Cause::ClockOrSignature,
            Rejection::OriginNotAllowed => Cause::OriginNotAllowed,
            Rejection::ProtocolMismatch | Rejection::BuildMismatch => Cause::VersionSkew,
            Rejection::InvalidHandshake
            | Rejection::InvalidRole
            | Rejection::DeviceNonce
            | Rejection::DeviceIdentityRequired => Cause::ClientProtocol,
            Rejection::HandshakeTimeout => Cause::HandshakeTimeout,
            _ => return None,
        })
    }
}

/// Auth reasons of every release (host-by-release 5.3).
fn of_auth_reason(reason: &str) -> Option<Rejection> {
    Some(match reason {
        "token_missing" => Rejection::TokenMissing,
        "token_mismatch" => Rejection::TokenMismatch,
        "token_missing_config" => Rejection::TokenNotConfigured,
        "token_redacted_config" => Rejection::TokenRedacted,
        "password_missing" => Rejection::PasswordMissing,
        "password_mismatch" => Rejection::PasswordMismatch,
        "password_missing_config" => Rejection::PasswordNotConfigured,
        "device_token_mismatch" => Rejection::DeviceTokenMismatch,
        "scope_mismatch" => Rejection::ScopeMismatch,
        "bootstrap_token_invalid" => Rejection::BootstrapToken,
        "rate_limited" => Rejection::RateLimited,
        "proxy_attribution_required" => Rejection::ProxyAttribution,
        other if other.starts_with("tailscale_") => Rejection::TailscaleIdentity,
        other if other.starts_with("trusted_proxy_") => Rejection::TrustedProxy,
        _ => return None,
    })
}

fn of_pairing_reason(reason: &str) -> Option<Rejection> {
    Some(match reason {
        "not-paired" => Rejection::NotPaired,
        "role-upgrade" => Rejection::RoleUpgrade,
        "scope-upgrade" => Rejection::ScopeUpgrade,
        "metadata-upgrade" => Rejection::MetadataUpgrade,
        _ => return None,
    })
}

fn of_cause(cause: &str, reason: Option<&str>, words: Option<&str>) -> Option<Rejection> {
    let by_words = || words.and_then(Rejection::of_words);
    Some(match cause {
        "pairing-required" => {
            reason.and_then(of_pairing_reason).or_else(by_words).unwrap_or(Rejection::PairingRequired)
        }
        "unauthorized" => by_words().unwrap_or(Rejection::Unauthorized),
        "device-required" => Rejection::DeviceIdentityRequired,
        "device-auth-invalid" => match reason.unwrap_or_default() {
            "device-signature-stale" => Rejection::SignatureExpired,
            "device-signature" => Rejection::SignatureInvalid,
            nonce if nonce.contains("nonce") => Rejection::DeviceNonce,
            _ => by_words().unwrap_or(Rejection::DeviceKey),
        },
        "control-ui-insecure-auth" => Rejection::InsecureContext,
        "origin-mismatch" => Rejection::OriginNotAllowed,
        "protocol-mismatch" => Rejection::ProtocolMismatch,
        "invalid-handshake" => Rejection::InvalidHandshake,
        "invalid-role" => Rejection::InvalidRole,
        "handshake-timeout" => Rejection::HandshakeTimeout,
        "proxy-auth-required" => Rejection::ProxyAttribution,
        "gateway-auth-rotated" => Rejection::AuthChanged,
        "startup-sidecars-pending" => Rejection::NotReady,
        "control-ui-build-mismatch" => Rejection::BuildMismatch,
        "operator-access-denied" => Rejection::AccessDenied,
        _ => return None,
    })
}

/// Wordings and machine codes of every release, the specific ones first, in lower case (pairing-by-release 3.3).
const WORDS: &[(&str, Rejection)] = &[
    ("asking for a higher role", Rejection::RoleUpgrade),
    ("role upgrade pending", Rejection::RoleUpgrade),
    ("asking for more scopes", Rejection::ScopeUpgrade),
    ("scope upgrade pending", Rejection::ScopeUpgrade),
    ("device identity changed", Rejection::MetadataUpgrade),
    ("device metadata change", Rejection::MetadataUpgrade),
    ("device is not approved yet", Rejection::NotPaired),
    ("pairing required", Rejection::PairingRequired),
    ("pairing_required", Rejection::PairingRequired),
    ("auth_scope_mismatch", Rejection::ScopeMismatch),
    ("device token scope mismatch", Rejection::ScopeMismatch),
    ("device token mismatch", Rejection::DeviceTokenMismatch),
    ("device_token_mismatch", Rejection::DeviceTokenMismatch),
    ("too many failed authentication", Rejection::RateLimited),
    ("auth_rate_limited", Rejection::RateLimited),
    ("bootstrap token", Rejection::BootstrapToken),
    ("bootstrap_token_invalid", Rejection::BootstrapToken),
    ("token not configured", Rejection::TokenNotConfigured),
    ("auth_token_not_configured", Rejection::TokenNotConfigured),
    ("gateway token missing", Rejection::TokenMissing),
    ("auth_token_missing", Rejection::TokenMissing),
    ("gateway token mismatch", Rejection::TokenMismatch),
    ("auth_token_mismatch", Rejection::TokenMismatch),
    ("password missing", Rejection::PasswordMissing),
    ("auth_password_missing", Rejection::PasswordMissing),
    ("password mismatch", Rejection::PasswordMismatch),
    ("auth_password_mismatch", Rejection::PasswordMismatch),
    ("password not configured", Rejection::PasswordNotConfigured),
    ("gateway auth required", Rejection::Unauthorized),
    ("proxy_attribution_required", Rejection::ProxyAttribution),
    ("proxy client attribution", Rejection::ProxyAttribution),
    ("origin not allowed", Rejection::OriginNotAllowed),
    ("origin_not_allowed", Rejection::OriginNotAllowed),
    ("control ui requires", Rejection::InsecureContext),
    ("control_ui_device_identity", Rejection::InsecureContext),
    ("secure context", Rejection::InsecureContext),
    ("device signature expired", Rejection::SignatureExpired),
    ("signature_expired", Rejection::SignatureExpired),
    ("device-signature-stale", Rejection::SignatureExpired),
    ("device signature invalid", Rejection::SignatureInvalid),
    ("signature_invalid", Rejection::SignatureInvalid),
    ("device nonce", Rejection::DeviceNonce),
    ("device_auth_nonce", Rejection::DeviceNonce),
    ("device identity mismatch", Rejection::DeviceKey),
    ("device public key invalid", Rejection::DeviceKey),
    ("device identity required", Rejection::DeviceIdentityRequired),
    ("device_identity_required", Rejection::DeviceIdentityRequired),
    ("protocol mismatch", Rejection::ProtocolMismatch),
    ("protocol_mismatch", Rejection::ProtocolMismatch),
    ("invalid connect params", Rejection::InvalidHandshake),
    ("invalid handshake", Rejection::InvalidHandshake),
    ("first request must be connect", Rejection::InvalidHandshake),
    ("invalid request frame", Rejection::InvalidHandshake),
    ("invalid role", Rejection::InvalidRole),
    ("connect challenge timeout", Rejection::HandshakeTimeout),
    ("handshake timeout", Rejection::HandshakeTimeout),
    ("gateway starting", Rejection::NotReady),
    ("restart in progress", Rejection::NotReady),
    ("service restart", Rejection::NotReady),
    ("gateway auth changed", Rejection::AuthChanged),
    ("unauthorized", Rejection::Unauthorized),
];

fn of_code(code: u16, words: Option<&str>) -> Option<Rejection> {
    let silent = matches!(words.map(str::trim), None | Some("" | "n/a" | "no close reason"));
    Some(match code {
        1000 if silent => Rejection::StoreFailure,
        1002 => Rejection::ProtocolMismatch,
        1006 => Rejection::Abnormal,
        1012 | 1013 => Rejection::NotReady,
        1001 | 1005 | 4000 | 4008 => Rejection::ClientGaveUp,
        4001 => Rejection::AuthChanged,
        1008 if words.is_some_and(|words| words.contains("connect failed")) => Rejection::ClientGaveUp,
        _ => Rejection::Other,
    })
}

/// A text that names no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no reason of a refused connection")]
pub struct RejectionError(String);

impl FromStr for Rejection {
    type Err = RejectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Rejection::ALL
            .iter()
            .copied()
            .find(|rejection| rejection.id() == text)
            .ok_or_else(|| RejectionError(text.to_owned()))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
