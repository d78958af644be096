//! `fix`, `undo` and `history` on the installation that the options name: the doctor around the engine.

use super::check::unknown_id;
use super::failure::{Failure, Outcome};
use super::fix::{self, FixArgs, Offered, Recheck, World};
use super::options::{CollectArgs, JudgeArgs, WhereArgs};
use super::settings::Settings;
use super::world::{self, Collected};
use super::{history, territory, undo};
use crate::checks::run::{CheckRun, run as run_checks};
use crate::fix::lower::Territory;
use crate::fix::world::{Gateway, Host};
use crate::model::subject::Subject;
use crate::model::{Fact, Finding, Plan, SecretVault, Severity, Unknown, UnknownKind};
use crate::report::build::undecided;
use crate::report::select::Selection;
use crate::snapshot::{Installation, Snapshot};
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `fix`.
#[derive(Debug, Clone, Args)]
pub struct FixCommand {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub fix: FixArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub collect: CollectArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub judge: JudgeArgs,
}

/// Arguments of `undo`.
#[derive(Debug, Clone, Args)]
pub struct UndoCommand {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub undo: undo::UndoArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub place: WhereArgs,
}

/// Arguments of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryCommand {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub history: history::HistoryArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub place: WhereArgs,
}

/// Runs `fix`.
///
/// # Errors
/// Bad usage, no installation, a root that can't be written, and what the engine says.
pub fn fix(args: &FixCommand) -> Outcome {
    let selection = Selection::new(&args.judge.only, &args.judge.skip).map_err(unknown_id)?;
    let settings = Arc::clone(&args.judge.settings);
    fix::run(&args.fix, &mut Doctor::new(&args.collect, selection, settings)?)
}

/// Runs `undo`.
///
/// # Errors
/// As [`fix()`].
pub fn undo(args: &UndoCommand) -> Outcome {
    undo::run(&args.undo, &Doctor::new(&offline(&args.place), Selection::nothing(), Arc::default())?)
}

/// Runs `history`.
///
/// # Errors
/// As [`fix()`].
pub fn history(args: &HistoryCommand) -> Outcome {
    history::run(&args.history, &Doctor::new(&offline(&args.place), Selection::nothing(), Arc::default())?)
}

/// Where things are is all that undoing needs to know.
fn offline(place: &WhereArgs) -> CollectArgs {
    CollectArgs { place: place.clone(), no_probe: true, ..CollectArgs::default() }
}

/// The doctor as the engine sees it.
struct Doctor {
    collect: CollectArgs,
    selection: Selection,
    settings: Arc<Settings>,
    now: Judged,
}

/// What was collected and found, with what the settings made of it.
struct Judged {
    collected: Collected,
    /// Fingerprints of what somebody dismissed.
    dismissed: BTreeSet<String>,
}

impl Doctor {
    fn new(collect: &CollectArgs, selection: Selection, settings: Arc<Settings>) -> Result<Self, Failure> {
        if collect.place.root.as_ref().is_some_and(|root| root.is_file()) {
            return Err(Failure::new("usage", "an archive can be judged but not mended")
                .hint("unpack it (as root, to keep owners) and name the directory with --root"));
        }
        let now = judge(collect, &selection, &settings)?;
        Ok(Self { collect: collect.clone(), selection, settings, now })
    }

    fn installation(&self, id: Option<&str>) -> Option<&Installation> {
        let snapshot = &self.now.collected.snapshot;
        match id {
            Some(id) => snapshot.installations.iter().find(|installation| installation.id == id),
            None => snapshot.selected(),
        }
    }
}

fn judge(collect: &CollectArgs, selection: &Selection, settings: &Settings) -> Result<Judged, Failure> {
    let collected = world::collect(collect, selection)?;
    let mut runs = run_checks(&collected.snapshot, |check| {
        if selection.wants_check(check) { Ok(()) } else { Err("not asked for".to_owned()) }
    });
    let release = collected.snapshot.selected().and_then(Installation::release);
    let applied = settings.apply(&mut runs, release, collected.snapshot.as_of);
    let dismissed = applied.set_aside.into_keys().collect();
    Ok(Judged { collected: Collected { runs, ..collected }, dismissed })
}

fn findings(runs: &[CheckRun]) -> impl Iterator<Item = (&Finding, Option<&Plan>)> {
    runs.iter().flat_map(|run| &run.findings).map(|(finding, plan)| (finding, plan.as_ref()))
}

impl World for Doctor {
    fn look_again(&mut self) -> Result<(), Failure> {
        self.now = judge(&self.collect, &self.selection, &self.settings)?;
        Ok(())
    }

