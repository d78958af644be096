//! `fix`: show the plans, ask, apply, verify. One run is one transaction.

use super::failure::{Exit, Failure, Outcome};
use super::output;
use crate::fix::FixError;
use crate::fix::engine::{Applied, Engine, Fate, PreparedPlan, Standing};
use crate::fix::journal::Vault;
use crate::fix::show::{self, Decision};
use crate::fix::world::{Gateway, Host};
use crate::model::{Applicability, Cause, Finding, Plan, Severity};
use clap::Args;
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long a gateway that was started may take until it listens. A first start that compiles plugins takes longer; then
/// the result says that nothing listens yet, which is true.
const START_LIMIT: Duration = Duration::from_secs(120);

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Arguments of `fix`, beside those of every collecting command.
#[derive(Debug, Clone, Default, Args)]
pub struct FixArgs {
    /// Fix only what these checks, codes or causes found.
    #[arg(value_name = "CHECK_OR_CODE")]
    pub ids: Vec<String>,
    /// Show the plans and stop.
    #[arg(long)]
    pub dry_run: bool,
    /// Apply without asking: plans that lose nothing, and with --unsafe also those that change behaviour.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Also admit plans that change behaviour or reset pairings.
    #[arg(long = "unsafe")]
    pub admit_unsafe: bool,
    /// Print the plans and their results as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What was found after fixing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recheck {
    /// All findings, not only those that were to be fixed.
    pub findings: Vec<Finding>,
    /// Why nobody may call the installation healthy, if so.
    pub inconclusive: Option<String>,
}

/// The doctor around `fix`: collecting, checking, planning.
pub trait World: Host {
    /// Collects, checks and plans. `wanted` are ids of checks, codes or causes; empty for all. Every finding at or above
    /// a warning has a plan, a manual one where only a person can act.
    ///
    /// # Errors
    /// Unknown ids, no installation, and whatever keeps the doctor from looking.
    fn plans(&self, wanted: &[String]) -> Result<Vec<Plan>, Failure>;

    /// Collects and checks again.
    ///
    /// # Errors
    /// As [`World::plans`].
    fn recheck(&self) -> Result<Recheck, Failure>;

    /// The options in use, quoted for a shell, to repeat them in commands that are suggested. May be empty.
    fn options(&self) -> String;
}

/// Runs `fix`.
///
/// # Errors
/// Exit code 2: what keeps the doctor from looking, another fixer at work, a journal that cannot be kept.
pub fn run(args: &FixArgs, world: &dyn World) -> Outcome {
    let engine = Engine::new(world).map_err(|error| failure(&error))?;
    let mut said = Said { json: args.json };
    if !recover(args, &engine, &mut said)? {
        return Ok(Exit::Found);
    }
    let prepared = engine.prepare(world.plans(&args.ids)?);
    let decisions = decide(args, &prepared, &mut said)?;
    let chosen: Vec<bool> = decisions.iter().map(|decision| *decision == Decision::Chosen).collect();
    let applied = if chosen.contains(&true) {
        let vault = engine.vault().map_err(|error| failure(&error))?;
        Some(engine.apply(&prepared, &chosen, &vault, jiff::Timestamp::now()).map_err(|error| failure(&error))?)
    } else {
        None
    };
    let recheck = if applied.is_some() { settled(world, &mut said)? } else { world.recheck()? };
    let exit = conclude(args, world, &prepared, &decisions, applied.as_ref(), &recheck, &mut said)?;
    Ok(exit)
}

/// What is found once the gateway had its time to come up: it needs seconds to minutes from its start until it listens
/// (release-2026.2.19, release-2026.9.6: 8 to 40 s), and its supervisor may be starting it again by itself.
fn settled(world: &dyn World, said: &mut Said) -> Result<Recheck, Failure> {
    let end = Instant::now() + START_LIMIT;
    let mut told = false;
    loop {
        let recheck = world.recheck()?;
        let silent = recheck
            .findings
            .iter()
            .any(|finding| finding.cause == Some(Cause::GatewayNotRunning) && finding.severity == Severity::Error);
        if !silent || Instant::now() >= end || !matches!(world.gateway(None), Gateway::Unit { .. }) {
            return Ok(recheck);
        }
        if !told {
            said.text("Waiting for the gateway to listen.\n")?;
            told = true;
        }
        std::thread::sleep(PAUSE);
    }
}

