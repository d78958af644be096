//! The handshake as a state machine: what it may send, when it ends, and that nothing makes it hang or panic.

use super::fake::frames;
use crate::model::Secret;
use crate::probe::facts::{HandshakeSeen, HttpSeen, Page, RefusalKind, Stage, Verdict};
use crate::probe::proof::ProvenListener;
use crate::probe::protocol::{Ask, Handshake, Input, Limits, SealedSecret, SecretUse, Step};
use crate::probe::trust::TrustedChannel;
use proptest::prelude::*;
use std::time::Duration;

const SECRET: &str = "a secret that must stay";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn channel() -> TrustedChannel {
    TrustedChannel::of_listener(ProvenListener::new(1, 1000, 1, "/usr/bin/node"))
}

fn secret(presented: SecretUse) -> Ask {
    Ask::Secret(SealedSecret::new(Secret::new(SECRET), presented))
}

fn text(text: &str) -> Input<'_> {
    Input::Text { text, wall_ms: 0 }
}

/// Feeds a capture of a real gateway, each frame 10 ms after the other.
fn replay(release: &str, name: &str, ask: Ask) -> HandshakeSeen {
    let mut machine = Handshake::new(ask, Limits::default());
    let mut now = ms(5);
    let mut step = machine.on(Input::Opened, now);
    for line in frames(release, name) {
        now += ms(10);
        if let Some((code, reason)) = line.strip_prefix("close ").and_then(|rest| rest.split_once(' ')) {
            step = machine.on(Input::Close { code: code.parse().expect("a code"), reason }, now);
        } else {
            step = machine.on(text(&line), now);
        }
        if matches!(step, Step::ProveFarEnd) {
            step = machine.trust(&channel(), now);
        }
        if matches!(step, Step::HangUp) {
            break;
        }
    }
    assert!(machine.is_over(), "{release} {name}: {step:?}");
    machine.into_seen()
}

#[test]
fn captures_of_real_gateways_come_to_their_verdicts() {
    for (release, protocol) in [("2026.1.24-3", 3), ("2026.2.19", 3), ("2026.6.11", 4), ("2026.9.6", 4)] {
        let seen = replay(release, "no-auth.frames", Ask::Hello);
        let Verdict::Refused(refusal) = &seen.verdict else { panic!("{seen:?}") };
        assert_eq!(refusal.kind, RefusalKind::DeviceRequired);
        assert_eq!((seen.challenge_ms, seen.answer_ms), (Some(10), Some(10)));
        assert_eq!(seen.close.map(|close| close.code), Some(1008));
        assert!(seen.clock_skew_ms.is_some_and(|skew| skew > 1_700_000_000_000));

        let seen = replay(release, "right-token.frames", secret(SecretUse::Token));
        let Verdict::HelloOk(hello) = &seen.verdict else { panic!("{seen:?}") };
        assert_eq!(hello.protocol, Some(protocol));

        let seen = replay(release, "protocol-1000.frames", Ask::Protocol);
        let Verdict::Refused(refusal) = &seen.verdict else { panic!("{seen:?}") };
        assert_eq!(refusal.expected_protocol, Some(protocol));
        assert_eq!(seen.close.map(|close| close.code), Some(1002));
    }
}

/// Everything that may be in a request: the members that every release accepts, and never a device.
#[test]
fn no_request_holds_a_device_or_an_unknown_member() {
    let asks = [
        (Ask::Hello, None),
        (Ask::Protocol, None),
        (secret(SecretUse::Token), Some(serde_json::json!({"token": SECRET}))),
        (secret(SecretUse::Password), Some(serde_json::json!({"password": SECRET}))),
        (secret(SecretUse::PasswordBesideToken), Some(serde_json::json!({"token": "-", "password": SECRET}))),
    ];
    for (ask, auth) in asks {
        let mut machine = Handshake::new(ask, Limits::default());
        machine.on(Input::Opened, ms(0));
        let mut step = machine.on(text(&frames("2026.2.19", "no-auth.frames")[0]), ms(1));
        if matches!(step, Step::ProveFarEnd) {
            step = machine.trust(&channel(), ms(2));
        }
        let Step::Send(frame) = step else { panic!("{step:?}") };
        assert_eq!(format!("{frame:?}"), "ConnectFrame(…)");
        let wire = frame.into_wire();
        assert!(!wire.contains("device\""), "{wire}");
        let request: serde_json::Value = serde_json::from_str(&wire).expect("JSON");
        let params = request["params"].as_object().expect("params");
        for name in params.keys() {
            assert!(
                ["minProtocol", "maxProtocol", "client", "role", "scopes", "caps", "auth"].contains(&name.as_str()),
                "{name}"
            );
        }
        assert_eq!(params.get("auth"), auth.as_ref());
        assert_eq!((&params["client"]["id"], &params["client"]["mode"]), (&"cli".into(), &"cli".into()));
    }
}

