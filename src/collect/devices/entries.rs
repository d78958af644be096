//! The records inside a store file: directly, as they should be, or inside a wrapper or a list that somebody made.

use super::text::Understood;
use crate::json5::{Member, Node, Value};
use crate::model::{Holds, Span};
use std::collections::{HashMap, HashSet};

/// Names that a wrapper of such records goes by, the likeliest first.
fn wrappers(holds: Holds) -> &'static [&'static str] {
    match holds {
        Holds::Devices => &["paired", "devices", "entries", "records"],
        Holds::Requests | Holds::NodeRequests => &["pending", "requests", "entries", "records"],
        Holds::One => &[],
    }
}

/// The id inside a record, by which it should be filed.
fn own_id(record: &Node, holds: Holds) -> String {
    holds.id_field().and_then(|field| record.get(field)).and_then(Node::as_str).unwrap_or_default().to_owned()
}

/// One entry.
pub struct Entry<'n> {
    /// Its key; in a list the id inside the record.
    pub key: String,
    /// Where the key stands, as a byte offset.
    pub offset: usize,
    /// Its value.
    pub node: &'n Node,
}

/// The member whose value holds the records, if they do not stand at the top level.
pub fn wrapper(root: &Node, holds: Holds) -> Option<&Member> {
    let members = root.members()?;
    if is_whole_record(root) || members.iter().any(|member| is_record(&member.value)) {
        return None;
    }
    let inside = |member: &&Member| match &member.value.value {
        Value::Object(inner) => inner.iter().any(|inner| is_record(&inner.value)),
        Value::Array(elements) => elements.iter().any(is_record),
        _ => false,
    };
    let empty = |member: &&Member| match &member.value.value {
        Value::Object(inner) => inner.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    };
    let named = |member: &&Member| wrappers(holds).contains(&member.key.as_str());
    let rank = |member: &&Member| wrappers(holds).iter().position(|name| *name == member.key).unwrap_or(usize::MAX);
    members
        .iter()
        .filter(inside)
        .min_by_key(rank)
        .or_else(|| members.iter().filter(named).filter(empty).min_by_key(rank))
}

/// The entries, of duplicate keys only the last one.
pub fn entries<'n>(root: &'n Node, holds: Holds) -> Vec<Entry<'n>> {
    let holder = wrapper(root, holds).map_or(root, |member| &member.value);
    match &holder.value {
        Value::Object(members) if is_whole_record(holder) => {
            let key = own_id(holder, holds);
            let offset = members.first().map_or(0, |member| member.key_span.start);
            vec![Entry { key, offset, node: holder }]
        }
        Value::Object(members) => {
            let last: HashMap<&str, usize> =
                members.iter().enumerate().map(|(at, member)| (member.key.as_str(), at)).collect();
            let counts = |at: usize, member: &Member| last.get(member.key.as_str()) == Some(&at);
            members
                .iter()
                .enumerate()
                .filter(|(at, member)| counts(*at, member))
                .map(|(_, member)| Entry {
                    key: member.key.clone(),
                    offset: member.key_span.start,
                    node: &member.value,
                })
                .collect()
        }
        Value::Array(elements) => elements
            .iter()
            .filter(|element| is_record(element))
            .map(|element| {
                let key = own_id(element, holds);
                Entry { key, offset: element.span.start, node: element }
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the whole file is one record, without the map around it.
pub fn is_whole_record(root: &Node) -> bool {
    ["deviceId", "publicKey"].iter().all(|field| root.get(field).and_then(Node::as_str).is_some())
}

fn is_record(node: &Node) -> bool {
    node.get("deviceId").or_else(|| node.get("publicKey")).or_else(|| node.get("nodeId")).is_some()
}

/// Keys that stand more than once, at the top level and inside records, with each place after the first.
pub fn duplicates(understood: &Understood, root: &Node, holds: Holds) -> Vec<(String, Span)> {
    const MOST: usize = 50;
    let holder = wrapper(root, holds).map_or(root, |member| &member.value);
    let mut found = Vec::new();
    let mut look = |members: &[Member], prefix: &str| {
        let mut seen = HashSet::new();
        for member in members {
            if !seen.insert(member.key.as_str()) && found.len() < MOST {
                let key = if prefix.is_empty() { member.key.clone() } else { format!("{prefix}.{}", member.key) };
                found.push((crate::snapshot::record::cut(&key).0, understood.position(member.key_span.start)));
            }
        }
    };
    if let Some(members) = holder.members() {
        look(members, "");
        for member in members {
            look(member.value.members().unwrap_or_default(), &member.key);
        }
    }
    found
}
