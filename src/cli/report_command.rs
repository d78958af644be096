//! `report`: the redacted report for a thread, and the redacted snapshot for a helper.

use super::check::judge;
use super::failure::{Exit, Failure, Outcome};
use super::options::{CollectArgs, JudgeArgs};
use super::output;
use super::share::{Sharer, shareable};
use crate::render::html::Bar;
use crate::render::requests::{self, Request};
use crate::render::{discord, html, human, issue, markdown};
use crate::report::Report;
use crate::snapshot::{Snapshot, file};
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Arguments of `report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub collect: CollectArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub judge: JudgeArgs,
    /// The form of the report.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "markdown", help_heading = "Output")]
    pub format: Format,
    /// Also write the redacted snapshot, for `analyze`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub snapshot: Option<PathBuf>,
    /// Write to FILE instead of standard output.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Show identities (names, hosts, addresses). Secrets are hidden always.
    #[arg(long, help_heading = "Output")]
    pub no_redact: bool,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For GitHub and forums.
    #[default]
    Markdown,
    /// Parts of at most 2,000 characters, each in a code block.
    Discord,
    /// The sections of OpenClaw's bug-report form.
    Github,
    /// One self-contained page.
    Html,
    /// For programs.
    Json,
}

impl ReportArgs {
    /// Whether failures too are to be JSON.
    pub fn wants_json(&self) -> bool {
        self.format == Format::Json
    }
}

/// Runs `report`. Nothing is written that could not be verified.
///
/// # Errors
/// Bad usage, no installation, redaction that can't be proved, files that can't be written.
pub fn run(args: &ReportArgs) -> Outcome {
    let (collected, report) = judge(&args.collect, &args.judge, &std::collections::BTreeMap::new())?;
    let mut sharer = Sharer::new(&collected.snapshot, &collected.vault, !args.no_redact);
    let mut report = shareable(&report, &mut sharer)?;
    report.redacted = !args.no_redact;
    let requests = sharer.value(&requests::of(&collected.snapshot))?;
    let text = rendered(args.format, &report, &requests, &timeline(&collected.snapshot), &sharer)?;
    let text = sharer.text(&text)?;
    if let Some(path) = &args.snapshot {
        write_snapshot(&sharer.value(&collected.snapshot)?, path)?;
    }
    output::write(text.as_bytes(), args.output.as_deref())?;
    Ok(match report.exit_code {
        0 => Exit::Ok,
        3 => Exit::Inconclusive,
        _ => Exit::Found,
    })
}

fn write_snapshot(snapshot: &Snapshot, path: &std::path::Path) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    file::write(snapshot, &mut bytes).map_err(|error| Failure::io(path.display(), &error))?;
    output::write(&bytes, Some(path))
}

fn rendered(
    format: Format,
    report: &Report,
    requests: &[Request],
    timeline: &[Bar],
    sharer: &Sharer,
) -> Result<String, Failure> {
    let extra = extra(report, requests, sharer);
    Ok(match format {
        Format::Markdown => format!("{}\n{extra}", markdown::render(report)),
        Format::Github => issue::render(report, &extra),
        Format::Html => html::render(report, requests, timeline, &sharer.summary()),
        Format::Discord => {
            let look =
                human::Look { width: 76, color: false, verbose: false, severity_min: crate::model::Severity::Info };
            discord::parts(&format!("{}\n{}", human::render(report, look), plain_extra(requests, sharer))).join("\n")
        }
        Format::Json => {
            let document = serde_json::json!({
                "schemaVersion": 1,
                "report": report,
                "requests": requests,
                "redaction": sharer.summary(),
            });
            format!("{document:#}\n")
        }
    })
}

/// What the Markdown forms add: waiting requests, and what was hidden.
fn extra(report: &Report, requests: &[Request], sharer: &Sharer) -> String {
    let mut text = String::new();
    if !requests.is_empty() {
        text.push_str("### Waiting requests\n\n");
        for request in requests {
            let _ = writeln!(text, "- {}", markdown::prose(&requests::line(request)));
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "### What was hidden\n\nMade by {} {} at {}.\n\n{}",
        report.tool.name,
        report.tool.version,
        report.generated_at.strftime("%Y-%m-%d %H:%M UTC"),
        sharer.summary()
    );
    text
}

fn plain_extra(requests: &[Request], sharer: &Sharer) -> String {
    let mut text = String::new();
    for request in requests {
        let _ = writeln!(text, "{}", crate::render::sanitize(&requests::line(request)));
    }
    let _ = writeln!(text, "\nWhat was hidden\n{}", sharer.summary());
    text
}

/// Refused connections over time, in at most sixty intervals.
fn timeline(snapshot: &Snapshot) -> Vec<Bar> {
    let Some(logs) = snapshot.logs.known() else { return Vec::new() };
    logs.refusals
        .at_most(60)
        .intervals()
        .map(|(start, reasons)| Bar {
            label: start.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            reasons: reasons.iter().map(|(reason, count)| (reason.id().to_owned(), *count)).collect(),
        })
        .collect()
}
