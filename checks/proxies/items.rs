//! # Entries of gateway.trustedProxies
//!
//! ## What it finds
//! A value that is no list of texts; entries that can never match (a host name, a URL, an address with a port, a prefix
//! that is too long, an empty text); entries that only later releases can match (ranges, IPv6 ranges); entries that an
//! earlier one covers.
//!
//! ## Why it locks you out
//! A wrong type makes the whole configuration invalid. A text that can never match is accepted in silence, and the proxy
//! stays untrusted: up to 2026.7.35 everybody behind it counts as remote, from 2026.8.1 is refused with HTTP 403.
//!
//! ## How to read the evidence
//! The entry with its line, and what it was taken for.
//!
//! ## How to be sure by hand
//! OpenClaw itself says nothing about such entries (2026.9.6 calls `"10.0.0.0/99"` valid). Compare each with the address
//! that the gateway's log shows as `remote=` for proxied connections.
//!
//! ## What the fix does
//! Takes an entry out that can never match: nothing is trusted less than before. What you meant by it is yours to write:
//! the address that a name stands for may trust more than you want, and from 2026.2.19 to 2026.3.28 a loopback address
//! makes the host's own connections count as remote. A single text is made a list only on request, for the same reason.
//!
//! ## Since and until
//! Ranges match from 2026.2.17, IPv6 ranges and unusual spellings of addresses from 2026.2.22.

use super::address::{Entry, Support, Useless};
use super::trust::{Item, KEY, items, node};
use crate::checks::logs::evidence;
use crate::checks::reading::{in_words, quoted};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::{EventKind, Rejection};
use crate::model::address::shown;
use crate::model::plan::{Applicability, ConfigEdit, JsonPath, Plan};
use crate::model::{Cause, Certainty, Finding, Severity, Unknown};
use crate::snapshot::config::ConfigNode;

/// Entries of gateway.trustedProxies.
#[derive(Debug)]
pub struct Items;

const NO_LIST: &str = "trusted-proxies-no-list";
const TYPE: &str = "trusted-proxy-wrong-type";
const NAME: &str = "trusted-proxy-host-name";
const URL: &str = "trusted-proxy-url";
const PORT: &str = "trusted-proxy-port";
const PREFIX: &str = "trusted-proxy-prefix";
const EMPTY: &str = "trusted-proxy-empty";
const NOTHING: &str = "trusted-proxy-no-address";
const RANGE: &str = "trusted-proxy-range-unsupported";
const SPELLING: &str = "trusted-proxy-spelling";
const COVERED: &str = "trusted-proxy-covered";

