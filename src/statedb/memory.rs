//! A database whose files are already in memory: archive members, and tests.

use super::source::{DbFile, DbFiles, FileIdentity, Readable};
use crate::model::HostPath;
use std::collections::HashMap;
use std::io;

/// The files of a database as bytes.
#[derive(Debug, Clone, Default)]
pub struct MemoryDbFiles {
    /// The main file's path, for messages.
    pub path: Option<HostPath>,
    /// The main file.
    pub main: Option<Vec<u8>>,
    /// The write-ahead log.
    pub wal: Option<Vec<u8>>,
    /// The rollback journal.
    pub journal: Option<Vec<u8>>,
    /// The size of the `-shm` file, if there is one. Its bytes are never wanted.
    pub shm_bytes: Option<u64>,
    /// Owners, modes and times, as the archive tells them; sizes are taken from the bytes. Without an entry a file counts as
    /// root's, so an archive that knows its owners must give them.
    pub identities: HashMap<DbFile, FileIdentity>,
}

impl MemoryDbFiles {
    fn bytes(&self, which: Readable) -> Option<&Vec<u8>> {
        match which {
            Readable::Main => self.main.as_ref(),
            Readable::Wal => self.wal.as_ref(),
            Readable::Journal => self.journal.as_ref(),
        }
    }
}

impl DbFiles for MemoryDbFiles {
    fn path(&self) -> HostPath {
        self.path.clone().unwrap_or_else(|| HostPath::from("openclaw.sqlite"))
    }

    fn stat(&self, which: DbFile) -> io::Result<Option<FileIdentity>> {
        let size = match which {
            DbFile::Main => self.main.as_ref().map(|bytes| bytes.len() as u64),
            DbFile::Wal => self.wal.as_ref().map(|bytes| bytes.len() as u64),
            DbFile::Journal => self.journal.as_ref().map(|bytes| bytes.len() as u64),
            DbFile::Shm => self.shm_bytes,
        };
        const PLAIN: FileIdentity =
            FileIdentity { dev: 0, inode: 0, size: 0, mtime_ns: 0, ctime_ns: 0, uid: 0, gid: 0, mode: 0o600 };
        Ok(size.map(|size| FileIdentity { size, ..self.identities.get(&which).copied().unwrap_or(PLAIN) }))
    }

    fn read_at(&self, which: Readable, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes(which).ok_or(io::ErrorKind::NotFound)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}
