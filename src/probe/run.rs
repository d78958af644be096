//! Runs a probe: dials, asks, and puts the answers together. Synchronous from outside; inside, one small runtime that ends
//! with the call. No redirects are followed, and everything has a time limit.

use super::assemble::{assemble, learn, may_send, not_tried, speaks_http, unreached, wants_tls};
use super::attempts::AttemptBudget;
use super::dial::{Dial, DialError, Line, resolve};
use super::endpoint::{Target, is_loopback};
use super::facts::{
    Connect, EndpointProbe, HandshakeSeen, HttpSeen, Identity, Page, ProbeFacts, ProxyHeaderTest, ProxyOutcome,
    RefusalKind, TrialVerdict, Verdict,
};
use super::http::USER_AGENT;
use super::local;
use super::proof::ListenerProof;
use super::protocol::{Ask, Limits, SealedSecret};
use super::talk::{self, Connection, Question};
use super::trials::{self, Plan, Trials};
use crate::model::secret::SecretKind;
use crate::model::{Fact, Release, Secret, SecretLabel, UnknownKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A shared secret that somebody holds.
#[derive(Debug, Clone)]
pub struct SecretCandidate {
    /// Its label; equal values share it.
    pub label: SecretLabel,
    /// The value.
    pub secret: Secret,
    /// Who holds it, in words, e.g. `OPENCLAW_GATEWAY_TOKEN in openclaw-gateway.service`.
    pub holders: Vec<String>,
}

/// What to probe, and how far to go.
#[derive(Debug, Clone)]
pub struct ProbeRequest {
    /// The endpoints, in the order of trying; addresses of one gateway carry the same secrets.
    pub targets: Vec<Target>,
    /// Whether addresses beyond loopback are dialled (`--remote`). Secrets go there only over trusted TLS.
    pub remote: bool,
    /// Whether to find out what a forwarding header does (`--proxy-headers`).
    pub proxy_headers: bool,
    /// The release that is expected to run, where the host's files tell.
    pub release: Option<Release>,
    /// Bound on the whole probe; an hour at most.
    pub time_limit: Duration,
}

/// The header of `--proxy-headers`: a documentation address (RFC 5737), so that nobody's real one is used.
const ADDED_HEADER: (&str, &str) = ("X-Forwarded-For", "203.0.113.7");

/// Bound on dialling and on one HTTP answer, on loopback and beyond.
const STEP_LOOPBACK: Duration = Duration::from_secs(2);
const STEP_REMOTE: Duration = Duration::from_secs(5);

/// No probe takes longer, whatever it is allowed.
const LONGEST: Duration = Duration::from_secs(3600);

/// Probes all targets. Nothing is stored on any gateway; see the module's rules.
pub fn run(request: &ProbeRequest, proof: &dyn ListenerProof, budget: &mut AttemptBudget) -> ProbeFacts {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let reason = format!("no runtime: {error}");
            let endpoints =
                request.targets.iter().map(|target| not_tried(&target.endpoint, None, reason.clone())).collect();
            return ProbeFacts { endpoints, ..ProbeFacts::default() };
        }
    };
    let facts = runtime.block_on(async {
        let deadline = Instant::now() + request.time_limit.min(LONGEST);
        let mut probe = Probe { request, proof, budget, deadline, trials: Trials::default(), refused: 0 };
        probe.all().await
    });
    // A resolver that hangs must not hold the program back.
    runtime.shutdown_background();
    facts
}

/// A probe under way.
struct Probe<'a> {
    request: &'a ProbeRequest,
    proof: &'a dyn ListenerProof,
    budget: &'a mut AttemptBudget,
    deadline: Instant,
    trials: Trials,
    /// Handshakes that the gateway has logged as refused.
    refused: usize,
}

