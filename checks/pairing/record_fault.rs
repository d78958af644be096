//! What is wrong with single records of paired devices. Facts only; the words are in `paired_records`.

use super::lockout::{Lockout, of_host};
use super::view::View;
use crate::model::Fact;
use crate::snapshot::device::{FieldFault, PairedDevice, RecordShape, ValueKind};
use crate::snapshot::device_key::KeyForm;
use crate::statedb::judge::{Problem, Records, judge};
use std::collections::HashMap;

/// A fault of one record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecordFault<'s> {
    /// The record.
    pub device: &'s PairedDevice,
    /// What is wrong.
    pub what: What,
    /// Whether it is the record of the host's own identity.
    pub is_host: bool,
    /// Why the host's own CLI is turned away by it, if it is.
    pub lockout: Option<Lockout>,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// The entry is no object.
    NoObject(ValueKind),
    /// It is a waiting request, filed by its request id or by its device id.
    Request {
        /// Filed by request id, so that no device is found under it.
        by_request: bool,
    },
    /// The id inside is another one than its key.
    KeyMismatch,
    /// The public key does not hash to the device id; another record that holds the same key.
    KeyMaterial(Option<String>),
    /// The right public key in another spelling.
    KeyText(KeyForm),
    /// The public key is missing or none.
    KeyUnreadable(KeyForm),
    /// Fields that every release writes are missing; fields that none writes.
    Incomplete {
        /// Missing ones.
        missing: Vec<&'static str>,
        /// Foreign ones.
        foreign: Vec<String>,
    },
    /// A field of another type: its name and what is there.
    FieldType(String, ValueKind),
}

/// Every fault of every record, in stored order.
pub(super) fn faults<'s>(view: &View<'s>, paired: &'s [PairedDevice]) -> Vec<RecordFault<'s>> {
    let keys = keys(paired);
    paired
        .iter()
        .flat_map(|device| {
            let is_host = view.is_host(&device.device_id);
            of_record(device, &keys).into_iter().map(move |what| {
                let lockout = if is_host { of_host(view, device) } else { None };
                RecordFault { device, what, is_host, lockout }
            })
        })
        .collect()
}

/// Key texts that more than one record holds, with the keys of two of these.
fn keys(paired: &[PairedDevice]) -> HashMap<&str, Vec<&str>> {
    let mut holders: HashMap<&str, Vec<&str>> = HashMap::new();
    for device in paired {
        if let Fact::Known(text) = &device.key.text {
            let holders = holders.entry(text.as_str()).or_default();
            if holders.len() < 2 {
                holders.push(&device.place.key);
            }
        }
    }
    holders.retain(|_, holders| holders.len() > 1);
    holders
}

fn of_record(device: &PairedDevice, keys: &HashMap<&str, Vec<&str>>) -> Vec<What> {
    if device.shape == RecordShape::NotAnObject {
        let found = device.problems.iter().find_map(|problem| match problem.fault {
            FieldFault::WrongType { found, .. } => Some(found),
            _ => None,
        });
        return vec![What::NoObject(found.unwrap_or(ValueKind::Null))];
    }
    let is_request = device.shape == RecordShape::PendingShaped;
    let mut found = Vec::new();
    if is_request {
        let by_request = device.device_id.known().is_none_or(|id| id.0 != device.place.key);
        found.push(What::Request { by_request });
    }
    let mut missing = missing(device);
    for problem in judge(&Records { paired: std::slice::from_ref(device), ..Records::default() }, &Default::default()) {
        match problem.problem {
            Problem::IdIsNotKey if !is_request => found.push(What::KeyMismatch),
            Problem::KeyIsNotId => {
                let other = device.key.text.known().and_then(|text| keys.get(text.as_str()));
                let other = other.and_then(|holders| holders.iter().find(|key| **key != device.place.key));
                found.push(What::KeyMaterial(other.map(|key| (*key).to_owned())));
            }
            Problem::KeyForm(form @ (KeyForm::WrongLength | KeyForm::Undecodable)) => {
                found.push(What::KeyUnreadable(form));
            }
            Problem::KeyForm(form) => found.push(What::KeyText(form)),
            Problem::NoRole => missing.push("role"),
            Problem::BadField { field, fault: FieldFault::WrongType { found: kind, .. } }
                if LISTS.contains(&field.as_str()) =>
            {
                found.push(What::FieldType(field, kind));
            }
            _ => {}
        }
    }
    if device.key.form == KeyForm::Missing {
        found.push(What::KeyUnreadable(KeyForm::Missing));
    }
    // A request lacks these by its nature, and that is said already.
    if !missing.is_empty() && !is_request {
        found.push(What::Incomplete { missing, foreign: device.foreign_fields.clone() });
    }
    found
}

/// Fields whose type decides about a handshake.
const LISTS: &[&str] = &["role", "roles", "scopes", "approvedScopes", "tokens", "deviceId", "publicKey"];

/// Fields that every release writes into every record (pairing-by-release 1.2).
fn missing(device: &PairedDevice) -> Vec<&'static str> {
    let fields = [
        ("deviceId", device.device_id.is_absent()),
        ("createdAtMs", device.created_at_ms.is_absent()),
        ("approvedAtMs", device.approved_at_ms.is_absent()),
    ];
    fields.into_iter().filter(|(_, absent)| *absent).map(|(name, _)| name).collect()
}
