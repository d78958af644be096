//! The write-ahead journal: one directory per transaction, holding `journal.jsonl` and `backups/`.
//!
//! A privileged run journals in `/var/lib/openclaw-doctor` (below `--root` too), any other in the state home of the
//! account that runs it. Files are `0600`, directories `0700`, and nothing in them is believed that does not belong to
//! the account that reads it. Backups hold tokens: they stay until `history --prune` forgets them.

mod ledger;
mod lock;
mod reading;
mod record;
mod vault;

pub use ledger::Ledger;
pub use lock::{Lock, StateLocks};
pub use reading::{Action, PlanPart, State, Transaction};
pub use record::{Begin, Kind, PlanResult, PlanStart, Record, TransactionId};
pub use vault::{Prune, Vault};

/// The journal's form. A journal of another form is not undone.
pub const VERSION: u32 = 1;
