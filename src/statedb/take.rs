//! Takes one consistent image of a database that a gateway may be writing to.
//!
//! Order matters. In WAL mode the main file changes only when a checkpoint copies committed pages out of the log. So the
//! main file is copied first and the log is scanned afterwards: every page that a checkpoint wrote meanwhile is then in
//! the log too, and laying the log over the copy gives the state after the log's last commit, even beside a writer. Only
//! when the log was started anew in between (its salts changed), a file was replaced, or the main file changed without a
//! log, the reading is void and tried again; after some tries it is called unstable, never damaged.

use super::header::{HEADER_LEN, Header};
use super::journal::{JournalHeader, roll_back};
use super::sink::Sink;
use super::source::{DbFile, DbFiles, FileIdentity, Limits, Readable, read_full};
use super::wal::{FRAME_HEADER_LEN, WalError, WalHead, WalScan};
use crate::model::{Unknown, UnknownKind};
use std::io;

/// Bytes copied at once.
const CHUNK: usize = 256 << 10;

/// An image of the committed state.
pub struct Taken {
    /// The bytes, marked as a database without log so that SQLite looks for none.
    pub sink: Sink,
    /// Length of the image in bytes.
    pub bytes: u64,
    /// The header of the committed state; `None` where it is no SQLite header.
    pub header: Option<Header>,
    /// Whether the main file itself starts with a SQLite header.
    pub main_has_header: bool,
    /// Size of the database in pages.
    pub pages: u32,
    /// Pages that the database should have and that neither the main file nor the log holds.
    pub missing_pages: u32,
    /// The log.
    pub wal: TakenWal,
    /// Whether a rollback journal was undone in the copy.
    pub rolled_back: bool,
}

/// What was done with the log.
#[derive(Debug)]
pub enum TakenWal {
    /// There is none, or it is empty.
    Empty,
    /// Its header is damaged, so SQLite takes it as empty.
    Ignored,
    /// Its version is not one that SQLite opens.
    Foreign,
    /// It was made for another page size than the main file has, so it belongs to another database.
    OtherPageSize(WalScan),
    /// It was read and its commits were applied.
    Applied(WalScan),
    /// The caller asked to leave it out.
    LeftOut,
}

/// Whether to lay the log over the main file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseWal {
    /// As SQLite would.
    Yes,
    /// The main file alone, to tell whether the log is what does not fit.
    No,
}

