//! Snapshots that somebody made to hurt whoever opens them: bounded time and memory, one clear sentence, exit 2.

mod support;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::Value;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use support::{Case, doctor};

/// Real snapshots, unpacked.
static REAL: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("tempdir");
    ["2026.2.19-f10c_stale_remote_pending", "2026.9.6-F10a-scope-upgrade"]
        .iter()
        .map(|name| {
            let case = Case::named(name);
            let (root, file) = (folder.path().join("case.tar"), folder.path().join("case.snapshot"));
            case.root_archive(false, &root);
            let mut arguments = vec!["report".to_owned(), "--snapshot".to_owned(), file.display().to_string()];
            arguments.extend(case.options(&root));
            doctor(&arguments);
            let mut text = String::new();
            let packed = std::fs::File::open(&file).expect("a snapshot");
            flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("gzip");
            serde_json::from_str(&text).expect("JSON")
        })
        .collect()
});

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("tempdir");
    let file = folder.path().join("hostile.snapshot");
    std::fs::write(&file, bytes).expect("written");
    (folder, file)
}

/// Runs `analyze` with at most 1 GiB of memory and 20 seconds of processor time (of a debug build).
fn analyze(file: &Path, options: &[&str]) -> Output {
    Command::new("sh")
        .args([
            "-c",
            "ulimit -v 1048576; ulimit -t 20; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_openclaw-doctor"),
            "analyze",
        ])
        .args(options)
        .arg(file)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .expect("the binary runs")
}

/// One sentence on stderr, nothing on stdout, exit 2, within the limits.
fn refused(bytes: &[u8], words: &str) {
    let (_folder, file) = written(bytes);
    let output = analyze(&file, &[]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words}: {stderr}");
    assert!(output.stdout.is_empty(), "{words}");
    assert!(stderr.contains(words), "{words}: {stderr}");
    assert!(stderr.len() < 600 && stderr.lines().count() <= 2, "{stderr}");
    assert!(stderr.bytes().all(|byte| byte == b'\n' || byte >= 0x20), "{stderr:?}");
    let json = analyze(&file, &["--json"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("the error as JSON");
    assert_eq!((json.status.code(), document["error"]["kind"].as_str()), (Some(2), Some("malformed")));
}

fn with(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document = REAL[0].clone();
    change(&mut document);
    gzip(document.to_string().as_bytes())
}

#[test]
fn what_is_no_snapshot_is_refused_in_one_sentence() {
    let real = gzip(REAL[0].to_string().as_bytes());
    refused(b"", "it is no snapshot");
    refused(b"\x1f\x8b", "it is cut off");
    refused(&real[..real.len() / 2], "it is cut off");
    refused(&real[..real.len() - 4], "it is cut off");
    let mut broken = real.clone();
    let middle = broken.len() / 2;
    broken[middle..middle + 40].fill(0xff);
    refused(&broken, "it is");
    refused(b"just some text", "it is no snapshot");
    refused(b"{\"form\":\"something else\",\"schema\":1}", "it is no snapshot");
    refused(&gzip(&[0xff; 1000]), "it is no snapshot");
    refused(&REAL[0].to_string().as_bytes()[..5_000], "it is cut off");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    refused(&gzip(&vec![b' '; 40 << 20]), "32 MiB");
    // Members of gzip that unpack to nothing, without end.
    let empty = gzip(b"");
    let mut members = gzip(REAL[0].to_string().as_bytes());
    while members.len() <= 33 << 20 {
        members.extend_from_slice(&empty);
    }
    refused(&members, "32 MiB");
    refused(&vec![b'['; 33 << 20], "32 MiB");
    // A size in the gzip trailer that lies.
    let mut lying = gzip(REAL[0].to_string().as_bytes());
    let end = lying.len();
    lying[end - 4..].copy_from_slice(&[0xff; 4]);
    refused(&lying, "it is damaged");
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = |open: &str, close: &str| open.repeat(200_000) + &close.repeat(200_000);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let inner = deep(open, &if open == "[" { close.to_owned() } else { format!("1{close}") });
        let text = format!("{{\"form\":\"openclaw-doctor-snapshot\",\"schema\":1,\"snapshot\":{inner}}}");
        refused(&gzip(text.as_bytes()), "it is");
    }
    let mut tree = serde_json::json!({ "file": 0, "at": { "line": 1, "column": 1 }, "value": "null" });
    for _ in 0..100 {
        tree = serde_json::json!({ "file": 0, "at": { "line": 1, "column": 1 }, "value": { "array": [tree] } });
    }
    let file = with(|document| {
        document["snapshot"]["installations"][0]["config"]["outcome"] = serde_json::json!({ "loaded": tree })
    });
    refused(&file, "it is damaged");
}

#[test]
fn other_versions_are_named() {
    refused(&with(|document| document["schema"] = 2.into()), "newer openclaw-doctor");
    refused(
        &with(|document| {
            document["schema"] = 4_000_000_000_u32.into();
            document["tool"] = "9.9.9\u{1b}[31m".into();
        }),
        "its form is 4000000000, and this one knows 1 at most",
    );
    refused(&with(|document| document["schema"] = 0.into()), "there is none before 1");
    refused(&with(|document| document["schema"] = "1".into()), "it is no snapshot");
    // A newer doctor of the same form, with a word that this one does not know, and an older one that lacks a fact.
    for tool in ["0.0.1", "9.9.9"] {
        let file = with(|document| {
            document["tool"] = tool.into();
            document["snapshot"]["run_as"] = "somebody".into();
        });
        refused(&file, &format!("written by openclaw-doctor {tool}"));
    }
    // What it adds is passed over, and who made it is said.
    let (_folder, file) = written(&with(|document| {
        document["snapshot"]["tool_version"] = "9.9.9".into();
        document["snapshot"]["taken_at"] = "2026-01-01T00:00:00Z".into();
        document["snapshot"]["something_new"] = serde_json::json!({ "a": [1, 2, 3] });
    }));
    let output = analyze(&file, &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("From a snapshot taken 2026-01-01 00:00 UTC by openclaw-doctor 9.9.9, judged by"), "{text}");
    assert!(text.contains("days ago"), "{text}");
}

/// Puts something hostile into every text that is not a word of the form.
fn poison(value: &mut Value, text: &str) {
    match value {
        Value::String(own) if own.contains(['/', ' ', '<']) && !own.starts_with("20") => *own = format!("{own}{text}"),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, text)),
        Value::Object(members) => members.values_mut().for_each(|member| poison(member, text)),
        _ => {}
    }
}