/// An interrupted run comes first: what it left is taken back before anything else is changed. False where the person
/// wants to decide later.
fn recover(args: &FixArgs, engine: &Engine<'_>, said: &mut Said) -> Result<bool, Failure> {
    for vault in engine.vaults().map_err(|error| failure(&error))? {
        for id in engine.interrupted(&vault).map_err(|error| failure(&error))? {
            let prepared = match engine.prepare_undo(&vault, &id) {
                Ok(prepared) => prepared,
                // What has been changed since cannot be taken back; that must not keep anybody from fixing the rest.
                Err(error @ (FixError::Stale { .. } | FixError::Refused { .. })) => {
                    let why = crate::render::sanitize(&error.to_string()).into_owned();
                    said.text(&format!("{id} was interrupted and stays as it is, with its backups: {why}\n"))?;
                    continue;
                }
                Err(error) => return Err(failure(&error)),
            };
            said.text(&show::undo(&prepared))?;
            if args.dry_run {
                continue;
            }
            if !args.yes && !ask("Take back the interrupted run first?")? {
                said.text(&format!("Nothing was changed. Decide about {id} first: openclaw-doctor undo {id}\n"))?;
                return Ok(false);
            }
            let (undo, alarms) =
                engine.undo(&prepared, &vault, jiff::Timestamp::now()).map_err(|error| failure(&error))?;
            said.text(&format!("The interrupted run was taken back, by {undo}.\n"))?;
            said.alarms(&alarms);
        }
    }
    Ok(true)
}

/// Shows every plan and asks for those that are admitted.
fn decide(args: &FixArgs, prepared: &[PreparedPlan], said: &mut Said) -> Result<Vec<Decision>, Failure> {
    let mut decisions = Vec::with_capacity(prepared.len());
    let mut nobody_to_ask = false;
    for (place, plan) in prepared.iter().enumerate() {
        said.text(&show::plan(plan, place + 1, prepared.len()))?;
        let admitted = plan.plan.applicability == Applicability::Safe || args.admit_unsafe;
        let decision = if plan.standing != Standing::Ready {
            Decision::Impossible
        } else if !admitted {
            Decision::NotAdmitted
        } else if args.dry_run {
            Decision::Shown
        } else if args.yes {
            Decision::Chosen
        } else if !std::io::stdin().is_terminal() {
            nobody_to_ask = true;
            Decision::Shown
        } else if ask("Apply this plan?")? {
            Decision::Chosen
        } else {
            Decision::Declined
        };
        decisions.push(decision);
    }
    if !args.admit_unsafe
        && let Some(hidden) = show::hidden(prepared)
    {
        said.text(&format!("{hidden}\n"))?;
    }
    if nobody_to_ask {
        said.text("Nothing was changed: there is no terminal to ask at. --yes applies without asking.\n")?;
    }
    Ok(decisions)
}

