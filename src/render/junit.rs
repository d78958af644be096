//! JUnit XML as CI systems read it: one suite, one case for each check.
//!
//! A case has at most one `failure`, because the strictest schema in use allows no more; all findings of the check that
//! count are in its text, the others in `system-out`.

use super::headline::headline;
use super::place::place;
use super::sanitize;
use super::tap::{Test, tests};
use crate::checks::all;
use crate::checks::run::Status;
use crate::report::{Report, ReportedFinding};
use std::fmt::Write as _;

/// Renders a report.
pub fn render(report: &Report) -> String {
    let (mut failures, mut errors, mut skipped) = (0, 0, 0);
    let mut cases = String::new();
    let tests = tests(report);
    for test in &tests {
        match case(report, test, &mut cases) {
            Ended::Failed => failures += 1,
            Ended::Broke => errors += 1,
            Ended::Skipped => skipped += 1,
            Ended::Well => {}
        }
    }
    let mut count = tests.len();
    if report.exit_code == 3 {
        count += 1;
        errors += 1;
        let _ = write!(
            cases,
            "    <testcase classname=\"openclaw-doctor\" name=\"conclusive\" time=\"0\">\n      <error message={} type=\"inconclusive\">{}</error>\n    </testcase>\n",
            attribute(&headline(report).1),
            content(&report.notes),
        );
    }
    let seconds: f64 = report.checks.iter().map(|check| check.ms).sum::<f64>() / 1000.0;
    let time = report.generated_at.strftime("%Y-%m-%dT%H:%M:%S");
    let counts = format!("tests=\"{count}\" failures=\"{failures}\" errors=\"{errors}\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"openclaw-doctor\" {counts} time=\"{seconds:.3}\">\n  <testsuite name=\"openclaw-doctor\" {counts} skipped=\"{skipped}\" time=\"{seconds:.3}\" timestamp=\"{time}\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

enum Ended {
    Well,
    Failed,
    Broke,
    Skipped,
}

fn case(report: &Report, (id, check, findings): &Test<'_>, out: &mut String) -> Ended {
    let status = check.map_or(Status::Found, |check| check.status);
    let reason = check.and_then(|check| check.reason.as_deref()).unwrap_or_default();
    let seconds = check.map_or(0.0, |check| check.ms) / 1000.0;
    let area = all().find(|known| known.id() == *id).map_or("other", |known| known.area().id());
    let (failing, others): (Vec<&ReportedFinding>, Vec<&ReportedFinding>) =
        findings.iter().partition(|finding| report.fails(finding));
    let _ = writeln!(
        out,
        "    <testcase classname=\"openclaw-doctor.{area}\" name={} time=\"{seconds:.6}\">",
        attribute(id)
    );
    let ended = match (status, failing.first()) {
        (Status::Crashed, _) => {
            let _ = writeln!(out, "      <error message={} type=\"crashed\"/>", attribute(reason));
            Ended::Broke
        }
        (_, Some(first)) => {
            let message = match failing.len() {
                1 => first.message.clone(),
                several => format!("{} (and {} more)", first.message, several - 1),
            };
            let _ = writeln!(
                out,
                "      <failure message={} type={}>{}</failure>",
                attribute(&message),
                attribute(&first.code),
                content(&failing.iter().map(|finding| line(finding)).collect::<Vec<_>>())
            );
            Ended::Failed
        }
        (Status::Skipped, None) => {
            let _ = writeln!(out, "      <skipped message={}/>", attribute(reason));
            Ended::Skipped
        }
        (Status::Ok | Status::Found, None) => Ended::Well,
    };
    if !others.is_empty() {
        let lines: Vec<String> = others.iter().map(|finding| line(finding)).collect();
        let _ = writeln!(out, "      <system-out>{}</system-out>", content(&lines));
    }
    out.push_str("    </testcase>\n");
    ended
}

fn line(finding: &ReportedFinding) -> String {
    let aside =
        finding.set_aside.as_ref().map(|aside| format!(" (does not count: {})", aside.reason)).unwrap_or_default();
    let hint = finding.fix_hint.as_ref().map(|hint| format!(" What to do: {hint}")).unwrap_or_default();
    format!("{} [{}]{}: {}{aside}{hint}", finding.severity.word(), finding.code, place(finding), finding.message)
}

/// Lines as character data.
fn content<T: AsRef<str>>(lines: &[T]) -> String {
    lines.iter().map(|line| escaped(line.as_ref())).collect::<Vec<_>>().join("\n")
}

fn attribute(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// XML 1.0 has no form for control characters at all; `sanitize` has made them visible before. U+FFFE and U+FFFF are the
/// only others that it forbids.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitize(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}
