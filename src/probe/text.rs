//! What a server sent, bounded in length. Making it harmless for a terminal is the renderers' work.

/// Longest text of a server that is kept, in characters: an error message, a close reason, a version.
pub(super) const LONGEST: usize = 300;

/// At most [`LONGEST`] characters, and a mark where more were cut.
pub(super) fn bounded(text: &str) -> String {
    let mut kept: String = text.chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_kept_up_to_its_bound(text in ".{0,700}") {
            let kept = bounded(&text);
            prop_assert!(kept.chars().count() <= LONGEST + 1);
            prop_assert!(text.starts_with(kept.trim_end_matches('…')) || text.starts_with(&kept));
        }
    }
}
