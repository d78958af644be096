//! From stored records to device facts, the same for both store generations.

use super::device::{
    CachedToken, DeviceId, DeviceIdentity, FieldFault, FieldProblem, NodeSurface, PairedDevice, PairedRelation,
    PendingRequest, RecordPlace, RecordShape, TokenAgreement, TokenFact, TokenForm, TokenIssuer, ValueKind,
};
use super::device_key::{KeyRelation, decode_private, keys_match};
use super::record::{Record, cut, kind_of};
use crate::model::secret::SecretKind;
use crate::model::{Fact, Secret, SecretLabel, SecretVault, UnknownKind};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Roles that exist (pairing-by-release 1.7).
pub const ROLES: &[&str] = &["operator", "node"];
/// Ways of approval that exist from 2026.8.1 on; another one counts as none.
pub const APPROVED_VIA: &[&str] = &["owner", "silent", "trusted-cidr", "trusted-proxy", "ssh-verified", "bootstrap"];

const PAIRED_FIELDS: &[&str] = &[
    "deviceId",
    "publicKey",
    "displayName",
    "operatorLabel",
    "platform",
    "deviceFamily",
    "clientId",
    "clientMode",
    "browserOrigin",
    "role",
    "roles",
    "scopes",
    "approvedScopes",
    "tokens",
    "approvedVia",
    "remoteIp",
    "nodeSurface",
    "pendingNodeSurface",
    "createdAtMs",
    "approvedAtMs",
    "lastSeenAtMs",
    "lastSeenReason",
];

const PENDING_FIELDS: &[&str] = &[
    "requestId",
    "deviceId",
    "publicKey",
    "displayName",
    "platform",
    "deviceFamily",
    "clientId",
    "clientMode",
    "browserOrigin",
    "role",
    "roles",
    "scopes",
    "remoteIp",
    "silent",
    "isRepair",
    "ts",
    "refreshedAtMs",
];

/// Builds a paired device from a record.
pub fn paired_device(mut record: Record, place: RecordPlace, vault: &mut SecretVault) -> PairedDevice {
    let device_id = device_id(&mut record);
    let key = key(&mut record, "publicKey", &device_id);
    let role = record.text("role");
    let via = record.text("approvedVia");
    let roles = record.texts("roles");
    if roles.known().is_some_and(|roles| roles.iter().any(|role| !ROLES.contains(&role.as_str()))) {
        record.note("roles", FieldFault::UnknownValue);
    }
    let created = record.integer("createdAtMs");
    let approved = record.integer("approvedAtMs");
    PairedDevice {
        place,
        shape: if record.has("requestId") || (record.has("ts") && !record.has("approvedAtMs")) {
            RecordShape::PendingShaped
        } else {
            RecordShape::Expected
        },
        device_id,
        key,
        display_name: record.text("displayName"),
        operator_label: record.text("operatorLabel"),
        platform: record.text("platform"),
        device_family: record.text("deviceFamily"),
        client_id: record.text("clientId"),
        client_mode: record.text("clientMode"),
        browser_origin: record.text("browserOrigin"),
        role: record.one_of("role", role, ROLES),
        roles,
        scopes: record.texts("scopes"),
        approved_scopes: record.texts("approvedScopes"),
        tokens: tokens(&mut record, vault),
        approved_via: record.one_of("approvedVia", via, APPROVED_VIA),
        remote_ip: record.text("remoteIp"),
        node_surface: surface(&mut record, "nodeSurface"),
        pending_node_surface: surface(&mut record, "pendingNodeSurface"),
        created_at_ms: record.require("createdAtMs", created),
        approved_at_ms: record.require("approvedAtMs", approved),
        last_seen_at_ms: record.integer("lastSeenAtMs"),
        last_seen_reason: record.text("lastSeenReason"),
        foreign_fields: record.names_outside(PAIRED_FIELDS),
        problems: record.take_problems(),
    }
}

