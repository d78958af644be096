//! For each cause: what it means for the user in two sentences, and the one command that makes sure.

use crate::model::{Cause, Release};

/// One or two sentences about the cause.
pub fn summary(cause: Cause) -> &'static str {
    match cause {
        Cause::StateOwnership => {
            "The gateway or the command line may not read or write part of its own state. Nothing is damaged by that alone; the files must go back to the account that the gateway runs as."
        }
        Cause::PairingStoreDamaged => {
            "The file or table of paired devices has a form that the gateway cannot work with, so approvals do not stick or devices look unknown."
        }
        Cause::PairingStoreLost => {
            "The store is sound, but devices that were paired are no longer in it. Look for a copy before approving anew."
        }
        Cause::DuplicateGateway => {
            "Two services or processes start a gateway and take port or state from each other. One of them must go."
        }
        Cause::PortConflict => "Another program listens where the gateway should.",
        Cause::ProxyAttribution => {
            "Forwarding headers and trusted-proxy settings make a client count as remote, or leave nobody to attribute the connection to."
        }
        Cause::GatewayTokenDrift => {
            "The client sends another shared token than the gateway holds. Compare all holders: configuration, service unit, environment, client."
        }
        Cause::StaleDeviceToken => {
            "The client still uses a device token that the gateway no longer accepts. One connection with the shared token gives it a new one."
        }
        Cause::ScopeUpgrade => {
            "The device is paired, but its record covers fewer scopes or roles than it asks for; the upgrade waits for approval."
        }
        Cause::DeviceRepin => "A known device came back with another platform, key or role and must be approved again.",
        Cause::NewDevice => "Nothing is broken: a new device or browser waits for its first approval.",
        Cause::WrongQueue => {
            "The request waits, but in another list than the one that was looked at. Devices, nodes and chat senders have separate queues."
        }
        Cause::LegacyState => {
            "Files of the JSON era lie beside the SQLite state and block the start or the clients. If they come back, something older still runs."
        }
        Cause::StateDatabase => {
            "The state database is damaged, locked, full, or of another schema than this program knows."
        }
        Cause::VersionSkew => "Command line, service or client come from different installs or releases.",
        Cause::KnownBug => "This release has a known defect with these signs; a newer release mends it.",
        Cause::ConfigInvalid => {
            "The configuration is missing, rejected, wiped or contradicts itself, so the gateway does not start or does not apply it."
        }
        Cause::SecretUnresolved => "The token is a reference, and the service or the command line cannot resolve it.",
        Cause::StateDirMismatch => {
            "Command line and gateway use different state directories, profiles or homes, or the state does not outlive the container."
        }
        Cause::NotLocal => {
            "The host's own client reaches the gateway by an address that is not loopback and so counts as remote."
        }
        Cause::PlaintextRefused => {
            "The client refuses an unencrypted connection to an address that is not loopback. This is no pairing fault."
        }
        Cause::ContainerLoopback => "127.0.0.1 in the client's container is not the gateway.",
        Cause::HostNetwork => "The path between client and gateway is broken (WSL, NAT, firewall, port proxy).",
        Cause::OriginNotAllowed => "The browser's origin is not on the list of allowed ones.",
        Cause::InsecureContext => {
            "Over plain HTTP on a network address a browser makes no device identity. HTTPS or localhost is needed."
        }
        Cause::TokenMissing => "The client sends no token at all.",
        Cause::BootstrapToken => "A one-time setup code was used again or has expired. Make a new one.",
        Cause::AuthRateLimit => {
            "Failed attempts locked the address out for some minutes; a client that keeps retrying prolongs it."
        }
        Cause::ClockOrSignature => {
            "The clocks of client and gateway differ, or the client signs another payload than this release checks."
        }
        Cause::ClientProtocol => "The client skips or misuses the handshake; no approval can help it.",
        Cause::HandshakeTimeout => {
            "The gateway was too busy to finish the handshake in time. Pairing is not the fault."
        }
        Cause::StaleLock => "A crash left a lock that names a process which is gone.",
        Cause::DiskOrFilesystem => {
            "The file system of the state is full, read-only, or cannot do what the state needs."
        }
        Cause::GatewayNotRunning => "No gateway listens there, and the text gives no other reason.",
    }
}

/// The one command to run next to be sure.
pub fn command(cause: Cause, release: Option<&Release>) -> String {
    let program = if release.is_some_and(|release| release.before(1, 29)) { "clawdbot" } else { "openclaw" };
    match cause {
        Cause::NewDevice | Cause::WrongQueue | Cause::DeviceRepin => format!("{program} devices list"),
        Cause::OriginNotAllowed => format!("{program} config get gateway.controlUi.allowedOrigins"),
        Cause::InsecureContext => "ssh -N -L 18789:127.0.0.1:18789 USER@GATEWAY-HOST".to_owned(),
        Cause::TokenMissing => format!("{program} dashboard --no-open"),
        Cause::BootstrapToken => format!("{program} qr"),
        Cause::HandshakeTimeout | Cause::AuthRateLimit => "openclaw-doctor logs --since 1h".to_owned(),
        Cause::ClientProtocol => "openclaw-doctor logs --since 1h --reason invalid-handshake".to_owned(),
        Cause::ClockOrSignature => "timedatectl".to_owned(),
        Cause::ContainerLoopback | Cause::HostNetwork | Cause::PlaintextRefused | Cause::NotLocal => {
            "openclaw-doctor probe".to_owned()
        }
        other => format!("openclaw-doctor check --only {other}"),
    }
}
