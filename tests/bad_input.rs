//! Hostile and broken input gives a finding or a clear sentence, within bounded time, and never a panic.

mod support;

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::{doctor, doctor_json};

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        std::fs::create_dir_all(folder.path().join("home/me/.openclaw/devices")).expect("state");
        std::fs::create_dir_all(folder.path().join("etc")).expect("etc");
        let uid = rustix::process::geteuid().as_raw();
        std::fs::write(folder.path().join("etc/passwd"), format!("me:x:{uid}:{uid}::/home/me:/bin/sh\n"))
            .expect("passwd");
        Self { folder }
    }

    fn state(&self, name: &str) -> PathBuf {
        self.folder.path().join("home/me/.openclaw").join(name)
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let root = self.folder.path().to_string_lossy().into_owned();
        let fixed = ["--root", &root, "--home", "/home/me", "--user", "me", "--openclaw-version", "2026.2.19"];
        ["check"].iter().chain(more).chain(&fixed).map(|text| (*text).to_owned()).collect()
    }

    fn check(&self) -> serde_json::Value {
        let started = Instant::now();
        let answer = doctor_json(&self.arguments(&["--json"]));
        assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
        for check in answer["checks"].as_array().expect("checks") {
            assert_ne!(check["status"], "crashed", "{check}");
        }
        answer
    }
}

fn causes(answer: &serde_json::Value) -> Vec<String> {
    answer["diagnosis"]
        .as_array()
        .expect("diagnosis")
        .iter()
        .map(|d| d["cause"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn binary_garbage_is_no_empty_configuration() {
    let home = Home::new();
    std::fs::write(home.state("openclaw.json"), [0u8, 159, 146, 150, 255, 254, 0, 1]).expect("config");
    std::fs::write(home.state("devices/paired.json"), [0xffu8; 4096]).expect("store");
    let answer = home.check();
    assert_ne!(answer["verdict"], "healthy", "{answer:#}");
}

#[test]
fn a_huge_configuration_is_not_read_into_memory() {
    let home = Home::new();
    let file = std::fs::File::create(home.state("openclaw.json")).expect("config");
    file.set_len(1 << 30).expect("sparse");
    let answer = home.check();
    assert_eq!(answer["verdict"], "inconclusive", "{answer:#}");
    assert_eq!(answer["exitCode"], 3);
}

#[test]
fn fifos_devices_and_loops_are_not_opened() {
    let home = Home::new();
    let fifo = home.state("openclaw.json");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .expect("fifo");
    symlink("paired.json", home.state("devices/paired.json")).expect("loop");
    symlink("/dev/zero", home.state("devices/pending.json")).expect("device");
    let answer = home.check();
    assert_ne!(answer["verdict"], "healthy", "{answer:#}");
}

#[test]
fn names_that_are_no_utf8_and_deep_trees_do_no_harm() {
    let home = Home::new();
    std::fs::write(home.state("openclaw.json"), "{ gateway: { mode: 'local' } }").expect("config");
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"dev\xff\x1b[31mices"));
    std::fs::create_dir_all(home.state("").join(odd)).expect("odd");
    let mut deep = home.state("agents");
    for _ in 0..200 {
        deep.push("d");
    }
    std::fs::create_dir_all(&deep).expect("deep");
    let output = doctor(&home.arguments(&["--verbose"]));
    assert!(!output.stdout.contains(&0x1b), "an escape reached the terminal");
    home.check();
}

#[test]
fn a_tree_of_many_files_is_bounded() {
    let home = Home::new();
    std::fs::write(home.state("openclaw.json"), "{ gateway: { mode: 'local' } }").expect("config");
    let crowd = home.state("crowd");
    std::fs::create_dir_all(&crowd).expect("crowd");
    for number in 0..60_000 {
        std::fs::File::create(crowd.join(format!("f{number}"))).expect("file");
    }
    let answer = home.check();
    let cut = answer["unknown"]
        .as_array()
        .expect("unknown")
        .iter()
        .any(|fact| fact["fact"].as_str().unwrap_or_default().contains("in full"));
    assert!(cut, "{:#}", answer["unknown"]);
}

#[test]
fn deep_json_is_refused_and_said() {
    let home = Home::new();
    std::fs::write(home.state("openclaw.json"), "[".repeat(200_000)).expect("config");
    std::fs::write(home.state("devices/paired.json"), "{\"a\":".repeat(100_000)).expect("store");
    let answer = home.check();
    assert!(causes(&answer).contains(&"config-invalid".to_owned()), "{answer:#}");
}

#[test]
fn usage_errors_are_one_sentence_and_exit_2() {
    for (arguments, words) in [
        (vec!["check", "--only", "state-ownershp"], "state-ownership"),
        (vec!["check", "--root", "/nonexistent-root"], "/nonexistent-root"),
        (vec!["explain", "nothing-like-this"], "names no check"),
        (vec!["check", "--timeout", "soon"], "soon"),
        (vec!["check", "--frmat", "json"], "--format"),
    ] {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let output = doctor(&arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
    let empty = tempfile::tempdir().expect("tempdir");
    let root = empty.path().to_string_lossy().into_owned();
    let output = doctor(&["check".to_owned(), "--json".to_owned(), "--root".to_owned(), root]);
    assert_eq!(output.status.code(), Some(2));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["error"]["kind"], "no-installation");
}
