//! Which cause explains which other one. Explicit, so that the story never depends on the order of checks.

use crate::model::Cause;

/// `(cause, what it brings about)`: where the first is at least as sure as the second, the second's findings are its
/// consequences (causes.md; release-2026.2.19 section 2; release-2026.9.6 section 0).
pub(super) const EXPLAINS: &[(Cause, &[Cause])] = &[
    (
        Cause::StateOwnership,
        &[
            Cause::ConfigInvalid,
            Cause::PairingStoreDamaged,
            Cause::PairingStoreLost,
            Cause::StateDatabase,
            Cause::LegacyState,
            Cause::StaleDeviceToken,
            Cause::NewDevice,
            Cause::StaleLock,
            Cause::GatewayNotRunning,
        ],
    ),
    (
        Cause::DiskOrFilesystem,
        &[
            Cause::StateDatabase,
            Cause::PairingStoreLost,
            Cause::PairingStoreDamaged,
            Cause::GatewayNotRunning,
            Cause::HandshakeTimeout,
        ],
    ),
    (
        Cause::PairingStoreDamaged,
        &[Cause::PairingStoreLost, Cause::NewDevice, Cause::ScopeUpgrade, Cause::StaleDeviceToken, Cause::DeviceRepin],
    ),
    (
        Cause::LegacyState,
        &[Cause::PairingStoreDamaged, Cause::StateDatabase, Cause::StaleDeviceToken, Cause::GatewayNotRunning],
    ),
    (
        Cause::StateDatabase,
        &[
            Cause::PairingStoreDamaged,
            Cause::PairingStoreLost,
            Cause::StaleDeviceToken,
            Cause::NewDevice,
            Cause::GatewayNotRunning,
        ],
    ),
    (
        Cause::ConfigInvalid,
        &[Cause::ProxyAttribution, Cause::TokenMissing, Cause::OriginNotAllowed, Cause::GatewayNotRunning],
    ),
    (
        Cause::SecretUnresolved,
        &[Cause::GatewayTokenDrift, Cause::TokenMissing, Cause::ConfigInvalid, Cause::GatewayNotRunning],
    ),
    (
        Cause::DuplicateGateway,
        &[
            Cause::PortConflict,
            Cause::StaleLock,
            Cause::VersionSkew,
            Cause::GatewayTokenDrift,
            Cause::GatewayNotRunning,
        ],
    ),
    (Cause::PortConflict, &[Cause::GatewayNotRunning]),
    (Cause::StaleLock, &[Cause::GatewayNotRunning]),
    (
        Cause::StateDirMismatch,
        &[Cause::StaleDeviceToken, Cause::PairingStoreLost, Cause::NewDevice, Cause::TokenMissing],
    ),
    (Cause::ContainerLoopback, &[Cause::GatewayNotRunning]),
    (Cause::HostNetwork, &[Cause::GatewayNotRunning]),
    (Cause::ProxyAttribution, &[Cause::NotLocal, Cause::NewDevice]),
    (Cause::NotLocal, &[Cause::NewDevice, Cause::PlaintextRefused]),
    (Cause::GatewayTokenDrift, &[Cause::StaleDeviceToken, Cause::AuthRateLimit]),
    (Cause::VersionSkew, &[Cause::ClientProtocol]),
    (Cause::KnownBug, &[Cause::StaleDeviceToken, Cause::NewDevice]),
    (Cause::ScopeUpgrade, &[Cause::NewDevice]),
    (Cause::DeviceRepin, &[Cause::NewDevice]),
    (Cause::PairingStoreLost, &[Cause::NewDevice, Cause::StaleDeviceToken]),
    (Cause::HandshakeTimeout, &[Cause::ClientProtocol]),
];

/// Among equally sure causes the one named first here is shown first: what keeps the gateway down or erases data
/// before what shuts out one client, and a fault before the absence of one.
pub(super) const PRECEDENCE: &[Cause] = &[
    Cause::StateOwnership,
    Cause::DiskOrFilesystem,
    Cause::LegacyState,
    Cause::StateDatabase,
    Cause::ConfigInvalid,
    Cause::SecretUnresolved,
    Cause::PairingStoreDamaged,
    Cause::DuplicateGateway,
    Cause::PortConflict,
    Cause::StaleLock,
    Cause::StateDirMismatch,
    Cause::PairingStoreLost,
    Cause::ContainerLoopback,
    Cause::ProxyAttribution,
    Cause::PlaintextRefused,
    Cause::NotLocal,
    Cause::GatewayTokenDrift,
    Cause::VersionSkew,
    Cause::ScopeUpgrade,
    Cause::DeviceRepin,
    Cause::StaleDeviceToken,
    Cause::OriginNotAllowed,
    Cause::InsecureContext,
    Cause::TokenMissing,
    Cause::BootstrapToken,
    Cause::ClockOrSignature,
    Cause::AuthRateLimit,
    Cause::ClientProtocol,
    Cause::HandshakeTimeout,
    Cause::HostNetwork,
    Cause::KnownBug,
    Cause::WrongQueue,
    Cause::NewDevice,
    Cause::GatewayNotRunning,
];

/// Whether one cause brings about another.
pub(super) fn explains(cause: Cause, other: Cause) -> bool {
    EXPLAINS.iter().any(|(first, brought)| *first == cause && brought.contains(&other))
}

/// The place of a cause in [`PRECEDENCE`].
pub(super) fn precedence(cause: Cause) -> usize {
    PRECEDENCE.iter().position(|listed| *listed == cause).unwrap_or(PRECEDENCE.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_place_and_no_two_explain_each_other() {
        for cause in Cause::ALL {
            assert!(PRECEDENCE.contains(cause), "{cause} has no place");
            for other in Cause::ALL {
                assert!(
                    !(explains(*cause, *other) && explains(*other, *cause)),
                    "{cause} and {other} explain each other"
                );
            }
        }
        assert_eq!(PRECEDENCE.len(), Cause::ALL.len());
    }
}
