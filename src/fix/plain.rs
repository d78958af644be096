//! Files, paths and names are hostile: nothing in them may steer the terminal or turn the text around.

/// Text of several lines, with everything but line ends and tabs that is not plain text escaped.
pub fn lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let steers =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => {}
            _ if c.is_control() || steers => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Text of one line.
pub fn line(text: &str) -> String {
    lines(text).replace(['\n', '\t'], " ")
}
