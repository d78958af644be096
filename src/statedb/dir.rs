//! A database in a directory that the caller has already opened safely.

use super::source::{DbFile, DbFiles, FileIdentity, Readable};
use crate::model::HostPath;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;

/// The files of a database below an open directory. Names are looked up in that directory only and symbolic links are
/// refused, so a hostile account cannot point the doctor at other files; only regular files are opened, without
/// blocking and, where the caller may, without touching the access time.
pub struct DirDbFiles {
    dir: OwnedFd,
    name: OsString,
    path: HostPath,
    open: RefCell<HashMap<Readable, Opened>>,
}

struct Opened {
    file: File,
    dev: u64,
    inode: u64,
}

impl DirDbFiles {
    /// The database `name` (one component) in `dir`; `path` is its path in the host's view, for messages.
    pub fn new(dir: OwnedFd, name: impl Into<OsString>, path: HostPath) -> Self {
        Self { dir, name: name.into(), path, open: RefCell::new(HashMap::new()) }
    }

    fn name_of(&self, which: DbFile) -> OsString {
        let mut name = self.name.clone().into_vec();
        name.extend_from_slice(which.suffix().as_bytes());
        OsString::from_vec(name)
    }

    fn open_file(&self, which: Readable) -> io::Result<Opened> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
        let name = self.name_of(which.file());
        let fd = match open_without_atime(&self.dir, &name, flags) {
            // Only the owner and root may leave the access time alone.
            Err(Errno::EPERM) => openat(&self.dir, name.as_os_str(), flags, Mode::empty()),
            other => other,
        }?;
        let stat = fstat(&fd)?;
        require_regular(&stat)?;
        Ok(Opened { file: File::from(fd), dev: widen(stat.st_dev), inode: widen(stat.st_ino) })
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_without_atime(dir: &OwnedFd, name: &OsString, flags: OFlag) -> nix::Result<OwnedFd> {
    openat(dir, name.as_os_str(), flags | OFlag::O_NOATIME, Mode::empty())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_without_atime(dir: &OwnedFd, name: &OsString, flags: OFlag) -> nix::Result<OwnedFd> {
    openat(dir, name.as_os_str(), flags, Mode::empty())
}

impl DbFiles for DirDbFiles {
    fn path(&self) -> HostPath {
        self.path.clone()
    }

    fn stat(&self, which: DbFile) -> io::Result<Option<FileIdentity>> {
        let stat = match fstatat(&self.dir, self.name_of(which).as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => return Ok(None),
            other => other?,
        };
        require_regular(&stat)?;
        let identity = identity(&stat);
        // A file that was replaced is read anew.
        self.open
            .borrow_mut()
            .retain(|open, old| open.file() != which || (old.dev, old.inode) == (identity.dev, identity.inode));
        Ok(Some(identity))
    }

    fn read_at(&self, which: Readable, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(opened) = self.open.borrow().get(&which) {
            return opened.file.read_at(buf, offset);
        }
        let opened = self.open_file(which)?;
        let count = opened.file.read_at(buf, offset);
        self.open.borrow_mut().insert(which, opened);
        count
    }
}

fn require_regular(stat: &FileStat) -> io::Result<()> {
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Ok(()),
        SFlag::S_IFLNK => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link, which is not followed"))
        }
        SFlag::S_IFDIR => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

fn identity(stat: &FileStat) -> FileIdentity {
    FileIdentity {
        dev: widen(stat.st_dev),
        inode: widen(stat.st_ino),
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        uid: stat.st_uid,
        gid: stat.st_gid,
        mode: u32::try_from(widen(stat.st_mode) & 0o7777).unwrap_or_default(),
    }
}

/// The parts of a time have other widths on 32-bit systems.
fn nanoseconds(seconds: impl Into<i128>, rest: impl Into<i128>) -> i128 {
    seconds.into() * 1_000_000_000 + rest.into()
}

/// Device and mode numbers have other widths on other systems; a negative device number (macOS) keeps its bits.
fn widen(number: impl TryInto<i128>) -> u64 {
    number.try_into().map_or(0, |number| (number & i128::from(u64::MAX)) as u64)
}
