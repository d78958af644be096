//! Entries of store files as device records.

use super::entries::{Entry, duplicates, entries, is_whole_record, wrapper};
use super::text::Understood;
use super::{Files, MOST_RECORDS};
use crate::json5::Node;
use crate::model::{Fact, Holds, SecretVault, Span};
use crate::snapshot::device::{
    FieldFault, FieldProblem, PairedDevice, PendingRequest, RecordPlace, RecordShape, ValueKind,
};
use crate::snapshot::device_build::{paired_device, pending_request};
use crate::snapshot::queue::NodeRequest;
use crate::snapshot::record::{Record, cut, kind_of};
use crate::snapshot::store::{FileState, StoreFault, StoreFaultKind, StoreFile};
use serde_json::Value;
use std::path::Path;

/// `devices/paired.json`, or a copy of it.
pub(super) fn paired(files: &Files<'_>, path: &Path, vault: &mut SecretVault) -> StoreFile<PairedDevice> {
    read(files, path, Holds::Devices, |value, place| match value {
        Value::Object(fields) => paired_device(Record::from_json(fields), place, vault),
        other => {
            let mut device = paired_device(Record::default(), place, vault);
            (device.shape, device.problems) = (RecordShape::NotAnObject, no_object(&other));
            device
        }
    })
}

/// `devices/pending.json`.
pub(super) fn pending(files: &Files<'_>, path: &Path) -> StoreFile<PendingRequest> {
    read(files, path, Holds::Requests, |value, place| match value {
        Value::Object(fields) => pending_request(Record::from_json(fields), place),
        other => {
            let mut request = pending_request(Record::default(), place);
            (request.shape, request.problems) = (RecordShape::NotAnObject, no_object(&other));
            request
        }
    })
}

/// `nodes/pending.json`.
pub(super) fn nodes(files: &Files<'_>, path: &Path) -> StoreFile<NodeRequest> {
    read(files, path, Holds::NodeRequests, |value, place| {
        let mut record = Record::from_json(value.as_object().cloned().unwrap_or_default());
        NodeRequest {
            place,
            request_id: record.text("requestId"),
            node_id: record.text("nodeId"),
            display_name: record.text("displayName"),
            ts_ms: record.integer("ts"),
        }
    })
}

fn read<T>(
    files: &Files<'_>,
    path: &Path,
    holds: Holds,
    mut build: impl FnMut(Value, RecordPlace) -> T,
) -> StoreFile<T> {
    let (mut file, understood) = files.open(path);
    let Some(understood) = understood else { return file };
    let Some(root) = &understood.root else { return file };
    judge_wrapper(&mut file, &understood, root, holds);
    file.duplicates = duplicates(&understood, root, holds);
    let found = entries(root, holds);
    file.omitted = found.len().saturating_sub(MOST_RECORDS);
    for (ordinal, Entry { key, offset, node }) in found.into_iter().take(MOST_RECORDS).enumerate() {
        let at = understood.position(offset);
        let place = RecordPlace { key: cut(&key).0, ordinal, rowid: None, line: usize::try_from(at.line).ok() };
        file.places.push(at);
        file.records.push(build(node.to_json(), place));
    }
    if let FileState::Faulty(fault) = &mut file.state
        && fault.kind == StoreFaultKind::Array
    {
        fault.mendable = !file.records.is_empty();
    }
    file
}

/// Records that do not stand at the top level: for OpenClaw the wrapper's members are the entries (lab 2026.2.19, f04v).
fn judge_wrapper<T>(file: &mut StoreFile<T>, understood: &Understood, root: &Node, holds: Holds) {
    let found = wrapper(root, holds);
    file.wrapper = found.map(|member| cut(&member.key).0);
    if file.state != FileState::Sound {
        return;
    }
    let (at, message): (Span, String) = match found {
        Some(member) => (
            understood.position(member.key_span.start),
            format!("the records lie inside `{}` instead of at the top level", cut(&member.key).0),
        ),
        None if is_whole_record(root) => {
            (understood.position(root.span.start), "the file is a single record instead of a map of records".to_owned())
        }
        None => return,
    };
    file.state = FileState::Faulty(StoreFault { kind: StoreFaultKind::Wrapped, at: Some(at), message, mendable: true });
}

fn no_object(value: &Value) -> Vec<FieldProblem> {
    let fault = FieldFault::WrongType { expected: ValueKind::Object, found: kind_of(value) };
    vec![FieldProblem { field: String::new(), fault }]
}

/// A fact about a count.
pub(super) fn count_of(root: Option<&Node>, member: &str) -> Fact<usize> {
    match root.and_then(|root| root.get(member)).and_then(Node::elements) {
        Some(elements) => Fact::Known(elements.len()),
        None => Fact::unknown(crate::model::UnknownKind::Malformed, format!("`{member}` is no list")),
    }
}
