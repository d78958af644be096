//! Everything that must be hidden in a text: known values and detectors, in the text as it is, with its escapes
//! undone, and within base64.

use super::decode::{View, base64, is_text};
use super::detectors::ENGINE;
use super::hit::{Hit, merge};
use super::known::Matcher;
use super::pseudonym;
use std::ops::Range;

/// Base64 within base64 is followed so far.
const DEPTH: usize = 3;

/// Shorter runs of base64 hold nothing that needs hiding.
const BASE64_FROM: usize = 16;

/// What a scan looks for.
#[derive(Clone, Copy)]
pub(super) struct Scan<'m> {
    /// Values that the caller gave, and values that were learnt on the way.
    pub known: [&'m Matcher; 2],
    /// Whether names, addresses and ids are hidden as well as secrets.
    pub identities: bool,
}

impl Scan<'_> {
    /// The places to hide, in order and without overlaps. Pseudonyms are never touched.
    pub fn hits(&self, text: &[u8]) -> Vec<Hit> {
        let mut hits = self.at_depth(text, 0);
        if hits.is_empty() {
            return hits;
        }
        let pseudonyms: Vec<Range<usize>> = pseudonym::existing(text).map(|(span, ..)| span).collect();
        if !pseudonyms.is_empty() {
            hits.retain(|hit| is_outside(text, hit, &pseudonyms));
        }
        hits
    }

    fn at_depth(&self, text: &[u8], depth: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        // First the view, so that of two equal spans the one with the plain value counts.
        if let Some(view) = View::of(text) {
            let mut seen = Vec::new();
            self.one_form(&view.text, depth, &mut seen);
            hits.extend(seen.into_iter().map(|hit| Hit { span: view.source(&hit.span), ..hit }));
        }
        self.one_form(text, depth, &mut hits);
        merge(hits)
    }

    fn one_form(&self, text: &[u8], depth: usize, hits: &mut Vec<Hit>) {
        for matcher in self.known {
            matcher.find(text, self.identities, hits);
        }
        ENGINE.run(text, self.identities, hits);
        if depth < DEPTH {
            self.within_base64(text, depth, hits);
        }
    }

    /// Runs of base64 that decode to text with something to hide are hidden as a whole.
    fn within_base64(&self, text: &[u8], depth: usize, hits: &mut Vec<Hit>) {
        let mut at = 0;
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let length = rest.iter().position(|byte| !is_base64(*byte)).unwrap_or(rest.len());
            if length >= BASE64_FROM {
                let padding =
                    rest.get(length..).unwrap_or_default().iter().take(2).take_while(|byte| **byte == b'=').count();
                self.one_run(text, at..at + length, padding, depth, hits);
            }
            at += length + 1;
        }
    }

    fn one_run(&self, text: &[u8], span: Range<usize>, padding: usize, depth: usize, hits: &mut Vec<Hit>) {
        let run = text.get(span.clone()).unwrap_or_default();
        // Most runs are words and paths; the first characters show it.
        let head = run.get(..BASE64_FROM).and_then(base64);
        if !head.is_some_and(|head| is_text(&head)) {
            return;
        }
        let Some(decoded) = base64(run).filter(|decoded| is_text(decoded)) else { return };
        let inner = self.at_depth(&decoded, depth + 1);
        let Some(top) = inner.into_iter().max_by_key(|hit| (hit.kind.is_secret(), hit.span.len())) else { return };
        let whole = top.span.len() >= decoded.trim_ascii().len();
        let value = if whole { top.value } else { run.to_vec() };
        hits.push(Hit { span: span.start..span.end + padding, kind: top.kind, value, rule: top.rule, learn: false });
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// A hit within a pseudonym is none, and one that holds pseudonyms must hold something else, too.
fn is_outside(text: &[u8], hit: &Hit, pseudonyms: &[Range<usize>]) -> bool {
    let first = pseudonyms.partition_point(|span| span.end <= hit.span.start);
    let mut rest = 0;
    let mut at = hit.span.start;
    for span in pseudonyms.get(first..).unwrap_or_default() {
        if span.start >= hit.span.end {
            break;
        }
        rest += alphanumerics(text, at..span.start.max(at));
        at = span.end.max(at);
    }
    if at == hit.span.start {
        return true;
    }
    rest + alphanumerics(text, at..hit.span.end.max(at)) > 0
}

fn alphanumerics(text: &[u8], span: Range<usize>) -> usize {
    text.get(span).unwrap_or_default().iter().filter(|byte| byte.is_ascii_alphanumeric()).count()
}
