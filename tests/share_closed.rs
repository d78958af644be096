//! What can't be verified is not written: at the edge of the binary, for every command that shares.

mod support;

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use support::{Case, doctor};

/// Pairs of letters that meet in words, so that no detector takes it for random, but used too evenly for words: only the
/// scan that was written apart from the detectors finds it.
const ODD: &str = "CoVeReArRo3LeNeEcIn8LaThLiStTiAn5Ma";

fn redact(input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
        .arg("redact")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let _ = child.stdin.take().expect("standard input").write_all(input);
    child.wait_with_output().expect("it ends")
}

#[test]
fn redact_writes_nothing_and_names_rule_and_place_without_the_value() {
    let mut input = "a line of a log\n".repeat(60_000).into_bytes();
    input.extend_from_slice(format!("seen {ODD} here\n").as_bytes());
    let output = redact(&input);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(stderr.contains("`entropy`") && stderr.contains("line 60001, column 6"), "{stderr}");
    assert!(!stderr.contains(&ODD[..8]), "{stderr}");
    // Several inputs are one: none of them is written.
    let folder = tempfile::tempdir().expect("tempdir");
    let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
    std::fs::write(&good, "all is well\n").expect("written");
    std::fs::write(&bad, ODD).expect("written");
    let output = doctor(&["redact".into(), good.display().to_string(), bad.display().to_string()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn a_report_that_can_not_be_verified_leaves_no_file() {
    let folder = tempfile::tempdir().expect("tempdir");
    // The options in use are part of the report: the next command repeats them.
    std::fs::create_dir(folder.path().join(ODD)).expect("a folder");
    let root = folder.path().join(ODD).join("case.tar");
    let case = Case::named("2026.2.19-f02b_device_files_root_0600");
    case.root_archive(false, &root);
    for format in ["markdown", "discord", "github", "html", "json"] {
        let (text, snapshot) = (folder.path().join("report"), folder.path().join("snapshot"));
        let mut arguments: Vec<String> = ["report", "--format", format, "--output"].map(str::to_owned).to_vec();
        arguments.extend([text.display().to_string(), "--snapshot".to_owned(), snapshot.display().to_string()]);
        arguments.extend(case.options(&root));
        let output = doctor(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{format}: {stderr}");
        assert!(stderr.contains("nothing was written") && stderr.contains("`entropy`"), "{format}: {stderr}");
        assert!(!stderr.contains(&ODD[..8]), "{stderr}");
        assert!(!text.exists() && !snapshot.exists(), "{format}");
    }
    for format in ["markdown", "sarif", "junit", "github", "tap"] {
        let mut arguments: Vec<String> = ["check", "--format", format].map(str::to_owned).to_vec();
        arguments.extend(case.options(&root));
        let output = doctor(&arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{format}");
    }
}

/// A stream that never ends in one place: memory stays far below its size.
#[cfg(target_os = "linux")]
#[test]
fn redact_needs_the_same_memory_for_any_length() {
    let script = "ulimit -v 400000; exec \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_openclaw-doctor"), "redact"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("standard input");
    let writer = std::thread::spawn(move || {
        let line =
            "2026-02-20T12:00:00Z [gateway/ws] closed before connect conn=8e9d65af code=1008 reason=pairing required\n";
        let block = line.repeat(1_000);
        for _ in 0..12 {
            input.write_all(block.as_bytes()).expect("written");
        }
        // A value longer than any window.
        input.write_all(b"OPENCLAW_GATEWAY_TOKEN=").expect("written");
        for _ in 0..1_000 {
            input.write_all(&b"q7Zk2Lw9Xv3Bn8Ty5Hs1".repeat(50)).expect("written");
        }
        input.write_all(b"\n[the end]\n").expect("written");
    });
    let mut text = String::new();
    child.stdout.take().expect("standard output").read_to_string(&mut text).expect("UTF-8");
    writer.join().expect("the writer ends");
    assert!(child.wait().expect("it ends").success());
    assert!(text.len() > 1_200_000 && text.ends_with("[the end]\n") && !text.contains("q7Zk2"), "{}", text.len());
}