/// Why no image could be taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Reading or writing failed.
    #[error("{what}: {error}")]
    Io {
        /// The file, in words.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// A writer changed the files faster than they could be read.
    #[error("the files changed while they were read ({0})")]
    Unstable(&'static str),
    /// The time was up.
    #[error("the time for reading the database was up")]
    Late,
    /// A bound was exceeded.
    #[error("{what} has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The file, in words.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// The main file has no bytes.
    #[error("the main file is empty")]
    Empty,
    /// There is no main file.
    #[error("there is no main file")]
    Missing,
}

impl TakeError {
    /// The same for a fact.
    pub fn unknown(&self) -> Unknown {
        match self {
            TakeError::Io { what, error } => Unknown::from_io(what, error),
            TakeError::Unstable(_) => Unknown::new(UnknownKind::Unstable, self.to_string()),
            TakeError::Late => Unknown::new(UnknownKind::TimedOut, self.to_string()),
            TakeError::TooLarge { .. } => Unknown::new(UnknownKind::TooLarge, self.to_string()),
            TakeError::Empty | TakeError::Missing => Unknown::new(UnknownKind::Malformed, self.to_string()),
        }
    }
}

impl From<WalError> for TakeError {
    fn from(error: WalError) -> Self {
        match error {
            WalError::Io(error) => TakeError::Io { what: "the write-ahead log", error },
            WalError::Late => TakeError::Late,
        }
    }
}

/// Takes an image.
///
/// # Errors
/// See [`TakeError`].
pub fn take(src: &dyn DbFiles, limits: &Limits, use_wal: UseWal) -> Result<Taken, TakeError> {
    let mut tries = limits.tries.max(1);
    loop {
        match attempt(src, limits, use_wal) {
            Err(TakeError::Unstable(_)) if tries > 1 && !limits.is_over() => {
                tries -= 1;
                std::thread::sleep(limits.pause);
            }
            other => return other,
        }
    }
}

/// What is compared before and after.
#[derive(PartialEq)]
struct Observed {
    main: Option<FileIdentity>,
    wal: Option<FileIdentity>,
    journal: Option<FileIdentity>,
    head: WalHead,
    main_head: Option<Header>,
}

fn observe(src: &dyn DbFiles) -> Result<Observed, TakeError> {
    let stat = |which, what| src.stat(which).map_err(|error| TakeError::Io { what, error });
    let main = stat(DbFile::Main, "the main file")?;
    let wal = stat(DbFile::Wal, "the write-ahead log")?;
    let journal = stat(DbFile::Journal, "the rollback journal")?;
    let head = match wal {
        Some(_) => WalHead::read(src).map_err(|error| TakeError::Io { what: "the write-ahead log", error })?,
        None => WalHead::Empty,
    };
    let mut bytes = [0; HEADER_LEN];
    let main_head = match main {
        Some(_) => {
            let count = read_full(src, Readable::Main, 0, &mut bytes)
                .map_err(|error| TakeError::Io { what: "the main file", error })?;
            Header::parse(bytes.get(..count).unwrap_or_default())
        }
        None => None,
    };
    Ok(Observed { main, wal, journal, head, main_head })
}

fn attempt(src: &dyn DbFiles, limits: &Limits, use_wal: UseWal) -> Result<Taken, TakeError> {
    let before = observe(src)?;
    let main = before.main.ok_or(TakeError::Missing)?;
    let wal_bytes = before.wal.map_or(0, |wal| wal.size);
    for (what, bytes, limit) in
        [("the main file", main.size, limits.max_main_bytes), ("the write-ahead log", wal_bytes, limits.max_wal_bytes)]
    {
        if bytes > limit {
            return Err(TakeError::TooLarge { what, bytes, limit });
        }
    }
    if main.size == 0 {
        return Err(TakeError::Empty);
    }
    let mut sink = Sink::new(main.size.saturating_add(wal_bytes), limits).map_err(spool)?;
    copy_main(src, main.size, &mut sink, limits)?;

    let scan = match before.head {
        WalHead::Valid(header) if use_wal == UseWal::Yes => Some(WalScan::read(src, header, limits)?),
        _ => None,
    };
    let main_page = before.main_head.map(|header| header.page_size);
    let fits = |scan: &&WalScan| main_page.is_none_or(|size| size == scan.header.page_size);
    if let Some(scan) = scan.as_ref().filter(fits) {
        overlay(src, scan, &mut sink, limits)?;
    }
    let mut rolled_back = None;
    if before.journal.is_some_and(|journal| journal.size > 0) && scan.as_ref().is_none_or(|scan| scan.commits == 0) {
        let first =
            JournalHeader::read(src, 0).map_err(|error| TakeError::Io { what: "the rollback journal", error })?;
        if let Some(first) = first.filter(|first| first.is_hot() && Some(first.page_size) == main_page) {
            rolled_back = Some(roll_back(src, first, &mut sink, limits)?);
        }
    }
    compare(&before, &observe(src)?)?;
    finish(sink, main.size, &before, scan, rolled_back, use_wal)
}

fn copy_main(src: &dyn DbFiles, size: u64, sink: &mut Sink, limits: &Limits) -> Result<(), TakeError> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    while offset < size {
        if limits.is_over() {
            return Err(TakeError::Late);
        }
        let wanted = usize::try_from(size - offset).unwrap_or(CHUNK).min(CHUNK);
        let chunk = buffer.get_mut(..wanted).unwrap_or_default();
        let count = read_full(src, Readable::Main, offset, chunk)
            .map_err(|error| TakeError::Io { what: "the main file", error })?;
        if count < wanted {
            return Err(TakeError::Unstable("the main file became shorter"));
        }
        sink.write_at(offset, chunk).map_err(spool)?;
        offset += count as u64;
    }
    Ok(())
}

