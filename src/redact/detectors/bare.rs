//! Values without any context or form of their own, that only their randomness gives away; and what merely looks so.

use super::super::decode::{base64, is_text};
use super::super::detector::Detector;
use super::super::hit::Hit;
use super::super::kind::Kind;
use super::super::readable::{is_readable, is_uuid};
use super::super::shape::{Shape, is_random};
use std::ops::Range;

pub(super) static TABLE: &[Detector] = &[
    Detector::sweep(
        "bare-random",
        Kind::Secret,
        sweep,
        &[
            "here it is ‹b64u:43› ok",
            "‹hex:48›",
            "lin ‹b62:40›",
            "twilio SK‹hex:32›",
            "key ‹up:32› end",
            "azure ‹b64:86›==",
            "{\"recoveryScope\":\"‹b64u:43›\"}",
            "signature\":\"‹b64u:86›\"",
            "data:image/png;base64,‹b64:600›",
        ],
    )
    .not(&[
        "commit 45d9b20b1c7e0a3f52c8d6e4f1a2b3c4d5e6f708 merged",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  openclaw-2026.2.19.tgz",
        "ghcr.io/openclaw/openclaw@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "\"integrity\": \"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==\"",
        "traceId=a33b1b5684d7e1deef72a0abf720def5 spanId=e96491f4b27518c3",
        "requestId: f03f1f6d-8b1b-472e-aaf2-5c1a599be97a conn=8e9d65af-e913-4b2e-b2d7-16e8662dc014",
        "at Object.onClose (file:///usr/lib/node_modules/openclaw/dist/call-DZzTR0NL.js:438:10)",
        "gateway.76cfe15b.lock and device-identity.b8edcb8c.lock.sqlite",
        "req_011CSHoEeqs5C35K2UUqR7Fy toolu_01A09q90qw90lq917835lq9 chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
        "id 01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "OPENCLAW_SKIP_CHANNELS=1 dangerouslyDisableDeviceAuth allowRealIpFallback",
        "ETag: \"5d8c72a5edda8d6a3f0a6d8e33441122334455667788aabb\"",
        "/nix/store/0c5lzdxb4kz9fzj5n4k6sw3xq2r7v8y1-openclaw-2026.2.19/bin",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "v0.0.0-20210220032951-036812b2e83c",
        "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDnyHdqOnPLhGvXlU8 (ED25519)",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbImluZGV4LnRzIl0sIm1hcHBpbmdzIjoiIn0",
        "npm-11.2.0-x86_64-unknown-linux-gnu-debug-symbols-2026",
        "overlay2/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/merged",
        "fingerprint\": \"9f1c2ab07d31\"",
    ]),
];

/// Runs longer than this are data, not one value.
const LONGEST: usize = 8192;

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-')
}

/// Goes over all runs of token characters.
fn sweep(text: &[u8], hits: &mut Vec<Hit>) {
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !is_token(*byte)).unwrap_or(rest.len());
        if length >= 24 {
            run(text, at..at + length, hits);
        }
        at += length + 1;
    }
}

