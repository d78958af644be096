//! Faults made on purpose.

use crate::support::{NAME, checkpoint, content, crashed, limits, made, pair, read, read_with};
use openclaw_doctor::model::{Fact, UnknownKind};
use openclaw_doctor::snapshot::device::FieldFault;
use openclaw_doctor::statedb::tables::TableOddity;
use openclaw_doctor::statedb::{HeaderVerdict, Integrity, Limits, WalVerdict};
use rusqlite::Connection;
use std::path::Path;

fn paired_ids(dir: &Path) -> Vec<String> {
    let state = read(dir);
    let paired = content(&state).paired.known().expect("paired");
    paired.iter().map(|device| device.place.key.clone()).collect()
}

fn cut(path: &Path, bytes: u64) {
    std::fs::File::options().write(true).open(path).expect("open").set_len(bytes).expect("cut");
}

#[test]
fn rows_in_the_log_only_are_seen_and_in_memory_or_spool_makes_no_difference() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    pair(&db, "second");
    assert_eq!(std::fs::metadata(dir.path().join(NAME)).expect("stat").len(), 4096, "all rows are in the log");
    assert_eq!(paired_ids(dir.path()).len(), 2);
    let spool = tempfile::tempdir().expect("temp dir");
    let spooled = Limits { in_memory_bytes: 0, spool_dir: spool.path().to_path_buf(), ..limits() };
    assert_eq!(read_with(dir.path(), &spooled), Fact::Known(read(dir.path())));
    assert_eq!(std::fs::read_dir(spool.path()).expect("list").count(), 0, "nothing is left of the spool");
}

#[test]
fn an_open_transaction_does_not_count_and_does_not_disturb() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    // A small cache makes SQLite write frames before the commit.
    db.execute_batch("PRAGMA cache_size=2; BEGIN IMMEDIATE;").expect("begin");
    for index in 0..500 {
        pair(&db, &format!("uncommitted-{index}"));
    }
    let state = read(dir.path());
    assert!(state.wal.known().expect("log").uncommitted_frames > 0);
    assert_eq!(content(&state).paired.known().map(Vec::len), Some(1));
    db.execute_batch("COMMIT").expect("commit");
    assert_eq!(paired_ids(dir.path()).len(), 501);
}

#[test]
fn a_log_that_was_started_anew_is_read_up_to_its_own_frames() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    for index in 0..50 {
        pair(&db, &format!("old-{index}"));
    }
    checkpoint(&db, "RESTART");
    pair(&db, "new");
    let state = read(dir.path());
    assert_eq!(state.wal.known().expect("log").commits, 1);
    assert_eq!(content(&state).paired.known().map(Vec::len), Some(52));
}

#[test]
fn nothing_zero_garbage_and_truncated_are_told_apart() {
    let dir = tempfile::tempdir().expect("temp dir");
    assert_eq!(read_with(dir.path(), &limits()), Fact::Absent);

    let db = made(dir.path());
    pair(&db, "second");
    let with_log = crashed(&db, dir.path());
    cut(&with_log.path().join(NAME), 0);
    let state = read(with_log.path());
    assert_eq!((&state.header, &state.content), (&Fact::Known(HeaderVerdict::Zero), &Fact::Absent));
    let wal = state.wal.known().expect("log");
    assert_eq!(wal.verdict, WalVerdict::Orphaned);
    assert!(wal.commits > 0, "the lost rows are still in the log");

    std::fs::remove_file(with_log.path().join(NAME)).expect("remove");
    assert_eq!(read(with_log.path()).header, Fact::Known(HeaderVerdict::Missing));

    checkpoint(&db, "TRUNCATE");
    drop(db);
    let whole = std::fs::read(dir.path().join(NAME)).expect("read");
    let half = whole.len() as u64 / 2;
    cut(&dir.path().join(NAME), half);
    let state = read(dir.path());
    let pages = whole.len() as u32 / 4096;
    let missing_pages = pages - (half / 4096) as u32;
    assert_eq!(state.header, Fact::Known(HeaderVerdict::Truncated { expected_pages: pages, missing_pages }));
    assert_eq!(state.content.why_unknown().map(|why| why.kind), Some(UnknownKind::Malformed));
    assert_eq!(state.is_live(), Fact::Known(true), "the header still tells the era");

    let mut garbage = whole;
    garbage[..64].fill(0x5a);
    std::fs::write(dir.path().join(NAME), &garbage).expect("write");
    let state = read(dir.path());
    assert_eq!(state.header, Fact::Known(HeaderVerdict::NotSqlite { bytes: garbage.len() as u64 }));
    assert_eq!(state.is_live().why_unknown().map(|why| why.kind), Some(UnknownKind::Malformed));
}

