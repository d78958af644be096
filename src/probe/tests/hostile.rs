//! Servers that mean no good: the probe ends in time, uses little, and says what it met.

use super::fake::{Fake, frames, listen, read_request, upgrade};
use super::{probe, request};
use crate::probe::facts::{EndpointProbe, Identity, Page, Stage, Verdict};
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// Probes with a limit of 1 s and holds the probe to it.
fn probe_in_time(url: &str) -> EndpointProbe {
    let mut request = request(&[url], &[]);
    request.time_limit = Duration::from_millis(1000);
    let started = Instant::now();
    let mut facts = probe(&request);
    assert!(started.elapsed() < Duration::from_millis(4000), "{:?}", started.elapsed());
    facts.endpoints.remove(0)
}

fn verdict(seen: &EndpointProbe) -> &Verdict {
    &seen.handshake.known().expect("a handshake").verdict
}

#[test]
fn a_foreign_web_server_is_no_gateway() {
    let fake = Fake::answering(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\n<h1>not openclaw</h1>",
    );
    let seen = probe_in_time(&fake.url());
    let Identity::No { evidence } = &seen.is_openclaw else { panic!("{seen:?}") };
    assert!(evidence.contains("not openclaw"), "{evidence}");
}

#[test]
fn a_proxy_that_answers_for_a_gateway_is_no_proof_against_one() {
    let fake = Fake::answering(b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(probe_in_time(&fake.url()).is_openclaw, Identity::Unknown { .. }));
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Fake::replaying("2026.9.6", "127.0.0.1:0");
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", target.address);
    let fake = Fake::answering(Box::leak(answer.into_boxed_str()).as_bytes());
    probe_in_time(&fake.url());
    assert!(!target.has_received(b"GET"));
}

#[test]
fn an_ssh_server_is_no_gateway() {
    let fake = Fake::start("127.0.0.1:0", |mut wire| {
        let _ = wire.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
        let _ = wire.read(&mut [0; 512]);
    });
    let seen = probe_in_time(&fake.url());
    assert!(matches!(&seen.is_openclaw, Identity::No { evidence } if evidence.contains("SSH-2.0")), "{seen:?}");
    assert!(seen.http.is_empty(), "no page is asked for where no HTTP is spoken");
}

