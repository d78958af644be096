//! # The configuration was replaced or cut short
//!
//! ## What it finds
//! A configuration that OpenClaw itself put back from a copy (a `.clobbered.…` file as young as the configuration), one
//! that shrank to less than half of a sound copy, one whose `gateway` block is gone, and refused writes (`.rejected.…`).
//!
//! ## Why it locks you out
//! From 2026.4.1 a configuration that looks suspicious is replaced from `.bak`, from 2026.4.20 an invalid one from
//! `.last-good`: the gateway then runs with older settings than you wrote, and your edit seems to vanish. A file that was
//! cut short starts with defaults, or not at all.
//!
//! ## How to read the evidence
//! The copies beside the file with their sizes and times. `.clobbered.…` is what the file was before it was replaced.
//!
//! ## How to be sure by hand
//! `ls -la --time-sort=yes ~/.openclaw/openclaw.json*`, and `diff` of the file with the newest `.clobbered.…`.
//!
//! ## What the fix does
//! Where the gateway block is gone, a copy is put back on request. Otherwise which of the files is right is yours to say.
//!
//! ## Since and until
//! `.bak` in all releases, `.clobbered.…` from 2026.3.24, `.last-good` and `.rejected.…` from 2026.4.20. What counts as
//! suspicious was read in 2026.9.6: less than half of a copy of 512 bytes or more, `meta` or `gateway.mode` lost.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Unknown};
use crate::snapshot::config::{ConfigOutcome, ConfigSibling};

/// The configuration was replaced or cut short.
#[derive(Debug)]
pub struct History;

const REPLACED: &str = "config-replaced";
const SHRUNK: &str = "config-shrunk";
const GATEWAY_GONE: &str = "config-gateway-gone";
const REFUSED: &str = "config-write-refused";

/// Files written within this time of each other belong to one event, in nanoseconds.
const TOGETHER_NS: i128 = 600 * 1_000_000_000;

/// Smaller copies prove nothing about a shrunken file (2026.9.6 `io.observe-suspicious.ts`).
const LEAST_COPY: u64 = 512;

impl Check for History {
    fn id(&self) -> &'static str {
        "config-history"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/history"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CONFIG: Option<Cause> = Some(Cause::ConfigInvalid);
        const CODES: &[CodeSpec] = &[
            CodeSpec::warning(REPLACED, CONFIG, "OpenClaw put the configuration back from a copy"),
            CodeSpec::warning(SHRUNK, CONFIG, "The configuration shrank to less than half"),
            CodeSpec::warning(GATEWAY_GONE, CONFIG, "The gateway block of the configuration is gone"),
            CodeSpec::info(REFUSED, None, "A write of the configuration was refused"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let config = context.config();
        let Fact::Known(meta) = &config.meta else { return Ok(Vec::new()) };
        let mut findings = Vec::new();
        let named = |part: &str| {
            let part = part.to_owned();
            config.siblings.iter().filter(move |copy| copy.path.file_name().contains(&part))
        };
        let young = |copy: &&ConfigSibling| copy.meta.mtime_ns > meta.mtime_ns - TOGETHER_NS;
        if let Some(copy) = named(".clobbered.").filter(young).max_by_key(|copy| copy.meta.mtime_ns) {
            let message =
                "OpenClaw put the configuration back from a copy: what was there before is kept as .clobbered";
            findings.push(self.about(context, REPLACED, message, copy, "this is what the file was before"));
        }
        if let Some(copy) = named(".rejected.").filter(young).max_by_key(|copy| copy.meta.mtime_ns) {
            let message = "A write of the configuration was refused: what was to be written is kept as .rejected";
            findings.push(self.about(context, REFUSED, message, copy, "this is what was not written"));
        }
        if let ConfigOutcome::Loaded(root) = &config.outcome {
            let good = |copy: &&ConfigSibling| {
                matches!(copy.has_mode, Fact::Known(true)) && !copy.path.file_name().contains(".rejected.")
            };
            let largest = config.siblings.iter().filter(good).max_by_key(|copy| copy.meta.size);
            if let Some(copy) = largest {
                if root.get("gateway").is_none() && root.members().is_some() {
                    let message = "The configuration has no gateway block any more, and a copy beside it has one";
                    findings.push(self.about(context, GATEWAY_GONE, message, copy, "this copy has the gateway block"));
                } else if copy.meta.size >= LEAST_COPY && meta.size < copy.meta.size / 2 {
                    let message = format!(
                        "The configuration has {} bytes, less than half of a sound copy with {}",
                        meta.size, copy.meta.size
                    );
                    findings.push(self.about(context, SHRUNK, message, copy, "this copy is larger and sound"));
                }
            }
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        if finding.code == GATEWAY_GONE
            && let Some(plan) = context.restore_plan(finding)
        {
            return Some(plan);
        }
        let copy = finding
            .evidence
            .iter()
            .filter_map(|piece| piece.path.as_ref())
            .find(|path| **path != context.config().path)?;
        let by_hand = vec![
            format!("Compare the two: `diff {} {copy}`.", context.config().path),
            "Put back what is missing, and mend what made OpenClaw refuse it.".to_owned(),
        ];
        Some(Plan::manual(finding, "choose between the configuration and its copy", by_hand))
    }
}

impl History {
    fn about(
        &self,
        context: &Context<'_>,
        code: &str,
        message: impl Into<String>,
        copy: &ConfigSibling,
        words: &str,
    ) -> Finding {
        let path = &context.config().path;
        let mut finding = context
            .file_finding(self, code, message)
            .evidence(Evidence::new("this is the configuration now").at(path))
            .evidence(Evidence::new(format!("{words} ({} bytes)", copy.meta.size)).at(&copy.path));
        finding.certainty = Certainty::Possible;
        finding
    }
}
