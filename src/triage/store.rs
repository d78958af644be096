//! Excerpts of the device store in a paste: shapes that a gateway cannot work with, and records that explain a loop.

use super::blocks::Block;
use super::sign::{Sign, Signs};
use crate::json5::Node;
use crate::model::{Cause, Release};
use std::collections::BTreeMap;

/// What the excerpts say.
pub fn signs(blocks: &[Block], release: Option<&Release>, signs: &mut Signs) {
    for block in blocks {
        match block.file {
            Some("paired.json") => paired(block, release, signs),
            Some("pending.json") => pending(block, signs),
            Some("device-auth.json") => device_auth(block, signs),
            _ if looks_pending(&block.root) => pending(block, signs),
            _ if looks_paired(&block.root) => paired(block, release, signs),
            _ => {}
        }
    }
}

fn entries(root: &Node) -> Vec<(&str, &Node)> {
    if root.get("deviceId").is_some() {
        return vec![("", root)];
    }
    let listed = root.elements().unwrap_or_default().iter().map(|node| ("", node));
    let keyed = root.members().unwrap_or_default().iter().map(|member| (member.key.as_str(), &member.value));
    listed.chain(keyed).collect()
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).and_then(Node::as_str)
}

fn looks_pending(root: &Node) -> bool {
    entries(root).iter().any(|(_, entry)| entry.get("requestId").is_some() && entry.get("deviceId").is_some())
}

fn looks_paired(root: &Node) -> bool {
    entries(root).iter().any(|(_, entry)| {
        entry.get("approvedAtMs").is_some() || entry.get("tokens").is_some() && entry.get("deviceId").is_some()
    })
}

fn paired(block: &Block, release: Option<&Release>, signs: &mut Signs) {
    let line = block.first;
    let damaged =
        |id: &str, says: String, weight: i32| Sign::new(id, says, line).mark(Cause::PairingStoreDamaged, weight);
    if block.root.elements().is_some() {
        signs.add(damaged("store-array", "paired.json is an array; approvals written into it vanish".to_owned(), 9));
        return;
    }
    let records = entries(&block.root);
    if records.is_empty() && block.whole {
        let says = "paired.json holds no device";
        signs.add(Sign::new("store-empty", says, line).mark(Cause::PairingStoreLost, 3));
    }
    for (key, record) in records {
        if record.members().is_none() {
            signs.add(damaged("store-record-type", "an entry of paired.json is no record".to_owned(), 8));
            continue;
        }
        let pending =
            record.get("requestId").is_some() || record.get("isRepair").is_some() || record.get("silent").is_some();
        if pending && record.get("approvedAtMs").is_none() {
            signs.add(damaged("store-pending-shaped", "paired.json holds records of pending.json".to_owned(), 9));
        }
        match text(record, "deviceId") {
            // Masked ids differ in nothing but their masks.
            Some(device) if !key.is_empty() && key != device && !masked(key) && !masked(device) => {
                signs.add(damaged(
                    "store-key",
                    "a record of paired.json is filed under another key than its deviceId".to_owned(),
                    8,
                ));
            }
            None if !key.is_empty() && block.file == Some("paired.json") && record.get("publicKey").is_some() => {
                signs.add(damaged("store-no-id", "a record of paired.json has no deviceId".to_owned(), 6));
            }
            _ => {}
        }
        if record.get("role").is_none()
            && record.get("roles").is_none()
            && record.get("deviceId").is_some()
            && block.whole
        {
            signs.add(damaged("store-no-role", "a record of paired.json has no role".to_owned(), 6));
        }
        scopes(record, release, line, signs);
    }
}

fn masked(id: &str) -> bool {
    id.contains("xxx") || id.contains(['*', '<', '…']) || id.contains("...")
}

/// Records that cover too little (2026.2.19 asks for read and write, which older records lack).
fn scopes(record: &Node, release: Option<&Release>, line: usize, signs: &mut Signs) {
    let list = |key: &str| -> Option<Vec<&str>> {
        Some(record.get(key)?.elements()?.iter().filter_map(Node::as_str).collect())
    };
    let Some(held) = list("approvedScopes").or_else(|| list("scopes")) else { return };
    let operator = text(record, "role") == Some("operator") || held.iter().any(|scope| scope.starts_with("operator."));
    let reads = held.contains(&"operator.read") && held.contains(&"operator.write");
    let admin = held.contains(&"operator.admin");
    let exact = release.is_none_or(|release| release.within((2, 19), (2, 21)));
    if operator && !held.is_empty() && (!admin || exact && !reads) {
        let says = format!("a paired record holds only {}", held.join(", "));
        signs.add(Sign::new("store-few-scopes", says, line).mark(Cause::ScopeUpgrade, if admin { 5 } else { 6 }));
    }
    if let (Some(approved), Some(scopes)) = (list("approvedScopes"), list("scopes"))
        && approved.len() != scopes.len()
    {
        let says = "scopes and approvedScopes of a record disagree";
        signs.add(Sign::new("store-scopes-disagree", says, line).mark(Cause::ScopeUpgrade, 4));
    }
}

fn pending(block: &Block, signs: &mut Signs) {
    let line = block.first;
    if block.root.elements().is_some() && block.file == Some("pending.json") {
        let says = "pending.json is an array; requests are never stored";
        signs.add(Sign::new("store-pending-array", says, line).mark(Cause::PairingStoreDamaged, 8));
        return;
    }
    let mut by_device: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, request) in entries(&block.root) {
        if request.members().is_none() && block.file == Some("pending.json") {
            let says = "an entry of pending.json is no record; every handshake fails on it";
            signs.add(Sign::new("store-pending-null", says, line).mark(Cause::PairingStoreDamaged, 9));
            continue;
        }
        if let Some(device) = text(request, "deviceId") {
            *by_device.entry(device).or_default() += 1;
        }
        match request.get("isRepair").and_then(Node::as_bool) {
            Some(true) => {
                let says = "the waiting request is a repair: the device has a record that does not cover it";
                let sign = Sign::new("pending-repair", says, line);
                signs.add(sign.mark(Cause::ScopeUpgrade, 3).mark(Cause::DeviceRepin, 3).mark(Cause::NewDevice, -3));
            }
            Some(false) => {
                let says = "the waiting request is of a device without a record";
                signs.add(Sign::new("pending-new", says, line).mark(Cause::NewDevice, 4));
            }
            None => {}
        }
        if text(request, "role") == Some("node") {
            let says = "the waiting request is a node's, and waits among the devices";
            signs.add(Sign::new("pending-node", says, line).mark(Cause::WrongQueue, 2));
        }
    }
    if by_device.values().any(|count| *count > 1) {
        let says = "one device has several waiting requests";
        signs.add(Sign::new("pending-many", says, line).mark(Cause::DeviceRepin, 4));
    }
}

fn device_auth(block: &Block, signs: &mut Signs) {
    let empty = block.root.get("tokens").and_then(Node::members).is_some_and(<[_]>::is_empty);
    if empty {
        let says = "the client's cache of device tokens is empty";
        signs.add(Sign::new("device-auth-empty", says, block.first).mark(Cause::StaleDeviceToken, 2));
    }
}
