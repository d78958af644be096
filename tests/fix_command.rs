//! `fix`, `undo` and `history` as commands: what they decide, and their exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/fix_scenarios.rs"]
mod scenarios;

use openclaw_doctor::cli::fix::{FixArgs, Offered, Recheck, World, run};
use openclaw_doctor::cli::history::HistoryArgs;
use openclaw_doctor::cli::undo::UndoArgs;
use openclaw_doctor::cli::{Exit, Failure, history, undo};
use openclaw_doctor::fix::lower::Territory;
use openclaw_doctor::fix::world::{Gateway, Host};
use openclaw_doctor::model::{Applicability, Cause, Certainty, Fact, Finding, Plan, SecretVault, Severity};
use scenarios::*;
use std::path::{Path, PathBuf};

fn uid() -> u32 {
    let own = rustix::process::geteuid();
    if own.is_root() { UID } else { own.as_raw() }
}

/// A world whose one fault is the byte order mark of `paired.json`.
struct TestWorld {
    host: TestHost,
    plans: Vec<Plan>,
    /// The finding stays whatever is done, with this severity.
    stubborn: Option<Severity>,
    inconclusive: Option<String>,
    /// So many looks until the gateway, which its supervisor starts, listens.
    starting: u32,
}

impl TestWorld {
    fn new(root: &Path, plans: Vec<Plan>) -> Self {
        Self { host: TestHost::new(root, uid()), plans, stubborn: None, inconclusive: None, starting: 0 }
    }

    fn is_mended(&self) -> bool {
        std::fs::read(real(&self.host.root, "devices/paired.json")).is_ok_and(|bytes| bytes == PAIRED_MENDED)
    }
}

impl Host for TestWorld {
    fn root(&self) -> Option<&Path> {
        self.host.root()
    }

    fn territory(&self, installation: Option<&str>) -> Fact<Territory> {
        self.host.territory(installation)
    }

    fn gateway(&self, installation: Option<&str>) -> Gateway {
        if self.starting > 0 { Gateway::Stopped } else { self.host.gateway(installation) }
    }

    fn secrets(&self) -> &SecretVault {
        self.host.secrets()
    }

    fn home(&self) -> Option<PathBuf> {
        self.host.home()
    }
}

impl World for TestWorld {
    fn plans(&self, _wanted: &[String]) -> Result<Offered, Failure> {
        Ok(Offered { plans: self.plans.clone(), notes: Vec::new() })
    }

    fn look_again(&mut self) -> Result<(), Failure> {
        self.starting = self.starting.saturating_sub(1);
        Ok(())
    }

    fn recheck(&self) -> Recheck {
        let left = match self.stubborn {
            _ if self.plans.is_empty() => None,
            Some(severity) => Some(Finding { severity, ..finding() }),
            None => (!self.is_mended()).then(finding),
        };
        let silent = Finding::new("gateway-running", "gateway-down", Severity::Error, "state", "nothing listens")
            .because(Cause::GatewayNotRunning, Certainty::Certain);
        let findings = left.into_iter().chain((self.starting > 0).then_some(silent)).collect();
        Recheck { findings, inconclusive: self.inconclusive.clone() }
    }

    fn options(&self) -> String {
        "--root /mnt".to_owned()
    }
}

fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    set_up(root.path(), "replace", uid());
    root
}

fn args(yes: bool) -> FixArgs {
    FixArgs { yes, ..FixArgs::default() }
}

#[test]
fn yes_applies_safe_plans_and_zero_means_that_nothing_is_left() {
    let root = tree();
    let mut world = TestWorld::new(root.path(), vec![plan_for("replace", uid())]);
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Ok));
    assert!(world.is_mended());
    assert_eq!(history::run(&HistoryArgs::default(), &world), Ok(Exit::Ok));
    assert_eq!(undo::run(&UndoArgs { yes: true, ..UndoArgs::default() }, &world), Ok(Exit::Ok));
    assert!(!world.is_mended());
    let again = undo::run(&UndoArgs { yes: true, ..UndoArgs::default() }, &world).expect_err("nothing left");
    assert_eq!(again.kind, "no-transaction");
    let odd = undo::run(&UndoArgs { id: Some("../x".to_owned()), ..UndoArgs::default() }, &world).expect_err("no id");
    assert_eq!(odd.kind, "usage");
    assert_eq!(history::run(&HistoryArgs { prune: Some("0s".to_owned()) }, &world), Ok(Exit::Ok));
}

#[test]
fn a_gateway_that_starts_again_by_itself_is_waited_for() {
    let root = tree();
    let mut world = TestWorld::new(root.path(), vec![plan_for("replace", uid())]);
    world.starting = 3;
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Ok));
    assert_eq!(world.starting, 0);
}

#[test]
fn a_dry_run_and_a_run_without_a_terminal_change_nothing() {
    let root = tree();
    let mut world = TestWorld::new(root.path(), vec![plan_for("replace", uid())]);
    let before = picture(root.path());
    assert_eq!(run(&FixArgs { dry_run: true, yes: true, ..FixArgs::default() }, &mut world), Ok(Exit::Found));
    // The test's standard input is no terminal, or nobody answers there.
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        assert_eq!(run(&args(false), &mut world), Ok(Exit::Found));
    }
    assert_eq!(changed(&before, &picture(root.path())), Vec::<PathBuf>::new());
    assert!(!root.path().join("var").exists(), "not even a journal is made");
}

#[test]
fn unsafe_plans_need_to_be_admitted() {
    let root = tree();
    let mut plan = plan_for("replace", uid());
    plan.applicability = Applicability::Unsafe;
    let mut world = TestWorld::new(root.path(), vec![plan]);
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Found));
    assert!(!world.is_mended());
    assert_eq!(run(&FixArgs { admit_unsafe: true, ..args(true) }, &mut world), Ok(Exit::Ok));
    assert!(world.is_mended());
}

#[test]
fn what_is_still_there_or_only_for_a_person_makes_one() {
    let root = tree();
    let mut world = TestWorld::new(root.path(), vec![plan_for("replace", uid())]);
    world.stubborn = Some(finding().severity);
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Found), "applied, but still there");
    let root = tree();
    let mut world = TestWorld::new(root.path(), vec![plan_for("replace", uid())]);
    world.stubborn = Some(Severity::Info);
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Ok), "what is left locks nobody out, as a disabled unit");
    let manual = Plan::manual(&finding(), "by hand", vec!["do it".to_owned()]);
    let root = tree();
    let mut world = TestWorld::new(root.path(), vec![manual]);
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Found), "an error that only a person can judge");
}

#[test]
fn nothing_to_do_is_zero_and_not_knowing_is_three() {
    let root = tree();
    let mut world = TestWorld::new(root.path(), Vec::new());
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Ok));
    world.inconclusive = Some("the device store could not be read".to_owned());
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Inconclusive));
    assert_eq!(run(&FixArgs { json: true, ..args(true) }, &mut world), Ok(Exit::Inconclusive));
}

#[test]
fn what_was_changed_since_is_not_taken_back() {
    let root = tree();
    let mut world = TestWorld::new(root.path(), vec![plan_for("replace", uid())]);
    assert_eq!(run(&args(true), &mut world), Ok(Exit::Ok));
    std::fs::write(real(root.path(), "devices/paired.json"), "{\"new\": {}}").unwrap();
    let before = picture(root.path());
    assert_eq!(undo::run(&UndoArgs { yes: true, ..UndoArgs::default() }, &world), Ok(Exit::Found));
    assert_eq!(changed(&before, &picture(root.path())), Vec::<PathBuf>::new());
}
