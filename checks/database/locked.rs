//! # Something holds the state database locked
//!
//! ## What it finds
//! A process that is no gateway and holds a lock on `state/openclaw.sqlite` that keeps a gateway from writing, seen twice
//! in a row.
//!
//! ## Why it locks you out
//! A lock that is held before the start makes the gateway hang without a log line and without listening. One that is taken
//! later ends the handshake of every new device with close code 1000 after five seconds; paired devices can still read.
//!
//! ## How to read the evidence
//! The kernel's list (`/proc/locks`) names the process and the range of bytes. Shared locks, readers and the short write
//! locks of a working gateway are normal and not reported.
//!
//! ## How to be sure by hand
//! `fuser -v ~/.openclaw/state/openclaw.sqlite*`, or the inode of the file (`ls -i`) in `/proc/locks`.
//!
//! ## What the fix does
//! Nothing: end the holder yourself (a database browser, a backup, a `sqlite3` shell). Nothing is lost.
//!
//! ## Since and until
//! From 2026.8.1, on live Linux hosts.

use super::store;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Unknown};
use crate::statedb::locks::Holder;

/// See the module's documentation.
pub struct Locked;

static CODES: &[CodeSpec] = &[CodeSpec::error(
    "database-locked",
    Cause::StateDatabase,
    "A process that is no gateway holds the database locked",
)];

impl Check for Locked {
    fn id(&self) -> &'static str {
        "state-database-locked"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/locked"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(database) = store::database(context)? else { return Ok(Vec::new()) };
        let holders = match &context.installation.database_locks {
            Fact::Known(holders) => holders,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let blocking: Vec<&Holder> = holders
            .iter()
            .filter(|held| !held.lock.waiting && held.lock.purpose.blocks_writers(held.lock.exclusive))
            .filter(|held| !is_openclaw(context, held))
            .collect();
        let Some(first) = blocking.first() else { return Ok(Vec::new()) };
        let message = format!("{} holds {} locked: the gateway can't write", who(first), database.path);
        let certainty = if first.lock.same_device { Certainty::Likely } else { Certainty::Possible };
        let mut finding = context
            .finding(self, "database-locked", &database.path.to_string(), message)
            .because(Cause::StateDatabase, certainty)
            .at(&database.path);
        for held in &blocking {
            let text =
                format!("{}: {:?} lock on the {:?} file, at two looks", who(held), held.lock.purpose, held.lock.file);
            finding = finding.evidence(Evidence::new(text).at(&database.path));
        }
        if let Some(waiting) = holders.iter().find(|held| held.lock.waiting) {
            finding = finding.evidence(Evidence::new(format!("{} waits for it", who(waiting))));
        }
        Ok(vec![finding.hint("End that process if it is not meant to work on the database; nothing is lost")])
    }

    fn plan(&self, _context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let words =
            vec!["Look what the process does (ps -fp PID), let it finish or end it; then try again.".to_owned()];
        Some(Plan::manual(finding, "end the process that holds the database", words))
    }
}

fn who(held: &Holder) -> String {
    match (held.lock.pid, &held.comm) {
        (Some(pid), Some(comm)) => format!("process {pid} ({comm})"),
        (Some(pid), None) => format!("process {pid}"),
        (None, _) => "a process that the kernel does not name".to_owned(),
    }
}

/// A gateway or CLI writes for milliseconds, but may do so at both looks. Its name is its title, node's, or that of node's
/// main thread.
fn is_openclaw(context: &Context<'_>, held: &Holder) -> bool {
    let pid = held.lock.pid.and_then(|pid| u32::try_from(pid).ok());
    let known = context.snapshot.processes.known().zip(pid).is_some_and(|(facts, pid)| facts.by_pid(pid).is_some());
    let named = held
        .comm
        .as_deref()
        .is_some_and(|comm| comm.starts_with("openclaw") || comm.starts_with("node") || comm == "MainThread");
    known || named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, installation};
    use crate::statedb::DbFile;
    use crate::statedb::locks::{HeldLock, LockPurpose};

    fn held(pid: i32, comm: &str, purpose: LockPurpose) -> Holder {
        let lock =
            HeldLock { file: DbFile::Shm, pid: Some(pid), purpose, exclusive: true, waiting: false, same_device: true };
        Holder { lock, comm: Some(comm.to_owned()) }
    }

    #[test]
    fn only_a_writer_that_is_no_gateway_counts() {
        let mut snapshot = Lab::sqlite(Some("2026.9.6")).snapshot();
        assert!(detect(&Locked, &snapshot).is_err(), "offline nothing is known of locks");
        let table = [
            (held(7, "sqlite3", LockPurpose::WalWrite), true),
            (held(7, "sqlite3", LockPurpose::WalRead), false),
            (held(7, "openclaw-gatewa", LockPurpose::WalWrite), false),
        ];
        for (holder, found) in table {
            installation(&mut snapshot).database_locks = Fact::Known(vec![holder.clone()]);
            assert_eq!(!codes(&Locked, &snapshot).is_empty(), found, "{holder:?}");
        }
    }
}
