//! Every output format under hostile text, and read by a program that really consumes it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use openclaw_doctor::checks::run::Status;
use openclaw_doctor::diagnosis::Diagnosis;
use openclaw_doctor::model::{Cause, Certainty, Evidence, Finding, HostPath, Severity};
use openclaw_doctor::render::{github, human, junit, markdown, prometheus, sarif, tap};
use openclaw_doctor::report::{
    CheckSummary, GatewaySummary, Host, Report, ReportedFinding, RunBy, SetAside, SetAsideBy, Tool, UnknownFact,
    Verdict,
};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What strangers may put into names, origins, user agents and log lines.
const HOSTILE: &[&str] = &[
    "::error file=a,line=1::owned",
    "\n::error::owned\n",
    "##[error]owned",
    "%0A::set-output name=x::y",
    "```\n# heading\n```sh\nrm -rf /\n```````",
    "@everyone @here <@123> <!channel> #12 owner/repo#3",
    "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;]]>",
    "[click](http://evil.example) ![i](http://evil.example/x.png) | a | b |",
    "x\"} 1\nevil_metric{a=\"b\\",
    "# EOF\n# HELP evil",
    "ok 99 - fine # SKIP \\# TODO\n  ...\nnot ok 100\nBail out! now",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\r\u{8}",
    "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\u{2028}\u{85}",
    "{0} {{x}} [a](1) \u{fffe}\u{ffff}\u{0}",
    "---\n...\n- x: 'y'\n\"quoted\\",
];

fn finding(code: &str, severity: Severity, text: &str) -> ReportedFinding {
    let made = Finding::new("state-ownership", code, severity, text, text);
    ReportedFinding {
        fingerprint: made.fingerprint,
        check_id: made.check_id,
        code: made.code,
        cause: Some(Cause::StateOwnership),
        severity,
        message: text.to_owned(),
        path: Some(HostPath::from(format!("/home/x/{text}").as_str())),
        line: Some(3),
        column: Some(5),
        installation: Some("i1".to_owned()),
        evidence: vec![Evidence::new(text).at(&HostPath::from("/etc/passwd")).source(text)],
        fix_hint: Some(text.to_owned()),
        fix: None,
        set_aside: None,
    }
}

fn report(findings: Vec<ReportedFinding>, text: &str) -> Report {
    let checks = [
        ("state-ownership", Status::Found, None),
        ("port-holder", Status::Skipped, Some(text.to_owned())),
        ("services", Status::Crashed, Some(text.to_owned())),
        ("config-file", Status::Ok, None),
    ];
    Report {
        schema_version: 1,
        tool: Tool::this(),
        generated_at: "2026-11-22T14:06:55.123Z".parse().unwrap(),
        as_of: "2026-11-22T14:06:55Z".parse().unwrap(),
        as_of_from: text.to_owned(),
        host: Host { os: "linux".into(), arch: "x86_64".into(), container: Some(text.into()), root: None },
        run_as: RunBy { uid: 1000, privileged: false },
        redacted: false,
        ok: false,
        exit_code: 1,
        verdict: Verdict::Broken,
        fail_on: Some(Severity::Error),
        gateway: GatewaySummary { up: Some(false), refused: Some(7) },
        checks_run: 2,
        checks_skipped: 2,
        installations: Vec::new(),
        diagnosis: vec![Diagnosis {
            cause: Cause::StateOwnership,
            certainty: Certainty::Certain,
            title: text.to_owned(),
            summary: text.to_owned(),
            evidence: vec![Evidence::new(text).source(text)],
            findings: findings.iter().map(|finding| finding.fingerprint.clone()).collect(),
            consequences: Vec::new(),
            next: text.to_owned(),
        }],
        checks: checks
            .into_iter()
            .map(|(id, status, reason)| CheckSummary { id: id.to_owned(), status, reason, ms: 1.25 })
            .collect(),
        findings,
        unknown: vec![UnknownFact { fact: text.to_owned(), reason: text.to_owned() }],
        notes: vec![text.to_owned()],
    }
}

