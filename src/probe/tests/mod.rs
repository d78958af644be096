//! Tests of the probe against made-up and replayed gateways, on loopback only.

mod answers;
mod edge;
mod fake;
mod hostile;
mod http;
mod machine;
mod tls;

use super::proof::{ListenerProof, NotProven, ProvenListener};
use super::{AttemptBudget, ProbeFacts, ProbeRequest, SecretCandidate, Target};
use crate::model::Secret;
use crate::model::secret::{SecretKind, SecretVault};
use std::net::SocketAddr;
use std::time::Duration;

/// Takes the test's own fake gateways for proven ones.
struct Trusting;

impl ListenerProof for Trusting {
    fn prove(&self, _: SocketAddr, _: SocketAddr) -> Result<ProvenListener, NotProven> {
        Ok(ProvenListener::new(1, 1000, 1, "/usr/bin/node"))
    }
}

/// Secrets with one holder each.
fn secrets(values: &[(SecretKind, &str)]) -> Vec<SecretCandidate> {
    let mut vault = SecretVault::default();
    values
        .iter()
        .map(|(kind, value)| {
            let secret = Secret::new(*value);
            let label = vault.label(*kind, secret.clone());
            SecretCandidate { label, secret, holders: vec![format!("holder of {kind:?}")] }
        })
        .collect()
}

fn request(urls: &[&str], secrets: &[SecretCandidate]) -> ProbeRequest {
    let targets = urls
        .iter()
        .map(|url| Target { endpoint: url.parse().expect("an endpoint"), pin: None, secrets: secrets.to_vec() })
        .collect();
    ProbeRequest { targets, remote: false, proxy_headers: false, release: None, time_limit: Duration::from_secs(8) }
}

fn probe(request: &ProbeRequest) -> ProbeFacts {
    super::run(request, &Trusting, &mut AttemptBudget::default())
}
