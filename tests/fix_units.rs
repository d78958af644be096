//! Units through a real `systemd --user`: disabled and taken back; the gateway stopped around a plan and restored.
//! Ignored unless asked for, because it makes a unit in the running account's own manager:
//! `cargo test --test fix_units -- --ignored --test-threads=1` in a session where `systemctl --user` works. As root the account is named by
//! `OPENCLAW_DOCTOR_TEST_UID` and `HOME`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use openclaw_doctor::collect::source::Account;
use openclaw_doctor::fix::engine::{Engine, Fate, Standing};
use openclaw_doctor::fix::journal::Vault;
use openclaw_doctor::fix::lower::Territory;
use openclaw_doctor::fix::world::{Gateway, Host};
use openclaw_doctor::model::{
    Action, Applicability, Content, Fact, Finding, HostPath, Manager, Plan, SecretVault, Severity, Step,
};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const UNIT: &str = "openclaw-doctor-test.service";

struct LiveHost {
    account: Account,
    base: PathBuf,
    vault: SecretVault,
}

/// The account whose manager is used: the running one, or for root the named one.
fn uid() -> u32 {
    let own = rustix::process::geteuid().as_raw();
    std::env::var("OPENCLAW_DOCTOR_TEST_UID").map_or(own, |uid| uid.parse().expect("a uid"))
}