/// Says what came of it all.
fn conclude(
    args: &FixArgs,
    world: &dyn World,
    prepared: &[PreparedPlan],
    decisions: &[Decision],
    applied: Option<&Applied>,
    recheck: &Recheck,
    said: &mut Said,
) -> Outcome {
    let fate = |place: usize| applied.and_then(|applied| applied.fates.get(place)).and_then(Option::as_ref);
    let still = |plan: &Plan| recheck.findings.iter().any(|finding| finding.fingerprint == plan.finding);
    let mut all_done = true;
    for (place, (plan, decision)) in prepared.iter().zip(decisions).enumerate() {
        match (fate(place), decision) {
            (Some(fate), _) => {
                said.text(&format!("{}\n", show::fate(&plan.plan, fate)))?;
                if *fate == Fate::Applied && still(&plan.plan) {
                    said.text("  It was applied, but the finding is still there.\n")?;
                    all_done = false;
                }
                all_done &= *fate == Fate::Applied;
            }
            (None, Decision::Chosen | Decision::Shown | Decision::Declined) => all_done = false,
            (None, Decision::Impossible) => {
                all_done &= matches!(plan.standing, Standing::Nothing | Standing::Manual);
            }
            (None, Decision::NotAdmitted) => {}
        }
    }
    let alarms = applied.map(|applied| applied.alarms.clone()).unwrap_or_default();
    said.alarms(&alarms);
    all_done &= alarms.is_empty();
    if prepared.iter().any(|plan| matches!(plan.standing, Standing::NeedsRoot(_))) {
        said.text(&format!("Run as root: {}\n", as_root(args, world)))?;
    }
    if let Some(applied) = applied {
        let sudo = if rustix::process::geteuid().is_root() { "sudo " } else { "" };
        let undo = join(&[&format!("{sudo}openclaw-doctor undo {}", applied.id), &world.options()]);
        said.text(&format!("This was transaction {}. To take it back: {undo}\n", applied.id))?;
    }
    let errors = recheck.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if prepared.is_empty() && errors == 0 {
        said.text("Nothing needs fixing.\n")?;
    } else if errors > 0 && all_done {
        said.text(&format!(
            "{errors} finding(s) remain that lock somebody out; `openclaw-doctor check` shows them.\n"
        ))?;
    }
    let exit = match &recheck.inconclusive {
        _ if !all_done || errors > 0 => Exit::Found,
        Some(why) => {
            said.text(&format!("Nobody may call this healthy yet: {why}.\n"))?;
            Exit::Inconclusive
        }
        None => Exit::Ok,
    };
    if args.json {
        let plans: Vec<serde_json::Value> = prepared
            .iter()
            .zip(decisions)
            .enumerate()
            .map(|(place, (plan, decision))| show::plan_json(plan, *decision, fate(place), still(&plan.plan)))
            .collect();
        let remaining: Vec<&str> = recheck.findings.iter().map(|finding| finding.fingerprint.as_str()).collect();
        said.document(&serde_json::json!({
            "schemaVersion": 1,
            "tool": { "name": "openclaw-doctor", "version": env!("CARGO_PKG_VERSION") },
            "generatedAt": jiff::Timestamp::now(),
            "dryRun": args.dry_run,
            "transaction": applied.map(|applied| applied.id.as_str()),
            "exitCode": exit as u8,
            "plans": plans,
            "alarms": alarms,
            "remaining": remaining,
            "inconclusive": recheck.inconclusive,
        }))?;
    }
    Ok(exit)
}

/// The same command, for root.
fn as_root(args: &FixArgs, world: &dyn World) -> String {
    let plain = |id: &&String| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let ids: Vec<&str> = args.ids.iter().filter(plain).map(String::as_str).collect();
    let admit = if args.admit_unsafe { "--unsafe" } else { "" };
    join(&["sudo openclaw-doctor fix", &ids.join(" "), admit, &world.options()])
}

fn join(words: &[&str]) -> String {
    let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Where lines go: standard output, but standard error where standard output carries a document.
pub(super) struct Said {
    /// Whether a JSON document is to be printed.
    pub json: bool,
}

impl Said {
    /// Lines for a person.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        output::write(text.as_bytes(), None)
    }

    /// What must not be overlooked.
    pub fn alarms(&mut self, alarms: &[String]) {
        for alarm in alarms {
            // Nothing can be done about a terminal that went away.
            let _ = writeln!(std::io::stderr(), "openclaw-doctor: {}", crate::render::sanitize(alarm));
        }
    }

    fn document(&mut self, document: &serde_json::Value) -> Result<(), Failure> {
        output::write(format!("{document:#}\n").as_bytes(), None)
    }
}

/// A question with No as the default. Without a terminal the answer is no.
pub(super) fn ask(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::io("read the answer", &error))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The newest of what is there, over all vaults that this process may use.
pub(super) fn vaults(engine: &Engine<'_>) -> Result<Vec<Vault>, Failure> {
    engine.vaults().map_err(|error| failure(&error))
}

/// An error of the engine as a failure of the command.
pub(super) fn failure(error: &FixError) -> Failure {
    let failure = Failure::new(error.kind(), error.to_string());
    match error {
        FixError::NeedsRoot { .. } => failure.hint("run it with sudo"),
        FixError::Journal { .. } => failure.hint("openclaw-doctor history"),
        _ => failure,
    }
}
