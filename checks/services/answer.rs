//! # What answers on the gateway's port
//!
//! ## What it finds
//! A port that accepts connections but answers as something else than OpenClaw, does not answer in time, closes without
//! an answer, is still starting, speaks another protocol than this program, or wants TLS where the configuration has none.
//!
//! ## Why it locks you out
//! Clients wait 3 to 15 seconds for the gateway's first words, by release. What comes later than that, or from another
//! program, ends as `gateway closed (1000)` or `(1006)`, which is easily taken for a pairing problem.
//!
//! ## How to read the evidence
//! The doctor connected to 127.0.0.1 and ::1 without any device, which no release stores. Its lines in the gateway's log
//! carry `ua=openclaw-doctor/…`. `--no-probe` leaves this check out.
//!
//! ## How to be sure by hand
//! `openclaw-doctor probe` shows every answer; `curl -s http://127.0.0.1:18789/healthz` answers from 2026.3.1.
//!
//! ## What the fix does
//! Nothing: which program must give way, or what keeps the gateway busy, is for a person to see.
//!
//! ## Since and until
//! All releases. `still starting` is said from 2026.4.29; before, a gateway that starts does not listen yet.

use super::units;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Unknown};
use crate::probe::facts::{Connect, EndpointProbe, Identity, Page, Refusal, RefusalKind, Verdict};
use crate::snapshot::process::ProcessRole;

/// See the module's documentation.
#[derive(Debug)]
pub struct Answer;

const FOREIGN: &str = "foreign-answer";
const SILENT: &str = "gateway-silent";
const STARTING: &str = "gateway-still-starting";
const SLOW: &str = "gateway-slow-challenge";
const CLOSED: &str = "gateway-closed-unanswered";
const TLS: &str = "gateway-wants-tls";
const PROTOCOL: &str = "gateway-protocol-unknown";

/// The shortest window in which a client wants the challenge: 3 seconds, of 2026.3.13 (pairing-by-release 4.1).
const SHORTEST_WINDOW_MS: u64 = 3_000;

impl Check for Answer {
    fn id(&self) -> &'static str {
        "gateway-answer"
    }

    fn area(&self) -> Area {
        Area::Services
    }

    fn source(&self) -> &'static str {
        "services/answer"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const BUSY: Option<Cause> = Some(Cause::HandshakeTimeout);
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(FOREIGN, Cause::PortConflict, "Something that is no gateway answers on the gateway's port"),
            CodeSpec::error(SILENT, Cause::HandshakeTimeout, "The gateway accepts connections and does not answer"),
            CodeSpec::warning(STARTING, BUSY, "The gateway says that it is still starting"),
            CodeSpec::warning(SLOW, BUSY, "The gateway's first words came later than some clients wait"),
            CodeSpec::warning(CLOSED, None, "The gateway closed the connection without an answer"),
            CodeSpec::warning(TLS, Some(Cause::ConfigInvalid), "The port wants TLS, and the configuration has none"),
            CodeSpec::info(PROTOCOL, None, "The gateway speaks a protocol that this program does not know"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Probe, Subject::Services, Subject::Listeners, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if context.uses_remote_gateway() {
            return Ok(Vec::new());
        }
        let probe = match &context.snapshot.probe {
            Fact::Known(probe) => probe,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        // The second loopback address of a gateway that answered on the first one tells nothing more.
        if let Some(gateway) = probe.endpoints.iter().find(|seen| seen.is_openclaw.is_yes()) {
            return Ok(self.of_gateway(context, gateway).into_iter().collect());
        }
        let connected = probe.endpoints.iter().filter(|seen| matches!(seen.connect, Connect::Connected { .. }));
        Ok(connected.filter_map(|seen| self.of_unknown(context, seen)).take(1).collect())
    }
}

