//! The closed set of reasons why somebody is locked out. The ids are part of the contract and are for ever.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! causes {
    ($($variant:ident $id:literal $title:literal;)*) => {
        /// Why the user is locked out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Cause {
            $(#[doc = $title] $variant,)*
        }

        impl Cause {
            /// Every cause, in the order of the contract.
            pub const ALL: &'static [Cause] = &[$(Cause::$variant,)*];

            /// The id of the contract.
            pub fn id(self) -> &'static str {
                match self { $(Cause::$variant => $id,)* }
            }

            /// One line for a heading.
            pub fn title(self) -> &'static str {
                match self { $(Cause::$variant => $title,)* }
            }
        }
    };
}

causes! {
    StateOwnership "state-ownership" "Another account owns or closes part of the gateway's state";
    PairingStoreDamaged "pairing-store-damaged" "The device store is damaged or was edited by hand";
    PairingStoreLost "pairing-store-lost" "The device store is sound but has lost devices";
    DuplicateGateway "duplicate-gateway" "Two gateways fight over one port or state directory";
    PortConflict "port-conflict" "A program that is no gateway holds the gateway's port";
    ProxyAttribution "proxy-attribution" "Proxy headers or trusted-proxy settings make clients count as remote";
    GatewayTokenDrift "gateway-token-drift" "Holders of the shared gateway token disagree";
    StaleDeviceToken "stale-device-token" "A client's cached device token is no longer the gateway's";
    ScopeUpgrade "scope-upgrade" "The device's record covers fewer scopes or roles than it asks for";
    DeviceRepin "device-repin" "A known device changed platform, key or role and wants approval again";
    NewDevice "new-device" "A new device waits for its first approval";
    WrongQueue "wrong-queue" "The request waits in another queue than the one looked at";
    LegacyState "legacy-state" "Retired JSON files block or shadow the SQLite state";
    StateDatabase "state-database" "The SQLite state is damaged, locked, full or too new";
    VersionSkew "version-skew" "CLI, service, running gateway and state come from different releases";
    KnownBug "known-bug" "This release has a known defect with exactly these signs";
    ConfigInvalid "config-invalid" "The configuration keeps the gateway from starting or from applying it";
    SecretUnresolved "secret-unresolved" "A token is a reference that cannot be resolved";
    StateDirMismatch "state-dir-mismatch" "CLI and gateway use different state directories";
    NotLocal "not-local" "The host's own client reaches the gateway by a non-loopback address";
    PlaintextRefused "plaintext-refused" "The CLI refuses an unencrypted connection to a non-loopback address";
    ContainerLoopback "container-loopback" "127.0.0.1 in this container is not the gateway";
    HostNetwork "host-network" "The network path between client and gateway is broken";
    OriginNotAllowed "origin-not-allowed" "The browser's origin is not on the list";
    InsecureContext "insecure-context" "The page cannot make a device identity over plain HTTP";
    TokenMissing "token-missing" "The client sends no token";
    BootstrapToken "bootstrap-token" "A one-time setup code was spent or has expired";
    AuthRateLimit "auth-rate-limit" "Failed attempts have locked this address out for now";
    ClockOrSignature "clock-or-signature" "Clocks differ, or the client signs another payload";
    ClientProtocol "client-protocol" "A client skips or misuses the handshake";
    HandshakeTimeout "handshake-timeout" "The gateway is too busy to answer the handshake in time";
    StaleLock "stale-lock" "A lock left by a crash stops the start";
    DiskOrFilesystem "disk-or-filesystem" "No space, read-only, or a file system that cannot hold the state";
    GatewayNotRunning "gateway-not-running" "No gateway is listening";
}

/// A text that names no cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cause id")]
pub struct CauseError(String);

impl FromStr for Cause {
    type Err = CauseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Cause::ALL.iter().copied().find(|cause| cause.id() == text).ok_or_else(|| CauseError(text.to_owned()))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_text_use_the_same_ids() {
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_string(cause).expect("serializes"), format!("\"{}\"", cause.id()));
            assert_eq!(cause.id().parse::<Cause>(), Ok(*cause));
        }
    }
}
