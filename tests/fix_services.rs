//! Units and the gateway around a plan, on the running host with a service manager of the test's own: what is stopped,
//! what is started again, and what is left to whoever else supervises it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/fix_scenarios.rs"]
mod scenarios;
#[path = "support/service_scenarios.rs"]
mod services;

use services::*;
use std::path::Path;

#[test]
#[ignore = "started by the other tests as a process of its own"]
fn driver() {
    run();
}

/// The exit code of a task, and what it said.
fn does(task: &str, root: &Path) -> (Option<i32>, String) {
    let output = command(&[], task, root).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn made(kind: &str) -> Option<tempfile::TempDir> {
    if let Some(why) = missing() {
        println!("skipped: {why}");
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    set_up(root.path(), kind);
    Some(root)
}

/// That an undo changes nothing and says this.
fn undo_is_refused(root: &Path, says: &str) {
    let (before, asked) = (picture(root), calls(root));
    let (code, words) = does("undo", root);
    assert!(code == Some(11) && words.contains(says), "{code:?} {words}");
    assert_eq!((picture(root), calls(root)), (before, asked));
}

#[test]
fn a_gateway_is_stopped_before_and_started_after_and_no_other_unit_is_touched() {
    let Some(root) = made("paused-meanwhile") else { return };
    let before = picture(root.path());
    assert_eq!(does("paused-meanwhile", root.path()).0, Some(0));
    let stopped_while_roots = format!("stop {GATEWAY} 0");
    let started_while_its_own = format!("start {GATEWAY} 61003");
    assert_eq!(calls(root.path()), [stopped_while_roots, started_while_its_own]);
    assert_eq!(does("undo", root.path()).0, Some(0));
    assert_eq!(picture(root.path()), before);
    assert_eq!(calls(root.path()).len(), 2, "giving back what it had saves nothing, so nothing is stopped");
}

#[test]
fn where_somebody_else_supervises_the_gateway_the_store_is_saved_while_it_runs() {
    let Some(root) = made("paused-meanwhile") else { return };
    std::fs::write(root.path().join("external"), "").unwrap();
    let (code, words) = does("paused-meanwhile", root.path());
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("gateway: a gateway that runs is not stopped"), "{words}");
    assert!(words.contains("keep clients away until then: change it where it is supervised from"), "{words}");
    assert_eq!(calls(root.path()), Vec::<String>::new());
    let Some(root) = made("stopped-meanwhile") else { return };
    std::fs::write(root.path().join("external"), "").unwrap();
    let (code, words) = does("stopped-meanwhile", root.path());
    assert!(code == Some(13) && words.contains("the gateway must be stopped for this, and change it"), "{words}");
    assert_eq!(calls(root.path()), Vec::<String>::new());
}

#[test]
fn a_gateway_that_nobody_could_start_again_goes_on() {
    let Some(root) = made("paused-meanwhile") else { return };
    let mut orphan = Orphan::start(root.path());
    std::fs::write(root.path().join("loose"), "").unwrap();
    let (code, words) = does("paused-meanwhile", root.path());
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("could start process") && words.contains("start it afterwards with: openclaw"), "{words}");
    assert_eq!(calls(root.path()), Vec::<String>::new());
    assert!(orphan.runs());
}

#[test]
fn an_undo_leaves_services_to_whoever_else_supervises_them() {
    for kind in ["disable", "stop", "start"] {
        let Some(root) = made(kind) else { return };
        assert_eq!(does(kind, root.path()).0, Some(0));
        std::fs::write(root.path().join("external"), "").unwrap();
        undo_is_refused(root.path(), "change it where it is supervised from");
        std::fs::remove_file(root.path().join("external")).unwrap();
        assert_eq!(does("undo", root.path()).0, Some(0));
    }
    let Some(root) = made("stopped-meanwhile") else { return };
    let before = picture(root.path());
    assert_eq!(does("stopped-meanwhile", root.path()).0, Some(0));
    std::fs::write(root.path().join("external"), "").unwrap();
    undo_is_refused(root.path(), "the gateway must be stopped for this, and change it");
    // Once it is stopped there is nothing to stop.
    let active = root.path().join(format!("units/{GATEWAY}.active"));
    std::fs::write(&active, "inactive").unwrap();
    assert_eq!(does("undo", root.path()).0, Some(0));
    std::fs::write(&active, "active").unwrap();
    assert_eq!(picture(root.path()), before);
}

#[test]
fn an_undo_needs_the_installation_named_that_the_fix_was_for() {
    for kind in ["stopped-meanwhile", "disable"] {
        let Some(root) = made(kind) else { return };
        let before = picture(root.path());
        assert_eq!(does(kind, root.path()).0, Some(0));
        std::fs::write(root.path().join("other"), "").unwrap();
        undo_is_refused(
            root.path(),
            "of uid 61003, which these options don't name: name it with --home or --state-dir",
        );
        std::fs::remove_file(root.path().join("other")).unwrap();
        assert_eq!(does("undo", root.path()).0, Some(0));
        assert_eq!(picture(root.path()), before);
    }
}
