//! # The text of the device store can't be used by the gateway
//!
//! ## What it finds
//! `devices/paired.json` and `devices/pending.json` that OpenClaw can't use as they are: empty, cut off, no JSON, with a
//! byte order mark, in UTF-16, with comments or trailing commas, `null`, a list or a plain value instead of an object,
//! records inside a wrapper, a directory or link in place of the file. CRLF line ends are harmless and not reported.
//!
//! ## Why it locks you out
//! What happens depends on the release. Up to 2026.4.24 a text that `JSON.parse` refuses counts as an empty store,
//! nothing is logged, and **the next write replaces the file: every approval in it is lost**. The host's own CLI is then
//! approved afresh, and every other device gets `pairing required`. From 2026.4.25 such a text ends every handshake with
//! close code 1000 and no reason, and the file stays. A list `[]` swallows what is put into it up to 2026.4.26, so that
//! approvals never stick; from 2026.4.29 everything that is no object is taken as empty and replaced.
//!
//! ## How to read the evidence
//! The line and column are where a strict JSON parser stops. "Can be saved" counts the records that the doctor could make
//! out in spite of the fault. Pieces that it could not make out are named with their line.
//!
//! ## How to be sure by hand
//! Copy the file away first. Then `node -e 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))'
//! ~/.openclaw/devices/paired.json` prints the same place that is shown here.
//!
//! ## What the fix does
//! Where the text can be mended without losing a record, it writes the same records as plain JSON. Else it keeps the
//! records that are whole and names each piece that it drops, or puts back a copy that lies beside the file, or writes
//! `{}`. The old file is always kept. Run it before anything contacts the gateway. Where this release would erase records
//! that can be saved, a gateway that runs is stopped first through its service manager and started again afterwards.
//!
//! ## Since and until
//! clawdbot 2026.1 to 2026.7.35. From 2026.8.1 the store is a database; JSON files left beside it are another check's.

use super::rules::Harm;
use super::store_text_plan;
use super::text_fault::{TextFault, What, faults};
use super::view::{Part, View};
use super::words::{self, count};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Finding, Plan, Unknown};
use crate::snapshot::store::StoreFaultKind;

/// See the module's documentation.
pub struct DeviceStoreText;

const DAMAGED: Cause = Cause::PairingStoreDamaged;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("store-text-erased", DAMAGED, "The device store counts as empty and is replaced at the next write"),
    CodeSpec::error("store-text-refused", DAMAGED, "The device store ends every handshake"),
    CodeSpec::error("store-swallows-approvals", DAMAGED, "The device store is a list, so no approval is ever written"),
    CodeSpec::error("store-write-throws", DAMAGED, "The device store is a plain value, so every write of it fails"),
    CodeSpec::error("store-wrapped", DAMAGED, "The records lie inside a wrapper where the gateway does not see them"),
    CodeSpec::error("store-link-refused", DAMAGED, "The device store is a symbolic link, which this release refuses"),
    CodeSpec::warning(
        "store-link-broken",
        Some(Cause::PairingStoreLost),
        "The device store is a link that leads nowhere",
    ),
    CodeSpec::info("store-link", None, "The device store is a symbolic link, which the next write replaces"),
    CodeSpec::error("requests-text-refused", DAMAGED, "The file of waiting requests ends every handshake"),
    CodeSpec::warning(
        "requests-swallowed",
        Some(DAMAGED),
        "The file of waiting requests keeps none, so no new device can be approved",
    ),
    CodeSpec::info("requests-text-erased", None, "The file of waiting requests counts as empty"),
];

impl Check for DeviceStoreText {
    fn id(&self) -> &'static str {
        "device-store-text"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/device_store_text"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let view = View::of(context)?;
        let Some(store) = view.json() else { return Ok(Vec::new()) };
        let found: Vec<Finding> =
            faults(store, &view.rules).iter().map(|fault| self.finding(context, &view, fault)).collect();
        match (found.is_empty(), store.paired.why_unknown().or_else(|| store.pending.why_unknown())) {
            (true, Some(why)) => Err(why),
            _ => Ok(found),
        }
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let view = View::of(context).ok()?;
        let faults = faults(view.json()?, &view.rules);
        let fault =
            faults.iter().find(|fault| finding.code == code(fault) && finding.path.as_ref() == Some(&fault.path))?;
        store_text_plan::plan(context, &view, finding, fault)
    }
}

