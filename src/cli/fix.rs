//! `fix`: show the plans, ask, apply, verify. One run is one transaction.

use super::conclude::{Ended, conclude};
use super::failure::{Exit, Failure, Outcome};
use super::ids::Id;
use super::{choose, output};
use crate::fix::FixError;
use crate::fix::engine::{Engine, Fate, PreparedPlan, Standing};
use crate::fix::journal::Vault;
use crate::fix::show::{self, Decision};
use crate::fix::transaction::Transaction;
use crate::fix::world::{Gateway, Host};
use crate::model::{Applicability, Cause, Finding, Plan, Severity};
use clap::Args;
use std::cell::OnceCell;
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long a gateway that was started may take until it listens. A first start that compiles plugins takes longer; then
/// the result says that nothing listens yet, which is true.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long a supervisor may wait until it tries again: `RestartSec=5` in every generated unit (host-by-release 2.2).
/// Meanwhile no process is there.
const BETWEEN_STARTS: Duration = Duration::from_secs(10);

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Arguments of `fix`, beside those of every collecting command.
#[derive(Debug, Clone, Default, Args)]
pub struct FixArgs {
    /// Fix only what these checks, codes or causes found.
    #[arg(value_name = "CHECK_OR_CODE", value_parser = Id, hide_possible_values = true)]
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
    /// Where a finding has several ways out: which one is taken, for example token-copy-differs=gateway. Needs --unsafe.
    #[arg(long, value_name = "CODE=ID", value_parser = choose::chosen)]
    pub choose: Vec<choose::Chosen>,
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

/// What there is to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offered {
    /// The plans.
    pub plans: Vec<Plan>,
    /// What was left out and why, a line each.
    pub notes: Vec<String>,
}

/// The doctor around `fix`: collecting, checking, planning.
pub trait World: Host {
    /// Collects and checks afresh: what it says from then on is what is there now.
    ///
    /// # Errors
    /// Unknown ids, no installation, and whatever keeps the doctor from looking.
    fn look_again(&mut self) -> Result<(), Failure>;

    /// The plans for what was found. `wanted` are ids of checks, codes or causes; empty for all. Every finding at or above
    /// a warning, and every one that has a cause, has a plan, a manual one where only a person can act.
    ///
    /// # Errors
    /// Unknown ids.
    fn plans(&self, wanted: &[String]) -> Result<Offered, Failure>;

    /// All that was found, whatever was wanted.
    fn recheck(&self) -> Recheck;

    /// The options in use, quoted for a shell, to repeat them in commands that are suggested. May be empty.
    fn options(&self) -> String;
}

/// One plan of a run, and what became of it.
pub(super) struct Entry {
    /// The plan.
    pub prepared: PreparedPlan,
    /// What was decided about it.
    pub decision: Decision,
    /// What came of it, where it was chosen.
    pub fate: Option<Fate>,
}

/// Mending one fault can bring another to light, such as a retired key in a text that did not parse before. So often plans
/// are made for what was not there before.
const MOST_ROUNDS: usize = 4;

