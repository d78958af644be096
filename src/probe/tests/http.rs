//! The HTTP reader and what it makes of real and hostile answers.

use super::fake::fixture;
use crate::model::Product;
use crate::probe::facts::Page;
use crate::probe::http::{HttpFault, Response, ResponseReader};
use crate::probe::pages::{recognise, recognise_fault};
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Result<Response, HttpFault> {
    let mut reader = ResponseReader::default();
    match reader.feed(bytes)? {
        Some(answer) => Ok(answer),
        None => reader.finish(),
    }
}

fn page(release: &str, name: &str, path: &str) -> Page {
    let bytes = fixture(release, name).expect("a capture");
    recognise(path, &read(&bytes).expect("an answer"))
}

#[test]
fn pages_of_real_gateways_are_recognised() {
    assert_eq!(page("2026.9.6", "healthz.http", "/healthz"), Page::Live);
    assert_eq!(
        page("2026.9.6", "readyz.http", "/readyz"),
        Page::Ready { ready: true, failing: Vec::new(), detailed: Some(true) }
    );
    assert_eq!(
        page("2026.9.6", "startup.http", "/startup"),
        Page::Startup { ok: true, version: Some("2026.9.6".into()) }
    );
    assert_eq!(page("2026.9.6", "upgrade-forwarded.http", "/"), Page::ProxyAttributionRequired);
    assert_eq!(page("2026.9.6", "readyz-forwarded.http", "/readyz"), Page::ProxyAttributionRequired);
    assert!(
        matches!(page("2026.9.6", "root.http", "/"), Page::ControlUi { build: Some(build), .. } if build.starts_with("2026.9.6-"))
    );
    let dashboard = |product| Page::ControlUi { product, build: None };
    assert_eq!(page("2026.2.19", "healthz.http", "/healthz"), dashboard(Product::Openclaw));
    assert_eq!(page("2026.1.24-3", "root.http", "/healthz"), dashboard(Product::Clawdbot));
    assert_eq!(
        page("2026.6.11", "readyz-forwarded.http", "/readyz"),
        Page::Ready { ready: true, failing: Vec::new(), detailed: Some(false) }
    );
    assert!(matches!(page("2026.6.11", "root.http", "/"), Page::ControlUi { .. }));
}

/// Forms of releases that were not run (pairing-by-release, 4.3), and what resembles them.
#[test]
fn pages_of_other_releases_and_of_others_are_told_apart() {
    let json = |path: &str, status: u16, body: &str| {
        let text = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        recognise(path, &read(text.as_bytes()).expect("an answer"))
    };
    let ready = |ready, failing: &[&str], detailed| Page::Ready {
        ready,
        failing: failing.iter().map(|item| (*item).to_owned()).collect(),
        detailed,
    };
    assert_eq!(json("/readyz", 200, r#"{"ok":true,"status":"ready"}"#), ready(true, &[], None));
    assert_eq!(json("/readyz", 200, r#"{"ready":true}"#), ready(true, &[], Some(false)));
    let starting = r#"{"ready":false,"failing":["startup-sidecars"],"uptimeMs":12}"#;
    assert_eq!(json("/readyz", 503, starting), ready(false, &["startup-sidecars"], Some(true)));
    assert_eq!(
        json("/startup", 503, r#"{"ok":false,"status":"starting"}"#),
        Page::Startup { ok: false, version: None }
    );
    assert!(matches!(json("/healthz", 200, r#"{"ok":true}"#), Page::Unrecognised { .. }));
    assert!(matches!(json("/healthz", 200, r#"{"status":"live","ok":"true"}"#), Page::Unrecognised { .. }));
    assert!(matches!(json("/", 200, r#"{"ok":true,"status":"live"}"#), Page::Unrecognised { .. }));
    let html = b"HTTP/1.0 200 OK\r\nServer: nginx/1.25\r\nContent-Type: text/html\r\n\r\n<html><title>Welcome to\nnginx!</title>";
    assert_eq!(
        recognise("/", &read(html).expect("an answer")),
        Page::Unrecognised { what: "HTTP 200, text/html, server nginx/1.25: `Welcome to nginx!`".into() }
    );
}

#[test]
fn what_is_no_http_is_named() {
    let fault = read(b"SSH-2.0-OpenSSH_9.6\r\n").expect_err("no HTTP");
    assert_eq!(
        recognise_fault(&fault),
        Page::Foreign { what: "an answer that is no HTTP: `SSH-2.0-OpenSSH_9.6`".into() }
    );
    assert_eq!(recognise_fault(&read(&[0x15, 0x03, 0x03, 0, 2, 2, 22]).expect_err("no HTTP")), Page::WantsTls);
    assert_eq!(read(b""), Err(HttpFault::Ended));
}

#[test]
fn bodies_of_every_kind_are_read() {
    let body = |text: &str| String::from_utf8(read(text.as_bytes()).expect("an answer").body).expect("UTF-8");
    assert_eq!(
        body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n"),
        "Wikipedia"
    );
    assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"), "abc");
    assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nuntil the end"), "until the end");
    assert_eq!(body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), "x");
    assert_eq!(body("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n\u{1}frame"), "\u{1}frame");
    assert_eq!(body("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"), "");
}

#[test]
fn hostile_answers_stay_bounded() {
    let endless_head = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".repeat(20_000)].concat();
    assert!(matches!(read(&endless_head), Err(HttpFault::Malformed(_))));
    let long_header = [b"HTTP/1.1 200 OK\r\na: ".to_vec(), vec![b'a'; 40_000]].concat();
    assert!(matches!(read(&long_header), Err(HttpFault::Malformed(_))));
    let interim = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(1000);
    assert!(matches!(read(&interim), Err(HttpFault::Malformed(_))));
    let long = [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec(), vec![b'a'; 1 << 20]].concat();
    assert_eq!(read(&long).expect("a cut answer").body.len(), 64 << 10);
    let chunked =
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n".to_vec(), vec![b'a'; 1 << 20]].concat();
    assert!(read(&chunked).expect("a cut answer").body.len() <= 64 << 10);
    let huge_chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\na";
    assert!(read(huge_chunk).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_the_same_in_any_pieces(
        start in prop::sample::select(vec![
            "", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "HTTP/1.1 100 C\r\n\r\n",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
        piece in 1..50usize,
    ) {
        let bytes = [start.as_bytes(), &rest].concat();
        let mut reader = ResponseReader::default();
        let mut answer = Ok(None);
        for part in bytes.chunks(piece) {
            answer = reader.feed(part);
            if !matches!(answer, Ok(None)) {
                break;
            }
        }
        let answer = match answer {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => reader.finish(),
            Err(fault) => Err(fault),
        };
        match (answer, read(&bytes)) {
            (Ok(pieces), Ok(whole)) => {
                prop_assert_eq!(pieces.status, whole.status);
                prop_assert_eq!(pieces.headers, whole.headers);
                prop_assert!(whole.body.starts_with(&pieces.body) || pieces.body.starts_with(&whole.body));
            }
            (pieces, whole) => prop_assert_eq!(pieces.is_err(), whole.is_err()),
        }
    }
}
