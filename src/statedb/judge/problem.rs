//! The problems that a record can have.

use crate::snapshot::device::{FieldFault, RecordPlace, RecordShape, TokenAgreement};
use crate::snapshot::device_key::{KeyForm, PrivateKeyForm};

/// A list of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordList {
    /// Devices that the gateway knows.
    Paired,
    /// Requests that wait.
    Pending,
    /// Identities.
    Identity,
    /// Cached tokens.
    Cached,
}

/// A problem, and the record that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProblem {
    /// The list that holds the record.
    pub list: RecordList,
    /// The record: its key in the store. For identities and cached tokens the name or device id.
    pub key: String,
    /// Where the record is; `None` for identities and cached tokens.
    pub place: Option<RecordPlace>,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Text in a JSON column that is no JSON. In SQLite stores one of these ends the handshake of every device.
    BadJson {
        /// The column.
        field: String,
        /// Byte offset of the fault.
        offset: usize,
        /// Length of the text.
        bytes: usize,
    },
    /// Another fault of a field.
    BadField {
        /// The field or column.
        field: String,
        /// What is wrong with it.
        fault: FieldFault,
    },
    /// The record belongs into another list.
    WrongList(RecordShape),
    /// The id inside the record is not the key that it is stored under, so lookups miss it.
    IdIsNotKey,
    /// The public key does not hash to the device id: the device cannot prove that it is this one.
    KeyIsNotId,
    /// The public key is written in another form than clients send it, and key texts are compared.
    KeyForm(KeyForm),
    /// Neither `role` nor `roles` names a role.
    NoRole,
    /// A role that does not exist.
    UnknownRole(String),
    /// No approved scopes and no scopes: tokens of the device have nothing to lie within.
    NoScopeBaseline,
    /// An operator whose approved scopes are empty.
    EmptyScopeBaseline,
    /// An approved role without a usable token.
    NoToken {
        /// The role.
        role: String,
        /// Why.
        lack: TokenLack,
    },
    /// A token for a role that is not approved.
    TokenWithoutRole {
        /// The role.
        role: String,
    },
    /// The token stored for one role says that it is for another.
    TokenOfOtherRole {
        /// The role that it is stored under.
        key: String,
        /// The role inside.
        role: String,
    },
    /// A token with scopes beyond the approved ones: using it ends in a scope mismatch.
    TokenBeyondApproval {
        /// The role.
        role: String,
        /// The scopes beyond.
        scopes: Vec<String>,
    },
    /// A request waits.
    Waiting(Waiting),
    /// From 2026.8.1: two silently approved devices look alike, and the next silent approval of such a client removes the
    /// older record. Named is the record that would go.
    Supersedable {
        /// Key of the newer one.
        by: String,
    },
    /// Another record holds the same public key under another id.
    SameKeyAs {
        /// Key of the other record.
        other: String,
    },
    /// The identity's private key is missing or no Ed25519 key.
    PrivateKey(PrivateKeyForm),
    /// The identity's private key does not belong to its public key.
    KeysDoNotMatch,
    /// The gateway knows this identity's device id with another key.
    PairedWithOtherKey,
    /// A client's cached token is not what the gateway holds.
    CachedToken {
        /// The role.
        role: String,
        /// How it relates to the gateway's record.
        agreement: TokenAgreement,
    },
}

/// Why an approved role has no usable token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenLack {
    /// The record has no `tokens` at all.
    NoTokens,
    /// The record has an empty `tokens`.
    EmptyTokens,
    /// There are tokens, but none for this role.
    NotForRole,
    /// The token for this role was revoked.
    Revoked,
    /// The entry for this role holds no token text.
    NoText,
}

/// What a waiting request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Why it waits; several may hold at once, in the order in which the gateway checks.
    pub reasons: Vec<WaitReason>,
    /// Whether a local retry may approve it without asking; `None` where it is not said. `Some(false)` stays until the
    /// request is gone.
    pub silent: Option<bool>,
    /// When it expires, in ms since 1970.
    pub expires_at_ms: Option<i64>,
    /// Whether it has expired at the time of judging.
    pub expired: Option<bool>,
}

/// Why a request waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitReason {
    /// No record of this device.
    FirstTime,
    /// The device is known with another key.
    OtherKey,
    /// From 2026.2.26: platform or device family differ from the pinned ones.
    Metadata {
        /// `platform` or `deviceFamily`.
        field: &'static str,
        /// The pinned value.
        pinned: String,
        /// What the client states; `None` where it states nothing.
        claimed: Option<String>,
    },
    /// Roles that are not approved.
    Roles(Vec<String>),
    /// Scopes that the approved ones do not satisfy.
    Scopes(Vec<String>),
    /// Everything asked for is approved, and yet it waits.
    Repair,
    /// What is approved could not be read.
    Unclear,
}