/// Three severities and one that was set aside, each with a hostile text.
fn hostile(text: &str) -> Report {
    let mut aside = finding("aside-code", Severity::Error, text);
    aside.set_aside = Some(SetAside { by: SetAsideBy::Dismissal, reason: text.to_owned() });
    let findings = vec![
        finding("error-code", Severity::Error, text),
        finding("error-code", Severity::Error, &format!("other {text}")),
        finding("warning-code", Severity::Warning, text),
        finding("info-code", Severity::Info, text),
        aside,
    ];
    report(findings, text)
}

fn corpus() -> Vec<Report> {
    let mut all: Vec<Report> = HOSTILE.iter().map(|text| hostile(text)).collect();
    all.push(hostile(&HOSTILE.join(" ")));
    all.push(hostile("plain"));
    all.push(report(Vec::new(), "nothing found"));
    let mut inconclusive = report(Vec::new(), HOSTILE[4]);
    (inconclusive.exit_code, inconclusive.verdict) = (3, Verdict::Inconclusive);
    all.push(inconclusive);
    all
}

fn plain_look() -> human::Look {
    human::Look { width: 80, color: false, verbose: true, severity_min: Severity::Info }
}

type Renderer = fn(&Report) -> String;

const RENDERERS: &[(&str, Renderer)] = &[
    ("human", |report| human::render(report, plain_look())),
    ("markdown", markdown::render),
    ("junit", junit::render),
    ("sarif", sarif::render),
    ("github", github::render),
    ("tap", tap::render),
    ("prometheus", prometheus::render),
];

#[test]
fn no_renderer_lets_control_or_bidi_characters_through() {
    for report in corpus() {
        for (name, render) in RENDERERS {
            let text = render(&report);
            let bad = |c: char| {
                c.is_control() && c != '\n'
                    || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            };
            let found: Vec<char> = text.chars().filter(|c| bad(*c)).collect();
            assert!(found.is_empty(), "{name}: {found:?} in\n{text}");
        }
    }
}

/// As many findings come out as go in, whatever their text.
#[test]
fn every_renderer_shows_every_finding() {
    for report in corpus() {
        let count = report.findings.len();
        let lines = |text: &str, starts: &str| text.lines().filter(|line| line.starts_with(starts)).count();
        let seen = human::render(&report, plain_look());
        let rows = ["  error    ", "  warning  ", "  info     "].iter().map(|start| lines(&seen, start)).sum::<usize>();
        assert_eq!(rows, count, "human\n{seen}");
        assert_eq!(lines(&markdown::render(&report), "- **"), count, "markdown");
        let xml = junit::render(&report);
        assert_eq!(xml.matches("-code]").count(), count, "junit\n{xml}");
        let document: serde_json::Value = serde_json::from_str(&sarif::render(&report)).expect("SARIF is JSON");
        assert_eq!(document["runs"][0]["results"].as_array().unwrap().len(), count, "sarif");
        let annotations = github::render(&report);
        assert_eq!(annotations.lines().filter(|line| line.contains("-code::")).count(), count, "github\n{annotations}");
        assert!(annotations.lines().all(|line| line.starts_with("::")), "{annotations}");
        assert_eq!(lines(&tap::render(&report), "    - code: "), count, "tap");
        let metrics = prometheus::render(&report);
        let number = |name: &str| -> usize {
            let values =
                metrics.lines().filter_map(|line| line.strip_prefix(name)?.rsplit(' ').next()?.parse::<usize>().ok());
            values.sum()
        };
        assert_eq!(
            number("openclaw_doctor_findings{") + number("openclaw_doctor_findings_set_aside "),
            count,
            "{metrics}"
        );
        let by_code = number("openclaw_doctor_findings_by_code{");
        assert_eq!(by_code + number("openclaw_doctor_findings_set_aside "), count, "{metrics}");
    }
}

