use super::super::decode::Storage;
use super::super::kind::EventKind;
use super::super::rejection::Rejection;
use super::*;
use proptest::prelude::*;
use std::io::{self, Cursor, Write as _};
use std::path::PathBuf;

fn options() -> ScanOptions {
    let mut options = ScanOptions::new(SignatureSet::builtin().expect("sound"));
    options.clock.reference = "2026-11-30T00:00:00Z".parse().ok();
    options
}

fn input(bytes: impl Into<Vec<u8>>) -> LogInput {
    LogInput { name: "test.log".to_owned(), reader: Box::new(Cursor::new(bytes.into())), trusted: true }
}

fn scan(bytes: impl Into<Vec<u8>>) -> LogSummary {
    scan_logs(vec![input(bytes)], &options())
}

fn fixture(name: &str) -> LogSummary {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs").join(name);
    scan(std::fs::read(path).expect("fixture"))
}

fn refused(time: u32, reason: &str) -> String {
    format!(
        "2026-03-01T{:02}:{:02}:{:02}.000Z [ws] closed before connect conn=c{time} remote=10.0.0.9 fwd=n/a origin=n/a host=h ua=n/a code=1008 reason={reason}\n",
        time / 3600 % 24,
        time / 60 % 60,
        time % 60
    )
}

#[test]
fn ownership_of_2026_2_19_shows_errno_path_and_silent_closes() {
    let summary = fixture("2026.2.19-f02a_devices_dir_root.jsonl");
    let error = summary.newest_of(EventKind::HandlerError).expect("handler error");
    assert_eq!(error.detail.errno.as_deref(), Some("EACCES"));
    assert!(error.detail.path.as_deref().is_some_and(|path| path.contains("/.openclaw/devices/")), "{error:?}");
    assert!(summary.events.iter().any(|event| event.detail.rejection == Some(Rejection::StoreFailure)));
    assert_eq!(summary.sources[0].format, LogFormat::OpenClawJson);
}

#[test]
fn upgrades_of_2026_9_6_carry_device_request_and_scopes() {
    let summary = fixture("2026.9.6-F10a-scope-upgrade.jsonl");
    let closed = summary.newest_of(EventKind::Rejected).expect("closed");
    assert_eq!(closed.detail.rejection, Some(Rejection::ScopeUpgrade));
    assert_eq!(
        closed.detail.request_id.as_deref(),
        Some("9ba8fe6e-5fe5-4f07-a97e-ddef505188cb"),
        "from the fields, uncut"
    );
    let audit = summary.newest_of(EventKind::AccessUpgradeRequested).expect("audit");
    assert_eq!(audit.detail.scopes_from, ["operator.read"]);
    assert_eq!(audit.detail.scopes_to.len(), 5);
    assert!(summary.events.iter().any(|event| event.detail.rejection == Some(Rejection::ScopeMismatch)));
}

#[test]
fn healthy_logs_hold_no_refusals_of_consequence() {
    for name in ["2026.2.19-f01_healthy.jsonl", "2026.9.6-F1-healthy.jsonl"] {
        let summary = fixture(name);
        assert_eq!(summary.count(EventKind::Rejected), 0, "{name}");
        assert!(!summary.events.iter().any(|event| event.kind.is_start_refusal()), "{name}: {:#?}", summary.events);
    }
}

#[test]
fn lines_are_counted_across_blocks_and_threads() {
    let filler = "x".repeat(997) + "\n";
    let mut text = filler.repeat(3000);
    text.push_str(&refused(1, "pairing required"));
    text.push_str(&filler.repeat(3000));
    text.push_str(&refused(2, "pairing required"));
    let summary = scan(text);
    let lines: Vec<u64> = summary.events.iter().map(|event| event.line).collect();
    assert_eq!(lines, [3001, 6002]);
    assert_eq!(summary.sources[0].lines, 6002);
}

#[test]
fn one_thread_and_many_give_the_same() {
    let mut text = String::new();
    for time in 0..9000 {
        text.push_str(&refused(
            time,
            if time % 3 == 0 { "pairing required" } else { "unauthorized: gateway token missing (x)" },
        ));
    }
    let mut one = options();
    one.threads = NonZero::<usize>::MIN;
    let mut many = options();
    many.threads = NonZero::new(5).expect("not zero");
    assert_eq!(scan_logs(vec![input(text.clone())], &one), scan_logs(vec![input(text)], &many));
}

#[test]
fn a_line_longer_than_a_block_is_swept_and_the_next_is_whole() {
    let mut text =
        format!("{}handshake timeout conn=c1 remote=1.2.3.4 {}\n", "a".repeat(BLOCK + 5), "b".repeat(BLOCK * 2));
    text.push_str(&refused(3, "pairing required"));
    let summary = scan(text);
    assert_eq!(summary.count(EventKind::HandshakeTimeout), 1);
    assert_eq!(summary.newest_of(EventKind::Rejected).map(|event| event.line), Some(2));
}

