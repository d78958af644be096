//! The gateway's account attacks while root fixes and undoes: it swaps components for links and hard links as fast as it
//! can, forges journals, and finds look-alikes mounted over its state. Nothing outside the state may change.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/fix_driver.rs"]
mod driver;
#[path = "support/fix_scenarios.rs"]
mod scenarios;

use openclaw_doctor::fix::engine::{Engine, Fate, Standing};
use rustix::fs::{CWD, RenameFlags};
use scenarios::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ATTACK: &str = "OPENCLAW_DOCTOR_TEST_ATTACK";
/// What is swapped for what, below the home.
const ATTACKS: &[&str] = &["dir-link", "file-link", "file-hard-link", "state-link", "dir-dir", "temporary"];
/// Rounds per attack and kind in a normal run.
const ROUNDS: usize = 5;
/// Rounds of one attack and kind in a row.
const TURN: usize = 2;

#[test]
#[ignore = "started by the other tests as a process of its own"]
fn driver() {
    driver::run();
}

#[test]
#[ignore = "started by the other tests as a process of its own"]
fn attacker() {
    if let Ok(attack) = std::env::var(ATTACK) {
        // It ends with the test that started it, even while it is held still.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
        let (kind, root) = attack.split_once(':').unwrap();
        loop {
            swap(kind, &Path::new(root).join("home/claw"));
        }
    }
}

#[test]
fn nothing_outside_changes_while_the_account_swaps_components() {
    attack(ROUNDS, Duration::MAX, &std::env::temp_dir());
}