/// Builds a paired device from an entry of a JSON file, which need not be an object.
pub fn paired_entry(entry: Value, place: RecordPlace, vault: &mut SecretVault) -> PairedDevice {
    match entry {
        Value::Object(fields) => paired_device(Record::from_json(fields), place, vault),
        other => {
            let nothing = paired_device(Record::default(), place, vault);
            PairedDevice { shape: RecordShape::NotAnObject, problems: vec![no_object(&other)], ..nothing }
        }
    }
}

/// Builds a waiting request from an entry of a JSON file, which need not be an object.
pub fn pending_entry(entry: Value, place: RecordPlace) -> PendingRequest {
    match entry {
        Value::Object(fields) => pending_request(Record::from_json(fields), place),
        other => {
            let nothing = pending_request(Record::default(), place);
            PendingRequest { shape: RecordShape::NotAnObject, problems: vec![no_object(&other)], ..nothing }
        }
    }
}

fn no_object(entry: &Value) -> FieldProblem {
    let fault = FieldFault::WrongType { expected: ValueKind::Object, found: kind_of(entry) };
    FieldProblem { field: String::new(), fault }
}

/// Builds a waiting request from a record. How it relates to the paired devices is filled in by [`relate`].
pub fn pending_request(mut record: Record, place: RecordPlace) -> PendingRequest {
    let device_id = device_id(&mut record);
    let key = key(&mut record, "publicKey", &device_id);
    let request_id = record.text("requestId");
    let role = record.text("role");
    let ts = record.integer("ts");
    PendingRequest {
        place,
        shape: if record.has("approvedAtMs") { RecordShape::PairedShaped } else { RecordShape::Expected },
        request_id: record.require("requestId", request_id),
        device_id,
        key,
        paired: PairedRelation::Unclear,
        display_name: record.text("displayName"),
        platform: record.text("platform"),
        device_family: record.text("deviceFamily"),
        client_id: record.text("clientId"),
        client_mode: record.text("clientMode"),
        browser_origin: record.text("browserOrigin"),
        role: record.one_of("role", role, ROLES),
        roles: record.texts("roles"),
        scopes: record.texts("scopes"),
        remote_ip: record.text("remoteIp"),
        silent: record.boolean("silent"),
        is_repair: record.boolean("isRepair"),
        ts_ms: record.require("ts", ts),
        refreshed_at_ms: record.integer("refreshedAtMs"),
        foreign_fields: record.names_outside(PENDING_FIELDS),
        problems: record.take_problems(),
    }
}

/// Builds an identity from a record with `deviceId`, `publicKeyPem`, `privateKeyPem` (or the Swift form `publicKey`,
/// `privateKey`), `createdAtMs`, and in SQLite `updatedAtMs`.
pub fn device_identity(mut record: Record, key_name: &str, vault: &mut SecretVault) -> DeviceIdentity {
    let swift = !record.has("publicKeyPem") && record.has("publicKey");
    let (public, private) = if swift { ("publicKey", "privateKey") } else { ("publicKeyPem", "privateKeyPem") };
    let device_id = device_id(&mut record);
    let key = key(&mut record, public, &device_id);
    let secret = record.whole_text(private);
    let secret = record.require(private, secret);
    if let Fact::Known(secret) = &secret {
        remember_private_key(secret, vault);
    }
    let form = decode_private(secret.known().map_or("", String::as_str)).0;
    let keys_match = match (&key.text, &secret) {
        (Fact::Known(public), Fact::Known(secret)) => keys_match(public, secret),
        _ => Fact::unknown(UnknownKind::Malformed, "one of the two keys cannot be read"),
    };
    DeviceIdentity {
        key_name: cut(key_name).0,
        device_id,
        key,
        private_key: form,
        keys_match,
        paired: PairedRelation::Unclear,
        created_at_ms: record.integer("createdAtMs"),
        updated_at_ms: record.integer("updatedAtMs"),
        version: record.integer("version"),
        problems: record.take_problems(),
    }
}

