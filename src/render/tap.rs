//! Test Anything Protocol, version 14: one test for each check, findings as YAML diagnostics below it.

use super::sanitize;
use crate::checks::run::Status;
use crate::report::{CheckSummary, Report, ReportedFinding};
use std::fmt::Write as _;

/// Renders a report.
pub fn render(report: &Report) -> String {
    let tests = tests(report);
    let inconclusive = report.exit_code == 3;
    let mut text = format!("TAP version 14\n1..{}\n", tests.len() + usize::from(inconclusive));
    for (index, (id, check, findings)) in tests.iter().enumerate() {
        test(report, index + 1, id, *check, findings, &mut text);
    }
    if inconclusive {
        let _ = writeln!(text, "not ok {} - conclusive\n  ---\n  notes:", tests.len() + 1);
        for note in &report.notes {
            let _ = writeln!(text, "    - {}", quoted(note));
        }
        text.push_str("  ...\n");
    }
    text
}

/// A check's id, how it ended, and what it found.
pub type Test<'r> = (&'r str, Option<&'r CheckSummary>, Vec<&'r ReportedFinding>);

/// Every check with its findings, in order; then findings of checks that the report does not list, so that none is lost.
pub fn tests(report: &Report) -> Vec<Test<'_>> {
    let of = |id: &str| report.findings.iter().filter(|finding| finding.check_id == id).collect::<Vec<_>>();
    let mut tests: Vec<Test<'_>> =
        report.checks.iter().map(|check| (check.id.as_str(), Some(check), of(&check.id))).collect();
    for finding in &report.findings {
        if !tests.iter().any(|(id, ..)| *id == finding.check_id) {
            tests.push((&finding.check_id, None, of(&finding.check_id)));
        }
    }
    tests
}

fn test(
    report: &Report,
    number: usize,
    id: &str,
    check: Option<&CheckSummary>,
    findings: &[&ReportedFinding],
    text: &mut String,
) {
    let status = check.map_or(Status::Found, |check| check.status);
    let failed = status == Status::Crashed || findings.iter().any(|finding| report.fails(finding));
    let reason = check.and_then(|check| check.reason.as_deref()).unwrap_or_default();
    let _ = write!(text, "{} {number} - {}", if failed { "not ok" } else { "ok" }, description(id));
    if status == Status::Skipped {
        let _ = write!(text, " # SKIP {}", description(reason));
    }
    text.push('\n');
    if findings.is_empty() && status != Status::Crashed {
        return;
    }
    text.push_str("  ---\n");
    if status == Status::Crashed {
        let _ = writeln!(text, "  message: {}", quoted(reason));
    }
    if !findings.is_empty() {
        text.push_str("  findings:\n");
    }
    for finding in findings {
        let _ = writeln!(text, "    - code: {}", quoted(&finding.code));
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "      {name}: {}", quoted(value));
        };
        line("severity", finding.severity.word());
        line("message", &finding.message);
        line("fingerprint", &finding.fingerprint);
        if let Some(path) = &finding.path {
            line("path", &path.to_string());
        }
        if let Some(number) = finding.line {
            line("line", &number.to_string());
        }
        if let Some(aside) = &finding.set_aside {
            line("set_aside", &aside.reason);
        }
        if let Some(hint) = &finding.fix_hint {
            line("fix_hint", hint);
        }
    }
    text.push_str("  ...\n");
}

/// Text outside YAML: `#` would start a directive.
fn description(text: &str) -> String {
    sanitize(text).replace('\\', "\\\\").replace('#', "\\#")
}

/// A YAML scalar in double quotes. Nothing but `"` and `\` needs an escape once the text is one harmless line.
fn quoted(text: &str) -> String {
    format!("\"{}\"", sanitize(text).replace('\\', "\\\\").replace('"', "\\\""))
}
