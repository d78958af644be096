//! # A signature of your own stands in the log
//!
//! ## What it finds
//! Lines of the gateway's log within the last day that match a signature of your own which names no kind of event.
//! Signatures with a `kind` count like the built-in ones, in the checks of the logs.
//!
//! ## Why it locks you out
//! As you wrote in the signature: with a `cause` it points at that cause, without one it only informs.
//!
//! ## How to read the evidence
//! The last such line, and how many there were. `proves` and `does-not-prove` are your own words.
//!
//! ## How to be sure by hand
//! `openclaw-doctor logs` shows them in the timeline; `grep` for the signature's literals in `/tmp/openclaw`.
//!
//! ## What the fix does
//! Nothing: text from a log never authorises a change.
//!
//! ## Since and until
//! As the signature says.

use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::{EventKind, LogEvent};
use crate::model::{Certainty, Finding, Severity, Unknown};
use std::collections::BTreeMap;

/// See the module's documentation.
pub struct OwnSignatures;

static CODES: &[CodeSpec] =
    &[CodeSpec::warning("own-signature-seen", None, "A signature of your own stands in the log")];

/// A line that lies further back is history.
const RECENT_MS: i64 = 24 * 3_600 * 1_000;

impl Check for OwnSignatures {
    fn id(&self) -> &'static str {
        "own-signatures"
    }

    fn area(&self) -> Area {
        Area::Own
    }

    fn source(&self) -> &'static str {
        "own/signatures"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        // Without signatures of one's own there is nothing to look for.
        if super::installed().signatures.is_empty() { &[] } else { &[Subject::Logs] }
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if super::installed().signatures.is_empty() {
            return Ok(Vec::new());
        }
        let summary = evidence::logs(context)?;
        let recent = |time: jiff::Timestamp| context.snapshot.as_of_ms() - time.as_millisecond() < RECENT_MS;
        let mut seen: BTreeMap<&str, Vec<&LogEvent>> = BTreeMap::new();
        for event in summary.events.iter().filter(|event| event.kind == EventKind::Custom) {
            if event.time.is_none_or(recent) {
                seen.entry(event.signature.as_str()).or_default().push(event);
            }
        }
        let findings =
            seen.into_iter().filter_map(|(id, events)| {
                let last = events.last()?;
                let message = format!("The log has lines of your signature `{id}`: {} within a day", events.len());
                let mut finding = context
                    .finding(self, "own-signature-seen", id, message)
                    .evidence(evidence::of_event(summary, last, &format!("signature `{id}`")));
                match last.detail.points_at {
                    Some(cause) => finding = finding.because(cause, Certainty::Possible),
                    None => finding.severity = Severity::Info,
                }
                Some(finding)
            });
        Ok(findings.collect())
    }
}
