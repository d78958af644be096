//! From rows to device facts, with the conversions that OpenClaw makes when it reads a row (2026.9.6).

use super::facts::{BootstrapToken, ChannelRequest};
use super::tables::{Cell, Row, Tables};
use crate::model::secret::SecretKind;
use crate::model::{Fact, Secret, SecretVault, Unknown, UnknownKind};
use crate::snapshot::device::{
    CachedToken, DeviceId, DeviceIdentity, FieldFault, PairedDevice, PendingRequest, RecordPlace, ValueKind,
};
use crate::snapshot::device_build::{cached_token, device_identity, paired_device, pending_request};
use crate::snapshot::json_text::{JsonFault, parse};
use crate::snapshot::record::{Record, cut};
use serde_json::Value;

/// Pairs of field and column.
type Columns = &'static [(&'static str, &'static str)];

const PAIRED: Columns = &[
    ("deviceId", "device_id"),
    ("publicKey", "public_key"),
    ("displayName", "display_name"),
    ("operatorLabel", "operator_label"),
    ("platform", "platform"),
    ("deviceFamily", "device_family"),
    ("clientId", "client_id"),
    ("clientMode", "client_mode"),
    ("browserOrigin", "browser_origin"),
    ("role", "role"),
    ("roles", "roles_json"),
    ("scopes", "scopes_json"),
    ("approvedScopes", "approved_scopes_json"),
    ("remoteIp", "remote_ip"),
    ("tokens", "tokens_json"),
    ("approvedVia", "approved_via"),
    ("nodeSurface", "node_surface_json"),
    ("pendingNodeSurface", "pending_node_surface_json"),
    ("createdAtMs", "created_at_ms"),
    ("approvedAtMs", "approved_at_ms"),
    ("lastSeenAtMs", "last_seen_at_ms"),
    ("lastSeenReason", "last_seen_reason"),
];

const PENDING: Columns = &[
    ("requestId", "request_id"),
    ("deviceId", "device_id"),
    ("publicKey", "public_key"),
    ("displayName", "display_name"),
    ("platform", "platform"),
    ("deviceFamily", "device_family"),
    ("clientId", "client_id"),
    ("clientMode", "client_mode"),
    ("browserOrigin", "browser_origin"),
    ("role", "role"),
    ("roles", "roles_json"),
    ("scopes", "scopes_json"),
    ("remoteIp", "remote_ip"),
    ("silent", "silent"),
    ("isRepair", "is_repair"),
    ("ts", "ts"),
    ("refreshedAtMs", "refreshed_at_ms"),
];

const IDENTITY: Columns = &[
    ("identityKey", "identity_key"),
    ("deviceId", "device_id"),
    ("publicKeyPem", "public_key_pem"),
    ("privateKeyPem", "private_key_pem"),
    ("createdAtMs", "created_at_ms"),
    ("updatedAtMs", "updated_at_ms"),
];

const CACHED: Columns = &[
    ("deviceId", "device_id"),
    ("role", "role"),
    ("token", "token"),
    ("scopes", "scopes_json"),
    ("updatedAtMs", "updated_at_ms"),
];

const ORIGIN: Columns = &[
    ("gatewayScope", "gateway_scope"),
    ("deviceId", "device_id"),
    ("role", "role"),
    ("token", "token"),
    ("scopes", "scopes_json"),
    ("updatedAtMs", "updated_at_ms"),
];

const BOOTSTRAP: Columns = &[
    ("token", "token"),
    ("deviceId", "device_id"),
    ("redeemedProfile", "redeemed_profile_json"),
    ("issuedAtMs", "issued_at_ms"),
    ("lastUsedAtMs", "last_used_at_ms"),
];

/// Reads the paired devices.
pub fn paired(tables: &mut Tables<'_>, vault: &mut SecretVault) -> Fact<Vec<PairedDevice>> {
    read(tables, "device_pairing_paired", PAIRED, |row, record, ordinal| {
        paired_device(record, place(row, "device_id", ordinal), vault)
    })
}

/// Reads the waiting requests.
pub fn pending(tables: &mut Tables<'_>) -> Fact<Vec<PendingRequest>> {
    read(tables, "device_pairing_pending", PENDING, |row, record, ordinal| {
        pending_request(record, place(row, "request_id", ordinal))
    })
}

/// Reads the identities.
pub fn identities(tables: &mut Tables<'_>, vault: &mut SecretVault) -> Fact<Vec<DeviceIdentity>> {
    read(tables, "device_identities", IDENTITY, |row, record, _| {
        device_identity(record, row.text("identity_key").unwrap_or_default(), vault)
    })
}

