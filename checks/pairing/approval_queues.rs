//! # The request waits in another queue than the one you look at
//!
//! ## What it finds
//! What waits in each of the three queues that share the word pairing: devices (`openclaw devices list`), nodes
//! (`openclaw nodes pending`, from 2026.3.31), and the senders of chat channels (`openclaw pairing list CHANNEL`).
//!
//! ## Why it locks you out
//! It does not by itself: nothing is broken, but an approval in the wrong queue changes nothing. A node that connects for
//! the first time waits among the *devices*; only afterwards, from 2026.3.31, what it offers waits among the nodes.
//! Senders of a chat channel have nothing to do with connecting to the gateway.
//!
//! ## How to read the evidence
//! Each line names one request, its queue, and the command that shows it.
//!
//! ## How to be sure by hand
//! Run the three commands above.
//!
//! ## What the fix does
//! Nothing: whether a device, a node or a sender may come in is for you to say. The hint has the exact command.
//!
//! ## Since and until
//! All releases; the queue of nodes from 2026.3.31. From 2026.8.1 nodes are columns of the device's row.

use super::requests::{Judged, Meaning, judged};
use super::view::{Generation, Part, View};
use super::words::{self, count};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, HostPath, Unknown};

/// See the module's documentation.
pub struct ApprovalQueues;

static CODES: &[CodeSpec] = &[
    CodeSpec::info(
        "node-among-devices",
        Some(Cause::WrongQueue),
        "A node waits among the devices, not among the nodes",
    ),
    CodeSpec::info("node-offer-waits", Some(Cause::WrongQueue), "What a node offers waits for approval"),
    CodeSpec::info("channel-sender-waits", Some(Cause::WrongQueue), "Senders of a chat channel wait for approval"),
];

impl Check for ApprovalQueues {
    fn id(&self) -> &'static str {
        "approval-queues"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/approval_queues"
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
        let offers = offers(&view);
        let found =
            [self.among_devices(context, &view, &judged, !offers.is_empty()), self.offers(context, &view, &offers)];
        Ok(found.into_iter().flatten().chain(self.channels(context, &view)).collect())
    }
}

fn is_node(judged: &Judged<'_>) -> bool {
    judged.request.role.known().is_some_and(|role| role == "node")
}

/// A node whose offer waits.
struct Offer {
    evidence: Evidence,
    path: HostPath,
    request: Option<String>,
}

