//! Runs checks over a snapshot. A check that panics is caught and shown as crashed.

use super::{Check, Context};
use crate::model::plan::Plan;
use crate::model::{Finding, Unknown};
use crate::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// What came of one check.
#[derive(Debug, Clone)]
pub struct CheckRun {
    /// The check.
    pub id: &'static str,
    /// How it ended.
    pub status: Status,
    /// Why it was skipped or crashed.
    pub reason: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// What it found, with the plan for each.
    pub findings: Vec<(Finding, Option<Plan>)>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It looked and found nothing.
    Ok,
    /// It found something.
    Found,
    /// It could not tell, or was not asked.
    Skipped,
    /// It failed itself.
    Crashed,
}

/// Runs the checks that `wanted` admits, over the selected installation, in registered order.
pub fn run(snapshot: &Snapshot, wanted: impl Fn(&dyn Check) -> Result<(), String>) -> Vec<CheckRun> {
    super::all()
        .map(|check| {
            let started = Instant::now();
            let mut result = match wanted(check) {
                Err(reason) => skipped(check.id(), reason),
                Ok(()) => one(snapshot, check),
            };
            result.took = started.elapsed();
            result
        })
        .collect()
}

fn one(snapshot: &Snapshot, check: &'static dyn Check) -> CheckRun {
    let Some(installation) = snapshot.selected() else {
        return skipped(check.id(), "no installation".to_owned());
    };
    let context = Context { snapshot, installation };
    match quietly(|| judge(check, &context)) {
        Err(reason) => CheckRun { status: Status::Crashed, ..skipped(check.id(), reason) },
        Ok(Err(why)) => skipped(check.id(), why.reason),
        Ok(Ok(findings)) => {
            let status = if findings.is_empty() { Status::Ok } else { Status::Found };
            CheckRun { id: check.id(), status, reason: None, took: Duration::ZERO, findings }
        }
    }
}

fn judge(check: &dyn Check, context: &Context<'_>) -> Result<Vec<(Finding, Option<Plan>)>, Unknown> {
    let findings = check.detect(context)?;
    Ok(findings
        .into_iter()
        .map(|finding| {
            let plan = check.plan(context, &finding);
            (finding, plan)
        })
        .collect())
}

fn skipped(id: &'static str, reason: String) -> CheckRun {
    CheckRun { id, status: Status::Skipped, reason: Some(reason), took: Duration::ZERO, findings: Vec::new() }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Makes panics inside checks silent on stderr; they are reported as crashed checks. Call once, in `main`.
pub fn install_panic_hook() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !QUIET.get() {
            usual(info);
        }
    }));
}

/// Runs `f`; a panic becomes its message.
fn quietly<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    QUIET.set(false);
    result.map_err(|payload| {
        let words = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = words.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        format!("the check itself failed: {message}")
    })
}
