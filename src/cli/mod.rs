//! The command line: arguments as typed, then resolved; exit codes.
//!
//! One file per command. Each has its arguments (clap) and a `run` that returns an [`Outcome`].

pub mod analyze;
pub mod baseline;
pub mod check;
pub mod choose;
pub mod complete;
mod conclude;
mod examples;
pub mod explain;
pub mod failure;
pub mod fix;
mod fleet;
pub mod history;
pub mod ids;
pub mod logs;
mod logs_command;
pub mod options;
pub mod output;
pub mod probe;
mod probe_command;
mod probe_text;
pub mod progress;
pub mod redact;
pub mod repair;
pub mod report_command;
pub mod schema;
pub mod settings;
pub mod share;
mod territory;
pub mod triage;
pub mod undo;
pub mod when;
pub mod world;

pub use failure::{Exit, Failure, Outcome};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

/// Finds out why a self-hosted OpenClaw gateway locks its operator out, and mends it safely.
#[derive(Debug, Parser)]
#[command(name = "openclaw-doctor", version, long_version = LONG_VERSION, about, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = examples::PROGRAM)]
pub struct Cli {
    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Option<Command>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub check: check::CheckArgs,
    /// Don't read the doctor's own configuration file.
    #[arg(long, global = true)]
    pub no_config: bool,
}

const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("DOCTOR_COMMIT"), ", ", env!("DOCTOR_TARGET"), ")");

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect, judge, print the diagnosis (the default). Read-only.
    #[command(after_help = examples::CHECK)]
    Check(Box<check::CheckArgs>),
    /// Show the plans for what was found, ask, apply, verify.
    #[command(after_help = examples::FIX)]
    Fix(Box<repair::FixCommand>),
    /// Take the last (or named) transaction back.
    #[command(after_help = examples::UNDO)]
    Undo(Box<repair::UndoCommand>),
    /// List what was done; forget old backups.
    #[command(after_help = examples::HISTORY)]
    History(Box<repair::HistoryCommand>),
    /// The pairing and authentication timeline from the gateway's logs.
    #[command(after_help = examples::LOGS)]
    Logs(Box<logs_command::LogsArgs>),
    /// Talk to the gateway and say what it answered; never creates a pairing request.
    #[command(after_help = examples::PROBE)]
    Probe(Box<probe::ProbeArgs>),
    /// The redacted report for a thread.
    #[command(after_help = examples::REPORT)]
    Report(Box<report_command::ReportArgs>),
    /// The same checks on a snapshot that somebody attached.
    #[command(after_help = examples::ANALYZE)]
    Analyze(Box<analyze::AnalyzeArgs>),
    /// Read pasted text and name the most likely causes, with the lines that say so.
    #[command(after_help = examples::TRIAGE)]
    Triage(triage::Args),
    /// Hide secrets and identities in any text: a filter for logs that people paste.
    #[command(after_help = examples::REDACT)]
    Redact(redact::Args),
    /// The checks, codes and causes.
    #[command(after_help = examples::LIST)]
    List(explain::ListArgs),
    /// What a check, code or cause means.
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::ExplainArgs),
    /// The doctor's own settings, and where each comes from.
    #[command(after_help = examples::CONFIG)]
    Config(settings::ConfigArgs),
    /// Print the completion script of a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions(complete::CompletionsArgs),
    /// Print the man page.
    #[command(after_help = examples::MAN)]
    Man(complete::ManArgs),
}

/// Parses and runs. Failures are printed; the exit code is returned.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let no_config = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--no-config");
    let place = if no_config { None } else { settings::find() };
    // Before the settings: a dismissal may name one of the user's own checks.
    settings::own::install(place.as_ref(), runs_no_checks(&arguments));
    let settings = settings::Settings::load(place.clone());
    // A broken file must not keep `--help` from helping: it is reported after the arguments are read.
    let command_line = match &settings {
        Ok(settings) => settings.defaults_into(Cli::command()),
        Err(_) => Cli::command(),
    };
    let matches = command_line.clone().try_get_matches_from(&arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    let mut command = cli.command.unwrap_or(Command::Check(Box::new(cli.check)));
    let json = command.wants_json();
    let outcome = match settings {
        Err(failure) if command.needs_settings() => Err(failure),
        Err(_) => command.run(),
        Ok(settings) => match &mut command {
            Command::Config(_) => settings::run(&settings, place.as_ref(), &command_line),
            _ => {
                if let Some(judge) = command.judges() {
                    judge.settings = settings.into();
                }
                command.run()
            }
        },
    };
    match outcome {
        Ok(exit) => exit as u8,
        Err(failure) => {
            report_failure(&failure, json);
            Exit::Failed as u8
        }
    }
}

