//! `check`: collect, judge, print the diagnosis.

use super::failure::{Exit, Failure, Outcome};
use super::options::{CollectArgs, JudgeArgs, OutputArgs, duration};
use super::progress::Progress;
use super::{baseline, output, share, world};
use crate::checks::run::{CheckRun, run as run_checks};
use crate::model::Severity;
use crate::render::{github, human, junit, markdown, prometheus, sarif, tap};
use crate::report::build::{Judgement, build};
use crate::report::select::{Selection, UnknownId};
use crate::report::{Report, SetAside, Verdict};
use crate::snapshot::{Installation, Snapshot};
use clap::{Args, ValueEnum};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often `--wait` looks again.
const WAIT_STEP: Duration = Duration::from_secs(3);

/// Arguments of `check`.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub collect: CollectArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub judge: JudgeArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    /// The form of the result.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "human", help_heading = "Output")]
    pub format: Format,
    /// Short for --format json.
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub json: bool,
    /// A former JSON result: only what is new counts for the exit code.
    #[arg(long, value_name = "FILE", help_heading = "What to judge")]
    pub baseline: Option<PathBuf>,
    /// Check again until nothing is at --fail-on, or this time is up.
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "What to judge")]
    pub wait: Option<Duration>,
    /// Show identities (names, hosts, addresses) in formats that are made to be shared. Secrets are hidden always.
    #[arg(long, help_heading = "Output")]
    pub no_redact: bool,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For a person at a terminal.
    #[default]
    Human,
    /// The contract's JSON document.
    Json,
    /// For an issue or a forum.
    Markdown,
    /// JUnit XML, for CI systems.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow annotations of GitHub Actions.
    Github,
    /// Test Anything Protocol.
    Tap,
    /// Prometheus text, for a node exporter's textfile collector.
    Prometheus,
}

impl Format {
    /// Whether the format is made to be shared, so that identities are redacted unless `--no-redact` is given.
    pub fn is_shared(self) -> bool {
        match self {
            Format::Human | Format::Json | Format::Prometheus => false,
            Format::Markdown | Format::Junit | Format::Sarif | Format::Github | Format::Tap => true,
        }
    }
}

impl CheckArgs {
    /// The format asked for.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }

    /// Whether failures too are to be JSON.
    pub fn wants_json(&self) -> bool {
        self.format() == Format::Json
    }
}

/// An id that names nothing, as a usage failure with a suggestion.
pub fn unknown_id(error: UnknownId) -> Failure {
    let failure = Failure::new("usage", error.to_string());
    match error.suggestion {
        Some(suggestion) => failure.hint(format!("did you mean `{suggestion}`?")),
        None => failure.hint("`openclaw-doctor list` shows all ids"),
    }
}

/// Collects and judges; the shared beginning of `check` and `report`. Findings in `known_before` don't count.
///
/// # Errors
/// Bad usage, no installation.
pub fn judge(
    collect: &CollectArgs,
    judge: &JudgeArgs,
    known_before: &BTreeMap<String, SetAside>,
) -> Result<(world::Collected, Report), Failure> {
    let selection = Selection::new(&judge.only, &judge.skip).map_err(unknown_id)?;
    let _progress = Progress::start("looking at the host");
    let collected = world::collect(collect, &selection)?;
    let (runs, report) = judge_snapshot(&collected.snapshot, judge, selection, known_before);
    Ok((world::Collected { runs, ..collected }, report))
}

/// Runs the checks on a snapshot and applies severities, dismissals and the former result.
pub fn judge_snapshot(
    snapshot: &Snapshot,
    judge: &JudgeArgs,
    selection: Selection,
    known_before: &BTreeMap<String, SetAside>,
) -> (Vec<CheckRun>, Report) {
    let mut runs = run_selected(snapshot, &selection);
    judge.settings.rate(&mut runs);
    let report = build(snapshot, &runs, &judgement(snapshot, &runs, judge, selection, known_before));
    (runs, report)
}

fn run_selected(snapshot: &Snapshot, selection: &Selection) -> Vec<CheckRun> {
    run_checks(snapshot, |check| if selection.wants_check(check) { Ok(()) } else { Err("not asked for".to_owned()) })
}

/// What counts of the runs on a snapshot.
fn judgement(
    snapshot: &Snapshot,
    runs: &[CheckRun],
    judge: &JudgeArgs,
    selection: Selection,
    known_before: &BTreeMap<String, SetAside>,
) -> Judgement {
    let release = snapshot.selected().and_then(Installation::release);
    let applied = judge.settings.dismissed(runs, release, snapshot.as_of);
    let mut set_aside = known_before.clone();
    // What somebody dismissed with a reason says more than that it was there before.
    set_aside.extend(applied.set_aside);
    Judgement {
        fail_on: judge.fail_on.severity(),
        allow_unknown: judge.allow_unknown,
        selection,
        set_aside,
        notes: applied.notes,
    }
}

