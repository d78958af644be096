//! The redactor: one per run, because pseudonyms and learnt values must be the same in everything that the run shares.

use super::detectors::accounts;
use super::hit::Hit;
use super::kind::Kind;
use super::known::{KnownValue, Matcher};
use super::pseudonym::{Pseudonyms, existing};
use super::redacted::{Redacted, RedactedText};
use super::scan::Scan;
use super::stream::{Windows, continuation, end_between_hits};
use super::summary::Summary;
use super::verify::{Leak, VerifyError, verify};
use std::collections::HashSet;
use std::io::{self, Read, Write};

/// What is hidden besides secrets, which always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Hide names, addresses and ids of people, hosts and devices.
    pub identities: bool,
}

/// Values learnt from their context are looked for everywhere, up to so many; later ones are still hidden where a
/// detector finds them.
const LEARN_AT_MOST: usize = 4096;

/// A text is gone over until nothing is found. Each round only finds what an earlier one uncovered or learnt.
const ROUNDS: usize = 6;

/// Hides what must not be shared.
pub struct Redactor {
    policy: Policy,
    known: Matcher,
    learnt: Vec<KnownValue>,
    learnt_keys: HashSet<Vec<u8>>,
    learnt_matcher: Matcher,
    names: Pseudonyms,
    summary: Summary,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("policy", &self.policy).field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor that knows some values of this run.
    pub fn new(known: Vec<KnownValue>, policy: Policy) -> Self {
        Self {
            policy,
            known: Matcher::new(&known, false),
            learnt: Vec::new(),
            learnt_keys: HashSet::new(),
            learnt_matcher: Matcher::default(),
            names: Pseudonyms::default(),
            summary: Summary::new(policy.identities),
        }
    }

    /// The text with everything hidden that must be. Redacting it again changes nothing.
    pub fn redact_text(&mut self, text: &str) -> String {
        String::from_utf8(self.redact_bytes(text.as_bytes()))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The same for bytes that may be no UTF-8.
    pub fn redact_bytes(&mut self, text: &[u8]) -> Vec<u8> {
        self.names.keep_clear_of(text);
        let mut text = text.to_vec();
        for _ in 0..ROUNDS {
            let hits = self.scan().hits(&text);
            if hits.is_empty() {
                break;
            }
            text = self.apply(&text, 0..text.len(), &hits);
            self.relearn();
        }
        text
    }

    /// Redacts a text and proves it.
    ///
    /// # Errors
    /// What would have leaked, by rule and place.
    pub fn finish(&mut self, text: &str) -> Result<RedactedText, Leak> {
        let text = self.redact_text(text);
        self.verify(text.as_bytes())?;
        Ok(RedactedText::new(text))
    }

    /// Redacts all texts of a value and proves it.
    ///
    /// # Errors
    /// What would have leaked, by rule and place in the value's JSON.
    pub fn finish_json(&mut self, mut value: serde_json::Value) -> Result<Redacted<serde_json::Value>, Leak> {
        // The second time, what the first learnt late is hidden where it stood earlier.
        self.redact_json(&mut value);
        self.redact_json(&mut value);
        let bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
        self.verify(&bytes)?;
        Ok(Redacted::new(value))
    }

    /// Checks the final bytes: every known value, every detector, and a scan for random runs that knows neither.
    ///
    /// # Errors
    /// The first rule that fires, and where. Nothing may be written then.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), Leak> {
        match verify(bytes, &self.scan()) {
            Ok(()) => Ok(()),
            Err(VerifyError::Leak(leak)) => Err(leak),
            // Reading from memory does not fail; if it did, nothing was proved.
            Err(VerifyError::Read(_)) => Err(Leak { rule: "unreadable", line: 1, column: 1 }),
        }
    }

    /// Checks a stream in constant memory.
    ///
    /// # Errors
    /// The first leak, or a failure to read.
    pub fn verify_stream(&self, reader: impl Read) -> Result<(), VerifyError> {
        verify(reader, &self.scan())
    }

