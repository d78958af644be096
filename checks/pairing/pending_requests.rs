//! # Requests that wait for approval
//!
//! ## What it finds
//! Every entry of the waiting requests: new devices, known devices that ask for more or came back with another key or
//! platform, requests of this host's own device that keep its local approval away, expired ones, and entries that are
//! no requests. A device that waits for its first approval is no fault.
//!
//! ## Why it locks you out
//! A local connection of an unknown device is approved without asking, but not while a request of the same device waits
//! that was made when it counted as remote (through a proxy, over a LAN address, or for an upgrade): that request is
//! handed out again until it is gone, at the earliest after five minutes. In 2026.2.21 to 4.9 and from 2026.7.1 a client
//! that keeps trying keeps it alive for ever. One entry `null` in `pending.json` ends every handshake, of paired devices
//! too, with close code 1000.
//!
//! ## How to read the evidence
//! Each line names a request by its id, its device and client, when it was made, and why it waits. `silent` false means
//! that it is not to be approved without asking.
//!
//! ## How to be sure by hand
//! `openclaw devices list` shows the same requests, if the CLI gets in. The log has
//! `security audit: device access upgrade requested reason=…` for upgrades.
//!
//! ## What the fix does
//! Drops the request of this host's own device, or the entry that is none; nothing else. The next local connection is
//! then approved. Requests of other devices are never approved or dropped by the doctor: read them, then approve by id.
//!
//! ## Since and until
//! All releases. Metadata is compared from 2026.2.26; `openclaw devices` helps a locked-out host itself from 2026.2.21.

use super::lockout::of_host;
use super::plans;
use super::record_fault;
use super::requests::{Judged, Meaning, Origin, judged, never_expires};
use super::view::{Part, View};
use super::words::{self, count};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Applicability, Cause, Certainty, Evidence, Finding, Plan, Unknown};

/// See the module's documentation.
pub struct PendingRequests;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("request-entry-null", Cause::PairingStoreDamaged, "An entry `null` ends every handshake"),
    CodeSpec::error(
        "host-request-blocks",
        Cause::ProxyAttribution,
        "A request of the host's own device blocks its local approval",
    ),
    CodeSpec::warning(
        "device-asks-more",
        Some(Cause::ScopeUpgrade),
        "A paired device asks for more than its record holds",
    ),
    CodeSpec::warning("device-key-changed", Some(Cause::DeviceRepin), "A known device came back with another key"),
    CodeSpec::warning(
        "device-metadata-changed",
        Some(Cause::DeviceRepin),
        "A known device came back with another platform or family",
    ),
    CodeSpec::info("device-waits", Some(Cause::NewDevice), "A new device waits for its first approval"),
    CodeSpec::info("request-left-over", None, "A request waits whose device holds all that it asks for"),
    CodeSpec::info("request-entry-odd", None, "An entry among the waiting requests is no request"),
    CodeSpec::info("requests-expired", None, "Expired requests are still stored"),
];

impl Check for PendingRequests {
    fn id(&self) -> &'static str {
        "pending-requests"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/pending_requests"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let view = View::of(context)?;
        let judged = judged(&view, view.pending()?);
        Ok(CODES
            .iter()
            .filter_map(|spec| {
                let group: Vec<&Judged<'_>> =
                    judged.iter().filter(|request| code(&view, request) == Some(spec.code)).collect();
                group.first().map(|first| self.finding(context, &view, spec.code, first, &group))
            })
            .collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let view = View::of(context).ok()?;
        let judged = judged(&view, view.pending().ok()?);
        let keys: Vec<&str> = judged
            .iter()
            .filter(|request| code(&view, request) == Some(finding.code.as_str()))
            .map(|request| request.request.place.key.as_str())
            .collect();
        let number = keys.len();
        let dropped = |applicability: Applicability, what: &str, reason: &str| {
            let summary = format!("Drop {} from {}", count(number, what), view.path(Part::Pending));
            let steps = plans::remove(&view, Part::Pending, &keys, reason);
            plans::may_change(context).then(|| plans::plan(&view, finding, applicability, summary, steps))
        };
        match finding.code.as_str() {
            "request-entry-null" => {
                dropped(Applicability::Safe, "entry", "`null` ends every handshake, and holds nothing")
            }
            "request-entry-odd" if view.json().is_some() => {
                dropped(Applicability::Safe, "entry", "it is no request and never goes away by itself")
            }
            "host-request-blocks" => {
                let reason = "it was made while this host counted as remote, and keeps the local approval away";
                // Stopping a gateway for it changes more than the request.
                let applicability = if view.json().is_some() { Applicability::Safe } else { Applicability::Unsafe };
                let again = plans::connect_locally(context, &view);
                dropped(applicability, "request", reason).map(|plan| plan.then_by_hand(again))
            }
            "requests-expired" | "request-left-over" | "request-entry-odd" => None,
            _ => finding.fix_hint.clone().map(|hint| {
                let read = format!("Read what waits: {}", context.openclaw("devices list"));
                Plan::manual(finding, "Whether these devices may come in is for you to say", vec![read, hint])
            }),
        }
    }
}

