//! Lays captured cases out as host roots and runs the binary on them.

#![allow(dead_code)] // each test binary uses a part

pub mod coverage;
pub mod home;
pub mod synthetic;

use serde_json::Value;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The fixtures' folder.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// One captured case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Folder name: release and fault.
    pub name: String,
    /// Folder.
    pub folder: PathBuf,
    /// `truth.json`
    pub truth: Value,
}

impl Case {
    /// Every captured case, sorted by name.
    pub fn all() -> Vec<Case> {
        let mut cases: Vec<Case> = std::fs::read_dir(fixtures().join("cases"))
            .expect("fixtures/cases")
            .map(|entry| entry.expect("entry").path())
            .filter(|path| path.join("truth.json").exists())
            .map(|folder| {
                let truth = serde_json::from_str(&std::fs::read_to_string(folder.join("truth.json")).expect("truth"));
                let name = folder.file_name().expect("name").to_string_lossy().into_owned();
                Case { name, truth: truth.expect("truth.json is JSON"), folder }
            })
            .collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        cases
    }

    /// One case by its folder name.
    pub fn named(name: &str) -> Case {
        Case::all().into_iter().find(|case| case.name == name).expect(name)
    }

    pub fn text(&self, key: &str) -> &str {
        self.truth[key].as_str().unwrap_or_default()
    }

    /// Accepted causes, best first; empty where nothing locks anybody out.
    pub fn causes(&self) -> Vec<String> {
        let causes = self.truth["cause"].as_array().cloned().unwrap_or_default();
        causes.iter().filter_map(|cause| cause.as_str().map(str::to_owned)).collect()
    }

    pub fn offline(&self) -> bool {
        self.truth["offline"].as_bool().unwrap_or(false)
    }

    /// Absolute paths of the subjects.
    pub fn subjects(&self) -> Vec<String> {
        let subjects = self.truth["subjects"].as_array().cloned().unwrap_or_default();
        let home = self.text("home");
        subjects
            .iter()
            .filter_map(|subject| subject.as_str())
            .map(|subject| {
                let subject = subject.split('#').next().unwrap_or(subject);
                let subject = subject.replace("openclaw-UID", &format!("openclaw-{}", self.truth["uid"]));
                match subject.strip_prefix("~/") {
                    Some(rest) => format!("{home}/{rest}"),
                    None => match subject.strip_prefix("../") {
                        Some(rest) => format!("{home}/{rest}"),
                        None => format!("{home}/.openclaw/{subject}"),
                    },
                }
            })
            .collect()
    }

    fn archive(&self, after: bool) -> Option<Vec<u8>> {
        let name = if after { "state-after.tar.gz" } else { "state.tar.gz" };
        let file = File::open(self.folder.join(name)).ok()?;
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("gzip");
        Some(bytes)
    }

