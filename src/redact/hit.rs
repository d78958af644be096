//! A place in a text that must be hidden.

use super::kind::Kind;
use std::ops::Range;

/// A place to hide, with what decides its pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// Bytes of the text to replace.
    pub span: Range<usize>,
    /// What is hidden.
    pub kind: Kind,
    /// The value in its plain form: equal values of any encoding have equal ones.
    pub value: Vec<u8>,
    /// The rule that found it.
    pub rule: &'static str,
    /// Whether other places that hold the same value, without a context that gives it away, must be hidden too.
    pub learn: bool,
}

impl Hit {
    /// A hit whose value is the text itself.
    pub fn new(text: &[u8], span: Range<usize>, kind: Kind, rule: &'static str) -> Self {
        let value = text.get(span.clone()).unwrap_or_default().to_vec();
        Self { span, kind, value, rule, learn: false }
    }

    /// Gives the plain form of the value.
    pub fn plain(mut self, value: Vec<u8>) -> Self {
        self.value = value;
        self
    }

    /// Marks the value as one to look for everywhere.
    pub fn learned(mut self, learn: bool) -> Self {
        self.learn = learn;
        self
    }

    fn overlaps(&self, other: &Hit) -> bool {
        self.span.start < other.span.end && other.span.start < self.span.end
    }

    /// Secrets before identities, then the longer one.
    fn weight(&self) -> (bool, usize) {
        (self.kind.is_secret(), self.span.len())
    }
}

/// Sorts hits and joins those that overlap: what is hidden is their union, named after the weightiest.
pub(super) fn merge(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.retain(|hit| !hit.span.is_empty());
    hits.sort_by_key(|hit| (hit.span.start, std::cmp::Reverse(hit.span.end)));
    let mut merged: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match merged.last_mut() {
            Some(last) if last.overlaps(&hit) => {
                let union = last.span.start..last.span.end.max(hit.span.end);
                let learn = last.learn;
                if hit.weight() > last.weight() {
                    *last = hit;
                }
                // A union that is larger than its weightiest part still hides that part's value.
                last.learn |= learn && last.span == union;
                last.span = union;
            }
            _ => merged.push(hit),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_hits_become_one_and_secrets_win() {
        let text = b"0123456789";
        let merged = merge(vec![
            Hit::new(text, 0..4, Kind::Host, "a"),
            Hit::new(text, 2..5, Kind::Token, "b"),
            Hit::new(text, 7..9, Kind::User, "c"),
            Hit::new(text, 5..5, Kind::User, "empty"),
        ]);
        assert_eq!(merged.len(), 2);
        assert_eq!((merged[0].span.clone(), merged[0].kind), (0..5, Kind::Token));
        assert_eq!(merged[1].span, 7..9);
    }
}
