//! The write-ahead log, read from its bytes (sqlite.org/fileformat2.html, section 4).
//!
//! OpenClaw's gateway leaves rows in the log for hours and keeps the log over a clean stop (lab 2026.9.6, section 1), so
//! the main file alone shows an old state. The log is read as SQLite's own recovery would: frames count while salts and
//! running checksum agree, and take effect up to the last commit. Frames of an earlier generation that follow are normal.

use super::header::be32;
use super::source::{DbFiles, Limits, Readable, read_full};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;

/// Length of the header of the log.
pub const WAL_HEADER_LEN: usize = 32;
/// Length of the header of each frame.
pub const FRAME_HEADER_LEN: usize = 24;
/// How many bytes are read at once.
const CHUNK: usize = 256 << 10;

/// What stands in the log's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalHeader {
    big_endian_sums: bool,
    /// Page size in bytes.
    pub page_size: u32,
    /// Counts how often the log was started anew.
    pub checkpoint_seq: u32,
    /// Changed whenever the log is started anew.
    pub salts: (u32, u32),
    sums: (u32, u32),
}

/// What can be said of a log's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalHead {
    /// No file, or no complete header: SQLite takes it as an empty log.
    Empty,
    /// A header that SQLite ignores together with all that follows (wrong magic, page size or checksum).
    Ignored,
    /// A version that SQLite refuses to open.
    Foreign,
    /// A log.
    Valid(WalHeader),
}

/// How the valid part of a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WalEnd {
    /// The file ends after a complete frame.
    EndOfFile,
    /// Frames of an earlier generation follow: normal after the log was started anew.
    OlderFrames,
    /// A frame of this generation does not add up: a writer was at work, or a crash tore it.
    BrokenFrame,
    /// The file ends within a frame.
    CutFrame,
}

/// A log that was read to its end.
#[derive(Debug, Clone)]
pub struct WalScan {
    /// The header.
    pub header: WalHeader,
    /// For each page of the committed state, where its newest content lies in the log.
    pub pages: HashMap<u32, u64>,
    /// Size of the database in pages after the last commit; `None` without a commit.
    pub commit_pages: Option<u32>,
    /// Frames up to the last commit.
    pub committed_frames: u64,
    /// Valid frames after the last commit: an unfinished transaction, which does not count.
    pub uncommitted_frames: u64,
    /// Commits seen.
    pub commits: u64,
    /// How the valid part ends.
    pub end: WalEnd,
}

/// Why a log could not be scanned.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// Reading failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The time was up.
    #[error("the time for reading the write-ahead log was up")]
    Late,
}

impl WalHead {
    /// Reads the header of the log.
    ///
    /// # Errors
    /// As [`DbFiles::read_at`]; a missing file is `Empty`.
    pub fn read(src: &dyn DbFiles) -> io::Result<Self> {
        let mut bytes = [0; WAL_HEADER_LEN];
        match read_full(src, Readable::Wal, 0, &mut bytes) {
            Ok(WAL_HEADER_LEN) => Ok(Self::parse(&bytes)),
            Ok(_) => Ok(WalHead::Empty),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(WalHead::Empty),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8; WAL_HEADER_LEN]) -> Self {
        let field = |at| be32(bytes, at).unwrap_or_default();
        let magic = field(0);
        let page_size = field(8);
        if magic & !1 != 0x377f_0682 || !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
            return WalHead::Ignored;
        }
        let big_endian_sums = magic & 1 == 1;
        let sums = add_up(big_endian_sums, (0, 0), bytes.get(..24).unwrap_or_default());
        if sums != (field(24), field(28)) {
            return WalHead::Ignored;
        }
        if field(4) != 3_007_000 {
            return WalHead::Foreign;
        }
        WalHead::Valid(WalHeader {
            big_endian_sums,
            page_size,
            checkpoint_seq: field(12),
            salts: (field(16), field(20)),
            sums,
        })
    }
}

impl WalScan {
    /// Reads the frames that follow a header.
    ///
    /// # Errors
    /// Reading failed or the time was up.
    pub fn read(src: &dyn DbFiles, header: WalHeader, limits: &Limits) -> Result<Self, WalError> {
        let frame_len = FRAME_HEADER_LEN + header.page_size as usize;
        let mut buffer = vec![0; (CHUNK / frame_len).max(1) * frame_len];
        let mut scan = Self {
            header,
            pages: HashMap::new(),
            commit_pages: None,
            committed_frames: 0,
            uncommitted_frames: 0,
            commits: 0,
            end: WalEnd::EndOfFile,
        };
        let mut open: Vec<(u32, u64)> = Vec::new();
        let mut sums = header.sums;
        let mut offset = WAL_HEADER_LEN as u64;
        'file: loop {
            if limits.is_over() {
                return Err(WalError::Late);
            }
            let count = read_full(src, Readable::Wal, offset, &mut buffer)?;
            let frames = buffer.get(..count).unwrap_or_default().chunks(frame_len);
            for frame in frames {
                match scan.take(frame, frame_len, &mut sums) {
                    Ok((page, commit)) => {
                        open.push((page, offset + FRAME_HEADER_LEN as u64));
                        if let Some(size) = commit {
                            scan.commits += 1;
                            scan.committed_frames += open.len() as u64;
                            scan.commit_pages = Some(size);
                            scan.pages.extend(open.drain(..));
                        }
                    }
                    Err(end) => {
                        scan.end = end;
                        break 'file;
                    }
                }
                offset += frame_len as u64;
            }
            if count < buffer.len() {
                break;
            }
        }
        scan.uncommitted_frames = open.len() as u64;
        Ok(scan)
    }

    /// The page of a valid frame and, if it commits, the size of the database after it.
    fn take(&self, frame: &[u8], frame_len: usize, sums: &mut (u32, u32)) -> Result<(u32, Option<u32>), WalEnd> {
        if frame.len() < frame_len {
            return Err(WalEnd::CutFrame);
        }
        let field = |at| be32(frame, at).unwrap_or_default();
        if (field(8), field(12)) != self.header.salts {
            return Err(WalEnd::OlderFrames);
        }
        let big = self.header.big_endian_sums;
        let after = add_up(big, *sums, frame.get(..8).unwrap_or_default());
        let after = add_up(big, after, frame.get(FRAME_HEADER_LEN..).unwrap_or_default());
        if field(0) == 0 || after != (field(16), field(20)) {
            return Err(WalEnd::BrokenFrame);
        }
        *sums = after;
        Ok((field(0), Some(field(4)).filter(|size| *size > 0)))
    }
}

/// SQLite's running checksum over pairs of 32-bit words.
fn add_up(big_endian: bool, (mut first, mut second): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    for pair in bytes.as_chunks::<8>().0 {
        let [a, b, c, d, e, f, g, h] = *pair;
        let (left, right) = if big_endian {
            (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
        } else {
            (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
        };
        first = first.wrapping_add(left).wrapping_add(second);
        second = second.wrapping_add(right).wrapping_add(first);
    }
    (first, second)
}

#[cfg(test)]
#[path = "wal_tests.rs"]
mod tests;
