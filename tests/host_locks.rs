//! Locks are matched to configurations by their hash, and to processes by start time.

use openclaw_doctor::collect::locks::{LockInputs, collect};
use openclaw_doctor::collect::source::LiveSource;
use openclaw_doctor::model::{Fact, HostPath, UnknownKind};
use openclaw_doctor::snapshot::lock::{Lock, LockFacts, LockKind, LockProcess};
use std::path::{Path, PathBuf};

const STATE: &str = "/home/claw9/.openclaw";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path.trim_start_matches('/'));
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
    std::fs::write(path, text).expect("writes");
}

fn lock<'a>(facts: &'a LockFacts, path: &str) -> &'a Lock {
    let wanted = HostPath::from(path);
    facts.locks.iter().find(|lock| lock.path == wanted).unwrap_or_else(|| panic!("{path} in {facts:#?}"))
}

/// The files of a captured 2026.9.6 home (pid and times as there), beside what 2026.2.19 leaves in `/tmp`.
#[test]
fn locks_of_both_generations_are_read_from_an_image() {
    let root = tempfile::tempdir().expect("a directory");
    let root = root.path();
    let text = format!(
        "{{\n  \"pid\": 1694,\n  \"ownerId\": \"dfa03032\",\n  \"createdAt\": \"2026-11-22T14:21:45.202Z\",\n  \
         \"configPath\": \"{STATE}/openclaw.json\",\n  \"stateDir\": \"{STATE}\",\n  \"port\": 20000,\n  \
         \"startTime\": 278498\n}}\n\t\t \t\n"
    );
    let directory = format!("{STATE}/tmp/openclaw-1002");
    write(root, &format!("{directory}/gateway.76cfe15b.lock"), &text);
    write(root, &format!("{directory}/gateway.76cfe15b.lock.sqlite"), "");
    write(root, &format!("{directory}/gateway.state.lock"), &text);
    std::fs::create_dir_all(root.join(format!("{directory}/gateway.state.lock.reclaim").trim_start_matches('/')))
        .expect("makes");
    write(
        root,
        "/tmp/openclaw-4711/gateway.3d3394ea.lock",
        r#"{"pid":16419,"createdAt":"2026-11-22T17:13:02.874Z","startTime":364903}"#,
    );
    write(root, "/tmp/openclaw-4711/gateway.00000000.lock", "");
    write(root, "/tmp/openclaw/openclaw-2026-11-22.log", "");
    write(root, &format!("{STATE}/openclaw.json"), "{}");
    std::fs::create_dir_all(root.join(format!("{STATE}/openclaw.json.clobber.lock").trim_start_matches('/')))
        .expect("makes");
    let source = LiveSource::below(root).expect("opens");
    let configs: Vec<PathBuf> =
        vec![format!("{STATE}/openclaw.json").into(), "/home/hostlab/.openclaw/openclaw.json".into()];
    let inputs = LockInputs { state_dirs: &[STATE.into()], config_paths: &configs, temp_dirs: &["/tmp".into()] };
    let facts = collect(&source, &inputs);
    let new = lock(&facts, &format!("{directory}/gateway.76cfe15b.lock"));
    assert_eq!((new.kind, new.config.clone()), (LockKind::Config, Some(HostPath::from(configs[0].as_path()))));
    assert_eq!(new.owner.known().map(|owner| (owner.pid, owner.port)), Some((Some(1694), Some(20000))));
    assert_eq!(new.process.why_unknown().map(|why| why.kind), Some(UnknownKind::OfflineRoot));
    assert_eq!(lock(&facts, &format!("{directory}/gateway.state.lock")).kind, LockKind::State);
    assert_eq!(lock(&facts, &format!("{directory}/gateway.state.lock.reclaim")).kind, LockKind::Reclaim);
    assert_eq!(lock(&facts, &format!("{STATE}/openclaw.json.clobber.lock")).kind, LockKind::Clobber);
    let old = lock(&facts, "/tmp/openclaw-4711/gateway.3d3394ea.lock");
    assert_eq!(old.config, Some(HostPath::from(configs[1].as_path())), "by SHA-1, the lock itself names none");
    let empty = lock(&facts, "/tmp/openclaw-4711/gateway.00000000.lock");
    assert_eq!(
        (empty.config.clone(), empty.owner.why_unknown().map(|why| why.kind)),
        (None, Some(UnknownKind::Malformed))
    );
    let in_state: Vec<_> =
        facts.directories.iter().map(|directory| (directory.in_state, directory.uid_in_name)).collect();
    assert_eq!(in_state, [(false, Some(4711)), (true, Some(1002))]);
    let temporary: Vec<_> = facts.temp_directories.iter().map(|directory| directory.uid_in_name).collect();
    assert_eq!(temporary, [None, Some(4711)]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_pid_counts_only_with_its_start_time() {
    let temp = tempfile::tempdir().expect("a directory");
    let pid = std::process::id();
    let stat = procfs::process::Process::myself().and_then(|process| process.stat()).expect("reads");
    let text = |pid: u32, start: Option<u64>| {
        let start = start.map_or(String::new(), |start| format!(",\"startTime\":{start}"));
        format!("{{\"pid\":{pid},\"createdAt\":\"2026-11-22T17:13:02.874Z\"{start}}}")
    };
    for (name, text) in [
        ("alive", text(pid, Some(stat.starttime))),
        ("reused", text(pid, Some(stat.starttime + 1))),
        ("unproven", text(pid, None)),
        ("gone", text(0x003f_fff0, Some(5))),
    ] {
        write(temp.path(), &format!("openclaw-1/gateway.{name}.lock"), &text);
    }
    let source = LiveSource::host().expect("opens");
    let inputs = LockInputs { state_dirs: &[], config_paths: &[], temp_dirs: &[temp.path().to_path_buf()] };
    let facts = collect(&source, &inputs);
    let process = |name: &str| {
        let path = temp.path().join(format!("openclaw-1/gateway.{name}.lock"));
        lock(&facts, &path.to_string_lossy()).process.clone()
    };
    assert!(matches!(process("alive"), Fact::Known(LockProcess::Alive { gateway: false, .. })));
    assert!(matches!(process("reused"), Fact::Known(LockProcess::OtherProcess { .. })));
    assert!(matches!(process("unproven"), Fact::Known(LockProcess::AliveUnproven { gateway: false, .. })));
    assert_eq!(process("gone"), Fact::Known(LockProcess::Gone));
}

#[test]
fn a_link_in_place_of_the_shared_directory_is_not_followed() {
    let root = tempfile::tempdir().expect("a directory");
    write(root.path(), "/elsewhere/gateway.aaaaaaaa.lock", r#"{"pid":1}"#);
    std::fs::create_dir_all(root.path().join("tmp")).expect("makes");
    std::os::unix::fs::symlink("/elsewhere", root.path().join("tmp/openclaw")).expect("links");
    let source = LiveSource::below(root.path()).expect("opens");
    let facts = collect(&source, &LockInputs { state_dirs: &[], config_paths: &[], temp_dirs: &[] });
    assert!(facts.locks.is_empty());
    assert!(!facts.temp_directories[0].usable_by(facts.temp_directories[0].meta.uid));
}
