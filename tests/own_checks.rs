//! The user's own checks and signatures, at the public edge. `docs/own-checks.md` is the example.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::synthetic::Made;

/// The examples of the documentation: (checks, signatures).
fn examples() -> (Vec<String>, Vec<String>) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/own-checks.md")).unwrap();
    let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.partition(|block| block.contains("[[check]]"))
}

/// A config directory that root may trust, whatever the mode of the temporary directory.
struct Config {
    folder: tempfile::TempDir,
}

impl Config {
    fn new(checks: &[&str], signatures: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, texts) in [("checks", checks), ("signatures", signatures)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            for (number, text) in texts.iter().enumerate() {
                std::fs::write(folder.path().join(format!("{name}/{number}.toml")), text).unwrap();
            }
        }
        std::fs::write(folder.path().join("config.toml"), "").unwrap();
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
            .args(arguments)
            .env_clear()
            .env("OPENCLAW_DOCTOR_CONFIG", self.folder.path().join("config.toml"))
            .output()
            .unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    fn check(&self, root: &Path, more: &[&str]) -> Value {
        let root = root.to_string_lossy();
        let output = self.run(&[&["check", "--json", "--root", &root], more].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// A made host as an archive.
fn host(folder: &Path, name: &str) -> PathBuf {
    use std::io::Read;
    let made = Made::all().into_iter().find(|made| made.name == name).expect(name);
    let packed =
        std::fs::File::open(support::fixtures().join(format!("synthetic/hosts/{}.tar.gz", made.name))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let path = folder.join("host.tar");
    std::fs::write(&path, bytes).unwrap();
    path
}

const HEALTHY: &str = "2026.4.15-healthy";

fn codes(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().filter_map(|finding| finding["code"].as_str()).collect()
}

#[test]
fn the_documented_examples_keep_to_their_schemas_and_load() {
    let (checks, signatures) = examples();
    assert!(checks.len() == 2 && signatures.len() == 1);
    let printed = Config::new(&[], &[]).run(&["list", "--schema"]);
    let schemas: Value = serde_json::from_slice(&printed.stdout).unwrap();
    for (name, blocks) in [("own-checks", &checks), ("own-signatures", &signatures)] {
        let validator = jsonschema::options().build(&schemas[name]).unwrap();
        for block in blocks {
            let value: Value = serde_json::to_value(toml::from_str::<toml::Value>(block).unwrap()).unwrap();
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
        }
        let broken = serde_json::json!({ "check": [{ "id": "no-prefix" }], "signature": [{ "id": 1 }] });
        assert!(!validator.is_valid(&broken), "{name}");
    }
    let texts = |blocks: &[String]| blocks.iter().map(|text| text.to_owned()).collect::<Vec<_>>();
    let (checks, signatures) = (texts(&checks), texts(&signatures));
    let config = Config::new(
        &checks.iter().map(String::as_str).collect::<Vec<_>>(),
        &signatures.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let list = config.text(&["list"]);
    for id in ["my-lan-without-proxy", "my-kill-mode", "my-debugger-open", "my-env-file-open"] {
        assert!(list.contains(id), "{list}");
        let explained = config.text(&["explain", id]);
        for title in ["## What it finds", "## How to be sure by hand", "## Since and until"] {
            assert!(explained.contains(title), "{id}: {explained}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let answer = config.check(&host(folder.path(), HEALTHY), &[]);
    assert!(!codes(&answer).contains(&"own-file-broken"), "{answer:#}");
    // An image says nothing of listeners: skipped with the reason, not taken for well. The others looked.
    let status = |id: &str| {
        answer["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).map(|check| check["status"].clone())
    };
    assert_eq!(status("my-lan-without-proxy"), Some("ok".into()));
    assert_eq!(status("my-debugger-open"), Some("ok".into()));
}

const PORT: &str = r#"[[check]]
id = "my-port"
title = "The usual port"
severity = "error"
cause = "port-conflict"
message = "The gateway is on the usual port"
advice = "Move it"
when = [{ config = "gateway.port", is = 18789 }, { config = "gateway.auth.token", present = true }, { unit = "Restart", is = "always" }]
"#;

#[test]
fn a_check_of_ones_own_is_one_of_the_checks() {
    let folder = tempfile::tempdir().unwrap();
    let root = host(folder.path(), HEALTHY);
    let config = Config::new(&[PORT], &[]);
    let answer = config.check(&root, &[]);
    let finding = answer["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "my-port").unwrap();
    assert_eq!((&finding["checkId"], &finding["severity"]), (&"my-port".into(), &"error".into()));
    assert_eq!(finding["path"], "/home/maria/.openclaw/openclaw.json");
    assert!(finding["line"].is_u64() && finding["evidence"].as_array().unwrap().len() == 3, "{finding:#}");
    assert_eq!(
        (&answer["diagnosis"][0]["cause"], &answer["diagnosis"][0]["certainty"]),
        (&"port-conflict".into(), &"possible".into())
    );
    let only = config.check(&root, &["--only", "my-port"]);
    assert_eq!((codes(&only), &only["checksRun"]), (vec!["my-port"], &1.into()));
    assert!(codes(&config.check(&root, &["--only", "own"])).contains(&"my-port"));
    assert!(!codes(&config.check(&root, &["--skip", "my-port"])).contains(&"my-port"));
    let shown = root.to_string_lossy();
    for format in ["sarif", "junit", "markdown", "tap", "github"] {
        let text = config.text(&["check", "--format", format, "--root", &shown]);
        assert!(text.contains("my-port") || text.contains("usual port"), "{format}: {text}");
    }
    let without = config.check(&root, &["--no-config"]);
    assert!(!codes(&without).contains(&"my-port"));
    // A value that differs settles it.
    let other = PORT.replace("18789", "18790");
    assert!(!codes(&Config::new(&[&other], &[]).check(&root, &[])).contains(&"my-port"));
    let releases = PORT.replace("message", "releases = \"2026.8.1..\"\nmessage");
    assert!(!codes(&Config::new(&[&releases], &[]).check(&root, &[])).contains(&"my-port"));
}

#[test]
fn files_owners_and_secrets() {
    let check = |when: &str| {
        format!("[[check]]\nid = \"my-x\"\ntitle = \"x\"\nseverity = \"warning\"\nmessage = \"x\"\nwhen = [{when}]\n")
    };
    let folder = tempfile::tempdir().unwrap();
    let root = host(folder.path(), HEALTHY);
    let status = |when: &str| {
        let answer = Config::new(&[&check(when)], &[]).check(&root, &["--only", "my-x"]);
        answer["checks"].as_array().unwrap().iter().find(|check| check["id"] == "my-x").expect("runs")["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (when, expected) in [
        ("{ file = \"openclaw.json\", owner = \"account\" }", "found"),
        ("{ file = \"openclaw.json\", owner-not = \"account\" }", "ok"),
        ("{ file = \"openclaw.json\", owner = \"1000\", mode-at-most = \"0400\" }", "found"),
        ("{ file = \"openclaw.json\", mode-at-most = \"0600\" }", "ok"),
        ("{ file = \"no/such\", present = false }", "found"),
        ("{ file = \"no/such\", owner = \"root\" }", "ok"),
        ("{ config = \"gateway.tls\", present = false }", "found"),
        ("{ config = \"gateway.bind\", is-not = \"lan\" }", "found"),
        ("{ config = \"gateway.port\", at-least = 1024, at-most = 65535 }", "found"),
        // Never the value of a secret.
        ("{ config = \"gateway.auth.token\", matches = \".*\" }", "skipped"),
        ("{ listener = 18789, address = \"any\" }", "skipped"),
        ("{ release = \"2026.4.1..2026.4.20\" }", "found"),
        ("{ log = \"listening\" }", "ok"),
        ("{ log = \"ready\" }", "found"),
        ("{ environment = \"HOME\", matches = \"^/home/\" }", "found"),
        // What does not hold settles it, although the other is unknown.
        ("{ listener = 1 }, { release = \"2026.8.1..\" }", "ok"),
    ] {
        assert_eq!(status(when), expected, "{when}");
    }
}

#[test]
fn a_broken_file_is_a_finding_with_its_line_and_the_others_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let root = host(folder.path(), HEALTHY);
    let start = "[[check]]\nid = \"my-y\"\ntitle = \"y\"\nseverity = \"warning\"\nmessage = \"y\"\n";
    let bad = |what: &str| format!("{start}{what}\n");
    let long = format!("{start}when = [{{ config = \"a\", matches = \"{}\" }}]", "a{1000}".repeat(60));
    let many = (0..201).map(|n| PORT.replace("my-port", &format!("my-port-{n}"))).collect::<String>();
    for (text, line, words) in [
        ("[[check]]\nid = \n".to_owned(), 2, ""),
        (bad("colour = \"red\"\nwhen = []"), 6, "colour"),
        (bad("when = []"), 1, "conditions"),
        (bad("when = [{ config = \"a\" }]"), 6, "present"),
        (bad("when = [{ config = \"a\", file = \"b\", present = true }]"), 6, "exactly one"),
        (bad("when = [{ config = \"a\", matches = \"(\" }]"), 6, "matches"),
        (bad("when = [{ file = \"../../etc/shadow\", present = true }]"), 6, "below the state directory"),
        (bad("when = [{ file = \"x\", mode-at-most = \"999\" }]"), 6, "octal"),
        (bad("when = [{ log = \"no-such-kind\" }]"), 6, "no event kind"),
        (bad("when = [{ release = \"now\" }]"), 6, "range"),
        (bad("cause = \"no-such\"\nwhen = [{ log = \"ready\" }]"), 6, "no cause"),
        (bad("link = \"javascript:alert(1)\"\nwhen = [{ log = \"ready\" }]"), 6, "https"),
        (PORT.replace("my-port", "state-ownership"), 2, "begin with `my-`"),
        (PORT.replace("my-port", "My Port"), 2, "kebab-case"),
        (format!("{PORT}\n{PORT}"), 11, "used twice"),
        (long, 6, "matches"),
        (many, 1601, "more than 200"),
        ("x".repeat(300 << 10), 1, "256 KiB"),
    ] {
        let config = Config::new(&[&text, PORT], &[]);
        let answer = config.check(&root, &["--only", "own"]);
        let broken: Vec<&Value> = answer["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["code"] == "own-file-broken")
            .collect();
        let short: String = text.chars().take(200).collect();
        assert_eq!(broken.len(), 1, "{short}: {answer:#}");
        let path = config.folder.path().join("checks/0.toml").display().to_string();
        assert_eq!((&broken[0]["line"], &broken[0]["path"]), (&line.into(), &path.into()), "{short}: {:#}", broken[0]);
        assert!(broken[0]["message"].as_str().unwrap().contains(words), "{short}: {:#}", broken[0]);
        assert!(codes(&answer).contains(&"my-port"), "the other file is used");
    }
}

#[test]
fn signatures_of_ones_own_reach_check_logs_and_triage() {
    let folder = tempfile::tempdir().unwrap();
    let root = host(folder.path(), HEALTHY);
    let text = "[[signature]]\nid = \"my-plugins\"\nliterals = [\"plugins, 3.2s\"]\npattern = '''\\d plugins, 3.2s'''\ncause = \"handshake-timeout\"\nweight = 9\nproves = \"Plugins were loaded.\"\n";
    let config = Config::new(&[], &[text]);
    let answer = config.check(&root, &["--only", "own-signatures"]);
    assert_eq!(codes(&answer), ["own-signature-seen"], "{answer:#}");
    assert_eq!(answer["findings"][0]["cause"], "handshake-timeout");
    let log = folder.path().join("some.log");
    std::fs::write(&log, "2026-11-20T10:00:00Z [gateway] ready (4 plugins, 3.2s)\n").unwrap();
    let shown = log.to_string_lossy();
    assert!(config.text(&["logs", "--log", &shown, "--json"]).contains("my-plugins"));
    assert!(config.text(&["triage", &shown]).contains("handshake"), "{}", config.text(&["triage", &shown]));
    let broken = Config::new(&[], &["[[signature]]\nid = \"s\"\nliterals = [\"abcd\"]\npattern = '''('''\n", text]);
    let answer = broken.check(&root, &["--only", "own"]);
    let found = answer["findings"].as_array().unwrap();
    assert!(found.iter().any(|finding| finding["code"] == "own-file-broken" && finding["line"] == 4), "{found:#?}");
    assert!(codes(&answer).contains(&"own-signature-seen"), "the sound file is used");
    assert!(broken.text(&["triage", &shown]).contains("signatures/0.toml:4"), "told where no check runs");
}
