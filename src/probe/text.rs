//! What a server sent, made harmless: bounded in length and free of characters that steer a terminal or reorder text.

/// Longest text of a server that is kept: an error message, a close reason, a version.
pub(super) const LONGEST: usize = 300;

/// At most [`LONGEST`] characters; control, format and bidi characters become U+FFFD.
pub(super) fn tame(text: &str) -> String {
    let mut tame: String = text.chars().take(LONGEST).map(|c| if steers(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        tame.push('…');
    }
    tame
}

/// Control characters, and the invisible ones that change how their neighbours are shown (Unicode `Cf` in use).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_and_bidi_marks_are_replaced() {
        assert_eq!(tame("a\u{1b}[31mb\u{202e}c\n"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_text_is_short_and_calm(text in ".{0,700}") {
            let tamed = tame(&text);
            prop_assert!(tamed.chars().count() <= LONGEST + 1);
            prop_assert!(!tamed.chars().any(steers));
        }
    }
}
