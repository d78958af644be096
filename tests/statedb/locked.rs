//! Locks of a live holder, as the kernel lists them.
#![cfg(target_os = "linux")]

use crate::support::{Holder, made, read, say_ready_and_wait};
use openclaw_doctor::statedb::DbFile;
use openclaw_doctor::statedb::locks::{LockPurpose, holders};
use std::path::Path;

/// Not a test of its own: the other process. It leaves a write transaction open.
#[test]
fn other_process_writer() {
    let Some(dir) = std::env::var_os("STATEDB_TEST_WRITE") else { return };
    let db = made(Path::new(&dir));
    db.execute_batch("BEGIN IMMEDIATE; DELETE FROM device_pairing_paired;").expect("begin");
    say_ready_and_wait();
}

#[test]
fn the_holder_of_a_write_transaction_is_found_and_reading_goes_on() {
    let dir = tempfile::tempdir().expect("temp dir");
    let holder = Holder::start("locked::other_process_writer", "STATEDB_TEST_WRITE", dir.path());
    let state = read(dir.path());
    let content = state.content.known().expect("a locked database is still read");
    assert_eq!(content.paired.known().map(Vec::len), Some(1));
    let Ok(text) = std::fs::read_to_string("/proc/locks") else {
        eprintln!("skipped: /proc/locks cannot be read here");
        return;
    };
    let held = holders(&text, &state.files);
    let purpose = |wanted| held.iter().find(|lock| lock.purpose == wanted).unwrap_or_else(|| panic!("{held:?}"));
    let writing = purpose(LockPurpose::WalWrite);
    assert_eq!((writing.file, writing.pid, writing.exclusive), (DbFile::Shm, Some(holder.pid()), true));
    assert_eq!(purpose(LockPurpose::Shared).pid, Some(holder.pid()));
    assert!(
        held.iter().filter(|lock| lock.same_device).all(|lock| lock.pid == Some(holder.pid())),
        "the doctor itself holds none: {held:?}"
    );
}
