//! What a detector is, and how detectors are tried on a text.
//!
//! A detector names the literals without which it cannot fire. One automaton finds all literals of all detectors in
//! one pass; a detector's own expression is then tried only where one of its literals stands. That keeps a hundred
//! detectors as fast as one.

use super::hit::Hit;
use super::kind::Kind;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::Regex;
use std::ops::Range;
use std::sync::OnceLock;

/// One rule for one kind of value, with the examples that hold it to its promise.
///
/// In the examples `‹class:length›` stands for a fresh random value of that class and must not survive; `‹is:text›`
/// is a fixed text that must not survive. `tests/support/shapes.rs` says which classes there are.
pub struct Detector {
    /// Stable name, shown when verification fails.
    pub id: &'static str,
    /// What it finds.
    pub kind: Kind,
    /// ASCII literals, compared without regard to case. It is tried where one of them stands.
    pub words: &'static [&'static str],
    /// How it decides.
    pub(super) find: Find,
    /// Texts in which it must hide what is marked.
    pub positive: &'static [&'static str],
    /// Texts that all detectors together must leave exactly as they are.
    pub negative: &'static [&'static str],
}

/// How a detector decides.
pub(super) enum Find {
    /// An expression that must match where the literal begins. If it has groups, the first that matched is what to hide.
    /// Up to `back` characters of the same run before the literal belong to the value too.
    Here { pattern: &'static str, accept: fn(&[u8]) -> bool, back: usize },
    /// A function that looks around the literal.
    Near(fn(&Near, &mut Vec<Hit>)),
    /// A function that goes over the whole text once, for values without a literal.
    Sweep(fn(&[u8], &mut Vec<Hit>)),
}

/// Where a literal of a detector stands.
pub(super) struct Near<'t> {
    /// The whole text.
    pub text: &'t [u8],
    /// The literal.
    pub word: Range<usize>,
    /// The detector's id.
    pub rule: &'static str,
    /// The detector's kind.
    pub kind: Kind,
}

impl Near<'_> {
    /// A hit of this detector.
    pub fn hit(&self, span: Range<usize>) -> Hit {
        Hit::new(self.text, span, self.kind, self.rule)
    }
}

impl Detector {
    /// A detector for values with a distinctive beginning. The value must stand on its own and look random.
    pub(super) const fn prefix(
        id: &'static str,
        words: &'static [&'static str],
        pattern: &'static str,
        positive: &'static [&'static str],
    ) -> Self {
        Self {
            id,
            kind: Kind::ApiKey,
            words,
            find: Find::Here { pattern, accept: not_made_of_words, back: 0 },
            positive,
            negative: &[],
        }
    }

    /// A detector with its own function, called where one of its literals stands.
    pub(super) const fn near(
        id: &'static str,
        kind: Kind,
        words: &'static [&'static str],
        find: fn(&Near, &mut Vec<Hit>),
        positive: &'static [&'static str],
    ) -> Self {
        Self { id, kind, words, find: Find::Near(find), positive, negative: &[] }
    }

    /// A detector that goes over the whole text.
    pub(super) const fn sweep(
        id: &'static str,
        kind: Kind,
        find: fn(&[u8], &mut Vec<Hit>),
        positive: &'static [&'static str],
    ) -> Self {
        Self { id, kind, words: &[], find: Find::Sweep(find), positive, negative: &[] }
    }

    /// Sets the kind.
    pub(super) const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Replaces the judgement of a match by its text.
    pub(super) const fn accept(mut self, accept: fn(&[u8]) -> bool) -> Self {
        if let Find::Here { pattern, back, .. } = self.find {
            self.find = Find::Here { pattern, accept, back };
        }
        self
    }

    /// Takes characters before the literal into the value.
    pub(super) const fn back(mut self, back: usize) -> Self {
        if let Find::Here { pattern, accept, .. } = self.find {
            self.find = Find::Here { pattern, accept, back };
        }
        self
    }

    /// Adds texts that must stay as they are.
    pub(super) const fn not(mut self, negative: &'static [&'static str]) -> Self {
        self.negative = negative;
        self
    }
}

/// A match of a distinctive prefix counts unless it is plainly made of words (`sk-learn-contrib-utils`).
pub(super) fn not_made_of_words(value: &[u8]) -> bool {
    let shape = super::shape::Shape::of(value);
    !super::shape::is_placeholder(value)
        && (shape.digit > 0 || shape.upper > 0 && shape.lower > 0)
        && shape.distinct > 5
}

/// Accepts every match.
pub(super) fn always(_: &[u8]) -> bool {
    true
}

/// The most that an expression looks at from its literal on. Private keys are bounded on their own.
const REACH: usize = 16 * 1024;

