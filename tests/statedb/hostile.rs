//! Random damage, and writers at work.

use crate::support::{NAME, captured, checkpoint, limits, made, pair, read_with};
use openclaw_doctor::model::{Fact, SecretVault, UnknownKind};
use openclaw_doctor::statedb::memory::MemoryDbFiles;
use openclaw_doctor::statedb::{Limits, read_state_db};
use proptest::prelude::*;
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

#[test]
fn beside_a_busy_writer_every_reading_is_consistent_or_unstable() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (stop, path) = (Arc::clone(&stop), dir.path().to_path_buf());
        std::thread::spawn(move || {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                // As OpenClaw writes: delete all, insert the snapshot, in one transaction. All rows carry the round.
                db.execute_batch("BEGIN IMMEDIATE; DELETE FROM device_pairing_paired;").expect("begin");
                for index in 0..60 {
                    db.execute(
                        "INSERT INTO device_pairing_paired(device_id,public_key,created_at_ms,approved_at_ms,display_name)
                         VALUES(?1,'AAAA',?2,?2,?3)",
                        rusqlite::params![format!("device-{index}"), round, "x".repeat(200)],
                    )
                    .expect("insert");
                }
                db.execute_batch("COMMIT").expect("commit");
                round += 1;
                if round % 7 == 0 {
                    checkpoint(&db, if round % 2 == 0 { "RESTART" } else { "PASSIVE" });
                }
            }
            drop(path);
            round
        })
    };
    let until = Instant::now() + Duration::from_secs(2);
    let (mut consistent, mut unstable) = (0, 0);
    while Instant::now() < until {
        let state = read_with(dir.path(), &Limits { pause: Duration::from_millis(1), ..limits() });
        let state = state.known().expect("state");
        match &state.content {
            Fact::Known(content) => {
                let paired = content.paired.known().unwrap_or_else(|| panic!("{content:?}"));
                let rounds: std::collections::HashSet<_> =
                    paired.iter().map(|device| device.created_at_ms.known().copied()).collect();
                assert_eq!(rounds.len(), 1, "rows of several transactions were mixed");
                assert!(matches!(paired.len(), 1 | 60), "{}", paired.len());
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
