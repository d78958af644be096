//! Doing tasks one after another: what was done by this very run is told apart from what somebody else did meanwhile, and
//! where a task fails, those before it are taken back.

use super::access::Access;
use super::actions::{Deed, Hands, Purpose};
use super::error::{FixError, Result};
use super::fingerprint::Stamp;
use super::inverse::inverse;
use super::journal::{Ledger, PlanResult, Vault};
use super::machine::Machine;
use super::op::{Op, Task};
use super::rights::Actor;
use super::walk::{Base, Top, Walker};
use crate::model::HostPath;
use std::collections::HashMap;
use std::time::Duration;

/// How often a way back is tried, and how long is waited in between. A file that was changed for good costs this once.
const BACK_TRIES: u32 = 20;
const BACK_PAUSE: Duration = Duration::from_millis(15);

/// What this run has left at each path; `None` where it left nothing.
#[derive(Debug, Clone, Default)]
pub struct Own {
    entries: HashMap<HostPath, Option<Stamp>>,
    units: Vec<String>,
}

impl Own {
    /// What this run left at a path, if it touched it.
    pub fn at(&self, path: &HostPath) -> Option<&Option<Stamp>> {
        self.entries.get(path)
    }

    /// Whether this run changed a unit.
    pub fn touched_unit(&self, unit: &str) -> bool {
        self.units.iter().any(|name| name == unit)
    }

    /// Remembers that an operation is going to touch its subjects.
    pub fn expect(&mut self, op: &Op) {
        for (path, _) in subjects(op) {
            self.entries.insert(path.clone(), None);
        }
        if let Op::Unit { unit, .. } = op {
            self.units.push(unit.clone());
        }
    }

    /// Remembers what a deed left.
    pub fn remember(&mut self, deed: &Deed) {
        let first = || deed.after.stamps.first().cloned().flatten();
        match &deed.intent.op {
            Op::Meta { items } => {
                for (item, now) in items.iter().zip(&deed.after.stamps) {
                    self.entries.insert(item.path.clone(), now.clone());
                }
            }
            Op::Flags { path, .. } | Op::Put { path, .. } | Op::Link { path, .. } => {
                self.entries.insert(path.clone(), first());
            }
            Op::Remove { path, .. } | Op::Unlink { path, .. } => {
                self.entries.insert(path.clone(), None);
            }
            Op::Rename { path, to, .. } => {
                self.entries.insert(path.clone(), None);
                self.entries.insert(to.clone(), first());
            }
            Op::DeleteRow { database, .. } => {
                for (path, now) in super::inverse::database_files(database).into_iter().zip(&deed.after.stamps) {
                    self.entries.insert(path, now.clone());
                }
            }
            Op::Unit { unit, .. } | Op::Gateway { unit, .. } => self.units.push(unit.clone()),
            Op::EndProcess { .. } => {}
        }
    }
}

/// The entries that an operation expects to find as they were.
pub fn subjects(op: &Op) -> Vec<(&HostPath, Option<&Stamp>)> {
    match op {
        Op::Meta { items } => items.iter().map(|item| (&item.path, Some(&item.before))).collect(),
        Op::Put { path, before, .. } => vec![(path, before.as_ref())],
        Op::Flags { path, before, .. } | Op::Remove { path, before } | Op::Unlink { path, before, .. } => {
            vec![(path, Some(before))]
        }
        Op::Rename { path, to, before } => vec![(path, Some(before)), (to, None)],
        Op::Link { path, .. } => vec![(path, None)],
        Op::DeleteRow { .. } | Op::Unit { .. } | Op::Gateway { .. } | Op::EndProcess { .. } => Vec::new(),
    }
}

/// Where tasks are done, for whom.
#[derive(Debug)]
pub struct Site<'a> {
    /// Where `/` is.
    pub top: &'a Top,
    /// Who acts for whom.
    pub actor: &'a Actor,
    /// Where it may act.
    pub bases: &'a [Base],
    /// The running machine.
    pub machine: &'a Machine,
    /// Where the transaction is journalled.
    pub vault: &'a Vault,
}

impl Site<'_> {
    /// Access to the files here.
    pub fn access(&self) -> Access<'_> {
        Access { walker: Walker { top: self.top, actor: self.actor, bases: self.bases, narrowed: &[] } }
    }

    /// Hands for a purpose.
    pub fn hands<'b>(&'b self, purpose: Purpose<'b>) -> Hands<'b> {
        Hands { access: self.access(), purpose, machine: self.machine }
    }
}

/// Does one task and remembers it; a deed that could not be recorded is remembered too, so that it is taken back.
pub fn perform(
    hands: &Hands<'_>,
    ledger: &mut Ledger,
    task: &Task,
    own: &mut Own,
    deeds: &mut Vec<Deed>,
) -> Result<()> {
    match hands.apply(ledger, task) {
        Ok(deed) => {
            own.remember(&deed);
            deeds.push(deed);
            Ok(())
        }
        Err(FixError::Unrecorded { deed, error }) => {
            own.remember(&deed);
            deeds.push(*deed);
            Err(*error)
        }
        Err(error) => Err(error),
    }
}

