//! Taking a transaction back: the inverse operations in reverse order, under the same guards as a fix, journalled as a
//! transaction of its own, and refused where the state has changed since.

use super::actions::{Deed, Purpose, unit};
use super::describe::describe;
use super::engine::Engine;
use super::error::{FixError, Result};
use super::fingerprint::Stamp;
use super::gateway::{self, Stopped};
use super::inverse::inverse;
use super::journal::{
    Action, Kind, Ledger, PlanPart, PlanResult, PlanStart, State, StateLocks, Transaction, TransactionId, Vault,
};
use super::op::{After, Intent, Op, Task, UnitChange};
use super::recover::{self, Outcome};
use super::rights::Actor;
use super::run::{Own, Site, perform, rebase, subjects, take_back};
use crate::model::{HostPath, Manager};

/// A transaction that can be taken back.
#[derive(Debug)]
pub struct PreparedUndo {
    /// The transaction.
    pub transaction: Transaction,
    /// What is done, in words, in order.
    pub lines: Vec<String>,
    /// What cannot be taken back, and why.
    pub notes: Vec<String>,
    /// What happens to the gateway meanwhile, for each installation that needs it stopped.
    pub gateway: Vec<String>,
    parts: Vec<Part>,
    later: Vec<(HostPath, Stamp)>,
}

/// The way back from one plan.
#[derive(Debug)]
struct Part {
    start: PlanStart,
    actor: Actor,
    tasks: Vec<Task>,
    /// Operations that were cut short and may have left something beside their subjects.
    leftovers: Vec<Intent>,
    /// A gateway that the interrupted run stopped and did not start again.
    owed: Option<(Manager, String)>,
}

impl PreparedUndo {
    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.tasks.is_empty() && part.owed.is_none())
    }
}

