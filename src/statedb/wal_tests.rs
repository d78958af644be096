use super::*;
use crate::statedb::memory::MemoryDbFiles;
use proptest::prelude::*;
use rusqlite::Connection;
use std::time::Duration;

fn limits() -> Limits {
    Limits::within(Duration::from_secs(20))
}

fn scan(wal: &[u8]) -> Option<WalScan> {
    let src = MemoryDbFiles { wal: Some(wal.to_vec()), ..MemoryDbFiles::default() };
    match WalHead::read(&src).expect("read") {
        WalHead::Valid(header) => Some(WalScan::read(&src, header, &limits()).expect("scan")),
        _ => None,
    }
}

/// The log of a database with three commits, made by SQLite.
fn made() -> Vec<u8> {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("a.sqlite");
    let db = Connection::open(&path).expect("open");
    db.execute_batch(
        "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2);",
    )
    .expect("make");
    std::fs::read(dir.path().join("a.sqlite-wal")).expect("read")
}

/// The same log with checksums of the other byte order, as a big-endian machine writes it.
fn other_endian(wal: &[u8]) -> Vec<u8> {
    let mut wal = wal.to_vec();
    wal[3] ^= 1;
    let big = wal[3] & 1 == 1;
    let mut sums = add_up(big, (0, 0), &wal[..24]);
    let put = |wal: &mut Vec<u8>, at: usize, (a, b): (u32, u32)| {
        wal[at..at + 4].copy_from_slice(&a.to_be_bytes());
        wal[at + 4..at + 8].copy_from_slice(&b.to_be_bytes());
    };
    put(&mut wal, 24, sums);
    let mut at = WAL_HEADER_LEN;
    while at + 24 + 1024 <= wal.len() {
        sums = add_up(big, sums, &wal[at..at + 8]);
        sums = add_up(big, sums, &wal[at + 24..at + 24 + 1024]);
        put(&mut wal, at + 16, sums);
        at += 24 + 1024;
    }
    wal
}

#[test]
fn commits_are_counted_in_both_byte_orders() {
    let wal = made();
    for bytes in [wal.clone(), other_endian(&wal)] {
        let scan = scan(&bytes).expect("a log");
        assert_eq!((scan.commits, scan.commit_pages, scan.end), (3, Some(2), WalEnd::EndOfFile));
        assert_eq!(scan.committed_frames as usize, (wal.len() - WAL_HEADER_LEN) / (24 + 1024));
        assert_eq!(scan.pages.keys().max(), Some(&2));
    }
}

#[test]
fn what_follows_the_last_commit_does_not_count() {
    let wal = made();
    let cut = scan(&wal[..wal.len() - 10]).expect("a log");
    assert_eq!((cut.commits, cut.end), (2, WalEnd::CutFrame));
    let mut flipped = wal.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let flipped = scan(&flipped).expect("a log");
    assert_eq!((flipped.commits, flipped.end), (2, WalEnd::BrokenFrame));
}

#[test]
fn frames_of_an_earlier_generation_are_left_out() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("a.sqlite");
    let db = Connection::open(&path).expect("open");
    db.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2);")
        .expect("make");
    db.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).expect("checkpoint");
    db.execute_batch("INSERT INTO t VALUES(3);").expect("write");
    let scan = scan(&std::fs::read(dir.path().join("a.sqlite-wal")).expect("read")).expect("a log");
    assert_eq!((scan.commits, scan.end), (1, WalEnd::OlderFrames));
}

#[test]
fn heads_are_told_apart() {
    let wal = made();
    let head = |bytes: &[u8]| {
        WalHead::read(&MemoryDbFiles { wal: Some(bytes.to_vec()), ..MemoryDbFiles::default() }).expect("read")
    };
    assert_eq!(head(&[]), WalHead::Empty);
    assert_eq!(head(&wal[..31]), WalHead::Empty);
    assert_eq!(WalHead::read(&MemoryDbFiles::default()).expect("read"), WalHead::Empty);
    let mut salted = wal.clone();
    salted[16] ^= 1;
    assert_eq!(head(&salted), WalHead::Ignored);
    assert_eq!(head(&[0; 64]), WalHead::Ignored);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_cut_and_any_flip_are_survived_and_never_add_commits(cut in 0usize..10_000, at in 0usize..10_000, bit in 0u8..8) {
        let mut wal = made();
        let length = cut % (wal.len() + 1);
        wal.truncate(length);
        if !wal.is_empty() {
            let at = at % wal.len();
            wal[at] ^= 1 << bit;
        }
        if let Some(scan) = scan(&wal) {
            prop_assert!(scan.commits <= 3);
        }
    }
}
