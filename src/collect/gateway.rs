//! Prepares the probe of the gateway from the facts: where to dial, which secrets are meant for it, who it is meant to
//! be. By default loopback only.

use super::recognise;
use crate::model::secret::SecretKind;
use crate::model::{HostPath, SecretLabel, SecretVault};
use crate::probe::{
    AttemptBudget, Endpoint, ExpectedGateway, Limiter, ListenerProof, ProbeFacts, ProbeRequest, SecretCandidate,
    Target, run as run_probe,
};
use crate::snapshot::config::ConfigValue;
use crate::snapshot::environment::{EnvValue, Environment, Place};
use crate::snapshot::{Installation, Snapshot};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The port of a gateway that nothing else tells.
pub const DEFAULT_PORT: u16 = 18_789;

/// How far a probe may go.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Instead of the configured addresses.
    pub url: Option<Endpoint>,
    /// Addresses beyond loopback too, such as the configured remote gateway.
    pub remote: bool,
    /// Find out what an added forwarding header does.
    pub proxy_headers: bool,
    /// Bound on the whole probe.
    pub time_limit: Duration,
}

/// The request for the judged installation and the gateway it expects.
pub fn prepare(
    snapshot: &Snapshot,
    installation: &Installation,
    vault: &SecretVault,
    reach: &Reach,
) -> (ProbeRequest, ExpectedGateway) {
    let secrets = candidates(snapshot, installation, vault);
    let port = port(snapshot, installation);
    let mut targets: Vec<Target> = match &reach.url {
        Some(endpoint) => vec![Target { endpoint: endpoint.clone(), pin: None, secrets: secrets.clone() }],
        None => [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .into_iter()
            .map(|address| Endpoint::at(SocketAddr::new(address, port), tls(installation)))
            .map(|endpoint| Target { endpoint, pin: None, secrets: secrets.clone() })
            .collect(),
    };
    if reach.remote && reach.url.is_none() {
        targets.extend(remote(installation, vault));
    }
    let request = ProbeRequest {
        targets,
        remote: reach.remote,
        proxy_headers: reach.proxy_headers,
        release: installation.release().cloned(),
        time_limit: reach.time_limit,
    };
    let services = snapshot.services.known();
    let expected = ExpectedGateway {
        uid: installation.account().map(|account| account.uid),
        units: services.into_iter().flat_map(|services| services.gateways()).map(|unit| unit.name.clone()).collect(),
        is_gateway: recognise::listens_as_gateway,
    };
    (request, expected)
}

/// Refused secrets of this run of the program. The gateway's limiter counts them over all rounds of `--wait` and over the
/// checks before and after a fix, and so does this.
static ATTEMPTS: Mutex<AttemptBudget> = Mutex::new(AttemptBudget::new());

/// Talks to the gateway, staying below the limiter that the configuration sets.
pub fn dial(request: &ProbeRequest, installation: &Installation, proof: &dyn ListenerProof) -> ProbeFacts {
    let mut attempts = ATTEMPTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(limiter) = limiter(installation) {
        attempts.stay_below(limiter);
    }
    run_probe(request, proof, &mut attempts)
}

/// `gateway.auth.rateLimit`, with OpenClaw's defaults for what it leaves out (host-by-release, 6).
fn limiter(installation: &Installation) -> Option<Limiter> {
    let set = installation.config.at(&["gateway", "auth", "rateLimit"])?;
    let number = |key: &str, default: u64| set.at(&[key]).and_then(|node| node.as_u64()).unwrap_or(default);
    Some(Limiter {
        max_attempts: usize::try_from(number("maxAttempts", 10)).unwrap_or(usize::MAX),
        window: Duration::from_millis(number("windowMs", 60_000)),
    })
}

/// The unit's port before the configuration's (host-by-release 2.2).
pub fn port(snapshot: &Snapshot, installation: &Installation) -> u16 {
    let services = snapshot.services.known();
    let of_unit = services.into_iter().flat_map(|services| services.gateways()).find_map(|unit| {
        let own = unit.state_dir.as_ref().is_none_or(|state| state.value == installation.state_dir);
        let port = unit.port.as_ref().and_then(|port| port.value.port);
        port.filter(|_| {
            own && !unit.legacy_name
                && unit.profile == installation.profile
                && unit.home_owner == installation.account().map(|account| account.uid)
        })
    });
    of_unit.or_else(|| installation.config.port()).unwrap_or(DEFAULT_PORT)
}

fn tls(installation: &Installation) -> bool {
    installation.config.at(&["gateway", "tls", "enabled"]).and_then(|node| node.as_bool()) == Some(true)
}

/// The configured remote gateway with the secrets that are meant for it.
fn remote(installation: &Installation, vault: &SecretVault) -> Option<Target> {
    let url = installation.config.at(&["gateway", "remote", "url"])?.as_str()?;
    let endpoint = url.parse().ok()?;
    let pin = installation
        .config
        .at(&["gateway", "remote", "tlsFingerprint"])
        .and_then(|node| node.as_str())
        .and_then(|text| text.parse().ok());
    let mut secrets = Secrets { vault, found: Vec::new() };
    for key in ["token", "password"] {
        secrets.config(installation, &["gateway", "remote", key]);
    }
    Some(Target { endpoint, pin, secrets: secrets.found })
}

/// The shared secrets that configuration, units, environment files and the caller hold for this gateway.
fn candidates(snapshot: &Snapshot, installation: &Installation, vault: &SecretVault) -> Vec<SecretCandidate> {
    let mut secrets = Secrets { vault, found: Vec::new() };
    secrets.config(installation, &["gateway", "auth", "token"]);
    secrets.config(installation, &["gateway", "auth", "password"]);
    // A unit of another account's home holds another gateway's secrets.
    let uid = installation.account().map(|account| account.uid);
    let units = snapshot.services.known().into_iter().flat_map(|services| services.gateways());
    for unit in units.filter(|unit| unit.home_owner.is_some() && unit.home_owner == uid) {
        secrets.environment(&unit.environment, &format!("unit {}", unit.name));
        for file in &unit.environment_files {
            if let Some(environment) = file.environment.known() {
                secrets.environment(environment, &file.path.to_string());
            }
        }
    }
    for file in &installation.env_files {
        if let Some(environment) = file.environment.known() {
            secrets.environment(environment, &file.path.to_string());
        }
    }
    if let Some(environment) = snapshot.caller_environment.known() {
        secrets.environment(environment, "this shell");
    }
    secrets.found
}

struct Secrets<'v> {
    vault: &'v SecretVault,
    found: Vec<SecretCandidate>,
}

