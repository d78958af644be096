//! Installations made for tests: a small tree in a temporary directory, collected as a mounted root is.

use super::{Check, Context};
use crate::collect::run::{Request, collect};
use crate::collect::source::LiveSource;
use crate::model::plan::Plan;
use crate::model::{Fact, Finding, HostPath, Product, SecretVault, Unknown, UnknownKind};
use crate::snapshot::Snapshot;
use crate::snapshot::installation::Installation;
use crate::snapshot::process::{ProcessFact, ProcessRole};
use crate::snapshot::service::Recognition;
use rusqlite::Connection;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One made installation below a root of its own.
pub(crate) struct Lab {
    root: tempfile::TempDir,
    release: Option<String>,
}

impl Lab {
    /// An installation of a release (`None`: no sign of one) with a configuration and nothing else.
    pub(crate) fn new(release: Option<&str>) -> Self {
        let lab = Self { root: tempfile::tempdir().unwrap(), release: release.map(str::to_owned) };
        let uid = rustix::process::geteuid().as_raw();
        lab.host_file("etc/passwd", &format!("claw:x:{uid}:{uid}::/home/claw:/bin/sh\n"));
        lab.file("openclaw.json", r#"{ "gateway": { "mode": "local" } }"#)
    }

    /// The same with the state database of a real 2026.9.6 gateway (4 paired devices).
    pub(crate) fn sqlite(release: Option<&str>) -> Self {
        let lab = Self::new(release);
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/statedb/2026.9.6-F11-raw-probes.tar.gz");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive).unwrap()));
        archive.set_preserve_ownerships(false);
        fs::create_dir_all(lab.path("state")).unwrap();
        archive.unpack(lab.path("state")).unwrap();
        lab
    }

    /// A path below the state directory, as the test sees it.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join("home/claw/.openclaw").join(relative)
    }

    fn host_file(&self, relative: &str, text: &str) {
        let path = self.root.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts a file into the state directory.
    pub(crate) fn file(self, relative: &str, text: &str) -> Self {
        self.host_file(&format!("home/claw/.openclaw/{relative}"), text);
        self
    }

    /// Puts lines of the gateway's own logger, as of now, into its log of today.
    pub(crate) fn log(self, messages: &[&str]) -> Self {
        let now = jiff::Timestamp::now();
        let line = |message: &&str| {
            let subsystem = r#"{"subsystem":"gateway/ws"}"#;
            let meta = serde_json::json!({ "date": now.to_string(), "logLevelName": "WARN", "name": subsystem });
            serde_json::json!({ "0": subsystem, "1": message, "_meta": meta, "time": now.to_string() }).to_string()
                + "\n"
        };
        let text: String = messages.iter().map(line).collect();
        self.host_file(&format!("tmp/openclaw/openclaw-{}.log", now.strftime("%Y-%m-%d")), &text);
        self
    }

    /// Changes the database through SQLite and closes it, so that the log is written back.
    pub(crate) fn sql(self, sql: &str) -> Self {
        let db = Connection::open(self.path("state/openclaw.sqlite")).unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        self
    }

    /// Everything that is known of it.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let source = LiveSource::below(self.root.path()).unwrap();
        let request = Request {
            home: Some(PathBuf::from("/home/claw")),
            user: Some("claw".to_owned()),
            release: self.release.as_ref().map(|release| release.parse().unwrap()),
            timeout: Duration::from_secs(60),
            needs: super::CHECKS.iter().flat_map(|check| check.needs().iter().copied()).collect(),
            ..Request::default()
        };
        collect(&source, &request, &mut SecretVault::default()).unwrap()
    }
}

/// The installation of a made snapshot, to change facts that only a live host has.
pub(crate) fn installation(snapshot: &mut Snapshot) -> &mut Installation {
    snapshot.installations.first_mut().unwrap()
}

/// What a check finds.
pub(crate) fn detect(check: &dyn Check, snapshot: &Snapshot) -> Result<Vec<Finding>, Unknown> {
    check.detect(&Context { snapshot, installation: snapshot.selected().unwrap() })
}

/// The codes of what a check finds, in order.
pub(crate) fn codes(check: &dyn Check, snapshot: &Snapshot) -> Vec<String> {
    detect(check, snapshot).unwrap().into_iter().map(|finding| finding.code).collect()
}

/// What a check proposes for the first of its findings with a code.
pub(crate) fn plan(check: &dyn Check, snapshot: &Snapshot, code: &str) -> Option<Plan> {
    let context = Context { snapshot, installation: snapshot.selected().unwrap() };
    let found = check.detect(&context).unwrap();
    check.plan(&context, found.iter().find(|finding| finding.code == code).unwrap())
}

/// A gateway of the lab's account that listens, which only a live host has; everything else about it was not asked for.
pub(crate) fn gateway_since(started: jiff::Timestamp, state_dir: &HostPath) -> ProcessFact {
    fn unasked<T>() -> Fact<T> {
        Fact::unknown(UnknownKind::NotCollected, "not asked for")
    }
    ProcessFact {
        pid: 4711,
        ppid: 1,
        uid: rustix::process::geteuid().as_raw(),
        euid: rustix::process::geteuid().as_raw(),
        start_ticks: 1,
        started: Fact::Known(started),
        role: ProcessRole::Gateway,
        recognised_by: Recognition::Title,
        product: Some(Product::Openclaw),
        comm: "openclaw-gatewa".to_owned(),
        argv: vec!["openclaw-gateway".to_owned()],
        exe: unasked(),
        exe_deleted: false,
        cwd: unasked(),
        root: unasked(),
        cgroup: unasked(),
        network: unasked(),
        mounts: unasked(),
        pids: unasked(),
        environment: unasked(),
        open_files: unasked(),
        open_files_limit: unasked(),
        package: unasked(),
        deleted_files: unasked(),
        ports: Fact::Known(vec![18_789]),
        databases: Fact::Known(vec![HostPath::from(format!("{state_dir}/state/openclaw.sqlite").as_str())]),
        zombie: false,
        stopped: false,
    }
}