impl Answer {
    fn of_gateway(&self, context: &Context<'_>, seen: &EndpointProbe) -> Option<Finding> {
        let handshake = seen.handshake.known()?;
        let ms = handshake.challenge_ms.unwrap_or_default();
        match &handshake.verdict {
            Verdict::Refused(Refusal { kind: RefusalKind::Starting, message, .. }) => {
                let message = format!("The gateway is still starting (it says `{message}`)");
                let finding = self.found(context, STARTING, seen, Certainty::Possible, message);
                Some(finding.hint("Wait a minute and check again: `openclaw-doctor check --wait 3m`"))
            }
            Verdict::Refused(Refusal { kind: RefusalKind::ProtocolMismatch, .. }) => {
                let message =
                    "The gateway speaks a protocol that this program does not know; it is newer than the doctor";
                Some(self.found(context, PROTOCOL, seen, Certainty::Certain, message.to_owned()))
            }
            Verdict::TimedOut { waiting_for } => {
                let message = format!("The gateway accepted the connection and did not send {waiting_for} in time");
                Some(self.found(context, SILENT, seen, Certainty::Likely, message).hint(LOAD))
            }
            Verdict::Closed { waiting_for } => {
                let close = handshake.close.as_ref();
                let words =
                    close.map(|close| format!(" (code {}, `{}`)", close.code, close.reason)).unwrap_or_default();
                let message = format!(
                    "The gateway closed the connection instead of sending {waiting_for}{words}: it could not read its \
                     own state, or ran out of time"
                );
                Some(self.found(context, CLOSED, seen, Certainty::Possible, message))
            }
            _ if ms >= SHORTEST_WINDOW_MS => {
                let message =
                    format!("The gateway needed {ms} ms for its first words; some clients wait only 3,000 ms");
                Some(self.found(context, SLOW, seen, Certainty::Possible, message).hint(LOAD))
            }
            _ => None,
        }
    }

    /// Something listens, and nothing says that it is a gateway.
    fn of_unknown(&self, context: &Context<'_>, seen: &EndpointProbe) -> Option<Finding> {
        if seen.http.iter().any(|answer| answer.page == Page::WantsTls) {
            let message = format!("{} wants TLS, and gateway.tls is not enabled in the configuration", seen.url);
            let finding = self.found(context, TLS, seen, Certainty::Possible, message).at(&context.config().path);
            return Some(finding.hint(
                "If the gateway runs there, it has read another configuration than this one: restart it, or look at its \
                 unit's OPENCLAW_CONFIG_PATH",
            ));
        }
        let is_gateway = self.listener_is_gateway(context, seen);
        match &seen.is_openclaw {
            Identity::No { evidence } if !is_gateway => {
                let message = format!("What answers at {} is no OpenClaw gateway: {evidence}", seen.url);
                let finding = self.found(context, FOREIGN, seen, Certainty::Likely, message);
                Some(finding.hint("See which program it is: `sudo ss -ltnp` lists it beside the port"))
            }
            _ if is_gateway => {
                let message = format!("The gateway accepts connections at {} and does not answer them", seen.url);
                Some(self.found(context, SILENT, seen, Certainty::Likely, message).hint(LOAD))
            }
            _ => None,
        }
    }

    /// Whether the kernel says that the socket behind an address is a gateway process's.
    fn listener_is_gateway(&self, context: &Context<'_>, seen: &EndpointProbe) -> bool {
        let address = seen.address.as_ref().and_then(|address| address.plain());
        let port = address.map_or_else(|| units::gateway_port(context), |address| address.port());
        let listeners = context.snapshot.listeners.known();
        listeners.into_iter().flat_map(|listeners| listeners.on(port)).any(|listener| {
            listener
                .owner
                .known()
                .is_some_and(|owner| matches!(owner.role, Some(ProcessRole::Gateway | ProcessRole::Launcher)))
        })
    }

    fn found(
        &self,
        context: &Context<'_>,
        code: &str,
        seen: &EndpointProbe,
        certainty: Certainty,
        message: String,
    ) -> Finding {
        let mut finding = context.finding(self, code, &seen.url, message);
        finding.certainty = certainty;
        let asked = seen.http.iter().map(|answer| answer.path.as_str()).collect::<Vec<_>>().join(", ");
        let words = match &seen.is_openclaw {
            Identity::Yes { evidence } | Identity::No { evidence } => evidence.clone(),
            Identity::Unknown { reason } => reason.clone(),
        };
        let asked = if asked.is_empty() { String::new() } else { format!(" (asked: WebSocket, {asked})") };
        finding.evidence(Evidence::new(format!("probe of {}: {words}{asked}", seen.url)))
    }
}

