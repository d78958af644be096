//! From stored bytes to log lines: compression and encodings, recognised by their first bytes, never by a name.

use super::export::ExportReader;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use serde::{Deserialize, Serialize};
use std::io::{self, Cursor, Read};

/// A reader that a worker thread may own.
pub type LogReader = Box<dyn Read + Send>;

/// How a source is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// As it is.
    Plain,
    /// gzip, one or several members.
    Gzip,
    /// Zstandard, one or several frames.
    Zstd,
}

/// What a source turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// The compression around it.
    pub storage: Storage,
    /// Whether it is a journald export (multi-line records, turned into JSON lines here).
    pub export: bool,
}

/// Largest Zstandard window that is accepted; a hostile frame may ask for terabytes.
const MAX_WINDOW: u64 = 64 * 1024 * 1024;

/// Looks at the first bytes and puts the decoders in front that they call for.
///
/// # Errors
/// When the first bytes cannot be read, or when they are of a compression that is not supported.
pub fn decode(reader: LogReader) -> io::Result<(LogReader, Decoded)> {
    let (magic, reader) = peek(reader)?;
    let (storage, reader): (Storage, LogReader) = match magic.as_slice() {
        [0x1f, 0x8b, ..] => (Storage::Gzip, Box::new(MultiGzDecoder::new(reader))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            (Storage::Zstd, Box::new(ZstdReader::Between(Pushback::new(reader))))
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] | [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "compressed with xz or bzip2; unpack it first (gzip and zstd are read as they are)",
            ));
        }
        _ => (Storage::Plain, reader),
    };
    let (start, reader) = if storage == Storage::Plain { (magic, reader) } else { peek(reader)? };
    let export = start.starts_with(b"__CURSOR=") || start.starts_with(b"__REALTIME_TIMES");
    let reader: LogReader = match start.as_slice() {
        _ if export => Box::new(ExportReader::new(reader)),
        [0xff, 0xfe, ..] => Box::new(Utf16Reader::new(reader, u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Box::new(Utf16Reader::new(reader, u16::from_be_bytes)),
        _ => reader,
    };
    Ok((reader, Decoded { storage, export }))
}

const PEEK: usize = 16;

/// The first bytes, and a reader that still gives them.
fn peek(mut reader: LogReader) -> io::Result<(Vec<u8>, LogReader)> {
    let mut head = Vec::with_capacity(PEEK);
    reader.by_ref().take(PEEK as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(reader))))
}

/// A reader into which bytes can be put back.
struct Pushback<R> {
    head: Vec<u8>,
    inner: R,
}

impl<R: Read> Pushback<R> {
    fn new(inner: R) -> Self {
        Self { head: Vec::new(), inner }
    }
}

impl<R: Read> Read for Pushback<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.head.is_empty() {
            return self.inner.read(out);
        }
        let taken = self.head.as_slice().read(out)?;
        self.head.drain(..taken);
        Ok(taken)
    }
}

/// All frames of a Zstandard stream one after the other; skippable frames are skipped.
enum ZstdReader {
    Between(Pushback<LogReader>),
    Within(Box<StreamingDecoder<Pushback<LogReader>, ruzstd::decoding::FrameDecoder>>),
    Done,
}

impl Read for ZstdReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            *self = match std::mem::replace(self, ZstdReader::Done) {
                ZstdReader::Done => return Ok(0),
                ZstdReader::Between(source) => next_frame(source)?,
                ZstdReader::Within(mut decoder) => {
                    let read = decoder.read(out)?;
                    if read > 0 || out.is_empty() {
                        *self = ZstdReader::Within(decoder);
                        return Ok(read);
                    }
                    ZstdReader::Between(decoder.into_inner())
                }
            };
        }
    }
}

