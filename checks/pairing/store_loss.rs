//! # The device store is sound but has lost devices
//!
//! ## What it finds
//! Copies of the device store beside it (`paired.json.bak`, `devices.bak/`, left-over `*.tmp`, `*.migrated`) that hold
//! devices which the store does not; a store that holds nothing but a record of this host's own device which is much
//! younger than the device itself, while other devices are refused; and records of `*.migrated` archives that the move to
//! SQLite left out because they were not sound.
//!
//! ## Why it locks you out
//! Up to 2026.4.24 a store that can't be read or parsed for a moment counts as empty, and the next write replaces it: the
//! host's own CLI is approved afresh and notices nothing, every other device gets `pairing required` or `device token
//! mismatch`. The same happens by a copy over the file, a reset, or two programs that write at once.
//!
//! ## How to read the evidence
//! For copies: which devices only the copy has, and how old it is. A device that somebody removed on purpose is in an old
//! copy, too. For a fresh store: when this host's identity was made, when its record was, and who is refused since.
//!
//! ## How to be sure by hand
//! Compare `openclaw devices list` with the copy. In the log, `device pairing auto-approved` for a device that is old
//! marks the moment of the loss.
//!
//! ## What the fix does
//! Puts back the records that only the copy has, and changes none that the store has. Where no copy lies beside the store,
//! the records are in no file any more: put a backup back if you have one elsewhere, or let the devices ask again and
//! approve each one that is yours. Requests that wait hold keys, but neither tokens nor what was approved: whether they
//! may come in is for you to say, so nothing is approved by machine.
//!
//! ## Since and until
//! clawdbot 2026.1 to 2026.7.35. The silent loss by a failed read ends with 2026.4.25.

use super::plans;
use super::view::{Part, View};
use super::words::{self, count};
use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::kind::EventKind;
use crate::logs::rejection::Rejection;
use crate::logs::summary::LogSummary;
use crate::model::{Applicability, Cause, Certainty, Evidence, Fact, Finding, HostPath, Plan, Severity, Unknown};
use crate::snapshot::device::{DeviceId, PairedDevice};
use crate::snapshot::store::{FileState, JsonStore, StoreCopy};
use std::collections::BTreeSet;

/// See the module's documentation.
pub struct StoreLoss;

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "store-lost-devices",
        Cause::PairingStoreLost,
        "The store holds nothing but a fresh record of this host, while others are refused",
    ),
    CodeSpec::warning(
        "import-left-records-out",
        Some(Cause::PairingStoreDamaged),
        "The move to SQLite left records out that were not sound",
    ),
    CodeSpec::warning(
        "store-copy-has-more",
        Some(Cause::PairingStoreLost),
        "A copy beside the store holds devices that the store does not",
    ),
];

/// A record that is so much younger than its identity was made anew, in ms. The first connection follows the identity
/// within seconds, as one command makes both.
const AFRESH_MS: i64 = 2 * 60 * 1000;

impl Check for StoreLoss {
    fn id(&self) -> &'static str {
        "store-loss"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/store_loss"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Database, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let view = View::of(context)?;
        let Some(store) = view.json() else { return Ok(self.skipped(context, &view).into_iter().collect()) };
        // A text that can't be used is told by `device-store-text`; what it holds is not lost yet.
        if !matches!(store.paired.state, FileState::Sound | FileState::Missing) {
            return store.paired.why_unknown().map_or(Ok(Vec::new()), Err);
        }
        let paired = view.paired()?;
        let fresh = afresh(context, &view, paired);
        let copy = best_copy(store, paired).map(|missing| self.copy(context, &view, paired, &missing, fresh.is_some()));
        Ok(fresh.map(|loss| self.afresh(context, &view, &loss)).into_iter().chain(copy).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let view = View::of(context).ok()?;
        if finding.code == "store-lost-devices" {
            let summary = "The lost records are gone; the devices have to be approved again";
            let path = view.path(Part::Paired);
            let backup = format!(
                "If you have a backup of {path} from before the loss: stop the gateway, put the backup in its place with the \
                 gateway's account as its owner, and run `openclaw-doctor check` before the gateway is started again"
            );
            let without = format!("Without a backup: {}", plans::approve_again(context));
            return Some(Plan::manual(finding, summary, vec![backup, without]));
        }
        let (take, words) = plans::take_from_copy(&view).filter(|_| plans::may_change(context))?;
        let step =
            plans::edit(&view, Part::Paired, vec![take], "only the copy has them; no record that is there is changed");
        let plan = plans::plan(&view, finding, Applicability::Unsafe, format!("Put back {words}"), vec![step]);
        Some(
            plan.say_first(
                "Devices that were removed on purpose after the copy was made come back, too: read the list",
            ),
        )
    }
}

