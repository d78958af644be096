//! What a run does to the host, seen from outside: under `strace` it opens nothing for writing, changes nothing, connects
//! to loopback at most, and reads only what docs/reads.md lists.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::Case;

/// Calls that change something, whatever their arguments.
const CHANGES: &[&str] = &[
    "creat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "rmdir",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "truncate",
    "ftruncate",
    "fallocate",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "mount",
    "umount2",
    "bind",
    "listen",
    "flock",
    "kill",
    "tgkill",
    "ptrace",
];

/// Places where the C library asks for account names.
const NAME_SERVICES: &[&str] =
    &["/var/run/nscd/socket", "/run/nscd/socket", "/run/systemd/userdb/", "/var/lib/sss/pipes/"];

struct Call {
    pid: String,
    name: String,
    text: String,
}

impl Call {
    fn failed(&self) -> bool {
        self.text.contains(") = -1 ")
    }

    /// The path of an open: what the kernel gave (`= 3</path>`).
    fn opened(&self) -> Option<PathBuf> {
        let (_, result) = self.text.rsplit_once(") = ")?;
        let path = result.split_once('<')?.1.split_once('>')?.0;
        path.starts_with('/').then(|| PathBuf::from(path))
    }
}

/// Runs a check under strace on a home and gives its calls, without those of the service manager's own client.
fn trace(home: &Path, options: &[&str]) -> Vec<Call> {
    let folder = tempfile::tempdir().expect("tempdir");
    let log = folder.path().join("calls");
    let status = Command::new("strace")
        .args(["-f", "-y", "-qq", "-s", "400", "-e", "trace=%file,%desc,%network,%process,kill,tgkill,ptrace", "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_openclaw-doctor"))
        .args(["check", "--no-config", "--json", "--home"])
        .arg(home)
        .args(options)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home)
        .stdout(Stdio::null())
        .status()
        .expect("strace runs");
    assert!(matches!(status.code(), Some(0 | 1 | 3)), "{status}");
    let text = String::from_utf8_lossy(&std::fs::read(&log).expect("trace")).into_owned();
    let mut others: Vec<String> = Vec::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let Some((name, _)) = rest.split_once('(') else { continue };
        if name == "execve" && (rest.contains("\"/usr/bin/systemctl\"") || rest.contains("\"/bin/systemctl\"")) {
            others.push(pid.to_owned());
        }
        if !others.iter().any(|other| other == pid) {
            calls.push(Call { pid: pid.to_owned(), name: name.to_owned(), text: rest.to_owned() });
        }
    }
    assert!(calls.len() > 200, "too few calls to believe the trace: {}", calls.len());
    calls
}

/// A healthy home of a real release with files beside it that are nobody's business.
fn lay_out(case: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    if Command::new("strace").arg("-V").output().is_err() {
        assert!(std::env::var_os("OPENCLAW_DOCTOR_REQUIRE_TOOLS").is_none(), "strace is missing");
        println!("skipped: strace is missing");
        return None;
    }
    let folder = tempfile::tempdir().expect("tempdir");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("mode");
    let case = Case::named(case);
    case.lay_out(folder.path());
    let home = folder.path().join(case.text("home").trim_start_matches('/'));
    for name in [".ssh/id_ed25519", ".bash_history", ".bashrc", "Documents/letter.txt", ".gnupg/secring.gpg"] {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, "private").expect("file");
    }
    Some((folder, home))
}

/// The first column of docs/reads.md.
fn listed(home: &Path) -> Vec<String> {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reads.md")).expect("docs/reads.md");
    let rows = page.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let names = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let home = home.to_str().expect("UTF-8");
    names.map(|name| name.replace("STATE", &format!("{home}/.openclaw")).replacen("HOME", home, 1)).collect()
}

