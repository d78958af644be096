//! # The host's own device is paired with less than its CLI asks for
//!
//! ## What it finds
//! The record of this host's own identity, compared with what the CLI of this release asks for when it connects over
//! loopback: the role `operator`, a device token, and the scopes. Also a pinned platform that is not this host's.
//!
//! ## Why it locks you out
//! A known device that asks for more than its record holds makes a request for an upgrade. In 2026.2.19 to 2.21 and
//! 2026.3.28 to 7.1 no upgrade of scopes is granted without asking, not even locally, and in 2026.2.19 to 4.1 none of
//! roles: the host's own CLI gets `pairing required` for ever, and can't approve itself. Records with few scopes come
//! from probes, agent tools, or edits by hand; and in 2026.4.29 to 6.x from an ordinary first call: the CLI asks only for
//! what the call needs, so that a host that began with `devices list` is refused at `cron list`. From 2026.2.26 a device that states another platform than the pinned one
//! has to be approved again; that happens when a state directory moves to another system.
//!
//! ## How to read the evidence
//! The record's place, what it holds, what the CLI asks for, and the request that waits, if one does.
//!
//! ## How to be sure by hand
//! The log says `security audit: device access upgrade requested reason=scope-upgrade` (or `role-upgrade`,
//! `metadata-upgrade`) with this device id, with `scopesFrom` and `scopesTo`.
//!
//! ## What the fix does
//! Takes out the record of this host's own device together with its waiting request; the next local connection is
//! approved afresh with all that it asks for; where a call asks only for what it needs, the plan names one that asks for
//! `operator.admin`. Records of other devices are not touched. Where the release can approve from the store itself
//! (2026.2.21 to 4.27, and from 7.1), approving the one request is the gentler way. In between that ends with
//! `unknown requestId`: the approval makes a request of its own, which takes the place of the one to be approved.
//!
//! ## Since and until
//! Upgrades: 2026.2.19 to 7.0 for a CLI with a shared secret, later for one without. Platforms: from 2026.2.26.

use super::lockout::{Lack, Lockout, of_host};
use super::plans;
use super::record_fault;
use super::requests::{Meaning, judged};
use super::view::{Part, View};
use super::words;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Applicability, Cause, Certainty, Finding, Plan, Severity, Unknown};
use crate::snapshot::device::{PairedDevice, PendingRequest};

/// See the module's documentation.
pub struct HostDevice;

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "host-role-missing",
        Cause::ScopeUpgrade,
        "The host's own record lacks the role that its CLI asks for",
    ),
    CodeSpec::error("host-token-missing", Cause::ScopeUpgrade, "The host's own record has no valid device token"),
    CodeSpec::error(
        "host-scopes-short",
        Cause::ScopeUpgrade,
        "The host's own record lacks scopes that its CLI asks for",
    ),
    CodeSpec::error("host-platform-pinned", Cause::DeviceRepin, "The host's own record is pinned to another platform"),
];

impl Check for HostDevice {
    fn id(&self) -> &'static str {
        "host-device"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/host_device"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let view = View::of(context)?;
        view.paired()?;
        if let crate::model::Fact::Unknown(why) = view.identity() {
            return Err(why);
        }
        let Some(device) = record(&view) else { return Ok(Vec::new()) };
        let lockout = of_host(&view, device).map(|lockout| self.lockout(context, &view, device, &lockout));
        let platform = self.platform(context, &view, device);
        Ok(lockout.into_iter().chain(platform).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let view = View::of(context).ok()?;
        let device = record(&view)?;
        if !plans::may_change(context) {
            return None;
        }
        let reason = "the next local connection is approved afresh, with all that the CLI asks for";
        let mut steps = plans::remove(&view, Part::Paired, &[device.place.key.as_str()], reason);
        if let Some(request) = request(&view) {
            let reason = "while it waits, this host's own device is not approved locally";
            steps.extend(plans::remove(&view, Part::Pending, &[request.place.key.as_str()], reason));
        }
        let summary = "Take out the record of this host's own device and its request, so that it is approved afresh";
        let plan = plans::plan(&view, finding, Applicability::Unsafe, summary, steps)
            .say_first("This host's own device gets a new device token; other devices are not touched")
            .then_by_hand(plans::connect_locally(context, &view));
        Some(match &finding.fix_hint {
            Some(hint) if view.rules.approves_own_request() => plan.say_first(format!("The gentler way. {hint}")),
            _ => plan,
        })
    }
}

