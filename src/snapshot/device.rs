//! Device records of both store generations: JSON files (up to 2026.7.35) and SQLite rows (from 2026.8.1).
//!
//! The same types serve both, because the checks ask the same questions. A field is a [`Fact`]: `Absent` means that the
//! field was missing (JSON) or NULL (SQLite), which decides about lock-outs in several releases and so must stay visible;
//! `Unknown` means that it is there but in a form that could not be understood, and then [`FieldProblem`] says what is
//! wrong. Secrets are labels; relations between hidden values are worked out when the record is read
//! (field lists: pairing-by-release 1.2 and 1.5).

use super::device_key::{KeyRelation, PrivateKeyForm};
use crate::model::{Fact, SecretLabel};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A device id: 64 lower-case hex digits, the SHA-256 of the raw 32-byte Ed25519 public key, where it is as it should be.
/// On disk it can be any text, cut at [`MAX_TEXT`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub String);

impl DeviceId {
    /// Whether it has the form that OpenClaw gives device ids.
    pub fn is_canonical(&self) -> bool {
        self.0.len() == 64 && self.0.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Texts of records are cut after so many characters: strangers choose display names.
pub const MAX_TEXT: usize = 512;

/// Where a record was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPlace {
    /// The key of the map (JSON) or the primary key (SQLite), as text.
    pub key: String,
    /// Position in the file or table, from 0, in stored order.
    pub ordinal: usize,
    /// SQLite row id, to name the row in a `DELETE` that a person can type.
    pub rowid: Option<i64>,
    /// Line of the record in the JSON file, from 1.
    pub line: Option<usize>,
}

/// What kind of value a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordShape {
    /// It has the form that its place asks for.
    Expected,
    /// A waiting request stored among the paired devices (it has `requestId`, or `ts` without `approvedAtMs`).
    PendingShaped,
    /// A paired record stored among the waiting requests.
    PairedShaped,
    /// JSON only: the entry is no object, for example `null` (2.19: `null` in pending.json ends every handshake).
    NotAnObject,
}

/// Something that is wrong with one field or column of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// The column (SQLite) or field path (JSON), for example `tokens_json` or `tokens.operator.scopes`.
    pub field: String,
    /// What is wrong with it.
    pub fault: FieldFault,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldFault {
    /// Every release writes this field, and it is not there (or is NULL).
    Missing,
    /// JSON `null` where OpenClaw leaves the field out.
    JsonNull,
    /// Another type than OpenClaw writes.
    WrongType {
        /// What OpenClaw writes.
        expected: ValueKind,
        /// What is there.
        found: ValueKind,
    },
    /// Text that is no JSON. From 2026.8.1 one such column ends the handshake of every device.
    BadJson {
        /// Byte offset of the fault within the text.
        offset: usize,
        /// Length of the text in bytes.
        bytes: usize,
        /// The parser's words, without any of the text.
        message: String,
    },
    /// Longer than the doctor reads.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// A value outside the closed set that OpenClaw knows, for example a role other than `operator` and `node`.
    UnknownValue,
}

/// Types of values in JSON and in SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// JSON `null` or SQL NULL.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number with a fraction, or one too large for 64 bits.
    Real,
    /// Text.
    Text,
    /// Bytes (SQLite only).
    Blob,
    /// A JSON list.
    List,
    /// A JSON list that holds something else than texts.
    ListOfOthers,
    /// A JSON object.
    Object,
}

