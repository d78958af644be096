//! OpenClaw's device ids and public keys. They are hidden as pseudonyms, so that it can still be seen which is which.
//!
//! A device id is the SHA-256 of the raw 32-byte Ed25519 key in 64 small hexadecimal digits; a public key is written as
//! base64url of the raw key or as SPKI in PEM (all releases, see the pairing notes of 2026.2.19 and 2026.9.6).

use super::super::detector::{Detector, Near, always};
use super::super::hit::Hit;
use super::super::kind::Kind;

pub(super) static TABLE: &[Detector] = &[
    Detector::prefix(
        "device-id",
        &["device", "nodeid", "node_id", "node=", "\"node\"", "instance"],
        r#"(?i)(?:device|node|instance)[ _-]?(?:ids?)?\\*["']?[ \t]*(?:[:=|][ \t]*|[ \t])\[?[ \t]*\\*["']?([0-9a-f]{16,64})"#,
        &[
            "device pairing auto-approved device=‹hex:64› role=operator",
            r#""deviceId": "‹hex:64›","#,
            r#"{\"deviceId\":\"‹hex:64›\"}"#,
            "device ‹hex:64› paired",
            "nodeId=‹hex:64›",
        ],
    )
    .kind(Kind::Device)
    .accept(is_id)
    .not(&["device=unknown", "deviceId: null", "device token mismatch"]),
    Detector::prefix(
        "public-key",
        &["publickey", "public_key", "public key", "public-key", "pubkey"],
        r#"(?i)pub(?:lic)?[ _-]?key[A-Za-z]{0,6}\\*["']?[ \t]*[:=]?[ \t]*\\*["']?([A-Za-z0-9+/_-]{40,}={0,2})"#,
        &[r#""publicKey": "‹b64u:43›","#, r#"{\"publicKey\":\"‹b64u:43›\"}"#, "public_key=‹b64:43›=", "PublicKey = ‹b64:43›="],
    )
    .kind(Kind::PublicKey)
    .accept(always)
    .not(&["publicKey: \"\"", "public key mismatch for device"]),
    Detector::prefix("public-key-info", &["mcowbqydk2vwayea"], r"MCowBQYDK2VwAyEA[A-Za-z0-9+/_-]{40,44}={0,2}", &["spki MCowBQYDK2VwAyEA‹b64:43›="])
        .kind(Kind::PublicKey)
        .accept(always),
    Detector::near(
        "device-table",
        Kind::Device,
        &["│", "|"],
        table,
        &["│ f03f1f6d-8b1b-472e-aaf2-5c1a599be97a │ ‹hex:32› │ operator │\n│                                      │ ‹hex:32› │          │", "│ ‹hex:42› │ operator   │\n│ ‹hex:22›                     │            │"],
    )
    .not(&["│ Commit │ 45d9b20b1c7e0a3f52c8d6e4f1a2b3c4d5e6f708 │"]),
    Detector::prefix(
        "serial-number",
        &["serial"],
        r#"(?i)serial[ _-]?(?:number|no\.?)?(?: \(system\))?\\*["']?[ \t]*[:=][ \t]*\\*["']?([A-Z0-9]{8,20})"#,
        &["Serial Number (system): ‹up:12›", "\"serialNumber\": \"‹up:12›\""],
    )
    .kind(Kind::Serial)
    .accept(|value| value.iter().any(u8::is_ascii_digit)),
    Detector::prefix(
        "given-name",
        &["displayname", "display_name", "devicename", "device_name", "operatorlabel", "operator_label", "friendlyname", "computername", "computer name", "pushname", "push_name"],
        r#"(?i)(?:display_?name|device_?name|operator_?label|friendly_?name|computer ?name|push_?name)\\*["']?[ \t]*[:=][ \t]*\\*["']([^"'\\\r\n]{2,60}(?:'s [^"\\\r\n]{2,40})?)"#,
        &[r#""displayName": "‹is:Alice's MacBook Pro›""#, r#"{\"displayName\":\"‹is:Syvala Phone›\"}"#, "deviceName='‹is:peters-iphone›'"],
    )
    .kind(Kind::Name)
    .accept(is_given_name)
    .not(&[r#""displayName": "OpenClaw CLI""#, r#""displayName": "cli""#, r#""displayName": "Control UI""#]),
];

/// The plain form of a public key: its raw bytes in hexadecimal. Every armour of one key has the same.
pub(in crate::redact) fn public_key(characters: &[u8]) -> Option<Vec<u8>> {
    const SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let bytes = super::super::decode::base64(characters)?;
    let raw = bytes.strip_prefix(SPKI).unwrap_or(&bytes);
    (raw.len() == 32).then(|| raw.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect())
}

/// Hexadecimal with digits and letters, as a hash has them.
fn is_id(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// A name that a person gave, not one that a client of OpenClaw gives itself.
fn is_given_name(value: &[u8]) -> bool {
    const CLIENTS: &[&str] = &[
        "openclaw",
        "clawdbot",
        "moltbot",
        "control ui",
        "control-ui",
        "webchat",
        "cli",
        "tui",
        "gateway",
        "probe",
        "node",
        "dashboard",
        "unknown",
        "null",
        "agent",
        "assistant",
    ];
    let lower = value.to_ascii_lowercase();
    let made = CLIENTS.iter().any(|client| lower.starts_with(client.as_bytes()));
    !made && !super::super::shape::is_placeholder(value)
}

/// Cells that hold nothing but a piece of a device id, which `devices list` wraps over two lines.
fn table(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let Some(first) = cell(text, near.word.end) else { return };
    if first.len() == 64 {
        hits.push(near.hit(first));
        return;
    }
    // The same column on the next line.
    let start =
        text.get(..first.start).unwrap_or_default().iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let Some(next) = text.get(first.end..).and_then(|rest| memchr::memchr(b'\n', rest)).map(|at| first.end + at + 1)
    else {
        return;
    };
    let column = characters(text.get(start..first.start).unwrap_or_default());
    let Some(below) = after_characters(text, next, column) else { return };
    let Some(second) = hex_run(text, below) else { return };
    if first.len() + second.len() == 64 {
        let value = [text.get(first.clone()), text.get(second.clone())]
            .into_iter()
            .flatten()
            .flatten()
            .copied()
            .collect::<Vec<u8>>();
        hits.push(near.hit(first).plain(value.clone()));
        hits.push(near.hit(second).plain(value).learned(true));
    }
}

/// A cell after a bar that begins with a run of hexadecimal digits.
fn cell(text: &[u8], from: usize) -> Option<std::ops::Range<usize>> {
    let blanks = text.get(from..)?.iter().take(8).take_while(|byte| **byte == b' ').count();
    hex_run(text, from + blanks).filter(|run| run.len() >= 16)
}

fn hex_run(text: &[u8], from: usize) -> Option<std::ops::Range<usize>> {
    let length = text
        .get(from..)?
        .iter()
        .take(65)
        .take_while(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
        .count();
    let ends = text.get(from + length).is_none_or(|byte| *byte == b' ' || !byte.is_ascii());
    (length > 0 && ends).then_some(from..from + length)
}

/// Characters, not bytes: the bars of a table take three bytes.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

fn after_characters(text: &[u8], from: usize, count: usize) -> Option<usize> {
    let line = text.get(from..text.len().min(from + 2000))?;
    let mut seen = 0;
    for (at, byte) in line.iter().enumerate() {
        if *byte == b'\n' {
            return None;
        }
        if *byte & 0xc0 != 0x80 {
            if seen == count {
                return Some(from + at);
            }
            seen += 1;
        }
    }
    None
}
