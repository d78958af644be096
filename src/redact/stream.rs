//! Text of any length through a window of fixed size.
//!
//! Each window has some text before it that was handled already and some after it that will be handled again, so that
//! a value is always seen with its context. A window ends after a line where it can, and never within a value. Only
//! one thing has no end: a value longer than the window (a key that goes on for megabytes). Its pseudonym is written
//! once, and what follows is dropped as long as it can belong to it.

use super::hit::Hit;
use std::io::{self, Read};

/// New text per window, in bytes.
const WINDOW: usize = 256 * 1024;

/// Text after the end of a window that is looked at and not yet handled.
const AHEAD: usize = 32 * 1024;

/// Text before a window that gives it context.
const BEHIND: usize = 8 * 1024;

/// A part of a stream.
pub(super) struct Window<'b> {
    /// Handled text, new text, and text ahead.
    pub text: &'b [u8],
    /// Where the new text begins.
    pub from: usize,
    /// The stream ends with this text.
    pub last: bool,
}

/// Reads a stream window by window.
pub(super) struct Windows<R> {
    reader: R,
    buffer: Vec<u8>,
    from: usize,
    ended: bool,
    done: bool,
}

impl<R: Read> Windows<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), from: 0, ended: false, done: false }
    }

    /// The next window. It stays the same until something is consumed.
    ///
    /// # Errors
    /// What the reader reports.
    pub fn next(&mut self) -> io::Result<Option<Window<'_>>> {
        if self.done {
            return Ok(None);
        }
        let wanted = self.from + WINDOW + AHEAD;
        while !self.ended && self.buffer.len() < wanted {
            let missing = u64::try_from(wanted - self.buffer.len()).unwrap_or(u64::MAX);
            let read = self.reader.by_ref().take(missing).read_to_end(&mut self.buffer)?;
            self.ended = read == 0;
        }
        Ok(Some(Window { text: &self.buffer, from: self.from, last: self.ended }))
    }

    /// Marks the text up to a place as handled.
    pub fn consume(&mut self, to: usize) {
        self.done = self.ended && to >= self.buffer.len();
        let keep = to.min(self.buffer.len()).saturating_sub(BEHIND);
        self.buffer.drain(..keep);
        self.from = to - keep;
    }
}

/// Where the new text of a window that is not the last should end: after a line, else before the text ahead.
pub(super) fn end_of_lines(text: &[u8], from: usize) -> usize {
    let end = text.len().saturating_sub(AHEAD).max(from + 1).min(text.len());
    let line = text.get(from..end).and_then(|fresh| memchr::memrchr(b'\n', fresh));
    line.map_or(end, |at| from + at + 1)
}

/// Where to end so that no hit is cut: before the one that would be. A hit that fills the window is cut at its end.
pub(super) fn end_between_hits(text: &[u8], from: usize, hits: &[Hit]) -> usize {
    let mut end = end_of_lines(text, from);
    for hit in hits.iter().rev() {
        if hit.span.start < end && hit.span.end > end {
            end = if hit.span.start > from { hit.span.start } else { hit.span.end };
        }
    }
    end
}

/// How much of what follows a value without an end belongs to it.
pub(super) fn continuation(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"+/=_-\\\r\n".contains(byte))).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_give_every_byte_once_and_some_of_it_again_as_context() {
        let text: Vec<u8> = (0..1_000_000_u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
        let mut windows = Windows::new(text.as_slice());
        let mut seen = Vec::new();
        while let Some(window) = windows.next().unwrap() {
            assert!(window.text.len() <= WINDOW + AHEAD + BEHIND);
            let end = if window.last { window.text.len() } else { end_of_lines(window.text, window.from) };
            seen.extend_from_slice(&window.text[window.from..end]);
            windows.consume(end);
        }
        assert_eq!(seen, text);
    }
}
