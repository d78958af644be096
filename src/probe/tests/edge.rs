//! Whole probes against replayed gateways, over real sockets on loopback.

use super::fake::{Fake, RIGHT, frames, listen};
use super::{Trusting, probe, request, secrets};
use crate::model::Fact;
use crate::model::secret::SecretKind::{self, GatewayPassword, GatewayToken};
use crate::probe::facts::{AuthMode, Connect, Identity, ProxyOutcome, TrialVerdict, Verdict};
use crate::probe::proof::{ListenerProof, NotProven, ProvenListener};
use crate::probe::{AttemptBudget, run};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

#[test]
fn a_2026_9_6_gateway_tells_everything_to_the_right_token() {
    let fake = Fake::replaying("2026.9.6", "127.0.0.1:0");
    let facts = probe(&request(&[&fake.url()], &secrets(&[(GatewayToken, "wrong"), (GatewayToken, RIGHT)])));
    let seen = &facts.endpoints[0];
    assert!(seen.is_openclaw.is_yes(), "{seen:?}");
    assert!(matches!(seen.connect, Connect::Connected { .. }));
    assert_eq!(seen.family(), Some("IPv4"));
    assert_eq!(seen.server_version, Fact::Known("2026.9.6".into()));
    assert_eq!(seen.protocol, Fact::Known(4));
    assert_eq!(seen.auth_mode, Fact::Known(AuthMode::Token));
    assert_eq!(seen.counts_as_local.known().map(|locality| locality.local), Some(true));
    assert_eq!(seen.state_dir.known().map(ToString::to_string).as_deref(), Some("/home/probe96/.openclaw"));
    assert!(seen.clock_skew_ms.known().is_some());
    let verdicts: Vec<_> = facts.tokens.iter().map(|trial| &trial.verdict).collect();
    assert_eq!(verdicts, [&TrialVerdict::Mismatch, &TrialVerdict::Accepted]);
    assert!(facts.notes.iter().any(|note| note.contains("2 refused handshakes")), "{:?}", facts.notes);
    let json = serde_json::to_string(&facts).expect("JSON");
    assert!(!json.contains(RIGHT));
    assert_eq!(serde_json::from_str::<crate::probe::ProbeFacts>(&json).expect("read back"), facts);
}

#[test]
fn a_2026_2_19_gateway_is_recognised_by_its_handshake() {
    let fake = Fake::replaying("2026.2.19", "127.0.0.1:0");
    let facts = probe(&request(&[&fake.url()], &secrets(&[(GatewayToken, RIGHT), (GatewayPassword, "wrong")])));
    let seen = &facts.endpoints[0];
    assert!(seen.is_openclaw.is_yes());
    assert_eq!(seen.protocol, Fact::Known(3));
    assert_eq!(seen.server_version, Fact::Known("dev".into()));
    assert!(seen.counts_as_local.why_unknown().is_some());
    assert_eq!(facts.tokens[0].verdict, TrialVerdict::Accepted);
    assert_eq!(facts.tokens[1].verdict, TrialVerdict::OtherMode { wants: AuthMode::Token });
}

/// Between the two: the scopes say nothing, `/readyz` does.
#[test]
fn a_2026_6_11_gateway_tells_its_release_and_by_http_whether_we_are_local() {
    let fake = Fake::replaying("2026.6.11", "127.0.0.1:0");
    let mut request = request(&[&fake.url()], &secrets(&[(GatewayToken, RIGHT)]));
    request.proxy_headers = true;
    let facts = probe(&request);
    let seen = &facts.endpoints[0];
    assert_eq!(seen.release().map(|release| release.to_string()).as_deref(), Some("2026.6.11"));
    let locality = seen.counts_as_local.known().expect("told by /readyz");
    assert!(locality.local && locality.evidence.contains("/readyz"), "{locality:?}");
    assert!(seen.state_dir.why_unknown().is_some_and(|why| why.reason.contains("does not tell")));
    let test = facts.proxy_headers.expect("the test");
    assert_eq!(test.outcome, ProxyOutcome::Passed);
    assert_eq!(test.counts_as_local.known().map(|locality| locality.local), Some(false));
}

#[test]
fn without_a_right_secret_the_protocol_is_asked_for() {
    let fake = Fake::replaying("2026.2.19", "127.0.0.1:0");
    let facts = probe(&request(&[&fake.url()], &[]));
    assert_eq!(facts.endpoints[0].protocol, Fact::Known(3));
    assert_eq!(fake.count("\"minProtocol\":1000"), 1);
}

