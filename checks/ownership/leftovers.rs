//! # Temporary files of failed writes lie around
//!
//! ## What it finds
//! `*.tmp` files in `devices/`, `identity/`, `nodes/` and beside the configuration: each is a write that did not reach
//! its rename.
//!
//! ## Why it locks you out
//! They do not. They tell that writes failed and when: no right to replace the file, no space, or a crash.
//!
//! ## How to read the evidence
//! The newest one dates the last failed write. Files without bytes mean that there was no space left.
//!
//! ## How to be sure by hand
//! `ls -la ~/.openclaw/devices/*.tmp`, and the gateway's log for `parse/handle error` at the same time.
//!
//! ## What the fix does
//! Removes the leftovers that are older than an hour, with a backup. Younger ones may belong to a write that goes on.
//!
//! ## Since and until
//! All releases; from 2026.3.2 a failed write mostly cleans up after itself.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Evidence, Finding, Unknown};
use crate::snapshot::tree::EntryFacts;

/// See the module's documentation.
pub struct Leftovers;

/// A write takes milliseconds; an hour is beyond any doubt.
const STALE_NS: i128 = 3_600 * 1_000_000_000;

static CODES: &[CodeSpec] =
    &[CodeSpec::info("leftover-temporary-files", None, "Temporary files of failed writes lie around")];

impl Check for Leftovers {
    fn id(&self) -> &'static str {
        "write-leftovers"
    }

    fn area(&self) -> Area {
        Area::Ownership
    }

    fn source(&self) -> &'static str {
        "ownership/leftovers"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let leftovers = &context.installation.tree.leftovers;
        let Some(newest) = leftovers.iter().max_by_key(|entry| entry.meta.mtime_ns) else { return Ok(Vec::new()) };
        let empty = leftovers.iter().filter(|entry| entry.meta.size == 0).count();
        let message = format!(
            "{} temporary {} of failed writes, {empty} without bytes; the newest is {}",
            leftovers.len(),
            if leftovers.len() == 1 { "file" } else { "files" },
            newest.path
        );
        let mut evidence = Evidence::new("the last failed write").at(&newest.path);
        evidence.time = jiff::Timestamp::from_nanosecond(newest.meta.mtime_ns).ok();
        let subject = context.installation.state_dir.to_string();
        Ok(vec![
            context.finding(self, "leftover-temporary-files", &subject, message).at(&newest.path).evidence(evidence),
        ])
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let now = context.snapshot.as_of.as_nanosecond();
        let is_stale = |entry: &&EntryFacts| now - entry.meta.mtime_ns > STALE_NS;
        let steps: Vec<Step> = context
            .installation
            .tree
            .leftovers
            .iter()
            .filter(is_stale)
            .map(|entry| {
                Step::new(Action::Remove { path: entry.path.clone() }, "left by a write that failed over an hour ago")
            })
            .collect();
        (!steps.is_empty()).then(|| {
            let summary = format!("remove {} temporary files of failed writes", steps.len());
            Plan::of(finding, Applicability::Safe, summary, steps)
        })
    }
}
