//! The forms of `report`: what each carries, and that nothing is written that can't be verified.

mod support;

use openclaw_doctor::redact::detectors;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Output;
use support::{Case, doctor};

struct Laid {
    _folder: tempfile::TempDir,
    root: PathBuf,
    case: Case,
}

impl Laid {
    fn out(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        let root = folder.path().join("case.tar");
        let case = Case::named(name);
        case.root_archive(false, &root);
        Self { _folder: folder, root, case }
    }

    fn report(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["report".to_owned()];
        all.extend(arguments.iter().map(|text| (*text).to_owned()));
        all.extend(self.case.options(&self.root));
        doctor(&all)
    }

    fn text(&self, format: &str) -> String {
        let output = self.report(&["--format", format]);
        assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

const FORMATS: [&str; 5] = ["markdown", "discord", "github", "html", "json"];

#[test]
fn every_form_says_who_made_it_when_what_was_not_checked_and_what_was_hidden() {
    let laid = Laid::out("2026.2.19-f10c_stale_remote_pending");
    for format in FORMATS {
        let text = laid.text(format);
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for wanted in
            [env!("CARGO_PKG_VERSION"), "openclaw-doctor", "offline root", "network-namespace", "proxy-attribution"]
        {
            assert!(plain.contains(wanted), "{format} lacks {wanted}:\n{text}");
        }
        let time = if format == "json" { "generatedAt" } else { "UTC" };
        assert!(plain.contains(time), "{format}");
        let hidden = if format == "json" { "\"leftReadable\"" } else { "Left readable on purpose" };
        assert!(plain.contains(hidden) && plain.to_lowercase().contains("user"), "{format}:\n{text}");
    }
}

#[test]
fn waiting_requests_are_shown_for_a_volunteer() {
    let laid = Laid::out("2026.2.19-f10c_stale_remote_pending");
    for format in FORMATS {
        let text = laid.text(format).replace("\\_", "_").replace("\\(", "(").replace("\\)", ")");
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for wanted in ["61916916-3855-468b-8dee-727651e4a1af", "cli", "operator.pairing", "Approve only if this is you"]
        {
            assert!(plain.contains(wanted), "{format} lacks {wanted}:\n{text}");
        }
        let (age, class) = if format == "json" {
            ("\"ageSeconds\"", "\"addressClass\"")
        } else {
            (" old", "no address in the record")
        };
        assert!(plain.contains(age) && plain.contains(class), "{format}:\n{text}");
    }
}

#[test]
fn discord_parts_stand_alone_and_the_first_holds_the_diagnosis() {
    let laid = Laid::out("2026.2.19-f02b_device_files_root_0600");
    let text = laid.text("discord");
    let parts: Vec<&str> = text.split("```\n").filter(|part| !part.trim().is_empty()).collect();
    assert!(parts.len() > 1, "{text}");
    for (index, part) in parts.iter().enumerate() {
        let head = format!("openclaw-doctor {}, part {} of {}", env!("CARGO_PKG_VERSION"), index + 1, parts.len());
        assert!(part.starts_with(&head), "{part}");
        assert!(part.chars().count() + 8 <= 2_000, "{}", part.chars().count());
    }
    assert!(parts[0].contains("Root cause: state-ownership") && parts[0].contains("\nNext\n"));
    let place = |words: &str| parts.iter().position(|part| part.contains(words)).expect(words);
    assert!(place("Root cause") <= place("\nFindings") && place("Findings") <= place("Not established"));
    assert!(place("Not established") <= place("What was hidden"));
}

/// The headings of `.github/ISSUE_TEMPLATE/bug_report.yml` of OpenClaw, in its order.
const FORM: [&str; 11] = [
    "Bug type",
    "Summary",
    "Steps to reproduce",
    "Expected behavior",
    "Actual behavior",
    "OpenClaw version",
    "Operating system",
    "Install method",
    "Logs, screenshots, and evidence",
    "Impact and severity",
    "Additional information",
];

#[test]
fn the_bug_report_form_is_filled_in_its_order() {
    let laid = Laid::out("2026.2.19-f02b_device_files_root_0600");
    let text = laid.text("github");
    let mut from = 0;
    for heading in FORM {
        let heading = format!("### {heading}\n\n");
        let at = text[from..].find(&heading).unwrap_or_else(|| panic!("{heading} in order:\n{text}"));
        from += at + heading.len();
        assert!(!text[from..].trim_start().starts_with("### "), "{heading} is empty");
    }
    assert!(text.contains("### OpenClaw version\n\n2026.2.19"), "{text}");
}

#[test]
fn the_page_loads_nothing_and_runs_nothing_from_elsewhere() {
    let laid = Laid::out("2026.2.19-f02b_device_files_root_0600");
    let page = laid.text("html");
    assert!(page.contains("default-src 'none'") && page.contains("<svg"));
    for foreign in ["src=", "http://", "https://", "@import", "url(", "<iframe", "<object", "<form"] {
        let found = page.matches(foreign).count();
        assert_eq!(found, 0, "{foreign}");
    }
    assert_eq!(page.matches("<script").count(), 1);
}

/// For `tests/html/run`, which opens it in a browser.
#[test]
fn a_page_for_the_browser() {
    let page = Laid::out("2026.2.19-f02b_device_files_root_0600").text("html");
    assert!(page.ends_with("</html>\n"));
    if let Some(path) = std::env::var_os("HTML_REPORT") {
        fs::write(path, page).expect("written");
    }
}

#[test]
fn the_same_value_has_the_same_pseudonym_in_the_report_and_its_snapshot() {
    let laid = Laid::out("2026.2.19-f02b_device_files_root_0600");
    let file = laid.root.with_extension("snapshot");
    let output = laid.report(&["--format", "json", "--snapshot", &file.display().to_string()]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let state = report["report"]["installations"][0]["stateDir"].as_str().expect("a path");
    let user = report["report"]["installations"][0]["gatewayUser"].as_str().expect("a name");
    assert_eq!(state, format!("/home/{user}/.openclaw"));
    assert_eq!(report["redaction"]["hidden"]["user"]["values"], 1);
    assert_eq!(report["report"]["redacted"], true);
}

#[test]
fn every_detector_is_told_apart_by_its_id() {
    let ids: Vec<&str> = detectors().map(|detector| detector.id).collect();
    assert!(ids.len() > 100, "{}", ids.len());
}

#[test]
fn report_and_snapshot_keep_to_their_schemas() {
    let printed = doctor(&["list".into(), "--schema".into()]);
    let schemas: Value = serde_json::from_slice(&printed.stdout).expect("schemas");
    let holds = |name: &str, document: &Value| {
        let validator = jsonschema::options().should_validate_formats(true).build(&schemas[name]).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    };
    let laid = Laid::out("2026.2.19-f10c_stale_remote_pending");
    let file = laid.root.with_extension("snapshot");
    let output = laid.report(&["--format", "json", "--snapshot", &file.display().to_string()]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    holds("report", &report);
    assert_eq!(report["requests"][0]["addressClass"], "none");
    let packed = fs::File::open(&file).expect("a snapshot");
    holds("snapshot", &serde_json::from_reader(flate2::read::GzDecoder::new(packed)).expect("JSON"));
}
