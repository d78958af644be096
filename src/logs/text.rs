//! Makes text from logs fit to show: one line, no control or direction characters, no plain secrets.

use regex::Regex;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Longest text kept of one record, in characters.
pub const MAX_TEXT: usize = 600;

/// Characters that steer a terminal or reorder text although they are no control characters.
fn is_steering(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Escapes control and direction characters, so that the text can neither steer a terminal nor hide anything.
///
/// Line breaks become `\n`, tabs a space, everything else `\u{…}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_steering(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => {}
            '\t' => out.push(' '),
            c if c.is_control() || is_steering(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Removes ANSI escape sequences (colours, cursor movement, titles, links).
pub fn strip_ansi(text: &str) -> Cow<'_, str> {
    static ANSI: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x{9b}[0-?]*[ -/]*[@-~]")
            .ok()
    });
    match (text.contains(['\u{1b}', '\u{9b}']), ANSI.as_ref()) {
        (true, Some(ansi)) => ansi.replace_all(text, ""),
        _ => Cow::Borrowed(text),
    }
}

/// Masks what looks like a secret by its place: token parameters, bearer headers, `token: …` values.
pub fn mask_secrets(text: &str) -> Cow<'_, str> {
    static PLACES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)(?P<keep>[?#&](?:[a-z_-]*token|password|key|secret)=|bearer\s+|\bbasic\s+|--(?:token|password)[ =]|",
            r#"(?:token|password|passwd|secret|api[_-]?key|authorization)\\?["']?\s*[:=]\s*\\?["']?)"#,
            r"(?P<value>[A-Za-z0-9_\-./+=~]{12,})|\bsk-[A-Za-z0-9_-]{12,}",
        ))
        .ok()
    });
    let Some(places) = PLACES.as_ref() else { return Cow::Borrowed(text) };
    places.replace_all(text, |found: &regex::Captures<'_>| match (found.name("keep"), found.name("value")) {
        // Reason words such as `token: device_token_mismatch` are no secrets: lower-case words joined by `_` or `-`.
        (Some(keep), Some(value)) if is_words(value.as_str()) => format!("{}{}", keep.as_str(), value.as_str()),
        (Some(keep), _) => format!("{}<masked>", keep.as_str()),
        _ => "<masked>".to_owned(),
    })
}

fn is_words(text: &str) -> bool {
    text.split(['_', '-', '.', '/']).all(|word| word.len() <= 12 && word.chars().all(|c| c.is_ascii_lowercase()))
}

/// One line of at most [`MAX_TEXT`] characters: colours removed, secrets masked, control characters escaped.
pub fn tidy(text: &str) -> String {
    let plain = strip_ansi(text.trim());
    let masked = mask_secrets(&plain);
    let escaped = escape(masked.trim());
    cut(&escaped, MAX_TEXT).into_owned()
}

/// The first `max` characters; `…` in place of the last one where something was cut off.
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max || text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(max.saturating_sub(1)).chain(std::iter::once('…')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let hostile = "a\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}b\u{202e}c\rd\ne\u{9b}1m";
        let shown = tidy(hostile);
        assert_eq!(shown, "aredb\\u{202e}cd\\ne");
    }

    #[test]
    fn secrets_in_known_places_are_masked_and_reasons_are_not() {
        let shown =
            mask_secrets("open http://h/#token=abcdef0123456789 Bearer abcdef0123456789xyz reason=token_mismatch");
        assert_eq!(shown, "open http://h/#token=<masked> Bearer <masked> reason=token_mismatch");
        assert_eq!(mask_secrets("token: device_token_mismatch"), "token: device_token_mismatch");
        assert_eq!(mask_secrets(r#""token":"Zm9vYmFyYmF6cXV4""#), r#""token":"<masked>""#);
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
