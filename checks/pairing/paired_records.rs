//! # Records of paired devices are broken or were made by hand
//!
//! ## What it finds
//! Records in the device store that the gateway does not recognise or can't use: waiting requests that were copied among
//! the paired devices (filed by request id or by device id), records filed under another id than their own, public keys
//! that do not belong to the device id or are spelled in another way than clients send them, hand-made records without
//! role or dates, entries that are `null` or a text, fields of another type, keys that stand twice.
//!
//! ## Why it locks you out
//! The gateway looks a device up by the key of the map and compares the public key as text. A record that it does not find
//! that way makes the device unknown: the host's own CLI is approved afresh beside it (if it counts as local), any other
//! device gets `pairing required` for ever. A record without a role is found, but the device asks for more than it holds:
//! `pairing required` with `reason=role-upgrade` in the log, on the host itself too where the release does not grant that
//! without asking (2026.2.19 to 4.1). A store that was overwritten with `pending.json` has also lost all other devices.
//!
//! ## How to read the evidence
//! Each line names one record by its key, with its line in the file, what is wrong with it and what is expected.
//! The device id is the SHA-256, in hex, of the raw 32-byte public key; both are in the record, so they prove each other.
//!
//! ## How to be sure by hand
//! `openclaw devices list` shows what the gateway makes of the records. For one record:
//! `printf %s PUBLIC_KEY= | tr _- /+ | base64 -d | sha256sum` must print its device id.
//!
//! ## What the fix does
//! Re-files a record under its own id where that is free, spells a right key as OpenClaw does, and drops records that
//! can't be mended, naming each. The request that waits for the same device goes with them, because it would keep the
//! local approval away. Devices whose record is dropped ask again and are approved once.
//!
//! ## Since and until
//! All releases. Files up to 2026.7.35, rows of the state database from 2026.8.1.

use super::record_fault::{RecordFault, faults};
use super::view::{Part, View};
use super::words::{self, count};
use super::{lockout, record_plan, record_words};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Finding, Plan, Severity, Unknown};

/// See the module's documentation.
pub struct PairedRecords;

const DAMAGED: Option<Cause> = Some(Cause::PairingStoreDamaged);

static CODES: &[CodeSpec] = &[
    CodeSpec::warning("paired-record-is-request", DAMAGED, "A waiting request stands among the paired devices"),
    CodeSpec::warning("paired-record-incomplete", DAMAGED, "A record lacks fields that OpenClaw always writes"),
    CodeSpec::warning("paired-key-mismatch", DAMAGED, "A record is filed under another id than its own"),
    CodeSpec::warning("paired-key-material", DAMAGED, "A public key does not belong to its device id"),
    CodeSpec::warning("paired-key-text", DAMAGED, "A public key is spelled in another way than clients send it"),
    CodeSpec::warning("paired-key-unreadable", DAMAGED, "A public key is missing or is none"),
    CodeSpec::warning("paired-field-type", DAMAGED, "A field of a record has another type than OpenClaw writes"),
    CodeSpec::warning("paired-entry-no-object", DAMAGED, "An entry of the device store is no record"),
    CodeSpec::warning("paired-key-twice", DAMAGED, "A device stands twice in the store; only the last record counts"),
    CodeSpec::info("paired-records-left-out", None, "The store has more records than the doctor looks at"),
];

impl Check for PairedRecords {
    fn id(&self) -> &'static str {
        "paired-records"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/paired_records"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let view = View::of(context)?;
        let paired = view.paired()?;
        let any_usable = paired.iter().any(|device| lockout::is_usable(&view, device));
        let faults = faults(&view, paired);
        let mut findings = Vec::new();
        for spec in CODES {
            let group: Vec<&RecordFault<'_>> =
                faults.iter().filter(|fault| record_words::code(&fault.what) == spec.code).collect();
            if !group.is_empty() {
                findings.push(self.finding(context, &view, spec.code, &group, any_usable));
            }
        }
        findings.extend(self.duplicates(context, &view));
        findings.extend(self.left_out(context, &view));
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let view = View::of(context).ok()?;
        record_plan::plan(context, &view, finding)
    }
}

impl PairedRecords {
    fn finding(
        &self,
        context: &Context<'_>,
        view: &View<'_>,
        code: &str,
        group: &[&RecordFault<'_>],
        any_usable: bool,
    ) -> Finding {
        let path = view.path(Part::Paired);
        let locked = group.iter().find(|fault| fault.lockout.as_ref().is_some_and(|lockout| lockout.every_call));
        let unseen = group.iter().any(|fault| record_words::is_unseen(&fault.what));
        let first = locked.or(group.first());
        let effect = first.map(|fault| record_words::effect(fault, view, any_usable)).unwrap_or_default();
        let message = format!(
            "{} in {path} {}: {effect}",
            count(group.len(), "record"),
            record_words::summary(code, group.len())
        );
        let span = first.and_then(|fault| view.span(Part::Paired, &fault.device.place));
        let mut finding = context.finding(self, code, &path.to_string(), message).at(&path).span(span);
        if locked.is_some() || (unseen && !any_usable) {
            finding.severity = Severity::Error;
        }
        finding.certainty = if view.rules.known { Certainty::Certain } else { Certainty::Likely };
        for fault in group.iter().take(words::MOST_LISTED) {
            let text = format!(
                "record {} ({}{}): {}",
                words::id(&fault.device.place.key),
                words::device(fault.device),
                if fault.is_host { "; this host's own identity" } else { "" },
                record_words::fault(fault)
            );
            finding = finding.evidence(view.evidence(Part::Paired, &fault.device.place, text));
        }
        if group.len() > words::MOST_LISTED {
            let more = group.len() - words::MOST_LISTED;
            finding = finding.evidence(Evidence::new(format!("and {} more", count(more, "record"))).at(&path));
        }
        if let Some(request) = super::requests::blocking_of_host(view) {
            finding = finding.evidence(view.evidence(
                Part::Pending,
                &request.place,
                "a request of this host's own device waits and keeps the local approval away",
            ));
        }
        finding
    }

    /// Two texts under one key: `JSON.parse` keeps the last (lab 2026.2.19, f04k).
    fn duplicates(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let file = &view.json()?.paired;
        let path = view.path(Part::Paired);
        let (key, at) = file.duplicates.iter().find(|(key, _)| !key.contains('.'))?;
        let message = format!(
            "{path} holds the record {} twice; only the last one counts, and the next write drops the others",
            words::id(key)
        );
        let mut finding =
            context.finding(self, "paired-key-twice", &path.to_string(), message).at(&path).span(Some(*at));
        finding.certainty = Certainty::Likely;
        for (key, at) in file.duplicates.iter().take(words::MOST_LISTED) {
            let text = format!("{} stands here again; expected: each key once", words::id(key));
            finding = finding.evidence(Evidence::new(text).at(&path).span(*at));
        }
        Some(finding)
    }

    fn left_out(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let file = &view.json()?.paired;
        let path = view.path(Part::Paired);
        (file.omitted > 0).then(|| {
            let message = format!("{path} has {} beyond those that were looked at", count(file.omitted, "record"));
            context.finding(self, "paired-records-left-out", &path.to_string(), message).at(&path)
        })
    }
}