/// A device that the gateway knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedDevice {
    /// Where the record was found.
    pub place: RecordPlace,
    /// Whether it is a paired record at all.
    pub shape: RecordShape,
    /// The device id inside the record. In JSON it can differ from the key; in SQLite it is the key.
    pub device_id: Fact<DeviceId>,
    /// The public key, and how it relates to the device id.
    pub key: KeyRelation,
    /// A name that the client chose for itself.
    pub display_name: Fact<String>,
    /// A name that the operator gave (from 2026.8.1).
    pub operator_label: Fact<String>,
    /// The pinned platform; from 2026.2.26 another one is a `metadata-upgrade`.
    pub platform: Fact<String>,
    /// The pinned device family (from 2026.2.26).
    pub device_family: Fact<String>,
    /// The client's program id, for example `cli`.
    pub client_id: Fact<String>,
    /// The client's mode, for example `node`.
    pub client_mode: Fact<String>,
    /// The origin of a browser client (from 2026.8.1).
    pub browser_origin: Fact<String>,
    /// The role last approved.
    pub role: Fact<String>,
    /// All approved roles.
    pub roles: Fact<Vec<String>>,
    /// Scopes.
    pub scopes: Fact<Vec<String>>,
    /// The ceiling for the scopes of tokens (from 2026.2.21).
    pub approved_scopes: Fact<Vec<String>>,
    /// The tokens by role. An empty list and `Absent` differ in their effect from 2026.3.31 on.
    pub tokens: Fact<Vec<TokenFact>>,
    /// How it was approved (from 2026.8.1): `owner`, `silent`, `trusted-cidr`, …; absent for imported records.
    pub approved_via: Fact<String>,
    /// The address of the client at approval; absent for local ones.
    pub remote_ip: Fact<String>,
    /// The approved surface of a node (from 2026.8.1).
    pub node_surface: Fact<NodeSurface>,
    /// A node's surface that waits for approval in the node queue (from 2026.8.1).
    pub pending_node_surface: Fact<NodeSurface>,
    /// Creation, in ms since 1970.
    pub created_at_ms: Fact<i64>,
    /// Last approval, in ms since 1970.
    pub approved_at_ms: Fact<i64>,
    /// Last contact, in ms since 1970 (from 2026.4.29).
    pub last_seen_at_ms: Fact<i64>,
    /// What the last contact was: `connect` or `device-token-auth`.
    pub last_seen_reason: Fact<String>,
    /// Fields that no release writes into a paired record, by name (JSON only).
    pub foreign_fields: Vec<String>,
    /// What is wrong with single fields.
    pub problems: Vec<FieldProblem>,
}

/// A request that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRequest {
    /// Where the record was found.
    pub place: RecordPlace,
    /// Whether it is a waiting request at all.
    pub shape: RecordShape,
    /// The request id inside the record.
    pub request_id: Fact<String>,
    /// The device that asks.
    pub device_id: Fact<DeviceId>,
    /// The public key, and how it relates to the device id.
    pub key: KeyRelation,
    /// How the asking device relates to the paired ones.
    pub paired: PairedRelation,
    /// A name that the client chose for itself.
    pub display_name: Fact<String>,
    /// The platform that the client states.
    pub platform: Fact<String>,
    /// The device family that the client states (from 2026.2.26).
    pub device_family: Fact<String>,
    /// The client's program id.
    pub client_id: Fact<String>,
    /// The client's mode.
    pub client_mode: Fact<String>,
    /// The origin of a browser client (from 2026.8.1).
    pub browser_origin: Fact<String>,
    /// The role asked for.
    pub role: Fact<String>,
    /// The roles asked for.
    pub roles: Fact<Vec<String>>,
    /// The scopes asked for.
    pub scopes: Fact<Vec<String>>,
    /// The client's address; absent for local clients and for those behind an untrusted proxy.
    pub remote_ip: Fact<String>,
    /// Whether it may be approved without asking. One remote attempt makes it false until the request is gone.
    pub silent: Fact<bool>,
    /// Whether a record of this device existed when it was made.
    pub is_repair: Fact<bool>,
    /// First seen, in ms since 1970; for 2026.2.21 to 4.9 last seen.
    pub ts_ms: Fact<i64>,
    /// Last asked again, in ms since 1970 (from 2026.7.1).
    pub refreshed_at_ms: Fact<i64>,
    /// Fields that no release writes into a request, by name (JSON only).
    pub foreign_fields: Vec<String>,
    /// What is wrong with single fields.
    pub problems: Vec<FieldProblem>,
}

/// How the device of a request relates to the paired ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairedRelation {
    /// No record of this device id.
    NotPaired,
    /// A record with the same public key, compared as text, as OpenClaw does.
    SameKey,
    /// A record with another public key text.
    OtherKey,
    /// One of the two could not be read.
    Unclear,
}

/// One device or node token, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFact {
    /// The key in the map of tokens: the role that it is for.
    pub role_key: String,
    /// The role inside the token entry.
    pub role: Fact<String>,
    /// Which token it is.
    pub label: Fact<SecretLabel>,
    /// Its form, which tells the generation that issued it.
    pub form: TokenForm,
    /// Its scopes.
    pub scopes: Fact<Vec<String>>,
    /// Issue, in ms since 1970.
    pub created_at_ms: Fact<i64>,
    /// Last rotation, in ms since 1970.
    pub rotated_at_ms: Fact<i64>,
    /// Revocation, in ms since 1970. A revoked token counts as none from 2026.3.31 on.
    pub revoked_at_ms: Fact<i64>,
    /// Last use, in ms since 1970.
    pub last_used_at_ms: Fact<i64>,
    /// Who issued it (from 2026.5.28, browser clients): bound to a generation of the shared token.
    pub issuer: Fact<TokenIssuer>,
}

