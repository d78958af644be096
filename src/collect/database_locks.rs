//! Who holds locks on the state database, from the kernel's list. Live Linux hosts only; no file is opened for it.

use super::source::Source;
use crate::model::{Fact, Unknown, UnknownKind};
use crate::statedb::StateDatabase;
use crate::statedb::locks::{HeldLock, Holder, holders};
use std::io::Read as _;
use std::time::Duration;

/// Writers hold their lock for milliseconds; one that is there at both looks is held.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);
/// The kernel's list is longer only on hosts with tens of thousands of locks.
const MOST_BYTES: u64 = 8 << 20;

/// The locks on the files of a database. Of those that keep a gateway from writing only the ones that were still held at
/// a second look.
pub fn collect(source: &dyn Source, database: &Fact<StateDatabase>) -> Fact<Vec<Holder>> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    let database = match database {
        Fact::Known(database) => database,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(why) => return Fact::Unknown(why.clone()),
    };
    let mut seen = match look(database) {
        Ok(seen) => seen,
        Err(why) => return Fact::Unknown(why),
    };
    if seen.iter().any(blocks) {
        std::thread::sleep(BETWEEN_LOOKS);
        match look(database) {
            Ok(again) => seen.retain(|lock| !blocks(lock) || again.contains(lock)),
            Err(why) => return Fact::Unknown(why),
        }
    }
    Fact::Known(seen.into_iter().map(holder).collect())
}

fn blocks(lock: &HeldLock) -> bool {
    !lock.waiting && lock.purpose.blocks_writers(lock.exclusive)
}

fn look(database: &StateDatabase) -> Result<Vec<HeldLock>, Unknown> {
    if !cfg!(target_os = "linux") {
        return Err(Unknown::new(UnknownKind::Unsupported, "only Linux lists the locks of other processes"));
    }
    let mut text = String::new();
    let read = std::fs::File::open("/proc/locks").and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    read.map_err(|error| Unknown::from_io("read /proc/locks", &error))?;
    Ok(holders(&text, &database.files))
}

fn holder(lock: HeldLock) -> Holder {
    let comm = lock.pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    Holder { comm: comm.map(|comm| comm.trim_end().chars().take(15).collect()), lock }
}
