use super::*;
use crate::logs::{LogInput, LogSummary, ScanOptions, SignatureSet, scan_logs};
use std::io::Cursor;

fn scan(text: &str) -> LogSummary {
    let options = ScanOptions::new(SignatureSet::builtin().expect("sound"));
    let input =
        LogInput { name: "t".to_owned(), reader: Box::new(Cursor::new(text.as_bytes().to_vec())), trusted: true };
    scan_logs(vec![input], &options)
}

/// A refused connection `seconds` after midnight.
fn refused(seconds: i64, conn: &str, device: &str, request: &str) -> String {
    let time = jiff::Timestamp::from_second(1_772_323_200 + seconds).expect("in range");
    let fields = serde_json::json!({"cause": "pairing-required", "reason": "not-paired", "deviceId": device, "requestId": request});
    format!(
        "{time} [ws] {fields} closed before connect conn={conn} remote=10.0.0.9 fwd=n/a host=h code=1008 reason=pairing required\n"
    )
}

fn refusals(summary: &LogSummary) -> Vec<&Episode> {
    summary.episodes.iter().filter(|episode| episode.kind == EpisodeKind::Refusals).collect()
}

#[test]
fn a_loop_is_told_from_a_single_refusal_and_from_a_person() {
    let mut text = String::new();
    for i in 0..40 {
        text.push_str(&refused(i * 5, &format!("a{i}"), "looping", "r1"));
    }
    text.push_str(&refused(210, "b", "single", "r2"));
    for (i, at) in [300, 330, 420, 1300, 1330, 1900].into_iter().enumerate() {
        text.push_str(&refused(at, &format!("p{i}"), "person", "r3"));
    }
    let summary = scan(&text);
    let pace = |device: &str| {
        let found = refusals(&summary).into_iter().find(|episode| episode.subject.as_deref() == Some(device));
        found.map(|episode| (episode.pace, episode.count))
    };
    assert_eq!(pace("looping"), Some((Pace::Loop, 40)));
    assert_eq!(pace("single"), Some((Pace::Single, 1)));
    assert_eq!(pace("person"), Some((Pace::Few, 6)));
}

#[test]
fn a_storm_replaces_its_request_each_time() {
    let text: String = (0..10).map(|i| refused(i * 3, &format!("c{i}"), "d", &format!("r{i}"))).collect();
    let summary = scan(&text);
    let episode = refusals(&summary)[0];
    assert_eq!((episode.pace, episode.requests), (Pace::Storm, 10));
    assert_eq!(episode.period_seconds.map(f64::round), Some(3.0));
}

#[test]
fn lines_and_sinks_about_one_connection_count_once_under_its_best_name() {
    let line = |time: &str, rest: &str| format!("2026-03-01T00:00:{time}Z [ws] {rest}\n");
    let unauthorized = line("01", "unauthorized conn=x1 remote=127.0.0.1 client=cli cli v1 reason=token_mismatch");
    let closed = line(
        "01",
        "closed before connect conn=x1 remote=127.0.0.1 fwd=203.0.113.7 host=h code=1008 reason=unauthorized: gateway token mismatch (x)",
    );
    let summary = scan(&format!("{unauthorized}{closed}{unauthorized}{closed}"));
    let episodes = refusals(&summary);
    assert_eq!(episodes.len(), 1, "{episodes:#?}");
    assert_eq!((episodes[0].subject.as_deref(), episodes[0].count), (Some("203.0.113.7"), 1));
    assert_eq!(episodes[0].rejection, Some(Rejection::TokenMismatch));
}

#[test]
fn an_approval_ends_the_series_of_its_device_only() {
    let mut text = refused(0, "a", "d1", "r1") + &refused(10, "b", "d1", "r1") + &refused(12, "c", "d2", "r2");
    text.push_str("2026-03-01T00:00:20Z [gateway] device pairing approved device=d1 role=operator\n");
    text.push_str("2026-03-01T01:00:00Z [gateway] signal SIGTERM received\n");
    let summary = scan(&text);
    let ended: Vec<_> = refusals(&summary).iter().map(|episode| (episode.subject.clone(), episode.ended)).collect();
    assert_eq!(ended, [(Some("d1".to_owned()), Ended::Approved), (Some("d2".to_owned()), Ended::Unknown)]);
}

#[test]
fn a_series_that_the_log_ends_in_goes_on_and_a_long_pause_starts_another() {
    let mut text = String::new();
    for i in 0..6 {
        text.push_str(&refused(i * 10, &format!("a{i}"), "d", "r"));
    }
    for i in 0..6 {
        text.push_str(&refused(7200 + i * 10, &format!("b{i}"), "d", "r"));
    }
    let summary = scan(&text);
    let ended: Vec<_> = refusals(&summary).iter().map(|episode| (episode.count, episode.ended)).collect();
    assert_eq!(ended, [(6, Ended::Unknown), (6, Ended::NotYet)]);
}

#[test]
fn restart_loops_count_and_ordinary_starts_do_not() {
    let start = |second: i64| {
        let time = jiff::Timestamp::from_second(1_772_323_200 + second).expect("in range");
        format!("{time} [gateway] listening on ws://127.0.0.1:18789 (PID {second})\n")
    };
    let ordinary = start(0) + &start(86_400);
    assert!(scan(&ordinary).episodes.is_empty());
    let loops: String = (0..6).map(|i| start(i * 20)).collect();
    let summary = scan(&loops);
    assert_eq!(summary.episodes.len(), 1);
    assert_eq!((summary.episodes[0].kind, summary.episodes[0].count), (EpisodeKind::RestartLoop, 6));
}

#[test]
fn any_number_of_subjects_stays_bounded() {
    let text: String = (0..2000).map(|i| refused(i, &format!("c{i}"), &format!("device{i}"), "r")).collect();
    let summary = scan(&text);
    assert!(summary.episodes.len() <= MAX_OPEN + MAX_CLOSED);
    let counted: u64 = summary.episodes.iter().map(|episode| episode.count).sum();
    assert_eq!(counted + summary.other_episodes, 2000);
}

#[test]
fn denied_writes_of_a_real_gateway_are_one_series_per_errno() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/logs/2026.2.19-f02a_devices_dir_root.jsonl"
    ))
    .expect("fixture");
    let summary = scan(&text);
    let denied: Vec<_> =
        summary.episodes.iter().filter(|episode| episode.kind == EpisodeKind::PermissionErrors).collect();
    assert_eq!(denied.len(), 1, "{denied:#?}");
    assert!(denied[0].count >= 4);
}
