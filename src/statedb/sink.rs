//! Where the image of a database is put together: small ones in memory, large ones in a private spool file.

use super::source::Limits;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Size of the pieces of an image in memory. They are given back one by one while SQLite takes its copy.
const PIECE: usize = 256 << 10;

/// An image on its way to SQLite.
pub enum Sink {
    /// In memory.
    Memory(Pieces),
    /// In a spool file.
    Spool(Spool),
}

/// An image in memory.
#[derive(Default)]
pub struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    taken: usize,
}

/// An image in a file of mode 0600 in a directory of mode 0700, both made for this reading. They go away with this value,
/// and before that as soon as SQLite has the file open.
pub struct Spool {
    dir: tempfile::TempDir,
    file: File,
}

impl Sink {
    /// A place for an image of at most `bytes`.
    ///
    /// # Errors
    /// The spool could not be made.
    pub fn new(bytes: u64, limits: &Limits) -> io::Result<Self> {
        if bytes <= limits.in_memory_bytes {
            return Ok(Sink::Memory(Pieces::default()));
        }
        let dir = tempfile::Builder::new()
            .prefix("openclaw-doctor-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(&limits.spool_dir)?;
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(spool_path(dir.path()))?;
        Ok(Sink::Spool(Spool { dir, file }))
    }

    /// Writes bytes at an offset; a gap before them becomes zeros.
    ///
    /// # Errors
    /// The spool could not be written, for example because the disk is full.
    pub fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::Memory(pieces) => pieces.write_at(offset, bytes),
            Sink::Spool(spool) => spool.file.write_all_at(bytes, offset),
        }
    }

    /// Cuts or extends the image to a length.
    ///
    /// # Errors
    /// As [`Sink::write_at`].
    pub fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        match self {
            Sink::Memory(pieces) => pieces.set_len(bytes),
            Sink::Spool(spool) => spool.file.set_len(bytes),
        }
    }

    /// The first bytes of the image.
    ///
    /// # Errors
    /// The spool could not be read.
    pub fn head(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Sink::Memory(pieces) => {
                let piece = pieces.pieces.front().map(Vec::as_slice).unwrap_or_default();
                let count = piece.len().min(bytes.len());
                if let (Some(to), Some(from)) = (bytes.get_mut(..count), piece.get(..count)) {
                    to.copy_from_slice(from);
                }
                Ok(count)
            }
            Sink::Spool(spool) => spool.file.read_at(bytes, 0),
        }
    }
}

impl Spool {
    /// The path of the file, until [`Spool::forget_name`].
    pub fn path(&self) -> PathBuf {
        spool_path(self.dir.path())
    }

    /// Takes the file's name away; who has it open goes on reading it.
    ///
    /// # Errors
    /// The name could not be taken away.
    pub fn forget_name(self) -> io::Result<()> {
        self.dir.close()
    }
}

fn spool_path(dir: &Path) -> PathBuf {
    dir.join("image")
}

impl Pieces {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum::<usize>().saturating_sub(self.taken)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > self.len() as u64 {
            self.set_len(end)?;
        }
        let mut at = usize::try_from(offset).map_err(io::Error::other)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = self.pieces.get_mut(at / PIECE).and_then(|piece| piece.get_mut(at % PIECE..));
            let piece = piece.ok_or_else(|| io::Error::other("the image ended early"))?;
            let count = piece.len().min(rest.len());
            let (now, later) = rest.split_at(count);
            if let Some(to) = piece.get_mut(..count) {
                to.copy_from_slice(now);
            }
            rest = later;
            at += count;
        }
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        let full = bytes / PIECE;
        self.pieces.truncate(full + 1);
        while self.pieces.len() <= full {
            if let Some(last) = self.pieces.back_mut() {
                last.resize(PIECE, 0);
            }
            self.pieces.push_back(Vec::with_capacity(PIECE));
        }
        if let Some(last) = self.pieces.back_mut() {
            last.resize(bytes % PIECE, 0);
        }
        Ok(())
    }
}

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.front() {
            let rest = piece.get(self.taken..).unwrap_or_default();
            if rest.is_empty() {
                self.pieces.pop_front();
                self.taken = 0;
                continue;
            }
            let count = rest.len().min(buf.len());
            if let (Some(to), Some(from)) = (buf.get_mut(..count), rest.get(..count)) {
                to.copy_from_slice(from);
            }
            self.taken += count;
            return Ok(count);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn the_spool_is_private_and_goes_away() {
        let dir = tempfile::tempdir().expect("temp dir");
        let limits = Limits {
            spool_dir: dir.path().to_path_buf(),
            in_memory_bytes: 0,
            ..Limits::within(Duration::from_secs(5))
        };
        let mut sink = Sink::new(1, &limits).expect("spool");
        sink.write_at(0, b"abc").expect("write");
        let Sink::Spool(spool) = sink else { panic!("a spool") };
        let mode = |path: &Path| std::fs::metadata(path).expect("stat").permissions().mode() & 0o777;
        assert_eq!((mode(spool.dir.path()), mode(&spool.path())), (0o700, 0o600));
        spool.forget_name().expect("remove");
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 0);
    }

    proptest! {
        #[test]
        fn pieces_behave_like_one_vector(
            writes in proptest::collection::vec((0u64..700_000, 0usize..300_000), 0..6),
            end in 0u64..900_000,
        ) {
            let mut pieces = Pieces::default();
            let mut model = Vec::new();
            for (index, (offset, length)) in writes.into_iter().enumerate() {
                let bytes = vec![index as u8 + 1; length];
                let offset = offset.min(model.len() as u64);
                pieces.write_at(offset, &bytes).expect("write");
                let start = offset as usize;
                model.resize(model.len().max(start + length), 0);
                model[start..start + length].copy_from_slice(&bytes);
            }
            pieces.set_len(end).expect("set length");
            model.resize(end as usize, 0);
            prop_assert_eq!(pieces.len(), model.len());
            let mut read = Vec::new();
            pieces.read_to_end(&mut read).expect("read");
            prop_assert_eq!(read, model);
        }
    }
}
