//! `identity/device.json` and `identity/device-auth.json`.

use super::Files;
use super::text::with_article;
use crate::json5::Node;
use crate::model::{Fact, SecretVault, UnknownKind};
use crate::snapshot::device::{CachedToken, DeviceId, DeviceIdentity};
use crate::snapshot::device_build::{cached_token, device_identity};
use crate::snapshot::record::{Record, cut};
use crate::snapshot::store::StoreFile;
use serde_json::Value;
use std::path::Path;

/// Tokens of so many roles are kept; there are two roles.
const MOST_TOKENS: usize = 64;

/// The key pair of this state directory: one record, or none.
pub(super) fn identity(files: &Files<'_>, path: &Path, vault: &mut SecretVault) -> StoreFile<DeviceIdentity> {
    let (mut file, understood) = files.open(path);
    let Some(root) = understood.as_ref().and_then(|understood| understood.root.as_ref()) else { return file };
    if let Value::Object(fields) = root.to_json() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        file.records.push(device_identity(Record::from_json(fields), &name, vault));
        file.places.extend(understood.as_ref().map(|understood| understood.position(root.span.start)));
    }
    file
}

/// The device tokens that this state directory's clients keep, and the device that they are for.
pub(super) fn cached(
    files: &Files<'_>,
    path: &Path,
    vault: &mut SecretVault,
) -> (StoreFile<CachedToken>, Fact<DeviceId>) {
    let (mut file, understood) = files.open(path);
    let Some(understood) = understood else {
        let why = file.why_unknown();
        return (file, why.map_or(Fact::Absent, Fact::Unknown));
    };
    let Some(root) = &understood.root else {
        return (file, Fact::unknown(UnknownKind::Malformed, "the file can't be understood"));
    };
    let device = match root.get("deviceId").map(|node| (node, node.as_str())) {
        None => Fact::Absent,
        Some((_, Some(id))) => Fact::Known(DeviceId(cut(id).0)),
        Some((node, None)) => {
            Fact::unknown(UnknownKind::Malformed, format!("`deviceId` is {}", with_article(node.type_name())))
        }
    };
    let members = root.get("tokens").and_then(Node::members).unwrap_or_default();
    for member in members.iter().take(MOST_TOKENS) {
        let mut fields = match member.value.to_json() {
            Value::Object(fields) => fields,
            _ => serde_json::Map::new(),
        };
        // One id stands for the whole file, and the key of the map is the role that is looked up.
        if let Fact::Known(id) = &device {
            fields.insert("deviceId".to_owned(), id.0.clone().into());
        }
        fields.insert("role".to_owned(), member.key.clone().into());
        file.places.push(understood.position(member.key_span.start));
        file.records.push(cached_token(Record::from_json(fields), vault));
    }
    file.omitted = members.len().saturating_sub(MOST_TOKENS);
    (file, device)
}