/// `cargo test --test fix_adversary -- --ignored thousands_of_rounds --exact --nocapture`: as many rounds as fit in 80 s
/// on the disk, then on a tmpfs; `OPENCLAW_DOCTOR_TEST_SECONDS` for another time.
#[test]
#[ignore = "takes minutes: thousands of rounds, on the disk and on a tmpfs"]
fn thousands_of_rounds() {
    let seconds = std::env::var("OPENCLAW_DOCTOR_TEST_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(80);
    let mut all = 0;
    for place in [std::env::temp_dir(), PathBuf::from("/dev/shm")] {
        let rounds = attack(usize::MAX, Duration::from_secs(seconds), &place);
        println!("{rounds} rounds in {}", place.display());
        all += rounds;
    }
    println!("{all} rounds, and nothing outside changed");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// One move of the attacker. Errors are part of the race.
fn swap(kind: &str, home: &Path) {
    let state = home.join(".openclaw");
    let exchange = |a: &Path, b: &Path| {
        let _ = rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE);
    };
    let aside = home.join("aside");
    match kind {
        // A directory for a link to one outside, by a relative and by an absolute way.
        "dir-link" => {
            let _ = symlink("../../outside", &aside);
            exchange(&state.join("devices"), &aside);
        }
        "file-link" => {
            let _ = symlink("../../../outside/paired.json", &aside);
            exchange(&state.join("devices/paired.json"), &aside);
        }
        // The victim is a file that everybody may write, which the kernel lets everybody link.
        "file-hard-link" => {
            let _ = fs::hard_link(home.join("../../outside/shared.json"), &aside);
            exchange(&state.join("devices/paired.json"), &aside);
        }
        "state-link" => {
            let _ = symlink("/outside", &aside);
            exchange(&state, &aside);
        }
        "dir-dir" => {
            let _ = fs::create_dir(&aside);
            let _ = symlink("/outside/paired.json", aside.join("paired.json"));
            exchange(&state.join("devices"), &aside);
        }
        // Whatever temporary file the doctor makes is replaced by a link.
        "temporary" => {
            let _ = symlink("/outside/paired.json", &aside);
            for dir in ["", "devices"] {
                let Ok(entries) = fs::read_dir(state.join(dir)) else { continue };
                for entry in entries.flatten() {
                    if entry.file_name().to_string_lossy().starts_with(".openclaw-doctor") {
                        exchange(&entry.path(), &aside);
                    }
                }
            }
        }
        other => panic!("no attack {other}"),
    }
}

/// Files that belong to root, at the names that the state has.
fn make_outside(root: &Path) {
    let outside = root.join("outside");
    fs::create_dir_all(&outside).unwrap();
    for (name, mode) in
        [("paired.json", 0o600), ("openclaw.json", 0o600), ("shared.json", 0o666), ("paired.json.0000.tmp", 0o600)]
    {
        fs::write(outside.join(name), format!("root's own {name}")).unwrap();
        fs::set_permissions(outside.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Everything but the state, with the number of names left out: the attacker may link what everybody may write.
fn outside(root: &Path) -> BTreeMap<PathBuf, Picture> {
    picture(root).into_iter().filter(|(path, _)| !path.starts_with("home")).collect()
}

struct Attacker(Child);

impl Attacker {
    /// Starts the account's process; `None` where the account cannot reach this program.
    fn start(kind: &str, root: &Path) -> Option<Self> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["attacker", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(ATTACK, format!("{kind}:{}", root.display())).uid(UID).gid(UID);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        Some(Self(child))
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Holds the attacker still, so that the test itself can work in the tree.
    fn hold(&self) {
        self.signal(rustix::process::Signal::STOP);
        let stat = format!("/proc/{}/stat", self.0.id());
        loop {
            let text = fs::read_to_string(&stat).unwrap();
            match text.rsplit(')').next().unwrap().trim_start().chars().next() {
                Some('T') => return,
                Some('Z' | 'X') | None => panic!("the attacker ended; something else killed it"),
                Some(_) => std::thread::yield_now(),
            }
        }
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Rounds of every attack against every kind of plan, as many as asked for or as fit into the time. Returns how many.
fn attack(rounds: usize, time: Duration, place: &Path) -> usize {
    if !is_root() {
        println!("skipped: needs root to act for another account");
        return 0;
    }
    let begun = Instant::now();
    let mut fates: BTreeMap<&str, usize> = BTreeMap::new();
    // A few rounds of each attack in turn, so that a short time still meets all of them.
    let turns = rounds.div_ceil(TURN);
    for turn in 0..turns {
        for attack in ATTACKS {
            let root = tempfile::tempdir_in(place).unwrap();
            fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
            make_outside(root.path());
            let Some(attacker) = Attacker::start(attack, root.path()) else {
                println!("skipped: account {UID} cannot run this program");
                return 0;
            };
            for kind in ["chown-tree", "chown", "mixed", "replace", "remove", "edit-config", "set-aside"] {
                for _ in 0..TURN.min(rounds) {
                    *fates.entry(one_round(&attacker, attack, kind, root.path())).or_default() += 1;
                }
            }
        }
        if turn > 0 && begun.elapsed() > time {
            break;
        }
    }
    println!("rounds by outcome: {fates:?}");
    let all = fates.values().sum::<usize>();
    assert!(all > 0);
    all
}

fn one_round(attacker: &Attacker, attack: &str, kind: &str, root: &Path) -> &'static str {
    attacker.hold();
    let _ = fs::remove_dir_all(root.join("home"));
    set_up(root, kind, UID);
    // A home of others' making is the attacker's own: everything above the state belongs to it.
    let before = outside(root);
    attacker.signal(rustix::process::Signal::CONT);
    let host = TestHost::new(root, UID);
    let engine = Engine::new(&host).unwrap();
    let prepared = engine.prepare(vec![plan_for(kind, UID)]);
    let mut fate = "refused while planning";
    if prepared[0].standing == Standing::Ready {
        let vault = engine.vault().unwrap();
        let applied = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap();
        fate = match applied.fates.first() {
            Some(Some(Fate::Applied)) => "applied",
            Some(Some(Fate::Stuck(..))) => "stuck",
            _ => "stopped while applying",
        };
        if let Ok(undo) = engine.prepare_undo(&vault, &applied.id)
            && engine.undo(&undo, &vault, jiff::Timestamp::now()).is_ok()
            && fate == "applied"
        {
            fate = "applied and undone";
        }
    }
    attacker.hold();
    assert_eq!(changed(&before, &outside(root)), Vec::<PathBuf>::new(), "{attack} against {kind}: {fate}");
    attacker.signal(rustix::process::Signal::CONT);
    fate
}

#[test]
fn what_is_mounted_over_the_state_is_not_touched() {
    if !is_root() {
        println!("skipped: needs root to mount");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    set_up(root.path(), "chown-tree", UID);
    make_outside(root.path());
    let over = real(root.path(), "devices");
    let before = outside(root.path());
    let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let mut command = Command::new("unshare");
    let driven = driver::command("chown-tree", root.path(), UID);
    command.args(["-m", "--propagation", "private", "sh", "-c", script, "sh"]);
    command.arg(root.path().join("outside")).arg(&over).arg(driven.get_program()).args(driven.get_args());
    command.envs(driven.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    assert_eq!(driver::finish(&output).0, Some(0), "{}", driver::finish(&output).1);
    assert_eq!(changed(&before, &outside(root.path())), Vec::<PathBuf>::new());
    let under = picture(root.path());
    assert_eq!(under[Path::new("home/claw/.openclaw/openclaw.json")].owner.0, UID);
    assert_eq!(under[Path::new("home/claw/.openclaw/devices/paired.json")].owner.0, 0, "hidden by the mount");
}

#[test]
fn hard_links_devices_and_fifos_are_left_alone_and_named() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    set_up(root.path(), "chown-tree", UID);
    make_outside(root.path());
    fs::hard_link(root.path().join("outside/shared.json"), real(root.path(), "linked.json")).unwrap();
    let fifo = real(root.path(), "fifo");
    rustix::fs::mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    symlink("/outside/paired.json", real(root.path(), "link")).unwrap();
    let set_id = real(root.path(), "tool");
    fs::write(&set_id, "#!").unwrap();
    fs::set_permissions(&set_id, fs::Permissions::from_mode(0o6755)).unwrap();
    let host = TestHost::new(root.path(), UID);
    let engine = Engine::new(&host).unwrap();
    let prepared = engine.prepare(vec![plan_for("chown-tree", UID)]);
    let left = prepared[0].steps[0].shown.notes.join("\n");
    assert!(left.contains("linked.json has 2 names") && left.contains("fifo is a FIFO"), "{left}");
    let before = outside(root.path());
    let vault = engine.vault().unwrap();
    let applied = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!(applied.fates, [Some(Fate::Applied)]);
    assert_eq!(changed(&before, &outside(root.path())), Vec::<PathBuf>::new());
    let now = picture(root.path());
    let at = |path: &str| &now[&Path::new("home/claw/.openclaw").join(path)];
    assert_eq!((at("linked.json").owner.0, at("fifo").owner.0, at("link").owner.0), (0, 0, UID));
    assert_eq!((at("tool").owner.0, at("tool").mode & 0o7777), (UID, 0o755), "set-id bits go");
    let undo = engine.prepare_undo(&vault, &applied.id).unwrap();
    engine.undo(&undo, &vault, jiff::Timestamp::now()).unwrap();
    let mode = picture(root.path())[Path::new("home/claw/.openclaw/tool")].mode;
    assert_eq!(mode & 0o6000, 0, "and never come back");
}

#[test]
fn forged_journals_are_not_believed() {
    if !is_root() {
        println!("skipped: needs root to act for another account");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    set_up(root.path(), "replace", UID);
    make_outside(root.path());
    let output = driver::command("replace", root.path(), UID).output().unwrap();
    assert_eq!(driver::finish(&output).0, Some(0), "{}", driver::finish(&output).1);
    let vault = root.path().join("var/lib/openclaw-doctor");
    let transaction = fs::read_dir(&vault).unwrap().flatten().find(|entry| entry.file_name() != "lock").unwrap().path();
    let journal = transaction.join("journal.jsonl");
    let original = fs::read_to_string(&journal).unwrap();
    let before = outside(root.path());
    let state = picture(root.path());
    let undo = |why: &str| {
        let output = driver::command("undo", root.path(), UID).output().unwrap();
        assert_ne!(driver::finish(&output).0, Some(0), "{why}");
        assert_eq!(changed(&before, &outside(root.path())), Vec::<PathBuf>::new(), "{why}");
        // A temporary file that was made and cleared away moves its directory's time, and nothing else.
        let touched = changed(&state, &picture(root.path()));
        assert!(touched.iter().all(|path| path.ends_with("devices")), "{why}: {touched:?}");
    };

    // Places that the account could have written.
    chown(&journal, Some(UID), Some(UID)).unwrap();
    undo("the journal belongs to the account");
    chown(&journal, Some(0), Some(0)).unwrap();
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o660)).unwrap();
    undo("the journal is open to its group");
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&journal, transaction.join("other")).unwrap();
    symlink("other", &journal).unwrap();
    undo("the journal is a link");
    fs::remove_file(&journal).unwrap();
    fs::rename(transaction.join("other"), &journal).unwrap();

    // Contents that no doctor writes. Even with root's own name on them the guards hold.
    let forge = |from: &str, to: &str, why: &str| {
        assert!(original.contains(from), "{from}");
        fs::write(&journal, original.replace(from, to)).unwrap();
        undo(why);
        fs::write(&journal, &original).unwrap();
    };
    let path = "/home/claw/.openclaw/devices/paired.json";
    forge(path, "/outside/paired.json", "a path outside of the bases");
    forge(path, "/home/claw/.openclaw/../../../outside/paired.json", "a path with dots");
    forge("\"blob\":\"000001\"", "\"blob\":\"../../x\"", "a backup elsewhere");
    forge("\"v\":1", "\"v\":99", "another form");
    let deep = format!("{original}{}{}\n", "[".repeat(200_000), "]".repeat(200_000));
    fs::write(&journal, deep).unwrap();
    undo("deep nesting");
    fs::write(&journal, &original).unwrap();

    // A backup that was changed does not come back.
    let blob = transaction.join("backups/000001");
    let kept = fs::read(&blob).unwrap();
    fs::write(&blob, b"other").unwrap();
    undo("a changed backup");
    fs::write(&blob, &kept).unwrap();
    let output = driver::command("undo", root.path(), UID).output().unwrap();
    assert_eq!(driver::finish(&output).0, Some(0), "the untouched journal works: {}", driver::finish(&output).1);
}

#[test]
fn the_accounts_own_journal_gives_nobody_more_rights() {
    if !is_root() {
        println!("skipped: needs root to act for another account");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    set_up(root.path(), "replace", UID);
    make_outside(root.path());
    let as_account = |task: &str| driver::command(task, root.path(), UID).uid(UID).gid(UID).output();
    let Ok(output) = as_account("replace") else {
        println!("skipped: account {UID} cannot run this program");
        return;
    };
    if driver::finish(&output).0 != Some(0) {
        println!("skipped: account {UID} cannot run this program: {}", driver::finish(&output).1);
        return;
    }
    let vault = root.path().join("home/claw/.local/state/openclaw-doctor");
    let transaction = fs::read_dir(&vault).unwrap().flatten().find(|entry| entry.file_name() != "lock").unwrap().path();
    // Root does not even look there.
    let output = driver::command("undo", root.path(), UID).output().unwrap();
    assert_eq!(driver::finish(&output).0, Some(15), "{}", driver::finish(&output).1);
    // The account can forge its own journal, and gets what it could do anyway.
    let journal = transaction.join("journal.jsonl");
    let forged =
        fs::read_to_string(&journal).unwrap().replace("/home/claw/.openclaw", "/outside").replace("devices/", "");
    fs::write(&journal, forged).unwrap();
    let before = outside(root.path());
    let output = as_account("undo").unwrap();
    assert_ne!(driver::finish(&output).0, Some(0));
    assert_eq!(changed(&before, &outside(root.path())), Vec::<PathBuf>::new());
}