impl Engine<'_> {
    /// The transaction that `undo` without a name takes back: an interrupted one, else the newest fix that is in force.
    ///
    /// # Errors
    /// Where the vault cannot be listed or its newest journal not be read.
    pub fn newest(&self, vault: &Vault) -> Result<Option<TransactionId>> {
        let mut candidate = None;
        for id in vault.ids()?.into_iter().rev() {
            let transaction = match vault.read(&id) {
                Ok(Some(transaction)) => transaction,
                Ok(None) => continue,
                // An older one that cannot be read does not stand in the way of a newer one.
                Err(_) if candidate.is_some() => continue,
                Err(error) => return Err(error),
            };
            match transaction.state {
                State::Interrupted if transaction.has_effect() => return Ok(Some(id)),
                State::Interrupted => {}
                _ if candidate.is_some() || transaction.is_undo() || !transaction.has_effect() => {}
                State::Complete => candidate = Some(id),
                State::Undone(by) if !in_force(vault, &by)? => candidate = Some(id),
                State::Undone(_) => {}
            }
        }
        Ok(candidate)
    }

    /// The transactions that were cut short and left something behind.
    ///
    /// # Errors
    /// Where the vault cannot be listed. Journals that cannot be read are passed over here and named by `history`.
    pub fn interrupted(&self, vault: &Vault) -> Result<Vec<TransactionId>> {
        let ids = vault.ids()?;
        Ok(ids
            .into_iter()
            .filter(|id| {
                let found = vault.read(id).ok().flatten();
                found.is_some_and(|found| found.state == State::Interrupted && found.has_effect())
            })
            .collect())
    }

    /// Works out the way back, looking at everything and changing nothing.
    ///
    /// # Errors
    /// Where it was taken back already, or something that it changed has been changed since.
    pub fn prepare_undo(&self, vault: &Vault, id: &TransactionId) -> Result<PreparedUndo> {
        let transaction = vault.read(id)?.ok_or_else(|| FixError::no(format!("{id} was killed before it began")))?;
        if let State::Undone(by) = &transaction.state
            && in_force(vault, by)?
        {
            return Err(FixError::no(format!("{id} was taken back already, by {by}; `undo {by}` does it again")));
        }
        let mut undo = PreparedUndo {
            lines: Vec::new(),
            notes: Vec::new(),
            gateway: Vec::new(),
            parts: Vec::new(),
            later: later_results(vault, id)?,
            transaction,
        };
        let plans = undo.transaction.plans.clone();
        let mut own = Own::default();
        for plan in plans.iter().rev() {
            let part = self.prepare_part(vault, plan, &mut undo, &mut own)?;
            undo.parts.push(part);
        }
        // At the very end, as the last thing that the interrupted run would have done.
        if let (Some(last), Some((manager, unit))) = (undo.parts.last_mut(), owed(&plans)) {
            match self.host.external_supervisor(last.start.installation.as_deref()) {
                Some(why) => undo.notes.push(format!("unit {unit} was stopped by that run and is not started: {why}")),
                None => {
                    undo.lines.push(format!("start unit {unit}, which that run had stopped"));
                    last.owed = Some((manager, unit));
                }
            }
        }
        Ok(undo)
    }

    fn prepare_part(&self, vault: &Vault, plan: &PlanPart, undo: &mut PreparedUndo, own: &mut Own) -> Result<Part> {
        let actor = Actor::new(plan.start.account.clone());
        let site = Site { top: &self.top, actor: &actor, bases: &plan.start.bases, machine: &self.machine, vault };
        let mut part = Part {
            start: plan.start.clone(),
            actor: actor.clone(),
            tasks: Vec::new(),
            leftovers: Vec::new(),
            owed: None,
        };
        for action in plan.actions.iter().rev().filter(|action| !action.void) {
            let Some(known) = known_result(&site, action, &mut part, undo, own)? else { continue };
            match inverse(&action.intent, &known) {
                Ok(tasks) => part.tasks.extend(tasks),
                Err(why) => undo.notes.push(why),
            }
        }
        let id = &undo.transaction.begin.id;
        let hands = site.hands(Purpose::Undo(vault, id));
        for task in &part.tasks {
            undo.lines.push(describe(&task.op));
            // What an earlier step of this undo touches is looked at when its turn comes.
            if subjects(&task.op).iter().all(|(path, _)| own.at(path).is_none()) {
                rebase(&hands, task, own, &undo.later)?;
                must_be_free(&hands, task)?;
            }
            own.expect(&task.op);
        }
        self.may_be_taken_back(&plan.start, &part.tasks)?;
        if plan.start.gateway_stopped && !part.tasks.is_empty() {
            let announced = gateway::announce(&self.host.gateway(plan.start.installation.as_deref()))?;
            if !undo.gateway.contains(&announced) {
                undo.gateway.push(announced);
            }
        }
        if plan.start.gateway_paused && !part.tasks.is_empty() && !undo.transaction.is_undo() {
            let after = "afterwards the gateway takes the store for empty again: do not start or contact it before that is \
                         mended, or it erases the store";
            undo.notes.push(after.to_owned());
        }
        Ok(part)
    }

    /// Takes a prepared transaction back.
    ///
    /// # Errors
    /// Where something has changed since it was prepared, or a step fails; what was taken back until then is put in force
    /// again.
    pub fn undo(
        &self,
        prepared: &PreparedUndo,
        vault: &Vault,
        now: jiff::Timestamp,
    ) -> Result<(TransactionId, Vec<String>)> {
        let _lock = vault.lock()?;
        let mut locks = StateLocks::default();
        for part in &prepared.parts {
            locks.take(&self.top, &part.actor, &part.start.bases)?;
        }
        let of = &prepared.transaction.begin.id;
        let ledger = Ledger::begin(vault, Kind::Undo { of: of.clone() }, now)?;
        let mut progress = Progress { ledger, own: Own::default(), alarms: Vec::new() };
        let mut done: Vec<(&Part, Vec<Deed>)> = Vec::new();
        for part in &prepared.parts {
            match self.undo_part(part, prepared, vault, &mut progress) {
                Ok(deeds) => done.push((part, deeds)),
                Err(error) => return Err(self.give_up(done, vault, progress, error)),
            }
        }
        progress.ledger.mark_undone(vault, of)?;
        progress.ledger.end(jiff::Timestamp::now())?;
        Ok((progress.ledger.id.clone(), progress.alarms))
    }

    /// All or nothing: what was taken back before a later part failed is put in force again. Where a gateway runs again by
    /// now it is left, and this undo stays open: taking it back stops the gateway first.
    fn give_up(
        &self,
        done: Vec<(&Part, Vec<Deed>)>,
        vault: &Vault,
        mut progress: Progress,
        error: FixError,
    ) -> FixError {
        if done.iter().any(|(part, deeds)| part.start.gateway_stopped && !deeds.is_empty()) {
            let id = &progress.ledger.id;
            return FixError::Command {
                what: format!("{error}. A part was taken back before; `undo {id}` reverts that"),
            };
        }
        for (part, deeds) in done.into_iter().rev() {
            let ended = take_back(&self.site(part, vault), &mut progress.ledger, deeds, &mut progress.own);
            // Where this cannot be written the undo stays open, and the next run finds it.
            let _ = progress.ledger.plan_end(ended);
        }
        let _ = progress.ledger.end(jiff::Timestamp::now());
        error
    }

    fn site<'a>(&'a self, part: &'a Part, vault: &'a Vault) -> Site<'a> {
        Site { top: &self.top, actor: &part.actor, bases: &part.start.bases, machine: &self.machine, vault }
    }

    fn undo_part(
        &self,
        part: &Part,
        prepared: &PreparedUndo,
        vault: &Vault,
        progress: &mut Progress,
    ) -> Result<Vec<Deed>> {
        let Progress { ledger, own, alarms } = progress;
        let site = self.site(part, vault);
        let hands = site.hands(Purpose::Undo(vault, &prepared.transaction.begin.id));
        let installation = part.start.installation.as_deref();
        ledger.plan(PlanStart { summary: format!("undo: {}", part.start.summary), ..part.start.clone() })?;
        let mut debt = Stopped { restore: part.owed.clone(), by_hand: None };
        self.may_be_taken_back(&part.start, &part.tasks)?;
        if part.start.gateway_stopped && !part.tasks.is_empty() {
            let stopped = gateway::stop(self.host, installation, &hands, ledger, own)?;
            debt = Stopped { restore: stopped.restore.or(debt.restore), by_hand: stopped.by_hand };
        }
        let mut deeds = Vec::new();
        let mut all = || -> Result<()> {
            for intent in &part.leftovers {
                recover::settle(&site.access(), intent)?;
            }
            for task in &part.tasks {
                let task = rebase(&hands, task, own, &prepared.later)?;
                perform(&hands, ledger, &task, own, &mut deeds)?;
            }
            ledger.plan_end(PlanResult::Applied)
        };
        let result = all();
        if result.is_err() {
            let ended = take_back(&site, ledger, std::mem::take(&mut deeds), own);
            let _ = ledger.plan_end(ended);
        }
        if let Err(error) = gateway::restore(&debt, &hands, ledger, own) {
            alarms.push(error.to_string());
        }
        if let Some(start) = debt.by_hand {
            alarms.push(format!(
                "THE GATEWAY WAS ENDED and is not started again by openclaw-doctor; start it with: {start}"
            ));
        }
        result.map(|()| deeds)
    }
}

