//! Synthetic homes: one account, a state directory, and what a test puts into it. Collected by the real collectors from
//! an archive that stands for the host, so that owners and modes need no privilege.

use openclaw_doctor::checks::run::{Status, run};
use openclaw_doctor::collect::run::{Request, collect};
use openclaw_doctor::collect::source::ArchiveSource;
use openclaw_doctor::model::plan::Plan;
use openclaw_doctor::model::subject::Subject;
use openclaw_doctor::model::{Finding, SecretVault};
use openclaw_doctor::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::time::Duration;

/// The account's uid; it has the name `claw` and the home `/home/claw`.
pub const UID: u64 = 1001;

/// A home in the making.
#[derive(Debug, Clone, Default)]
pub struct Home {
    files: BTreeMap<String, (Vec<u8>, u32, u64)>,
    release: Option<String>,
}

/// What a check said, with the plan that goes with it.
pub type Said = (Finding, Option<Plan>);

impl Home {
    /// A home whose `openclaw.json` holds this text, judged as this release (empty: unknown).
    pub fn with(release: &str, config: &str) -> Self {
        Self::bare(release).file(".openclaw/openclaw.json", config)
    }

    /// A home with an empty state directory.
    pub fn bare(release: &str) -> Self {
        let release = (!release.is_empty()).then(|| release.to_owned());
        Self { files: BTreeMap::new(), release }
    }

    /// Adds a file below the home, mode 0600.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.file_at(path, text.as_bytes(), 0o600, 1_800_000_000)
    }

    /// Adds a file below the home with its mode and its time in seconds.
    pub fn file_at(mut self, path: &str, bytes: &[u8], mode: u32, mtime: u64) -> Self {
        self.files.insert(path.to_owned(), (bytes.to_vec(), mode, mtime));
        self
    }

    /// Collects it.
    pub fn snapshot(&self) -> Snapshot {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("root.tar");
        let mut out = tar::Builder::new(std::fs::File::create(&path).expect("archive"));
        let passwd = format!("root:x:0:0:root:/root:/bin/sh\nclaw:x:{UID}:{UID}::/home/claw:/bin/sh\n");
        super::add_file(&mut out, "etc/passwd", passwd.as_bytes(), 0o644, 0, 0);
        super::add_directory(&mut out, "home/claw", 0o755, UID);
        super::add_directory(&mut out, "home/claw/.openclaw", 0o700, UID);
        for (name, (bytes, mode, mtime)) in &self.files {
            super::add_file(&mut out, &format!("home/claw/{name}"), bytes, *mode, UID, *mtime);
        }
        out.into_inner().expect("finished");
        let source = ArchiveSource::open(&path).expect("archive opens");
        let request = Request {
            home: Some("/home/claw".into()),
            user: Some("claw".to_owned()),
            release: self.release.as_ref().map(|release| release.parse().expect("a release")),
            timeout: Duration::from_secs(20),
            needs: [Subject::Devices, Subject::Services, Subject::Logs].into_iter().collect(),
            ..Request::default()
        };
        collect(&source, &request, &mut SecretVault::default()).expect("collected")
    }

    /// What the checks of these areas say.
    pub fn judge(&self, areas: &[&str]) -> Vec<Said> {
        judge(&self.snapshot(), areas)
    }
}

/// What the checks of these areas say about a snapshot. A crash fails the test.
pub fn judge(snapshot: &Snapshot, areas: &[&str]) -> Vec<Said> {
    let runs = run(
        snapshot,
        |check| {
            if areas.contains(&check.area().id()) { Ok(()) } else { Err("not asked for".to_owned()) }
        },
    );
    for run in &runs {
        assert_ne!(run.status, Status::Crashed, "{}: {:?}", run.id, run.reason);
    }
    runs.into_iter().flat_map(|run| run.findings).collect()
}

/// `code severity certainty` of each finding, `code severity -` where it locks nobody out; sorted.
pub fn in_short(said: &[Said]) -> Vec<String> {
    let mut lines: Vec<String> = said
        .iter()
        .map(|(finding, _)| {
            let certainty = finding.cause.map_or("-", |_| finding.certainty.word());
            format!("{} {} {certainty}", finding.code, finding.severity.word())
        })
        .collect();
    lines.sort();
    lines
}
