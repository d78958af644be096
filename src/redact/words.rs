//! Lists of words, compared without regard to case.

use std::collections::HashSet;
use std::sync::OnceLock;

/// A list, written as one text with the words apart.
pub(super) struct Words {
    text: &'static str,
    set: OnceLock<HashSet<&'static [u8]>>,
}

/// Longer words are in no list.
const LONGEST: usize = 32;

impl Words {
    /// The list of the words of a text, in small letters.
    pub const fn new(text: &'static str) -> Self {
        Self { text, set: OnceLock::new() }
    }

    /// True if a word is in the list.
    pub fn contains(&self, word: &[u8]) -> bool {
        let mut lower = [0_u8; LONGEST];
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        self.set.get_or_init(|| self.text.split_ascii_whitespace().map(str::as_bytes).collect()).contains(&*lower)
    }

    /// The words.
    pub fn iter(&self) -> impl Iterator<Item = &'static [u8]> {
        self.text.split_ascii_whitespace().map(str::as_bytes)
    }
}