/// Takes deeds of the running transaction back, last one first.
pub fn take_back(site: &Site<'_>, ledger: &mut Ledger, deeds: Vec<Deed>, own: &mut Own) -> PlanResult {
    let id = ledger.id.clone();
    let hands = site.hands(Purpose::Undo(site.vault, &id));
    let mut result = PlanResult::TakenBack;
    for deed in deeds.into_iter().rev() {
        match back(&hands, ledger, &deed, own) {
            Ok(()) => {
                // Where this cannot be written, an undo will look for itself.
                let _ = ledger.back(deed.n);
            }
            Err(_) => result = PlanResult::Stuck,
        }
    }
    result
}

fn back(hands: &Hands<'_>, ledger: &mut Ledger, deed: &Deed, own: &mut Own) -> Result<()> {
    // A process that was ended stays ended, which the plan said before.
    if matches!(deed.intent.op, Op::EndProcess { .. }) {
        return Ok(());
    }
    let tasks = inverse(&deed.intent, &deed.after).map_err(FixError::no)?;
    tasks.iter().try_for_each(|task| back_at_last(hands, ledger, task, own))
}

/// One task of a way back, tried again where something stood in the way for a moment, such as a path component that
/// somebody swaps to and fro. Each try walks, looks and compares anew, so that none may do more than the first one could.
fn back_at_last(hands: &Hands<'_>, ledger: &mut Ledger, task: &Task, own: &mut Own) -> Result<()> {
    let mut tries = 1..BACK_TRIES;
    loop {
        let undone = rebase(hands, task, own, &[]).and_then(|task| hands.apply(ledger, &task));
        match undone {
            Ok(undone) => {
                own.remember(&undone);
                let _ = ledger.back(undone.n);
                return Ok(());
            }
            Err(error) if !may_pass(&error) || tries.next().is_none() => return Err(error),
            Err(_) => std::thread::sleep(BACK_PAUSE),
        }
    }
}

/// Whether what stood in the way may be gone in a moment. Not where it was done and only its record is missing, and not on a
/// full disk, where each try would take room of the journal.
fn may_pass(error: &FixError) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        FixError::Stale { .. } | FixError::Refused { .. } => true,
        FixError::Io { source, .. } => !matches!(source.kind(), StorageFull | QuotaExceeded),
        _ => false,
    }
}

/// The task with its fingerprints taken from what is there now, where that is what this run (or one of `later`, which are
/// the results of transactions that followed and were taken back) left there with the same properties.
///
/// # Errors
/// [`FixError::Stale`] where something else is there.
pub fn rebase(hands: &Hands<'_>, task: &Task, own: &Own, later: &[(HostPath, Stamp)]) -> Result<Task> {
    let mut op = task.op.clone();
    let fresh = |path: &HostPath, expected: &Stamp| fresh(hands, path, expected, own, later);
    match &mut op {
        Op::Meta { items } => {
            for item in items {
                item.before = fresh(&item.path, &item.before)?;
            }
        }
        Op::Put { path, before: Some(before), .. }
        | Op::Flags { path, before, .. }
        | Op::Remove { path, before }
        | Op::Unlink { path, before, .. }
        | Op::Rename { path, before, .. } => *before = fresh(path, before)?,
        _ => {}
    }
    Ok(Task { op, supply: task.supply.clone(), dir_time: task.dir_time })
}

fn fresh(
    hands: &Hands<'_>,
    path: &HostPath,
    expected: &Stamp,
    own: &Own,
    later: &[(HostPath, Stamp)],
) -> Result<Stamp> {
    let place = hands.access.place(path)?;
    let pin = place.must_pin()?;
    let now = pin.stamp.clone();
    if expected.difference(&now).is_none() {
        return Ok(expected.clone());
    }
    // Known contents say more than the change time, which a rename to and fro moves too.
    if expected.digest.is_some()
        && now.same_inode(expected)
        && now.same_properties(expected)
        && Some(hands.access.digest(&place, &pin)?) == expected.digest
    {
        return Ok(Stamp { digest: expected.digest, ..now });
    }
    let ours = own.at(path).and_then(Option::as_ref);
    let known = ours.into_iter().chain(later.iter().filter(|(at, _)| at == path).map(|(_, stamp)| stamp));
    let same = |known: &&Stamp| known.difference(&now).is_none() && known.same_properties(expected);
    match known.into_iter().find(same) {
        Some(known) => Ok(Stamp { digest: expected.digest.or(known.digest), ..now }),
        None => {
            expected.must_match(&now, path)?;
            Ok(now)
        }
    }
}
