//! A 500 MB database stays within a bound on memory. Linux only, and run by hand:
//! `cargo test --release --test statedb large -- --ignored --nocapture`
#![cfg(target_os = "linux")]

use crate::support::{NAME, child, content, made, pair, read_with};
use openclaw_doctor::statedb::{Integrity, Limits};
use rusqlite::Connection;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// The stated bound: what a reading may need beyond what the process had before.
const BOUND_KIB: u64 = 20 * 1024;

/// A line of `/proc/self/status` in KiB.
fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with(key)).expect("line");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("number")
}

/// Not a test of its own: reads a database in a fresh process and says how much memory that took.
#[test]
fn other_process_measure() {
    let Some(dir) = std::env::var_os("STATEDB_TEST_MEASURE") else { return };
    let limits = Limits::within(Duration::from_secs(300));
    let (before, start) = (status("VmRSS:"), Instant::now());
    let state = read_with(Path::new(&dir), &limits);
    let (took, peak) = (start.elapsed(), status("VmHWM:").saturating_sub(before));
    let content = content(state.known().expect("state"));
    assert_eq!(content.paired.known().map(Vec::len), Some(2));
    assert!(matches!(content.integrity, Integrity::Ok { .. }));
    println!("\n{took:?}\npeak {peak}");
}

fn measure(dir: &Path) -> u64 {
    let mut reader = child("large::other_process_measure", "STATEDB_TEST_MEASURE", dir);
    let mut said = String::new();
    reader.stdout.take().expect("stdout").read_to_string(&mut said).expect("read");
    reader.wait().expect("wait");
    println!("{said}");
    said.lines().find_map(|line| line.strip_prefix("peak ")?.parse().ok()).expect("a figure")
}

fn fill(db: &Connection, rows: u32, bytes: u64) {
    for _ in 0..rows {
        db.execute("INSERT INTO capture_blobs VALUES(randomblob(?1))", [bytes as i64]).expect("insert");
    }
}

#[test]
#[ignore = "writes 500 MB; see docs/performance.md"]
fn a_500_mb_database_stays_within_the_bound() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    db.execute_batch("CREATE TABLE capture_blobs(a BLOB);").expect("table");
    for _ in 0..10 {
        fill(&db, 50, 1_000_000);
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("checkpoint");
    }
    // And a log of 60 MB on top.
    fill(&db, 60, 1_000_000);
    pair(&db, "second");
    let size = |suffix: &str| std::fs::metadata(dir.path().join(format!("{NAME}{suffix}"))).expect("stat").len();
    println!("main file {} MB, log {} MB", size("") / 1_000_000, size("-wal") / 1_000_000);
    assert!(size("") > 500_000_000 && size("-wal") > 60_000_000);
    assert!(measure(dir.path()) <= BOUND_KIB);
}

#[test]
#[ignore = "measures memory; see docs/performance.md"]
fn the_largest_image_in_memory_stays_within_the_bound() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    db.execute_batch("CREATE TABLE capture_blobs(a BLOB);").expect("table");
    fill(&db, 1, Limits::within(Duration::ZERO).in_memory_bytes - (300 << 10));
    pair(&db, "second");
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("checkpoint");
    assert!(measure(dir.path()) <= BOUND_KIB);
}
