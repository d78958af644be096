//! The running host, or a directory that stands for one (`--root DIR`).

use super::{Account, Attributes, Contents, EntryKind, Listing, Meta, ReadAt, ReadError, Reader, Source, walk};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Files of the running host, or of a directory tree.
#[derive(Debug)]
pub struct LiveSource {
    /// The directory that stands for `/`, with its path as the caller gave it.
    root: Option<PathBuf>,
    top: OwnedFd,
    privileged: bool,
}

impl LiveSource {
    /// The running host.
    ///
    /// # Errors
    /// Where `/` cannot be opened.
    pub fn host() -> io::Result<Self> {
        Self::open(Path::new("/"), None)
    }

    /// A directory that stands for `/`. Links in it, absolute ones too, stay inside.
    ///
    /// # Errors
    /// Where it cannot be opened as a directory.
    pub fn below(root: &Path) -> io::Result<Self> {
        let root = std::path::absolute(root)?;
        Self::open(&root, Some(root.clone()))
    }

    fn open(top: &Path, root: Option<PathBuf>) -> io::Result<Self> {
        let flags = path_flags() | OFlags::DIRECTORY;
        let top = rustix::fs::openat(CWD, top, flags, Mode::empty())?;
        Ok(Self { root, top, privileged: rustix::process::geteuid().is_root() })
    }

    /// The path on the doctor's own file system, with every link resolved inside the root.
    fn real(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_path_buf(),
        }
    }

    /// Opens an entry with links resolved inside the root; `OFlags::NOFOLLOW` keeps the last one.
    fn open_entry(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let relative = path.strip_prefix("/").unwrap_or(path);
            let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
            let mut resolve = ResolveFlags::NO_MAGICLINKS;
            if self.root.is_some() {
                resolve |= ResolveFlags::IN_ROOT;
            }
            match rustix::fs::openat2(&self.top, relative, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                // Kernels before 5.6 and some container seccomp profiles have no openat2.
                Err(Errno::NOSYS | Errno::PERM) if !flags.contains(OFlags::NOATIME) => {}
                other => return other.map_err(io::Error::from),
            }
        }
        let keep_last = flags.contains(OFlags::NOFOLLOW);
        let resolved = walk::resolve(self, path, !keep_last)?;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        rustix::fs::openat(CWD, self.real(&resolved), flags, Mode::empty()).map_err(io::Error::from)
    }

    fn pin(&self, path: &Path) -> io::Result<OwnedFd> {
        self.open_entry(path, path_flags() | OFlags::NOFOLLOW)
    }

    /// Opens a regular file for reading, with the reader's rights.
    fn open_file(&self, path: &Path, reader: Reader<'_>) -> Result<(File, Meta), ReadError> {
        // Look before opening: a FIFO would block and a device may act when opened.
        if let Ok(meta) = self.metadata_following(path)
            && meta.kind != EntryKind::File
        {
            return Err(ReadError::NotAFile(meta.kind));
        }
        let rights = match reader {
            Reader::As(account) if self.privileged && account.uid != 0 => Some(Rights::take(account)?),
            _ => None,
        };
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = match self.open_entry(path, flags | noatime()) {
            Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => self.open_entry(path, flags),
            other => other,
        };
        drop(rights);
        let file = File::from(opened?);
        let meta = meta_of(&file.metadata()?);
        if meta.kind != EntryKind::File {
            return Err(ReadError::NotAFile(meta.kind));
        }
        Ok((file, meta))
    }
}

#[cfg(target_os = "linux")]
fn path_flags() -> OFlags {
    OFlags::PATH | OFlags::CLOEXEC
}

#[cfg(not(target_os = "linux"))]
fn path_flags() -> OFlags {
    OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC
}

#[cfg(target_os = "linux")]
fn noatime() -> OFlags {
    OFlags::NOATIME
}

#[cfg(not(target_os = "linux"))]
fn noatime() -> OFlags {
    OFlags::empty()
}

/// The account's rights, held by this thread alone until dropped. Only root can take them.
struct Rights {
    #[cfg(target_os = "linux")]
    groups: Vec<rustix::process::Gid>,
    #[cfg(target_os = "linux")]
    gid: rustix::process::Gid,
}

#[cfg(target_os = "linux")]
impl Rights {
    fn take(account: &Account) -> io::Result<Self> {
        use rustix::process::{Gid, Uid, getegid, getgroups};
        let kept = Self { groups: getgroups()?, gid: getegid() };
        let groups: Vec<Gid> = account.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        // SAFETY of the approach: these set the calling thread's credentials only (raw system calls), the real and
        // saved ids stay root's, so the account can neither trace nor signal the process meanwhile.
        rustix::thread::set_thread_groups(&groups)?;
        set_effective_gid(Gid::from_raw(account.gid))?;
        set_effective_uid(Uid::from_raw(account.uid))?;
        Ok(kept)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Rights {
    fn drop(&mut self) {
        // Where one of these fails the thread goes on with fewer rights, and what it can't read is unknown.
        let _ = set_effective_uid(rustix::process::Uid::ROOT);
        let _ = set_effective_gid(self.gid);
        let _ = rustix::thread::set_thread_groups(&self.groups);
    }
}

#[cfg(target_os = "linux")]
fn set_effective_uid(uid: rustix::process::Uid) -> io::Result<()> {
    rustix::thread::set_thread_res_uid(None, uid, None).map_err(io::Error::from)
}

#[cfg(target_os = "linux")]
fn set_effective_gid(gid: rustix::process::Gid) -> io::Result<()> {
    rustix::thread::set_thread_res_gid(None, gid, None).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
impl Rights {
    /// Elsewhere there are no credentials per thread: contents that the account controls are not read as root.
    fn take(_account: &Account) -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "reading an account's files as root is not supported here; run the doctor as that account",
        ))
    }
}

