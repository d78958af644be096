//! The permission to send a secret.

use super::facts::{CertificateTrust, TlsSeen};
use super::proof::ProvenListener;

/// A connection whose far end was proven, so that a secret may be sent on it. It can be made in two ways only: from a
/// listener on loopback whose process was proven on this very connection, or from a certificate that was pinned or that
/// the system's roots vouch for.
#[derive(Debug)]
pub struct TrustedChannel(Trust);

#[derive(Debug)]
enum Trust {
    Listener(ProvenListener),
    Certificate(CertificateTrust),
}

impl TrustedChannel {
    /// A loopback connection to a proven listener.
    pub(super) fn of_listener(listener: ProvenListener) -> Self {
        Self(Trust::Listener(listener))
    }

    /// A TLS connection, if its certificate is trusted.
    pub(super) fn of_certificate(tls: &TlsSeen) -> Option<Self> {
        match &tls.trust {
            trust @ (CertificateTrust::Pinned | CertificateTrust::Verified) => {
                Some(Self(Trust::Certificate(trust.clone())))
            }
            CertificateTrust::PinMismatch | CertificateTrust::Untrusted { .. } => None,
        }
    }

    /// Why it is trusted, in a few words.
    pub fn because(&self) -> String {
        match &self.0 {
            Trust::Listener(listener) => listener.to_string(),
            Trust::Certificate(CertificateTrust::Pinned) => "the pinned certificate".to_owned(),
            Trust::Certificate(_) => "a certificate that the system's roots vouch for".to_owned(),
        }
    }
}