/// The code of a request; `None` where another check tells it as part of its story.
fn code(view: &View<'_>, judged: &Judged<'_>) -> Option<&'static str> {
    Some(match &judged.meaning {
        Meaning::NullEntry => "request-entry-null",
        Meaning::OddEntry => "request-entry-odd",
        Meaning::Expired => "requests-expired",
        Meaning::BlocksHost(_) => "host-request-blocks",
        Meaning::New | Meaning::Unclear => "device-waits",
        Meaning::OtherKey => "device-key-changed",
        Meaning::Metadata(..) => "device-metadata-changed",
        // The host's own lock-out is told by `host-device`, or by `paired-records` where its record is broken.
        Meaning::More(..) if judged.is_host && record_locks_out(view, judged) => return None,
        Meaning::More(..) => "device-asks-more",
        Meaning::LeftOver => "request-left-over",
    })
}

fn record_locks_out(view: &View<'_>, judged: &Judged<'_>) -> bool {
    let id = judged.request.device_id.known();
    id.and_then(|id| view.record_of(id)).is_some_and(|device| of_host(view, device).is_some())
}

impl PendingRequests {
    fn finding(
        &self,
        context: &Context<'_>,
        view: &View<'_>,
        code: &str,
        first: &Judged<'_>,
        group: &[&Judged<'_>],
    ) -> Finding {
        let path = view.path(Part::Pending);
        let message = format!("{} in {path}: {}", count(group.len(), noun(code)), effect(first, context, view));
        let mut finding = context
            .finding(self, code, &path.to_string(), message)
            .at(&path)
            .span(view.span(Part::Pending, &first.request.place));
        finding.certainty = certainty(first, view);
        if let Meaning::BlocksHost(origin) = first.meaning {
            // Where the host's own record is broken, its CLI asks afresh because of that.
            finding.cause = Some(if host_record_is_broken(view) { Cause::PairingStoreDamaged } else { origin.cause() });
        }
        for judged in group.iter().take(words::MOST_LISTED) {
            finding = finding.evidence(view.evidence(Part::Pending, &judged.request.place, evidence(judged)));
        }
        if group.len() > words::MOST_LISTED {
            let more = count(group.len() - words::MOST_LISTED, "entry");
            finding = finding.evidence(Evidence::new(format!("and more: {more}")).at(&path));
        }
        match hint(first, group.len(), context, view) {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }
}

fn host_record_is_broken(view: &View<'_>) -> bool {
    view.paired().is_ok_and(|paired| record_fault::faults(view, paired).iter().any(|fault| fault.is_host))
}

fn noun(code: &str) -> &'static str {
    match code {
        "request-entry-null" | "request-entry-odd" => "entry",
        "requests-expired" => "expired request",
        "host-request-blocks" => "request of this host's own device",
        _ => "request",
    }
}

fn certainty(judged: &Judged<'_>, view: &View<'_>) -> Certainty {
    match judged.meaning {
        _ if !view.rules.known || judged.is_over => Certainty::Likely,
        Meaning::Unclear => Certainty::Possible,
        // That it blocks is certain; what made it count as remote is read from what was recorded.
        Meaning::BlocksHost(_) => Certainty::Likely,
        _ => Certainty::Certain,
    }
}

fn effect(judged: &Judged<'_>, context: &Context<'_>, view: &View<'_>) -> String {
    let release = context.release_words();
    match &judged.meaning {
        Meaning::NullEntry => {
            format!(
                "`null` makes {release} end every handshake, of paired devices too, with close code 1000 and no reason"
            )
        }
        Meaning::OddEntry => "it is no request; it harms nobody and never goes away by itself".to_owned(),
        Meaning::Expired => "their five minutes are over; nobody is locked out by them".to_owned(),
        Meaning::BlocksHost(origin) => {
            let why = match origin {
                Origin::NoAddress => {
                    "was made while it counted as remote, through a proxy or because of `gateway.trustedProxies`"
                }
                Origin::Proxied => "was made through a trusted proxy, which counts as remote",
                Origin::Address => "was made over an address that is not loopback, which counts as remote",
                Origin::Upgrade => "is left from an upgrade of a record that is gone",
            };
            let life = if never_expires(view, judged.request) {
                "it has no time in it, so it never expires"
            } else {
                "it lives five minutes, longer in releases where each try renews it"
            };
            format!("it {why}, and keeps this host's own CLI from being approved locally (`pairing required`); {life}")
        }
        Meaning::New => "a new device waits for its first approval; nothing is broken".to_owned(),
        Meaning::Unclear => "a device waits; whether it is known can't be told".to_owned(),
        Meaning::OtherKey => "a device that is known asks with another key and has to be approved again".to_owned(),
        Meaning::Metadata(field, ..) => {
            format!("a paired device states another `{field}` than the pinned one and has to be approved again")
        }
        Meaning::More(roles, scopes) => {
            let what = if scopes.is_empty() { format!("role {}", words::list(roles)) } else { words::list(scopes) };
            format!(
                "a paired device asks for more than its record holds ({what}) and is refused until that is approved"
            )
        }
        Meaning::LeftOver => "its device is paired and holds all that it asks for; it goes away by itself".to_owned(),
    }
}

fn evidence(judged: &Judged<'_>) -> String {
    let request = judged.request;
    let id = words::id(&request.place.key);
    if let Meaning::NullEntry | Meaning::OddEntry = judged.meaning {
        return format!(
            "entry {id} is no request; expected: an object with `requestId`, `deviceId`, `publicKey`, `ts`"
        );
    }
    let device = request.device_id.known().map_or_else(|| "unknown".to_owned(), |id| words::id(&id.0));
    let own = if judged.is_host { ", this host's own identity" } else { "" };
    let made = match request.ts_ms.known() {
        Some(ts) => format!("made {}", words::time(*ts)),
        None => "without a time, so that it never expires".to_owned(),
    };
    let over = if judged.is_over { ", expired since" } else { "" };
    let silent = if request.silent.known() == Some(&true) { "" } else { ", not to be approved without asking" };
    let asks = request.scopes.known().filter(|scopes| !scopes.is_empty());
    let asks = asks.map(|scopes| format!(", asks for {}", words::list(scopes))).unwrap_or_default();
    let from = request.remote_ip.known().map(|ip| format!(", from {}", words::cut(ip))).unwrap_or_default();
    let changed = match &judged.meaning {
        Meaning::Metadata(field, pinned, claimed) => {
            let claimed = claimed.as_deref().map_or_else(|| "nothing".to_owned(), words::cut);
            format!(", `{field}` pinned to {}, now {claimed}", words::cut(pinned))
        }
        _ => String::new(),
    };
    format!(
        "request {id} of device {device}{own} ({}){from}: {made}{over}{silent}{asks}{changed}",
        words::request(request)
    )
}

/// What to do, with commands of that release. Only ids that are plainly ids go into a command.
fn hint(judged: &Judged<'_>, number: usize, context: &Context<'_>, view: &View<'_>) -> Option<String> {
    let id = &judged.request.place.key;
    let plain = words::id(id) == *id;
    let approve = |what: &str| {
        if judged.is_over {
            format!("{what}, after it has asked again: {}", context.openclaw("devices list"))
        } else if number == 1 && plain {
            format!("{what}: {}", context.openclaw(&format!("devices approve {id}")))
        } else {
            format!("{what}, each by its id: {}", context.openclaw("devices list"))
        }
    };
    match &judged.meaning {
        Meaning::New | Meaning::Unclear => Some(approve("If you know the device, approve it")),
        Meaning::OtherKey | Meaning::Metadata(..) => {
            Some(approve("If you changed or reinstalled that device yourself, approve it again"))
        }
        Meaning::More(..) => Some(approve("If that device is to have more rights, approve it")),
        Meaning::BlocksHost(_) if view.rules.approves_own_request() && plain => {
            Some(format!("Approve it here: {}", context.openclaw(&format!("devices approve {id}"))))
        }
        Meaning::BlocksHost(_) => Some("Drop that one request, then connect locally again".to_owned()),
        _ => None,
    }
}