/// The forms of device tokens (pairing-by-release 1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenForm {
    /// 32 hex digits: up to 2026.2.12, and still valid.
    Hex32,
    /// 43 characters of base64url: from 2026.2.17.
    Base64Url43,
    /// Anything else: written by hand or by another program.
    Other,
    /// There is no token text.
    None,
}

impl TokenForm {
    /// The form of a token text.
    pub fn of(token: &str) -> Self {
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        match token.len() {
            0 => TokenForm::None,
            32 if token.bytes().all(|byte| byte.is_ascii_hexdigit()) => TokenForm::Hex32,
            43 if token.bytes().all(url_safe) => TokenForm::Base64Url43,
            _ => TokenForm::Other,
        }
    }
}

/// The issuer of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenIssuer {
    /// For example `shared-gateway-auth`.
    pub kind: Fact<String>,
    /// The generation of the shared token that it is bound to; equal generations have equal labels.
    pub generation: Fact<SecretLabel>,
}

/// The surface of a node as far as a lock-out can turn on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSurface {
    /// Waiting surfaces only: the id to approve it by.
    pub request_id: Fact<String>,
    /// Waiting surfaces only: whether it may be approved without asking.
    pub silent: Fact<bool>,
    /// Waiting surfaces only: when it was asked for, in ms since 1970.
    pub ts_ms: Fact<i64>,
    /// The OpenClaw release that the node states.
    pub version: Fact<String>,
    /// The platform that the node states.
    pub platform: Fact<String>,
    /// How many commands it offers.
    pub commands: Fact<usize>,
    /// How many capabilities it offers.
    pub caps: Fact<usize>,
}

/// The key pair that the gateway and the CLI of one state directory share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceIdentity {
    /// `primary` in SQLite; the file name in the JSON era.
    pub key_name: String,
    /// The stored device id.
    pub device_id: Fact<DeviceId>,
    /// The public key, and how it relates to the stored device id.
    pub key: KeyRelation,
    /// The form of the private key.
    #[serde(rename = "signing_form")] // a name that redaction does not take for a holder of the key
    pub private_key: PrivateKeyForm,
    /// Whether the private key belongs to the public one; unknown where one of them cannot be read.
    pub keys_match: Fact<bool>,
    /// Whether a paired record of this device id exists, and with the same key.
    pub paired: PairedRelation,
    /// Creation, in ms since 1970.
    pub created_at_ms: Fact<i64>,
    /// Last change, in ms since 1970 (SQLite only).
    pub updated_at_ms: Fact<i64>,
    /// The `version` field (JSON only): 1.
    pub version: Fact<i64>,
    /// What is wrong with single fields.
    pub problems: Vec<FieldProblem>,
}

/// A device token that a client of this state directory keeps for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedToken {
    /// The remote gateway that it is for; absent for the gateway of this state directory.
    pub gateway: Fact<String>,
    /// The device that it was issued to. In the JSON era one id stands for the whole file.
    pub device_id: Fact<DeviceId>,
    /// The role that it is for.
    pub role: Fact<String>,
    /// Which token it is.
    pub label: Fact<SecretLabel>,
    /// Its scopes.
    pub scopes: Fact<Vec<String>>,
    /// Last change, in ms since 1970.
    pub updated_at_ms: Fact<i64>,
    /// Whether this store's paired record holds the same token.
    pub agreement: TokenAgreement,
    /// What is wrong with single fields.
    pub problems: Vec<FieldProblem>,
}

/// Whether a cached token and the paired record of the same device and role agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenAgreement {
    /// The record holds this token.
    Agrees,
    /// The record holds this token, but revoked.
    Revoked,
    /// The record holds another token for the role.
    Differs,
    /// The record has no token for the role.
    NoToken,
    /// No record of this device.
    NotPaired,
    /// It is for a gateway elsewhere, so this store cannot say.
    OtherGateway,
    /// One of the two could not be read.
    Unclear,
}