/// Runs `fix`.
///
/// # Errors
/// Exit code 2: what keeps the doctor from looking, another fixer at work, a journal that cannot be kept.
pub fn run(args: &FixArgs, world: &mut dyn World) -> Outcome {
    let mut said = Said { json: args.json };
    match recover(args, &Engine::new(world).map_err(|error| failure(&error))?, &mut said)? {
        Recovered::Nothing => {}
        Recovered::TakenBack => world.look_again()?,
        Recovered::Undecided => return Ok(Exit::Found),
    }
    let vault: OnceCell<Vault> = OnceCell::new();
    let mut transaction: Option<Transaction<'_>> = None;
    let mut entries: Vec<Entry> = Vec::new();
    let mut alarms = Vec::new();
    for number in 0..MOST_ROUNDS {
        let engine = Engine::new(world).map_err(|error| failure(&error))?;
        let plans = plans(args, world, &entries, &mut said)?;
        if number > 0 {
            if plans.iter().all(|plan| plan.applicability == Applicability::Manual) {
                break;
            }
            said.text("What was mended brought more to light:\n")?;
        }
        let prepared = engine.prepare(plans);
        let decisions = decide(args, &prepared, &mut said)?;
        let chosen: Vec<bool> = decisions.iter().map(|decision| *decision == Decision::Chosen).collect();
        let mut fates = Vec::new();
        if chosen.contains(&true) {
            let vault = match vault.get() {
                Some(vault) => vault,
                None => {
                    let opened = engine.vault().map_err(|error| failure(&error))?;
                    vault.get_or_init(|| opened)
                }
            };
            let open = match transaction.take() {
                Some(open) => open,
                None => Transaction::new(vault, jiff::Timestamp::now()).map_err(|error| failure(&error))?,
            };
            let open = transaction.insert(open);
            let applied = engine.apply_in(open, &prepared, &chosen).map_err(|error| failure(&error))?;
            alarms.extend(applied.alarms);
            fates = applied.fates;
        }
        fates.resize(prepared.len(), None);
        let applied = fates.contains(&Some(Fate::Applied));
        for ((prepared, decision), fate) in prepared.into_iter().zip(decisions).zip(fates) {
            if let Some(fate) = &fate {
                said.text(&format!("{}\n", show::fate(&prepared.plan, fate)))?;
            }
            entries.push(Entry { prepared, decision, fate });
        }
        drop(engine);
        if !applied {
            break;
        }
        look_when_settled(world, &mut said)?;
    }
    let id = transaction.as_ref().and_then(Transaction::id).map(ToString::to_string);
    if let Some(transaction) = transaction {
        transaction.end();
    }
    conclude(args, world, &Ended { entries, alarms, transaction: id }, &mut said)
}

/// Looks again once the gateway had its time to come up: from its start until it listens it needs 8 to 40 seconds
/// (release-2026.2.19, release-2026.9.6), and its supervisor may be starting it again by itself.
fn look_when_settled(world: &mut dyn World, said: &mut Said) -> Result<(), Failure> {
    let began = Instant::now();
    let mut told = false;
    loop {
        world.look_again()?;
        let findings = world.recheck().findings;
        let silent = findings
            .iter()
            .any(|finding| finding.cause == Some(Cause::GatewayNotRunning) && finding.severity == Severity::Error);
        if !silent {
            return Ok(());
        }
        let limit = match world.gateway(None) {
            Gateway::Unit { .. } => START_LIMIT,
            Gateway::Stopped => BETWEEN_STARTS,
            Gateway::Loose { .. } | Gateway::Unknown(_) | Gateway::Offline => return Ok(()),
        };
        if began.elapsed() >= limit {
            return Ok(());
        }
        if !told {
            said.text("Waiting for the gateway to listen.\n")?;
            told = true;
        }
        std::thread::sleep(PAUSE);
    }
}

/// The plans for what was found, without those that this run has dealt with already.
fn plans(args: &FixArgs, world: &dyn World, done: &[Entry], said: &mut Said) -> Result<Vec<Plan>, Failure> {
    let Offered { mut plans, notes } = world.plans(&args.ids)?;
    if done.is_empty() {
        for note in &notes {
            said.text(&format!("{}\n", crate::render::sanitize(note)))?;
        }
        choose::must_be_offered(args, &plans)?;
    }
    plans.retain(|plan| done.iter().all(|entry| entry.prepared.plan.finding != plan.finding));
    plans.into_iter().map(|plan| choose::choose(args, plan)).collect()
}

/// What came of looking for interrupted runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovered {
    /// There were none, or they stay as they are.
    Nothing,
    /// One was taken back.
    TakenBack,
    /// The person wants to decide later.
    Undecided,
}

/// An interrupted run comes first: what it left is taken back before anything else is changed.
fn recover(args: &FixArgs, engine: &Engine<'_>, said: &mut Said) -> Result<Recovered, Failure> {
    let mut recovered = Recovered::Nothing;
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
                return Ok(Recovered::Undecided);
            }
            recovered = Recovered::TakenBack;
            let (undo, alarms) =
                engine.undo(&prepared, &vault, jiff::Timestamp::now()).map_err(|error| failure(&error))?;
            said.text(&format!("The interrupted run was taken back, by {undo}.\n"))?;
            said.alarms(&alarms);
        }
    }
    Ok(recovered)
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

    pub(super) fn document(&mut self, document: &serde_json::Value) -> Result<(), Failure> {
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