fn next_frame(mut source: Pushback<LogReader>) -> io::Result<ZstdReader> {
    let mut magic = Vec::with_capacity(4);
    source.by_ref().take(4).read_to_end(&mut magic)?;
    match magic.as_slice() {
        [] => Ok(ZstdReader::Done),
        [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            let mut length = [0; 4];
            source.read_exact(&mut length)?;
            io::copy(&mut source.by_ref().take(u64::from(u32::from_le_bytes(length))), &mut io::sink())?;
            Ok(ZstdReader::Between(source))
        }
        _ => {
            source.head = magic;
            let decoder = StreamingDecoder::new_with_max_window_size(source, MAX_WINDOW).map_err(io::Error::other)?;
            Ok(ZstdReader::Within(Box::new(decoder)))
        }
    }
}

/// UTF-16 with a byte-order mark (what PowerShell's `>` writes) → UTF-8.
struct Utf16Reader<R> {
    inner: R,
    unit: fn([u8; 2]) -> u16,
    odd: Option<u8>,
    high: Option<u16>,
    ready: Vec<u8>,
}

impl<R: Read> Utf16Reader<R> {
    fn new(inner: R, unit: fn([u8; 2]) -> u16) -> Self {
        Self { inner, unit, odd: None, high: None, ready: Vec::new() }
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut raw = [0; 4096];
        while self.ready.is_empty() {
            let read = self.inner.read(&mut raw)?;
            if read == 0 {
                return Ok(0);
            }
            let bytes: Vec<u8> = self.odd.take().into_iter().chain(raw.iter().take(read).copied()).collect();
            let mut pairs = bytes.chunks_exact(2);
            let units: Vec<u16> = self
                .high
                .take()
                .into_iter()
                .chain(pairs.by_ref().filter_map(|pair| pair.try_into().ok().map(self.unit)))
                .collect();
            self.odd = pairs.remainder().first().copied();
            let (last_is_high, whole) = match units.split_last() {
                Some((last, rest)) if (0xd800..0xdc00).contains(last) => (Some(*last), rest),
                _ => (None, units.as_slice()),
            };
            self.high = last_is_high;
            let text: String =
                char::decode_utf16(whole.iter().copied()).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            self.ready = text.into_bytes();
        }
        let taken = self.ready.as_slice().read(out)?;
        self.ready.drain(..taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn all(bytes: Vec<u8>) -> (String, Decoded) {
        let (mut reader, decoded) = decode(Box::new(Cursor::new(bytes))).expect("decodes");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("reads");
        (text, decoded)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(text.as_bytes()).expect("writes");
        writer.finish().expect("finishes")
    }

    fn zstd(text: &str) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn several_members_and_frames_are_one_text() {
        let (text, decoded) = all([gzip("one\n"), gzip("two\n")].concat());
        assert_eq!((text.as_str(), decoded.storage), ("one\ntwo\n", Storage::Gzip));
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3].to_vec();
        let (text, decoded) = all([zstd("one\n"), skippable, zstd("two\n")].concat());
        assert_eq!((text.as_str(), decoded.storage), ("one\ntwo\n", Storage::Zstd));
    }

    #[test]
    fn utf16_of_both_orders_is_read_also_where_a_read_splits_a_character() {
        for (mark, bytes) in [([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xfe, 0xff], u16::to_be_bytes)]
        {
            let text = "pairing required 🦞\n".repeat(500);
            let raw: Vec<u8> = mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect();
            let (read, _) = all(raw);
            assert_eq!(read.trim_start_matches('\u{feff}'), text);
        }
    }

    #[test]
    fn other_compressions_are_named() {
        let error = decode(Box::new(Cursor::new(b"BZh91AY&SY".to_vec()))).err().expect("refused");
        assert!(error.to_string().contains("bzip2"), "{error}");
    }

    #[test]
    fn cut_off_archives_give_what_they_hold_and_an_error() {
        let whole = gzip(&"line\n".repeat(10_000));
        let (mut reader, _) = decode(Box::new(Cursor::new(whole[..whole.len() / 2].to_vec()))).expect("decodes");
        let mut bytes = Vec::new();
        assert!(reader.read_to_end(&mut bytes).is_err());
        assert!(bytes.starts_with(b"line\n"));
    }
}