impl ApprovalQueues {
    fn among_devices(
        &self,
        context: &Context<'_>,
        view: &View<'_>,
        judged: &[Judged<'_>],
        has_offers: bool,
    ) -> Option<Finding> {
        let nodes: Vec<&Judged<'_>> = judged
            .iter()
            .filter(|judged| !judged.is_over && is_node(judged))
            .filter(|judged| {
                matches!(judged.meaning, Meaning::New | Meaning::OtherKey | Meaning::More(..) | Meaning::Metadata(..))
            })
            .collect();
        let first = nodes.first()?;
        let path = view.path(Part::Pending);
        let message = format!(
            "{} among the devices ({}), where `nodes pending` and `pairing list` do not show it",
            if nodes.len() == 1 { "1 node waits".to_owned() } else { format!("{} nodes wait", nodes.len()) },
            context.openclaw("devices list")
        );
        let mut finding = context
            .finding(self, "node-among-devices", &path.to_string(), message)
            .at(&path)
            .span(view.span(Part::Pending, &first.request.place));
        // Nothing here tells which queue somebody looked at; with an empty list of nodes that is the likely one.
        let nobody_else = view.knows_no_node() && judged.iter().all(|other| other.is_over || is_node(other));
        finding.certainty = if nobody_else { Certainty::Certain } else { Certainty::Possible };
        for judged in nodes.iter().take(words::MOST_LISTED) {
            let text = format!(
                "request {} ({}) waits among the devices",
                words::id(&judged.request.place.key),
                words::request(judged.request)
            );
            finding = finding.evidence(view.evidence(Part::Pending, &judged.request.place, text));
        }
        let then = if view.rules.has_node_queue() && !has_offers {
            "; what it offers waits among the nodes afterwards"
        } else {
            ""
        };
        Some(finding.hint(format!("Approve it with `devices approve`, not with `nodes approve`{then}")))
    }

    fn offers(&self, context: &Context<'_>, view: &View<'_>, offers: &[Offer]) -> Option<Finding> {
        let first = offers.first()?;
        let message = format!(
            "{} connected, but what it offers waits for approval among the nodes",
            if offers.len() == 1 { "A node is".to_owned() } else { format!("{} are", count(offers.len(), "node")) }
        );
        let mut finding = context.finding(self, "node-offer-waits", &first.path.to_string(), message).at(&first.path);
        finding.certainty = Certainty::Possible;
        // In a database every connected node has an offer that waits; only in the JSON era it is a request of its own.
        if view.json().is_none() {
            finding.cause = None;
        }
        (finding.line, finding.column) = (first.evidence.line, first.evidence.column);
        for offer in offers.iter().take(words::MOST_LISTED) {
            finding = finding.evidence(offer.evidence.clone());
        }
        let command = match &first.request {
            Some(id) if offers.len() == 1 && words::id(id) == *id => context.openclaw(&format!("nodes approve {id}")),
            _ => context.openclaw("nodes pending"),
        };
        Some(finding.hint(format!("If you know the node: {command}")))
    }

    fn channels(&self, context: &Context<'_>, view: &View<'_>) -> Vec<Finding> {
        waiting_senders(view)
            .into_iter()
            .map(|(channel, number, path)| {
                let message = format!(
                    "{} of the channel {} for approval; no device is meant",
                    waits(number),
                    words::cut(&channel)
                );
                let finding = context
                    .finding(self, "channel-sender-waits", &channel, message)
                    .because(Cause::WrongQueue, Certainty::Possible)
                    .at(&path)
                    .evidence(Evidence::new(format!("{} among the senders", count(number, "request"))).at(&path));
                let plain = words::id(&channel) == channel;
                let list = if plain { format!("pairing list {channel}") } else { "pairing list".to_owned() };
                finding.hint(format!("See who it is: {}", context.openclaw(&list)))
            })
            .collect()
    }
}

fn waits(number: usize) -> String {
    if number == 1 { "1 sender waits".to_owned() } else { format!("{number} senders wait") }
}

/// The life of a chat request, in ms (pairing-by-release 1.2).
const SENDER_LIFE_MS: i64 = 60 * 60 * 1000;

/// Channels with live requests: name, how many, and where.
fn waiting_senders(view: &View<'_>) -> Vec<(String, usize, HostPath)> {
    match view.generation {
        Generation::Json(store) => store
            .channel_queues
            .iter()
            .filter(|queue| {
                queue.newest_ms.known().is_some_and(|newest| view.as_of_ms <= newest.saturating_add(SENDER_LIFE_MS))
            })
            .filter_map(|queue| {
                let number = *queue.requests.known().filter(|number| **number > 0)?;
                Some((queue.channel.clone(), number, queue.path.clone()))
            })
            .collect(),
        Generation::Sqlite(path, content) => {
            let mut by_channel: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
            for request in content.channel_requests.known().into_iter().flatten() {
                let seen = request.last_seen_at.known().or(request.created_at.known());
                let seen = seen.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(|time| time.as_millisecond());
                if seen.is_some_and(|seen| view.as_of_ms <= seen.saturating_add(SENDER_LIFE_MS)) {
                    *by_channel.entry(request.channel.as_str()).or_default() += 1;
                }
            }
            by_channel.into_iter().map(|(channel, number)| (channel.to_owned(), number, path.clone())).collect()
        }
    }
}

fn offers(view: &View<'_>) -> Vec<Offer> {
    match view.generation {
        Generation::Json(store) if view.rules.has_node_queue() => {
            let file = &store.node_requests;
            let Some(path) = &file.path else { return Vec::new() };
            file.live()
                .iter()
                .filter_map(|request| {
                    let text = offer_text(request.request_id.known(), request.node_id.known()?);
                    let evidence = Evidence::new(text).at(path);
                    let evidence = match file.span_of(&request.place) {
                        Some(span) => evidence.span(span),
                        None => evidence,
                    };
                    Some(Offer { evidence, path: path.clone(), request: request.request_id.known().cloned() })
                })
                .collect()
        }
        Generation::Json(_) => Vec::new(),
        Generation::Sqlite(path, content) => content
            .paired
            .known()
            .into_iter()
            .flatten()
            .filter_map(|device| {
                let Fact::Known(surface) = &device.pending_node_surface else { return None };
                let text = offer_text(surface.request_id.known(), &device.place.key);
                let evidence = Evidence::new(format!("device_pairing_paired: {text}")).at(path);
                Some(Offer { evidence, path: path.clone(), request: surface.request_id.known().cloned() })
            })
            .collect(),
    }
}

fn offer_text(request: Option<&String>, node: &str) -> String {
    let id = request.map_or_else(|| "without an id".to_owned(), |id| words::id(id));
    format!("request {id} of node {} waits among the nodes", words::id(node))
}
