//! The engine in a process of its own, that can be killed, traced, or attacked while it works: the test program starts
//! itself again with only the test `driver`, which does what the environment says.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::scenarios::{TestHost, plan_for};
use openclaw_doctor::fix::engine::{Engine, Fate, Standing};
use std::path::Path;
use std::process::{Command, Output};

const TASK: &str = "OPENCLAW_DOCTOR_TEST_DRIVER";

/// A command that applies the plan of a kind, or takes the newest transaction back (`undo`).
pub fn command(task: &str, root: &Path, uid: u32) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    set(&mut command, task, root, uid);
    command
}

/// The same under `strace` with these options.
pub fn traced(options: &[&str], task: &str, root: &Path, uid: u32) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(std::env::current_exe().expect("this program"));
    set(&mut command, task, root, uid);
    command
}

fn set(command: &mut Command, task: &str, root: &Path, uid: u32) {
    command.args(["driver", "--exact", "--ignored", "--nocapture", "--test-threads=1", "--quiet"]);
    command.env(TASK, format!("{task}:{uid}:{}", root.display()));
}

/// Runs to the end and returns the exit code and what was said.
pub fn finish(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What the test `driver` does. Returns at once where nobody asked.
pub fn run() {
    let Ok(task) = std::env::var(TASK) else { return };
    let mut parts = task.splitn(3, ':');
    let (kind, uid, root) = (parts.next().unwrap(), parts.next().unwrap().parse().unwrap(), parts.next().unwrap());
    let host = TestHost::new(Path::new(root), uid);
    let mut engine = Engine::new(&host).expect("an engine");
    engine.machine.helper = env!("CARGO_BIN_EXE_openclaw-doctor").into();
    let code = if kind == "undo" { undo(&engine) } else { apply(&engine, kind, uid) };
    std::process::exit(code);
}

fn apply(engine: &Engine<'_>, kind: &str, uid: u32) -> i32 {
    let prepared = engine.prepare(vec![plan_for(kind, uid)]);
    if prepared[0].standing != Standing::Ready {
        eprintln!("{:?}", prepared[0].standing);
        return 13;
    }
    let vault = match engine.vault() {
        Ok(vault) => vault,
        Err(error) => {
            eprintln!("{error}");
            return 14;
        }
    };
    match engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()) {
        Ok(applied) if applied.fates == [Some(Fate::Applied)] => 0,
        Ok(applied) => {
            eprintln!("{:?}", applied.fates);
            11
        }
        Err(error) => {
            eprintln!("{error}");
            12
        }
    }
}

fn undo(engine: &Engine<'_>) -> i32 {
    for vault in engine.vaults().expect("vaults") {
        let Some(id) = engine.newest(&vault).expect("transactions") else { continue };
        let done = engine.prepare_undo(&vault, &id).and_then(|prepared| {
            for note in &prepared.notes {
                eprintln!("note: {note}");
            }
            engine.undo(&prepared, &vault, jiff::Timestamp::now())
        });
        if let Err(error) = done {
            eprintln!("{error}");
            return 11;
        }
        return 0;
    }
    15
}
