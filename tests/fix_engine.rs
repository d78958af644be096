//! Plans of every kind, applied and taken back on a tree below `--root`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/fix_scenarios.rs"]
mod scenarios;

use openclaw_doctor::fix::engine::{Applied, Engine, Fate, Standing};
use openclaw_doctor::fix::journal::Vault;
use openclaw_doctor::model::Plan;
use scenarios::*;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Root acts for a made-up account; anybody else for himself.
fn uid() -> u32 {
    if is_root() { UID } else { rustix::process::geteuid().as_raw() }
}

/// The engine of a test, with the doctor's own program as its helper: the test's program cannot be one.
fn engine(host: &TestHost) -> Engine<'_> {
    let mut engine = Engine::new(host).expect("an engine");
    engine.machine.helper = env!("CARGO_BIN_EXE_openclaw-doctor").into();
    engine
}

fn apply(engine: &Engine<'_>, plans: Vec<Plan>) -> (Vault, Applied) {
    let prepared = engine.prepare(plans);
    for plan in &prepared {
        assert_eq!(plan.standing, Standing::Ready, "{}", plan.plan.summary);
    }
    let vault = engine.vault().expect("a vault");
    let chosen = vec![true; prepared.len()];
    let applied = engine.apply(&prepared, &chosen, &vault, jiff::Timestamp::now()).expect("a transaction");
    (vault, applied)
}

#[test]
fn every_kind_of_plan_is_applied_and_taken_back_to_the_last_byte() {
    let mut tried = 0;
    for (kind, needs_root) in KINDS {
        if *needs_root && !is_root() {
            println!("skipped {kind}: needs root");
            continue;
        }
        let root = tempfile::tempdir().unwrap();
        set_up(root.path(), kind, uid());
        let before = picture(root.path());
        let host = TestHost::new(root.path(), uid());
        let engine = engine(&host);
        let (vault, applied) = apply(&engine, vec![plan_for(kind, uid())]);
        assert_eq!(applied.fates, [Some(Fate::Applied)], "{kind}");
        let after = picture(root.path());
        let touched = changed(&before, &after);
        assert!(!touched.is_empty(), "{kind} changed nothing");
        assert!(touched.iter().all(|path| path.starts_with("home/claw/.openclaw")), "{kind} changed {touched:?}");
        assert!(
            !after.keys().any(|path| path.to_string_lossy().contains("openclaw-doctor")),
            "{kind} left something over"
        );
        if *kind != "chown-tree" {
            assert!(
                after.iter().all(|(path, entry)| !path.starts_with("home/claw") || entry.owner.0 != 0 || !is_root()),
                "{kind}"
            );
        }

        let undo = engine.prepare_undo(&vault, &applied.id).expect(kind);
        let (undone, _) = engine.undo(&undo, &vault, jiff::Timestamp::now()).expect(kind);
        assert_eq!(
            changed(&before, &picture(root.path())),
            Vec::<std::path::PathBuf>::new(),
            "{kind} was not taken back"
        );
        assert!(engine.prepare_undo(&vault, &applied.id).is_err(), "{kind} can be taken back twice");

        let redo = engine.prepare_undo(&vault, &undone).expect(kind);
        engine.undo(&redo, &vault, jiff::Timestamp::now()).expect(kind);
        let again = picture(root.path());
        for (path, entry) in &after {
            let now = &again[path];
            assert_eq!(
                (entry.owner, entry.mode, &entry.content),
                (now.owner, now.mode, &now.content),
                "{kind} {path:?}"
            );
        }
        tried += 1;
        clear(root.path());
    }
    println!("{tried} kinds of plans");
}
