//! OpenClaw's own credentials that have a form: setup codes, pairing links, pictures of setup codes.
//!
//! A setup code is base64url of JSON with `url` and `bootstrapToken` (2026.3.13 and later; before that `token` or
//! `password`). Gateway tokens are 48 hexadecimal digits by default, device tokens 43 characters of base64url from
//! 2026.2.17 and 32 hexadecimal digits before; those are found by their context in `assign` and by form in `bare`.

use super::super::decode::{base64, is_text};
use super::super::detector::{Detector, Near, begins_a_word};
use super::super::hit::Hit;
use super::super::kind::Kind;

pub(super) static TABLE: &[Detector] = &[
    Detector::near(
        "setup-code",
        Kind::SetupCode,
        &["eyj", "ewog"],
        setup_code,
        &[
            // {"url":"ws://192.168.1.20:18789","bootstrapToken":"…
            "Setup code: eyJ1cmwiOiJ3czovLzE5Mi4xNjguMS4yMDoxODc4OSIsImJvb3RzdHJhcFRva2VuIjoi‹b64u:56›",
            "oc-pair://eyJ1cmwiOiJ3czovLzE5Mi4xNjguMS4yMDoxODc4OSIsInRva2VuIjoi‹b64u:56›",
        ],
    ),
    Detector::prefix(
        "pairing-link",
        &["oc-pair://", "openclaw://pair", "openclaw://connect"],
        r"(?:oc-pair://|openclaw://(?:pair|connect)[/?])([A-Za-z0-9_%=&.-]{8,})",
        &["openclaw node run --pair oc-pair://‹b64u:64›"],
    )
    .kind(Kind::SetupCode)
    .not(&["openclaw node run --pair \"oc-pair://<setup-code>\""]),
    Detector::prefix(
        "approve-code",
        &["pairing approve"],
        r"pairing approve (?:--\S+ )*[a-z]+ ([A-Z0-9]{6,12})\b",
        &["openclaw pairing approve telegram ‹up:8›"],
    )
    .kind(Kind::SetupCode)
    .accept(|_| true),
    Detector::near("qr-picture", Kind::SetupCode, &["▄▄▄▄▄▄▄", "█▀▀▀▀▀█", "█ ▄▄▄▄▄ █"], picture, &[]),
];

/// Base64 of a JSON object that names a credential. A code that was cut off is recognised by its beginning.
fn setup_code(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    if !begins_a_word(text, near.word.start) {
        return;
    }
    let rest = text.get(near.word.start..).unwrap_or_default();
    let length =
        rest.iter().take(64 * 1024).take_while(|byte| byte.is_ascii_alphanumeric() || b"-_+/".contains(byte)).count();
    let padding = rest.get(length..).unwrap_or_default().iter().take(2).take_while(|byte| **byte == b'=').count();
    let Some(json) = rest.get(..length).and_then(base64) else { return };
    let has = |word: &[u8]| memchr::memmem::find(&json, word).is_some();
    let tunnel = has(b"\"a\":\"") && has(b"\"t\":\"") && has(b"\"s\":\"");
    let names =
        [&b"oken\""[..], b"assword\"", b"ecret\"", b"private", b"apiKey\"", b"\"auth\""].iter().any(|word| has(word));
    let gateway = json.starts_with(b"{\"url\"") || has(b"\"ws://") || has(b"\"wss://");
    if length >= 24 && is_text(&json) && (names || tunnel || gateway) {
        let kind = if gateway || names { near.kind } else { Kind::Token };
        hits.push(Hit { kind, ..near.hit(near.word.start..near.word.start + length + padding) }.learned(true));
    }
}

/// A picture of block characters, as `openclaw qr` and channel log-ins print it: twelve lines or more.
fn picture(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let is_block = |line: &[u8]| {
        let line = std::str::from_utf8(line).unwrap_or_default().trim_end_matches('\r');
        line.chars().filter(|c| !c.is_whitespace()).count() >= 8
            && line.chars().all(|c| matches!(c, '█' | '▀' | '▄' | '▌' | '▐' | '▓' | '░' | ' ' | '│' | '|'))
    };
    let begin =
        text.get(..near.word.start).unwrap_or_default().iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let before = text
        .get(..begin.saturating_sub(1))
        .unwrap_or_default()
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if begin > 0 && is_block(before) {
        return;
    }
    let (mut end, mut lines) = (begin, 0);
    for line in text.get(begin..).unwrap_or_default().split(|byte| *byte == b'\n') {
        if !is_block(line) {
            break;
        }
        lines += 1;
        end += line.len() + 1;
    }
    if lines >= 12 {
        hits.push(near.hit(begin..end.saturating_sub(1).min(text.len())));
    }
}
