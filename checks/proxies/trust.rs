//! `gateway.trustedProxies` as the judged release takes it. Shared by the checks of this folder.

use super::address::{Entry, Support, classify, support};
use crate::checks::Context;
use crate::snapshot::config::ConfigNode;
use std::net::IpAddr;

/// One text of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<'s> {
    /// Its place in the list, from 0.
    pub index: usize,
    /// The value in the configuration.
    pub node: &'s ConfigNode,
    /// The text.
    pub text: &'s str,
    /// What it is.
    pub entry: Entry,
    /// Whether the judged release can match it.
    pub support: Support,
}

impl Item<'_> {
    /// `gateway.trustedProxies[0]`
    pub fn key(&self) -> String {
        format!("{KEY}[{}]", self.index)
    }

    /// Whether it can match in the judged release, as far as is known.
    pub fn works(&self) -> bool {
        !matches!(self.entry, Entry::Useless(_)) && matches!(self.support, Support::Yes | Support::Unsure)
    }
}

/// The key.
pub const KEY: &str = "gateway.trustedProxies";

/// The list's value, whatever it is.
pub fn node<'s>(context: &Context<'s>) -> Option<&'s ConfigNode> {
    context.value(&["gateway", "trustedProxies"])
}

/// The texts of the list. References to variables and values of another type are left out.
pub fn items<'s>(context: &Context<'s>) -> Vec<Item<'s>> {
    let elements = node(context).and_then(ConfigNode::elements).unwrap_or_default();
    let texts = elements.iter().enumerate().filter_map(|(index, node)| Some((index, node, node.as_str()?)));
    texts
        .map(|(index, node, text)| {
            let entry = classify(text);
            let support = support(text, &entry, context.release());
            Item { index, node, text, entry, support }
        })
        .collect()
}

/// Whether the list trusts an address in the judged release.
pub fn trusts(context: &Context<'_>, address: IpAddr) -> bool {
    items(context).iter().any(|item| item.works() && item.entry.covers(address))
}

/// Whether a list is there that holds at least one entry.
pub fn is_set(context: &Context<'_>) -> bool {
    node(context).and_then(ConfigNode::elements).is_some_and(|elements| !elements.is_empty())
}
