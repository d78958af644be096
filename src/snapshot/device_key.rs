//! Device keys: how a public key text relates to a device id, judged once and kept as facts.
//!
//! A device id is the SHA-256 (hex) of the raw 32-byte Ed25519 key, and the key is stored as unpadded base64url
//! (pairing-by-release 1.7). OpenClaw compares key texts, not keys (lab 2026.2.19, f04w: padded standard base64 of the
//! right key locks the device out).

use super::device::{DeviceId, MAX_TEXT};
use crate::model::{Fact, UnknownKind};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A stored public key and how it relates to the device id beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRelation {
    /// The stored text, cut at [`MAX_TEXT`] characters. A public key is no secret, but it names the device.
    pub text: Fact<String>,
    /// What form the text has.
    pub form: KeyForm,
    /// Whether the key's SHA-256 is the device id; unknown where either cannot be read.
    pub hashes_to_id: Fact<bool>,
}

/// Forms of a stored public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    /// Unpadded base64url of 32 bytes, as OpenClaw writes it into device records.
    Canonical,
    /// 32 bytes in another base64 (padded, or the standard alphabet): the same key, but another text.
    OtherBase64,
    /// 64 hex digits of a key: the same key, but another text.
    Hex,
    /// PEM (SPKI) of an Ed25519 key, as OpenClaw writes it into identities.
    Pem,
    /// Base64 or PEM of something that is no Ed25519 key.
    WrongLength,
    /// Neither base64 nor PEM.
    Undecodable,
    /// No text.
    Missing,
}

/// Forms of a stored private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateKeyForm {
    /// PEM (PKCS8) of an Ed25519 key.
    Pem,
    /// Base64 of a 32-byte seed (the Swift form that 2026.5.12 and later accept in JSON).
    Raw,
    /// Something else.
    Undecodable,
    /// No text.
    Missing,
}

/// DER before the raw key in an Ed25519 SPKI (pairing-by-release 1.7).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// DER before the raw seed in an Ed25519 PKCS8 (RFC 8410).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const LENIENT_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

impl KeyRelation {
    /// Relates a stored key text to a stored device id.
    pub fn new(text: Fact<String>, device_id: &Fact<DeviceId>) -> Self {
        let (form, raw) = match &text {
            Fact::Known(text) => decode_public(text),
            Fact::Absent | Fact::Unknown(_) => (KeyForm::Missing, None),
        };
        let hashes_to_id = match (raw, device_id) {
            (Some(raw), Fact::Known(id)) => Fact::Known(device_id_of(&raw) == *id),
            (None, _) if form == KeyForm::Missing && text.is_absent() => Fact::Absent,
            (None, _) => Fact::unknown(UnknownKind::Malformed, "the public key cannot be decoded"),
            (Some(_), Fact::Absent) => Fact::Absent,
            (Some(_), Fact::Unknown(why)) => Fact::Unknown(why.clone()),
        };
        let text = text.map(|text| text.chars().take(MAX_TEXT).collect());
        Self { text, form, hashes_to_id }
    }
}