#[test]
fn a_damaged_page_is_reported_as_such() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    for index in 0..400 {
        pair(&db, &format!("device-{index}"));
    }
    checkpoint(&db, "TRUNCATE");
    let root: u32 = db
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name='device_pairing_paired'", [], |row| row.get(0))
        .expect("root page");
    drop(db);
    let path = dir.path().join(NAME);
    let mut bytes = std::fs::read(&path).expect("read");
    let at = (root as usize - 1) * 4096;
    bytes[at..at + 4096].fill(0xff);
    std::fs::write(&path, &bytes).expect("write");
    let state = read(dir.path());
    let content = content(&state);
    assert!(matches!(&content.integrity, Integrity::Problems(lines) if !lines.is_empty()), "{:?}", content.integrity);
    assert_eq!(content.paired.why_unknown().map(|why| why.kind), Some(UnknownKind::Malformed));
    assert_eq!(content.pending, Fact::Known(Vec::new()), "other tables are still read");
}

#[test]
fn a_log_of_another_database_is_recognised() {
    let (dir, other) = (tempfile::tempdir().expect("temp dir"), tempfile::tempdir().expect("temp dir"));
    let db = made(dir.path());
    for index in 0..200 {
        pair(&db, &format!("device-{index}"));
    }
    checkpoint(&db, "TRUNCATE");
    drop(db);
    let foreign = Connection::open(other.path().join(NAME)).expect("open");
    foreign
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE pad(a);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300)
             INSERT INTO pad SELECT randomblob(400) FROM n; UPDATE pad SET a=randomblob(300) WHERE rowid%7=0;",
        )
        .expect("make");
    // Only the end of the foreign log survives a restore: here its first commit is left out by a checkpoint.
    checkpoint(&foreign, "RESTART");
    foreign.execute_batch("UPDATE pad SET a=randomblob(399) WHERE rowid BETWEEN 20 AND 90").expect("write");
    std::fs::copy(other.path().join(format!("{NAME}-wal")), dir.path().join(format!("{NAME}-wal"))).expect("copy");
    let state = read(dir.path());
    assert_eq!(state.wal.known().expect("log").verdict, WalVerdict::DoesNotFit, "{state:?}");

    let small = tempfile::tempdir().expect("temp dir");
    let foreign = Connection::open(small.path().join(NAME)).expect("open");
    foreign
        .execute_batch("PRAGMA page_size=1024; PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1);")
        .expect("make");
    std::fs::copy(small.path().join(format!("{NAME}-wal")), dir.path().join(format!("{NAME}-wal"))).expect("copy");
    let state = read(dir.path());
    assert_eq!(state.wal.known().expect("log").verdict, WalVerdict::OtherDatabase);
    assert_eq!(content(&state).paired.known().map(Vec::len), Some(201));
}

#[test]
fn a_deleted_log_beside_its_index_is_noticed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    checkpoint(&db, "PASSIVE");
    pair(&db, "lost");
    let after = crashed(&db, dir.path());
    assert_eq!(read(after.path()).wal_deleted(), Fact::Known(false));
    std::fs::remove_file(after.path().join(format!("{NAME}-wal"))).expect("remove");
    let state = read(after.path());
    assert_eq!(state.wal_deleted(), Fact::Known(true));
    assert_eq!(content(&state).paired.known().map(Vec::len), Some(1));
}