fn systemctl(words: &[&str]) -> String {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(words);
    if rustix::process::geteuid().is_root() {
        command.uid(uid()).env("XDG_RUNTIME_DIR", format!("/run/user/{}", uid()));
    }
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Host for LiveHost {
    fn root(&self) -> Option<&Path> {
        None
    }

    fn territory(&self, _installation: Option<&str>) -> Fact<Territory> {
        let bases = vec![HostPath::from(self.base.as_path())];
        Fact::Known(Territory { account: self.account.clone(), bases, frozen: Vec::new() })
    }

    fn gateway(&self, _installation: Option<&str>) -> Gateway {
        match systemctl(&["is-active", UNIT]).as_str() {
            "active" => Gateway::Unit { manager: self.manager(), unit: UNIT.to_owned() },
            _ => Gateway::Stopped,
        }
    }

    fn secrets(&self) -> &SecretVault {
        &self.vault
    }

    fn home(&self) -> Option<PathBuf> {
        self.account.home.clone()
    }
}

impl LiveHost {
    fn manager(&self) -> Manager {
        Manager::SystemdUser { uid: self.account.uid }
    }
}

fn plan(action: Action) -> Plan {
    let finding = Finding::new("test-check", "test-code", Severity::Error, "unit", "a unit of the tests");
    Plan::of(&finding, Applicability::Unsafe, "a plan of the tests", vec![Step::new(action, "the test wants it")])
}

struct Unit(PathBuf);

impl Unit {
    fn make(home: &Path) -> Self {
        Self::running(home, "/bin/sleep 1000")
    }

    fn running(home: &Path, command: &str) -> Self {
        let path = home.join(".config/systemd/user").join(UNIT);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!("[Service]\nExecStart={command}\n[Install]\nWantedBy=default.target\n");
        std::fs::write(&path, text).unwrap();
        systemctl(&["daemon-reload"]);
        systemctl(&["enable", "--now", UNIT]);
        Self(path)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        systemctl(&["disable", "--now", UNIT]);
        let _ = std::fs::remove_file(&self.0);
        systemctl(&["daemon-reload"]);
    }
}

#[test]
#[ignore = "needs a running systemd --user, and makes a unit in it"]
fn a_real_unit_is_disabled_taken_back_and_restored_around_a_plan() {
    let uid = uid();
    let home = PathBuf::from(std::env::var_os("HOME").expect("HOME"));
    let gid = home.metadata().unwrap().gid();
    let base = tempfile::tempdir_in(&home).unwrap();
    chown(base.path(), Some(uid), Some(gid)).unwrap();
    let account = Account { uid, gid, groups: vec![gid], name: None, home: Some(home.clone()) };
    let host = LiveHost { account, base: base.path().to_path_buf(), vault: SecretVault::default() };
    let _unit = Unit::make(&home);
    let state = || (systemctl(&["is-enabled", UNIT]), systemctl(&["is-active", UNIT]));
    let running = ("enabled".to_owned(), "active".to_owned());
    assert_eq!(state(), running, "the session has no working manager");

    let engine = Engine::new(&host).unwrap();
    let own = tempfile::tempdir().unwrap();
    let vault = Vault::create(&engine.top, &HostPath::from(own.path().join("vault"))).unwrap();
    let disable = Action::DisableUnit { manager: host.manager(), unit: UNIT.to_owned(), mask: true };
    let prepared = engine.prepare(vec![plan(disable)]);
    assert_eq!(prepared[0].standing, Standing::Ready);
    let applied = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!(applied.fates, [Some(Fate::Applied)]);
    assert_eq!(state(), ("disabled".to_owned(), "inactive".to_owned()));
    let undo = engine.prepare_undo(&vault, &applied.id).unwrap();
    engine.undo(&undo, &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!(state(), running);

    let file = base.path().join("store.json");
    std::fs::write(&file, "{}").unwrap();
    chown(&file, Some(uid), Some(gid)).unwrap();
    let replace = Action::Replace {
        path: HostPath::from(file.as_path()),
        seen: Content(b"{}".to_vec()).digest(),
        content: Content(b"{\"a\": 1}".to_vec()),
    };
    let prepared = engine.prepare(vec![plan(replace).with_gateway_stopped()]);
    assert!(prepared[0].gateway.as_ref().unwrap().contains("started again"), "{:?}", prepared[0].gateway);
    let before = systemctl(&["show", "-p", "MainPID", "--value", UNIT]);
    let applied = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!((applied.fates, applied.alarms), (vec![Some(Fate::Applied)], Vec::new()));
    assert_eq!(state(), running);
    assert_ne!(systemctl(&["show", "-p", "MainPID", "--value", UNIT]), before, "it was stopped in between");
    let undo = engine.prepare_undo(&vault, &applied.id).unwrap();
    assert_eq!(undo.gateway.len(), 1);
    engine.undo(&undo, &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!((std::fs::read_to_string(&file).unwrap(), state()), ("{}".to_owned(), running));
}

const HELD: &str = "OPENCLAW_DOCTOR_TEST_HELD_DATABASE";

/// Stands for a gateway: holds the database open, reads it all the time, and keeps its log from being written back.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn holder() {
    let Ok(path) = std::env::var(HELD) else { return };
    let connection = rusqlite::Connection::open(path).unwrap();
    loop {
        let _: i64 = connection.query_row("SELECT count(*) FROM device_pairing_paired", [], |row| row.get(0)).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn rows(database: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{suffix}", database.display()));
        if from.exists() {
            std::fs::copy(from, folder.path().join(format!("db{suffix}"))).unwrap();
        }
    }
    let connection = rusqlite::Connection::open(folder.path().join("db")).unwrap();
    let mut statement = connection.prepare("SELECT device_id FROM device_pairing_paired ORDER BY 1").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
#[ignore = "needs a running systemd --user, and makes a unit in it"]
fn a_database_that_a_running_gateway_holds_is_edited_while_that_is_stopped() {
    let uid = uid();
    let home = PathBuf::from(std::env::var_os("HOME").expect("HOME"));
    let gid = home.metadata().unwrap().gid();
    let base = tempfile::tempdir_in(&home).unwrap();
    let database = base.path().join("openclaw.sqlite");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let make =
        "PRAGMA journal_mode=WAL; CREATE TABLE device_pairing_paired(device_id TEXT PRIMARY KEY, tokens_json TEXT);
                INSERT INTO device_pairing_paired VALUES ('a', '{}'), ('b', '{broken');";
    connection.execute_batch(make).unwrap();
    drop(connection);
    for entry in walkdir::WalkDir::new(base.path()).into_iter().flatten() {
        chown(entry.path(), Some(uid), Some(gid)).unwrap();
    }
    let account = Account { uid, gid, groups: vec![gid], name: None, home: Some(home.clone()) };
    let host = LiveHost { account, base: base.path().to_path_buf(), vault: SecretVault::default() };
    // From a place that the account can reach.
    let program = base.path().join("holder");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let words = "holder --exact --ignored --nocapture";
    let command = format!("/usr/bin/env {HELD}={} {} {words}", database.display(), program.display());
    let _unit = Unit::running(&home, &command);
    let pid = || systemctl(&["show", "-p", "MainPID", "--value", UNIT]);
    let first = pid();
    // The holder has the database open once its log is there.
    let log = PathBuf::from(format!("{}-wal", database.display()));
    let opened = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        log.exists()
    });
    assert!(opened, "the unit does not hold the database");

    let mut engine = Engine::new(&host).unwrap();
    let helper = base.path().join("openclaw-doctor");
    std::fs::copy(env!("CARGO_BIN_EXE_openclaw-doctor"), &helper).unwrap();
    engine.machine.helper = helper;
    let own = tempfile::tempdir().unwrap();
    let vault = Vault::create(&engine.top, &HostPath::from(own.path().join("vault"))).unwrap();
    let delete = Action::DeleteRow {
        database: HostPath::from(database.as_path()),
        table: "device_pairing_paired".to_owned(),
        key: vec![("device_id".to_owned(), "b".to_owned())],
    };
    let prepared = engine.prepare(vec![plan(delete).with_gateway_stopped()]);
    assert_eq!(prepared[0].standing, Standing::Ready);
    let applied = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!((applied.fates, applied.alarms), (vec![Some(Fate::Applied)], Vec::new()));
    assert_eq!(rows(&database), ["a"]);
    assert!(systemctl(&["is-active", UNIT]) == "active" && pid() != first, "it was stopped and runs again");
    for entry in walkdir::WalkDir::new(base.path()).into_iter().flatten() {
        let is_copy = entry.path() == program || entry.path().ends_with("openclaw-doctor");
        assert!(is_copy || entry.metadata().unwrap().uid() == uid, "{:?} is not the account's", entry.path());
    }
    // The gateway has run on the database since: an undo would throw away what it wrote.
    let undo =
        engine.prepare_undo(&vault, &applied.id).and_then(|undo| engine.undo(&undo, &vault, jiff::Timestamp::now()));
    assert!(undo.unwrap_err().to_string().contains("since the fix"));
    assert_eq!(rows(&database), ["a"]);
}