    /// Copies a stream with everything hidden that its windows show, in constant memory. Values that were learnt late
    /// still stand in what came before, so the result is to be verified, and redacted once more if that fails.
    ///
    /// # Errors
    /// A failure to read or write.
    pub fn redact_stream(&mut self, reader: impl Read, writer: &mut impl Write) -> io::Result<()> {
        let mut windows = Windows::new(reader);
        let mut dropping = false;
        while let Some(window) = windows.next()? {
            let (text, mut from) = (window.text, window.from);
            self.names.keep_clear_of(text.get(from..).unwrap_or_default());
            if dropping {
                from += continuation(text, from);
                dropping = from == text.len() && !window.last;
            }
            let hits = self.scan().hits(text);
            let end = if window.last || dropping { text.len() } else { end_between_hits(text, from, &hits) };
            if from < end {
                writer.write_all(&self.apply(text, from..end, &hits))?;
                // A value that fills the window to its end goes on after it.
                dropping =
                    !window.last && hits.last().is_some_and(|hit| hit.span.end >= text.len() && end >= text.len());
            }
            windows.consume(end);
        }
        self.relearn();
        Ok(())
    }

    /// What stands for a value that is known to be of a kind, for callers that know it from its place. Names that are
    /// nobody's stay, and so do pseudonyms.
    pub fn stand_in(&mut self, kind: Kind, value: &str) -> String {
        let bytes = value.trim().as_bytes();
        let nobody = match kind {
            Kind::User => accounts::is_nobody(bytes),
            Kind::Host => accounts::is_public_host(bytes),
            Kind::Name => accounts::is_ordinary_word(bytes),
            _ => bytes.is_empty(),
        };
        let hidden = existing(bytes).next().is_some_and(|(span, ..)| span == (0..bytes.len()));
        if nobody || hidden || !self.policy.identities && !kind.is_secret() {
            return value.to_owned();
        }
        self.pseudonym(kind, bytes)
    }

    /// Counts by kind so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The pseudonym of a value, for callers that place it themselves.
    pub(super) fn pseudonym(&mut self, kind: Kind, value: &[u8]) -> String {
        let (name, is_new) = self.names.name(kind, value);
        self.summary.count(kind, is_new);
        name
    }

    fn scan(&self) -> Scan<'_> {
        Scan { known: [&self.known, &self.learnt_matcher], identities: self.policy.identities }
    }

    /// Writes a part of a text with its hits replaced.
    fn apply(&mut self, text: &[u8], range: std::ops::Range<usize>, hits: &[Hit]) -> Vec<u8> {
        let mut out = Vec::with_capacity(range.len());
        let mut at = range.start;
        for hit in hits {
            let (start, end) = (hit.span.start.max(at), hit.span.end.min(range.end));
            if start >= end {
                continue;
            }
            out.extend_from_slice(text.get(at..start).unwrap_or_default());
            out.extend_from_slice(self.pseudonym(hit.kind, &hit.value).as_bytes());
            self.learn(hit);
            at = end;
        }
        out.extend_from_slice(text.get(at..range.end).unwrap_or_default());
        out
    }

    /// Remembers a value that must be hidden elsewhere, too, where nothing around it gives it away.
    fn learn(&mut self, hit: &Hit) {
        if !hit.learn || self.learnt.len() >= LEARN_AT_MOST || hit.value.len() > 4096 {
            return;
        }
        let Ok(value) = std::str::from_utf8(&hit.value) else { return };
        let distinctive = hit.kind.is_secret() && value.len() >= 8 || !hit.kind.is_secret() && is_distinctive(value);
        if distinctive && self.learnt_keys.insert(hit.value.clone()) {
            self.learnt.push(KnownValue::new(hit.kind, value));
        }
    }

    /// Builds the matcher anew if something was learnt since.
    fn relearn(&mut self) {
        if self.learnt.len() != self.learnt_matcher.built_from {
            self.learnt_matcher = Matcher::new(&self.learnt, true);
        }
    }
}

/// A learnt name is looked for elsewhere only if it can hardly be an ordinary word.
fn is_distinctive(name: &str) -> bool {
    let odd = name.bytes().any(|byte| !byte.is_ascii_lowercase());
    name.len() >= if odd { 4 } else { 6 } && !accounts::is_ordinary_word(name.as_bytes())
}
