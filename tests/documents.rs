//! Schemas, baseline, configuration file, completions and man pages, at the public edge.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use support::{Case, doctor};

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

/// The schema of a document, as the binary prints it.
fn validator(document: &str) -> jsonschema::Validator {
    let printed = doctor(&words(&["list", "--schema"]));
    let schemas: Value = serde_json::from_slice(&printed.stdout).expect("schemas");
    assert_eq!(schemas.as_object().unwrap().len(), 8, "every document has one");
    jsonschema::options().should_validate_formats(true).build(&schemas[document]).expect(document)
}

fn valid(validator: &jsonschema::Validator, document: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A broken host as an archive, and the options to judge it.
fn broken(folder: &Path) -> Vec<String> {
    let case = Case::named("2026.2.19-f02b_device_files_root_0600");
    let root = folder.join("host.tar");
    case.root_archive(false, &root);
    case.options(&root)
}

fn check(folder: &Path, more: &[&str]) -> Output {
    let mut arguments = words(&["check"]);
    arguments.extend(broken(folder));
    arguments.extend(words(more));
    doctor(&arguments)
}

fn with_config(folder: &Path, text: &str, arguments: &[String]) -> Output {
    let config = folder.join("config.toml");
    std::fs::write(&config, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
        .args(arguments)
        .env_clear()
        .env("OPENCLAW_DOCTOR_CONFIG", &config)
        .output()
        .expect("the binary runs")
}

#[test]
fn real_results_keep_to_their_schema() {
    let folder = tempfile::tempdir().unwrap();
    let validator = validator("check");
    for name in ["2026.2.19-f01_healthy", "2026.2.19-f02b_device_files_root_0600", "2026.9.6-F9a-json5-syntax"] {
        let case = Case::named(name);
        let root = folder.path().join("case.tar");
        case.root_archive(false, &root);
        let mut arguments = words(&["check", "--json"]);
        arguments.extend(case.options(&root));
        let result = support::doctor_json(&arguments);
        valid(&validator, &result);
        let mut spoilt = result;
        spoilt["verdict"] = "fine".into();
        assert!(!validator.is_valid(&spoilt), "the schema holds nothing");
    }
}

#[test]
fn failures_keep_to_their_schema() {
    let validator = self::validator("error");
    for arguments in [&["check", "--json", "--only", "state-ownershp"][..], &["check", "--json", "--no-such"]] {
        let output = doctor(&words(arguments));
        assert_eq!(output.status.code(), Some(2));
        valid(&validator, &serde_json::from_slice(&output.stdout).expect("JSON"));
    }
}

#[test]
fn what_a_baseline_knows_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let before = folder.path().join("before.json");
    let first = check(folder.path(), &["--json", "--output", before.to_str().unwrap()]);
    assert_eq!(first.status.code(), Some(1));
    let again = check(folder.path(), &["--json", "--allow-unknown", "--baseline", before.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    let result: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert!(!result["diagnosis"].as_array().unwrap().is_empty(), "it is still said");
    assert_eq!(result["findings"][0]["setAside"]["by"], "baseline");
    valid(&validator("check"), &result);
    for (text, says) in [
        ("{}", "schemaVersion"),
        ("[", "EOF"),
        (r#"{"schemaVersion":9,"generatedAt":"2026-01-01T00:00:00Z","findings":[]}"#, "9"),
    ] {
        std::fs::write(&before, text).unwrap();
        let refused = check(folder.path(), &["--baseline", before.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(says), "{text}");
    }
}

#[test]
fn waiting_ends_when_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    let output = check(folder.path(), &["--wait", "1s"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1), "it did not wait");
}

#[test]
fn the_configuration_file_sets_defaults_severities_and_dismissals() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = words(&["check"]);
    arguments.extend(broken(folder.path()));
    let quiet = with_config(
        folder.path(),
        "[defaults]\nfail-on = \"never\"\nallow-unknown = true\nformat = \"json\"\n",
        &arguments,
    );
    assert_eq!(quiet.status.code(), Some(0), "{}", String::from_utf8_lossy(&quiet.stderr));
    let result: Value = serde_json::from_slice(&quiet.stdout).expect("the file's format");
    let code = result["findings"][0]["code"].as_str().unwrap().to_owned();
    assert_eq!(result["findings"][0]["severity"], "error");

    // What is typed wins.
    let typed: Vec<String> = arguments.iter().cloned().chain(words(&["--fail-on", "error", "--json"])).collect();
    assert_eq!(with_config(folder.path(), "[defaults]\nfail-on = \"never\"\n", &typed).status.code(), Some(1));

    let milder = with_config(folder.path(), &format!("[severity]\n{code} = \"info\"\n"), &typed);
    let result: Value = serde_json::from_slice(&milder.stdout).unwrap();
    assert_eq!(result["findings"][0]["severity"], "info");

    let dismissed = "[[dismiss]]\nid = \"state-ownership\"\nreason = \"the NAS does that\"\n\n[[dismiss]]\nid = \"port-conflict\"\npath = \"/none\"\nreason = \"x\"\n\n[[dismiss]]\nid = \"config-syntax\"\npath = \"/none\"\nreason = \"x\"\n";
    let dismissed = with_config(folder.path(), dismissed, &typed);
    let result: Value = serde_json::from_slice(&dismissed.stdout).unwrap();
    assert_eq!(
        result["diagnosis"].as_array().unwrap().iter().filter(|one| one["cause"] == "state-ownership").count(),
        0
    );
    let aside: Vec<&Value> =
        result["findings"].as_array().unwrap().iter().filter(|one| one["setAside"]["by"] == "dismissal").collect();
    assert!(!aside.is_empty() && aside.iter().all(|one| one["setAside"]["reason"] == "the NAS does that"));
    assert!(result["notes"].to_string().contains("matches nothing"), "{}", result["notes"]);
    valid(&validator("check"), &result);
}

#[test]
fn a_broken_configuration_file_is_one_sentence_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = words(&["check"]);
    arguments.extend(broken(folder.path()));
    let output = with_config(folder.path(), "[defaults]\nfail-on = \"sometimes\"\n", &arguments);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.lines().next().unwrap().contains("config.toml:2: fail-on"), "{said}");
    arguments.push("--no-config".to_owned());
    assert_eq!(with_config(folder.path(), "[defaults]\nfail-on = \"sometimes\"\n", &arguments).status.code(), Some(1));
    assert_eq!(with_config(folder.path(), "[", &words(&["list"])).status.code(), Some(0), "it needs no settings");
}

#[test]
fn config_show_tells_where_each_value_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let output = with_config(folder.path(), "\n[defaults]\ntimeout = \"7s\"\n", &words(&["config", "--show"]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("timeout").contains("7s") && line("timeout").contains("line 3"), "{text}");
    assert!(line("fail-on").contains("error") && line("fail-on").contains("built in"), "{text}");
}

/// Every key that the file may have is read and shown with its line.
#[test]
fn config_show_knows_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[defaults]
fail-on = \"warning\"
severity-min = \"warning\"
format = \"json\"
color = \"never\"
timeout = \"7s\"
no-probe = true
allow-unknown = true
only = [\"state-ownership\"]
skip = [\"port-conflict\"]

[severity]
refused-gateway-token = \"warning\"

[[dismiss]]
id = \"state-ownership\"
path = \"/srv\"
until = 2099-01-31
until-version = \"2099.1.1\"
reason = \"the NAS owns it\"
";
    let output = with_config(folder.path(), text, &words(&["config", "--show"]));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    for (number, line) in text.lines().enumerate().skip(1).take(9) {
        let name = line.split(' ').next().unwrap();
        let row = shown.lines().find(|row| row.trim_start().starts_with(name)).unwrap_or_default();
        assert!(row.ends_with(&format!("line {}", number + 1)), "{name}: {shown}");
    }
    assert!(
        shown.contains("refused-gateway-token") && shown.contains("warning  configuration file, line 13"),
        "{shown}"
    );
    let dismissal = "state-ownership at /srv until 2099-01-31 until release 2099.1.1: the NAS owns it (line 15)";
    assert!(shown.contains(dismissal), "{shown}");
}

/// `report` and `analyze` judge by the same settings as `check`; an expired dismissal counts again and is named.
#[test]
fn every_judging_command_honours_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("host.snapshot").to_string_lossy().into_owned();
    let mut report = words(&["report", "--format", "json", "--allow-unknown", "--snapshot", &snapshot]);
    report.extend(broken(folder.path()));
    let analyze = words(&["analyze", "--json", "--allow-unknown", &snapshot]);
    let dismissed = |until: &str| {
        let dismiss = |cause: &str| format!("[[dismiss]]\nid = \"{cause}\"\nuntil = {until}\nreason = \"is known\"\n");
        ["state-ownership", "pairing-store-lost", "new-device"].map(dismiss).concat()
    };
    for arguments in [&report, &analyze] {
        let result = |text: &str| {
            let output = with_config(folder.path(), text, arguments);
            let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let report = document.get("report").cloned().unwrap_or(document);
            (output.status.code(), report)
        };
        assert_eq!(result("").0, Some(1));
        let (code, kept) = result(&dismissed("2099-01-01"));
        assert_eq!(code, Some(0), "{:#}", kept["findings"]);
        assert!(kept["findings"].to_string().contains("is known"));
        let (code, lapsed) = result(&dismissed("2020-01-01"));
        assert_eq!(code, Some(1));
        assert!(lapsed["notes"].to_string().contains("it ended on 2020-01-01"), "{}", lapsed["notes"]);
        let milder = result("[severity]\nrefused-gateway-token = \"info\"\n").1;
        let of = |report: &Value, code: &str| {
            let findings = report["findings"].as_array().unwrap().clone();
            findings.iter().filter(|one| one["code"] == code).map(|one| one["severity"].clone()).collect::<Vec<_>>()
        };
        assert!(of(&milder, "refused-gateway-token").iter().all(|severity| severity == "info"), "{milder:#}");
    }
}

/// The same causes stand together, what is rare stands first, and a file that is no snapshot is a host of its own.
#[test]
fn a_fleet_is_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = folder.path().join("fleet");
    std::fs::create_dir(&fleet).unwrap();
    for (host, case) in [
        ("alpha", "2026.2.19-f01_healthy"),
        ("beta", "2026.2.19-f02b_device_files_root_0600"),
        ("gamma", "2026.2.19-f01_healthy"),
    ] {
        let case = Case::named(case);
        let root = folder.path().join("host.tar");
        case.root_archive(false, &root);
        let snapshot = fleet.join(format!("{host}.snapshot")).to_string_lossy().into_owned();
        let mut arguments = words(&["report", "--snapshot", &snapshot]);
        arguments.extend(case.options(&root));
        doctor(&arguments);
    }
    std::fs::write(fleet.join("delta.snapshot"), "not a snapshot").unwrap();
    let fleet = fleet.to_string_lossy().into_owned();
    let output = doctor(&words(&["analyze", "--fleet", &fleet]));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let hosts: Vec<&str> =
        table.lines().skip(3).map(|line| line.get(17..).unwrap().split(' ').next().unwrap()).collect();
    assert_eq!(hosts, ["beta", "delta", "alpha", "gamma"], "{table}");
    assert!(table.lines().nth(3).unwrap().starts_with("state-ownership  beta   certain"), "{table}");
    let document = support::doctor_json(&words(&["analyze", "--json", "--fleet", &fleet]));
    assert_eq!(document["hosts"][0]["cause"], "state-ownership");
    assert_eq!(document["hosts"][1]["state"], "unreadable");
}

/// Root follows only what nobody else can write.
#[test]
fn root_does_not_follow_the_accounts_file() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can make a file of another account");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[defaults]\nfail-on = \"never\"\n").unwrap();
    std::os::unix::fs::chown(&config, Some(1234), Some(1234)).unwrap();
    let mut arguments = words(&["check"]);
    arguments.extend(broken(folder.path()));
    let output = with_config(folder.path(), "[defaults]\nfail-on = \"never\"\n", &arguments);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stderr).contains("root"));
}