    /// The captured files with their contents.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let bytes = self.archive(false).expect("state");
        let mut archive = tar::Archive::new(Cursor::new(bytes));
        let entries = archive.entries().expect("entries");
        entries
            .map(|entry| {
                let mut entry = entry.expect("entry");
                let mut body = Vec::new();
                entry.read_to_end(&mut body).expect("body");
                (entry.path().expect("path").to_string_lossy().into_owned(), body)
            })
            .collect()
    }

    /// Whether the state after contact was captured.
    pub fn has_after(&self) -> bool {
        self.folder.join("state-after.tar.gz").exists()
    }

    /// Writes the case as a tar archive that stands for a host: home, accounts, log. Owners come from the captured
    /// archive's headers, so that no privilege is needed.
    pub fn root_archive(&self, after: bool, to: &Path) {
        let (user, home) = (self.text("user"), self.text("home"));
        let uid = self.truth["uid"].as_u64().expect("uid");
        let mut out = tar::Builder::new(File::create(to).expect("archive"));
        out.mode(tar::HeaderMode::Complete);
        add_directory(&mut out, "etc", 0o755, 0);
        add_directory(&mut out, "root", 0o700, 0);
        add_directory(&mut out, "tmp", 0o1777, 0);
        let passwd = format!("root:x:0:0:root:/root:/bin/bash\n{user}:x:{uid}:{uid}::{home}:/bin/bash\n");
        add_file(&mut out, "etc/passwd", passwd.as_bytes(), 0o644, 0, 0);
        add_file(&mut out, "etc/group", format!("root:x:0:\n{user}:x:{uid}:\n").as_bytes(), 0o644, 0, 0);
        let home = home.trim_start_matches('/');
        add_directory(&mut out, home, 0o755, uid);
        let bytes = self.archive(after).or_else(|| self.archive(false)).expect("state");
        let mut captured = tar::Archive::new(Cursor::new(bytes));
        for entry in captured.entries().expect("entries") {
            let mut entry = entry.expect("entry");
            let path = entry.path().expect("path").into_owned();
            let path = path.strip_prefix("./").unwrap_or(&path).to_path_buf();
            let mut header = entry.header().clone();
            let target = match path.strip_prefix(".openclaw/lab-units") {
                Ok(unit) => {
                    header.set_uid(uid);
                    header.set_gid(uid);
                    Path::new(home).join(".config/systemd/user").join(unit)
                }
                Err(_) => Path::new(home).join(&path),
            };
            let mut body = Vec::new();
            entry.read_to_end(&mut body).expect("body");
            if let Some(link) = entry.link_name().expect("link") {
                out.append_link(&mut header, target, link).expect("link");
            } else {
                out.append_data(&mut header, target, body.as_slice()).expect("append");
            }
        }
        let log = std::fs::read(self.folder.join("gateway.jsonl")).unwrap_or_default();
        let day = day_of(&log);
        let directory = self.text("log_dir").trim_start_matches('/').to_owned();
        add_directory(&mut out, &directory, 0o700, uid);
        let mtime = entry_time(&log);
        add_file(&mut out, &format!("{directory}/openclaw-{day}.log"), &log, 0o600, uid, mtime);
        out.into_inner().expect("finished");
    }

    /// Lays the case out as a directory that stands for a host. Owners are kept where root does it.
    pub fn lay_out(&self, top: &Path) {
        let folder = tempfile::tempdir().expect("tempdir");
        let archive = folder.path().join("case.tar");
        self.root_archive(false, &archive);
        std::fs::create_dir_all(top).expect("root");
        let status = Command::new("tar")
            .args(["--numeric-owner", "-xpf"])
            .arg(&archive)
            .arg("-C")
            .arg(top)
            .status()
            .expect("tar runs");
        assert!(status.success());
    }

    /// The options that go with the case.
    pub fn options(&self, root: &Path) -> Vec<String> {
        let pairs = [
            ("--root", root.to_string_lossy().into_owned()),
            ("--home", self.text("home").to_owned()),
            ("--user", self.text("user").to_owned()),
            ("--openclaw-version", self.text("release").to_owned()),
        ];
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}

fn day_of(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log);
    let at = text.find("\"date\":\"20").map(|at| at + 8);
    at.and_then(|at| text.get(at..at + 10)).unwrap_or("2026-11-22").to_owned()
}

/// The newest time that the log's records name, as seconds since the epoch.
fn entry_time(log: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(log);
    let newest = text.rmatches("\"date\":\"").next().and_then(|_| {
        let at = text.rfind("\"date\":\"")? + 8;
        text.get(at..)?.split('"').next()?.parse::<jiff::Timestamp>().ok()
    });
    newest.map_or(0, |time| u64::try_from(time.as_second()).unwrap_or(0))
}

fn add_directory(out: &mut tar::Builder<File>, path: &str, mode: u32, uid: u64) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(mode);
    header.set_uid(uid);
    header.set_gid(uid);
    header.set_size(0);
    out.append_data(&mut header, format!("{path}/"), std::io::empty()).expect("directory");
}

fn add_file(out: &mut tar::Builder<File>, path: &str, body: &[u8], mode: u32, uid: u64, mtime: u64) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(mode);
    header.set_uid(uid);
    header.set_gid(uid);
    header.set_mtime(mtime);
    header.set_size(body.len() as u64);
    out.append_data(&mut header, path, body).expect("file");
}

/// Says why a test does not look at something. In `.ci/run` every tool is there, so that nothing may be skipped.
pub fn skipped(why: &str) {
    println!("skipped: {why}");
    assert!(std::env::var_os("OPENCLAW_DOCTOR_REQUIRE_TOOLS").is_none(), "{why}, and this run requires every tool");
}

/// Runs the binary with a clean environment.
pub fn doctor(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .output()
        .expect("the binary runs")
}

/// Runs the binary and parses its JSON.
pub fn doctor_json(arguments: &[String]) -> Value {
    let output = doctor(arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{arguments:?}: {error}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}