/// Whether the command prints no findings, so that a broken file of the user's own rules must be told in another way.
fn runs_no_checks(arguments: &[OsString]) -> bool {
    let quiet = ["logs", "triage", "list", "explain"];
    arguments.get(1).and_then(|first| first.to_str()).is_some_and(|first| quiet.contains(&first))
}

impl Command {
    fn run(&self) -> Outcome {
        match self {
            Command::Check(args) => check::run(args),
            Command::Fix(args) => repair::fix(args),
            Command::Undo(args) => repair::undo(args),
            Command::History(args) => repair::history(args),
            Command::Logs(args) => logs_command::run(args),
            Command::Probe(args) => probe_command::run(args),
            Command::Report(args) => report_command::run(args),
            Command::Analyze(args) => analyze::run(args),
            Command::Triage(args) => triage::run(args),
            Command::Redact(args) => redact::run(args),
            Command::List(args) => explain::list(args),
            Command::Explain(args) => explain::explain(args),
            // Without settings there is nothing to show.
            Command::Config(_) => Ok(Exit::Ok),
            Command::Completions(args) => complete::completions(args, Cli::command()),
            Command::Man(args) => complete::man(args, Cli::command()),
        }
    }

    /// What it judges by, where it judges.
    fn judges(&mut self) -> Option<&mut options::JudgeArgs> {
        match self {
            Command::Check(args) => Some(&mut args.judge),
            Command::Fix(args) => Some(&mut args.judge),
            Command::Report(args) => Some(&mut args.judge),
            Command::Analyze(args) => Some(&mut args.judge),
            _ => None,
        }
    }

    fn wants_json(&self) -> bool {
        match self {
            Command::Check(args) => args.wants_json(),
            Command::Fix(args) => args.fix.json,
            Command::Undo(_) | Command::History(_) => false,
            Command::Logs(args) => args.logs.json,
            Command::Probe(args) => args.json,
            Command::Report(args) => args.wants_json(),
            Command::Analyze(args) => args.wants_json(),
            Command::Triage(args) => args.json,
            Command::Redact(_) => false,
            Command::List(args) => args.json,
            Command::Explain(_) | Command::Config(_) | Command::Completions(_) | Command::Man(_) => false,
        }
    }

    /// Whether a broken configuration file keeps it from running: it judges, or shows the settings.
    fn needs_settings(&self) -> bool {
        !matches!(self, Command::List(_) | Command::Explain(_) | Command::Completions(_) | Command::Man(_))
    }
}

/// Bad usage, and `--help` and `--version`, which clap reports the same way.
fn usage(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let asked = !error.use_stderr();
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let json = words.contains(&"--json")
        || words.contains(&"--format=json")
        || words.windows(2).any(|pair| matches!(pair, ["--format", "json"]));
    if json && !asked {
        let text = error.to_string();
        let mut lines = text.lines();
        let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        report_failure(&Failure::new("usage", message).hint("openclaw-doctor --help"), true);
    } else {
        // Nothing can be done about a terminal that went away.
        let _ = error.print();
    }
    if asked { Exit::Ok as u8 } else { Exit::Failed as u8 }
}

fn report_failure(failure: &Failure, json: bool) {
    if json {
        let document = serde_json::json!({ "schemaVersion": 1, "error": failure });
        let _ = output::write(format!("{document:#}\n").as_bytes(), None);
    }
    eprintln!("openclaw-doctor: {}", crate::render::sanitize(&failure.message));
    if let Some(hint) = &failure.hint {
        eprintln!("  {}", crate::render::sanitize(hint));
    }
}
