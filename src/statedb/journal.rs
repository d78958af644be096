//! The rollback journal (sqlite.org/fileformat2.html, section 3): the old pages of an unfinished transaction.
//!
//! OpenClaw forces rollback mode on NFS, SMB and 9p (pairing-by-release 1.5). A journal with records means that the main
//! file may be half-written; SQLite would put the old pages back at the next open. The reader does the same, in its copy.

use super::header::be32;
use super::sink::Sink;
use super::source::{DbFiles, Limits, Readable, read_full};
use super::take::TakeError;
use std::io;

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const HEADER_LEN: usize = 28;

/// The header of one segment of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalHeader {
    /// Records in this segment; `None` means all up to the end of the file.
    records: Option<u32>,
    nonce: u32,
    /// Size of the database in pages before the transaction.
    pub initial_pages: u32,
    sector: u64,
    /// Page size in bytes.
    pub page_size: u32,
}

impl JournalHeader {
    /// Reads the header at an offset; `None` where there is none (no file, zeroed after a commit, or garbage).
    ///
    /// # Errors
    /// As [`DbFiles::read_at`].
    pub fn read(src: &dyn DbFiles, offset: u64) -> io::Result<Option<Self>> {
        let mut bytes = [0; HEADER_LEN];
        match read_full(src, Readable::Journal, offset, &mut bytes) {
            Ok(HEADER_LEN) if bytes.starts_with(&MAGIC) => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let field = |at| be32(&bytes, at).unwrap_or_default();
        let (sector, page_size) = (field(20), field(24));
        let sane = |size: u32| size.is_power_of_two() && (32..=65_536).contains(&size);
        Ok((sane(sector) && sane(page_size) && page_size >= 512).then_some(Self {
            records: Some(field(8)).filter(|count| *count != u32::MAX),
            nonce: field(12),
            initial_pages: field(16),
            sector: u64::from(sector),
            page_size,
        }))
    }

    /// Whether there is anything to put back. A writer that has not yet touched the main file leaves the count at zero.
    pub fn is_hot(&self) -> bool {
        self.records != Some(0)
    }
}

/// Puts the old pages back into an image and gives the size of the database in pages before the transaction.
///
/// # Errors
/// Reading or writing failed, or the time was up.
pub fn roll_back(src: &dyn DbFiles, first: JournalHeader, sink: &mut Sink, limits: &Limits) -> Result<u32, TakeError> {
    let failed = |error| TakeError::Io { what: "the rollback journal", error };
    let page_len = first.page_size as usize;
    let mut record = vec![0; page_len + 8];
    let mut header = first;
    let mut offset = 0;
    loop {
        offset += header.sector.max(HEADER_LEN as u64);
        let mut left = header.records.unwrap_or(u32::MAX);
        while left > 0 {
            if limits.is_over() {
                return Err(TakeError::Late);
            }
            let count = read_full(src, Readable::Journal, offset, &mut record).map_err(failed)?;
            let page = be32(&record, 0).unwrap_or_default();
            let data = record.get(4..4 + page_len).unwrap_or_default();
            let sum = be32(&record, 4 + page_len).unwrap_or_default();
            if count < record.len() || page == 0 || sum != checksum(header.nonce, data) {
                return Ok(first.initial_pages);
            }
            if page <= first.initial_pages {
                let at = u64::from(page - 1) * u64::from(first.page_size);
                sink.write_at(at, data).map_err(|error| TakeError::Io { what: "the spool file", error })?;
            }
            offset += record.len() as u64;
            left -= 1;
        }
        // The next segment starts at the next sector.
        offset = offset.next_multiple_of(header.sector.max(1));
        match JournalHeader::read(src, offset).map_err(failed)? {
            Some(next) if next.page_size == first.page_size && next.is_hot() => header = next,
            _ => return Ok(first.initial_pages),
        }
    }
}

/// The nonce plus every 200th byte, counted from the end.
fn checksum(nonce: u32, data: &[u8]) -> u32 {
    data.iter().rev().skip(199).step_by(200).fold(nonce, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}
