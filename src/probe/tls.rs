//! TLS that looks before it judges: any certificate lets the handshake go on, so that a probe can say what it met, and what
//! was shown decides afterwards whether a secret may be sent. The server always has to prove that it holds the key.

use super::endpoint::Fingerprint;
use super::facts::{CertificateTrust, TlsSeen};
use super::text::bounded;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, InvalidMessage, RootCertStore, SignatureScheme,
};

/// Which roots vouch for a certificate that is not pinned.
#[derive(Debug, Clone)]
pub(super) enum Roots {
    /// Those of the system.
    System,
    /// None are asked: on loopback the listener is proven otherwise.
    NotAsked,
    /// Given ones.
    #[cfg(test)]
    Given(Arc<RootCertStore>),
}

/// Speaks TLS on a connection. The error is a text for a person.
pub(super) async fn wrap(
    stream: TcpStream,
    host: &str,
    pin: Option<Fingerprint>,
    roots: &Roots,
) -> Result<(TlsStream<TcpStream>, TlsSeen), String> {
    let provider = Arc::new(ring::default_provider());
    let recorder = Arc::new(Recorder::new(provider.clone(), pin, roots));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(recorder.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| explain(&error))?;
    let seen = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    seen.map(|seen| (stream, seen)).ok_or_else(|| "the server showed no certificate".to_owned())
}

fn explain(error: &std::io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => "it does not speak TLS".to_owned(),
        _ if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it closed the connection during the TLS handshake".to_owned()
        }
        _ => bounded(&error.to_string()),
    }
}

/// Lets every certificate pass, and remembers what it was worth.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    pin: Option<Fingerprint>,
    roots: Result<Arc<WebPkiServerVerifier>, String>,
    seen: Mutex<Option<TlsSeen>>,
}

impl Recorder {
    fn new(provider: Arc<CryptoProvider>, pin: Option<Fingerprint>, roots: &Roots) -> Self {
        let roots = match (pin, roots) {
            (Some(_), _) => Err("a fingerprint is pinned".to_owned()),
            (None, Roots::NotAsked) => Err("a loopback address; the system's roots were not asked".to_owned()),
            (None, Roots::System) => verifier(Arc::new(system_roots()), &provider),
            #[cfg(test)]
            (None, Roots::Given(roots)) => verifier(roots.clone(), &provider),
        };
        Self { provider, pin, roots, seen: Mutex::new(None) }
    }

    fn trust(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
        fingerprint: [u8; 32],
    ) -> CertificateTrust {
        if let Some(pin) = self.pin {
            return if pin.0 == fingerprint { CertificateTrust::Pinned } else { CertificateTrust::PinMismatch };
        }
        let verified = match &self.roots {
            Ok(verifier) => verifier
                .verify_server_cert(end_entity, intermediates, name, &[], now)
                .map_err(|error| bounded(&error.to_string())),
            Err(reason) => Err(reason.clone()),
        };
        match verified {
            Ok(_) => CertificateTrust::Verified,
            Err(reason) => CertificateTrust::Untrusted { reason },
        }
    }
}

fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    // Roots that can't be read or parsed vouch for nobody; the rest still do.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

fn verifier(roots: Arc<RootCertStore>, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build().map_err(|error| error.to_string())
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let fingerprint: [u8; 32] = Sha256::digest(end_entity).into();
        let trust = self.trust(end_entity, intermediates, server_name, now, fingerprint);
        let fingerprint = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(TlsSeen { fingerprint, trust });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