impl Probe<'_> {
    async fn all(&mut self) -> ProbeFacts {
        let mut facts = ProbeFacts::default();
        let mut header_tested = false;
        for target in &self.request.targets {
            for (dial, mut probe) in self.target(target).await {
                self.secrets(target, dial.as_ref(), &mut probe).await;
                if let Some(dial) = &dial {
                    if !facts
                        .endpoints
                        .iter()
                        .any(|other| same_gateway(other, &probe) && other.protocol.known().is_some())
                    {
                        self.protocol(dial, &mut probe).await;
                    }
                    if self.request.proxy_headers && !header_tested && probe.is_openclaw.is_yes() {
                        facts.proxy_headers = Some(self.header_test(dial).await);
                        header_tested = true;
                    }
                }
                facts.endpoints.push(probe);
            }
        }
        facts.tokens = std::mem::take(&mut self.trials).into_seen();
        facts.notes = self.notes(&facts);
        facts
    }

    /// Probes every address of a target.
    async fn target(&mut self, target: &Target) -> Vec<(Option<Dial>, EndpointProbe)> {
        let endpoint = &target.endpoint;
        let remote = "not on loopback; `openclaw-doctor probe --remote` dials it";
        if !self.request.remote && !endpoint.is_loopback() {
            return vec![(
                None,
                not_tried(endpoint, endpoint.ip().map(|ip| SocketAddr::new(ip, endpoint.port())), remote.into()),
            )];
        }
        let addresses = match resolve(endpoint, self.left(STEP_REMOTE)).await {
            Ok(addresses) => addresses,
            Err(reason) => return vec![(None, unreached(endpoint, None, Connect::Unresolved { reason }))],
        };
        let mut probes = Vec::new();
        for address in addresses {
            if !self.request.remote && !is_loopback(address.ip()) {
                probes.push((None, not_tried(endpoint, Some(address), remote.into())));
                continue;
            }
            let dial = Dial::new(endpoint.clone(), address, target.pin);
            let probe = self.address(&dial).await;
            let try_tls = !endpoint.is_tls() && wants_tls(&probe);
            probes.push((Some(dial), probe));
            if try_tls {
                let dial = Dial::new(endpoint.with_tls(), address, target.pin);
                let probe = self.address(&dial).await;
                probes.push((Some(dial), probe));
            }
        }
        probes
    }

    /// Asks one address everything that needs no secret.
    async fn address(&mut self, dial: &Dial) -> EndpointProbe {
        let endpoint = &dial.endpoint;
        if self.left(STEP_REMOTE).is_zero() {
            return not_tried(endpoint, Some(dial.address), "out of time".into());
        }
        let line = match dial.open(self.step(dial)).await {
            Ok(line) => line,
            Err(DialError::Tcp(connect)) => return unreached(endpoint, Some(dial.address), connect),
            Err(DialError::Tls { connect, reason }) => {
                let mut probe = unreached(endpoint, Some(dial.address), connect);
                probe.tls = Fact::unknown(UnknownKind::Failed, reason.clone());
                probe.is_openclaw = Identity::Unknown { reason };
                return probe;
            }
        };
        let connect = Connect::Connected { ms: line.connect_ms };
        let tls = Fact::from(line.tls.clone());
        let handshake = self.shake(dial, line, Ask::Hello, &[]).await;
        let http = if speaks_http(&handshake) { self.pages(dial, &[]).await } else { Vec::new() };
        assemble(dial, connect, tls, http, handshake)
    }

    /// The pages that tell a gateway and its release, by what the first one answers.
    async fn pages(&self, dial: &Dial, headers: &[(&str, &str)]) -> Vec<HttpSeen> {
        let mut seen = Vec::new();
        for path in ["/healthz", "/readyz", "/startup"] {
            let answer = talk::get(dial, path, headers, self.step(dial)).await;
            let goes_on = matches!(answer.page, Page::Live | Page::Ready { .. } | Page::ProxyAttributionRequired);
            seen.push(answer);
            if !goes_on {
                break;
            }
        }
        if seen.iter().all(|answer| matches!(answer.page, Page::Unrecognised { .. })) {
            seen.push(talk::get(dial, "/", headers, self.step(dial)).await);
        }
        seen
    }

    /// Tries the secrets of a target at an address, if it answered.
    async fn secrets(&mut self, target: &Target, dial: Option<&Dial>, probe: &mut EndpointProbe) {
        let endpoint = dial.map_or(&target.endpoint, |dial| &dial.endpoint);
        // What holds for one secret on this address holds for the next: no need for one more refused handshake.
        let mut withheld: Option<String> = None;
        for candidate in &target.secrets {
            let plan = self.trials.plan(candidate, endpoint, probe, self.request.release.as_ref(), self.budget);
            let verdict = match (plan, dial) {
                (Plan::Known, _) => continue,
                (Plan::Skip(reason), _) => TrialVerdict::Skipped { reason },
                (Plan::Try(_), _) if withheld.is_some() => {
                    TrialVerdict::Skipped { reason: withheld.clone().unwrap_or_default() }
                }
                (Plan::Try(_), None) => TrialVerdict::Skipped { reason: "there is no address to try it at".into() },
                (Plan::Try(sealed), Some(dial)) => {
                    let verdict = self.secret(candidate.label.kind, sealed, dial, probe).await;
                    if let TrialVerdict::Skipped { reason } = &verdict {
                        withheld = Some(reason.clone());
                    }
                    verdict
                }
            };
            self.trials.record(candidate, endpoint, verdict);
        }
    }

    async fn secret(
        &mut self,
        kind: SecretKind,
        sealed: SealedSecret,
        dial: &Dial,
        probe: &mut EndpointProbe,
    ) -> TrialVerdict {
        let Ok(line) = dial.open(self.step(dial)).await else {
            return TrialVerdict::Skipped { reason: "the gateway took no further connection".into() };
        };
        let seen = self.shake(dial, line, Ask::Secret(sealed), &[]).await;
        if let Verdict::HelloOk(hello) = &seen.verdict {
            learn(probe, hello);
        }
        let told = probe.release();
        let release = told.as_ref().or(self.request.release.as_ref());
        let verdict = trials::judge(kind, &seen, release);
        if !matches!(verdict, TrialVerdict::Accepted | TrialVerdict::Skipped { .. }) {
            self.budget.spend(Instant::now());
        }
        if let (Some(mode), None) = (trials::mode_shown(kind, &verdict, release), probe.auth_mode.known()) {
            probe.auth_mode = Fact::Known(mode);
        }
        verdict
    }

    /// Asks for the protocol number where no accepted handshake told it.
    async fn protocol(&mut self, dial: &Dial, probe: &mut EndpointProbe) {
        let answered = matches!(
            probe.handshake.known().map(|seen| &seen.verdict),
            Some(Verdict::Refused(refusal)) if !matches!(refusal.kind, RefusalKind::Starting | RefusalKind::RateLimited)
        );
        if !answered || probe.protocol.known().is_some() {
            return;
        }
        let Ok(line) = dial.open(self.step(dial)).await else { return };
        let seen = self.shake(dial, line, Ask::Protocol, &[]).await;
        if let Verdict::Refused(refusal) = seen.verdict
            && let Some(expected) = refusal.expected_protocol
        {
            probe.protocol = Fact::Known(expected);
        }
    }

    /// Finds out what a forwarding header does, without a secret.
    async fn header_test(&mut self, dial: &Dial) -> ProxyHeaderTest {
        let outcome = match dial.open(self.step(dial)).await {
            Err(_) => ProxyOutcome::Other { what: "the gateway took no further connection".into() },
            Ok(line) => {
                let seen = self.shake(dial, line, Ask::Hello, &[ADDED_HEADER]).await;
                match &seen.verdict {
                    Verdict::Http(HttpSeen { page: Page::ProxyAttributionRequired, .. }) => {
                        ProxyOutcome::RefusedUnattributed
                    }
                    _ if seen.challenge_ms.is_some() => ProxyOutcome::Passed,
                    Verdict::Http(answer) => ProxyOutcome::Other { what: format!("HTTP {:?}", answer.status) },
                    other => ProxyOutcome::Other { what: format!("{other:?}") },
                }
            }
        };
        let http = self.pages(dial, &[ADDED_HEADER]).await;
        ProxyHeaderTest {
            url: dial.endpoint.to_string(),
            header: format!("{}: {}", ADDED_HEADER.0, ADDED_HEADER.1),
            outcome,
            counts_as_local: local::from_http(&http, is_loopback(dial.address.ip())),
        }
    }

    async fn shake(&mut self, dial: &Dial, line: Line, ask: Ask, headers: &[(&str, &str)]) -> HandshakeSeen {
        let (proof, remote) = (self.proof, self.request.remote);
        let prove = |connection: &Connection| may_send(connection, proof, remote);
        let limits = Limits { total: self.left(Limits::default().total), ..Limits::default() };
        let seen = talk::shake(dial, line, Question { ask, headers, limits, prove: &prove }).await;
        if seen.challenge_ms.is_some() && !matches!(seen.verdict, Verdict::HelloOk(_)) {
            self.refused += 1;
        }
        seen
    }

    /// A step's limit at an address, or what is left of the whole.
    fn step(&self, dial: &Dial) -> Duration {
        self.left(if is_loopback(dial.address.ip()) { STEP_LOOPBACK } else { STEP_REMOTE })
    }

    fn left(&self, most: Duration) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).min(most)
    }

    fn notes(&self, facts: &ProbeFacts) -> Vec<String> {
        let mut notes = Vec::new();
        if self.refused > 0 {
            notes.push(format!(
                "This probe left lines in the gateway's log for {} refused handshake{}: `closed before connect` with \
                 ua={USER_AGENT}, some beside `unauthorized` or `protocol mismatch` of client=openclaw-doctor probe.",
                self.refused,
                if self.refused == 1 { "" } else { "s" }
            ));
        }
        if facts.proxy_headers.as_ref().is_some_and(|test| test.outcome == ProxyOutcome::RefusedUnattributed) {
            notes.push(
                "The test with a forwarding header used up the one warning about unattributable proxy traffic that this \
                 gateway logs in each run; later refusals leave no line."
                    .to_owned(),
            );
        }
        notes
    }
}

/// Two loopback addresses of one port belong to one gateway.
fn same_gateway(a: &EndpointProbe, b: &EndpointProbe) -> bool {
    let plain = |probe: &EndpointProbe| probe.address.as_ref().and_then(|address| address.plain().copied());
    match (plain(a), plain(b)) {
        (Some(a), Some(b)) => a.port() == b.port() && is_loopback(a.ip()) && is_loopback(b.ip()),
        _ => false,
    }
}