impl DeviceStoreText {
    fn finding(&self, context: &Context<'_>, view: &View<'_>, fault: &TextFault) -> Finding {
        let code = code(fault);
        let release = context.release_words();
        let message = format!("{} {}: {}", fault.path, what(fault), effect(fault, &release));
        let mut finding = context.finding(self, code, &fault.path.to_string(), message).at(&fault.path).span(fault.at);
        finding.certainty = if view.rules.known { Certainty::Certain } else { Certainty::Likely };
        let place = Evidence::new(format!("{} {}; expected: {}", file_name(fault), what(fault), expected(fault)));
        let place = place.at(&fault.path);
        finding = finding.evidence(match fault.at {
            Some(at) => place.span(at),
            None => place,
        });
        for (key, at) in fault.damaged.iter().take(words::MOST_LISTED) {
            let whose =
                key.as_deref().map_or_else(|| "this piece".to_owned(), |key| format!("the record {}", words::id(key)));
            finding = finding.evidence(Evidence::new(format!("{whose} can't be made out")).at(&fault.path).span(*at));
        }
        if fault.part == Part::Paired && fault.records > 0 {
            let saved = count(fault.records, "record");
            finding = finding.evidence(Evidence::new(format!("{saved} in it can be saved")).at(&fault.path));
        }
        match hint(fault, view) {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }
}

fn code(fault: &TextFault) -> &'static str {
    match (fault.part, &fault.what, fault.harm) {
        (Part::Paired, What::Link(_, false), Harm::Heals) => "store-link-broken",
        (_, What::Link(..), Harm::Heals) => "store-link",
        (Part::Paired, What::Link(..), _) => "store-link-refused",
        (Part::Paired, _, Harm::EndsHandshakes) => "store-text-refused",
        (Part::Paired, _, Harm::Vanishes) => "store-swallows-approvals",
        (Part::Paired, _, Harm::WriteThrows) => "store-write-throws",
        (Part::Paired, _, Harm::Hides) => "store-wrapped",
        (Part::Paired, _, _) => "store-text-erased",
        (_, _, Harm::EndsHandshakes) => "requests-text-refused",
        (_, _, Harm::Vanishes | Harm::WriteThrows) => "requests-swallowed",
        (_, _, _) => "requests-text-erased",
    }
}

fn file_name(fault: &TextFault) -> &'static str {
    if fault.part == Part::Paired { "paired.json" } else { "pending.json" }
}

fn what(fault: &TextFault) -> String {
    let line = fault.at.map(|at| format!(" (line {})", at.line)).unwrap_or_default();
    match &fault.what {
        What::NotAFile(kind) => format!("is a {kind} instead of a file"),
        What::Link(target, true) => format!("is a symbolic link to {target}"),
        What::Link(target, false) => format!("is a symbolic link to {target}, where nothing is"),
        What::Text(kind, message) => match kind {
            StoreFaultKind::Empty => "is empty".to_owned(),
            StoreFaultKind::Truncated => format!("is cut off{line}"),
            StoreFaultKind::Binary => "holds bytes that are no text".to_owned(),
            StoreFaultKind::ByteOrderMark | StoreFaultKind::Utf16 | StoreFaultKind::Wrapped => {
                format!("can't be used as it is: {message}")
            }
            StoreFaultKind::Json5Only | StoreFaultKind::Syntax => format!("is no strict JSON: {message}{line}"),
            StoreFaultKind::Null | StoreFaultKind::Array | StoreFaultKind::Scalar => {
                format!("is no object: {message}")
            }
        },
    }
}

fn expected(fault: &TextFault) -> &'static str {
    match (fault.part, &fault.what) {
        (_, What::NotAFile(_) | What::Link(..)) => "a regular file",
        (Part::Paired, _) => "a JSON object of records by device id, in UTF-8 without a byte order mark",
        _ => "a JSON object of requests by request id, in UTF-8 without a byte order mark",
    }
}

fn effect(fault: &TextFault, release: &str) -> String {
    let devices = fault.part == Part::Paired;
    match fault.harm {
        Harm::Erased if devices => format!(
            "{release} takes it for an empty store and replaces it at the next write; the host's own CLI is approved \
             afresh, every other device is unknown"
        ),
        Harm::Erased => format!("{release} takes it for an empty list of requests; nobody is locked out by that"),
        Harm::EndsHandshakes => {
            format!("{release} ends every handshake with close code 1000 and no reason; the file stays as it is")
        }
        Harm::Vanishes if devices => format!(
            "{release} takes it, but what is put into it is never written, so that no approval sticks, not even one \
             that says `Approved`"
        ),
        Harm::Vanishes => {
            format!("{release} takes it, but no request is ever kept in it, so that no new device can be approved")
        }
        Harm::WriteThrows if devices => {
            format!("{release} fails at every write into it: handshakes end with close code 1000 and no reason")
        }
        Harm::WriteThrows => format!("{release} fails to put requests into it: new devices get close code 1000"),
        Harm::Hides if devices => {
            format!("{release} looks for device ids at the top level and finds none: every device is unknown")
        }
        Harm::Hides => format!("{release} does not see the requests in it; nobody is locked out by that"),
        Harm::Heals => format!("{release} reads through it and puts a file in its place at the next write"),
    }
}

/// What must be known before anything is done.
fn hint(fault: &TextFault, view: &View<'_>) -> Option<String> {
    if fault.part != Part::Paired {
        return None;
    }
    let path = &fault.path;
    let has_records = fault.records > 0 || !fault.damaged.is_empty();
    match fault.harm {
        Harm::Heals => None,
        _ if !view.rules.known && has_records => Some(format!(
            "Copy {path} away before anything contacts the gateway: up to 2026.4.24 the first contact replaces it"
        )),
        Harm::Erased if has_records => Some(format!(
            "Do not start or contact the gateway before this is mended: the first contact replaces {path}, and the \
             approvals in it are lost"
        )),
        Harm::EndsHandshakes | Harm::WriteThrows if has_records => {
            Some("The gateway leaves the file as it is: nothing is lost by waiting, but no device gets in".to_owned())
        }
        _ => None,
    }
}
