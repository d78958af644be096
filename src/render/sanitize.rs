//! Text from logs, files and strangers must not steer a terminal.

use std::borrow::Cow;

/// Control characters, escape sequences and bidirectional overrides become visible escapes; a tab becomes a blank.
/// Line ends are kept only where `keep_lines` says so.
pub fn sanitize_lines(text: &str, keep_lines: bool) -> Cow<'_, str> {
    let harmless = |c: char| !is_harmful(c) || keep_lines && c == '\n';
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\t' => shown.push(' '),
            _ if harmless(c) => shown.push(c),
            _ => shown.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// One line of text, safe for a terminal.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    sanitize_lines(text, false)
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_overrides_become_visible() {
        assert_eq!(sanitize("a\u{1b}[31mb\u{202e}c\r"), "a\\u{1b}[31mb\\u{202e}c\\u{d}");
        assert_eq!(sanitize("plain ütf8 ✓"), "plain ütf8 ✓");
        assert_eq!(sanitize_lines("a\nb", true), "a\nb");
        assert_eq!(sanitize("a\nb"), "a\\u{a}b");
    }
}
