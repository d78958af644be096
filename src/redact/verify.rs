//! The last look at the bytes that would be shared. It fails closed: one hit, and nothing may be written.

use super::decode::View;
use super::entropy;
use super::scan::Scan;
use super::stream::{Windows, end_of_lines};
use std::fmt;
use std::io::Read;
use std::ops::Range;

/// Something that would have been shared and must not. It names the rule and the place, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leak {
    /// The rule that fired: `known-value`, the id of a detector, or `entropy`.
    pub rule: &'static str,
    /// Line, from 1.
    pub line: u64,
    /// Column in bytes, from 1.
    pub column: u64,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}` still fires at line {}, column {}", self.rule, self.line, self.column)
    }
}

impl std::error::Error for Leak {}

/// Why a stream could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It holds something that must be hidden.
    #[error(transparent)]
    Leak(#[from] Leak),
    /// It could not be read.
    #[error("reading back what was redacted: {0}")]
    Read(#[from] std::io::Error),
}

/// Looks at everything that a reader gives.
///
/// # Errors
/// The first leak, or a failure to read.
pub(super) fn verify(reader: impl Read, scan: &Scan<'_>) -> Result<(), VerifyError> {
    let mut windows = Windows::new(reader);
    let (mut line, mut column) = (1_u64, 1_u64);
    while let Some(window) = windows.next()? {
        let text = window.text;
        // What begins in the text ahead is judged when all of it is there.
        let cut = if window.last { text.len() } else { end_of_lines(text, window.from) };
        let is_fresh = |span: &Range<usize>| span.end > window.from && span.start < cut;
        let hits = scan.hits(text);
        let hit = hits.iter().find(|hit| is_fresh(&hit.span)).map(|hit| (hit.rule, hit.span.start));
        if let Some((rule, at)) = hit.or_else(|| second_opinion(text, is_fresh, scan.identities)) {
            let before = text.get(window.from..at.max(window.from)).unwrap_or_default();
            let (line, column) = advance(before, line, column);
            return Err(Leak { rule, line, column }.into());
        }
        (line, column) = advance(text.get(window.from..cut).unwrap_or_default(), line, column);
        windows.consume(cut);
    }
    Ok(())
}

/// The entropy scan, on the text as it is and with its escapes undone.
fn second_opinion(
    text: &[u8],
    is_fresh: impl Fn(&Range<usize>) -> bool,
    identities: bool,
) -> Option<(&'static str, usize)> {
    let plain = entropy::suspicious(text, identities).find(&is_fresh);
    let undone = || {
        let view = View::of(text)?;
        entropy::suspicious(&view.text, identities).map(|span| view.source(&span)).find(&is_fresh)
    };
    plain.or_else(undone).map(|span| ("entropy", span.start))
}

fn advance(bytes: &[u8], line: u64, column: u64) -> (u64, u64) {
    let breaks = u64::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u64::MAX);
    let length = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    match memchr::memrchr(b'\n', bytes) {
        Some(last) => (line + breaks, length(bytes.len() - last)),
        None => (line, column + length(bytes.len())),
    }
}