/// The device id of a raw public key.
pub fn device_id_of(raw: &[u8; 32]) -> DeviceId {
    DeviceId(Sha256::digest(raw).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The form of a public key text, and the raw key where it is an Ed25519 key.
pub fn decode_public(text: &str) -> (KeyForm, Option<[u8; 32]>) {
    if text.trim().is_empty() {
        return (KeyForm::Missing, None);
    }
    if text.contains("-----BEGIN") {
        return match decode_pem(text) {
            Some(der) => match der.strip_prefix(&SPKI_PREFIX).and_then(|raw| raw.try_into().ok()) {
                Some(raw) => (KeyForm::Pem, Some(raw)),
                None => (KeyForm::WrongLength, None),
            },
            None => (KeyForm::Undecodable, None),
        };
    }
    if let Some(raw) = decode_hex(text.trim()) {
        return (KeyForm::Hex, Some(raw));
    }
    let Some(bytes) = decode_base64(text.trim()) else { return (KeyForm::Undecodable, None) };
    match <[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(raw) if base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(raw) == text => {
            (KeyForm::Canonical, Some(raw))
        }
        Ok(raw) => (KeyForm::OtherBase64, Some(raw)),
        Err(_) => (KeyForm::WrongLength, None),
    }
}

/// The form of a private key text, and the raw seed where it is an Ed25519 key.
pub fn decode_private(text: &str) -> (PrivateKeyForm, Option<[u8; 32]>) {
    if text.trim().is_empty() {
        return (PrivateKeyForm::Missing, None);
    }
    if text.contains("-----BEGIN") {
        let seed = decode_pem(text).and_then(|der| der.strip_prefix(&PKCS8_PREFIX)?.try_into().ok());
        return (if seed.is_some() { PrivateKeyForm::Pem } else { PrivateKeyForm::Undecodable }, seed);
    }
    let seed = decode_base64(text.trim()).and_then(|bytes| bytes.try_into().ok());
    (if seed.is_some() { PrivateKeyForm::Raw } else { PrivateKeyForm::Undecodable }, seed)
}

/// Whether a private key belongs to a public key; unknown where one of them is no Ed25519 key. From 2026.8.1 every load
/// of an identity whose keys do not belong together throws.
pub fn keys_match(public: &str, private: &str) -> Fact<bool> {
    match (decode_public(public).1, decode_private(private).1) {
        (Some(public), Some(seed)) => {
            Fact::Known(ring::signature::Ed25519KeyPair::from_seed_and_public_key(&seed, &public).is_ok())
        }
        _ => Fact::unknown(UnknownKind::Malformed, "one of the two keys is no Ed25519 key"),
    }
}

fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let byte = |pair: &[u8; 2]| {
        let digits = std::str::from_utf8(pair).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    };
    pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    LENIENT_URL.decode(text).or_else(|_| LENIENT_STANDARD.decode(text)).ok()
}

fn decode_pem(text: &str) -> Option<Vec<u8>> {
    let body: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    decode_base64(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Throwaway pair of a captured 2026.9.6 gateway.
    const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEATdSc6Sh6h2nYgwP/VKoeTBoDrw9ZMFgp63EJiOTjWCc=\n-----END PUBLIC KEY-----\n";
    const PRIVATE_PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ66A8p+KrO0/RV+pr9bcpwN0H14C4tA9q5Bth7ZcSbl\n-----END PRIVATE KEY-----\n";
    const ID: &str = "4ea3df457c9d05f7cc1ece43b0375061b32f3e28db8dd45eea9f353c9f09c5fc";

    fn relation(text: &str, id: &str) -> KeyRelation {
        KeyRelation::new(Fact::Known(text.to_owned()), &Fact::Known(DeviceId(id.to_owned())))
    }

    #[test]
    fn the_captured_identity_holds_together() {
        let relation = relation(PUBLIC_PEM, ID);
        assert_eq!((relation.form, relation.hashes_to_id), (KeyForm::Pem, Fact::Known(true)));
        assert_eq!(decode_private(PRIVATE_PEM).0, PrivateKeyForm::Pem);
        assert_eq!(keys_match(PUBLIC_PEM, PRIVATE_PEM), Fact::Known(true));
    }

    #[test]
    fn a_private_key_of_another_pair_is_noticed() {
        let other = base64::engine::general_purpose::STANDARD.encode([7_u8; 32]);
        assert_eq!(keys_match(PUBLIC_PEM, &other), Fact::Known(false));
        assert!(keys_match(PUBLIC_PEM, "nonsense").why_unknown().is_some());
    }

    #[test]
    fn forms_are_told_apart_and_the_same_key_hashes_alike() {
        let raw = decode_public(PUBLIC_PEM).1.expect("a key");
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(raw);
        let padded = base64::engine::general_purpose::STANDARD.encode(raw);
        assert_eq!(relation(&url, ID).form, KeyForm::Canonical);
        assert_eq!(relation(&padded, ID).form, KeyForm::OtherBase64);
        assert_eq!(relation(&padded, ID).hashes_to_id, Fact::Known(true));
        assert_eq!(relation(&url, &"0".repeat(64)).hashes_to_id, Fact::Known(false));
        let hex: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!((relation(&hex, ID).form, relation(&hex, ID).hashes_to_id), (KeyForm::Hex, Fact::Known(true)));
        assert_eq!(relation("AAAA", ID).form, KeyForm::WrongLength);
        assert_eq!(relation("%%%", ID).form, KeyForm::Undecodable);
        assert_eq!(relation("", ID).form, KeyForm::Missing);
        assert_eq!(KeyRelation::new(Fact::Absent, &Fact::Known(DeviceId(ID.into()))).hashes_to_id, Fact::Absent);
    }
}