#[test]
fn truncated_interleaved_and_foreign_bytes_do_not_hide_the_rest() {
    let whole = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/logs/2026.2.19-f02a_devices_dir_root.jsonl"
    ))
    .expect("fixture");
    let line = whole.lines().find(|line| line.contains("closed before connect")).expect("line");
    let mut bytes = b"\xff\xfe\x80 parse/handle error: Error: EACCES: permission denied, open '/x/\xff'\n".to_vec();
    bytes.insert(0, b'#');
    bytes.extend(line.as_bytes());
    bytes.extend(line.as_bytes());
    bytes.push(b'\n');
    bytes.extend(&line.as_bytes()[..line.len() / 2]);
    bytes.push(b'\n');
    bytes.extend([0; 5000]);
    bytes.extend(refused(1, "pairing required").as_bytes());
    let summary = scan(bytes);
    assert_eq!(summary.count(EventKind::HandlerError), 1);
    assert_eq!(summary.count(EventKind::Rejected), 4, "{:#?}", summary.events);
    let cut = &summary.events.iter().find(|event| event.line == 3).expect("cut line");
    assert_eq!(cut.detail.host.as_deref(), Some("127.0.0.1:18789"), "fields of a cut record are salvaged");
}

#[test]
fn compressed_and_exported_logs_read_the_same() {
    let plain = refused(1, "pairing required");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(plain.as_bytes()).expect("writes");
    let summary = scan(gzip.finish().expect("finishes"));
    assert_eq!((summary.count(EventKind::Rejected), summary.sources[0].storage), (1, Some(Storage::Gzip)));
    let export = format!(
        "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1772323201000000\n_SYSTEMD_USER_UNIT=openclaw-gateway.service\nMESSAGE={plain}\n"
    );
    let summary = scan(export);
    assert_eq!((summary.count(EventKind::Rejected), summary.sources[0].format), (1, LogFormat::JournalExport));
    assert_eq!(summary.events[0].detail.unit.as_deref(), Some("openclaw-gateway.service"));
}

struct Failing;

impl io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("disk gone"))
    }
}

#[test]
fn an_unreadable_source_is_stated_and_the_others_are_read() {
    let broken = LogInput { name: "broken".to_owned(), reader: Box::new(Failing), trusted: true };
    let summary = scan_logs(vec![broken, input(refused(1, "pairing required"))], &options());
    assert_eq!(summary.sources[0].error.as_deref(), Some("disk gone"));
    assert_eq!((summary.count(EventKind::Rejected), summary.events[0].source), (1, 1));
    assert!(!summary.is_complete());
}

#[test]
fn since_and_until_cut_events_and_caps_keep_changes() {
    let mut text = String::from("2026-03-01T00:00:00Z [gateway] listening on ws://127.0.0.1:18789 (PID 1)\n");
    for time in 1..200 {
        text.push_str(&refused(time, "pairing required"));
    }
    let mut few = options();
    few.max_events = 10;
    let summary = scan_logs(vec![input(text.clone())], &few);
    assert_eq!(summary.events.len(), 11);
    assert_eq!((summary.events[0].kind, summary.dropped), (EventKind::Listening, 189));
    assert_eq!(summary.count(EventKind::Rejected), 199);
    let mut late = options();
    late.since = "2026-03-01T00:03:00Z".parse().ok();
    late.until = "2026-03-01T00:03:10Z".parse().ok();
    assert_eq!(scan_logs(vec![input(text)], &late).count(EventKind::Rejected), 11);
}

#[test]
fn a_summary_survives_the_snapshot() {
    let summary = fixture("2026.9.6-F5b-proxy-trusted.jsonl");
    let text = serde_json::to_string(&summary).expect("serializes");
    let back: LogSummary = serde_json::from_str(&text).expect("reads back");
    assert_eq!(back, summary);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_input_stops_the_scanner(bytes in prop::collection::vec(any::<u8>(), 0..4000), marks in prop::collection::vec(0_usize..20, 0..8)) {
        let set = SignatureSet::builtin().expect("sound");
        let mut bytes = bytes;
        for mark in marks {
            let literal = set.literals().get(mark * 5).cloned().unwrap_or_default();
            let at = mark * 97 % (bytes.len() + 1);
            bytes.splice(at..at, literal.bytes());
        }
        let summary = scan(bytes.clone());
        for event in &summary.events {
            prop_assert!(!event.text.chars().any(char::is_control), "{:?}", event.text);
        }
        prop_assert_eq!(summary.sources.len(), 1);
    }
}

#[test]
fn the_traces_of_the_doctors_own_probe_are_counted_and_left_out() {
    let line = |agent: &str| {
        format!(
            "2026-03-01T00:00:00.000Z [ws] closed before connect conn=c1 remote=127.0.0.1 fwd=n/a origin=n/a host=h ua={agent} code=1008 reason=device identity required\n"
        )
    };
    let unauthorized = "2026-03-01T00:00:01.000Z [ws] unauthorized conn=c2 remote=127.0.0.1 client=openclaw-doctor probe cli v0.1.0 role=operator scopes=0 auth=token device=no reason=token_mismatch\n";
    let summary = scan(format!("{}{unauthorized}{}", line("openclaw-doctor/0.1.0"), line("n/a")));
    assert_eq!((summary.own_probe, summary.events.len(), summary.episodes.len()), (2, 1, 1), "{summary:?}");
}