#[test]
fn texts_reach_no_terminal_raw_and_no_command_line_unquoted() {
    for document in REAL.iter() {
        let mut document = document.clone();
        poison(&mut document, "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\r\n$(reboot)`reboot`;reboot #'\"/../../etc/shadow");
        document["snapshot"]["repeat_options"] = serde_json::json!([
            "--user claw; touch /tmp/owned",
            "; rm -rf /",
            "--root $(reboot)",
            "--x;y z",
            "--home '/home/a b'"
        ]);
        let (_folder, file) = written(&gzip(document.to_string().as_bytes()));
        for options in [&[][..], &["--verbose"], &["--json"]] {
            let output = analyze(&file, options);
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "a control character");
            assert!(!text.contains('\u{202e}') || options == ["--json"], "a bidi override");
            assert!(!text.contains("; rm -rf"), "{text}");
            for line in text.lines().filter(|line| line.contains("openclaw-doctor fix")) {
                assert!(!line.contains("--user claw;") && !line.contains("--root $"), "{line}");
            }
        }
    }
}

#[test]
fn only_regular_files_are_opened() {
    let folder = tempfile::tempdir().expect("tempdir");
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    for path in [fifo.as_path(), folder.path(), Path::new("/dev/zero")] {
        let output = analyze(path, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("it is no file"));
    }
    assert_eq!(analyze(Path::new("/nonexistent/x.snapshot"), &[]).status.code(), Some(2));
}

/// One change somewhere in a document.
fn mutate(value: &mut Value, at: &mut usize, change: &Value) {
    if *at == 0 {
        *value = change.clone();
        *at = usize::MAX;
        return;
    }
    *at = at.saturating_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mutate(item, at, change)),
        Value::Object(members) => members.values_mut().for_each(|member| mutate(member, at, change)),
        _ => {}
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(0), Just(-1), any::<i64>()].prop_map(Value::from),
        Just(Value::from(u64::MAX)),
        Just(Value::from(1e308)),
        "\\PC{0,40}".prop_map(Value::from),
        prop_oneof![
            Just("absent"),
            Just("<host-1>"),
            Just(""),
            Just("/"),
            Just("../.."),
            Just("9999-12-31T23:59:59Z"),
            Just("-9999-01-01T00:00:00Z"),
            Just("2026.99999.1")
        ]
        .prop_map(Value::from),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
        any::<i64>().prop_map(|number| serde_json::json!({ "known": number })),
        "\\PC{0,20}".prop_map(|text| serde_json::json!({ "known": text })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// In this process, so that any panic outside the checks fails the test.
    #[test]
    fn a_mutated_snapshot_is_judged_or_refused(which in 0..2_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), odd()), 1..4)) {
        let mut document = REAL[which].clone();
        for (index, change) in &changes {
            let mut at = index.index(size(&document));
            mutate(&mut document, &mut at, change);
        }
        if let Ok(snapshot) = openclaw_doctor::snapshot::file::read(document.to_string().as_bytes()) {
            use openclaw_doctor::{checks, render, report};
            let runs = checks::run::run(&snapshot, |_| Ok(()));
            let crashed: Vec<_> = runs.iter().filter(|run| run.status == checks::run::Status::Crashed).collect();
            prop_assert!(crashed.is_empty(), "{crashed:?}");
            let judgement = report::build::Judgement {
                fail_on: None,
                allow_unknown: false,
                selection: report::select::Selection::new(&[], &[]).expect("everything"),
                set_aside: Default::default(),
                notes: Vec::new(),
            };
            let report = report::build::build(&snapshot, &runs, &judgement);
            render::markdown::render(&report);
            render::requests::of(&snapshot);
        }
    }

    #[test]
    fn damaged_bytes_are_judged_or_refused(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<Option<prop::sample::Index>>()) {
        let mut bytes = gzip(REAL[0].to_string().as_bytes());
        for (index, byte) in flips {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = openclaw_doctor::snapshot::file::read(bytes.as_slice());
    }
}
