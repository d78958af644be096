//! The change of a file's contents, for a person: a unified diff with secrets hidden and control characters escaped.

use crate::fix::mask::Masker;
use crate::fix::plain::lines as safe;
use similar::{Algorithm, TextDiff};
use std::time::Duration;

/// Longer contents are described by their sizes.
const LONGEST: usize = 2 * 1024 * 1024;
/// Longer diffs are cut; `--json` carries them whole.
const MOST_LINES: usize = 400;

/// The diff, or a line that says why there is none.
pub fn unified(old: &[u8], new: &[u8], masker: &Masker) -> String {
    if old.len() > LONGEST || new.len() > LONGEST {
        return format!("({} bytes become {} bytes; too long to be shown)", old.len(), new.len());
    }
    let (old_text, old_form) = decode(old);
    let (new_text, new_form) = decode(new);
    let (old_text, new_text) = (safe(&masker.mask(&old_text)), safe(&masker.mask(&new_text)));
    let mut lines = Vec::new();
    if old_form != new_form {
        lines.push(format!("({old_form} becomes {new_form})"));
    }
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(Duration::from_secs(2))
        .diff_lines(old_text.as_str(), new_text.as_str());
    let text = diff.unified_diff().context_radius(2).header("before", "after").to_string();
    lines.extend(text.lines().map(str::to_owned));
    if lines.is_empty() {
        lines.push(format!("({} bytes become {} bytes; only values that are hidden differ)", old.len(), new.len()));
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(format!("({more} more lines)"));
    }
    lines.join("\n")
}

/// The text, and in which form it is written. OpenClaw itself writes UTF-8 without a byte order mark.
fn decode(bytes: &[u8]) -> (String, &'static str) {
    let units = |pairs: &[u8], one: fn([u8; 2]) -> u16| {
        let units = pairs.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(one);
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => (units(rest, u16::from_le_bytes), "UTF-16 (little endian)"),
        [0xfe, 0xff, rest @ ..] => (units(rest, u16::from_be_bytes), "UTF-16 (big endian)"),
        [0xef, 0xbb, 0xbf, rest @ ..] => (String::from_utf8_lossy(rest).into_owned(), "UTF-8 with a byte order mark"),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), "UTF-8"),
            Err(_) => (String::from_utf8_lossy(bytes).into_owned(), "bytes that are no UTF-8"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecretVault;

    fn diff(old: &[u8], new: &[u8]) -> String {
        unified(old, new, &Masker::new(&SecretVault::default()))
    }

    #[test]
    fn forms_are_named_and_nothing_steers_the_terminal() {
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("{}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(diff(&utf16, b"{}"), "(UTF-16 (little endian) becomes UTF-8)");
        let text = diff(b"a\n", "a\u{1b}[2J\u{202e}\n".as_bytes());
        assert!(text.contains("a\\u{1b}[2J\\u{202e}"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_change_of_a_token_shows_no_token() {
        let text = diff(b"{token: 'first-value', a: 1}\n", b"{token: 'second-value', a: 1}\n");
        assert!(text.contains("-{token: '<hidden A, 11 chars>', a: 1}"), "{text}");
        assert!(text.contains("+{token: '<hidden B, 12 chars>', a: 1}"), "{text}");
    }
}
