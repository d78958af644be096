//! What stays readable on purpose although it looks random: check sums, ids of requests, names of files.
//!
//! This is the one definition of it. The detectors for bare values and the entropy scan of the verifier both ask here.

use super::shape::Shape;
use super::words::Words;
use std::ops::Range;

/// What a summary says about it, one clause each.
pub const LEFT_READABLE: &[&str] = &[
    "versions, commit ids and names of files, also those with a hash in them",
    "check sums and digests that are named as such (sha256:…, integrity, ETag)",
    "ids of requests, connections, traces and messages",
    "dates, epochs, counts, sizes, ports, exit and close codes",
    "loopback and unspecified addresses, whole standard networks, well-known resolvers",
    "names of keys, settings, checks and units",
    "system accounts such as root, names of public services",
    "paths below a home directory",
];

/// True for `024b7afd-39c3-427c-bb65-50ebcfc719e5`.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Beginnings of ids that services give to requests, messages and files; they open nothing.
static IDS: Words = Words::new(
    "req_ req- msg_ msg- toolu_ srvtoolu_ call_ chatcmpl- chatcmpl_ cmpl- resp_ run_ run- thread_ asst_ \
    item_ rs_ fc_ evt_ event_ task_ batch_ batch- file- file_ gen- conv_ ask_ cv_ cm_ trace_ trace- \
    span_ conn_ conn- job_ block_ step_ result_ session- sha1- sha256- sha384- sha512-",
);

/// Words before a value that say it is a check sum or an id of something public.
static SUMS: Words = Words::new(
    "publickey public_key pubkey sha1 sha224 sha256 sha384 sha512 md5 blake2 blake3 integrity digest checksum etag commit revision \
    rev tree blob hash fingerprint traceid trace_id spanid span_id image layer manifest requestid \
    request_id x-request-id cf-ray container build buildid messageid message_id overlay2 sums",
);

/// Endings of files; what stands before them is a file name.
static FILES: Words = Words::new(
    ".js .mjs .cjs .map .css .wasm .node .so .png .svg .jpg .webp .woff .ttf .json.gz .tgz .tar .layer \
    .deb .rpm .dmg .html .d.ts .ts",
);

/// True for check sums, ids of requests and names of files.
pub(super) fn is_readable(text: &[u8], span: &Range<usize>) -> bool {
    let part = text.get(span.clone()).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let before = text.get(span.start.saturating_sub(40)..span.start).unwrap_or_default();
    let hex = Shape::of(part).hex;
    let file = FILES.iter().any(|ending| after.starts_with(ending));
    let sum_line = hex
        && (after.starts_with(b"  ") || after.starts_with(b" *"))
        && after.get(2).is_some_and(|byte| byte.is_ascii_graphic());
    let ulid =
        part.len() == 26 && part.first().is_some_and(|byte| (b'0'..=b'7').contains(byte)) && Shape::of(part).lower == 0;
    let id = IDS.iter().any(|prefix| part.starts_with(prefix));
    // A sum split at `/`: the beginning is further left.
    let store = before.ends_with(b"/nix/store/")
        || before.ends_with(b"/store/v3/files/")
        || before.ends_with(b"/blobs/sha256/")
        || before.ends_with(b"/overlay2/")
        || before.ends_with(b"/containers/");
    let masked = super::shape::is_masked(part);
    masked || file || sum_line || ulid || id || store || named_sum(before)
}

/// One of [`SUMS`] is the last word before the value, up to a few signs between them.
fn named_sum(before: &[u8]) -> bool {
    let lower = before.to_ascii_lowercase();
    let gap = lower.iter().rev().take_while(|byte| b" \t:=\"'\\@-(/".contains(byte)).count();
    let mut head = lower.get(..lower.len() - gap).unwrap_or_default();
    // A weak ETag: `W/"…"`.
    if let [rest @ .., b'w'] = head
        && rest.last().is_some_and(|byte| b"\"' :=\\".contains(byte))
    {
        let gap = rest.iter().rev().take_while(|byte| b" \t:=\"'\\@-(/".contains(byte)).count();
        head = rest.get(..rest.len() - gap).unwrap_or_default();
    }
    let name_from =
        head.iter().rposition(|byte| !byte.is_ascii_alphanumeric() && !b"_-".contains(byte)).map_or(0, |at| at + 1);
    let name = head.get(name_from..).unwrap_or_default();
    !name.is_empty()
        && SUMS.iter().any(|sum| name == sum || name.ends_with(sum) && (sum.len() > 4 || name.len() == sum.len()))
}
