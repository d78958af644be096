//! Puts the answers of one address together.

use super::dial::Dial;
use super::endpoint::{Endpoint, is_loopback};
use super::facts::{
    AuthMode, CertificateTrust, Connect, EndpointProbe, HandshakeSeen, Hello, HttpSeen, Identity, Locality, Page,
    RefusalKind, Stage, TlsSeen, Verdict,
};
use super::proof::ListenerProof;
use super::talk::Connection;
use super::trust::TrustedChannel;
use super::{identity, local};
use crate::model::{Fact, Unknown, UnknownKind};
use std::net::SocketAddr;

/// An endpoint of which nothing more is known than what became of the connection.
pub(super) fn unreached(endpoint: &Endpoint, address: Option<SocketAddr>, connect: Connect) -> EndpointProbe {
    let is_openclaw = identity::judge(&connect, &[], None);
    let reason = match &is_openclaw {
        Identity::Yes { evidence: text } | Identity::No { evidence: text } | Identity::Unknown { reason: text } => text,
    };
    let kind = match connect {
        Connect::NotTried { .. } => UnknownKind::NotCollected,
        Connect::Filtered { .. } => UnknownKind::TimedOut,
        _ => UnknownKind::Failed,
    };
    let why = Unknown::new(kind, reason.clone());
    EndpointProbe {
        url: endpoint.to_string(),
        address: address.map(Into::into),
        tls: if endpoint.is_tls() { Fact::Unknown(why.clone()) } else { Fact::Absent },
        http: Vec::new(),
        handshake: Fact::Unknown(why.clone()),
        server_version: Fact::Unknown(why.clone()),
        protocol: Fact::Unknown(why.clone()),
        auth_mode: Fact::Unknown(why.clone()),
        counts_as_local: Fact::Unknown(why.clone()),
        state_dir: Fact::Unknown(why.clone()),
        config_path: Fact::Unknown(why.clone()),
        clock_skew_ms: Fact::Unknown(why),
        is_openclaw,
        connect,
    }
}

/// An endpoint that was left out.
pub(super) fn not_tried(endpoint: &Endpoint, address: Option<SocketAddr>, reason: String) -> EndpointProbe {
    unreached(endpoint, address, Connect::NotTried { reason })
}

/// An endpoint that was asked everything that needs no secret.
pub(super) fn assemble(
    dial: &Dial,
    connect: Connect,
    tls: Fact<TlsSeen>,
    http: Vec<HttpSeen>,
    handshake: HandshakeSeen,
) -> EndpointProbe {
    let untold = || Unknown::new(UnknownKind::NotCollected, "told only to a client with the right secret");
    let version = http.iter().find_map(|answer| match &answer.page {
        Page::Startup { version, .. } => version.clone(),
        _ => None,
    });
    let skew = handshake
        .clock_skew_ms
        .map_or_else(|| Fact::unknown(UnknownKind::NotCollected, "no challenge with a time came"), Fact::Known);
    let mut probe = EndpointProbe {
        url: dial.endpoint.to_string(),
        address: Some(dial.address.into()),
        tls,
        is_openclaw: identity::judge(&connect, &http, Some(&handshake)),
        server_version: version.map_or_else(|| Fact::Unknown(untold()), Fact::Known),
        protocol: Fact::Unknown(untold()),
        auth_mode: Fact::Unknown(untold()),
        counts_as_local: local::from_http(&http, is_loopback(dial.address.ip())),
        state_dir: Fact::Unknown(untold()),
        config_path: Fact::Unknown(untold()),
        clock_skew_ms: skew,
        handshake: Fact::Known(handshake.clone()),
        http,
        connect,
    };
    match &handshake.verdict {
        Verdict::HelloOk(hello) => {
            learn(&mut probe, hello);
            // Let in without a secret and without a device.
            probe.auth_mode = Fact::Known(hello.auth_mode.clone().unwrap_or(AuthMode::None));
        }
        Verdict::Refused(refusal) => {
            if let Some(expected) = refusal.expected_protocol {
                probe.protocol = Fact::Known(expected);
            }
            let mode = match refusal.kind {
                RefusalKind::TokenMissing | RefusalKind::TokenMismatch => Some(AuthMode::Token),
                RefusalKind::PasswordMissing | RefusalKind::PasswordMismatch => Some(AuthMode::Password),
                RefusalKind::ProxyIdentityRequired => Some(AuthMode::TrustedProxy),
                _ => None,
            };
            if let Some(mode) = mode {
                probe.auth_mode = Fact::Known(mode);
            }
        }
        _ => {}
    }
    probe
}