    fn plans(&self, wanted: &[String]) -> Result<Offered, Failure> {
        let named = Selection::new(wanted, &[]).map_err(unknown_id)?;
        let chosen: Vec<(&Finding, Option<&Plan>)> = findings(&self.now.collected.runs)
            .filter(|(finding, _)| named.wants_finding(finding) && self.selection.wants_finding(finding))
            .collect();
        // Whoever dismissed a finding does not want it changed, either, unless he names it.
        let is_named = !wanted.is_empty() || self.selection.names_any();
        let (left, offered): (Vec<_>, Vec<_>) =
            chosen.into_iter().partition(|(finding, _)| !is_named && self.now.dismissed.contains(&finding.fingerprint));
        let mut notes: Vec<String> = left
            .iter()
            .map(|(finding, _)| format!("{} is dismissed and left alone; name it to have it fixed.", finding.code))
            .collect();
        notes.dedup();
        let plan = |(finding, plan): (&Finding, Option<&Plan>)| match plan {
            Some(plan) => Some(plan.clone()),
            None if finding.severity >= Severity::Warning || finding.cause.is_some() => Some(by_hand(finding)),
            None => None,
        };
        Ok(Offered { plans: offered.into_iter().filter_map(plan).collect(), notes })
    }

    fn recheck(&self) -> Recheck {
        let again = &self.now;
        let wanted = |finding: &&Finding| {
            self.selection.wants_finding(finding) && !again.dismissed.contains(&finding.fingerprint)
        };
        let runs = &again.collected.runs;
        let findings = findings(runs).map(|(finding, _)| finding).filter(wanted).cloned().collect();
        let inconclusive = undecided(&again.collected.snapshot).into_iter().next();
        Recheck { findings, inconclusive }
    }

    fn options(&self) -> String {
        self.collect.place.repeated().join(" ")
    }
}

/// What a person does about a finding that no machine can mend.
fn by_hand(finding: &Finding) -> Plan {
    let todo = finding.fix_hint.clone().unwrap_or_else(|| format!("See `openclaw-doctor explain {}`", finding.code));
    Plan::manual(finding, finding.message.clone(), vec![todo])
}

impl Host for Doctor {
    fn root(&self) -> Option<&Path> {
        self.collect.place.root.as_deref()
    }

    fn territory(&self, installation: Option<&str>) -> Fact<Territory> {
        let Some(installation) = self.installation(installation) else {
            return Fact::unknown(UnknownKind::Failed, "no installation was found");
        };
        installation.account.as_ref().map(|known| Territory {
            account: known.account.clone(),
            bases: territory::bases(installation, known.account.uid),
            frozen: territory::frozen(&self.now.collected.snapshot, installation),
        })
    }

    fn gateway(&self, installation: Option<&str>) -> Gateway {
        if self.root().is_some() {
            return Gateway::Offline;
        }
        let Some(known) = self.installation(installation) else {
            return Gateway::Unknown(Unknown::new(UnknownKind::Failed, "no installation was found"));
        };
        let needs = BTreeSet::from([Subject::Services, Subject::Processes, Subject::Listeners, Subject::Locks]);
        match world::collect_subjects(&self.collect, needs) {
            Ok(now) => what_runs(&now.snapshot, known),
            Err(failure) => Gateway::Unknown(Unknown::new(UnknownKind::Failed, failure.message)),
        }
    }

    fn external_supervisor(&self, installation: Option<&str>) -> Option<String> {
        territory::external_supervisor(&self.now.collected.snapshot, self.installation(installation)?)
    }

    fn secrets(&self) -> &SecretVault {
        &self.now.collected.vault
    }

    fn home(&self) -> Option<PathBuf> {
        let installation = self.now.collected.snapshot.selected()?;
        let of_account = installation.account().and_then(|account| account.home.clone());
        of_account.or_else(|| installation.home.as_ref().map(|home| home.as_path().to_path_buf()))
    }
}

/// Which supervisor or process runs the gateway of an installation.
fn what_runs(now: &Snapshot, known: &Installation) -> Gateway {
    let Some(installation) = now.installations.iter().find(|other| other.state_dir == known.state_dir) else {
        return Gateway::Unknown(Unknown::new(UnknownKind::Unstable, "the installation is gone"));
    };
    let processes = match &now.processes {
        Fact::Known(processes) => processes,
        Fact::Absent => return Gateway::Stopped,
        Fact::Unknown(why) => return Gateway::Unknown(why.clone()),
    };
    let context = crate::checks::Context { snapshot: now, installation };
    let Some(process) = crate::checks::services::gateway_process(&context) else {
        // A process that could not be looked into may be it.
        return match processes.blind.first() {
            Some(why) if !now.run_as.privileged => Gateway::Unknown(why.clone()),
            _ => Gateway::Stopped,
        };
    };
    if let Some(unit) = process.unit()
        && now.services.known().is_some_and(|services| {
            services.units.iter().any(|known| known.name == unit.name && known.manager == unit.manager)
        })
    {
        return Gateway::Unit { manager: unit.manager.clone(), unit: unit.name.clone() };
    }
    match process.identity() {
        Some(identity) => Gateway::Loose { process: identity, start: context.openclaw("gateway run") },
        None => Gateway::Unknown(Unknown::new(
            UnknownKind::NoPermission,
            format!("process {} can't be looked into", process.pid),
        )),
    }
}