#[test]
fn versions_and_missing_tables_are_told() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    db.execute_batch("DROP TABLE device_pairing_pending; PRAGMA user_version=16;").expect("change");
    let state = read(dir.path());
    let older = content(&state);
    assert!(older.missing_tables.contains(&"device_pairing_pending".to_owned()), "{:?}", older.missing_tables);
    assert_eq!(older.pending, Fact::Absent);
    assert!(older.missing_pairing_tables().eq(older.missing_tables.iter()), "of schema 16 only these are known");

    db.execute_batch("INSERT INTO config_machine_state VALUES('state.schema.contentVersion','17',1);").expect("change");
    assert_eq!(content(&read(dir.path())).schema_version, Fact::Known(17));
    db.execute_batch("UPDATE config_machine_state SET value_json='\"x\"';").expect("change");
    assert!(content(&read(dir.path())).schema_version.why_unknown().is_some());

    db.execute_batch("DELETE FROM config_machine_state; PRAGMA user_version=99;").expect("change");
    assert_eq!(content(&read(dir.path())).schema_version, Fact::Known(99));
}

#[test]
fn empty_tables_before_the_switch_are_not_live() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = Connection::open(dir.path().join(NAME)).expect("open");
    // The form of 2026.6.1 to 7.35: fewer columns, not STRICT.
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA user_version=1;
         CREATE TABLE device_pairing_paired (device_id TEXT PRIMARY KEY, public_key TEXT NOT NULL, display_name TEXT,
           platform TEXT, device_family TEXT, client_id TEXT, client_mode TEXT, role TEXT, roles_json TEXT,
           scopes_json TEXT, approved_scopes_json TEXT, remote_ip TEXT, tokens_json TEXT, created_at_ms INTEGER NOT NULL,
           approved_at_ms INTEGER NOT NULL, last_seen_at_ms INTEGER, last_seen_reason TEXT);",
    )
    .expect("make");
    let state = read(dir.path());
    assert_eq!(state.is_live(), Fact::Known(false));
    assert_eq!((&content(&state).oddities, &content(&state).missing_tables), (&Vec::new(), &Vec::new()));
    pair(&db, "restored-by-hand");
    assert_eq!(read(dir.path()).is_live(), Fact::Known(true));
}

#[test]
fn every_kind_of_bad_column_is_named() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    db.execute_batch(
        "UPDATE device_pairing_paired SET roles_json='[\"operator\",1]', scopes_json='', approved_scopes_json='null',
           tokens_json='{\"operator\":7}', node_surface_json='[]', display_name=CAST(x'ff61' AS TEXT), role='admin';",
    )
    .expect("change");
    let state = read(dir.path());
    let device = &content(&state).paired.known().expect("paired")[0];
    let fields: Vec<_> = device.problems.iter().map(|problem| problem.field.as_str()).collect();
    for field in [
        "roles_json",
        "scopes_json",
        "approved_scopes_json",
        "tokens_json.operator",
        "node_surface_json",
        "display_name",
        "role",
    ] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    let fault =
        |field: &str| device.problems.iter().find(|problem| problem.field == field).map(|problem| &problem.fault);
    assert!(matches!(fault("scopes_json"), Some(FieldFault::BadJson { offset: 0, bytes: 0, .. })));
    assert_eq!(device.approved_scopes, Fact::Absent);
}

#[test]
fn an_unfinished_transaction_in_rollback_mode_is_undone_in_the_copy() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = Connection::open(dir.path().join(NAME)).expect("open");
    db.execute_batch("PRAGMA journal_mode=DELETE;").expect("mode");
    db.execute_batch(crate::support::SCHEMA).expect("schema");
    // Spilled pages reach the main file before the commit.
    db.execute_batch("PRAGMA cache_size=1; BEGIN IMMEDIATE;").expect("begin");
    for index in 0..300 {
        pair(&db, &format!("uncommitted-{index}"));
    }
    let after = crashed(&db, dir.path());
    let state = read(after.path());
    assert!(state.rolled_back);
    assert_eq!(content(&state).paired.known().map(Vec::len), Some(1));
    assert_eq!(content(&state).integrity, Integrity::Ok { pairing_tables_only: false });
    // SQLite itself comes to the same result.
    let reference = Connection::open(after.path().join(NAME)).expect("open");
    let count: i64 =
        reference.query_row("SELECT count(*) FROM device_pairing_paired", [], |row| row.get(0)).expect("count");
    assert_eq!(count, 1);
}