fn overlay(src: &dyn DbFiles, scan: &WalScan, sink: &mut Sink, limits: &Limits) -> Result<(), TakeError> {
    let page_size = u64::from(scan.header.page_size);
    let mut page_bytes = vec![0; scan.header.page_size as usize];
    let last = scan.commit_pages.unwrap_or(0);
    let mut pages: Vec<_> = scan.pages.iter().filter(|(page, _)| **page <= last).collect();
    pages.sort_unstable();
    for (page, offset) in pages {
        if limits.is_over() {
            return Err(TakeError::Late);
        }
        debug_assert!(*offset >= FRAME_HEADER_LEN as u64);
        let count = read_full(src, Readable::Wal, *offset, &mut page_bytes)
            .map_err(|error| TakeError::Io { what: "the write-ahead log", error })?;
        if count < page_bytes.len() {
            return Err(TakeError::Unstable("the write-ahead log became shorter"));
        }
        sink.write_at(u64::from(page - 1) * page_size, &page_bytes).map_err(spool)?;
    }
    Ok(())
}

/// Whether a reading between the two observations can be trusted.
fn compare(before: &Observed, after: &Observed) -> Result<(), TakeError> {
    let file = |identity: &Option<FileIdentity>| identity.map(|identity| (identity.dev, identity.inode));
    if file(&before.main) != file(&after.main) || file(&before.wal) != file(&after.wal) {
        return Err(TakeError::Unstable("a file was replaced"));
    }
    if before.head != after.head {
        return Err(TakeError::Unstable("the write-ahead log was started anew"));
    }
    if before.journal != after.journal {
        return Err(TakeError::Unstable("a transaction was under way"));
    }
    // With a log, the main file may change: a checkpoint only writes what the log holds.
    let without_log = !matches!(before.head, WalHead::Valid(_));
    if without_log && (before.main, before.main_head) != (after.main, after.main_head) {
        return Err(TakeError::Unstable("the main file changed"));
    }
    Ok(())
}

fn finish(
    mut sink: Sink,
    main_bytes: u64,
    before: &Observed,
    scan: Option<WalScan>,
    rolled_back: Option<u32>,
    use_wal: UseWal,
) -> Result<Taken, TakeError> {
    let mut head = [0; HEADER_LEN];
    let count = sink.head(&mut head).map_err(spool)?;
    let header = Header::parse(head.get(..count).unwrap_or_default());
    let page_size = header.map_or(4096, |header| header.page_size);
    let main_pages = u32::try_from(main_bytes / u64::from(page_size)).unwrap_or(u32::MAX);
    let main_page = before.main_head.map(|header| header.page_size);
    let wal = match (scan, before.head, use_wal) {
        (Some(scan), ..) if main_page.is_some_and(|size| size != scan.header.page_size) => {
            TakenWal::OtherPageSize(scan)
        }
        (Some(scan), ..) => TakenWal::Applied(scan),
        (None, WalHead::Valid(_), UseWal::No) => TakenWal::LeftOut,
        (None, WalHead::Ignored, _) => TakenWal::Ignored,
        (None, WalHead::Foreign, _) => TakenWal::Foreign,
        (None, ..) => TakenWal::Empty,
    };
    let committed = match &wal {
        TakenWal::Applied(scan) => scan.commit_pages,
        _ => None,
    };
    let pages = match (committed, rolled_back, header) {
        (Some(pages), ..) | (None, Some(pages), _) => pages,
        (None, None, Some(header)) if header.has_page_count() => header.page_count,
        (None, None, _) => main_pages,
    };
    // Only what lies beyond the main file can be missing. The page count may be any number, so nothing is counted one by one.
    let in_log = match &wal {
        TakenWal::Applied(scan) => {
            scan.pages.keys().filter(|page| (main_pages.saturating_add(1)..=pages).contains(page)).count()
        }
        _ => 0,
    };
    let in_log = u32::try_from(in_log).unwrap_or(u32::MAX);
    let missing = if pages == 0 { 1 } else { pages.saturating_sub(main_pages).saturating_sub(in_log) };
    let bytes = u64::from(pages) * u64::from(page_size);
    if header.is_some() && missing == 0 {
        sink.set_len(bytes).map_err(spool)?;
        // Bytes 18 and 19: "written and read without a log".
        sink.write_at(18, &[1, 1]).map_err(spool)?;
    }
    Ok(Taken {
        sink,
        bytes,
        header,
        main_has_header: before.main_head.is_some(),
        pages,
        missing_pages: missing,
        wal,
        rolled_back: rolled_back.is_some(),
    })
}

fn spool(error: io::Error) -> TakeError {
    TakeError::Io { what: "the private copy of the database", error }
}
