//! `analyze`: the same checks on a snapshot that somebody attached; `--fleet` one table over many.

use super::check::{judge_snapshot, unknown_id};
use super::failure::{Exit, Failure, Outcome};
use super::options::{JudgeArgs, OutputArgs};
use super::{fleet, output};
use crate::render::human;
use crate::report::Report;
use crate::report::select::Selection;
use crate::snapshot::{Snapshot, file};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Arguments of `analyze`.
#[derive(Debug, Clone, Args)]
pub struct AnalyzeArgs {
    /// The snapshot, as `report --snapshot` wrote it.
    #[arg(value_name = "SNAPSHOT", required_unless_present = "fleet")]
    pub snapshot: Option<PathBuf>,
    /// One table over every snapshot in DIR.
    #[arg(long, value_name = "DIR", conflicts_with = "snapshot")]
    pub fleet: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub judge: JudgeArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    /// Print JSON.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl AnalyzeArgs {
    /// Whether failures too are to be JSON.
    pub fn wants_json(&self) -> bool {
        self.json
    }
}

/// Runs `analyze`.
///
/// # Errors
/// A file that is no snapshot, an id that names nothing.
pub fn run(args: &AnalyzeArgs) -> Outcome {
    match (&args.fleet, &args.snapshot) {
        (Some(directory), _) => fleet::run(args, directory),
        (None, Some(path)) => one(args, path),
        (None, None) => Err(Failure::new("usage", "name a snapshot, or a directory of them with --fleet")),
    }
}

fn one(args: &AnalyzeArgs, path: &Path) -> Outcome {
    let snapshot = read(path)?;
    let mut report = judged(args, &snapshot)?;
    report.notes.insert(0, origin(&snapshot, jiff::Timestamp::now()));
    let text = if args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| Failure::new("io", error.to_string()))?;
        format!("{text}\n")
    } else {
        let color = args.output.output.is_none() && args.output.color.applies(output::is_terminal());
        let look = human::Look {
            width: output::width(),
            color,
            verbose: args.output.verbose,
            severity_min: args.output.severity_min.into(),
        };
        human::render(&report, look)
    };
    output::write(text.as_bytes(), args.output.output.as_deref())?;
    Ok(match report.exit_code {
        0 => Exit::Ok,
        3 => Exit::Inconclusive,
        _ => Exit::Found,
    })
}

/// When the snapshot was taken, how long ago, and by what.
fn origin(snapshot: &Snapshot, now: jiff::Timestamp) -> String {
    let taken = snapshot.taken_at.strftime("%Y-%m-%d %H:%M UTC");
    let seconds = now.duration_since(snapshot.taken_at).as_secs();
    let age = match seconds {
        ..-60 => "in the future by this clock".to_owned(),
        -60..120 => "just now".to_owned(),
        120..7_200 => format!("{} minutes ago", seconds / 60),
        7_200..172_800 => format!("{} hours ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    };
    let this = env!("CARGO_PKG_VERSION");
    let tool = if snapshot.tool_version == this {
        String::new()
    } else {
        format!(" by openclaw-doctor {}, judged by {this}", snapshot.tool_version)
    };
    format!("From a snapshot taken {taken}{tool}, {age}; the host may be different now.")
}

/// Reads a snapshot.
///
/// # Errors
/// A file that can't be read or is no snapshot.
pub(super) fn read(path: &Path) -> Result<Snapshot, Failure> {
    let name = path.display();
    let meta = std::fs::metadata(path).map_err(|error| Failure::io(&name, &error))?;
    if !meta.is_file() {
        return Err(Failure::new("malformed", format!("{name}: it is no file")).hint("with --fleet give a directory"));
    }
    let input = std::fs::File::open(path).map_err(|error| Failure::io(&name, &error))?;
    file::read(input).map_err(|error| {
        Failure::new("malformed", format!("{name}: {error}"))
            .hint("make one with `openclaw-doctor report --snapshot FILE`")
    })
}

/// The report on a snapshot, by the caller's own settings.
///
/// # Errors
/// An id that names nothing.
pub(super) fn judged(args: &AnalyzeArgs, snapshot: &Snapshot) -> Result<Report, Failure> {
    let selection = Selection::new(&args.judge.only, &args.judge.skip).map_err(unknown_id)?;
    Ok(judge_snapshot(snapshot, &args.judge, selection, &BTreeMap::new()).1)
}