/// Devices that only a copy has.
pub(super) struct Missing<'s> {
    /// The copy.
    pub copy: &'s StoreCopy,
    /// Their ids.
    pub devices: Vec<&'s DeviceId>,
}

/// The copy that has the most devices which the store lacks; of like ones the newest.
pub(super) fn best_copy<'s>(store: &'s JsonStore, paired: &[PairedDevice]) -> Option<Missing<'s>> {
    let held: BTreeSet<&str> = paired.iter().map(|device| device.place.key.as_str()).collect();
    store
        .copies
        .iter()
        .filter_map(|copy| {
            let devices: Vec<&DeviceId> =
                copy.devices.known()?.iter().filter(|id| !held.contains(id.0.as_str())).collect();
            (!devices.is_empty()).then_some(Missing { copy, devices })
        })
        .max_by_key(|missing| (missing.devices.len(), missing.copy.meta.mtime_ns))
}

/// A store that was started anew.
struct Afresh<'s> {
    record: &'s PairedDevice,
    made_ms: i64,
    identity_ms: i64,
    waiting: usize,
    refused: Vec<Evidence>,
}

fn afresh<'s>(context: &Context<'s>, view: &View<'s>, paired: &'s [PairedDevice]) -> Option<Afresh<'s>> {
    let [record] = paired else { return None };
    if !view.is_host(&record.device_id) {
        return None;
    }
    let identity_ms = *view.identity().known()?.created_at_ms.known()?;
    let made_ms = *record.created_at_ms.known()?;
    if made_ms.saturating_sub(identity_ms) < AFRESH_MS {
        return None;
    }
    let pending = view.pending().unwrap_or_default();
    let waiting =
        pending.iter().filter(|request| request.device_id.known().is_some() && !view.is_host(&request.device_id));
    let waiting = waiting.count();
    let refused = context.snapshot.logs.known().map(|logs| refused(logs, record)).unwrap_or_default();
    (waiting > 0 || !refused.is_empty()).then_some(Afresh { record, made_ms, identity_ms, waiting, refused })
}

/// Devices that came with a device token which no record has: they were paired once. And the moment of the loss.
fn refused(logs: &LogSummary, record: &PairedDevice) -> Vec<Evidence> {
    let own =
        |event: &crate::logs::event::LogEvent| event.detail.device_id.as_deref() == Some(record.place.key.as_str());
    let mut found = Vec::new();
    let mut note = |event: Option<&crate::logs::event::LogEvent>, text: &str| {
        let Some(event) = event else { return };
        let mut evidence = Evidence::new(text);
        evidence.time = event.time;
        evidence.line = u32::try_from(event.line).ok();
        evidence.path = logs.source(event).map(|source| HostPath::from_text(&source.name));
        found.push(evidence);
    };
    let mismatch = logs
        .events
        .iter()
        .rev()
        .find(|event| event.detail.rejection == Some(Rejection::DeviceTokenMismatch) && !own(event));
    note(mismatch, "a client came with a device token that no record has");
    let approved: Vec<_> =
        logs.events.iter().filter(|event| event.kind == EventKind::AutoApproved && own(event)).collect();
    if mismatch.is_some() || approved.len() > 1 {
        note(approved.last().copied(), "this host's own device was approved afresh, which is the moment of the loss");
    }
    found
}

