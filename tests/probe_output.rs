//! What `probe` prints and which exit code it has, from facts that it learnt on real gateways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use openclaw_doctor::cli::Exit;
use openclaw_doctor::cli::probe::{ProbeArgs, exit_of, text_of};
use openclaw_doctor::model::Fact;
use openclaw_doctor::probe::ProbeFacts;
use openclaw_doctor::probe::facts::{Connect, Identity, TrialVerdict, Verdict};

fn facts(release: &str) -> ProbeFacts {
    let path = format!("{}/fixtures/protocol/{release}/facts.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("a capture")).expect("facts")
}

fn text(facts: &ProbeFacts) -> String {
    text_of(facts, 100)
}

#[test]
fn a_2026_9_6_gateway_in_words() {
    insta::assert_snapshot!(text(&facts("2026.9.6")));
}

#[test]
fn a_2026_2_19_gateway_in_words() {
    insta::assert_snapshot!(text(&facts("2026.2.19")));
}

#[test]
fn exit_codes_follow_what_was_learnt() {
    let mut seen = facts("2026.9.6");
    assert_eq!(exit_of(&seen), Exit::Found, "a wrong token is held");
    seen.tokens.retain(|trial| trial.verdict == TrialVerdict::Accepted);
    assert_eq!(exit_of(&seen), Exit::Ok);
    let mut trouble = seen.clone();
    for endpoint in &mut trouble.endpoints {
        let Fact::Known(handshake) = &mut endpoint.handshake else { panic!("{endpoint:?}") };
        handshake.verdict = Verdict::Closed { waiting_for: openclaw_doctor::probe::facts::Stage::Answer };
    }
    assert_eq!(exit_of(&trouble), Exit::Found, "the gateway can't read its store");
    let mut refused = seen.clone();
    for endpoint in &mut refused.endpoints {
        endpoint.connect = Connect::Refused;
        endpoint.is_openclaw = Identity::Unknown { reason: "nothing listens there".into() };
    }
    assert_eq!(exit_of(&refused), Exit::Found, "no gateway runs");
    for endpoint in &mut refused.endpoints {
        endpoint.connect = Connect::Filtered { waited_ms: 2000 };
    }
    assert_eq!(exit_of(&refused), Exit::Inconclusive);
    assert_eq!(exit_of(&ProbeFacts::default()), Exit::Inconclusive);
}

#[test]
fn what_strangers_send_does_not_steer_a_terminal() {
    let mut seen = facts("2026.9.6");
    seen.endpoints[0].server_version = Fact::Known("\u{1b}]0;owned\u{7}\u{202e}".into());
    seen.endpoints[0].is_openclaw = Identity::Yes { evidence: "a\r\nb\u{9b}31m".into() };
    let text = text(&seen);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r', '\u{9b}']), "{text:?}");
}

#[test]
fn addresses_beyond_loopback_need_remote() {
    let args = |url: &str, remote| ProbeArgs { url: Some(url.into()), remote, ..ProbeArgs::default() };
    assert!(args("ws://127.0.0.1:18789", false).endpoint().expect("loopback").is_some());
    assert_eq!(args("wss://gateway.example", false).endpoint().expect_err("remote").kind, "usage");
    assert!(args("wss://gateway.example", true).endpoint().is_ok());
    assert!(
        args("ws://user:secret@127.0.0.1:1", false)
            .endpoint()
            .is_err_and(|failure| !failure.message.contains("secret"))
    );
    assert_eq!(ProbeArgs::default().endpoint().expect("none"), None);
}