/// All detectors, ready to run.
pub(super) struct Engine {
    detectors: Vec<(&'static Detector, OnceLock<Option<Regex>>)>,
    words: Option<AhoCorasick>,
    /// For each literal of the automaton, the detectors that want it.
    wanted_by: Vec<Vec<usize>>,
}

impl Engine {
    /// The engine over a table.
    pub fn new(table: impl IntoIterator<Item = &'static Detector>) -> Self {
        let detectors: Vec<_> = table.into_iter().map(|detector| (detector, OnceLock::new())).collect();
        let mut words: Vec<String> = Vec::new();
        let mut wanted_by: Vec<Vec<usize>> = Vec::new();
        for (index, (detector, _)) in detectors.iter().enumerate() {
            for word in detector.words {
                let word = word.to_ascii_lowercase();
                match words.iter().position(|known| *known == word) {
                    Some(at) => {
                        if let Some(wanted) = wanted_by.get_mut(at) {
                            wanted.push(index);
                        }
                    }
                    None => {
                        words.push(word);
                        wanted_by.push(vec![index]);
                    }
                }
            }
        }
        let words =
            AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(&words).ok();
        Self { detectors, words, wanted_by }
    }

    /// Runs every detector that the policy asks for.
    pub fn run(&self, text: &[u8], identities: bool, hits: &mut Vec<Hit>) {
        for (detector, _) in &self.detectors {
            if let Find::Sweep(sweep) = detector.find
                && (identities || detector.kind.is_secret())
            {
                sweep(text, hits);
            }
        }
        let Some(words) = &self.words else { return };
        for found in words.find_overlapping_iter(text) {
            let wanted = self.wanted_by.get(found.pattern().as_usize()).map(Vec::as_slice).unwrap_or_default();
            for index in wanted {
                if let Some((detector, regex)) = self.detectors.get(*index)
                    && (identities || detector.kind.is_secret())
                {
                    try_at(detector, regex, text, found.start()..found.end(), hits);
                }
            }
        }
        if !identities {
            hits.retain(|hit| hit.kind.is_secret());
        }
    }
}

fn try_at(
    detector: &'static Detector,
    regex: &OnceLock<Option<Regex>>,
    text: &[u8],
    word: Range<usize>,
    hits: &mut Vec<Hit>,
) {
    match detector.find {
        Find::Near(find) => find(&Near { text, word, rule: detector.id, kind: detector.kind }, hits),
        Find::Sweep(_) => {}
        Find::Here { pattern, accept, back } => {
            if back == 0 && !begins_a_word(text, word.start) {
                return;
            }
            // Patterns are constants; a test compiles every one of them.
            let regex = regex.get_or_init(|| Regex::new(&format!("^(?-u:{pattern})")).ok());
            let rest = text.get(word.start..text.len().min(word.start + REACH)).unwrap_or_default();
            if let Some(captures) = regex.as_ref().and_then(|regex| regex.captures(rest))
                && let Some(value) = captures.iter().skip(1).flatten().next().or_else(|| captures.get(0))
                && accept(value.as_bytes())
            {
                let before = text.get(..word.start).unwrap_or_default().iter().rev().take(back);
                let back = before.take_while(|byte| byte.is_ascii_alphanumeric() || b"_~.-".contains(byte)).count();
                let span = word.start + value.start() - back..word.start + value.end();
                let learn = detector.kind.is_secret();
                hits.push(Hit::new(text, span, detector.kind, detector.id).learned(learn));
            }
        }
    }
}

/// True if nothing before a place belongs to the same word. An escape before it does not count: in `\nsk-…` the `n`
/// is a line break, in `%3Dsk-…` the `D` is half a byte, in a colour sequence the `m` is its end.
pub(super) fn begins_a_word(text: &[u8], at: usize) -> bool {
    if text.get(at).is_some_and(|first| !first.is_ascii_alphanumeric()) {
        return true;
    }
    let before = text.get(at.saturating_sub(8)..at).unwrap_or_default();
    match before {
        [] => true,
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', a, b, c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()) => true,
        [.., last] if !last.is_ascii_alphanumeric() => true,
        [head @ .., b'm'] => {
            let digits = head.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            head.len().checked_sub(digits + 1).and_then(|at| head.get(at)) == Some(&b'[')
        }
        _ => false,
    }
}

/// Where the run of bytes before a place begins, looking back at most so far.
pub(super) fn begin_of(text: &[u8], at: usize, most: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let count = before.iter().rev().take(most).take_while(|byte| belongs(**byte)).count();
    let start = at - count;
    // The letter of an escaped line break is no part of the run, nor are the digits of a percent escape.
    match text.get(start.saturating_sub(1)..at) {
        Some([b'\\', b'n' | b'r' | b't', ..]) if start > 0 && count > 0 => start + 1,
        Some([b'%', a, b, ..]) if start > 0 && a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => start + 2,
        _ => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_count_as_part_of_a_word() {
        for (text, begins) in [
            ("sk-a", true),
            ("task-a", false),
            (r"\nsk-a", true),
            ("%3Dsk-a", true),
            (r"\u0022sk-a", true),
            ("\u{1b}[32msk-a", true),
            ("=sk-a", true),
            ("7sk-a", false),
        ] {
            assert_eq!(begins_a_word(text.as_bytes(), text.rfind("sk-a").unwrap()), begins, "{text}");
        }
    }
}
