//! Views of a text with its escapes undone, so that rules meet a value in one form only.
//!
//! JSON inside JSON inside a log line has its quotes behind one, three or seven backslashes; links have theirs
//! percent-encoded, once or twice. [`View`] undoes all of that in one pass and remembers where each byte came from.
//! The plain text is scanned as well, because undoing escapes can also tear a value (`C:\new` is no line break).

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// A text with its escapes undone.
pub(super) struct View {
    /// The bytes after undoing.
    pub text: Vec<u8>,
    segments: Vec<Segment>,
}

/// A stretch of the view. A plain one is as long as its source; an undone escape comes from all of its source.
struct Segment {
    view: usize,
    source: Range<usize>,
    plain: bool,
}

impl View {
    /// The view of a text, or nothing if it has no escapes.
    pub fn of(source: &[u8]) -> Option<View> {
        let mut view = View { text: Vec::new(), segments: Vec::new() };
        let mut plain_from = 0;
        let mut at = 0;
        while let Some(found) = source.get(at..).and_then(next_special) {
            at += found;
            let Some((length, decoded)) = escape(source, at) else {
                at += 1;
                continue;
            };
            if view.text.capacity() == 0 {
                view.text.reserve(source.len());
            }
            view.plain(source, plain_from..at);
            view.segments.push(Segment { view: view.text.len(), source: at..at + length, plain: false });
            view.text.extend_from_slice(decoded.bytes());
            at += length;
            plain_from = at;
        }
        if view.segments.is_empty() {
            return None;
        }
        view.plain(source, plain_from..source.len());
        Some(view)
    }

    fn plain(&mut self, source: &[u8], range: Range<usize>) {
        if let Some(bytes) = source.get(range.clone())
            && !bytes.is_empty()
        {
            self.segments.push(Segment { view: self.text.len(), source: range, plain: true });
            self.text.extend_from_slice(bytes);
        }
    }

    /// The source of a stretch of the view.
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        let start = self
            .segment(span.start)
            .map_or(0, |segment| segment.source.start + if segment.plain { span.start - segment.view } else { 0 });
        let end = self.segment(span.end.saturating_sub(1)).map_or(start, |segment| {
            if segment.plain { segment.source.start + (span.end - segment.view) } else { segment.source.end }
        });
        start..end.max(start)
    }

    /// The last segment that begins at or before a place and is not empty in the view.
    fn segment(&self, at: usize) -> Option<&Segment> {
        let after = self.segments.partition_point(|segment| segment.view <= at);
        self.segments.get(after.checked_sub(1)?)
    }
}

/// At most four bytes: one character.
struct Decoded {
    bytes: [u8; 4],
    len: usize,
}

impl Decoded {
    fn char(c: char) -> Self {
        let mut bytes = [0; 4];
        let len = c.encode_utf8(&mut bytes).len();
        Self { bytes, len }
    }

    fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], len: 1 }
    }

    fn nothing() -> Self {
        Self { bytes: [0; 4], len: 0 }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Distance to the next byte that may begin an escape.
fn next_special(text: &[u8]) -> Option<usize> {
    let first = memchr::memchr3(b'\\', b'%', 0x1b, text);
    let entity = memchr::memchr(b'&', text.get(..first.unwrap_or(text.len())).unwrap_or_default());
    entity.or(first)
}

/// The escape at a place: its length in the source and what it stands for.
fn escape(source: &[u8], at: usize) -> Option<(usize, Decoded)> {
    let rest = source.get(at..)?;
    match rest.first()? {
        b'\\' => backslash(rest),
        b'%' => percent(rest),
        b'&' => entity(rest),
        0x1b => terminal(rest, 1).map(|length| (length, Decoded::nothing())),
        _ => None,
    }
}

fn backslash(rest: &[u8]) -> Option<(usize, Decoded)> {
    let run = rest.iter().take_while(|byte| **byte == b'\\').count();
    let c = *rest.get(run)?;
    let simple = match c {
        b'"' | b'\'' | b'/' | b'`' => Some(c),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'b' | b'f' => Some(b' '),
        _ => None,
    };
    if let Some(byte) = simple {
        return Some((run + 1, Decoded::byte(byte)));
    }
    let digits = match c {
        b'u' => rest.get(run + 1..run + 5)?,
        b'x' => rest.get(run + 1..run + 3)?,
        _ => return (run > 1).then(|| (run, Decoded::byte(b'\\'))),
    };
    let code = hex(digits)?;
    let length = run + 1 + digits.len();
    if code == 0x1b {
        return Some((terminal(rest, length).unwrap_or(length), Decoded::nothing()));
    }
    Some((length, Decoded::char(char::from_u32(code)?)))
}

/// `%41`, and `%2541` as it becomes when it is encoded twice.
fn percent(rest: &[u8]) -> Option<(usize, Decoded)> {
    let mut at = 1;
    while rest.get(at..at + 2) == Some(b"25") && rest.get(at + 2..at + 4).is_some_and(|next| hex(next).is_some()) {
        at += 2;
    }
    let code = hex(rest.get(at..at + 2)?)?;
    Some((at + 2, Decoded::byte(u8::try_from(code).ok()?)))
}

fn entity(rest: &[u8]) -> Option<(usize, Decoded)> {
    const NAMED: &[(&[u8], u8)] =
        &[(b"&quot;", b'"'), (b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&apos;", b'\''), (b"&#39;", b'\'')];
    let (name, byte) = NAMED.iter().find(|(name, _)| rest.starts_with(name))?;
    Some((name.len(), Decoded::byte(*byte)))
}

/// Length of a colour sequence whose introducer takes `from` bytes.
fn terminal(rest: &[u8], from: usize) -> Option<usize> {
    let body = rest.get(from..)?;
    let parameters = body.strip_prefix(b"[")?.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let last = body.get(1 + parameters)?;
    last.is_ascii_alphabetic().then_some(from + 2 + parameters)
}

fn hex(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) { u32::from_str_radix(text, 16).ok() } else { None }
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

/// Decodes base64 of either alphabet, with or without padding, also when its end is cut off.
pub(super) fn base64(run: &[u8]) -> Option<Vec<u8>> {
    let end = run.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let body = run.get(..end)?;
    let whole = if body.len() % 4 == 1 { body.len() - 1 } else { body.len() };
    let body = body.get(..whole)?;
    let url = body.iter().any(|byte| matches!(byte, b'-' | b'_'));
    if url { URL_SAFE.decode(body).ok() } else { STANDARD.decode(body).ok() }
}

/// True for bytes that a person could read: what decoding random characters gives is not.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    // Something cut off may end within a character.
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    valid && !bytes.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(source: &str) -> String {
        View::of(source.as_bytes()).map_or(source.to_owned(), |view| String::from_utf8(view.text).unwrap())
    }

    #[test]
    fn escapes_of_every_depth_are_undone() {
        assert_eq!(undone(r#"{\"token\":\"a\/b\"}"#), r#"{"token":"a/b"}"#);
        assert_eq!(undone(r#"{\\\"token\\\":\\\"ab\\\"}"#), r#"{"token":"ab"}"#);
        assert_eq!(undone("%23token%3Dab%2Fc"), "#token=ab/c");
        assert_eq!(undone("%2523token%253Dab"), "#token=ab");
        assert_eq!(undone("\u{1b}[32mab\u{1b}[0m\\u001b[1mcd"), "abcd");
        assert_eq!(undone("a&amp;token=b"), "a&token=b");
        assert_eq!(undone("plain 100%"), "plain 100%");
    }

    #[test]
    fn places_lead_back_to_their_source() {
        let source = r#"x={\"k\":\"v\u0041lue\"} %41b"#;
        let view = View::of(source.as_bytes()).unwrap();
        let text = String::from_utf8(view.text.clone()).unwrap();
        assert_eq!(text, r#"x={"k":"vAlue"} Ab"#);
        let at = text.find("vAlue").unwrap();
        assert_eq!(&source[view.source(&(at..at + 5))], r"v\u0041lue");
        let at = text.find("Ab").unwrap();
        assert_eq!(&source[view.source(&(at..at + 2))], "%41b");
        assert_eq!(view.source(&(0..text.len())), 0..source.len());
    }

    #[test]
    fn base64_of_either_alphabet_is_decoded_even_when_cut() {
        assert_eq!(base64(b"aGVsbG8gd29ybGQ=").unwrap(), b"hello world");
        assert_eq!(base64(b"aGVsbG8gd29ybGQ").unwrap(), b"hello world");
        assert_eq!(base64(b"aGVsbG8gd29yb").unwrap(), b"hello wor");
        assert!(is_text(b"hello\n") && !is_text(&[0xff, 0x00]));
    }
}
