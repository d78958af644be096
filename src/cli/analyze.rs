//! `analyze`: the same checks on a snapshot that somebody attached; `--fleet` one table over many.

use super::check::unknown_id;
use super::failure::{Exit, Failure, Outcome};
use super::options::{JudgeArgs, OutputArgs};
use super::output;
use crate::checks::run::run as run_checks;
use crate::render::{human, sanitize};
use crate::report::Report;
use crate::report::build::{Judgement, build};
use crate::report::select::Selection;
use crate::snapshot::{Snapshot, file};
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;
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
        (Some(directory), _) => fleet(args, directory),
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

fn read(path: &Path) -> Result<Snapshot, Failure> {
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

fn judged(args: &AnalyzeArgs, snapshot: &Snapshot) -> Result<Report, Failure> {
    let selection = Selection::new(&args.judge.only, &args.judge.skip).map_err(unknown_id)?;
    let runs =
        run_checks(
            snapshot,
            |check| {
                if selection.wants_check(check) { Ok(()) } else { Err("not asked for".to_owned()) }
            },
        );
    let judgement = Judgement {
        fail_on: args.judge.fail_on.severity(),
        allow_unknown: args.judge.allow_unknown,
        selection,
        set_aside: BTreeMap::new(),
        notes: Vec::new(),
    };
    Ok(build(snapshot, &runs, &judgement))
}

/// One line a host, the same causes together, the rarest first: what stands out is what a person wants to see.
fn fleet(args: &AnalyzeArgs, directory: &Path) -> Outcome {
    let listing = std::fs::read_dir(directory).map_err(|error| Failure::io(directory.display(), &error))?;
    let mut files: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let mut rows: Vec<(String, String, String)> = Vec::new();
    let mut worst = Exit::Ok;
    for path in &files {
        let host = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let host = host
            .split(".snapshot")
            .next()
            .unwrap_or(&host)
            .trim_end_matches(".json")
            .trim_end_matches(".gz")
            .to_owned();
        let (cause, what) = match read(path).and_then(|snapshot| judged(args, &snapshot)) {
            Err(failure) => ("unreadable".to_owned(), failure.message),
            Ok(report) => {
                if report.exit_code != 0 {
                    worst = Exit::Found;
                }
                match report.diagnosis.first() {
                    Some(first) => (first.cause.id().to_owned(), first.summary.clone()),
                    None => (format!("{:?}", report.verdict).to_lowercase(), String::new()),
                }
            }
        };
        if cause == "unreadable" {
            worst = Exit::Found;
        }
        rows.push((cause, host, what));
    }
    if rows.is_empty() {
        return Err(Failure::new("no-such-file", format!("{} holds no snapshots", directory.display())));
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (cause, _, _) in &rows {
        *counts.entry(cause.clone()).or_default() += 1;
    }
    rows.sort_by_key(|(cause, host, _)| (counts.get(cause).copied().unwrap_or_default(), cause.clone(), host.clone()));
    let text = if args.json {
        let hosts: Vec<_> = rows
            .iter()
            .map(|(cause, host, what)| serde_json::json!({ "host": host, "cause": cause, "summary": what }))
            .collect();
        format!(
            "{:#}\n",
            serde_json::json!({ "schemaVersion": 1, "tool": crate::report::Tool::this(), "hosts": hosts })
        )
    } else {
        table(&rows)
    };
    output::write(text.as_bytes(), args.output.output.as_deref())?;
    Ok(worst)
}

fn table(rows: &[(String, String, String)]) -> String {
    let width = |column: fn(&(String, String, String)) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
    };
    let (cause_width, host_width) = (width(|row| &row.0).max(5), width(|row| &row.1).max(4));
    let mut text = format!("{:<cause_width$}  {:<host_width$}  what\n", "cause", "host");
    for (cause, host, what) in rows {
        let short: String = what.chars().take(100).collect();
        let _ =
            writeln!(text, "{:<cause_width$}  {:<host_width$}  {}", sanitize(cause), sanitize(host), sanitize(&short));
    }
    text
}
