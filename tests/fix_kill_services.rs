//! The fixer is killed at its mutating system calls while it works on units and processes: afterwards every unit is as it
//! was, or as the plan wanted it, or brought back by `undo`; a gateway that was stopped meanwhile runs again; a process
//! that was to be ended runs, or is ended by the next run.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/fix_scenarios.rs"]
mod scenarios;
#[path = "support/service_scenarios.rs"]
mod services;

use services::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

/// System calls that change something; of `openat` only those that create. `execve` is how a manager is asked.
const MUTATING: &str = "openat,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,chmod,fchmod,\
                        fchmodat,fchown,fchownat,fsync,fdatasync,ftruncate,fallocate,utimensat,flock,execve,clone,clone3,\
                        vfork,wait4,waitid,pidfd_open,pidfd_send_signal";

/// Kill points tried per kind of plan and phase in a normal run; `--ignored` tries all.
const SAMPLE: usize = 5;

#[test]
#[ignore = "started by the other tests as a process of its own"]
fn driver() {
    run();
}

#[test]
fn a_fix_of_units_that_is_killed_leaves_old_or_new_or_undo() {
    kill_everywhere("apply", SAMPLE);
}

#[test]
fn an_undo_of_units_that_is_killed_leaves_old_or_new_or_undo() {
    kill_everywhere("undo", SAMPLE);
}

#[test]
fn a_fix_that_is_killed_while_it_ends_a_process_is_done_by_the_next_run() {
    kill_while_ending(SAMPLE * 2);
}

#[test]
#[ignore = "takes minutes: every kill point"]
fn killed_at_every_single_call() {
    kill_everywhere("apply", usize::MAX);
    kill_everywhere("undo", usize::MAX);
    kill_while_ending(usize::MAX);
}

fn made(kind: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    set_up(root.path(), kind);
    root
}

fn done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn kill_everywhere(phase: &str, most: usize) {
    if let Some(why) = missing() {
        println!("skipped: {why}");
        return;
    }
    let mut all = 0;
    for kind in KINDS {
        let (root, _) = prepared(kind, phase);
        let points = kill_points(phase, kind, root.path());
        let step = points.len().div_ceil(most).max(1);
        let tried: Vec<_> = points.iter().step_by(step).collect();
        for (call, number) in &tried {
            kill_at(kind, phase, call, *number);
        }
        println!("{phase} {kind}: killed at {} of {} calls", tried.len(), points.len());
        all += tried.len();
    }
    println!("{phase}: {all} kill points");
    assert!(all > 0);
}

fn task<'a>(phase: &'a str, kind: &'a str) -> &'a str {
    if phase == "undo" { "undo" } else { kind }
}

/// The units with their fault, and in the phase `undo` with the fix applied.
fn prepared(kind: &str, phase: &str) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let root = made(kind);
    let before = picture(root.path());
    if phase == "undo" {
        done(&command(&[], kind, root.path()).output().unwrap());
    }
    (root, before)
}

/// The mutating calls of an undisturbed run: name, and how many of that name came before it in the same process.
fn kill_points(phase: &str, kind: &str, root: &Path) -> Vec<(String, usize)> {
    let trace = root.join("trace");
    let options = ["-e", &format!("trace={MUTATING}"), "-o", trace.to_str().unwrap()];
    done(&command(&options, task(phase, kind), root).output().unwrap());
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
        // The first is the driver's own start.
        let starts = name == "execve" && *count == 1;
        if !starts && (name != "openat" || arguments.contains("O_CREAT")) {
            points.push((name.to_owned(), *count));
        }
    }
    points.sort();
    points.dedup();
    points
}

fn killed(phase: &str, kind: &str, call: &str, number: usize, root: &Path) -> Output {
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let options = ["-e", &format!("trace={call}"), "-e", &inject, "-o", "/dev/null"];
    command(&options, task(phase, kind), root).output().unwrap()
}

fn kill_at(kind: &str, phase: &str, call: &str, number: usize) {
    let (root, before) = prepared(kind, phase);
    let said = killed(phase, kind, call, number, root.path());
    let place = format!("{phase} {kind} at {call} number {number}");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let cut = picture(root.path());
    for (name, now) in cut.iter().filter(|(name, _)| name.starts_with("state/devices/paired.json")) {
        assert!(is_whole(now), "{place}: {name} is cut short: {now}");
    }
    done(&command(&[], "look", root.path()).output().unwrap());
    assert_eq!(picture(root.path()), cut, "{place}: looking changed something");
    for round in 0..4 {
        let output = command(&[], "undo", root.path()).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => {}
            // Nothing is left to take back.
            Some(15) => break,
            code => panic!("{place}: undo said {code:?} {words}\n{said}"),
        }
        assert!(round < 3, "{place}: there is always more to take back\n{said}");
    }
    let differs: Vec<_> =
        picture(root.path()).into_iter().filter(|(name, now)| before.get(name) != Some(now)).collect();
    // A failed state that was cleared does not come back; the plan's way back is to leave it.
    let differs: Vec<_> = differs.into_iter().filter(|(_, now)| kind != "reset-failed" || now != "inactive").collect();
    assert!(differs.is_empty(), "{place}: {differs:?}\n{said}");
}

/// The contents of the store are those before or after.
fn is_whole(now: &str) -> bool {
    let text = now.splitn(3, ' ').nth(2).unwrap_or_default().as_bytes();
    text == scenarios::PAIRED || text == scenarios::PAIRED_MENDED
}

fn kill_while_ending(most: usize) {
    if let Some(why) = missing() {
        println!("skipped: {why}");
        return;
    }
    let points = {
        let root = made("stop");
        let mut orphan = Orphan::start(root.path());
        let points = kill_points("apply", "end-process", root.path());
        assert!(!orphan.runs());
        points
    };
    let step = points.len().div_ceil(most).max(1);
    let tried: Vec<_> = points.iter().step_by(step).collect();
    for (call, number) in &tried {
        let place = format!("end-process at {call} number {number}");
        let root = made("stop");
        let before = picture(root.path());
        let mut orphan = Orphan::start(root.path());
        let mut other = Orphan::start(made("stop").path());
        let _ = killed("apply", "end-process", call, *number, root.path());
        done(&command(&[], "look", root.path()).output().unwrap());
        // An undo says that it can't start it again, and leaves nothing open.
        let output = command(&[], "undo", root.path()).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 15)), "{place}: {}", String::from_utf8_lossy(&output.stderr));
        if orphan.runs() {
            done(&command(&[], "end-process", root.path()).output().unwrap());
            assert!(!orphan.runs(), "{place}: the next run does not end it");
        }
        assert!(other.runs(), "{place}: another process was ended");
        assert_eq!(picture(root.path()), before, "{place}");
    }
    println!("apply end-process: killed at {} of {} calls", tried.len(), points.len());
}