#[test]
fn a_secret_waits_for_the_proof_and_stays_without_it() {
    let mut machine = Handshake::new(secret(SecretUse::Token), Limits::default());
    machine.on(Input::Opened, ms(0));
    let step = machine.on(text(&frames("2026.9.6", "no-auth.frames")[0]), ms(1));
    assert!(matches!(step, Step::ProveFarEnd));
    assert!(matches!(machine.withhold("listener not proven: …"), Step::HangUp));
    assert!(matches!(machine.trust(&channel(), ms(2)), Step::Wait), "too late for a proof");
    let seen = machine.into_seen();
    assert_eq!(seen.verdict, Verdict::Withheld { reason: "listener not proven: …".into() });
}

#[test]
fn store_trouble_a_start_and_silence_are_told_apart() {
    let after_request = |input: Input<'_>, at: Duration| {
        let mut machine = Handshake::new(Ask::Hello, Limits::default());
        machine.on(Input::Opened, ms(0));
        machine.on(text(&frames("2026.9.6", "no-auth.frames")[0]), ms(1));
        machine.on(input, at);
        machine.into_seen()
    };
    let seen = after_request(Input::Close { code: 1000, reason: "" }, ms(9));
    assert_eq!(seen.verdict, Verdict::Closed { waiting_for: Stage::Answer });
    assert_eq!(seen.close.map(|close| (close.code, close.reason)), Some((1000, String::new())));
    let seen = after_request(Input::Close { code: 1013, reason: "gateway starting" }, ms(9));
    assert!(matches!(seen.verdict, Verdict::Refused(refusal) if refusal.kind == RefusalKind::Starting));
    assert_eq!(after_request(Input::Ended, ms(9)).verdict, Verdict::Closed { waiting_for: Stage::Answer });
    assert_eq!(after_request(Input::Tick, ms(10_000)).verdict, Verdict::TimedOut { waiting_for: Stage::Answer });
}

#[test]
fn answers_before_the_challenge_are_nobodys() {
    let mut machine = Handshake::new(Ask::Hello, Limits::default());
    machine.on(Input::Opened, ms(0));
    machine.on(text(&frames("2026.9.6", "right-token.frames")[1]), ms(1));
    assert!(matches!(machine.into_seen().verdict, Verdict::NotTheProtocol { waiting_for: Stage::Challenge, .. }));
}

#[derive(Debug, Clone)]
enum Event {
    Opened,
    Http,
    Text(String),
    Binary(usize),
    Control(usize),
    Close(u16, String),
    Ended,
    Broken,
    Tick,
    Trust,
    Withhold,
}

fn event() -> impl Strategy<Value = Event> {
    let lines: Vec<String> = ["no-auth.frames", "wrong-token.frames", "right-token.frames", "protocol-1000.frames"]
        .iter()
        .flat_map(|name| frames("2026.9.6", name))
        .filter(|line| line.starts_with('{') && line.len() < 2000)
        .collect();
    prop_oneof![
        Just(Event::Opened),
        Just(Event::Http),
        prop::sample::select(lines).prop_map(Event::Text),
        ".{0,60}".prop_map(Event::Text),
        any::<usize>().prop_map(Event::Binary),
        (0..200usize).prop_map(Event::Control),
        (any::<u16>(), ".{0,40}").prop_map(|(code, reason)| Event::Close(code, reason)),
        Just(Event::Ended),
        Just(Event::Broken),
        Just(Event::Tick),
        Just(Event::Trust),
        Just(Event::Withhold),
    ]
}

proptest! {
    /// Whatever comes: at most one request is sent, a secret never without a proof, the machine ends at its limit, and
    /// stays ended.
    #[test]
    fn any_order_of_events_is_survived(
        with_secret in any::<bool>(),
        events in prop::collection::vec((event(), 0..400u64), 0..80),
    ) {
        let ask = if with_secret { secret(SecretUse::Token) } else { Ask::Hello };
        let limits = Limits::default();
        let mut machine = Handshake::new(ask, limits);
        let (mut now, mut sent, mut trusted) = (Duration::ZERO, 0, false);
        for (event, later) in events {
            now += ms(later);
            let was_over = machine.is_over();
            let page = Page::Unrecognised { what: String::new() };
            let step = match &event {
                Event::Opened => machine.on(Input::Opened, now),
                Event::Http => machine.on(Input::Http(HttpSeen { path: "/".into(), status: Some(200), page, ms: 0 }), now),
                Event::Text(line) => machine.on(text(line), now),
                Event::Binary(size) => machine.on(Input::Binary(*size), now),
                Event::Control(size) => machine.on(Input::Control(*size), now),
                Event::Close(code, reason) => machine.on(Input::Close { code: *code, reason }, now),
                Event::Ended => machine.on(Input::Ended, now),
                Event::Broken => machine.on(Input::Broken("broken"), now),
                Event::Tick => machine.on(Input::Tick, now),
                Event::Trust => {
                    trusted = true;
                    machine.trust(&channel(), now)
                }
                Event::Withhold => machine.withhold("no"),
            };
            if let Step::Send(frame) = step {
                sent += 1;
                prop_assert!(!frame.into_wire().contains(SECRET) || trusted);
                prop_assert!(!was_over);
            }
            prop_assert!(sent <= 1);
            prop_assert!(machine.is_over() || now < limits.total);
            prop_assert!(!was_over || machine.is_over());
        }
        machine.on(Input::Tick, limits.total);
        prop_assert!(machine.is_over());
    }
}
