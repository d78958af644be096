//! The SQLite state through the door to files: owners looked at from outside, bytes read with the account's rights.

use super::source::{EntryKind, ReadAt, ReadError, Reader, Source};
use crate::model::{Fact, HostPath, SecretVault};
use crate::snapshot::tree::{EntryFacts, EntryRole, TreeFacts};
use crate::statedb::{DbFile, DbFiles, FileIdentity, Limits, Readable, StateDatabase, read_state_db};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Reads `state/openclaw.sqlite` below a state directory.
pub fn collect(
    source: &dyn Source,
    state_dir: &Path,
    reader: Reader<'_>,
    vault: &mut SecretVault,
    deadline: Instant,
) -> Fact<StateDatabase> {
    let path = state_dir.join("state/openclaw.sqlite");
    let path = source.resolve(&path).unwrap_or(path);
    let files = SourceDbFiles { source, reader, path, open: RefCell::new(HashMap::new()) };
    let limits = Limits::within(deadline.saturating_duration_since(Instant::now()));
    read_state_db(&files, vault, &limits)
}

/// So many copies are judged, the newest first.
const MOST_COPIES: usize = 3;

/// Reads the copies of the state database that lie beside it.
pub fn copies(
    source: &dyn Source,
    tree: &TreeFacts,
    reader: Reader<'_>,
    vault: &mut SecretVault,
    deadline: Instant,
) -> Vec<StateDatabase> {
    let is_companion = |path: &HostPath| ["-wal", "-shm", "-journal"].iter().any(|end| path.file_name().ends_with(end));
    let mut found: Vec<&EntryFacts> = tree
        .key
        .iter()
        .filter(|entry| entry.role == EntryRole::DatabaseCopy && entry.meta.size > 0 && !is_companion(&entry.path))
        .collect();
    found.sort_by_key(|entry| std::cmp::Reverse(entry.meta.mtime_ns));
    let judged = found.into_iter().take(MOST_COPIES).filter_map(|entry| {
        let path = entry.path.as_path().to_path_buf();
        let files = SourceDbFiles { source, reader, path, open: RefCell::new(HashMap::new()) };
        let limits = Limits::within(deadline.saturating_duration_since(Instant::now()));
        read_state_db(&files, vault, &limits).known().cloned()
    });
    judged.collect()
}

struct SourceDbFiles<'s> {
    source: &'s dyn Source,
    reader: Reader<'s>,
    path: PathBuf,
    open: RefCell<HashMap<Readable, Box<dyn ReadAt>>>,
}

impl SourceDbFiles<'_> {
    fn path_of(&self, which: DbFile) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(which.suffix());
        PathBuf::from(path)
    }
}

impl DbFiles for SourceDbFiles<'_> {
    fn path(&self) -> HostPath {
        HostPath::from(self.path.as_path())
    }

    fn stat(&self, which: DbFile) -> io::Result<Option<FileIdentity>> {
        let meta = match self.source.metadata(&self.path_of(which)) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if meta.kind != EntryKind::File {
            return Err(io::Error::other("is not a regular file"));
        }
        // A descriptor on a file that was replaced since is of no use any more.
        let mut open = self.open.borrow_mut();
        open.retain(|readable, file| {
            readable.file() != which
                || file.meta().is_ok_and(|now| (now.device, now.inode) == (meta.device, meta.inode))
        });
        Ok(Some(FileIdentity {
            dev: meta.device,
            inode: meta.inode,
            size: meta.size,
            mtime_ns: meta.mtime_ns,
            ctime_ns: meta.ctime_ns,
            uid: meta.uid,
            gid: meta.gid,
            mode: meta.mode,
        }))
    }

    fn read_at(&self, which: Readable, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut open = self.open.borrow_mut();
        if let Some(file) = open.get(&which) {
            return file.read_at(offset, buf);
        }
        let file = self.source.open_at(&self.path_of(which.file()), self.reader).map_err(|error| match error {
            ReadError::NotFound => io::Error::from(io::ErrorKind::NotFound),
            ReadError::Io(error) => error,
            other => io::Error::other(other.to_string()),
        })?;
        let read = file.read_at(offset, buf);
        open.insert(which, file);
        read
    }
}
