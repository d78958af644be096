//! Where the bytes of a state database come from: a live directory, one below `--root`, or an archive.
//!
//! The reader never opens `-shm` (opening it through SQLite is what re-owns it, lab 2026.9.6 F2j) and takes no locks;
//! the types of this file allow neither.

use crate::model::HostPath;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The files that belong to one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DbFile {
    /// `openclaw.sqlite`.
    Main,
    /// `openclaw.sqlite-wal`.
    Wal,
    /// `openclaw.sqlite-shm`: only looked at from outside.
    Shm,
    /// `openclaw.sqlite-journal`: exists where rollback mode is forced (NFS, SMB, 9p).
    Journal,
}

impl DbFile {
    /// All of them.
    pub const ALL: [DbFile; 4] = [DbFile::Main, DbFile::Wal, DbFile::Shm, DbFile::Journal];

    /// What SQLite appends to the name of the main file.
    pub fn suffix(self) -> &'static str {
        match self {
            DbFile::Main => "",
            DbFile::Wal => "-wal",
            DbFile::Shm => "-shm",
            DbFile::Journal => "-journal",
        }
    }
}

/// The files whose bytes may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Readable {
    /// The main file.
    Main,
    /// The write-ahead log.
    Wal,
    /// The rollback journal.
    Journal,
}

impl Readable {
    /// The file.
    pub fn file(self) -> DbFile {
        match self {
            Readable::Main => DbFile::Main,
            Readable::Wal => DbFile::Wal,
            Readable::Journal => DbFile::Journal,
        }
    }
}

/// What tells one file, and one state of it, from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Device number as `stat` gives it; 0 in archives.
    pub dev: u64,
    /// Inode number; 0 in archives.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Last change of the contents, in ns since 1970.
    pub mtime_ns: i128,
    /// Last change of the inode, in ns since 1970; 0 in archives.
    pub ctime_ns: i128,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// The bytes of a database and its companions.
pub trait DbFiles {
    /// The main file's path in the host's view.
    fn path(&self) -> HostPath;

    /// Looks at a file from outside; `None` where there is none.
    ///
    /// # Errors
    /// Whatever the file system says, above all `PermissionDenied`. A symbolic link or a special file is an error.
    fn stat(&self, which: DbFile) -> io::Result<Option<FileIdentity>>;

    /// Reads up to `buf.len()` bytes at an offset; 0 only at the end of the file. Must read the file that [`stat`]
    /// last described, or the new one if it was replaced.
    ///
    /// # Errors
    /// Whatever the file system says; `NotFound` where there is no such file.
    ///
    /// [`stat`]: DbFiles::stat
    fn read_at(&self, which: Readable, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

/// Reads until the buffer is full or the file ends.
///
/// # Errors
/// As [`DbFiles::read_at`].
pub fn read_full(src: &dyn DbFiles, which: Readable, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match src.read_at(which, offset.saturating_add(done as u64), rest) {
            Ok(0) => break,
            Ok(count) => done += count.min(rest.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Bounds on one reading.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Larger databases are not read at all.
    pub max_main_bytes: u64,
    /// Larger write-ahead logs are not read at all.
    pub max_wal_bytes: u64,
    /// Images up to this size are handed to SQLite in memory; larger ones through a private spool file.
    pub in_memory_bytes: u64,
    /// Where the spool directory is made. Must be a directory that the doctor trusts, never one of the account's.
    pub spool_dir: PathBuf,
    /// How often a reading that was disturbed by a writer is tried.
    pub tries: u32,
    /// Pause between two tries.
    pub pause: Duration,
    /// When to give up.
    pub deadline: Instant,
    /// Rows of one table that are read.
    pub rows: usize,
    /// Longest text that is read from one cell, in bytes.
    pub cell_bytes: usize,
}

impl Limits {
    /// Bounds for a reading that may take `time`.
    pub fn within(time: Duration) -> Self {
        let now = Instant::now();
        Self {
            max_main_bytes: 8 << 30,
            max_wal_bytes: 2 << 30,
            in_memory_bytes: 8 << 20,
            spool_dir: default_spool_dir(),
            tries: 6,
            pause: Duration::from_millis(40),
            deadline: now.checked_add(time).unwrap_or(now),
            rows: 5_000,
            cell_bytes: 256 << 10,
        }
    }

    /// Whether the time is up.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// A directory on disk for spool files: `/tmp` is often in memory, which a 500 MB copy would fill. Root does not follow the
/// caller's `TMPDIR`.
fn default_spool_dir() -> PathBuf {
    let on_disk = PathBuf::from("/var/tmp");
    let wanted = std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty() && !nix::unistd::geteuid().is_root());
    match wanted {
        Some(dir) => PathBuf::from(dir),
        None if on_disk.is_dir() => on_disk,
        None => PathBuf::from("/tmp"),
    }
}
