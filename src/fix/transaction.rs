//! One run of the fixer: the locks that it holds and the journal that it writes, over as many rounds of plans as it takes.

use super::engine::PreparedPlan;
use super::error::Result;
use super::journal::{Kind, Ledger, Lock, StateLocks, TransactionId, Vault};
use super::walk::Top;

/// An open transaction. It ends with [`Transaction::end`]; one that is dropped before counts as interrupted.
#[derive(Debug)]
pub struct Transaction<'v> {
    /// Where it is journalled.
    pub(super) vault: &'v Vault,
    _lock: Lock,
    locks: StateLocks,
    ledger: Option<Ledger>,
    now: jiff::Timestamp,
}

impl<'v> Transaction<'v> {
    /// Takes the vault's lock. Nothing is written yet.
    ///
    /// # Errors
    /// Where another fixer is at work.
    pub fn new(vault: &'v Vault, now: jiff::Timestamp) -> Result<Self> {
        Ok(Self { vault, _lock: vault.lock()?, locks: StateLocks::default(), ledger: None, now })
    }

    /// Its id, once something was journalled.
    pub fn id(&self) -> Option<&TransactionId> {
        self.ledger.as_ref().map(|ledger| &ledger.id)
    }

    /// Locks where these plans act, and begins the journal if that has not been done.
    pub(super) fn open(&mut self, top: &Top, plans: &[&PreparedPlan]) -> Result<&mut Ledger> {
        for plan in plans {
            if let Some(actor) = plan.actor() {
                self.locks.take(top, actor, plan.bases())?;
            }
        }
        let ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => Ledger::begin(self.vault, Kind::Fix, self.now)?,
        };
        Ok(self.ledger.insert(ledger))
    }

    /// Writes that nothing is open. Where that cannot be written, the next run finds everything done.
    pub fn end(mut self) {
        if let Some(ledger) = &mut self.ledger {
            let _ = ledger.end(jiff::Timestamp::now());
        }
    }
}
