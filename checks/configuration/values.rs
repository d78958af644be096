//! # Values that this release does not accept
//!
//! ## What it finds
//! A value under `gateway` of the wrong type, a word that is none of those allowed, a number outside its range, a secret
//! reference of the wrong form, a required member that is missing.
//!
//! ## Why it locks you out
//! One such value makes the whole file invalid: the CLI stops at once with `Config invalid`, a running gateway keeps
//! what it has and ignores the file, and the next start is refused.
//!
//! ## How to read the evidence
//! The line of the file, what stands there, and what the release wants there.
//!
//! ## How to be sure by hand
//! `openclaw doctor` prints the path and `Invalid input: expected …, received …`.
//!
//! ## What the fix does
//! Nothing by itself: only you know which value was meant. A value that the next start repairs itself is said so.
//!
//! ## Since and until
//! All releases, each by its own schema. Secret references as tokens came with 2026.3.7, as passwords with 2026.3.2; the
//! reload modes `hot` and `restart` went with 2026.8.1, whose start turns them into `hybrid`.

use super::super::reading::{in_words, listed};
use super::super::{Area, Check, CodeSpec, Context, Subject};
use super::walk::{Fault, FaultKind, faults};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Finding, Severity, Unknown};

/// Values that this release does not accept.
#[derive(Debug)]
pub struct Values;

const TYPE: &str = "config-wrong-type";
const WORD: &str = "config-wrong-word";
const RANGE: &str = "config-out-of-range";
const MISSING: &str = "config-member-missing";
const REFERENCE: &str = "config-secret-reference-form";
const HEALED: &str = "config-value-retired";

impl Check for Values {
    fn id(&self) -> &'static str {
        "config-values"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/values"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(TYPE, Cause::ConfigInvalid, "A value has the wrong type"),
            CodeSpec::error(WORD, Cause::ConfigInvalid, "A value is none of the words allowed"),
            CodeSpec::error(RANGE, Cause::ConfigInvalid, "A number is outside its range"),
            CodeSpec::error(MISSING, Cause::ConfigInvalid, "A required member is missing"),
            CodeSpec::error(REFERENCE, Cause::ConfigInvalid, "A secret reference has the wrong form"),
            CodeSpec::warning(HEALED, Some(Cause::ConfigInvalid), "A retired value, which the next start replaces"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(root) = context.loaded()? else { return Ok(Vec::new()) };
        Ok(faults(root, context.release()).iter().filter_map(|fault| self.finding(context, fault)).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let what = finding.fix_hint.clone()?;
        let file = finding.path.as_ref().unwrap_or(&context.config().path);
        let place = finding.line.map(|line| format!(" at line {line}")).unwrap_or_default();
        Some(Plan::manual(finding, "correct the value by hand", vec![format!("In {file}{place}: {what}")]))
    }
}

impl Values {
    fn finding(&self, context: &Context<'_>, fault: &Fault<'_>) -> Option<Finding> {
        let key = fault.at.to_string();
        let found = in_words(fault.node);
        let (code, message, hint) = match &fault.kind {
            // `gateway.trustedProxies` has a check of its own, with more to say.
            FaultKind::WrongType(_) if key.starts_with("gateway.trustedProxies") => return None,
            FaultKind::WrongType(wanted) => {
                (TYPE, format!("{key} must be a {wanted}, and is {found}"), format!("make {key} a {wanted}."))
            }
            FaultKind::NoSuchWord(words) => {
                let words = listed(words);
                (WORD, format!("{key} is {found}; allowed are {words}"), format!("set {key} to one of {words}."))
            }
            FaultKind::WordTooNew(since) => (
                WORD,
                format!("{key} is {found}, which came with 2026.{}.{}", since.seen.0, since.seen.1),
                format!("set {key} to a value that {} knows.", context.release_words()),
            ),
            FaultKind::WordRetired(until) => (
                HEALED,
                format!("{key} is {found}, which went with 2026.{}.{}", until.gone.0, until.gone.1),
                format!("set {key} to hybrid; the next start does so by itself."),
            ),
            FaultKind::OutOfRange(least, most) => (
                RANGE,
                format!("{key} is {found}; it must lie between {least} and {most}"),
                format!("set {key} to a number from {least} to {most}."),
            ),
            FaultKind::Missing(member) => {
                (MISSING, format!("{key} needs the member {member}"), format!("add {member} to {key}."))
            }
            FaultKind::Reference(mistake) => (
                REFERENCE,
                format!("{key} is a secret reference of the wrong form: {mistake}"),
                format!("correct the reference in {key}: {mistake}."),
            ),
            _ => return None,
        };
        let (code, severity, certainty) = weight(context, code, &key, fault);
        let mut finding = context.config_finding(self, code, &key, fault.node, message).hint(hint);
        (finding.severity, finding.certainty) = (severity, certainty);
        Some(finding)
    }
}

fn weight(
    context: &Context<'_>,
    code: &'static str,
    key: &str,
    fault: &Fault<'_>,
) -> (&'static str, Severity, Certainty) {
    let healed = (HEALED, Severity::Warning, Certainty::Possible);
    let from_8_1 = context.since(8, 1) == Some(true);
    match &fault.kind {
        FaultKind::WordRetired(_) => healed,
        // From 2026.8.1 a start removes a port outside the range and turns host names into bind modes (2026.9.6 package).
        FaultKind::OutOfRange(..) if key == "gateway.port" && from_8_1 => healed,
        FaultKind::NoSuchWord(_) if key == "gateway.bind" && from_8_1 && is_bind_alias(fault) => healed,
        FaultKind::NoSuchWord(_) if context.release().is_none_or(|release| release.is_newer_than_known()) => {
            (code, Severity::Warning, Certainty::Likely)
        }
        _ => (code, Severity::Error, Certainty::Certain),
    }
}

fn is_bind_alias(fault: &Fault<'_>) -> bool {
    let text = fault.node.as_str().unwrap_or_default().to_ascii_lowercase();
    matches!(text.as_str(), "0.0.0.0" | "::" | "[::]" | "*" | "127.0.0.1" | "localhost" | "::1" | "[::1]")
}
