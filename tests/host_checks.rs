//! Checks that only a live host can answer, with real processes: descriptors, namespaces, state directories, locks.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use openclaw_doctor::checks::CHECKS;
use openclaw_doctor::checks::run::run;
use openclaw_doctor::collect::run::{Request, collect};
use openclaw_doctor::collect::source::LiveSource;
use openclaw_doctor::model::{Certainty, Finding, SecretVault};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A home with a state directory, and a directory for programs.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self { folder };
        std::fs::create_dir_all(home.state().join("state")).unwrap();
        let config = format!(r#"{{ "gateway": {{ "mode": "local", "port": {port} }} }}"#);
        std::fs::write(home.state().join("openclaw.json"), config).unwrap();
        home
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn state(&self) -> PathBuf {
        self.path().join(".openclaw")
    }

    /// The database of a real 2026.9.6 gateway.
    fn with_database(self) -> Self {
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/statedb/2026.9.6-F11-raw-probes.tar.gz");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive).unwrap()));
        archive.set_preserve_ownerships(false);
        archive.unpack(self.state().join("state")).unwrap();
        self
    }

    /// What one check says of the running host, with this home as the one to look in.
    fn says(&self, check: &str) -> Vec<Finding> {
        let wanted = CHECKS.iter().find(|other| other.id() == check).expect(check);
        let request = Request {
            home: Some(self.path()),
            user: Some(rustix::process::geteuid().as_raw().to_string()),
            release: "2026.9.6".parse().ok(),
            timeout: Duration::from_secs(30),
            needs: wanted.needs().iter().copied().collect(),
            ..Request::default()
        };
        let source = LiveSource::host().unwrap();
        let snapshot = collect(&source, &request, &mut SecretVault::default()).unwrap();
        let runs = run(&snapshot, |other| if other.id() == check { Ok(()) } else { Err(String::new()) });
        runs.into_iter().flat_map(|run| run.findings).map(|(finding, _)| finding).collect()
    }
}

/// A process of ours, ended with the test.
struct Running(Child);

impl Running {
    /// Something that looks like a gateway: a runtime named `node` with a gateway's title, after `before` in a shell.
    fn gateway(folder: &Path, before: &str, stdin: Stdio) -> Option<Self> {
        let runtime = folder.join("node");
        if !runtime.exists() {
            std::fs::copy("/bin/sleep", &runtime).unwrap();
        }
        let script = format!("{before} exec -a openclaw-gateway '{}' 1000", runtime.display());
        let mut command = Command::new("/bin/bash");
        command.args(["-c", &script]).env_clear().current_dir(folder).stdin(stdin).stdout(Stdio::null());
        let child = command.spawn().ok()?;
        // Until the shell has become the program.
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(20));
            let title = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
            if title.starts_with(b"openclaw-gateway") {
                return Some(Self(child));
            }
        }
        println!("skipped: bash could not start it");
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_gateway_with_its_last_descriptors_is_named() {
    let home = Home::new(28_101);
    let plenty = Running::gateway(home.folder.path(), "ulimit -Sn 256;", Stdio::null());
    let Some(plenty) = plenty else { return };
    let about =
        |found: &[Finding], pid: u32| found.iter().any(|finding| finding.message.contains(&format!("(pid {pid})")));
    assert!(!about(&home.says("file-descriptors"), plenty.0.id()));
    let Some(few) = Running::gateway(home.folder.path(), "ulimit -Sn 12;", Stdio::null()) else { return };
    let found = home.says("file-descriptors");
    assert!(about(&found, few.0.id()) && !about(&found, plenty.0.id()), "{found:?}");
}

#[test]
fn a_gateway_on_another_state_directory_is_told_by_its_open_database() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (home, other) = (Home::new(port).with_database(), Home::new(port).with_database());
    let database = other.state().join("state/openclaw.sqlite");
    let before = format!("exec 5<'{}';", database.display());
    let socket = std::os::fd::OwnedFd::from(listener);
    let Some(gateway) = Running::gateway(home.folder.path(), &before, socket.into()) else { return };
    let found = home.says("state-dir-mismatch");
    let finding = found.iter().find(|finding| finding.code == "gateway-other-state-dir").expect("it is found");
    assert!(finding.message.contains(&format!("pid {}", gateway.0.id())), "{finding:?}");
    assert_eq!(finding.path.as_ref().map(ToString::to_string), Some(database.display().to_string()));
    // For the home whose database it has open nothing is wrong.
    assert!(other.says("state-dir-mismatch").iter().all(|finding| finding.code != "gateway-other-state-dir"));
}

#[test]
fn a_gateway_in_another_network_namespace_is_the_answer() {
    let taken = std::thread::spawn(|| {
        // Of this thread alone; processes that it starts inherit it.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).ok()?;
        let listener = TcpListener::bind("0.0.0.0:0").ok()?;
        let port = listener.local_addr().ok()?.port();
        let home = Home::new(port);
        let socket = std::os::fd::OwnedFd::from(listener);
        let gateway = Running::gateway(home.folder.path(), "", socket.into())?;
        Some((home, gateway))
    });
    let Ok(Some((home, _gateway))) = taken.join() else {
        println!("skipped: a network namespace can be made only with privilege");
        return;
    };
    let found = home.says("network-namespace");
    assert_eq!(found.first().map(|finding| finding.code.as_str()), Some("gateway-in-other-namespace"), "{found:?}");
    assert_eq!(found[0].certainty, Certainty::Likely, "it listens there on this port");
}

/// Not a test of its own: the other process. It leaves a write transaction open and says so.
#[test]
fn other_process_writer() {
    let Some(path) = std::env::var_os("HOST_CHECKS_WRITE") else { return };
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch("BEGIN IMMEDIATE; DELETE FROM device_pairing_pending;").unwrap();
    println!("\nready");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_program_that_holds_the_database_is_named_and_nothing_else() {
    let home = Home::new(28_103).with_database();
    assert!(home.says("state-database-locked").is_empty());
    if std::fs::read("/proc/locks").is_err() {
        println!("skipped: /proc/locks can't be read here");
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["other_process_writer", "--exact", "--nocapture", "--test-threads=1"]);
    command.env("HOST_CHECKS_WRITE", home.state().join("state/openclaw.sqlite")).stdout(Stdio::piped());
    let mut writer = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(writer.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    let found = home.says("state-database-locked");
    assert_eq!(found.first().map(|finding| finding.code.as_str()), Some("database-locked"), "{found:?}");
    assert!(found[0].message.contains(&format!("process {} (", writer.0.id())), "{:?}", found[0]);
    drop(writer);
    assert!(home.says("state-database-locked").is_empty(), "over with the process");
}
