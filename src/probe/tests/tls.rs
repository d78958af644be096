//! TLS with certificates made for the test.

use super::fake::{Fake, Recorded, converse, read_request, upgrade};
use super::{probe, request, secrets};
use crate::model::secret::SecretKind::GatewayToken;
use crate::probe::endpoint::Fingerprint;
use crate::probe::facts::{CertificateTrust, Identity, TlsSeen, TrialVerdict};
use crate::probe::tests::fake::RIGHT;
use crate::probe::tls::{Roots, wrap};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

struct Certificate {
    chain: CertificateDer<'static>,
    key: KeyPair,
}

fn self_signed() -> Certificate {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    Certificate { chain: params.self_signed(&key).expect("a certificate").der().clone(), key }
}

fn server(certificate: &Certificate) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certificate.key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.chain.clone()], key)
        .expect("a server configuration");
    Arc::new(config)
}

/// A replayed 2026.9.6 gateway that speaks TLS only.
fn gateway(certificate: &Certificate) -> Fake {
    let config = server(certificate);
    Fake::start("127.0.0.1:0", move |wire: Recorded| {
        let log = wire.log();
        let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).expect("a connection"), wire);
        let request = read_request(&mut stream);
        if request.contains("websocket")
            && let Some(mut socket) = upgrade(stream, &request)
        {
            converse("2026.9.6", &mut socket, &log);
        }
    })
}

fn hex(certificate: &Certificate) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(&certificate.chain).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_self_signed_gateway_on_loopback_is_talked_to_and_its_certificate_told() {
    let certificate = self_signed();
    let fake = gateway(&certificate);
    let url = fake.url().replace("ws://", "wss://");
    let facts = probe(&request(&[&url], &secrets(&[(GatewayToken, RIGHT)])));
    let seen = &facts.endpoints[0];
    assert!(seen.is_openclaw.is_yes(), "{seen:?}");
    let tls = seen.tls.known().expect("TLS");
    assert_eq!(tls.fingerprint, hex(&certificate));
    assert!(matches!(tls.trust, CertificateTrust::Untrusted { .. }));
    assert_eq!(facts.tokens[0].verdict, TrialVerdict::Accepted, "the listener was proven, which is enough on loopback");
}

#[test]
fn a_pinned_certificate_is_compared_and_another_one_gets_no_secret() {
    let certificate = self_signed();
    let fake = gateway(&certificate);
    let mut request = request(&[&fake.url().replace("ws://", "wss://")], &secrets(&[(GatewayToken, RIGHT)]));
    request.targets[0].pin = Some(hex(&certificate).parse::<Fingerprint>().expect("a fingerprint"));
    let facts = probe(&request);
    assert_eq!(facts.endpoints[0].tls.known().map(|tls| &tls.trust), Some(&CertificateTrust::Pinned));
    assert_eq!(facts.tokens[0].verdict, TrialVerdict::Accepted);

    let other = gateway(&self_signed());
    let pin = request.targets[0].pin;
    let mut request = super::request(&[&other.url().replace("ws://", "wss://")], &secrets(&[(GatewayToken, RIGHT)]));
    request.targets[0].pin = pin;
    let facts = probe(&request);
    assert_eq!(facts.endpoints[0].tls.known().map(|tls| &tls.trust), Some(&CertificateTrust::PinMismatch));
    assert!(matches!(&facts.tokens[0].verdict, TrialVerdict::Skipped { reason } if reason.contains("pinned")));
    assert!(!other.has_received(RIGHT.as_bytes()));
}

#[test]
fn a_gateway_with_tls_is_found_behind_a_plain_url() {
    let fake = gateway(&self_signed());
    let facts = probe(&request(&[&fake.url()], &[]));
    assert_eq!(facts.endpoints.len(), 2);
    assert!(matches!(facts.endpoints[0].is_openclaw, Identity::Unknown { .. }));
    assert_eq!(facts.endpoints[1].url, fake.url().replace("ws://", "wss://"));
    assert!(facts.endpoints[1].is_openclaw.is_yes());
}

#[test]
fn a_plain_gateway_behind_a_wss_url_is_named() {
    let fake = Fake::replaying("2026.9.6", "127.0.0.1:0");
    let mut request = request(&[&fake.url().replace("ws://", "wss://")], &secrets(&[(GatewayToken, RIGHT)]));
    request.time_limit = std::time::Duration::from_millis(500);
    let facts = probe(&request);
    let seen = &facts.endpoints[0];
    assert!(seen.tls.why_unknown().is_some(), "{seen:?}");
    assert!(matches!(&seen.is_openclaw, Identity::Unknown { .. }));
    assert!(!fake.has_received(RIGHT.as_bytes()));
}

/// Talks TLS to a server with this certificate, under this name and with these roots.
fn trust(certificate: &Certificate, name: &str, roots: &Roots) -> TlsSeen {
    let fake = gateway(certificate);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(fake.address).await.expect("a connection");
        wrap(stream, name, None, roots).await.expect("TLS").1
    })
}

#[test]
fn roots_vouch_for_their_own_and_for_the_right_name_only() {
    let root_key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&root_key).expect("a root");
    let issuer = Issuer::new(params, root_key);
    let key = KeyPair::generate().expect("a key");
    let chain = CertificateParams::new(vec!["gateway.example".to_owned()])
        .expect("parameters")
        .signed_by(&key, &issuer)
        .expect("a certificate")
        .der()
        .clone();
    let issued = Certificate { chain, key };
    let mut store = RootCertStore::empty();
    store.add(root.der().clone()).expect("a root");
    let roots = Roots::Given(Arc::new(store));
    assert_eq!(trust(&issued, "gateway.example", &roots).trust, CertificateTrust::Verified);
    assert!(matches!(trust(&issued, "other.example", &roots).trust, CertificateTrust::Untrusted { .. }));
    assert!(matches!(trust(&self_signed(), "localhost", &roots).trust, CertificateTrust::Untrusted { .. }));
    assert!(matches!(trust(&issued, "gateway.example", &Roots::NotAsked).trust, CertificateTrust::Untrusted { .. }));
}
