//! `openclaw-doctor logs`: the pairing and authentication timeline from the gateway's logs.

mod follow;
mod json;
mod open;
mod timeline;

use super::share::hide_secrets;
use super::when;
use super::{Exit, Failure, Outcome};
use crate::collect::logs::LogFile;
use crate::collect::source::{ReadAt, ReadError};
use crate::logs::{Rejection, ScanOptions, SignatureSet, scan_logs};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Arguments of `logs`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Show only what happened at or after this time: RFC 3339, a date, or how long ago (`2h`, `30m`)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Show only what happened at or before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Show only this device: its id, or the start of it, or the address it comes from
    #[arg(long, value_name = "ID")]
    pub device: Option<String>,
    /// Show only connections refused for this reason, for example `not-paired` or `token-mismatch`
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Go on showing what happens, each connection attempt with its reason and what to do
    #[arg(long, short)]
    pub follow: bool,
    /// Print one JSON document, or with --follow one JSON line for each event
    #[arg(long)]
    pub json: bool,
    /// Show times in UTC and not in the local zone
    #[arg(long)]
    pub utc: bool,
    /// More gateway logs to read: JSON lines, plain text, journal export, also gzip or zstd; `-` is standard input
    #[arg(long = "log", value_name = "FILE")]
    pub logs: Vec<PathBuf>,
}

/// The installation's own logs.
pub trait InstalledLogs {
    /// The logs, oldest first. While following this is asked again, because a new day is a new file.
    ///
    /// # Errors
    /// No installation.
    fn files(&self) -> Result<Vec<LogFile>, Failure>;

    /// Opens one of them with the rights of the gateway's account: it says what its logs are, and root must not read
    /// for it what it can't.
    ///
    /// # Errors
    /// It can't be read, or is no regular file.
    fn open(&self, path: &Path) -> Result<Box<dyn ReadAt>, ReadError>;
}

/// Runs the command.
///
/// # Errors
/// Bad times or reasons, a named log that cannot be opened, no log at all.
pub fn run(args: &Args, installed: &dyn InstalledLogs) -> Outcome {
    let zone = if args.utc { TimeZone::UTC } else { TimeZone::system() };
    let now = Timestamp::now();
    let time = |text: &Option<String>| -> Result<Option<Timestamp>, Failure> {
        text.as_deref().map(|text| when::parse(text, now, &zone)).transpose().map_err(|m| Failure::new("usage", m))
    };
    let signatures = SignatureSet::in_use().map_err(|error| Failure::new("malformed", error.to_string()))?;
    let mut options = ScanOptions::new(signatures);
    options.since = time(&args.since)?;
    options.until = time(&args.until)?;
    options.clock.zone = zone.clone();
    options.clock.reference = Some(now);
    options.device.clone_from(&args.device);
    options.rejection = args.reason.as_deref().map(reason).transpose()?;
    if args.follow {
        return follow::run(args, installed, &options, &zone);
    }
    let summary = scan_logs(open::all(args, installed)?, &options);
    let text = if args.json {
        json::document(&summary, &options).map_err(|error| Failure::new("io", error.to_string()))?
    } else {
        timeline::render(&summary, &zone, terminal_width())
    };
    print(&hide_secrets(&text))
}

/// A reason by its id, with the nearest one suggested where there is none.
fn reason(text: &str) -> Result<Rejection, Failure> {
    text.parse().map_err(|error: crate::logs::rejection::RejectionError| {
        let nearest = Rejection::ALL
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(a.id(), text).total_cmp(&strsim::jaro_winkler(b.id(), text)));
        let failure = Failure::new("usage", error.to_string());
        match nearest {
            Some(nearest) => failure.hint(format!("did you mean `{nearest}`?")),
            None => failure,
        }
    })
}

/// Columns of the terminal; 100 where there is none to ask.
fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns.filter(|columns| *columns >= 40).unwrap_or(100).min(160)
}

/// A broken pipe is no error: who reads decides how much.
fn print(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::io("standard output", &error)),
        _ => Ok(Exit::Ok),
    }
}
