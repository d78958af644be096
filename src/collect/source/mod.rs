//! The one door to files. Every collector reads through a [`Source`], so that the same code works on the live host,
//! below `--root DIR`, and on a tar archive (`--root image.tar`, for example from `docker export`).
//!
//! Rules (design "Reading as root"): metadata is taken without following links; contents are read with the rights of
//! the account that the gateway runs as, never with root's, so that a link to a root-only file cannot be read out.
//! Only regular files are opened; sizes are capped.

pub mod access;
mod archive;
mod live;
mod walk;

pub use archive::ArchiveSource;
pub use live::LiveSource;

pub use crate::model::file::{Account, Attributes, EntryKind, Meta};

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// With whose rights contents are read.
#[derive(Debug, Clone, Copy)]
pub enum Reader<'a> {
    /// The doctor's own rights: for files that no ordinary account controls (`/etc`, `/proc`, `/usr/lib/systemd`).
    Own,
    /// The account's rights, taken on by this thread while the file is opened. Where the doctor is not privileged
    /// its own rights are all it has.
    As(&'a Account),
}

/// The names in a directory.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Entry names, sorted by bytes, at most as many as asked for.
    pub names: Vec<std::ffi::OsString>,
    /// True where there were more.
    pub cut: bool,
}

/// A file's contents and the identity of what was read.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The bytes, at most the cap.
    pub bytes: Vec<u8>,
    /// What `fstat` said of the opened descriptor.
    pub meta: Meta,
}

/// Why contents could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not there.
    #[error("not there")]
    NotFound,
    /// It is no regular file.
    #[error("is a {0:?}, not a regular file")]
    NotAFile(EntryKind),
    /// It is larger than the cap.
    #[error("has {size} bytes, more than the {cap} that are read")]
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// The cap in bytes.
        cap: u64,
    },
    /// A system call failed.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { ReadError::NotFound } else { ReadError::Io(error) }
    }
}

impl ReadError {
    /// The reason as an unknown fact about `path`. Not for [`ReadError::NotFound`], which is an absence.
    pub fn unknown(&self, path: &Path) -> crate::model::Unknown {
        use crate::model::{Unknown, UnknownKind};
        let what = crate::model::HostPath::from(path);
        match self {
            ReadError::NotFound => Unknown::new(UnknownKind::Failed, format!("{what} is not there")),
            ReadError::NotAFile(_) => Unknown::new(UnknownKind::Malformed, format!("{what} {self}")),
            ReadError::TooLarge { .. } => Unknown::new(UnknownKind::TooLarge, format!("{what} {self}")),
            ReadError::Io(error) => Unknown::from_io(format!("read {what}"), error),
        }
    }
}

/// Access to one host's files. Paths are absolute in the host's view.
pub trait Source: Send + Sync {
    /// `lstat`: the entry itself, not what a link points to. Links in parent components are followed inside the root.
    fn metadata(&self, path: &Path) -> io::Result<Meta>;

    /// `stat`: follows links inside the root.
    fn metadata_following(&self, path: &Path) -> io::Result<Meta> {
        self.metadata(&self.resolve(path)?)
    }

    /// The path with all links resolved inside the root. `NotFound` where a component is missing.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// The text of a link.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// The names in a directory, at most `limit`.
    fn list(&self, path: &Path, limit: usize) -> io::Result<Listing>;

    /// Immutable and append-only flags and ACL of a regular file or directory; links are not followed.
    fn attributes(&self, path: &Path) -> Attributes;

    /// A regular file's contents, refusing more than `cap` bytes.
    fn read(&self, path: &Path, cap: u64, reader: Reader<'_>) -> Result<Contents, ReadError>;

    /// A regular file as a stream, with its identity, for logs of any size.
    fn stream(&self, path: &Path, reader: Reader<'_>) -> Result<(Box<dyn Read + Send>, Meta), ReadError>;

    /// A regular file for reads at offsets, with its identity, for databases.
    fn open_at(&self, path: &Path, reader: Reader<'_>) -> Result<Box<dyn ReadAt>, ReadError>;

    /// True for the running host: processes, listeners and services may be asked for.
    fn is_live(&self) -> bool;

    /// The directory or archive that `--root` named.
    fn root(&self) -> Option<&Path>;
}

/// Reads at offsets from one opened regular file.
pub trait ReadAt: Send {
    /// What `fstat` says now.
    fn meta(&self) -> io::Result<Meta>;

    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Reads a text file, cutting nothing: bytes that are no UTF-8 are replaced.
pub fn read_text(source: &dyn Source, path: &Path, cap: u64, reader: Reader<'_>) -> Result<String, ReadError> {
    source.read(path, cap, reader).map(|contents| String::from_utf8_lossy(&contents.bytes).into_owned())
}