/// Builds a client's cached token from a record with `deviceId`, `role`, `token`, `scopes`, `updatedAtMs`, and for a
/// remote gateway `gatewayScope`.
pub fn cached_token(mut record: Record, vault: &mut SecretVault) -> CachedToken {
    let role = record.text("role");
    let token = record.whole_text("token");
    let gateway = record.text("gatewayScope");
    CachedToken {
        agreement: if gateway.is_absent() { TokenAgreement::Unclear } else { TokenAgreement::OtherGateway },
        gateway,
        device_id: device_id(&mut record),
        role: record.require("role", role),
        label: record.require("token", token).map(|token| label(vault, SecretKind::DeviceToken, token)),
        scopes: record.texts("scopes"),
        updated_at_ms: record.integer("updatedAtMs"),
        problems: record.take_problems(),
    }
}

/// Works out how requests, identities and cached tokens relate to the paired devices. Where the paired devices are not
/// known, the relations stay unclear.
pub fn relate(
    paired: Option<&[PairedDevice]>,
    pending: &mut [PendingRequest],
    identities: &mut [DeviceIdentity],
    cached: &mut [CachedToken],
) {
    let Some(paired) = paired else { return };
    for request in pending {
        request.paired = relation(paired, &request.device_id, &request.key, same_text);
    }
    for identity in identities {
        // An identity holds PEM and a record base64url, so here the ids stand for the keys.
        identity.paired = relation(paired, &identity.device_id, &identity.key, same_key);
    }
    for token in cached.iter_mut().filter(|token| token.gateway.is_absent()) {
        token.agreement = agreement(paired, token);
    }
}

fn relation(
    paired: &[PairedDevice],
    id: &Fact<DeviceId>,
    key: &KeyRelation,
    same: fn(&KeyRelation, &KeyRelation) -> Option<bool>,
) -> PairedRelation {
    let Fact::Known(id) = id else { return PairedRelation::Unclear };
    match find(paired, id).map(|device| same(&device.key, key)) {
        None => PairedRelation::NotPaired,
        Some(Some(true)) => PairedRelation::SameKey,
        Some(Some(false)) => PairedRelation::OtherKey,
        Some(None) => PairedRelation::Unclear,
    }
}

fn same_text(left: &KeyRelation, right: &KeyRelation) -> Option<bool> {
    Some(left.text.known()? == right.text.known()?)
}

fn same_key(left: &KeyRelation, right: &KeyRelation) -> Option<bool> {
    Some(*left.hashes_to_id.known()? && *right.hashes_to_id.known()?)
}

/// The record under which OpenClaw looks a device up: the one whose key is its id.
fn find<'a>(paired: &'a [PairedDevice], id: &DeviceId) -> Option<&'a PairedDevice> {
    paired.iter().find(|device| device.place.key == id.0)
}

fn agreement(paired: &[PairedDevice], cached: &CachedToken) -> TokenAgreement {
    let (Fact::Known(id), Fact::Known(role), Fact::Known(label)) = (&cached.device_id, &cached.role, &cached.label)
    else {
        return TokenAgreement::Unclear;
    };
    let Some(device) = find(paired, id) else { return TokenAgreement::NotPaired };
    let tokens = match &device.tokens {
        Fact::Known(tokens) => tokens.as_slice(),
        Fact::Absent => &[],
        Fact::Unknown(_) => return TokenAgreement::Unclear,
    };
    match tokens.iter().find(|token| token.role_key == *role) {
        None => TokenAgreement::NoToken,
        Some(token) => match token.label.known() {
            Some(held) if held == label && token.revoked_at_ms.is_absent() => TokenAgreement::Agrees,
            Some(held) if held == label => TokenAgreement::Revoked,
            Some(_) => TokenAgreement::Differs,
            None => TokenAgreement::Unclear,
        },
    }
}

fn device_id(record: &mut Record) -> Fact<DeviceId> {
    let id = record.text("deviceId");
    record.require("deviceId", id).map(DeviceId)
}