#[test]
fn a_secret_is_tried_once_at_the_addresses_of_one_gateway() {
    let Ok(v6) = TcpListener::bind("[::1]:0") else {
        println!("skipped: this host has no ::1");
        return;
    };
    let port = v6.local_addr().expect("an address").port();
    drop(v6);
    let first = Fake::replaying("2026.9.6", &format!("[::1]:{port}"));
    let second = Fake::replaying("2026.9.6", &format!("127.0.0.1:{port}"));
    let facts =
        probe(&request(&[&first.url(), &second.url()], &secrets(&[(GatewayToken, "wrong"), (GatewayToken, RIGHT)])));
    assert_eq!(facts.endpoints[0].family(), Some("IPv6"));
    assert!(facts.endpoints.iter().all(|seen| seen.is_openclaw.is_yes()));
    assert_eq!(facts.tokens.len(), 2);
    assert_eq!(first.count("\"auth\""), 2);
    assert_eq!(second.count("\"auth\""), 0);
}

#[test]
fn a_forwarding_header_is_tested_only_when_asked_for() {
    for (release, outcome) in [("2026.9.6", ProxyOutcome::RefusedUnattributed), ("2026.2.19", ProxyOutcome::Passed)] {
        let fake = Fake::replaying(release, "127.0.0.1:0");
        let mut request = request(&[&fake.url()], &[]);
        assert_eq!(probe(&request).proxy_headers, None);
        assert_eq!(fake.count("X-Forwarded-For"), 0);
        request.proxy_headers = true;
        assert_eq!(probe(&request).proxy_headers.map(|test| test.outcome), Some(outcome), "{release}");
    }
}

#[test]
fn refused_and_silent_ports_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("ws://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let facts = probe(&request(&[&url], &secrets(&[(GatewayToken, "some")])));
    assert_eq!(facts.endpoints[0].connect, Connect::Refused);
    assert!(
        matches!(&facts.tokens[0].verdict, TrialVerdict::Skipped { reason } if reason.contains("no OpenClaw gateway"))
    );

    let full = super::fake::full_backlog();
    let mut request = request(&[&format!("ws://{}", full.address)], &[]);
    request.time_limit = Duration::from_millis(600);
    let facts = probe(&request);
    assert!(
        matches!(facts.endpoints[0].connect, Connect::Filtered { waited_ms: 1.. }),
        "{:?}",
        facts.endpoints[0].connect
    );
    assert!(matches!(facts.endpoints[0].is_openclaw, Identity::Unknown { .. }));
}

#[test]
fn remote_addresses_are_not_dialled_without_being_asked() {
    let facts =
        probe(&request(&["ws://192.0.2.1:18789", "wss://gateway.invalid"], &secrets(&[(GatewayToken, "some")])));
    for seen in &facts.endpoints {
        assert!(matches!(seen.connect, Connect::NotTried { .. }), "{seen:?}");
    }
    assert!(facts.tokens.iter().all(|trial| matches!(trial.verdict, TrialVerdict::Skipped { .. })));
}

/// Proves nothing, as for a listener of another account.
struct Unproven;

impl ListenerProof for Unproven {
    fn prove(&self, _: SocketAddr, _: SocketAddr) -> Result<ProvenListener, NotProven> {
        Err(NotProven::SocketOwner { found: 1001, expected: 1000 })
    }
}

#[test]
fn an_unproven_listener_gets_no_byte_of_a_secret() {
    let fake = Fake::replaying("2026.9.6", "127.0.0.1:0");
    let request =
        request(&[&fake.url()], &secrets(&[(GatewayToken, RIGHT), (GatewayPassword, "a-password-of-somebody")]));
    let facts = run(&request, &Unproven, &mut AttemptBudget::default());
    assert!(facts.endpoints[0].is_openclaw.is_yes(), "the impostor's challenge is perfect");
    for trial in &facts.tokens {
        let TrialVerdict::Skipped { reason } = &trial.verdict else { panic!("{trial:?}") };
        assert!(reason.starts_with("listener not proven: "), "{reason}");
    }
    assert!(!fake.has_received(RIGHT.as_bytes()) && !fake.has_received(b"a-password-of-somebody"));
    assert_eq!(fake.count("\"auth\""), 0);
    assert_eq!(fake.count("Upgrade: websocket"), 3, "one for the greeting, one for the proof, one for the protocol");
}