fn allows(listed: &str, path: &str) -> bool {
    let (listed, below) = match listed.strip_suffix('/') {
        Some(folder) => (folder, true),
        None => (listed, false),
    };
    let mut wanted = listed.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (None, Some(_)) => return below,
            (Some(_), None) => return false,
            (Some(pattern), Some(name)) => match pattern.split_once('*') {
                Some((start, end)) if name.starts_with(start) && name.ends_with(end) => {}
                None if pattern == name => {}
                _ => return false,
            },
        }
    }
}

fn assert_harmless(calls: &[Call]) {
    for call in calls {
        assert!(!CHANGES.contains(&call.name.as_str()), "{} {}", call.pid, call.text);
        if call.name.starts_with("open") {
            for flag in ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"] {
                assert!(!call.text.contains(flag), "{} {}", call.pid, call.text);
            }
        }
        if call.name == "execve" {
            assert!(call.text.contains(env!("CARGO_BIN_EXE_openclaw-doctor")), "{}", call.text);
        }
    }
}

fn dialled(calls: &[Call]) -> Vec<&str> {
    let connects = calls.iter().filter(|call| matches!(call.name.as_str(), "connect" | "sendto" | "sendmsg"));
    connects
        .map(|call| call.text.as_str())
        .filter(|text| !NAME_SERVICES.iter().any(|service| text.contains(service)))
        .filter(|text| text.contains("sa_family"))
        .collect()
}

fn assert_reads_only_what_is_listed(calls: &[Call], home: &Path) {
    let listed = listed(home);
    let binary = Path::new(env!("CARGO_BIN_EXE_openclaw-doctor"));
    for call in calls.iter().filter(|call| call.name.starts_with("open") && !call.failed()) {
        // O_PATH only holds a place: nothing can be read through it.
        let Some(path) = call.opened().filter(|path| !call.text.contains("O_PATH") && path != binary) else { continue };
        let path = path.to_str().expect("UTF-8");
        assert!(listed.iter().any(|entry| allows(entry, path)), "docs/reads.md does not list {path}: {}", call.text);
    }
}

#[test]
fn a_default_run_changes_nothing_and_dials_only_loopback() {
    for case in ["2026.2.19-f01_healthy", "2026.9.6-F1-healthy"] {
        let Some((_folder, home)) = lay_out(case) else { return };
        let calls = trace(&home, &[]);
        assert_harmless(&calls);
        assert_reads_only_what_is_listed(&calls, &home);
        let dialled = dialled(&calls);
        assert!(!dialled.is_empty(), "the default run probes the gateway");
        for text in dialled {
            assert!(text.contains("inet_addr(\"127.") || text.contains("\"::1\""), "{text}");
        }
    }
}

#[test]
fn without_the_probe_nothing_is_dialled() {
    let Some((_folder, home)) = lay_out("2026.9.6-F1-healthy") else { return };
    let calls = trace(&home, &["--no-probe"]);
    assert_harmless(&calls);
    assert_eq!(dialled(&calls), Vec::<&str>::new());
}

#[test]
fn the_state_is_read_without_touching_access_times() {
    let Some((_folder, home)) = lay_out("2026.9.6-F1-healthy") else { return };
    let calls = trace(&home, &["--no-probe"]);
    let state = home.join(".openclaw");
    let read = calls.iter().filter(|call| {
        call.name.starts_with("open")
            && !call.text.contains("O_PATH")
            && call.opened().is_some_and(|path| path.starts_with(&state))
    });
    let read: Vec<&Call> = read.collect();
    assert!(read.len() >= 5, "the state was hardly read: {}", read.len());
    for call in read {
        assert!(call.text.contains("O_NOATIME"), "{}", call.text);
    }
}

#[test]
fn the_list_is_matched_name_by_name() {
    assert!(allows("/tmp/openclaw-*/", "/tmp/openclaw-1000/a.log"));
    assert!(!allows("/tmp/openclaw-*/", "/tmp/other/a.log"));
    assert!(allows("/opt", "/opt") && !allows("/opt", "/opt/x"));
    assert!(!allows("/etc/passwd", "/etc/passwd-"));
}