/// The host's own record, if it is in order as a record: a broken one is told by `paired-records`.
pub(super) fn record<'s>(view: &View<'s>) -> Option<&'s PairedDevice> {
    let device = view.record_of(view.host_id()?)?;
    record_fault::faults(view, std::slice::from_ref(device)).is_empty().then_some(device)
}

/// The waiting request of the host's own device, live or not.
pub(super) fn request<'s>(view: &View<'s>) -> Option<&'s PendingRequest> {
    judged(view, view.pending().ok()?)
        .into_iter()
        .find(|judged| judged.is_host && !matches!(judged.meaning, Meaning::NullEntry | Meaning::OddEntry))
        .map(|judged| judged.request)
}

impl HostDevice {
    fn lockout(&self, context: &Context<'_>, view: &View<'_>, device: &PairedDevice, lockout: &Lockout) -> Finding {
        let release = context.release_words();
        let (code, holds, asks) = match &lockout.lacks {
            Lack::Role(roles) => {
                ("host-role-missing", format!("holds the roles {}", words::list(roles)), "the role operator".to_owned())
            }
            Lack::Token => {
                ("host-token-missing", "holds no valid device token".to_owned(), "a device token".to_owned())
            }
            Lack::Scopes { missing, held } => {
                ("host-scopes-short", format!("holds the scopes {}", words::list(held)), words::list(missing))
            }
        };
        let which =
            if lockout.every_call { "is refused with `pairing required`" } else { "is refused where it needs more" };
        let id = words::id(&device.place.key);
        let message = format!(
            "The record of this host's own device {id} {holds}, but the CLI of {release} asks for {asks}: it {which}, and \
             this release grants that to no local connection"
        );
        let path = view.path(Part::Paired);
        let mut finding =
            context.finding(self, code, &id, message).at(&path).span(view.span(Part::Paired, &device.place));
        finding.certainty = if view.rules.known && lockout.every_call { Certainty::Certain } else { Certainty::Likely };
        // A request that waits shows that a call was refused; without one, some may never need more.
        if !lockout.every_call && request(view).is_none() {
            finding.severity = Severity::Warning;
        }
        let text =
            format!("record {id} ({}; this host's own identity) {holds}; expected: {asks}", words::device(device));
        finding = finding.evidence(view.evidence(Part::Paired, &device.place, text));
        self.with_request(context, view, finding)
    }

    /// Adds the waiting request, and how it could be approved.
    fn with_request(&self, context: &Context<'_>, view: &View<'_>, finding: Finding) -> Finding {
        let Some(request) = request(view) else { return finding };
        let id = words::id(&request.place.key);
        let text = format!("request {id} of the same device waits for that upgrade; it is not approved without asking");
        let finding = finding.evidence(view.evidence(Part::Pending, &request.place, text));
        if view.rules.approves_own_request() && id == request.place.key {
            return finding.hint(format!("Approve it here: {}", context.openclaw(&format!("devices approve {id}"))));
        }
        finding.hint(
            "This host's CLI can't approve it, because it is the one that is refused; a device that is in with \
             `operator.admin` can",
        )
    }

    /// A live host whose platform is another than the pinned one (pairing-by-release 3.2; inferred there).
    fn platform(&self, context: &Context<'_>, view: &View<'_>, device: &PairedDevice) -> Option<Finding> {
        let host = &context.snapshot.host;
        if !host.live || !view.rules.pins_platform() || !view.cli_sends_device() {
            return None;
        }
        let own = match host.os.as_str() {
            "linux" => "linux",
            "macos" => "darwin",
            "windows" => "win32",
            _ => return None,
        };
        let pinned = device.platform.known().map(|text| text.trim()).filter(|text| !text.is_empty())?;
        if pinned.eq_ignore_ascii_case(own) || device.client_id.known().is_none_or(|client| client != "cli") {
            return None;
        }
        let id = words::id(&device.place.key);
        let message = format!(
            "The record of this host's own device {id} is pinned to the platform {}, but its CLI states {own}: each call is \
             refused with `pairing required` until that is approved again",
            words::cut(pinned)
        );
        let path = view.path(Part::Paired);
        let mut finding = context
            .finding(self, "host-platform-pinned", &id, message)
            .at(&path)
            .span(view.span(Part::Paired, &device.place));
        finding.certainty = Certainty::Likely;
        let text = format!("record {id} has `platform` {}; expected: {own}", words::cut(pinned));
        finding = finding.evidence(view.evidence(Part::Paired, &device.place, text));
        Some(self.with_request(context, view, finding))
    }
}