#[test]
fn annotations_keep_their_shape() {
    for report in corpus() {
        for line in github::render(&report).lines() {
            let command = line.strip_prefix("::").expect("a command");
            let (head, _) = command.split_once("::").expect("a message");
            let (level, properties) = head.split_once(' ').expect("properties");
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            for property in properties.split(',') {
                let (name, value) = property.split_once('=').expect("name and value");
                assert!(["file", "line", "col", "title"].contains(&name), "{line}");
                assert!(!value.contains([':', '\n', '\r']), "{line}");
            }
        }
    }
}

#[test]
fn markdown_calls_nobody_and_keeps_its_fences() {
    for report in corpus() {
        let text = markdown::render(&report);
        let mut fence: Option<String> = None;
        for line in text.lines() {
            let run: String = line.chars().take_while(|c| *c == '`').collect();
            match &fence {
                None if run.len() >= 3 => fence = Some(run),
                None => {
                    for called in ["@everyone", "@here", "<@", "<script", "<!"] {
                        // In code spans nobody is called.
                        let outside: String = line.split('`').step_by(2).collect();
                        assert!(!outside.contains(called), "{called} in {line}");
                    }
                    assert!(!line.starts_with("# "), "{line}");
                }
                Some(open) if run.len() >= open.len() => {
                    assert_eq!(line, open, "closed by a stranger");
                    fence = None;
                }
                Some(_) => {}
            }
        }
        assert_eq!(fence, None, "a fence stays open:\n{text}");
    }
}

#[test]
fn sarif_is_valid_by_the_official_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/sarif-2.1.0.json");
    // The official text has a stray bracket in the pattern of `language`, which a strict engine refuses.
    let schema = std::fs::read_to_string(schema).unwrap().replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$");
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("schema");
    for report in corpus() {
        let document: serde_json::Value = serde_json::from_str(&sarif::render(&report)).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(rules.len() > 10);
        for rule in rules {
            assert!(rule["help"]["markdown"].as_str().unwrap().contains("## What it finds"), "{}", rule["id"]);
        }
    }
}

/// Feeds a program, or says that it is not there.
fn feed(program: &str, arguments: &[&str], input: &str) -> Option<Output> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        support::skipped(&format!("{program} is not installed"));
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).expect("it reads");
    Some(child.wait_with_output().expect("it ends"))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn junit_is_read_by_xmllint() {
    for report in corpus() {
        let xml = junit::render(&report);
        let failing = report.findings.iter().filter(|finding| report.fails(finding)).count();
        let expected = if failing > 0 { 1 } else { 0 };
        let query = "concat(count(//testcase), ' ', count(//failure), ' ', count(//error), ' ', count(//skipped), ' ', //testsuite/@tests, ' ', //testsuite/@failures, ' ', //testsuite/@errors)";
        let Some(output) = feed("xmllint", &["--nonet", "--xpath", query, "-"], &xml) else { return };
        assert!(output.status.success(), "{}\n{xml}", said(&output));
        let numbers: Vec<usize> =
            String::from_utf8_lossy(&output.stdout).split_whitespace().map(|word| word.parse().unwrap()).collect();
        let inconclusive = usize::from(report.exit_code == 3);
        let (cases, errors) = (4 + inconclusive, 1 + inconclusive);
        assert_eq!(numbers, [cases, expected, errors, 1, cases, expected, errors], "{xml}");
    }
}

