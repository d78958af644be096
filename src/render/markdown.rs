//! Markdown for issues and forums: the cause, its evidence, the next command, then findings and checks.
//!
//! What comes from logs and files stands in fenced blocks, whose fence is longer than any run of backticks inside, or is
//! escaped; and it can call nobody: `@` and `#` are parted from what follows them.

use super::headline::headline;
use super::human::evidence_text;
use super::place::place;
use super::sanitize;
use crate::checks::run::Status;
use crate::diagnosis::Diagnosis;
use crate::report::{Report, ReportedFinding};
use std::fmt::Write as _;

/// Pieces of evidence shown for each cause; the thread needs the point, the JSON has all.
const MOST_EVIDENCE: usize = 12;

/// Renders a report.
pub fn render(report: &Report) -> String {
    let (word, why) = headline(report);
    let mut text = format!("## {word}: {}\n\n", prose(&why));
    about(report, &mut text);
    for (index, diagnosis) in report.diagnosis.iter().enumerate() {
        cause(diagnosis, index == 0, &mut text);
    }
    findings(report, &mut text);
    checks(report, &mut text);
    text
}

fn about(report: &Report, text: &mut String) {
    let _ = write!(
        text,
        "{} {} on {} {}",
        report.tool.name,
        prose(&report.tool.version),
        prose(&report.host.os),
        prose(&report.host.arch)
    );
    if let Some(container) = &report.host.container {
        let _ = write!(text, " in {}", prose(container));
    }
    if let Some(installation) = report.installations.iter().find(|installation| installation.selected) {
        let versions = &installation.versions;
        let judged = installation.judged_by.as_ref().map(|judged| judged.release.clone());
        let named = [
            ("judged as", &judged),
            ("running", &versions.running),
            ("service", &versions.service),
            ("state", &versions.state),
            ("CLI", &versions.cli),
        ];
        let known: Vec<String> = named
            .iter()
            .filter_map(|(of, version)| version.as_ref().map(|version| format!("{of} {version}")))
            .collect();
        let releases =
            if known.is_empty() { "of unknown release".to_owned() } else { format!("({})", known.join(", ")) };
        let _ = write!(
            text,
            "; {} {}, {}",
            prose(&installation.product),
            prose(&releases),
            prose(&installation.store_words())
        );
    }
    text.push_str(".\n");
    for note in &report.notes {
        let _ = write!(text, "\n{}\n", prose(note));
    }
}

fn cause(diagnosis: &Diagnosis, root: bool, text: &mut String) {
    let heading = if root { "Root cause" } else { "Also" };
    let _ = write!(
        text,
        "\n### {heading}: `{}` ({})\n\n{}\n",
        diagnosis.cause,
        diagnosis.certainty.word(),
        prose(&diagnosis.summary)
    );
    let mut lines = Vec::new();
    for piece in diagnosis.evidence.iter().take(MOST_EVIDENCE) {
        lines.push(sanitize(&evidence_text(piece)).into_owned());
        lines.extend(piece.source.as_ref().map(|source| format!("    | {}", sanitize(source))));
    }
    let rest = diagnosis.evidence.len().saturating_sub(MOST_EVIDENCE);
    if rest > 0 {
        lines.push(format!("and {rest} more"));
    }
    if !lines.is_empty() {
        let _ = write!(text, "\nEvidence:\n\n{}", fenced(&lines.join("\n"), "text"));
    }
    // A command to copy, or a sentence for a person.
    let command = diagnosis.next.strip_prefix("sudo ").unwrap_or(&diagnosis.next);
    if command.starts_with("openclaw-doctor ") {
        let _ = write!(text, "\nNext:\n\n{}", fenced(&sanitize(&diagnosis.next), "sh"));
    } else {
        let _ = writeln!(text, "\nNext: {}", prose(&diagnosis.next));
    }
}

fn findings(report: &Report, text: &mut String) {
    if report.findings.is_empty() {
        return;
    }
    text.push_str("\n### Findings\n\n");
    for finding in &report.findings {
        item(finding, text);
    }
}

fn item(finding: &ReportedFinding, text: &mut String) {
    let _ = write!(text, "- **{}** `{}`", finding.severity.word(), code(&finding.code));
    let place = place(finding);
    if !place.is_empty() {
        let _ = write!(text, " {}", span(place.trim_start()));
    }
    let _ = write!(text, ": {}", prose(&finding.message));
    if let Some(aside) = &finding.set_aside {
        let _ = write!(text, " (does not count: {})", prose(&aside.reason));
    }
    text.push('\n');
    if let Some(hint) = &finding.fix_hint {
        let _ = writeln!(text, "  What to do: {}", prose(hint));
    }
}

fn checks(report: &Report, text: &mut String) {
    let _ = write!(text, "\n### Checks\n\n{} ran, {} skipped.\n", report.checks_run, report.checks_skipped);
    let not_told = report.checks.iter().filter(|check| matches!(check.status, Status::Skipped | Status::Crashed));
    for (index, check) in not_told.enumerate() {
        let word = if check.status == Status::Crashed { "crashed" } else { "skipped" };
        let reason = prose(check.reason.as_deref().unwrap_or_default());
        let gap = if index == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}- `{}` {word}: {reason}", code(&check.id));
    }
    if !report.unknown.is_empty() {
        text.push_str("\nNot established:\n\n");
    }
    for unknown in &report.unknown {
        let _ = writeln!(text, "- {}: {}", prose(&unknown.fact), prose(&unknown.reason));
    }
}

/// A text as one line of Markdown that formats nothing and calls nobody.
pub fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in sanitize(text).chars() {
        match c {
            // An escape alone does not keep forums from calling people or linking issues.
            '@' => out.push_str("@\u{200b}"),
            '#' => out.push_str("\\#\u{200b}"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Code in a line, with as many backticks around as it needs.
fn span(text: &str) -> String {
    let text = sanitize(text);
    let marks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{marks}{pad}{text}{pad}{marks}")
}

/// A word of this program between single backticks.
fn code(id: &str) -> String {
    sanitize(id).replace('`', "'")
}

/// A block of code, with a fence that is longer than any inside.
pub fn fenced(text: &str, language: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}