/// Adds what `hello-ok` tells.
pub(super) fn learn(probe: &mut EndpointProbe, hello: &Hello) {
    const UNTOLD: &str = "this gateway does not tell it";
    fn take<T: Clone>(fact: &mut Fact<T>, told: &Option<T>) {
        match told {
            Some(value) => *fact = Fact::Known(value.clone()),
            None if fact.known().is_none() => *fact = Fact::unknown(UnknownKind::Unsupported, UNTOLD),
            None => {}
        }
    }
    // A `dev` here is no better than what `/startup` told.
    if probe.release().is_none() {
        take(&mut probe.server_version, &hello.version);
    }
    take(&mut probe.protocol, &hello.protocol);
    take(&mut probe.auth_mode, &hello.auth_mode);
    take(&mut probe.state_dir, &hello.state_dir);
    take(&mut probe.config_path, &hello.config_path);
    let told: Fact<Locality> = local::from_hello(hello);
    if told.known().is_some() || probe.counts_as_local.known().is_none() {
        probe.counts_as_local = told;
    }
}

/// Whether pages are worth asking for: where the upgrade got no word at all, they would get none either.
pub(super) fn speaks_http(handshake: &HandshakeSeen) -> bool {
    match &handshake.verdict {
        Verdict::Closed { waiting_for } | Verdict::TimedOut { waiting_for } => *waiting_for != Stage::Upgrade,
        Verdict::Http(answer) => answer.status.is_some(),
        _ => true,
    }
}

/// Whether a plain connection was answered as a port that speaks TLS answers: by an alert, or by hanging up.
pub(super) fn wants_tls(probe: &EndpointProbe) -> bool {
    matches!(
        probe.handshake.known().map(|seen| &seen.verdict),
        Some(Verdict::Closed { waiting_for: Stage::Upgrade } | Verdict::Http(HttpSeen { page: Page::WantsTls, .. }))
    )
}

/// Whether a secret may be sent on a connection whose far end has spoken.
pub(super) fn may_send(
    connection: &Connection,
    proof: &dyn ListenerProof,
    remote: bool,
) -> Result<TrustedChannel, String> {
    if connection.tls.as_ref().is_some_and(|tls| tls.trust == CertificateTrust::PinMismatch) {
        return Err("the certificate is not the pinned one".to_owned());
    }
    if is_loopback(connection.peer.ip()) {
        return proof
            .prove(connection.local, connection.peer)
            .map(TrustedChannel::of_listener)
            .map_err(|reason| format!("listener not proven: {reason}"));
    }
    match &connection.tls {
        Some(tls) if remote => TrustedChannel::of_certificate(tls)
            .ok_or_else(|| "the certificate is neither pinned nor verified".to_owned()),
        _ => Err("beyond loopback a secret is sent only over TLS, and only with --remote".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::proof::{NotProven, ProvenListener};

    struct Proof(bool);

    impl ListenerProof for Proof {
        fn prove(&self, _: SocketAddr, _: SocketAddr) -> Result<ProvenListener, NotProven> {
            if self.0 { Ok(ProvenListener::new(7, 1000, 55, "/usr/bin/node")) } else { Err(NotProven::NoFarEnd) }
        }
    }

    fn connection(peer: &str, trust: Option<CertificateTrust>) -> Connection {
        let tls = trust.map(|trust| TlsSeen { fingerprint: "00".repeat(32), trust });
        Connection { local: "127.0.0.1:1".parse().expect("local"), peer: peer.parse().expect("peer"), tls }
    }

    fn allowed(peer: &str, trust: Option<CertificateTrust>, proven: bool, remote: bool) -> bool {
        may_send(&connection(peer, trust), &Proof(proven), remote).is_ok()
    }

    #[test]
    fn on_loopback_only_a_proven_listener_gets_a_secret() {
        let untrusted = || Some(CertificateTrust::Untrusted { reason: String::new() });
        assert!(allowed("127.0.0.1:18789", None, true, false));
        assert!(allowed("[::1]:18789", untrusted(), true, false));
        assert!(!allowed("127.0.0.1:18789", None, false, true));
        assert!(!allowed("127.0.0.1:18789", Some(CertificateTrust::Verified), false, true));
        assert!(!allowed("127.0.0.1:18789", Some(CertificateTrust::PinMismatch), true, true));
    }

    #[test]
    fn beyond_loopback_only_trusted_tls_with_remote_gets_a_secret() {
        let peer = "192.0.2.1:443";
        assert!(allowed(peer, Some(CertificateTrust::Pinned), false, true));
        assert!(allowed(peer, Some(CertificateTrust::Verified), false, true));
        assert!(!allowed(peer, Some(CertificateTrust::Verified), true, false));
        assert!(!allowed(peer, Some(CertificateTrust::Untrusted { reason: String::new() }), true, true));
        assert!(!allowed(peer, Some(CertificateTrust::PinMismatch), true, true));
        assert!(!allowed(peer, None, true, true));
    }
}
