//! The words for faults of paired records.

use super::lockout::Lack;
use super::record_fault::{RecordFault, What};
use super::view::View;
use super::words;
use crate::snapshot::device::ValueKind;
use crate::snapshot::device_key::KeyForm;

/// The code of a fault.
pub(super) fn code(what: &What) -> &'static str {
    match what {
        What::NoObject(_) => "paired-entry-no-object",
        What::Request { .. } => "paired-record-is-request",
        What::KeyMismatch => "paired-key-mismatch",
        What::KeyMaterial(_) => "paired-key-material",
        What::KeyText(_) => "paired-key-text",
        What::KeyUnreadable(_) => "paired-key-unreadable",
        What::Incomplete { .. } => "paired-record-incomplete",
        What::FieldType(..) => "paired-field-type",
    }
}

/// Whether the gateway does not find or not recognise the device by such a record.
pub(super) fn is_unseen(what: &What) -> bool {
    !matches!(what, What::Request { by_request: false } | What::Incomplete { .. } | What::FieldType(..))
}

/// What the records of a group are, after "N records in FILE".
pub(super) fn summary(code: &str, number: usize) -> &'static str {
    let one = number == 1;
    match code {
        "paired-entry-no-object" if one => "is no record at all",
        "paired-entry-no-object" => "are no records at all",
        "paired-record-is-request" if one => "is a waiting request that was copied there",
        "paired-record-is-request" => "are waiting requests that were copied there",
        "paired-key-mismatch" if one => "is filed under another id than its own",
        "paired-key-mismatch" => "are filed under other ids than their own",
        "paired-key-material" if one => "has a public key that does not belong to its device id",
        "paired-key-material" => "have public keys that do not belong to their device ids",
        "paired-key-text" if one => "spells its public key in another way than the client sends it",
        "paired-key-text" => "spell their public keys in another way than the clients send them",
        "paired-key-unreadable" if one => "has no usable public key",
        "paired-key-unreadable" => "have no usable public key",
        "paired-field-type" if one => "has a field of another type than OpenClaw writes",
        "paired-field-type" => "have fields of another type than OpenClaw writes",
        _ if one => "lacks fields that OpenClaw always writes, as one made by hand does",
        _ => "lack fields that OpenClaw always writes, as ones made by hand do",
    }
}

/// What is wrong with one record, and what was expected.
pub(super) fn fault(fault: &RecordFault<'_>) -> String {
    let inside = fault.device.device_id.known().map_or_else(|| "none".to_owned(), |id| words::id(&id.0));
    match &fault.what {
        What::NoObject(found) => format!("it is {}; expected: an object", kind(*found)),
        What::Request { by_request: true } => {
            format!("it is a waiting request of device {inside}, filed by its request id; expected: a record filed by device id")
        }
        What::Request { by_request: false } => {
            "it has the fields of a waiting request (`requestId`, `ts`); expected: `createdAtMs`, `approvedAtMs`, `tokens`"
                .to_owned()
        }
        What::KeyMismatch => format!("its `deviceId` is {inside}; expected: the key that it is filed under"),
        What::KeyMaterial(other) => {
            let other = other.as_deref().map(|key| format!(" (it is the key of {})", words::id(key))).unwrap_or_default();
            format!("the SHA-256 of its `publicKey` is another id{other}; expected: its device id")
        }
        What::KeyText(form) => {
            format!("its `publicKey` is the right key as {}; expected: base64url without padding, 43 characters", spelling(*form))
        }
        What::KeyUnreadable(KeyForm::Missing) => "its `publicKey` is missing; expected: 43 characters of base64url".to_owned(),
        What::KeyUnreadable(_) => "its `publicKey` is no Ed25519 key; expected: 43 characters of base64url".to_owned(),
        What::Incomplete { missing, foreign } => {
            let missing: Vec<String> = missing.iter().map(|field| format!("`{field}`")).collect();
            let foreign = if foreign.is_empty() {
                String::new()
            } else {
                format!("; it has {}, which no release writes", words::list(foreign))
            };
            format!("it lacks {}{foreign}", missing.join(", "))
        }
        What::FieldType(field, found) => format!("its `{}` is {}", words::cut(field), kind(*found)),
    }
}

/// What comes of it for the devices.
pub(super) fn effect(fault: &RecordFault<'_>, view: &View<'_>, any_usable: bool) -> String {
    if let Some(lockout) = &fault.lockout {
        let lack = match &lockout.lacks {
            Lack::Role(_) => "the role `operator` (the log says `reason=role-upgrade`)",
            Lack::Token => "a valid token (the log says `reason=role-upgrade`)",
            Lack::Scopes { .. } => "scopes (the log says `reason=scope-upgrade`)",
        };
        return format!("this host's own CLI is refused with `pairing required`, because its record lacks {lack}");
    }
    match &fault.what {
        What::Request { by_request: true } if !any_usable => {
            "no device is found in the store any more, and what was paired before is gone".to_owned()
        }
        What::Request { by_request: true } => "no device is found under it".to_owned(),
        What::Request { by_request: false } => {
            "that device is let in by it; if the store was overwritten with `pending.json`, all other devices are gone"
                .to_owned()
        }
        What::Incomplete { .. } => {
            "a device without a role is refused with `pairing required`; missing dates alone lock nobody out".to_owned()
        }
        What::FieldType(..) if view.rules.odd_lists_throw() => {
            "the handshake of that device ends with close code 1000 and no reason".to_owned()
        }
        What::FieldType(..) => "that device is asked to pair again".to_owned(),
        What::NoObject(ValueKind::Null) => {
            "that device is unknown, and `openclaw devices list` fails with a TypeError".to_owned()
        }
        _ if fault.is_host => {
            "this host's own device is unknown by it; a local connection is approved afresh".to_owned()
        }
        _ => "that device is refused with `pairing required`".to_owned(),
    }
}

fn kind(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "a boolean",
        ValueKind::Integer | ValueKind::Real => "a number",
        ValueKind::Text => "a text",
        ValueKind::Blob => "bytes",
        ValueKind::List => "a list",
        ValueKind::ListOfOthers => "a list that holds something else than texts",
        ValueKind::Object => "an object",
    }
}

fn spelling(form: KeyForm) -> &'static str {
    match form {
        KeyForm::Hex => "hex digits",
        KeyForm::Pem => "PEM",
        _ => "padded or standard base64",
    }
}
