//! `report`: the redacted report for a thread, and the redacted snapshot for a helper.

use super::check::{judge, shared};
use super::failure::{Exit, Failure, Outcome};
use super::options::{CollectArgs, JudgeArgs};
use super::output;
use super::share::{Shared, Sharer};
use crate::redact::Summary;
use crate::render::html::{Bar, Timeline};
use crate::render::origin::{hidden, made_by};
use crate::render::requests::{self, Request};
use crate::render::{discord, html, issue, markdown};
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
    let shared = shared(&collected, &report, &args.judge, &std::collections::BTreeMap::new(), &mut sharer)?;
    let text = rendered(args.format, &shared, sharer.summary());
    // A JSON document is proved as a value: as text, its structure could be taken for data.
    let text = if args.format == Format::Json { text } else { sharer.text(&text)? };
    if let Some(path) = &args.snapshot {
        write_snapshot(&shared.snapshot, path)?;
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

fn rendered(format: Format, shared: &Shared, summary: &Summary) -> String {
    let Shared { snapshot, report } = shared;
    let waiting = requests::of(snapshot);
    match format {
        Format::Markdown => format!("{}\n{}", markdown::render(report), extra(report, &waiting, summary)),
        Format::Github => issue::render(report, snapshot, &extra(report, &waiting, summary)),
        Format::Html => html::render(report, &waiting, &timeline(snapshot), summary),
        Format::Discord => discord::render(report, &waiting, summary),
        Format::Json => {
            let document = serde_json::json!({
                "schemaVersion": 1,
                "report": report,
                "requests": waiting,
                "redaction": summary,
            });
            format!("{document:#}\n")
        }
    }
}

/// What the Markdown forms add: waiting requests, what was hidden, and by what.
fn extra(report: &Report, waiting: &[Request], summary: &Summary) -> String {
    let mut text = String::new();
    if !waiting.is_empty() {
        text.push_str("### Waiting requests\n\n");
        for request in waiting {
            let _ = writeln!(text, "- {}", markdown::prose(&requests::line(request)));
        }
        text.push('\n');
    }
    text.push_str("### What was hidden\n\n");
    for line in hidden(summary) {
        let _ = writeln!(text, "- {}", markdown::prose(&line));
    }
    let _ = writeln!(text, "\n{}", markdown::prose(&made_by(report)));
    text
}

/// Refused connections over time, in at most sixty intervals.
fn timeline(snapshot: &Snapshot) -> Timeline {
    let Some(logs) = snapshot.logs.known() else { return Timeline::default() };
    let shown = logs.refusals.at_most(60);
    let bars = shown.intervals().map(|(start, reasons)| Bar {
        start,
        reasons: reasons.iter().map(|(reason, count)| (reason.id().to_owned(), *count)).collect(),
    });
    Timeline { width_seconds: shown.width_seconds(), bars: bars.collect() }
}