fn key(record: &mut Record, field: &str, id: &Fact<DeviceId>) -> KeyRelation {
    let text = record.whole_text(field);
    KeyRelation::new(record.require(field, text), id)
}

fn tokens(record: &mut Record, vault: &mut SecretVault) -> Fact<Vec<TokenFact>> {
    record.object("tokens").map(|tokens| {
        tokens
            .into_iter()
            .map(|(role, entry)| {
                let place = format!("tokens.{}", cut(&role).0);
                match entry {
                    Value::Object(entry) => token(record, &place, role, entry, vault),
                    other => {
                        let found = kind_of(&other);
                        // Perhaps the token itself stands here: redaction must know it.
                        if let Value::String(text) = other {
                            label(vault, SecretKind::DeviceToken, text);
                        }
                        record.note(&place, FieldFault::WrongType { expected: ValueKind::Object, found });
                        let mut fact = token(&mut Record::default(), &place, role, Map::new(), vault);
                        fact.label = Fact::unknown(UnknownKind::Malformed, "the token entry is no object");
                        fact
                    }
                }
            })
            .collect()
    })
}

fn token(
    record: &mut Record,
    place: &str,
    role_key: String,
    entry: Map<String, Value>,
    vault: &mut SecretVault,
) -> TokenFact {
    let mut entry = Record::from_json(entry);
    let text = entry.whole_text("token");
    let text = entry.require("token", text);
    let issuer = entry.object("issuer").map(|issuer| {
        let mut issuer = Record::from_json(issuer);
        TokenIssuer {
            kind: issuer.text("kind"),
            generation: issuer.whole_text("generation").map(|text| label(vault, SecretKind::Other, text)),
        }
    });
    let fact = TokenFact {
        role_key: cut(&role_key).0,
        role: entry.text("role"),
        form: text.known().map_or(TokenForm::None, |text| TokenForm::of(text)),
        label: text.map(|text| label(vault, SecretKind::DeviceToken, text)),
        scopes: entry.texts("scopes"),
        created_at_ms: entry.integer("createdAtMs"),
        rotated_at_ms: entry.integer("rotatedAtMs"),
        revoked_at_ms: entry.integer("revokedAtMs"),
        last_used_at_ms: entry.integer("lastUsedAtMs"),
        issuer,
    };
    for problem in entry.take_problems() {
        record.note(&format!("{place}.{}", problem.field), problem.fault);
    }
    fact
}

/// The label of the generation that tokens bound to this shared secret carry: the SHA-256, in base64url, of mode and
/// secret (2026.9.6). `mode` is `token` or `password`. A token of another generation was issued before the secret changed.
pub fn generation_label(mode: &str, secret: &Secret, vault: &mut SecretVault) -> SecretLabel {
    let digest = Sha256::new().chain_update(mode).chain_update([0]).chain_update(secret.expose()).finalize();
    label(vault, SecretKind::Other, URL_SAFE_NO_PAD.encode(digest))
}

fn surface(record: &mut Record, field: &str) -> Fact<NodeSurface> {
    record.object(field).map(|surface| {
        let mut surface = Record::from_json(surface);
        NodeSurface {
            request_id: surface.text("requestId"),
            silent: surface.boolean("silent"),
            ts_ms: surface.integer("ts"),
            version: surface.text("version"),
            platform: surface.text("platform"),
            commands: surface.length("commands"),
            caps: surface.length("caps"),
        }
    })
}

fn label(vault: &mut SecretVault, kind: SecretKind, text: String) -> SecretLabel {
    vault.label(kind, Secret::new(text))
}

/// Takes a private key into the vault, so that redaction knows it: the whole text and, in PEM, the base64 alone.
fn remember_private_key(text: &str, vault: &mut SecretVault) {
    let body: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    if !body.is_empty() && body != text {
        label(vault, SecretKind::PrivateKey, body);
    }
    label(vault, SecretKind::PrivateKey, text.to_owned());
}

#[cfg(test)]
#[path = "device_build_tests.rs"]
mod tests;