/// Reads the tokens that clients keep for this gateway.
pub fn cached(tables: &mut Tables<'_>, vault: &mut SecretVault) -> Fact<Vec<CachedToken>> {
    read(tables, "device_auth_tokens", CACHED, |_, record, _| cached_token(record, vault))
}

/// Reads the tokens that clients keep for other gateways.
pub fn origin(tables: &mut Tables<'_>, vault: &mut SecretVault) -> Fact<Vec<CachedToken>> {
    read(tables, "gateway_origin_device_tokens", ORIGIN, |_, record, _| cached_token(record, vault))
}

/// Reads the setup codes.
pub fn bootstrap(tables: &mut Tables<'_>, vault: &mut SecretVault) -> Fact<Vec<BootstrapToken>> {
    read(tables, "device_bootstrap_tokens", BOOTSTRAP, |_, mut record, _| BootstrapToken {
        label: record.whole_text("token").map(|text| vault.label(SecretKind::BootstrapToken, Secret::new(text))),
        device_id: record.text("deviceId").map(DeviceId),
        redeemed: record.has("redeemedProfile"),
        issued_at_ms: record.integer("issuedAtMs"),
        last_used_at_ms: record.integer("lastUsedAtMs"),
        problems: record.take_problems(),
    })
}

/// Reads the chat senders that wait. Their codes stay where they are.
pub fn channel_requests(tables: &mut Tables<'_>) -> Fact<Vec<ChannelRequest>> {
    let wanted = ["channel_key", "account_id", "created_at", "last_seen_at"];
    tables.rows("channel_pairing_requests", &wanted).map(|rows| {
        let text = |row: &Row, column| row.text(column).map(|text| cut(text).0);
        rows.iter()
            .map(|row| ChannelRequest {
                channel: text(row, "channel_key").unwrap_or_default(),
                account: text(row, "account_id").unwrap_or_default(),
                created_at: text(row, "created_at").into(),
                last_seen_at: text(row, "last_seen_at").into(),
            })
            .collect()
    })
}

fn read<T>(
    tables: &mut Tables<'_>,
    table: &'static str,
    columns: Columns,
    mut build: impl FnMut(&Row, Record, usize) -> T,
) -> Fact<Vec<T>> {
    let wanted: Vec<_> = columns.iter().map(|(_, column)| *column).collect();
    tables
        .rows(table, &wanted)
        .map(|rows| rows.iter().enumerate().map(|(ordinal, row)| build(row, record(row, columns), ordinal)).collect())
}

fn place(row: &Row, key: &str, ordinal: usize) -> RecordPlace {
    RecordPlace { key: row.text(key).map(|key| cut(key).0).unwrap_or_default(), ordinal, rowid: row.rowid, line: None }
}

/// Makes a record of a row: NULL leaves a field out, `*_json` is parsed, 0 and 1 become booleans.
fn record(row: &Row, columns: Columns) -> Record {
    let mut record = Record::spelled(columns);
    for (field, column) in columns {
        match row.cell(column) {
            Cell::NoColumn | Cell::Null => {}
            Cell::Integer(number) if matches!(*field, "silent" | "isRepair") => {
                record.put(field, Value::Bool(*number != 0));
            }
            Cell::Integer(number) => record.put(field, Value::from(*number)),
            Cell::Real(number) => record.put(field, Value::from(*number)),
            Cell::Text(text) => put_text(&mut record, field, column, text),
            Cell::BadText(text) => {
                record.note(field, FieldFault::NotUtf8);
                put_text(&mut record, field, column, text);
            }
            Cell::Blob => {
                let fault = FieldFault::WrongType { expected: ValueKind::Text, found: ValueKind::Blob };
                let why = Unknown::new(UnknownKind::Malformed, format!("`{column}` holds bytes instead of text"));
                record.put_broken(field, fault, why);
            }
            Cell::TooLong(bytes) => {
                let why = Unknown::new(UnknownKind::TooLarge, format!("`{column}` has {bytes} bytes"));
                record.put_broken(field, FieldFault::TooLong { bytes: *bytes }, why);
            }
        }
    }
    record
}

fn put_text(record: &mut Record, field: &str, column: &str, text: &str) {
    if !column.ends_with("_json") {
        record.put(field, Value::from(text));
        return;
    }
    match parse(text) {
        Ok(value) => record.put(field, value),
        Err(JsonFault::Syntax { offset, message }) => {
            let why = Unknown::new(UnknownKind::Malformed, format!("`{column}` is no JSON: {message} (byte {offset})"));
            record.put_broken(field, FieldFault::BadJson { offset, bytes: text.len(), message }, why);
        }
        Err(JsonFault::Unsupported(message)) => {
            // Valid for OpenClaw, so no fault of the record.
            record.put_unknown(field, Unknown::new(UnknownKind::Unsupported, format!("`{column}`: {message}")));
        }
    }
}
