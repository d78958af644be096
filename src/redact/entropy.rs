//! The second opinion: a scan for runs that carry too much information to be words, written apart from the detectors.
//!
//! The detectors judge by how often the class of characters changes; this scan judges by how evenly a run uses its
//! characters (Shannon entropy per character), against what random text of that length reaches. What stays readable on
//! purpose is the same for both, see [`super::readable`].

use super::decode::{base64, is_text};
use super::readable::{is_readable, is_uuid};
use std::ops::Range;

/// Runs below this length can't be told from words by their entropy.
const SHORTEST: usize = 32;

/// Runs above this length are data; credentials are shorter.
const LONGEST: usize = 2048;

/// The runs of a text that look like credentials.
pub(super) fn suspicious(text: &[u8], identities: bool) -> impl Iterator<Item = Range<usize>> + '_ {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let length = text.get(at..)?.iter().position(|byte| !belongs(byte)).unwrap_or(text.len() - at);
            let span = at..at + length;
            at += length + 1;
            if length >= SHORTEST && is_suspicious(text, span.clone(), identities) {
                return Some(span);
            }
        }
        None
    })
}

fn is_suspicious(text: &[u8], span: Range<usize>, identities: bool) -> bool {
    let Some(run) = text.get(span.clone()) else { return false };
    if run.len() > LONGEST
        || is_uuid(run)
        || is_readable(text, &span)
        || text.get(..span.start).is_some_and(within_data)
        || is_piece_of_sum(text, &span)
    {
        return false;
    }
    let lower = run.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let upper = run.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let digit = run.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hex = run.iter().all(u8::is_ascii_hexdigit) && (upper == 0 || lower == 0);
    if hex {
        // The lengths of OpenClaw's own tokens and device ids; others belong to hashes and dumps.
        return (run.len() == 48 || run.len() == 64 && identities) && digit > 8 && upper + lower > 8 && bits(run) > 3.3;
    }
    // Each class takes at least a tenth, as chance would have it, and separators at most a tenth.
    let share = |count: usize| count * 10 >= run.len();
    let separators = run.len() - lower - upper - digit;
    let mixed = share(lower) && share(upper) && digit * 20 >= run.len() && !share(separators);
    mixed && bits(run) > expected(run.len()) && longest_word(run) < 8 && !base64(run).is_some_and(|data| is_text(&data))
}

/// True for a piece of `sha512-…`, which is split at its `+` and `/`.
fn is_piece_of_sum(text: &[u8], span: &Range<usize>) -> bool {
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let before = text.get(..span.start).unwrap_or_default();
    let length = before.iter().rev().take(128).take_while(belongs).count();
    let head = before.get(before.len() - length..).unwrap_or_default();
    [&b"sha1-"[..], b"sha256-", b"sha384-", b"sha512-"].iter().any(|sum| head.starts_with(sum))
}

/// The length of the longest stretch of letters that could be a word: small ones, at most the first a capital.
fn longest_word(run: &[u8]) -> usize {
    let (mut longest, mut current) = (0, 0);
    for byte in run {
        current = if byte.is_ascii_lowercase() { current + 1 } else { usize::from(byte.is_ascii_uppercase()) };
        longest = longest.max(current);
    }
    longest
}

/// Bits per character: 0 for one repeated character, log₂ of the length where all differ.
fn bits(run: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in run {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f64::from(u32::try_from(run.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

/// What random base64 of a length reaches, less a margin. A short run can't use all 64 characters.
fn expected(length: usize) -> f64 {
    match length {
        0..40 => 4.35,
        40..64 => 4.6,
        64..128 => 4.9,
        _ => 5.2,
    }
}

/// True right after `;base64,`: the data of a picture or a font.
fn within_data(before: &[u8]) -> bool {
    before
        .iter()
        .rev()
        .take(512)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
        .count()
        .checked_add(1)
        .is_some_and(|from| {
            before
                .len()
                .checked_sub(from)
                .and_then(|at| before.get(..=at))
                .is_some_and(|head| head.ends_with(b";base64,"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_suspicious_and_names_are_not() {
        for random in [
            "x Gemgm-e06C_sePKRU9zOkrok_IXk6bMrifgxcIPnGPM y",
            "token 0f3c9a7be1d24856c0b7ae93d1f5482609be7c34ad8f1e52",
        ] {
            assert!(suspicious(random.as_bytes(), true).next().is_some(), "{random}");
        }
        for plain in [
            "OPENCLAW_GATEWAY_TOKEN_AND_A_LONG_NAME_2026",
            "dangerouslyDisableDeviceAuthAndAllowInsecureAuth2",
            "commit 45d9b20b1c7e0a3f52c8d6e4f1a2b3c4d5e6f708",
            "integrity sha512-8VbfWfHLbbwu3+N6OKsOMpBdT4kXPDDB9cJk2bJ6mh9ucxdlnNvH1e+roYkKmN9Nxw2yjz7VzeO9oOz2zJ04Pw==",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "f03f1f6d-8b1b-472e-aaf2-5c1a599be97a",
            "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        ] {
            assert!(suspicious(plain.as_bytes(), true).next().is_none(), "{plain}");
        }
    }
}