#[test]
fn wrong_secrets_stay_below_the_limiter_over_several_runs() {
    let fake = Fake::replaying("2026.9.6", "127.0.0.1:0");
    let values: Vec<(SecretKind, String)> = (0..6).map(|number| (GatewayToken, format!("wrong-{number}"))).collect();
    let values: Vec<(SecretKind, &str)> = values.iter().map(|(kind, value)| (*kind, value.as_str())).collect();
    let request = request(&[&fake.url()], &secrets(&values));
    let mut budget = AttemptBudget::default();
    let facts = run(&request, &Trusting, &mut budget);
    assert_eq!(facts.tokens.iter().filter(|trial| trial.verdict == TrialVerdict::Mismatch).count(), 3);
    let again = run(&request, &Trusting, &mut budget);
    assert!(again.tokens.iter().all(|trial| matches!(trial.verdict, TrialVerdict::Skipped { .. })));
    assert_eq!(fake.count("\"auth\""), 3);
}

#[test]
fn a_closed_limiter_ends_the_trials() {
    let fake = Fake::web_socket(|mut socket| {
        let _ = socket.send(Message::text(frames("2026.9.6", "no-auth.frames").remove(0)));
        let Ok(Message::Text(asked)) = socket.read() else { return };
        let answer = if asked.contains("\"auth\"") {
            r#"{"type":"res","id":"openclaw-doctor-1","ok":false,"error":{"code":"INVALID_REQUEST","message":"unauthorized: too many failed authentication attempts (retry later)","details":{"code":"AUTH_RATE_LIMITED","authReason":"rate_limited"}}}"#.to_owned()
        } else {
            frames("2026.9.6", "no-auth.frames").remove(1)
        };
        let _ = socket.send(Message::text(answer));
        let _ = socket.close(None);
        listen(&mut socket);
    });
    let facts = probe(&request(&[&fake.url()], &secrets(&[(GatewayToken, "one"), (GatewayToken, "two")])));
    assert_eq!(facts.tokens[0].verdict, TrialVerdict::RateLimited);
    assert!(matches!(facts.tokens[1].verdict, TrialVerdict::Skipped { .. }));
}

#[test]
fn a_starting_gateway_is_given_no_secret() {
    let fake = Fake::web_socket(|mut socket| {
        let _ = socket.send(Message::text(frames("2026.9.6", "starting.frames").remove(0)));
        let _ = socket.read();
        let _ = socket.send(Message::text(frames("2026.9.6", "starting.frames").remove(1)));
        listen(&mut socket);
    });
    let facts = probe(&request(&[&fake.url()], &secrets(&[(GatewayToken, "some-token-value")])));
    assert!(matches!(&facts.tokens[0].verdict, TrialVerdict::Skipped { reason } if reason.contains("starting")));
    assert!(!fake.has_received(b"some-token-value"));
}

#[test]
fn other_kinds_of_secrets_and_blanks_are_never_sent() {
    let fake = Fake::replaying("2026.9.6", "127.0.0.1:0");
    let facts =
        probe(&request(&[&fake.url()], &secrets(&[(SecretKind::DeviceToken, "a-device-token"), (GatewayToken, " ")])));
    assert!(facts.tokens.iter().all(|trial| matches!(trial.verdict, TrialVerdict::Skipped { .. })));
    assert_eq!(fake.count("\"auth\""), 0);
}

#[test]
fn a_store_that_cannot_be_read_shows_as_a_bare_close() {
    let fake = Fake::web_socket(|mut socket| {
        let _ = socket.send(Message::text(frames("2026.2.19", "no-auth.frames").remove(0)));
        let _ = socket.read();
        let close = tokio_tungstenite::tungstenite::protocol::CloseFrame { code: 1000.into(), reason: "".into() };
        let _ = socket.close(Some(close));
        listen(&mut socket);
    });
    let facts = probe(&request(&[&fake.url()], &[]));
    let seen = facts.endpoints[0].handshake.known().expect("a handshake");
    assert!(matches!(seen.verdict, Verdict::Closed { .. }), "{seen:?}");
    assert_eq!(seen.close.as_ref().map(|close| (close.code, close.reason.as_str())), Some((1000, "")));
}
