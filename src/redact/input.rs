//! Input as text: UTF-16 becomes UTF-8 on the way, and what is no text is recognised by its first bytes.
//!
//! Rules that look for bytes find nothing in UTF-16, in an archive or in a database, so passing those through would be
//! a leak. PowerShell writes UTF-16 when it redirects output.

use std::io::{self, Read};

/// The first bytes decide.
const PEEK: usize = 4096;

/// A reader of text.
pub(super) struct Text<R> {
    reader: R,
    /// Text that is not yet given out.
    pending: Vec<u8>,
    /// UTF-16 that is not yet converted.
    units: Vec<u8>,
    encoding: Encoding,
    not_text: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// UTF-8 or any other superset of ASCII: bytes pass as they are.
    Bytes,
    LittleEndian,
    BigEndian,
}

/// Beginnings of files that are no text.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "this is compressed (gzip); unpack it first"),
    (b"PK\x03\x04", "this is an archive (zip); unpack it first"),
    (b"\x28\xb5\x2f\xfd", "this is compressed (zstd); unpack it first"),
    (b"\xfd7zXZ\0", "this is compressed (xz); unpack it first"),
    (b"BZh", "this is compressed (bzip2); unpack it first"),
    (b"7z\xbc\xaf", "this is an archive (7z); unpack it first"),
    (b"SQLite format 3\0", "this is a database; redact a dump of it (sqlite3 FILE .dump) instead"),
    (b"\x7fELF", "this is a program, not text"),
    (b"\x89PNG", "this is a picture, not text"),
    (b"\xff\xd8\xff", "this is a picture, not text"),
    (b"%PDF-", "this is a PDF document, not text"),
    (b"bplist00", "this is a binary property list; convert it first (plutil -convert xml1)"),
];

impl<R: Read> Text<R> {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// They can't be read.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut pending = Vec::with_capacity(PEEK);
        reader.by_ref().take(PEEK as u64).read_to_end(&mut pending)?;
        let not_text = MAGIC.iter().find(|(magic, _)| pending.starts_with(magic)).map(|(_, reason)| *reason);
        let not_text = not_text.or_else(|| is_tar(&pending).then_some("this is an archive (tar); unpack it first"));
        let encoding = encoding(&pending);
        let mut units = Vec::new();
        if encoding != Encoding::Bytes {
            std::mem::swap(&mut pending, &mut units);
            let mark = if matches!(units.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) { 2 } else { 0 };
            units.drain(..mark);
        }
        Ok(Self { reader, pending, units, encoding, not_text })
    }

    /// Why this is no text, if it is none.
    pub fn not_text(&self) -> Option<&'static str> {
        self.not_text
    }

    /// Turns more of UTF-16 into UTF-8.
    fn convert(&mut self) -> io::Result<()> {
        let raw = &mut self.units;
        let missing = u64::try_from(PEEK - raw.len().min(PEEK)).unwrap_or(u64::MAX);
        self.reader.by_ref().take(missing).read_to_end(raw)?;
        let ended = raw.len() < PEEK;
        let big = self.encoding == Encoding::BigEndian;
        let pairs = raw.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
        let units: Vec<u16> =
            pairs.map(|pair| if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }).collect();
        // Half a character waits for its other half.
        let half = !ended && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        let whole = units.get(..units.len() - usize::from(half)).unwrap_or_default();
        let text: String =
            char::decode_utf16(whole.iter().copied()).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.pending = text.into_bytes();
        // A last odd byte is no character.
        let used = if ended { raw.len() } else { whole.len() * 2 };
        raw.drain(..used);
        Ok(())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.pending.is_empty() {
            if self.encoding == Encoding::Bytes {
                return self.reader.read(out);
            }
            self.convert()?;
        }
        let length = self.pending.len().min(out.len());
        if let (Some(out), Some(bytes)) = (out.get_mut(..length), self.pending.get(..length)) {
            out.copy_from_slice(bytes);
        }
        self.pending.drain(..length);
        Ok(length)
    }
}

/// A byte order mark, or a zero in nearly every second byte.
fn encoding(head: &[u8]) -> Encoding {
    match head {
        [0xff, 0xfe, ..] => return Encoding::LittleEndian,
        [0xfe, 0xff, ..] => return Encoding::BigEndian,
        _ => {}
    }
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let half = head.len() / 2;
    if half >= 8 && zeros(1) * 10 >= half * 8 && zeros(0) * 10 < half {
        Encoding::LittleEndian
    } else if half >= 8 && zeros(0) * 10 >= half * 8 && zeros(1) * 10 < half {
        Encoding::BigEndian
    } else {
        Encoding::Bytes
    }
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        Text::new(bytes).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn utf_16_becomes_utf_8_and_everything_else_passes() {
        let text = "token=abc ä 😀 ".repeat(3000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&[&[0xff, 0xfe], little.as_slice()].concat()), text);
        assert_eq!(read(&[&[0xfe, 0xff], big.as_slice()].concat()), text);
        assert_eq!(read(&little), text);
        assert_eq!(read(text.as_bytes()), text);
        assert_eq!(read(b""), "");
        assert_eq!(read(b"A=1\0B=2\0"), "A=1\0B=2\0");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(Text::new(&b"\x1f\x8b\x08rest"[..]).unwrap().not_text().is_some());
        assert!(Text::new(&b"SQLite format 3\0..."[..]).unwrap().not_text().is_some());
        assert!(Text::new(&b"plain"[..]).unwrap().not_text().is_none());
    }
}
