//! What the waiting requests mean. Facts only; the words are in `pending_requests`.

use super::rules::Life;
use super::view::View;
use crate::model::{Cause, Fact};
use crate::snapshot::device::{PairedRelation, PendingRequest, RecordShape};
use crate::statedb::judge::{Problem, Records, WaitReason, judge};

/// What a request means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// `null`, which ends every handshake (lab 2026.2.19, f04u).
    NullEntry,
    /// No request at all, or one that belongs elsewhere; it does no harm.
    OddEntry,
    /// A first request whose time is over; OpenClaw drops it when it next looks.
    Expired,
    /// It belongs to this host's own device, was made while that counted as remote, and keeps the local approval away.
    BlocksHost(Origin),
    /// A device that was never approved.
    New,
    /// A device whose key is another than the one on record.
    OtherKey,
    /// A device whose platform or family is another than the pinned one: field, pinned, claimed.
    Metadata(&'static str, String, Option<String>),
    /// A device that asks for more than its record holds: roles, scopes.
    More(Vec<String>, Vec<String>),
    /// A device that holds all that it asks for.
    LeftOver,
    /// What is approved could not be read.
    Unclear,
}

/// Why the host's own request was not approved without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It came in with proxy headers, or trusted proxies took its locality: no client address was recorded.
    NoAddress,
    /// It came in from an address behind a trusted proxy.
    Proxied,
    /// It came in from an address that is not loopback.
    Address,
    /// It is left from an upgrade of a record that is gone.
    Upgrade,
}

impl Origin {
    /// The cause that it shows.
    pub fn cause(self) -> Cause {
        match self {
            Origin::NoAddress | Origin::Proxied => Cause::ProxyAttribution,
            Origin::Address => Cause::NotLocal,
            Origin::Upgrade => Cause::ScopeUpgrade,
        }
    }
}

/// A request and what it means.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged<'s> {
    /// The request.
    pub request: &'s PendingRequest,
    /// What it means.
    pub meaning: Meaning,
    /// Whether it is from the host's own identity.
    pub is_host: bool,
    /// Whether its time is over. What a known device was refused for stays true beyond that.
    pub is_over: bool,
}

/// Judges every request.
pub(super) fn judged<'s>(view: &View<'s>, pending: &'s [PendingRequest]) -> Vec<Judged<'s>> {
    pending
        .iter()
        .map(|request| Judged {
            request,
            meaning: meaning(view, request),
            is_host: view.is_host(&request.device_id),
            is_over: !view.rules.is_live(request, view.as_of_ms),
        })
        .collect()
}

/// The live request of the host's own device that is not to be approved without asking, whatever else it means. It stays
/// so until it is gone (pairing-by-release 1.2, "Sticky remote request").
pub(super) fn blocking_of_host<'s>(view: &View<'s>) -> Option<&'s PendingRequest> {
    view.pending().ok()?.iter().find(|request| blocks_host(view, request))
}

fn blocks_host(view: &View<'_>, request: &PendingRequest) -> bool {
    request.shape == RecordShape::Expected
        && view.is_host(&request.device_id)
        && request.silent != Fact::Known(true)
        && view.rules.is_live(request, view.as_of_ms)
        && view.cli_sends_device()
        && !(view.rules.secret_skips_pairing() && view.shared_secret() != Some(false))
}

fn meaning(view: &View<'_>, request: &PendingRequest) -> Meaning {
    match request.shape {
        RecordShape::Expected => {}
        RecordShape::NotAnObject if is_null(request) && view.json().is_some() => return Meaning::NullEntry,
        RecordShape::NotAnObject | RecordShape::PairedShaped | RecordShape::PendingShaped => return Meaning::OddEntry,
    }
    if request.device_id.is_absent() {
        return Meaning::OddEntry;
    }
    let unknown_device = matches!(request.paired, PairedRelation::NotPaired | PairedRelation::OtherKey);
    if unknown_device && blocks_host(view, request) && view.rules.grants_unknown_locally(view.auto_local()) {
        return Meaning::BlocksHost(origin(view, request));
    }
    // Only the one record that counts: judging all of them for each request would take for ever in a large store.
    let record = request.device_id.known().and_then(|id| view.record_of(id));
    let paired = record.map_or(&[][..], std::slice::from_ref);
    let problems = judge(
        &Records { paired, pending: std::slice::from_ref(request), ..Records::default() },
        &view.rules.for_records(),
    );
    let reasons = problems
        .into_iter()
        .find_map(|problem| match problem.problem {
            Problem::Waiting(waiting) => Some(waiting.reasons),
            _ => None,
        })
        .unwrap_or_default();
    let meaning = of_reasons(view, reasons);
    let first_time = matches!(meaning, Meaning::New | Meaning::LeftOver | Meaning::Unclear);
    if first_time && !view.rules.is_live(request, view.as_of_ms) { Meaning::Expired } else { meaning }
}

/// The first reason that counts, in the order in which the gateway checks: key, metadata, role, scopes.
fn of_reasons(view: &View<'_>, reasons: Vec<WaitReason>) -> Meaning {
    let (mut roles, mut scopes) = (Vec::new(), Vec::new());
    let mut unclear = false;
    for reason in reasons {
        match reason {
            WaitReason::FirstTime => return Meaning::New,
            WaitReason::OtherKey => return Meaning::OtherKey,
            WaitReason::Metadata { field, pinned, claimed } if view.rules.pins_platform() => {
                return Meaning::Metadata(field, pinned, claimed);
            }
            WaitReason::Roles(more) => roles = more,
            WaitReason::Scopes(more) => scopes = more,
            WaitReason::Unclear => unclear = true,
            WaitReason::Metadata { .. } | WaitReason::Repair => {}
        }
    }
    match (roles.is_empty() && scopes.is_empty(), unclear) {
        (false, _) => Meaning::More(roles, scopes),
        (true, true) => Meaning::Unclear,
        (true, false) => Meaning::LeftOver,
    }
}

/// No address is recorded for local clients and for those behind a proxy that is not trusted (pairing-by-release 1.2).
fn origin(view: &View<'_>, request: &PendingRequest) -> Origin {
    if request.is_repair == Fact::Known(true) {
        return Origin::Upgrade;
    }
    let address = request.remote_ip.known().map(|text| text.parse::<std::net::IpAddr>());
    match address {
        None => Origin::NoAddress,
        Some(Ok(address)) if address.to_canonical().is_loopback() => Origin::NoAddress,
        Some(_) if view.trusts_proxies() => Origin::Proxied,
        Some(_) => Origin::Address,
    }
}

/// Whether a request never expires, because its time is missing.
pub(super) fn never_expires(view: &View<'_>, request: &PendingRequest) -> bool {
    view.rules.life(request) == Life::Forever
}

fn is_null(request: &PendingRequest) -> bool {
    use crate::snapshot::device::{FieldFault, ValueKind};
    request.problems.iter().any(|problem| matches!(problem.fault, FieldFault::WrongType { found: ValueKind::Null, .. }))
}