impl Check for Items {
    fn id(&self) -> &'static str {
        "trusted-proxies"
    }

    fn area(&self) -> Area {
        Area::Proxies
    }

    fn source(&self) -> &'static str {
        "proxies/items"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const PROXY: Option<Cause> = Some(Cause::ProxyAttribution);
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(NO_LIST, Cause::ConfigInvalid, "gateway.trustedProxies is no list"),
            CodeSpec::error(TYPE, Cause::ConfigInvalid, "An entry is no text"),
            CodeSpec::warning(NAME, PROXY, "An entry is a host name, which never matches"),
            CodeSpec::warning(URL, PROXY, "An entry is a URL, which never matches"),
            CodeSpec::warning(PORT, PROXY, "An entry has a port, so it never matches"),
            CodeSpec::warning(PREFIX, PROXY, "An entry's prefix is too long, so it never matches"),
            CodeSpec::warning(EMPTY, PROXY, "An entry is empty"),
            CodeSpec::warning(NOTHING, PROXY, "An entry is no address"),
            CodeSpec::warning(RANGE, PROXY, "An entry is a range, which this release can't match"),
            CodeSpec::warning(SPELLING, PROXY, "An entry is spelt in a way that this release can't match"),
            CodeSpec::info(COVERED, None, "An entry is covered by an earlier one"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if context.loaded()?.is_none() {
            return Ok(Vec::new());
        }
        let Some(list) = node(context) else { return Ok(Vec::new()) };
        let Some(elements) = list.elements() else { return Ok(vec![self.no_list(context, list)]) };
        let others = elements.iter().enumerate().filter(|(_, element)| element.type_name() != "string");
        let mut findings: Vec<Finding> =
            others.map(|(index, element)| self.wrong_type(context, index, element)).collect();
        let items = items(context);
        let all_useless = items.iter().all(|item| !item.works());
        for (at, item) in items.iter().enumerate() {
            let covering = items.iter().take(at).find(|other| other.works() && other.entry.includes(&item.entry));
            match (self.fault(context, item), covering) {
                (Some(mut finding), _) => {
                    if all_useless {
                        // Somebody wanted a proxy to be trusted, and none is.
                        finding.certainty = Certainty::Likely;
                    }
                    findings.push(finding);
                }
                (None, Some(covering)) => findings.push(self.covered(context, item, covering)),
                (None, None) => {}
            }
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let list = node(context)?;
        if finding.code == NO_LIST {
            return list_plan(context, finding, list);
        }
        let (index, element) = list
            .elements()?
            .iter()
            .enumerate()
            .find(|(index, element)| self.fingerprint_of(context, *index, element) == finding.fingerprint)?;
        let useful = items(context).iter().any(|item| item.works());
        if matches!(finding.code.as_str(), RANGE | SPELLING) || !useful && proxied_refusals(context) {
            // Something real stands behind the entry, and what is to be trusted is not for a machine to say.
            let by_hand = finding.fix_hint.clone()?;
            return Some(Plan::manual(finding, "decide which address to trust", vec![by_hand]));
        }
        let was = element.as_str().map(serde_json::Value::from).or_else(|| plain(element));
        let edits =
            vec![ConfigEdit::RemoveElement { array: JsonPath::keys(["gateway", "trustedProxies"]), index, was }];
        let summary = format!("take {} out of {KEY}", in_words(element));
        let plan = context.edit_plan(finding, Applicability::Safe, summary, element, edits, "it can never match")?;
        Some(match finding.fix_hint.clone() {
            Some(hint) => plan.then_by_hand(hint),
            None => plan,
        })
    }
}

impl Items {
    fn no_list(&self, context: &Context<'_>, list: &ConfigNode) -> Finding {
        let message =
            format!("{KEY} must be a list of addresses, and is {}: the configuration is invalid", in_words(list));
        let example = match list.as_str() {
            Some(text) => format!("Write {KEY}: [{}]", quoted(text)),
            None => format!("Make {KEY} a list of addresses, or remove it"),
        };
        context.config_finding(self, NO_LIST, KEY, list, message).hint(example)
    }

    fn wrong_type(&self, context: &Context<'_>, index: usize, element: &ConfigNode) -> Finding {
        let key = format!("{KEY}[{index}]");
        let message =
            format!("{key} must be an address as text, and is {}: the configuration is invalid", in_words(element));
        context.config_finding(self, TYPE, &key, element, message).hint("Take the entry out, or write it as a text")
    }

    fn covered(&self, context: &Context<'_>, item: &Item<'_>, covering: &Item<'_>) -> Finding {
        let message = format!("{} is already covered by {}", quoted(item.text), quoted(covering.text));
        context.config_finding(self, COVERED, &item.key(), item.node, message)
    }

    fn fault(&self, context: &Context<'_>, item: &Item<'_>) -> Option<Finding> {
        let release = context.release_words();
        let text = quoted(item.text);
        let (code, why, hint) = match (&item.entry, item.support) {
            (Entry::Useless(useless), _) => useless_words(useless),
            (Entry::Range(_), Support::NoRanges) => (
                RANGE,
                format!("{release} compares addresses as text and can't match ranges (from 2026.2.17)"),
                "List the single addresses of the proxies".to_owned(),
            ),
            (Entry::Range(_), Support::NoV6Ranges) => (
                RANGE,
                format!("{release} can match IPv4 ranges only (IPv6 ranges from 2026.2.22)"),
                "List the single IPv6 addresses of the proxies".to_owned(),
            ),
            (Entry::Address(address), Support::NotCanonical) => (
                SPELLING,
                format!("{release} compares addresses as text, and the gateway sees this one as {address}"),
                format!("Write it as {address}"),
            ),
            _ => return None,
        };
        let message = format!("{} {text} never matches: {why}", item.key());
        let mut finding = context.config_finding(self, code, &item.key(), item.node, message).hint(hint);
        finding.certainty = Certainty::Possible;
        if code == EMPTY {
            finding.severity = Severity::Info;
        }
        Some(finding)
    }

