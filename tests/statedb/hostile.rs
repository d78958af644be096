//! Random damage, and writers at work.

use crate::support::{NAME, captured, checkpoint, limits, made, pair, read_with};
use openclaw_doctor::model::{Fact, HostPath, SecretVault, UnknownKind};
use openclaw_doctor::statedb::memory::MemoryDbFiles;
use openclaw_doctor::statedb::{DbFile, DbFiles, FileIdentity, Limits, Readable, read_state_db};
use proptest::prelude::*;
use rusqlite::Connection;
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

static SOUND: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    checkpoint(&db, "PASSIVE");
    for index in 0..40 {
        pair(&db, &format!("device-{index}"));
    }
    let read = |suffix: &str| std::fs::read(dir.path().join(format!("{NAME}{suffix}"))).expect("read");
    (read(""), read("-wal"))
});

fn quick() -> Limits {
    Limits { tries: 1, pause: Duration::ZERO, ..Limits::within(Duration::from_secs(5)) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn cuts_and_flips_anywhere_are_survived(
        main_cut in 0usize..40_000,
        wal_cut in 0usize..400_000,
        cuts in any::<(bool, bool)>(),
        flips in proptest::collection::vec((any::<bool>(), any::<usize>(), 0u8..8), 0..24),
        head in proptest::collection::vec((0usize..100, any::<u8>()), 0..3),
    ) {
        let (mut main, mut wal) = SOUND.clone();
        if cuts.0 {
            main.truncate(main_cut);
        }
        if cuts.1 {
            wal.truncate(wal_cut);
        }
        for (in_main, at, bit) in flips {
            let bytes = if in_main { &mut main } else { &mut wal };
            if !bytes.is_empty() {
                let at = at % bytes.len();
                bytes[at] ^= 1 << bit;
            }
        }
        for (at, byte) in head {
            if let Some(place) = main.get_mut(at) {
                *place = byte;
            }
        }
        let src = MemoryDbFiles { main: Some(main), wal: Some(wal), ..MemoryDbFiles::default() };
        let state = read_state_db(&src, &mut SecretVault::default(), &quick());
        prop_assert!(matches!(state, Fact::Known(_)));
    }
}

/// One row to a page, so that a transaction touches two of many pages.
const ROWS: i64 = 120;

fn bank(dir: &Path) -> Connection {
    let db = made(dir);
    db.execute_batch("DELETE FROM device_pairing_paired").expect("empty");
    let pad = format!("{{\"pad\":\"{}\"}}", "x".repeat(3_000));
    for row in 0..ROWS {
        db.execute(
            "INSERT INTO device_pairing_paired(device_id,public_key,created_at_ms,approved_at_ms,node_surface_json)
             VALUES(?1,'AAAA',1000,1,?2)",
            rusqlite::params![format!("device-{row:03}"), pad],
        )
        .expect("insert");
    }
    checkpoint(&db, "TRUNCATE");
    db
}

/// Moves amounts between far rows; the sum stays. Checkpoints of all kinds run in between.
fn move_amounts(db: &Connection, stop: &AtomicBool) -> i64 {
    let mut round = 0_i64;
    while !stop.load(Ordering::Relaxed) {
        let (from, to) = (round * 7 % ROWS, (round * 7 + ROWS / 2) % ROWS);
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             UPDATE device_pairing_paired SET created_at_ms=created_at_ms-3 WHERE device_id='device-{from:03}';
             UPDATE device_pairing_paired SET created_at_ms=created_at_ms+3 WHERE device_id='device-{to:03}';
             COMMIT"
        ))
        .expect("move");
        round += 1;
        if round % 3 == 0 {
            checkpoint(db, if round % 120 == 0 { "RESTART" } else { "PASSIVE" });
        }
    }
    round
}

#[test]
fn beside_a_busy_writer_every_reading_is_consistent_or_unstable() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = bank(dir.path());
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || move_amounts(&db, &stop))
    };
    let until = Instant::now() + Duration::from_secs(2);
    let (mut consistent, mut unstable) = (0, 0);
    while Instant::now() < until {
        let state = read_with(dir.path(), &Limits { pause: Duration::from_millis(1), ..limits() });
        match &state.known().expect("state").content {
            Fact::Known(content) => {
                let paired = content.paired.known().unwrap_or_else(|| panic!("{content:?}"));
                let sum: i64 = paired.iter().filter_map(|device| device.created_at_ms.known()).sum();
                assert_eq!((paired.len() as i64, sum), (ROWS, ROWS * 1000), "two states were mixed");
                consistent += 1;
            }
            Fact::Unknown(why) => {
                assert_eq!(why.kind, UnknownKind::Unstable, "{why}");
                unstable += 1;
            }
            Fact::Absent => panic!("content is there"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    let rounds = writer.join().expect("writer");
    println!("{rounds} transactions, {consistent} consistent and {unstable} unstable readings");
    assert!(consistent > 0 && rounds > 10);
}

/// A database whose log is started anew at every look, or whose main file is replaced.
struct Restless {
    files: MemoryDbFiles,
    looks: Cell<u64>,
    replace_main: bool,
}

impl DbFiles for Restless {
    fn path(&self) -> HostPath {
        self.files.path()
    }

    fn stat(&self, which: DbFile) -> std::io::Result<Option<FileIdentity>> {
        let mut identity = self.files.stat(which)?;
        if let Some(identity) = identity.as_mut().filter(|_| self.replace_main && which == DbFile::Main) {
            self.looks.set(self.looks.get() + 1);
            identity.inode = self.looks.get();
        }
        Ok(identity)
    }

    fn read_at(&self, which: Readable, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = self.files.read_at(which, offset, buf)?;
        if which == Readable::Wal && offset == 0 && !self.replace_main {
            self.looks.set(self.looks.get() + 1);
            // The first reading sees a log, the next one none, and so on.
            if self.looks.get().is_multiple_of(2) {
                buf[..count].fill(0);
            }
        }
        Ok(count)
    }
}

#[test]
fn files_that_never_hold_still_are_unstable_never_damaged() {
    for replace_main in [false, true] {
        let (main, wal) = SOUND.clone();
        let files = MemoryDbFiles { main: Some(main), wal: Some(wal), ..MemoryDbFiles::default() };
        let src = Restless { files, looks: Cell::new(0), replace_main };
        let state = read_state_db(&src, &mut SecretVault::default(), &quick());
        let state = state.known().expect("state");
        assert_eq!(state.content.why_unknown().map(|why| why.kind), Some(UnknownKind::Unstable), "{state:?}");
        assert_eq!(state.header.why_unknown().map(|why| why.kind), Some(UnknownKind::Unstable));
    }
}

#[test]
fn captured_databases_survive_cuts_at_every_page_of_the_log() {
    let dir = captured("F10a-scope-upgrade");
    let bytes = |suffix: &str| std::fs::read(dir.path().join(format!("{NAME}{suffix}"))).expect("read");
    let (main, wal) = (bytes(""), bytes("-wal"));
    for cut in (0..wal.len()).step_by(wal.len() / 12) {
        let src =
            MemoryDbFiles { main: Some(main.clone()), wal: Some(wal[..cut].to_vec()), ..MemoryDbFiles::default() };
        let state = read_state_db(&src, &mut SecretVault::default(), &quick());
        // A shorter log is an earlier state, never a damaged one.
        let content = state.known().and_then(|state| state.content.known()).expect("content");
        assert!(matches!(content.integrity, openclaw_doctor::statedb::Integrity::Ok { .. }), "cut at {cut}");
    }
}