#[test]
fn another_web_socket_server_is_no_gateway() {
    let fake = Fake::web_socket(|mut socket| {
        let _ = socket.send(Message::text(r#"{"op":"hello"}"#));
        listen(&mut socket);
    });
    let seen = probe_in_time(&fake.url());
    assert!(matches!(verdict(&seen), Verdict::NotTheProtocol { waiting_for: Stage::Challenge, .. }));
    assert!(matches!(seen.is_openclaw, Identity::No { .. }));
    assert_eq!(fake.count("connect"), 0, "nothing is asked of somebody else's server");
}

#[test]
fn a_server_that_says_nothing_costs_only_time() {
    let fake = Fake::start("127.0.0.1:0", |mut wire| {
        let mut sink = Vec::new();
        let _ = wire.read_to_end(&mut sink);
    });
    let seen = probe_in_time(&fake.url());
    assert_eq!(verdict(&seen), &Verdict::TimedOut { waiting_for: Stage::Upgrade });
    assert!(matches!(seen.is_openclaw, Identity::Unknown { .. }));
}

#[test]
fn a_gateway_that_opens_and_never_goes_on_is_given_up() {
    let fake = Fake::web_socket(|mut socket| listen(&mut socket));
    assert_eq!(verdict(&probe_in_time(&fake.url())), &Verdict::TimedOut { waiting_for: Stage::Challenge });
    let fake = Fake::web_socket(|mut socket| {
        let _ = socket.send(Message::text(frames("2026.9.6", "no-auth.frames").remove(0)));
        listen(&mut socket);
    });
    let seen = probe_in_time(&fake.url());
    assert_eq!(verdict(&seen), &Verdict::TimedOut { waiting_for: Stage::Answer });
    assert!(seen.is_openclaw.is_yes());
}

#[test]
fn a_gateway_that_answers_but_never_closes_is_left() {
    let fake = Fake::web_socket(|mut socket| {
        for frame in frames("2026.9.6", "no-auth.frames").into_iter().take(2) {
            let _ = socket.send(Message::text(frame));
        }
        std::thread::sleep(Duration::from_secs(5));
    });
    assert!(matches!(verdict(&probe_in_time(&fake.url())), Verdict::Refused(_)));
}

#[test]
fn a_gateway_that_dies_while_it_answers_is_no_breach() {
    let fake = Fake::web_socket(|mut socket| {
        let _ = socket.send(Message::text(frames("2026.9.6", "no-auth.frames").remove(0)));
        let _ = socket.read();
        let _ = socket.get_ref().stream().shutdown(std::net::Shutdown::Both);
    });
    assert_eq!(verdict(&probe_in_time(&fake.url())), &Verdict::Closed { waiting_for: Stage::Answer });
}

/// Announces a text frame of 1 GB and starts to send it.
#[test]
fn a_frame_of_a_gigabyte_is_not_taken_in() {
    let fake = Fake::start("127.0.0.1:0", |mut wire| {
        let request = read_request(&mut wire);
        let Some(mut socket) = upgrade(wire, &request) else { return };
        let head = [&[0x81, 127][..], &(1u64 << 30).to_be_bytes()].concat();
        let _ = socket.get_mut().write_all(&head);
        while socket.get_mut().write_all(&[b' '; 4096]).is_ok() {}
    });
    let seen = probe_in_time(&fake.url());
    assert!(matches!(verdict(&seen), Verdict::NotTheProtocol { what, .. } if what.contains("long")), "{seen:?}");
}

#[test]
fn endless_frames_and_pings_are_given_up() {
    for message in [Message::text(r#"{"type":"event","event":"tick"}"#), Message::Ping(vec![0; 100].into())] {
        let fake = Fake::web_socket(move |mut socket| while socket.send(message.clone()).is_ok() {});
        let seen = probe_in_time(&fake.url());
        assert!(matches!(verdict(&seen), Verdict::NotTheProtocol { .. }), "{seen:?}");
    }
}

#[test]
fn a_message_without_end_in_small_pieces_is_given_up() {
    let fake = Fake::start("127.0.0.1:0", |mut wire| {
        let request = read_request(&mut wire);
        let Some(mut socket) = upgrade(wire, &request) else { return };
        // A text frame that is not the last, then continuations that are not the last either.
        let _ = socket.get_mut().write_all(&[0x01, 1, b'{']);
        let piece = [&[0x00, 126, 0xff, 0xff][..], &[b' '; 0xffff]].concat();
        while socket.get_mut().write_all(&piece).is_ok() {}
    });
    let seen = probe_in_time(&fake.url());
    assert!(matches!(verdict(&seen), Verdict::NotTheProtocol { .. } | Verdict::TimedOut { .. }), "{seen:?}");
}

#[test]
fn a_page_without_end_is_cut() {
    let fake = Fake::start("127.0.0.1:0", |mut wire| {
        let request = read_request(&mut wire);
        if request.contains("Upgrade") {
            let _ = wire.write_all(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
        while wire.write_all(&[b'a'; 4096]).is_ok() {}
    });
    let seen = probe_in_time(&fake.url());
    assert!(matches!(seen.http.first().map(|answer| &answer.page), Some(Page::Unrecognised { .. })), "{seen:?}");
}

#[test]
fn an_answer_that_comes_a_byte_at_a_time_is_given_up() {
    let fake = Fake::start("127.0.0.1:0", |mut wire| {
        read_request(&mut wire);
        for byte in b"HTTP/1.1 101 Switching Protocols\r\n".iter().cycle() {
            std::thread::sleep(Duration::from_millis(40));
            if wire.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    assert!(matches!(verdict(&probe_in_time(&fake.url())), Verdict::TimedOut { .. } | Verdict::Http(_)));
}

#[test]
fn an_upgrade_with_a_wrong_key_is_no_upgrade() {
    let fake = Fake::answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
    assert!(matches!(
        verdict(&probe_in_time(&fake.url())),
        Verdict::NotTheProtocol { waiting_for: Stage::Upgrade, .. }
    ));
}

#[test]
fn a_slow_gateway_is_waited_for() {
    let fake = Fake::web_socket(|mut socket| {
        std::thread::sleep(Duration::from_millis(200));
        let _ = socket.send(Message::text(frames("2026.2.19", "no-auth.frames").remove(0)));
        let _ = socket.read();
        std::thread::sleep(Duration::from_millis(150));
        let _ = socket.send(Message::text(frames("2026.2.19", "no-auth.frames").remove(1)));
        let _ = socket.close(None);
        listen(&mut socket);
    });
    let seen = probe_in_time(&fake.url());
    let handshake = seen.handshake.known().expect("a handshake");
    assert!(handshake.challenge_ms.is_some_and(|ms| ms >= 190), "{handshake:?}");
    assert!(handshake.answer_ms.is_some_and(|ms| ms >= 140), "{handshake:?}");
    assert!(matches!(handshake.verdict, Verdict::Refused(_)));
}