    fn fingerprint_of(&self, context: &Context<'_>, index: usize, element: &ConfigNode) -> String {
        let item = items(context).into_iter().find(|item| item.index == index);
        let finding = match item {
            None => Some(self.wrong_type(context, index, element)),
            Some(item) => self.fault(context, &item),
        };
        finding.map(|finding| finding.fingerprint).unwrap_or_default()
    }
}

fn useless_words(useless: &Useless) -> (&'static str, String, String) {
    let trap = "; but a loopback address here makes the host's own connections remote from 2026.2.19 to 2026.3.28";
    match useless {
        Useless::Empty => (EMPTY, "it is empty".to_owned(), "Take it out".to_owned()),
        Useless::HostName(Some(address)) => (
            NAME,
            "names are not resolved".to_owned(),
            format!("If the proxy runs on this host, it connects from {}{trap}", shown(*address)),
        ),
        Useless::HostName(None) => (
            NAME,
            "names are not resolved".to_owned(),
            "Write the address from which the proxy connects: the log shows it as remote=".to_owned(),
        ),
        Useless::Url => (
            URL,
            "it is a URL".to_owned(),
            "Write the address from which the proxy connects: the log shows it as remote=".to_owned(),
        ),
        Useless::Port(address) => {
            (PORT, "it has a port, and connections come from any port".to_owned(), format!("Write {}", shown(*address)))
        }
        Useless::Prefix(length) => {
            (PREFIX, format!("a prefix of {length} is longer than the address"), "Correct the prefix".to_owned())
        }
        Useless::Zone(address) => {
            (NOTHING, "an address with a zone is not matched".to_owned(), format!("Write {}", shown(*address)))
        }
        Useless::Pattern => (
            NOTHING,
            "patterns and spans are not understood".to_owned(),
            "Write single addresses, or from 2026.2.17 a range such as 10.0.0.0/24".to_owned(),
        ),
        Useless::Nothing => (
            NOTHING,
            "it is no address".to_owned(),
            "Write the address from which the proxy connects: the log shows it as remote=".to_owned(),
        ),
    }
}

/// Whether the log shows refusals that a proxy has a part in.
fn proxied_refusals(context: &Context<'_>) -> bool {
    evidence::logs(context).is_ok_and(|summary| {
        summary.count(EventKind::ProxyHeadersUntrusted) > 0
            || summary.count(EventKind::UnattributableProxy) > 0
            || summary.episodes.iter().any(|episode| episode.rejection == Some(Rejection::ProxyAttribution))
    })
}

/// A scalar that is no text, as JSON.
fn plain(node: &ConfigNode) -> Option<serde_json::Value> {
    use crate::snapshot::config::ConfigValue;
    match &node.value {
        ConfigValue::Null => Some(serde_json::Value::Null),
        ConfigValue::Bool(value) => Some((*value).into()),
        ConfigValue::Number(number) => Some(number.clone().into()),
        _ => None,
    }
}

/// A text becomes a list of the addresses in it.
fn list_plan(context: &Context<'_>, finding: &Finding, list: &ConfigNode) -> Option<Plan> {
    let text = list.as_str()?;
    let parts: Vec<&str> = text.split([',', ' ', ';']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let sound =
        !parts.is_empty() && parts.iter().all(|part| !matches!(super::address::classify(part), Entry::Useless(_)));
    if !sound {
        return Some(Plan::manual(finding, "write the list by hand", vec![finding.fix_hint.clone()?]));
    }
    let edits = vec![ConfigEdit::ReplaceValue {
        at: JsonPath::keys(["gateway", "trustedProxies"]),
        was: Some(text.into()),
        to: parts.iter().map(|part| serde_json::Value::from(*part)).collect(),
    }];
    let loopback = parts
        .iter()
        .map(|part| super::address::classify(part))
        .any(|entry| entry.covers_v4_loopback() || entry.covers_v6_loopback());
    let plan = context.edit_plan(
        finding,
        Applicability::Unsafe,
        format!("make {KEY} a list"),
        list,
        edits,
        "OpenClaw wants a list",
    )?;
    let plan = plan.say_first(format!(
        "Until now nothing was trusted. From then on forwarded headers from {} are believed.",
        parts.join(", ")
    ));
    let trapped = loopback && context.within((2, 19), (3, 28)) != Some(false);
    Some(if trapped {
        plan.say_first(
            "A loopback address in the list makes this host's own direct connections count as remote in this release.",
        )
    } else {
        plan
    })
}
