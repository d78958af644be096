//! The sections that OpenClaw's bug-report form asks for, under its own headings and in its order.

use super::markdown;
use super::sanitize;
use crate::model::{Certainty, Evidence, HostPath};
use crate::report::{Report, Verdict};
use crate::snapshot::Snapshot;
use std::fmt::Write as _;

/// Fills the form. What only a person can know stands in comments. `extra` are further sections in Markdown.
pub fn render(report: &Report, snapshot: &Snapshot, extra: &str) -> String {
    let installation = report.installations.iter().find(|installation| installation.selected);
    let version = installation.and_then(|installation| Some(installation.judged_by.as_ref()?.release.clone()));
    let first = report.diagnosis.first();
    let summary = first.map_or("No cause was found.", |first| first.summary.as_str());
    let sections = [
        ("Bug type", "Behavior bug (incorrect output/state without crash)\n\n<!-- or: Regression (worked before, now fails) -->".to_owned()),
        ("Summary", markdown::prose(summary)),
        (
            "Steps to reproduce",
            "1. A host in the state that the evidence below shows.\n2. Connect with the CLI (`openclaw devices list`) or the \
             Control UI.\n\n<!-- what you did just before -->"
                .to_owned(),
        ),
        ("Expected behavior", "The operator's own CLI and Control UI can connect.".to_owned()),
        ("Actual behavior", actual(report)),
        ("OpenClaw version", markdown::prose(version.as_deref().unwrap_or("unknown"))),
        ("Operating system", system(report)),
        ("Install method", markdown::prose(&install_method(report, snapshot))),
        ("Logs, screenshots, and evidence", lowered(&markdown::render(report))),
        ("Impact and severity", impact(report)),
        ("Additional information", lowered(extra)),
    ];
    let mut text = String::new();
    for (heading, body) in sections {
        let _ = writeln!(text, "### {heading}\n\n{}\n", body.trim_end());
    }
    text
}

/// The headings of a text below those of the form. Nothing from logs and files begins a line outside a fence.
fn lowered(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().map(|line| {
        fenced ^= line.starts_with("```");
        let heading = !fenced && (line.starts_with("## ") || line.starts_with("### "));
        if heading { format!("#### {}", line.trim_start_matches(['#', ' '])) } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What the log says, where it is evidence.
fn actual(report: &Report) -> String {
    let lines: Vec<&str> =
        report.diagnosis.iter().flat_map(|diagnosis| &diagnosis.evidence).filter_map(log_line).take(3).collect();
    let said = if lines.is_empty() {
        String::new()
    } else {
        format!(
            "{}\n",
            markdown::fenced(&lines.iter().map(|line| sanitize(line)).collect::<Vec<_>>().join("\n"), "text")
        )
    };
    format!("{said}<!-- the exact message that you see -->")
}

fn log_line(piece: &Evidence) -> Option<&str> {
    piece.time.and(piece.source.as_deref())
}

fn system(report: &Report) -> String {
    let container = report.host.container.as_deref();
    let container = container.map(|kind| format!(", in a container ({})", markdown::prose(kind))).unwrap_or_default();
    format!("{} {}{container}", markdown::prose(&report.host.os), markdown::prose(&report.host.arch))
}

/// What can be told from where the package lies and from what starts it.
fn install_method(report: &Report, snapshot: &Snapshot) -> String {
    if let Some(kind) = &report.host.container {
        return format!("container ({kind})");
    }
    let Some(programs) = snapshot.programs.known() else { return "unknown".to_owned() };
    let Some(package) = programs.on_path().or(programs.packages.first()) else { return "unknown".to_owned() };
    format!("{} ({})", manager(&package.directory), package.directory)
}

fn manager(directory: &HostPath) -> &'static str {
    let path = directory.to_string();
    let place = |part: &str| path.contains(part);
    if place("/pnpm/") || place("/.pnpm/") {
        "pnpm global"
    } else if place("/.bun/") {
        "bun global"
    } else if place(".app/") {
        "mac app"
    } else if place("/node_modules/") {
        "npm global"
    } else {
        "from source"
    }
}

fn impact(report: &Report) -> String {
    let severity = match report.verdict {
        Verdict::Broken => "High (locks the operator out)",
        Verdict::Inconclusive => "Unknown (what decides could not be read)",
        Verdict::Healthy => "None that the host's state shows",
    };
    let sure = report.diagnosis.first().map_or("no cause found", |first| match first.certainty {
        Certainty::Certain => "always, while the state stays as it is",
        Certainty::Likely => "while the state stays as it is, as far as state and log tell",
        Certainty::Possible => "not established",
    });
    format!(
        "- Affected: the operator's own clients of this gateway\n- Severity: {severity}\n- Frequency: {sure}\n- \
         Consequence: the CLI and the Control UI can't connect or can't act"
    )
}
