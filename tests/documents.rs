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
    assert_eq!(schemas.as_object().unwrap().len(), 7, "every document has one");
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

#[test]
fn completions_are_read_by_real_shells() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, program, check) in [
        ("bash", "bash", Some("-n")),
        ("zsh", "zsh", Some("-n")),
        ("fish", "fish", Some("--no-execute")),
        ("powershell", "", None),
        ("elvish", "", None),
    ] {
        let output = doctor(&words(&["completions", shell]));
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("state-dir") && text.contains("completions"), "{shell}: {text}");
        let Some(check) = check else { continue };
        let script = folder.path().join(shell);
        std::fs::write(&script, &text).unwrap();
        match Command::new(program).arg(check).arg(&script).output() {
            Ok(read) => assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr)),
            Err(_) => println!("skipped: {program} is not installed"),
        }
    }
    // Completion in a real shell: the word after `check --fail-` is an option.
    let script = folder.path().join("bash");
    let line = format!(
        "source {}; COMP_WORDS=(openclaw-doctor check --fail-); COMP_CWORD=2; _openclaw__doctor openclaw-doctor --fail- check; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    if let Ok(output) = Command::new("bash").args(["-c", &line]).output() {
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "--fail-on",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn man_pages_render() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&words(&["man", "--output", folder.path().to_str().unwrap()]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut pages: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() > 8 && pages.iter().any(|page| page.ends_with("openclaw-doctor-fix.1")), "{pages:?}");
    for page in pages {
        let Ok(groff) = Command::new("groff").args(["-man", "-Tutf8", "-ww"]).arg(&page).output() else {
            println!("skipped: groff is not installed");
            return;
        };
        let text = String::from_utf8_lossy(&groff.stdout).into_owned();
        assert!(groff.status.success() && text.contains("openclaw-doctor"), "{page:?}");
    }
}

#[test]
fn every_command_has_short_and_long_help() {
    for command in
        ["check", "fix", "undo", "history", "logs", "probe", "list", "explain", "config", "completions", "man"]
    {
        for option in ["-h", "--help"] {
            let output = doctor(&words(&[command, option]));
            assert!(output.status.success() && output.stderr.is_empty(), "{command} {option}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: openclaw-doctor"), "{command} {option}");
        }
    }
}