/// An undo on its way.
struct Progress {
    ledger: Ledger,
    own: Own,
    alarms: Vec<String>,
}

/// The result of an operation: as recorded, or found out by looking. `None` where there is nothing to take back. What an
/// interrupted operation left beside its subject is put right when the undo begins, not before.
fn known_result(
    site: &Site<'_>,
    action: &Action,
    part: &mut Part,
    undo: &mut PreparedUndo,
    own: &mut Own,
) -> Result<Option<After>> {
    if let Some(after) = &action.after {
        return Ok(Some(after.clone()));
    }
    let outcome = match &action.intent.op {
        Op::Unit { manager, unit, change, before } => {
            match unit::state(site.machine, manager, unit, &site.actor.account) {
                Ok(now) => recover::unit_outcome(*change, before, now),
                Err(error) => Outcome::Unclear(format!("what became of unit {unit} can't be asked for ({error})")),
            }
        }
        _ => recover::outcome(&site.access(), action)?,
    };
    if !matches!(outcome, Outcome::Unclear(_)) {
        part.leftovers.push(action.intent.clone());
    }
    match outcome {
        Outcome::NotDone => Ok(None),
        Outcome::Parked => {
            own.expect(&action.intent.op);
            Ok(None)
        }
        Outcome::Done(after) => Ok(Some(*after)),
        Outcome::Unclear(why) => {
            undo.notes.push(format!("{why}: this step is left as it is; its backup stays in the journal"));
            Ok(None)
        }
    }
}

