//! The fixer is killed at its mutating system calls, one after another, for every kind of plan: afterwards the state is
//! old, new, or brought back by `undo`, and no file is lost or cut short.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/fix_driver.rs"]
mod driver;
#[path = "support/fix_scenarios.rs"]
mod scenarios;

use scenarios::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// System calls that change something; of `openat` only those that create.
const MUTATING: &str = "openat,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,chmod,fchmod,\
                        fchmodat,fchown,fchownat,fsync,fdatasync,ftruncate,fallocate,utimensat,symlinkat,fsetxattr,\
                        fremovexattr,ioctl,flock";

/// Kill points tried per kind of plan and phase in a normal run; `--ignored` tries all.
const SAMPLE: usize = 6;

#[test]
#[ignore = "started by the other tests as a process of its own"]
fn driver() {
    driver::run();
}

#[test]
fn a_fix_that_is_killed_leaves_old_or_new_or_undo() {
    kill_everywhere("apply", SAMPLE);
}

#[test]
fn an_undo_that_is_killed_leaves_old_or_new_or_undo() {
    kill_everywhere("undo", SAMPLE);
}

#[test]
#[ignore = "takes minutes: every kill point"]
fn killed_at_every_single_call() {
    kill_everywhere("apply", usize::MAX);
    kill_everywhere("undo", usize::MAX);
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn uid() -> u32 {
    if is_root() { UID } else { rustix::process::geteuid().as_raw() }
}

fn kill_everywhere(phase: &str, most: usize) {
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let mut all = 0;
    for (kind, needs_root) in KINDS {
        if *needs_root && !is_root() {
            println!("skipped {kind}: needs root");
            continue;
        }
        let points = kill_points(kind, phase);
        let step = points.len().div_ceil(most).max(1);
        let tried: Vec<_> = points.iter().step_by(step).collect();
        for (call, number) in &tried {
            kill_at(kind, phase, call, *number);
        }
        println!("{phase} {kind}: killed at {} of {} mutating calls", tried.len(), points.len());
        all += tried.len();
    }
    println!("{phase}: {all} kill points");
    assert!(all > 0);
}

/// A tree with the fault, and in the phase `undo` with the fix applied.
fn prepared(kind: &str, phase: &str) -> (tempfile::TempDir, BTreeMap<PathBuf, Picture>) {
    let root = tempfile::tempdir().unwrap();
    set_up(root.path(), kind, uid());
    let before = picture(root.path());
    if phase == "undo" {
        let output = driver::command(kind, root.path(), uid()).output().unwrap();
        assert_eq!(driver::finish(&output).0, Some(0), "{kind}: {}", driver::finish(&output).1);
    }
    (root, before)
}

fn task<'a>(kind: &'a str, phase: &'a str) -> &'a str {
    if phase == "undo" { "undo" } else { kind }
}

/// The mutating calls of an undisturbed run: name, and how many of that name came before it in the same process.
fn kill_points(kind: &str, phase: &str) -> Vec<(String, usize)> {
    let (root, _) = prepared(kind, phase);
    let trace = root.path().join("trace");
    let options = ["-e", &format!("trace={MUTATING}"), "-o", trace.to_str().unwrap()];
    let output = driver::traced(&options, task(kind, phase), root.path(), uid()).output().unwrap();
    assert_eq!(driver::finish(&output).0, Some(0), "{kind}: {}", driver::finish(&output).1);
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut points = Vec::new();
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = rest.trim_start().split_once('(') else { continue };
        if name.contains(' ') || name.starts_with(['+', '-', '<']) {
            continue;
        }
        let count = counts.entry((pid.to_owned(), name.to_owned())).or_default();
        *count += 1;
        if name != "openat" || arguments.contains("O_CREAT") {
            points.push((name.to_owned(), *count));
        }
    }
    points.sort();
    points.dedup();
    clear(root.path());
    points
}

