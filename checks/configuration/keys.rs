//! # Keys that this release does not know
//!
//! ## What it finds
//! A key of the top level or of `gateway` that this release does not know: misspelt, from a later release, retired in
//! an earlier one, or one that was moved long ago (`gateway.token`).
//!
//! ## Why it locks you out
//! Both objects are strict. One unknown key makes the whole file invalid: the CLI stops at once, a running gateway goes
//! on with what it has and ignores every later edit, and the next start is refused (exit 1, from 2026.4.15 exit 78).
//! Keys that a release has *retired* are different: a start of 2026.8.1 or later rewrites the file without them, so they
//! stop only the CLI, and only until then.
//!
//! ## How to read the evidence
//! The line of the file on which the key stands, and the releases in which the key was seen.
//!
//! ## How to be sure by hand
//! `openclaw doctor` prints `Unrecognized key: "…"`; from 2026.9 also `openclaw config validate`.
//!
//! ## What the fix does
//! It moves the key with its value, as written, into a file beside the configuration (`openclaw.json.moved-out-1`).
//! Nothing is dropped, and comments and order of the rest stay.
//!
//! ## Since and until
//! All releases. The list of keys was read from 25 published packages up to 2026.9.6; a key that only a newer release
//! can know is reported as a remark there.

use super::super::reading::quoted;
use super::super::{Area, Check, CodeSpec, Context, Subject};
use super::schema::{Mark, Since, Until};
use super::walk::{Fault, FaultKind, faults};
use crate::model::plan::{Applicability, ConfigEdit, Plan};
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};

/// Keys that this release does not know.
#[derive(Debug)]
pub struct Keys;

const UNKNOWN: &str = "config-key-unknown";
const TOO_NEW: &str = "config-key-too-new";
const RETIRED: &str = "config-key-retired";
const MISPLACED: &str = "gateway-token-misplaced";

impl Check for Keys {
    fn id(&self) -> &'static str {
        "config-keys"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/keys"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(UNKNOWN, Cause::ConfigInvalid, "A key that no release knows makes the file invalid"),
            CodeSpec::error(TOO_NEW, Cause::ConfigInvalid, "A key of a later release makes the file invalid"),
            CodeSpec::warning(RETIRED, Some(Cause::ConfigInvalid), "A retired key stops the CLI until the next start"),
            CodeSpec::error(MISPLACED, Cause::ConfigInvalid, "`gateway.token` is in the wrong place"),
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
        let root = context.loaded().ok()??;
        let faults = faults(root, context.release());
        let fault = faults
            .iter()
            .find(|fault| self.finding(context, fault).is_some_and(|other| other.fingerprint == finding.fingerprint))?;
        let applicability = match fault.kind {
            // OpenClaw's own start takes these out too, and does not keep them.
            FaultKind::KeyRetired(_) => Applicability::Safe,
            _ => Applicability::Unsafe,
        };
        let edits = vec![ConfigEdit::MoveOut { at: fault.at.clone() }];
        let summary = format!("move {} out of the configuration into a file beside it", fault.at);
        let plan =
            context.edit_plan(finding, applicability, summary, fault.node, edits, "the release does not know it");
        plan.or_else(|| {
            let by_hand = format!("Take {} out of {}.", fault.at, context.config().file_of(fault.node));
            Some(Plan::manual(finding, format!("take {} out by hand", fault.at), vec![by_hand]))
        })
    }
}

impl Keys {
    fn finding(&self, context: &Context<'_>, fault: &Fault<'_>) -> Option<Finding> {
        let release = context.release_words();
        let key = fault.at.to_string();
        let (code, message, hint) = match &fault.kind {
            FaultKind::NoSuchKey(_) if key == "gateway.token" => (
                MISPLACED,
                "gateway.token is no key of the configuration: the token belongs into gateway.auth.token".to_owned(),
                "Move the value to gateway.auth.token, or remove the key if that is set already.".to_owned(),
            ),
            FaultKind::NoSuchKey(near) => (
                UNKNOWN,
                format!("{release} does not know the key {key}, so the whole configuration is invalid"),
                match near {
                    Some(near) => format!("Did you mean {}? Rename the key or remove it.", quoted(near)),
                    None => "Remove the key.".to_owned(),
                },
            ),
            FaultKind::KeyTooNew(since) => (
                TOO_NEW,
                format!("{release} does not know the key {key} yet ({}), so the configuration is invalid", came(since)),
                "Remove the key, or run a release that knows it.".to_owned(),
            ),
            FaultKind::KeyRetired(until) => (RETIRED, retired(&key, &release, until), start_heals()),
            FaultKind::KeyMoved => (
                RETIRED,
                format!("{key} is a key from before 2026: the CLI refuses the file until it is moved"),
                start_heals(),
            ),
            _ => return None,
        };
        let mut finding =
            context.config_finding(self, code, &key, fault.node, message).span(Some(fault.key_at)).hint(hint);
        let file = context.config().file_of(fault.node);
        finding.evidence = vec![context.place_evidence(format!("the key {key} stands here"), file, fault.key_at)];
        if let FaultKind::KeyTooNew(since) = &fault.kind {
            finding.evidence.push(Evidence::new(format!("{key} {}", came(since))));
        }
        (finding.severity, finding.certainty) = weight(context, &fault.kind, &key);
        Some(finding)
    }
}

/// How bad and how sure it is in the judged release.
fn weight(context: &Context<'_>, kind: &FaultKind, key: &str) -> (Severity, Certainty) {
    match kind {
        FaultKind::KeyRetired(_) | FaultKind::KeyMoved => (Severity::Warning, Certainty::Possible),
        // 2026.2.19 moves it at its start, 2026.9.6 no longer does (read in both packages).
        FaultKind::NoSuchKey(_) if key == "gateway.token" => match context.since(8, 1) {
            Some(true) => (Severity::Error, Certainty::Certain),
            _ => (Severity::Warning, Certainty::Possible),
        },
        FaultKind::NoSuchKey(_) => match context.release() {
            Some(release) if release.is_newer_than_known() => (Severity::Info, Certainty::Possible),
            Some(_) => (Severity::Error, Certainty::Certain),
            None => (Severity::Error, Certainty::Likely),
        },
        _ => (Severity::Error, Certainty::Certain),
    }
}

fn came(since: &Since) -> String {
    format!("not in {}, seen in {}", release(since.not_yet), release(since.seen))
}

fn retired(key: &str, judged: &str, until: &Until) -> String {
    format!(
        "{key} was retired (last seen in {}, gone in {}): the CLI of {judged} refuses the file because of it, and a \
         running gateway applies no edit",
        release(until.seen),
        release(until.gone)
    )
}

fn start_heals() -> String {
    "The next start of the gateway rewrites the file without it, if nothing else in it is wrong; or move the key out \
     now."
        .to_owned()
}

fn release(mark: Mark) -> String {
    format!("2026.{}.{}", mark.0, mark.1)
}