impl StoreLoss {
    fn afresh(&self, context: &Context<'_>, view: &View<'_>, loss: &Afresh<'_>) -> Finding {
        let path = view.path(Part::Paired);
        let age = words::span(loss.made_ms.saturating_sub(loss.identity_ms));
        let message = format!(
            "{path} holds nothing but this host's own device, approved {age} after the device was made, while other devices \
             are refused: the store was started anew and what it held before is gone"
        );
        let record = &loss.record.place;
        let mut finding = context
            .finding(self, "store-lost-devices", &path.to_string(), message)
            .at(&path)
            .span(view.span(Part::Paired, record));
        // Another device that waits may be a new one; one that brings an old device token is not.
        (finding.severity, finding.certainty) = if loss.refused.is_empty() {
            (Severity::Warning, Certainty::Possible)
        } else {
            (Severity::Error, Certainty::Likely)
        };
        let text = format!("record {} was made {}", words::id(&record.key), words::time(loss.made_ms));
        finding = finding.evidence(view.evidence(Part::Paired, record, text));
        let identity = view.path(Part::Identity);
        let text = format!("the same device was made {}", words::time(loss.identity_ms));
        finding = finding.evidence(Evidence::new(text).at(&identity));
        if loss.waiting > 0 {
            let text = format!("{} of other devices", count(loss.waiting, "request"));
            finding = finding.evidence(Evidence::new(text).at(&view.path(Part::Pending)));
        }
        for evidence in &loss.refused {
            finding = finding.evidence(evidence.clone());
        }
        finding.hint(format!("Approve the devices that you know, each by its id: {}", context.openclaw("devices list")))
    }

    /// From 2026.9.1 the import passes over records of a wrong form; they survive only in its archive, and their devices are
    /// unknown to the gateway (pairing-by-release 1.6; seen in 2026.9.6).
    fn skipped(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let copies = &context.installation.devices.copies;
        let archive = copies.iter().find(|copy| copy.unsound > 0 && copy.path.file_name() == "paired.json.migrated")?;
        let message = format!(
            "{} in {} was not moved to the database: its device is unknown to the gateway",
            count(archive.unsound, "record"),
            archive.path
        );
        let mut finding = context
            .finding(self, "import-left-records-out", &archive.path.to_string(), message)
            .at(&archive.path)
            .evidence(
                Evidence::new("no OpenClaw takes these records: fields are missing, or filed wrongly")
                    .at(&archive.path),
            );
        finding.certainty = Certainty::Possible;
        let summary = context.snapshot.logs.known();
        let refused = summary.and_then(|summary| {
            let refused = summary.episodes.iter().find(|episode| {
                episode.rejection == Some(Rejection::DeviceTokenMismatch) && evidence::is_current(context, episode)
            })?;
            Some(evidence::evidence(summary, refused, "a client came with a device token that no record has"))
        });
        if let Some(piece) = refused {
            finding.certainty = Certainty::Likely;
            finding.evidence.push(piece);
        }
        finding.evidence.push(Evidence::new("the store that the gateway uses").at(&view.path(Part::Paired)));
        Some(finding.hint("Connect that device once with the gateway's shared token; it is then paired anew"))
    }

    fn copy(
        &self,
        context: &Context<'_>,
        view: &View<'_>,
        paired: &[PairedDevice],
        missing: &Missing<'_>,
        is_fresh: bool,
    ) -> Finding {
        let path = view.path(Part::Paired);
        let only = missing.devices.len();
        let others = paired.iter().filter(|device| !view.is_host(&device.device_id)).count();
        let message = format!(
            "{} beside the device store holds {} that {path} does not have",
            missing.copy.path,
            count(only, "device")
        );
        let mut finding = context
            .finding(self, "store-copy-has-more", &missing.copy.path.to_string(), message)
            .at(&missing.copy.path);
        // An old copy also holds devices that were removed on purpose. Where the store has none at all, that is unlikely.
        (finding.severity, finding.certainty) = if others == 0 || is_fresh {
            (Severity::Warning, Certainty::Likely)
        } else {
            (Severity::Info, Certainty::Possible)
        };
        let age = jiff::Timestamp::from_nanosecond(missing.copy.meta.mtime_ns).map(|time| time.as_millisecond());
        let age = age.map(|ms| format!(", written {}", words::time(ms))).unwrap_or_default();
        let ids: Vec<String> = missing.devices.iter().take(words::MOST_LISTED).map(|id| words::id(&id.0)).collect();
        let text = format!("the copy{age} alone holds {}", ids.join(", "));
        finding = finding.evidence(Evidence::new(text).at(&missing.copy.path));
        let state = match (&view.json().map(|store| &store.paired.meta), paired.len()) {
            (Some(Fact::Absent), _) => "the store is not there".to_owned(),
            (_, number) => format!("the store holds {}", count(number, "device")),
        };
        finding.evidence(Evidence::new(state).at(&path))
    }
}
