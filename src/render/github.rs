//! Workflow annotations for GitHub Actions (`::error file=…,line=…::message`), one line for each finding.
//!
//! The runner reads a command only at the start of a line. Text is kept on one line first, then `%` and, in properties,
//! `:` and `,` are escaped as the runner's own toolkit does it, so that no text can close a property or start a command.

use super::headline::headline;
use super::sanitize;
use crate::model::Severity;
use crate::report::{Report, ReportedFinding, Verdict};
use std::fmt::Write as _;

/// Renders a report.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        annotate(finding, &mut text);
    }
    let (word, why) = headline(report);
    let level = match report.verdict {
        Verdict::Healthy | Verdict::Broken => "notice",
        Verdict::Inconclusive => "warning",
    };
    let mut summary = format!("{word}: {why}");
    if let Some(diagnosis) = report.diagnosis.first() {
        let _ = write!(summary, ". {} Next: {}", diagnosis.summary, diagnosis.next);
    }
    let _ = writeln!(text, "::{level} title=openclaw-doctor::{}", data(&summary));
    for note in &report.notes {
        let _ = writeln!(text, "::notice title=openclaw-doctor::{}", data(note));
    }
    text
}

fn annotate(finding: &ReportedFinding, text: &mut String) {
    let level = match finding.severity {
        _ if finding.set_aside.is_some() => "notice",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    if let Some(path) = &finding.path {
        properties.push(format!("file={}", property(&path.to_string())));
        properties.extend(finding.line.map(|line| format!("line={line}")));
        properties.extend(finding.line.and(finding.column).map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(&finding.code)));
    let mut message = finding.message.clone();
    if let Some(aside) = &finding.set_aside {
        let _ = write!(message, " (does not count: {})", aside.reason);
    }
    if let Some(hint) = &finding.fix_hint {
        let _ = write!(message, " What to do: {hint}");
    }
    let _ = writeln!(text, "::{level} {}::{}", properties.join(","), data(&message));
}

/// The message part of a command.
fn data(text: &str) -> String {
    sanitize(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_can_neither_end_its_property_nor_its_command() {
        assert_eq!(property("a:b,c%0A\n"), "a%3Ab%2Cc%250A\\u{a}");
        assert_eq!(data("x\n::error::y"), "x\\u{a}::error::y");
    }
}