impl Source for LiveSource {
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        #[cfg(target_os = "linux")]
        {
            let stat = rustix::fs::fstat(self.pin(path)?)?;
            Ok(meta_of_stat(&stat))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let resolved = walk::resolve(self, path, false)?;
            std::fs::symlink_metadata(self.real(&resolved)).map(|meta| meta_of(&meta))
        }
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        walk::resolve(self, path, true)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        #[cfg(target_os = "linux")]
        {
            let text = rustix::fs::readlinkat(self.pin(path)?, "", Vec::new())?;
            Ok(PathBuf::from(std::ffi::OsStr::from_bytes(text.as_bytes())))
        }
        #[cfg(not(target_os = "linux"))]
        {
            std::fs::read_link(self.real(path))
        }
    }

    fn list(&self, path: &Path, limit: usize) -> io::Result<Listing> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let directory = match self.open_entry(path, flags | noatime()) {
            Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => self.open_entry(path, flags)?,
            other => other?,
        };
        let mut listing = Listing::default();
        for entry in rustix::fs::Dir::read_from(directory.as_fd())? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if listing.names.len() == limit {
                listing.cut = true;
                break;
            }
            listing.names.push(std::ffi::OsStr::from_bytes(name).to_os_string());
        }
        listing.names.sort();
        Ok(listing)
    }

    #[cfg(target_os = "linux")]
    fn attributes(&self, path: &Path) -> Attributes {
        use rustix::fs::{StatxAttributes, StatxFlags};
        let Ok(pin) = self.pin(path) else { return Attributes::default() };
        let mut attributes = Attributes::default();
        if let Ok(stat) = rustix::fs::statx(&pin, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS) {
            let flag = |bit| stat.stx_attributes_mask.contains(bit).then(|| stat.stx_attributes.contains(bit));
            attributes.immutable = flag(StatxAttributes::IMMUTABLE);
            attributes.append_only = flag(StatxAttributes::APPEND);
        }
        // xattrs can't be read through an O_PATH descriptor; resolved first, so that no link leads out of the root.
        if let Ok(resolved) = walk::resolve(self, path, false) {
            attributes.acl_access = xattr::get(self.real(&resolved), "system.posix_acl_access").ok().flatten();
        }
        attributes
    }

    #[cfg(not(target_os = "linux"))]
    fn attributes(&self, _path: &Path) -> Attributes {
        Attributes::default()
    }

    fn read(&self, path: &Path, cap: u64, reader: Reader<'_>) -> Result<Contents, ReadError> {
        let (file, meta) = self.open_file(path, reader)?;
        if meta.size > cap {
            return Err(ReadError::TooLarge { size: meta.size, cap });
        }
        let mut bytes = Vec::new();
        // One byte more than the cap, so that a file that grows meanwhile is seen as too large.
        file.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > cap {
            return Err(ReadError::TooLarge { size: bytes.len() as u64, cap });
        }
        Ok(Contents { bytes, meta })
    }

    fn stream(&self, path: &Path, reader: Reader<'_>) -> Result<(Box<dyn Read + Send>, Meta), ReadError> {
        let (file, meta) = self.open_file(path, reader)?;
        Ok((Box::new(file), meta))
    }

    fn open_at(&self, path: &Path, reader: Reader<'_>) -> Result<Box<dyn ReadAt>, ReadError> {
        let (file, _) = self.open_file(path, reader)?;
        Ok(Box::new(file))
    }

    fn is_live(&self) -> bool {
        self.root.is_none()
    }

    fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }
}

impl ReadAt for File {
    fn meta(&self) -> io::Result<Meta> {
        self.metadata().map(|meta| meta_of(&meta))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

fn meta_of(meta: &std::fs::Metadata) -> Meta {
    Meta {
        kind: kind_of(meta.mode()),
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.size(),
        links: meta.nlink(),
        device: meta.dev(),
        inode: meta.ino(),
        mtime_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: nanoseconds(meta.ctime(), meta.ctime_nsec()),
    }
}

#[cfg(target_os = "linux")]
fn meta_of_stat(stat: &rustix::fs::Stat) -> Meta {
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)] // field widths differ between architectures
    Meta {
        kind: kind_of(stat.st_mode),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        links: stat.st_nlink as u64,
        device: stat.st_dev as u64,
        inode: stat.st_ino as u64,
        mtime_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctime_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

fn kind_of(mode: u32) -> EntryKind {
    match mode & 0o170_000 {
        0o100_000 => EntryKind::File,
        0o040_000 => EntryKind::Directory,
        0o120_000 => EntryKind::Symlink,
        0o010_000 => EntryKind::Fifo,
        0o140_000 => EntryKind::Socket,
        0o060_000 | 0o020_000 => EntryKind::Device,
        _ => EntryKind::Other,
    }
}
