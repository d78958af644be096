//! # gateway.trustedProxies is too wide
//!
//! ## What it finds
//! Ranges that cover more than proxies: everything, a whole private block, the tailnet, large public networks.
//!
//! ## Why it locks you out
//! Whoever is inside such a range may say in a header who they are. Up to 2026.3.28 a client of the LAN that claims
//! `X-Forwarded-For: 127.0.0.1` counts as local and is approved by itself. From 2026.8.1 it turns round: a client inside
//! the range that connects directly, or through the proxy with its own address, has no usable address left and is
//! refused with HTTP 403.
//!
//! ## How to read the evidence
//! The range, what it covers, and whether the gateway listens where such clients can reach it.
//!
//! ## How to be sure by hand
//! Compare the range with the address that the log shows as `remote=` for proxied connections; only that one belongs
//! into the list.
//!
//! ## What the fix does
//! Nothing by itself: only you know the proxy's address. The doctor never widens trust.
//!
//! ## Since and until
//! All releases that know ranges (from 2026.2.17). The refusal by HTTP 403 is from 2026.8.1.

use super::address::Entry;
use super::trust::{Item, items};
use crate::checks::logs::evidence;
use crate::checks::reading::quoted;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::Rejection;
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, Unknown};
use ipnet::IpNet;

/// gateway.trustedProxies is too wide.
#[derive(Debug)]
pub struct Wide;

const WIDE: &str = "trusted-proxies-too-wide";

impl Check for Wide {
    fn id(&self) -> &'static str {
        "trusted-proxies-width"
    }

    fn area(&self) -> Area {
        Area::Proxies
    }

    fn source(&self) -> &'static str {
        "proxies/wide"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] =
            &[CodeSpec::warning(WIDE, Some(Cause::ProxyAttribution), "A trusted range covers more than proxies")];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let items = items(context);
        Ok(items.iter().filter(|item| item.works()).filter_map(|item| self.finding(context, item)).collect())
    }

    fn plan(&self, _: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = finding.fix_hint.clone()?;
        Some(Plan::manual(finding, "narrow the range to the proxies' own addresses", vec![by_hand]))
    }
}

impl Wide {
    fn finding(&self, context: &Context<'_>, item: &Item<'_>) -> Option<Finding> {
        let Entry::Range(range) = &item.entry else { return None };
        let covers = covers(range)?;
        let open = matches!(context.text(&["gateway", "bind"]), Some("lan" | "tailnet" | "custom"));
        let effect = match context.since(8, 1) {
            Some(true) => "clients inside it that connect directly are refused with HTTP 403",
            Some(false) => "clients inside it may claim any address for themselves",
            None => "clients inside it may claim any address for themselves, or are refused",
        };
        let message = format!("{} {} covers {covers}: {effect}", item.key(), quoted(item.text));
        let finding = context
            .config_finding(self, WIDE, &item.key(), item.node, message)
            .hint("List the addresses from which the proxies connect, and nothing else");
        let mut finding = finding;
        finding.cause = None;
        if open && context.since(8, 1) == Some(true) {
            return Some(finding.because(Cause::ProxyAttribution, Certainty::Possible));
        }
        // Before, the range alone lets people claim addresses; together with clients that are refused it may be why.
        match refused_within(context, range) {
            Some(piece) => Some(finding.because(Cause::ProxyAttribution, Certainty::Possible).evidence(piece)),
            None => Some(finding),
        }
    }
}

/// A client that is refused now, came in from inside the range, and brought a forwarded address along.
fn refused_within(context: &Context<'_>, range: &IpNet) -> Option<Evidence> {
    let summary = evidence::logs(context).ok()?;
    let episode = summary.episodes.iter().find(|episode| {
        let detail = &episode.sample.detail;
        let remote = detail.remote.as_deref().and_then(|remote| remote.parse::<std::net::IpAddr>().ok());
        let forwarded = detail.forwarded_for.as_deref().is_some_and(|text| !text.is_empty() && text != "n/a");
        matches!(episode.rejection, Some(Rejection::NotPaired | Rejection::PairingRequired))
            && evidence::is_current(context, episode)
            && forwarded
            && remote.is_some_and(|remote| range.contains(&remote.to_canonical()))
    })?;
    Some(evidence::evidence(summary, episode, "refused, with a forwarded address, from inside the range"))
}

/// What a range covers that no proxy needs.
fn covers(range: &IpNet) -> Option<&'static str> {
    if range.prefix_len() == 0 {
        return Some("every address");
    }
    let within = |net: &str| net.parse::<IpNet>().is_ok_and(|net| net.contains(range));
    match range {
        IpNet::V4(net) if net.addr().is_loopback() && net.prefix_len() >= 8 => None,
        // One container network is what compose and Kubernetes give their proxies.
        IpNet::V4(net) if within("172.16.0.0/12") && net.prefix_len() >= 16 => None,
        IpNet::V4(net) if within("10.0.0.0/8") && net.prefix_len() >= 16 => None,
        IpNet::V4(net) if within("192.168.0.0/16") && net.prefix_len() >= 24 => None,
        IpNet::V4(_) if within("100.64.0.0/10") => Some("the tailnet, where clients live"),
        IpNet::V4(_) if within("192.168.0.0/16") || within("10.0.0.0/8") || within("172.16.0.0/12") => {
            Some("a private network, where clients live")
        }
        IpNet::V4(net) if net.prefix_len() < 20 => Some("a large network"),
        IpNet::V6(_) if within("fd7a:115c:a1e0::/48") => Some("the tailnet, where clients live"),
        IpNet::V6(net) if net.prefix_len() < 56 => Some("a large network"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_that_hold_clients_are_wide() {
        let of = |text: &str| covers(&text.parse().expect("range"));
        for wide in [
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "100.100.0.0/16",
            "fd7a:115c:a1e0::/48",
            "fc00::/7",
            "104.16.0.0/13",
        ] {
            assert!(of(wide).is_some(), "{wide}");
        }
        for narrow in [
            "127.0.0.0/8",
            "127.0.0.1/32",
            "172.17.0.0/16",
            "10.42.0.0/24",
            "192.168.1.0/24",
            "203.0.113.0/24",
            "fd00:1::/64",
        ] {
            assert_eq!(of(narrow), None, "{narrow}");
        }
    }
}