fn kill_at(kind: &str, phase: &str, call: &str, number: usize) {
    let (root, before) = prepared(kind, phase);
    let started = picture(root.path());
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let options = ["-e", &format!("trace={call}"), "-e", &inject, "-o", "/dev/null"];
    let output = driver::traced(&options, task(kind, phase), root.path(), uid()).output().unwrap();
    let place = format!("{phase} {kind} at {call} number {number}");
    let said = driver::finish(&output).1;
    nothing_is_lost(kind, &place, root.path(), &before, &started);
    looking_changes_nothing(&place, root.path());

    // At most twice: an interrupted undo is taken back, and then the fix.
    for round in 0..3 {
        let now = picture(root.path());
        if same(&before, &now) && round > 0 {
            break;
        }
        assert!(round < 2, "{place}: differs after two undos: {:?}\n{said}", changed(&before, &now));
        let output = driver::command("undo", root.path(), uid()).output().unwrap();
        let (code, words) = driver::finish(&output);
        let unclear_row = kind == "delete-row" && words.contains("note:");
        if unclear_row {
            assert!([["a"].as_slice(), ["a", "b"].as_slice()].iter().any(|all| rows(root.path()) == *all), "{place}");
            break;
        }
        assert!(
            code == Some(0) || code == Some(15) && same(&before, &now),
            "{place}: undo said {code:?} {words}\n{said}"
        );
    }
    clear(root.path());
}

/// What was cut short is found and shown without touching anything.
fn looking_changes_nothing(place: &str, root: &Path) {
    let before = picture(root);
    let host = TestHost::new(root, uid());
    let engine = openclaw_doctor::fix::engine::Engine::new(&host).unwrap();
    for vault in engine.vaults().unwrap() {
        for id in engine.interrupted(&vault).unwrap() {
            engine.prepare_undo(&vault, &id).unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }
    assert_eq!(changed(&before, &picture(root)), Vec::<PathBuf>::new(), "{place}");
}

/// The same but for the times of directories: a crash can keep the journal from learning them.
fn same(before: &BTreeMap<PathBuf, Picture>, now: &BTreeMap<PathBuf, Picture>) -> bool {
    let is_dir = |path: &PathBuf| before.get(path).is_some_and(|entry| entry.mode & 0o170_000 == 0o040_000);
    changed(before, now).into_iter().all(|path| {
        is_dir(&path)
            && now.get(&path).is_some_and(|now| Picture { mtime: before[&path].mtime, ..now.clone() } == before[&path])
    })
}

/// What is left of the environment file.
const ENV_LEFT: &[u8] = b"# kept\nOTHER=1\n";

fn has_record(content: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(content).is_ok_and(|store| store["a"]["deviceId"] == "a")
}

fn is_config(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    openclaw_doctor::json5::parse(&text, openclaw_doctor::json5::Dialect::Json5).is_ok()
}

/// Right after the kill: every file that was there is there under some name, whole, and every file that is there now has
/// contents that it had before, or those of the fix, or is the doctor's temporary one.
fn nothing_is_lost(
    kind: &str,
    place: &str,
    root: &Path,
    before: &BTreeMap<PathBuf, Picture>,
    started: &BTreeMap<PathBuf, Picture>,
) {
    let now = picture(root);
    let database = |path: &Path| path.to_string_lossy().contains("openclaw.sqlite");
    for (path, entry) in &now {
        let temporary = path.to_string_lossy().contains(".openclaw-doctor-");
        let known = before.values().chain(started.values()).any(|known| known.content == entry.content);
        let new = entry.content == PAIRED_MENDED
            || entry.content == b"{}"
            || entry.content == ENV_LEFT
            || kind == "edit-store" && has_record(&entry.content)
            || path.to_string_lossy().contains("openclaw.json") && is_config(&entry.content);
        assert!(known || new || temporary || database(path), "{place}: {path:?} is cut short");
    }
    for (path, entry) in before {
        let there = now.values().any(|now| now.content == entry.content);
        let replaced = now.contains_key(path) || kind == "remove" || kind == "mixed" || kind == "remove-link";
        assert!(there || replaced || database(path), "{place}: {path:?} is lost");
    }
    let main = real(root, "state/openclaw.sqlite");
    // While a database and its log are moved or put back one after the other, the main file is for a moment without its
    // log: sound, but older. The undo brings them together again.
    let apart =
        kind == "set-aside-database" || kind == "restore-database" || kind == "delete-row" && place.starts_with("undo");
    if main.exists() && !apart {
        assert!(
            [["a"].as_slice(), ["a", "b"].as_slice()].iter().any(|all| rows(root) == *all),
            "{place}: rows are lost"
        );
    }
}