/// What an inverse operation makes must have a free name.
fn must_be_free(hands: &super::actions::Hands<'_>, task: &Task) -> Result<()> {
    for (path, expected) in subjects(&task.op) {
        if expected.is_none() && hands.access.place(path)?.pin()?.is_some() {
            return Err(FixError::stale(path, "is there again since the fix"));
        }
    }
    Ok(())
}

/// Whether a transaction holds: it was not taken back, or what took it back was taken back itself.
fn in_force(vault: &Vault, id: &TransactionId) -> Result<bool> {
    let mut holds = true;
    let mut id = id.clone();
    // Each one is taken back by a later one, so this ends.
    while let Some(Transaction { state: State::Undone(by), .. }) = vault.read(&id)? {
        if by <= id {
            return Err(FixError::journal(format!("{id} says that it was taken back by the older {by}")));
        }
        holds = !holds;
        id = by;
    }
    Ok(holds)
}

/// What transactions that followed have left, for those of them that were taken back or take others back: a file that was
/// replaced and put back is another inode, and that is no foreign change.
fn later_results(vault: &Vault, id: &TransactionId) -> Result<Vec<(HostPath, Stamp)>> {
    let mut results = Vec::new();
    for later in vault.ids()?.into_iter().filter(|later| later > id) {
        let Ok(Some(transaction)) = vault.read(&later) else { continue };
        if !transaction.is_undo() {
            continue;
        }
        for action in transaction.plans.iter().flat_map(|plan| &plan.actions) {
            let Some(after) = &action.after else { continue };
            match &action.intent.op {
                Op::Meta { items } => {
                    let stamps = items.iter().zip(&after.stamps);
                    results.extend(stamps.filter_map(|(item, stamp)| Some((item.path.clone(), stamp.clone()?))));
                }
                Op::Rename { to: path, .. } | Op::Put { path, .. } | Op::Flags { path, .. } | Op::Link { path, .. } => {
                    results.extend(after.stamps.first().cloned().flatten().map(|stamp| (path.clone(), stamp)));
                }
                _ => {}
            }
        }
    }
    Ok(results)
}

/// The gateway that a transaction stopped and never started again, whether it was killed before or the start failed.
fn owed(plans: &[PlanPart]) -> Option<(Manager, String)> {
    let mut owed = None;
    for action in plans.iter().flat_map(|plan| &plan.actions).filter(|action| !action.void) {
        if let Op::Gateway { manager, unit, change } = &action.intent.op {
            match change {
                UnitChange::Stop => owed = Some((manager.clone(), unit.clone())),
                // A start without a result may not have come that far. Starting what runs does nothing.
                _ if action.after.is_none() => {}
                _ => owed = None,
            }
        }
    }
    owed
}
