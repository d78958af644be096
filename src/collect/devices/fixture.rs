//! Stores for tests, in the form that OpenClaw 2026.2.19 writes (lab, f01_healthy).

use crate::collect::source::{LiveSource, Reader};
use crate::model::SecretVault;
use crate::snapshot::device_key::device_id_of;
use crate::snapshot::store::JsonStore;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// When the records of the fixture were made, in ms since 1970.
pub(crate) const THEN: i64 = 1_795_355_898_052;

/// The raw key of device `n`.
pub(crate) fn raw_key(n: u8) -> [u8; 32] {
    ring::digest::digest(&ring::digest::SHA256, &[n]).as_ref().try_into().expect("32 bytes")
}

/// The id of device `n`.
pub(crate) fn id(n: u8) -> String {
    device_id_of(&raw_key(n)).0
}

/// The public key of device `n` as OpenClaw writes it.
pub(crate) fn key(n: u8) -> String {
    URL_SAFE_NO_PAD.encode(raw_key(n))
}

/// The record of an operator device.
pub(crate) fn record(n: u8) -> Value {
    let scopes = json!(["operator.admin", "operator.approvals", "operator.pairing"]);
    json!({
        "deviceId": id(n), "publicKey": key(n), "platform": "linux", "clientId": "cli", "clientMode": "cli",
        "role": "operator", "roles": ["operator"], "scopes": scopes,
        "tokens": { "operator": {
            "token": URL_SAFE_NO_PAD.encode([n; 32]), "role": "operator", "scopes": scopes, "createdAtMs": THEN,
        } },
        "createdAtMs": THEN, "approvedAtMs": THEN,
    })
}

/// The request of a device.
pub(crate) fn request(n: u8, request_id: &str, ts: i64) -> Value {
    json!({
        "requestId": request_id, "deviceId": id(n), "publicKey": key(n), "platform": "linux", "clientId": "cli",
        "clientMode": "cli", "role": "operator", "roles": ["operator"],
        "scopes": ["operator.admin", "operator.approvals", "operator.pairing"],
        "silent": false, "isRepair": false, "ts": ts,
    })
}

/// A store of these devices.
pub(crate) fn paired(devices: &[u8]) -> Value {
    devices.iter().map(|n| (id(*n), record(*n))).collect::<Map<_, _>>().into()
}

/// The identity file of a key pair that really belongs together: its id, its key text, and the file.
pub(crate) fn identity(seed: u8) -> (String, String, Value) {
    use ring::signature::KeyPair as _;
    let seed = [seed; 32];
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key pair");
    let raw: [u8; 32] = pair.public_key().as_ref().try_into().expect("32 bytes");
    let pem = |label: &str, prefix: &[u8], body: &[u8]| {
        format!(
            "-----BEGIN {label} KEY-----\n{}\n-----END {label} KEY-----\n",
            STANDARD.encode([prefix, body].concat())
        )
    };
    let spki = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let pkcs8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let id = device_id_of(&raw).0;
    let file = json!({
        "version": 1, "deviceId": id, "publicKeyPem": pem("PUBLIC", &spki, &raw),
        "privateKeyPem": pem("PRIVATE", &pkcs8, &seed), "createdAtMs": THEN,
    });
    (id, URL_SAFE_NO_PAD.encode(raw), file)
}

/// As OpenClaw writes it.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("serializes")
}

/// A host with one state directory, for a test.
pub(crate) struct State(tempfile::TempDir);

/// Where it lies on that host.
pub(crate) const STATE_DIR: &str = "/home/claw/.openclaw";

impl State {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let state = Self(tempfile::tempdir().expect("a directory"));
        std::fs::create_dir_all(state.path("")).expect("a directory");
        state
    }

    /// Where an entry really is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(STATE_DIR.trim_start_matches('/')).join(name)
    }

    /// Writes a file.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, bytes).expect("written");
        self
    }

    /// The host.
    pub(crate) fn source(&self) -> LiveSource {
        LiveSource::below(self.0.path()).expect("a root")
    }

    /// Reads the store.
    pub(crate) fn collect(&self) -> JsonStore {
        self.collect_with(&mut SecretVault::default())
    }

    /// Reads the store into a vault.
    pub(crate) fn collect_with(&self, vault: &mut SecretVault) -> JsonStore {
        super::collect(&self.source(), Path::new(STATE_DIR), None, Reader::Own, vault)
    }
}
