//! Reading changes nothing: a live database, held open in WAL mode by another process, is looked at before and after.

use crate::support::{Holder, NAME, child, content, made, pair, read, say_ready_and_wait};
use nix::unistd::{Uid, geteuid};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// Names, inodes, sizes, owners, modes and times of a directory and of all that is in it.
fn look(dir: &Path, with_atime: bool) -> BTreeMap<String, Vec<i64>> {
    let mut seen = BTreeMap::new();
    let mut note = |name: String, path: &Path, atime: bool| {
        let stat = std::fs::symlink_metadata(path).expect("stat");
        let mut facts = vec![
            stat.ino() as i64,
            stat.size() as i64,
            i64::from(stat.uid()),
            i64::from(stat.gid()),
            i64::from(stat.mode()),
            stat.mtime(),
            stat.mtime_nsec(),
            stat.ctime(),
            stat.ctime_nsec(),
        ];
        if atime {
            facts.extend([stat.atime(), stat.atime_nsec()]);
        }
        seen.insert(name, facts);
    };
    // Listing a directory, as this function does, touches its own access time.
    note(".".to_owned(), dir, false);
    for entry in std::fs::read_dir(dir).expect("list") {
        let entry = entry.expect("entry");
        note(entry.file_name().to_string_lossy().into_owned(), &entry.path(), with_atime);
    }
    seen
}

/// Sets access times far back, so that any mount that keeps them at all would show a read.
fn age_atimes(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("list") {
        let path = entry.expect("entry").path();
        let file = std::fs::File::open(&path).expect("open");
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        file.set_times(std::fs::FileTimes::new().set_accessed(old)).expect("set times");
    }
}

/// Not a test of its own: the other process. It holds the database open and says `ready`.
#[test]
fn other_process_holder() {
    let Some(dir) = std::env::var_os("STATEDB_TEST_HOLD") else { return };
    let db = made(Path::new(&dir));
    pair(&db, "second");
    // An open read transaction holds locks, too.
    db.execute_batch("BEGIN; SELECT count(*) FROM device_pairing_paired;").expect("begin");
    say_ready_and_wait();
}

/// Not a test of its own: reads the database as another user and says what it saw.
#[test]
fn other_process_reader() {
    let Some(dir) = std::env::var_os("STATEDB_TEST_READ") else { return };
    let user = Uid::from_raw(65_534);
    nix::unistd::setgroups(&[]).expect("setgroups");
    nix::unistd::setresgid(65_534.into(), 65_534.into(), 65_534.into()).expect("setresgid");
    nix::unistd::setresuid(user, user, user).expect("setresuid");
    let state = read(Path::new(&dir));
    println!("\npaired={}", content(&state).paired.known().expect("paired").len());
}

#[test]
fn as_the_owner_nothing_changes_access_times_included() {
    let dir = tempfile::tempdir().expect("temp dir");
    let _holder = Holder::start("unchanged::other_process_holder", "STATEDB_TEST_HOLD", dir.path());
    age_atimes(dir.path());
    let before = look(dir.path(), true);
    let names: Vec<_> = before.keys().map(String::as_str).collect();
    assert_eq!(names, [".", NAME, "openclaw.sqlite-shm", "openclaw.sqlite-wal"]);
    let state = read(dir.path());
    assert_eq!(content(&state).paired.known().map(Vec::len), Some(2));
    assert_eq!(look(dir.path(), true), before);
}

#[test]
fn as_root_the_owners_of_log_and_index_stay() {
    if !geteuid().is_root() {
        eprintln!("skipped: needs root to give files to another account");
        return;
    }
    let dir = tempfile::tempdir().expect("temp dir");
    let _holder = Holder::start("unchanged::other_process_holder", "STATEDB_TEST_HOLD", dir.path());
    // The captured fault F2c: the companions belong to root, the main file and the directory to the account. SQLite as
    // root would give the companions to the account and so hide it.
    let account = Some(Uid::from_raw(1000));
    nix::unistd::chown(dir.path(), account, None).expect("chown");
    nix::unistd::chown(&dir.path().join(NAME), account, None).expect("chown");
    age_atimes(dir.path());
    let before = look(dir.path(), true);
    let state = read(dir.path());
    assert_eq!(content(&state).paired.known().map(Vec::len), Some(2));
    let owner = |file: &openclaw_doctor::model::Fact<openclaw_doctor::statedb::FileIdentity>| {
        file.known().map(|identity| identity.uid)
    };
    assert_eq!(
        (owner(&state.files.main), owner(&state.files.wal), owner(&state.files.shm)),
        (Some(1000), Some(0), Some(0))
    );
    assert_eq!(look(dir.path(), true), before);
}

#[test]
fn as_a_user_without_write_permission_it_is_read_and_nothing_changes() {
    if !geteuid().is_root() {
        eprintln!("skipped: needs root to become another user");
        return;
    }
    let dir = tempfile::tempdir().expect("temp dir");
    let _holder = Holder::start("unchanged::other_process_holder", "STATEDB_TEST_HOLD", dir.path());
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("chmod");
    for suffix in ["", "-wal", "-shm"] {
        let path = dir.path().join(format!("{NAME}{suffix}"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    }
    // Access times are left out: only the owner and root may read without touching them.
    let before = look(dir.path(), false);
    let mut reader = child("unchanged::other_process_reader", "STATEDB_TEST_READ", dir.path());
    let mut said = String::new();
    reader.stdout.take().expect("stdout").read_to_string(&mut said).expect("read");
    reader.wait().expect("wait");
    assert!(said.contains("paired=2"), "{said}");
    assert_eq!(look(dir.path(), false), before);
}

#[test]
fn without_read_permission_it_is_unknown_but_the_owners_are_known() {
    if !geteuid().is_root() {
        eprintln!("skipped: needs root to become another user");
        return;
    }
    let dir = tempfile::tempdir().expect("temp dir");
    let db = made(dir.path());
    db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).expect("checkpoint");
    let chmod = |suffix: &str, mode| {
        let path = dir.path().join(suffix);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    };
    chmod("", 0o755);
    let ask = || {
        let mut reader = child("unchanged::other_process_denied", "STATEDB_TEST_DENIED", dir.path());
        let mut said = String::new();
        reader.stdout.take().expect("stdout").read_to_string(&mut said).expect("read");
        reader.wait().expect("wait");
        said
    };
    chmod(NAME, 0o600);
    let said = ask();
    assert!(said.contains("denied=NoPermission owner=0 live=None"), "{said}");
    // Only the log is closed (lab 2026.9.6, F2c): the main file still tells the era.
    chmod(NAME, 0o644);
    chmod("openclaw.sqlite-wal", 0o600);
    let said = ask();
    assert!(said.contains("denied=NoPermission owner=0 live=Some(true)"), "{said}");
}

/// Not a test of its own: fails to read the database as another user and says how.
#[test]
fn other_process_denied() {
    let Some(dir) = std::env::var_os("STATEDB_TEST_DENIED") else { return };
    let user = Uid::from_raw(65_534);
    nix::unistd::setgroups(&[]).expect("setgroups");
    nix::unistd::setresuid(user, user, user).expect("setresuid");
    let state = read(Path::new(&dir));
    let why = state.content.why_unknown().expect("unknown");
    let owner = state.files.wal.known().expect("stat").uid;
    println!("\ndenied={:?} owner={owner} live={:?}", why.kind, state.is_live().known());
}