/// What may be shared of a run: facts and report, redacted.
///
/// # Errors
/// Kind `redaction`, where it can't be proved that nothing is left.
pub fn shared(
    collected: &world::Collected,
    report: &Report,
    judge: &JudgeArgs,
    known_before: &BTreeMap<String, SetAside>,
    sharer: &mut share::Sharer,
) -> Result<share::Shared, Failure> {
    let selection = Selection::new(&judge.only, &judge.skip).map_err(unknown_id)?;
    share::share(&collected.snapshot, report, sharer, |masked| {
        let mut runs = run_selected(masked, &selection);
        take_fingerprints(&collected.runs, &mut runs)?;
        judge.settings.rate(&mut runs);
        // Dismissals name paths of the host, so what they are about is told from the host's own facts.
        let judgement = judgement(&collected.snapshot, &collected.runs, judge, selection, known_before);
        Some(build(masked, &runs, &judgement))
    })
}

/// Findings on redacted facts get the fingerprints of the same findings on the host's own, which are stable over runs.
/// Nothing where they are not the same.
fn take_fingerprints(real: &[CheckRun], masked: &mut [CheckRun]) -> Option<()> {
    for (real, masked) in real.iter().zip(masked) {
        let same = real.findings.len() == masked.findings.len()
            && real.findings.iter().zip(&masked.findings).all(|((real, _), (masked, _))| real.code == masked.code);
        same.then_some(())?;
        for ((masked, _), (real, _)) in masked.findings.iter_mut().zip(&real.findings) {
            masked.fingerprint.clone_from(&real.fingerprint);
        }
    }
    Some(())
}

/// Judges, and with `--wait` again and again until nothing counts or time is up.
fn judge_until(
    args: &CheckArgs,
    known_before: &BTreeMap<String, SetAside>,
) -> Result<(world::Collected, Report), Failure> {
    let begun = Instant::now();
    if args.wait.is_some() && args.collect.log.iter().any(|log| log.as_os_str() == "-") {
        return Err(Failure::new("usage", "--wait can't read standard input again").hint("name the log's file"));
    }
    loop {
        let (collected, report) = judge(&args.collect, &args.judge, known_before)?;
        let left = args.wait.unwrap_or_default().saturating_sub(begun.elapsed());
        if exit(&report) != Exit::Found || left.is_zero() {
            return Ok((collected, report));
        }
        std::thread::sleep(left.min(WAIT_STEP));
    }
}

/// Runs `check`.
///
/// # Errors
/// Exit code 2: bad usage, no installation, output that can't be written.
pub fn run(args: &CheckArgs) -> Outcome {
    let known_before = args.baseline.as_deref().map(baseline::read).transpose()?.unwrap_or_default();
    let (collected, report) = judge_until(args, &known_before)?;
    let exit = exit(&report);
    let shared = args.format().is_shared() && !args.no_redact;
    // On the terminal and in plain JSON names stay readable; secrets never do.
    let mut sharer = share::Sharer::new(&collected.snapshot, &collected.vault, shared);
    let report = if shared {
        self::shared(&collected, &report, &args.judge, &known_before, &mut sharer)?.report
    } else {
        report
    };
    let text = rendered(args, &report)?;
    let text = if shared { sharer.text(&text)? } else { share::without_secrets(text, &collected.vault) };
    let silent = args.output.quiet && args.format() == Format::Human && report.ok && report.verdict == Verdict::Healthy;
    if !silent {
        output::write(text.as_bytes(), args.output.output.as_deref())?;
    }
    Ok(exit)
}

fn exit(report: &Report) -> Exit {
    match report.exit_code {
        0 => Exit::Ok,
        3 => Exit::Inconclusive,
        _ => Exit::Found,
    }
}

fn rendered(args: &CheckArgs, report: &Report) -> Result<String, Failure> {
    let format = args.format();
    // Monitoring and scripts count everything; `--severity-min` is about what people are shown.
    let shown = match format {
        Format::Json | Format::Prometheus | Format::Human => Cow::Borrowed(report),
        _ => Cow::Owned(at_least(report.clone(), args.output.severity_min.into())),
    };
    Ok(match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(report)
                .map_err(|error| Failure::new("io", format!("the report can't be written as JSON: {error}")))?;
            format!("{text}\n")
        }
        Format::Human => {
            let color = args.output.output.is_none() && args.output.color.applies(output::is_terminal());
            let look = human::Look {
                width: output::width(),
                color,
                verbose: args.output.verbose,
                severity_min: args.output.severity_min.into(),
            };
            human::render(report, look)
        }
        Format::Markdown => markdown::render(&shown),
        Format::Junit => junit::render(&shown),
        Format::Sarif => sarif::render(&shown),
        Format::Github => github::render(&shown),
        Format::Tap => tap::render(&shown),
        Format::Prometheus => prometheus::render(report),
    })
}

fn at_least(mut report: Report, limit: Severity) -> Report {
    report.findings.retain(|finding| finding.severity >= limit);
    report
}
