//! The sections that OpenClaw's bug-report form asks for.

use super::markdown;
use crate::report::Report;
use std::fmt::Write as _;

/// Fills the form. `extra` are further sections in Markdown.
pub fn render(report: &Report, extra: &str) -> String {
    let installation = report.installations.iter().find(|installation| installation.selected);
    let version = installation.and_then(|installation| {
        let versions = &installation.versions;
        [&versions.running, &versions.service, &versions.state, &versions.cli].into_iter().flatten().next().cloned()
    });
    let summary = report.diagnosis.first().map_or("No cause was found.", |first| first.summary.as_str());
    let mut text = String::new();
    let _ = writeln!(text, "### Summary\n\n{}\n", markdown::prose(summary));
    text.push_str("### Steps to reproduce\n\n<!-- what you did just before -->\n\n");
    text.push_str("### Expected behavior\n\nThe operator's own CLI and dashboard can connect.\n\n");
    text.push_str("### Actual behavior\n\n<!-- the exact message that you see -->\n\n");
    let _ = writeln!(text, "### OpenClaw version\n\n{}\n", markdown::prose(version.as_deref().unwrap_or("unknown")));
    let _ = writeln!(
        text,
        "### Operating system\n\n{} {}{}\n",
        markdown::prose(&report.host.os),
        markdown::prose(&report.host.arch),
        report
            .host
            .container
            .as_deref()
            .map(|kind| format!(", in a container ({})", markdown::prose(kind)))
            .unwrap_or_default()
    );
    let _ = writeln!(text, "### Logs and evidence\n\n{}", markdown::render(report));
    text.push_str(extra);
    text
}