/// One run: as base64 with `+` and `/`, or as a path of parts without.
fn run(text: &[u8], span: Range<usize>, hits: &mut Vec<Hit>) {
    let bytes = text.get(span.clone()).unwrap_or_default();
    let padding = text.get(span.end..).unwrap_or_default().iter().take(2).take_while(|byte| **byte == b'=').count();
    if is_readable(text, &span) {
        return;
    }
    let image = text.get(..span.start).is_some_and(|before| before.ends_with(b";base64,"));
    if image {
        // Pictures may be QR codes, which hold setup codes; the smallest are single dots.
        if bytes.len() >= 256 && !base64(bytes).is_some_and(|data| is_text(&data)) {
            hits.push(Hit::new(text, span.start..span.end + padding, Kind::Secret, "bare-random"));
        }
        return;
    }
    let slashed = bytes.iter().any(|byte| matches!(byte, b'+' | b'/'));
    if slashed && is_base64(bytes, padding) {
        if bytes.len() > LONGEST || !base64(bytes).is_some_and(|data| is_text(&data)) {
            hits.push(
                Hit::new(text, span.start..span.end + padding, Kind::Secret, "bare-random").learned(bytes.len() < 512),
            );
        }
        return;
    }
    let mut start = span.start;
    for part in bytes.split(|byte| matches!(byte, b'+' | b'/')) {
        let part_span = start..start + part.len();
        start += part.len() + 1;
        if part.len() < 24 || part.len() > LONGEST && slashed {
            continue;
        }
        if let Some(kind) = judge(text, &part_span, part) {
            let end = part_span.end + if part_span.end == span.end { padding } else { 0 };
            let value = if kind == Kind::Device { part.to_ascii_lowercase() } else { part.to_vec() };
            hits.push(Hit::new(text, part_span.start..end, kind, "bare-random").plain(value).learned(part.len() < 512));
        }
    }
}

/// Base64 of the standard alphabet rather than a path: random between its slashes, of a whole length or long.
fn is_base64(bytes: &[u8], padding: usize) -> bool {
    let whole = (bytes.len() + padding).is_multiple_of(4);
    // By chance a part of a long value takes few turns between its classes; a part without two cases is a word.
    let (mut sound, mut calm) = (true, 0);
    for part in bytes.split(|byte| matches!(byte, b'+' | b'/')).filter(|part| part.len() >= 8 && !is_random(part)) {
        let shape = Shape::of(part);
        sound &= shape.upper > 0 && shape.lower > 0;
        calm += if shape.changes * 100 >= shape.pairs * 22 { 0 } else { part.len() };
    }
    let parts_random = sound && calm * 5 <= bytes.len();
    let unmixed = !bytes.iter().any(|byte| matches!(byte, b'_' | b'-'));
    (whole || bytes.len() >= 40) && unmixed && parts_random && is_random(bytes) && Shape::of(bytes).digit > 0
}

/// The kind of a part that must be hidden.
fn judge(text: &[u8], span: &Range<usize>, part: &[u8]) -> Option<Kind> {
    let shape = Shape::of(part);
    if shape.digit == part.len() || is_readable(text, span) {
        return None;
    }
    if shape.hex {
        let kind = match part.len() {
            48 => Kind::Token,
            64 => Kind::Device,
            96 | 128 => Kind::Secret,
            _ => return None,
        };
        return (shape.digit > 4 && shape.letters() > 4).then_some(kind);
    }
    let body = without_uuid(part);
    let longest = body.split(|byte| matches!(byte, b'_' | b'-')).max_by_key(|piece| piece.len()).unwrap_or_default();
    let piece = Shape::of(longest);
    let three = piece.upper > 1 && piece.lower > 1 && piece.digit > 0;
    let separators = body.iter().filter(|byte| matches!(byte, b'_' | b'-')).count();
    let whole = Shape::of(body);
    let mixed = whole.upper > 2 && whole.lower > 2 && whole.digit > 1;
    let random = longest.len() >= 24 && three && is_random(longest)
        || longest.len() >= 30 && is_random(longest) && !piece.hex
        || body.len() >= 32 && mixed && is_random(body) && separators * 7 <= body.len();
    let readable = || base64(part).is_some_and(|data| data.len() >= 9 && is_text(&data));
    if !random || readable() {
        return None;
    }
    Some(if part.len() == 43 { Kind::Token } else { Kind::Secret })
}

/// The part without a UUID at its beginning or end: `conn-024b7afd-39c3-427c-bb65-50ebcfc719e5`.
fn without_uuid(part: &[u8]) -> &[u8] {
    match (part.get(..36), part.len().checked_sub(36).and_then(|at| part.get(at..))) {
        (Some(head), _) if is_uuid(head) => part.get(36..).unwrap_or_default(),
        (_, Some(tail)) if is_uuid(tail) => part.get(..part.len() - 36).unwrap_or_default(),
        _ => part,
    }
}
