//! Temporary storage that nobody else can read or find: a file of mode 0600 without a name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that is written once and then read as often as needed. It vanishes when it is dropped, or with the process.
#[derive(Debug)]
pub struct Spool {
    file: File,
}

impl Spool {
    /// A new, empty spool in the directory for temporary files.
    ///
    /// # Errors
    /// No file could be made there.
    pub fn new() -> io::Result<Self> {
        let directory = std::env::temp_dir();
        for attempt in 0..64_u32 {
            let path = path(&directory, attempt);
            let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
            match made {
                Ok(file) => {
                    std::fs::remove_file(&path)?;
                    return Ok(Self { file });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free name for a temporary file"))
    }

    /// Reads from the beginning.
    ///
    /// # Errors
    /// The file can't be rewound.
    pub fn reader(&mut self) -> io::Result<impl Read + '_> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(&mut self.file)
    }

    /// Copies everything to a writer.
    ///
    /// # Errors
    /// A failure to read or write.
    pub fn copy_to(&mut self, writer: &mut impl Write) -> io::Result<u64> {
        io::copy(&mut self.reader()?, writer)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A name that others can't foresee. `create_new` refuses one that exists, links included.
fn path(directory: &Path, attempt: u32) -> PathBuf {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one((std::process::id(), attempt));
    directory.join(format!("openclaw-doctor-{random:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_spool_has_no_name_and_gives_back_what_it_got() {
        let mut spool = Spool::new().unwrap();
        spool.write_all(b"some text").unwrap();
        let metadata = spool.file.metadata().unwrap();
        assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (0, 0o600));
        for _ in 0..2 {
            let mut back = Vec::new();
            spool.copy_to(&mut back).unwrap();
            assert_eq!(back, b"some text");
        }
    }
}
