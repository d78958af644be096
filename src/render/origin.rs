//! Who made a document and when, what was hidden in it, and what was left readable on purpose: the end of every report.

use crate::redact::Summary;
use crate::report::Report;

/// `openclaw-doctor 1.2.3 at 2026-11-22 14:06 UTC`
pub fn made_by(report: &Report) -> String {
    format!(
        "Made by {} {} at {}.",
        report.tool.name,
        report.tool.version,
        report.generated_at.strftime("%Y-%m-%d %H:%M UTC")
    )
}

/// What was hidden, and what was not, one sentence each.
pub fn hidden(summary: &Summary) -> Vec<String> {
    let counts = summary.to_string();
    let mut first: String = counts.chars().take(1).flat_map(char::to_uppercase).collect();
    first.extend(counts.chars().skip(1));
    let mut lines = vec![format!("{first}.")];
    if !summary.identities {
        lines.push("Names, addresses and ids were left readable, as asked for; secrets never are.".to_owned());
    }
    lines.push("The same value has the same pseudonym everywhere.".to_owned());
    lines.push(format!("Left readable on purpose: {}.", summary.left_readable.join("; ")));
    lines
}
