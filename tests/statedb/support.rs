//! Databases to read: captured ones, and made ones.

use openclaw_doctor::model::{Fact, HostPath, SecretVault};
use openclaw_doctor::statedb::dir::DirDbFiles;
use openclaw_doctor::statedb::{DatabaseContent, Limits, StateDatabase, read_state_db};
use rusqlite::Connection;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const NAME: &str = "openclaw.sqlite";

pub fn limits() -> Limits {
    Limits::within(Duration::from_secs(30))
}

pub fn files(dir: &Path) -> DirDbFiles {
    let fd = OwnedFd::from(File::open(dir).expect("open directory"));
    DirDbFiles::new(fd, NAME, HostPath::from(dir.join(NAME)))
}

pub fn read_with(dir: &Path, limits: &Limits) -> Fact<StateDatabase> {
    read_state_db(&files(dir), &mut SecretVault::default(), limits)
}

pub fn read(dir: &Path) -> StateDatabase {
    match read_with(dir, &limits()) {
        Fact::Known(state) => state,
        other => panic!("{other:?}"),
    }
}

pub fn content(state: &StateDatabase) -> &DatabaseContent {
    state.content.known().unwrap_or_else(|| panic!("{:?}", state.content))
}

/// Lays a captured database out in a fresh directory.
pub fn captured(case: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temp dir");
    let archive: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "fixtures/statedb", &format!("2026.9.6-{case}.tar.gz")].iter().collect();
    let archive = File::open(&archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    archive.set_preserve_ownerships(false);
    archive.unpack(dir.path()).expect("unpack");
    dir
}

/// The tables that the checks turn on, as 2026.9.6 makes them, with one paired device.
pub const SCHEMA: &str = r#"
CREATE TABLE schema_meta (meta_key TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, schema_version INTEGER NOT NULL,
  agent_id TEXT, app_version TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;
CREATE TABLE config_machine_state (state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE device_pairing_paired (device_id TEXT NOT NULL PRIMARY KEY, public_key TEXT NOT NULL, display_name TEXT,
  operator_label TEXT, platform TEXT, device_family TEXT, client_id TEXT, client_mode TEXT, browser_origin TEXT, role TEXT,
  roles_json TEXT, scopes_json TEXT, approved_scopes_json TEXT, remote_ip TEXT, tokens_json TEXT, approved_via TEXT,
  node_surface_json TEXT, pending_node_surface_json TEXT, created_at_ms INTEGER NOT NULL, approved_at_ms INTEGER NOT NULL,
  last_seen_at_ms INTEGER, last_seen_reason TEXT) STRICT;
CREATE INDEX idx_device_pairing_paired_approved ON device_pairing_paired(approved_at_ms DESC, device_id);
CREATE TABLE device_pairing_pending (request_id TEXT NOT NULL PRIMARY KEY, device_id TEXT NOT NULL,
  public_key TEXT NOT NULL, display_name TEXT, platform TEXT, device_family TEXT, client_id TEXT, client_mode TEXT,
  browser_origin TEXT, role TEXT, roles_json TEXT, scopes_json TEXT, remote_ip TEXT, silent INTEGER, is_repair INTEGER,
  ts INTEGER NOT NULL, refreshed_at_ms INTEGER) STRICT;
INSERT INTO schema_meta VALUES('primary','global',18,NULL,'2026.9.6',1795356244641,1795357281793);
INSERT INTO device_pairing_paired(device_id,public_key,platform,client_id,client_mode,role,roles_json,scopes_json,
  approved_scopes_json,tokens_json,approved_via,created_at_ms,approved_at_ms) VALUES(
  '6161a93b38da33f2687d5ce215fd7b45e711e4ca8658aa1c1d18d418708a2a5d','54u-ZS0K4mLy58zHsWS6k7WmS45p14wF1nu_EppmSPg',
  'linux','cli','cli','operator','["operator"]','["operator.admin"]','["operator.admin"]',
  '{"operator":{"token":"wX3u0bSD4k92v9vuJBQu0EzVu5n-afBf1_d-Uz3E0Ik","role":"operator","scopes":["operator.admin"],"createdAtMs":5}}',
  'silent',4,4);
PRAGMA user_version=18;
"#;

/// A database with [`SCHEMA`] in WAL mode, all of it in the log; open as long as the connection is.
pub fn made(dir: &Path) -> Connection {
    let db = Connection::open(dir.join(NAME)).expect("open");
    db.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;").expect("WAL mode");
    db.execute_batch(SCHEMA).expect("schema");
    db
}

/// Adds a paired device.
pub fn pair(db: &Connection, id: &str) {
    db.execute(
        "INSERT INTO device_pairing_paired(device_id,public_key,created_at_ms,approved_at_ms) VALUES(?1,'AAAA',1,1)",
        [id],
    )
    .expect("insert");
}

pub fn checkpoint(db: &Connection, mode: &str) {
    db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(())).expect("checkpoint");
}

/// Copies the database without its connection, as a crash would leave it.
pub fn crashed(db: &Connection, from: &Path) -> tempfile::TempDir {
    let _ = db;
    let to = tempfile::tempdir().expect("temp dir");
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let name = format!("{NAME}{suffix}");
        if from.join(&name).exists() {
            std::fs::copy(from.join(&name), to.path().join(&name)).expect("copy");
        }
    }
    to
}

/// Runs one test of this program in another process, with a directory in its environment.
pub fn child(test: &str, variable: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().expect("exe"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(variable, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("spawn")
}

/// Another process that holds a database open until this value goes away.
pub struct Holder(Child);

impl Holder {
    /// Runs one test of this program, which must call [`say_ready_and_wait`].
    pub fn start(test: &str, variable: &str, dir: &Path) -> Self {
        let mut child = child(test, variable, dir);
        let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "ready"), "the holder did not start");
        Self(child)
    }

    pub fn pid(&self) -> i32 {
        self.0.id().try_into().expect("pid")
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The other side of [`Holder`].
pub fn say_ready_and_wait() {
    println!("\nready");
    std::io::stdout().flush().expect("flush");
    let _ = std::io::stdin().read(&mut [0]);
}