impl Secrets<'_> {
    fn add(&mut self, label: &SecretLabel, holder: String) {
        if !matches!(label.kind, SecretKind::GatewayToken | SecretKind::GatewayPassword) || label.chars == 0 {
            return;
        }
        if let Some(known) = self.found.iter_mut().find(|candidate| candidate.label == *label) {
            known.holders.push(holder);
        } else if let Some(secret) = self.vault.value_of(label) {
            self.found.push(SecretCandidate { label: label.clone(), secret: secret.clone(), holders: vec![holder] });
        }
    }

    fn config(&mut self, installation: &Installation, path: &[&str]) {
        if let Some(node) = installation.config.at(path)
            && let ConfigValue::Secret(label) = &node.value
        {
            let label = label.clone();
            self.add(&label, format!("{} in {}", path.join("."), installation.config.path));
        }
    }

    fn environment(&mut self, environment: &Environment, holder: &str) {
        for var in &environment.vars {
            if let EnvValue::Secret(label) = &var.value {
                let (label, place) = (label.clone(), place(&var.at));
                self.add(&label, format!("{} in {holder}{place}", var.name));
            }
        }
    }
}

fn place(at: &Place) -> String {
    let proc = HostPath::from("/proc/self/environ");
    match at.line {
        Some(line) if at.file != proc => format!(" (line {line})"),
        _ => String::new(),
    }
}
