//! The few system calls that differ between kernels: pinning an entry, changing a pinned entry, renaming onto a free
//! name, inode flags. Linux uses `openat2` and `O_PATH`; older kernels and other systems step with `O_NOFOLLOW`.

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Whether a step may enter another mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounts {
    /// It may: on the way to the state directory.
    Cross,
    /// It may not: inside the state directory, where a mount is a look-alike or somebody else's.
    Stay,
}

/// Pins the entry `name` of a pinned directory, without following it if it is a link and without opening it.
pub fn pin(dir: BorrowedFd<'_>, name: &OsStr, mounts: Mounts) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::ResolveFlags;
        let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        if mounts == Mounts::Stay {
            resolve |= ResolveFlags::NO_XDEV;
        }
        match rustix::fs::openat2(dir, name, pin_flags(), Mode::empty(), resolve) {
            // Kernels before 5.6 and some container profiles have no openat2.
            Err(Errno::NOSYS | Errno::PERM) => {}
            Err(Errno::AGAIN) => return Err(io::Error::other("the directory is being renamed too often")),
            other => return other.map_err(io::Error::from),
        }
    }
    let entry = rustix::fs::openat(dir, name, pin_flags(), Mode::empty())?;
    if mounts == Mounts::Stay && !same_mount(dir, entry.as_fd())? {
        return Err(Errno::XDEV.into());
    }
    Ok(entry)
}

#[cfg(target_os = "linux")]
fn pin_flags() -> OFlags {
    OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// `O_SYMLINK` pins a link itself where there is no `O_PATH`; `O_NONBLOCK` keeps FIFOs from blocking.
#[cfg(target_vendor = "apple")]
fn pin_flags() -> OFlags {
    OFlags::RDONLY | OFlags::SYMLINK | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn pin_flags() -> OFlags {
    OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC
}

/// Whether two pinned entries lie on one mount. Bind mounts of the same device are told apart where the kernel does.
fn same_mount(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    if let (Some(a), Some(b)) = (mount_id(one), mount_id(other)) {
        return Ok(a == b);
    }
    Ok(rustix::fs::fstat(one)?.st_dev == rustix::fs::fstat(other)?.st_dev)
}

#[cfg(target_os = "linux")]
fn mount_id(fd: BorrowedFd<'_>) -> Option<u64> {
    use rustix::fs::StatxFlags;
    let stat = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    (stat.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(stat.stx_mnt_id)
}

/// Opens a pinned directory for listing and for `fsync`.
pub fn open_dir(dir: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, ".", flags, Mode::empty()).map_err(io::Error::from)
}

/// Pins the directory that stands for `/`.
pub fn pin_top(path: &std::path::Path) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(io::Error::from)
}

/// Opens a pinned regular file for reading by its name, proving that it is still the pinned one.
///
/// # Errors
/// `ErrorKind::InvalidData` where the name now leads to something else.
pub fn open_pinned(dir: BorrowedFd<'_>, name: &OsStr, pin: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let (a, b) = (rustix::fs::fstat(&opened)?, rustix::fs::fstat(pin)?);
    if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino) {
        Ok(opened)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the name leads to another file now"))
    }
}

/// Changes the owner of the pinned entry itself, link or not.
pub fn chown_pin(pin: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
    let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
    #[cfg(target_os = "linux")]
    {
        rustix::fs::chownat(pin, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH).map_err(io::Error::from)
    }
    #[cfg(not(target_os = "linux"))]
    {
        rustix::fs::fchown(pin, Some(uid), Some(gid)).map_err(io::Error::from)
    }
}

/// Changes the permission bits of the pinned entry, which is no link.
pub fn chmod_pin(pin: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // `fchmod` refuses O_PATH descriptors; this magic link leads to exactly the pinned inode.
        let path = format!("/proc/self/fd/{}", pin.as_raw_fd());
        rustix::fs::chmodat(CWD, path.as_str(), mode_bits(mode), AtFlags::empty()).map_err(io::Error::from)
    }
    #[cfg(not(target_os = "linux"))]
    {
        rustix::fs::fchmod(pin, mode_bits(mode)).map_err(io::Error::from)
    }
}

/// Permission bits as the type that the calls want.
#[allow(clippy::useless_conversion)] // 16 bits wide on Apple systems
pub fn mode_bits(mode: u32) -> Mode {
    Mode::from_bits_truncate((mode & 0o7777).try_into().unwrap_or_default())
}

/// Renames within one directory, only onto a name that is free.
pub fn rename_to_free(dir: BorrowedFd<'_>, from: &OsStr, to: &OsStr) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::RenameFlags;
        match rustix::fs::renameat_with(dir, from, dir, to, RenameFlags::NOREPLACE) {
            // NFS, some FUSE file systems and old kernels have no flags.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return other.map_err(io::Error::from),
        }
    }
    match rustix::fs::statat(dir, to, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => rustix::fs::renameat(dir, from, dir, to).map_err(io::Error::from),
        Ok(_) => Err(Errno::EXIST.into()),
        Err(error) => Err(error.into()),
    }
}

/// The two inode flags that stop writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WriteFlags {
    /// `chattr +i`
    pub immutable: bool,
    /// `chattr +a`
    pub append_only: bool,
}

/// The flags of an opened file or directory; both unset where the file system has none.
pub fn write_flags(file: BorrowedFd<'_>) -> io::Result<WriteFlags> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::IFlags;
        match rustix::fs::ioctl_getflags(file) {
            Ok(flags) => Ok(WriteFlags {
                immutable: flags.contains(IFlags::IMMUTABLE),
                append_only: flags.contains(IFlags::APPEND),
            }),
            Err(Errno::NOTTY | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => {
                Ok(WriteFlags { immutable: false, append_only: false })
            }
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        Ok(WriteFlags { immutable: false, append_only: false })
    }
}

/// Sets exactly these two flags and leaves the others.
pub fn set_write_flags(file: BorrowedFd<'_>, wanted: WriteFlags) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::IFlags;
        let mut flags = rustix::fs::ioctl_getflags(file)?;
        flags.set(IFlags::IMMUTABLE, wanted.immutable);
        flags.set(IFlags::APPEND, wanted.append_only);
        rustix::fs::ioctl_setflags(file, flags).map_err(io::Error::from)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, wanted);
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}