/// What a CI system makes of it: cases, their outcome, and every finding's code in their texts.
#[test]
fn junit_is_read_by_a_parser() {
    for report in corpus() {
        let xml = junit::render(&report);
        let read = junit_parser::from_reader(xml.as_bytes()).expect("JUnit XML");
        let cases: Vec<&junit_parser::TestCase> = read.suites.iter().flat_map(|suite| &suite.cases).collect();
        let inconclusive = usize::from(report.exit_code == 3);
        let failing = report.findings.iter().filter(|finding| report.fails(finding)).count();
        assert_eq!((read.tests as usize, cases.len()), (4 + inconclusive, 4 + inconclusive));
        let of =
            |status: fn(&junit_parser::TestStatus) -> bool| cases.iter().filter(|case| status(&case.status)).count();
        assert_eq!(of(junit_parser::TestStatus::is_failure), usize::from(failing > 0));
        assert_eq!(of(junit_parser::TestStatus::is_error), 1 + inconclusive);
        assert_eq!(of(junit_parser::TestStatus::is_skipped), 1);
        let mut texts = String::new();
        for case in &cases {
            if let junit_parser::TestStatus::Failure(failure) = &case.status {
                texts.push_str(&failure.text);
            }
            texts.push_str(case.system_out.as_deref().unwrap_or_default());
        }
        assert_eq!(texts.matches("-code]").count(), report.findings.len(), "{texts}");
    }
}

#[test]
fn prometheus_text_is_read_by_promtool() {
    for report in corpus() {
        let text = prometheus::render(&report);
        let Some(output) = feed("promtool", &["check", "metrics"], &text) else { return };
        // Exit 3 is advice on names; the format itself must be right.
        assert!(output.status.success(), "{}\n{text}", said(&output));
        assert!(!text.contains("evil"), "{text}");
    }
}

/// The harness of perl 5.36 knows no version above 13; the rest of what we print is the same in both.
#[test]
fn tap_is_read_by_a_harness() {
    let script = "my $p = TAP::Parser->new({ tap => do { local $/; <STDIN> } });
        my ($yaml) = (0);
        while (my $r = $p->next) { $yaml++ if $r->is_yaml; die 'unknown line: ' . $r->as_string if $r->is_unknown; }
        print join(' ', scalar($p->parse_errors), $p->tests_run, scalar($p->failed), scalar($p->skipped), $yaml), qq{\\n};
        print STDERR $_ for $p->parse_errors;";
    for report in corpus() {
        let text = tap::render(&report);
        assert!(text.starts_with("TAP version 14\n1.."));
        let older = text.replacen("TAP version 14", "TAP version 13", 1);
        let Some(output) = feed("perl", &["-MTAP::Parser", "-e", script], &older) else { return };
        if !output.status.success() && said(&output).contains("Can't locate TAP/Parser.pm") {
            return support::skipped("TAP::Parser is not installed");
        }
        let inconclusive = usize::from(report.exit_code == 3);
        let failing = usize::from(report.findings.iter().any(|finding| report.fails(finding)));
        let with_yaml = 1 + usize::from(!report.findings.is_empty()) + inconclusive;
        let expected = format!("0 {} {} 1 {with_yaml}", 4 + inconclusive, 1 + failing + inconclusive);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{}\n{text}", said(&output));
    }
}

/// `prove` runs what prints TAP; its own exit code and counts come from what it read.
#[test]
fn tap_is_counted_by_prove() {
    let folder = tempfile::tempdir().unwrap();
    for (name, report) in [("broken", hostile("plain")), ("healthy", report(Vec::new(), "nothing found"))] {
        let mut report = report;
        report.checks.retain(|check| name == "broken" || check.status != Status::Crashed);
        let file = folder.path().join(format!("{name}.t"));
        std::fs::write(&file, tap::render(&report).replacen("version 14", "version 13", 1)).unwrap();
        let Some(output) = feed("prove", &["--exec", "cat", file.to_str().unwrap()], "") else { return };
        let text = said(&output);
        match name {
            "broken" => assert!(text.contains("Failed 2/4 subtests") && text.contains("Failed tests:  1, 3"), "{text}"),
            _ => assert!(output.status.success() && text.contains("Result: PASS"), "{text}"),
        }
    }
}