#[test]
fn files_that_are_no_files_are_refused() {
    let dir = tempfile::tempdir().expect("temp dir");
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join(NAME)).expect("link");
    assert!(read_with(dir.path(), &limits()).why_unknown().is_some());
    std::fs::remove_file(dir.path().join(NAME)).expect("remove");
    std::fs::create_dir(dir.path().join(NAME)).expect("mkdir");
    assert!(read_with(dir.path(), &limits()).why_unknown().is_some());
}

#[test]
fn bounds_give_unknown_not_damage() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    for index in 0..30 {
        pair(&db, &format!("device-{index}"));
    }
    let kind = |limits: &Limits| {
        let state = read_with(dir.path(), limits);
        state.known().and_then(|state| state.content.why_unknown().map(|why| why.kind))
    };
    assert_eq!(kind(&Limits { max_main_bytes: 10, ..limits() }), Some(UnknownKind::TooLarge));
    assert_eq!(kind(&Limits { max_wal_bytes: 10, ..limits() }), Some(UnknownKind::TooLarge));
    assert_eq!(kind(&Limits { deadline: std::time::Instant::now(), ..limits() }), Some(UnknownKind::TimedOut));
    let few = read_with(dir.path(), &Limits { rows: 10, ..limits() });
    let paired = &content(few.known().expect("state")).paired;
    assert_eq!(paired.why_unknown().map(|why| why.kind), Some(UnknownKind::TooLarge));
    let spool = Limits { in_memory_bytes: 0, spool_dir: dir.path().join("nowhere"), ..limits() };
    assert_eq!(kind(&spool), Some(UnknownKind::Failed));
}

#[test]
fn views_virtual_tables_and_generated_columns_are_not_evaluated() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    db.execute_batch(
        "DROP TABLE device_pairing_pending;
         CREATE VIEW device_pairing_pending AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n)
           SELECT i AS request_id FROM n;
         DROP TABLE device_pairing_paired;
         CREATE TABLE device_pairing_paired(device_id TEXT, public_key TEXT AS (hex(zeroblob(100000000))),
           created_at_ms INTEGER, approved_at_ms INTEGER);
         INSERT INTO device_pairing_paired VALUES('a',1,1);
         CREATE TABLE device_identities(identity_key TEXT, device_id TEXT);
         INSERT INTO device_identities VALUES('primary', hex(zeroblob(3000000)));
         CREATE TABLE device_auth_tokens(device_id TEXT PRIMARY KEY, role TEXT, token TEXT) WITHOUT ROWID;
         INSERT INTO device_auth_tokens VALUES('a','operator','t');",
    )
    .expect("make");
    let start = std::time::Instant::now();
    let state = read(dir.path());
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    let content = content(&state);
    let table = "device_pairing_pending".to_owned();
    assert!(content.oddities.contains(&TableOddity::NotATable { table }), "{:?}", content.oddities);
    let generated =
        TableOddity::GeneratedColumn { table: "device_pairing_paired".to_owned(), column: "public_key".to_owned() };
    assert!(content.oddities.contains(&generated));
    assert!(content.pending.why_unknown().is_some());
    assert_eq!(content.paired.known().map(Vec::len), Some(1));
    let identity = &content.identities.known().expect("identities")[0];
    assert_eq!(identity.device_id.why_unknown().map(|why| why.kind), Some(UnknownKind::TooLarge));
    assert_eq!(content.cached_tokens.known().map(Vec::len), Some(1), "a table without row ids is read too");
}