const LOAD: &str = "Look at the host's load and memory (`top`), and at the end of the gateway's log; a restart helps where the \
                    gateway hangs";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, detect};
    use crate::probe::ProbeFacts;
    use crate::probe::facts::{CloseSeen, HandshakeSeen, HttpSeen, Stage};
    use crate::snapshot::Snapshot;

    fn handshake(verdict: Verdict, close: Option<CloseSeen>) -> Fact<HandshakeSeen> {
        Fact::Known(HandshakeSeen { challenge_ms: Some(40), answer_ms: None, clock_skew_ms: None, verdict, close })
    }

    fn seen(is_openclaw: Identity, handshake: Fact<HandshakeSeen>) -> EndpointProbe {
        let untold = || Unknown::new(crate::model::UnknownKind::NotCollected, "not told");
        EndpointProbe {
            url: "ws://127.0.0.1:18789".to_owned(),
            address: Some(std::net::SocketAddr::from(([127, 0, 0, 1], 18_789)).into()),
            connect: Connect::Connected { ms: 1 },
            tls: Fact::Absent,
            http: Vec::new(),
            handshake,
            is_openclaw,
            server_version: Fact::Unknown(untold()),
            protocol: Fact::Unknown(untold()),
            auth_mode: Fact::Unknown(untold()),
            counts_as_local: Fact::Unknown(untold()),
            state_dir: Fact::Unknown(untold()),
            config_path: Fact::Unknown(untold()),
            clock_skew_ms: Fact::Unknown(untold()),
        }
    }

    fn yes() -> Identity {
        Identity::Yes { evidence: "it sent a challenge".to_owned() }
    }

    fn with(endpoints: Vec<EndpointProbe>) -> Snapshot {
        let mut snapshot = Lab::new(Some("2026.9.6")).snapshot();
        snapshot.probe = Fact::Known(ProbeFacts { endpoints, ..ProbeFacts::default() });
        snapshot
    }

    fn found(snapshot: &Snapshot) -> Vec<(String, Option<Cause>)> {
        detect(&Answer, snapshot).unwrap().into_iter().map(|finding| (finding.code, finding.cause)).collect()
    }

    fn refused(kind: RefusalKind) -> Fact<HandshakeSeen> {
        let (code, message) = (String::new(), "words".to_owned());
        let refusal = Refusal { kind, code, message, detail: None, reason: None, expected_protocol: None };
        handshake(Verdict::Refused(refusal), None)
    }

    #[test]
    fn a_gateway_that_wants_a_device_is_well() {
        assert!(found(&with(vec![seen(yes(), refused(RefusalKind::DeviceRequired))])).is_empty());
    }

    #[test]
    fn starting_silent_and_closing_gateways_are_told_apart() {
        let starting = with(vec![seen(yes(), refused(RefusalKind::Starting))]);
        assert_eq!(found(&starting), [(STARTING.to_owned(), Some(Cause::HandshakeTimeout))]);
        let silent = with(vec![seen(yes(), handshake(Verdict::TimedOut { waiting_for: Stage::Answer }, None))]);
        assert_eq!(found(&silent), [(SILENT.to_owned(), Some(Cause::HandshakeTimeout))]);
        let close = CloseSeen { code: 1000, reason: String::new() };
        let closed = with(vec![seen(yes(), handshake(Verdict::Closed { waiting_for: Stage::Answer }, Some(close)))]);
        assert_eq!(found(&closed), [(CLOSED.to_owned(), None)]);
    }

    #[test]
    fn another_program_is_named_and_a_port_that_wants_tls_is_not_taken_for_one() {
        let no = || Identity::No { evidence: "an nginx page".to_owned() };
        let unanswered = || Fact::unknown(crate::model::UnknownKind::Failed, "no upgrade");
        let foreign = with(vec![seen(no(), unanswered())]);
        assert_eq!(found(&foreign), [(FOREIGN.to_owned(), Some(Cause::PortConflict))]);
        let mut tls = seen(no(), unanswered());
        tls.http = vec![HttpSeen { path: "/healthz".to_owned(), status: None, page: Page::WantsTls, ms: 1 }];
        assert_eq!(found(&with(vec![tls])), [(TLS.to_owned(), Some(Cause::ConfigInvalid))]);
    }

    #[test]
    fn the_silence_of_a_second_address_says_nothing_beside_a_gateway() {
        let other = seen(Identity::No { evidence: "an nginx page".to_owned() }, refused(RefusalKind::Other));
        assert!(found(&with(vec![other, seen(yes(), refused(RefusalKind::DeviceRequired))])).is_empty());
    }

    #[test]
    fn a_client_of_a_gateway_elsewhere_wants_none_here() {
        let config = r#"{ gateway: { mode: "remote", remote: { url: "wss://gateway.example" } } }"#;
        let mut snapshot = Lab::new(Some("2026.9.6")).file("openclaw.json", config).snapshot();
        let tunnel = seen(Identity::No { evidence: "no HTTP".to_owned() }, refused(RefusalKind::Other));
        snapshot.probe = Fact::Known(ProbeFacts { endpoints: vec![tunnel], ..ProbeFacts::default() });
        snapshot.listeners = Fact::Known(crate::snapshot::listener::ListenerFacts::default());
        for check in
            [&Answer as &dyn Check, &crate::checks::services::running::Running, &crate::checks::ports::holder::Holder]
        {
            assert!(detect(check, &snapshot).unwrap().is_empty(), "{}", check.id());
        }
    }

    #[test]
    fn without_a_probe_nothing_is_said() {
        assert!(detect(&Answer, &Lab::new(Some("2026.9.6")).snapshot()).is_err());
    }
}
