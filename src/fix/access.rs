//! Looking at and working beside subjects, with the right rights: root's own only where only root decides what lies in a
//! directory, else the account's.

use super::error::{FixError, Result};
use super::fingerprint::{Stamp, digest_of};
use super::op::Xattr;
use super::sys;
use super::walk::{Last, Links, Pin, Place, Walker, Way};
use crate::collect::source::EntryKind;
use crate::model::{ContentDigest, HostPath};
use std::fs::File;
use std::io::Read;

/// Access to one installation's files.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The way to them.
    pub walker: Walker<'a>,
}

impl Access<'_> {
    /// The place that a resolved path names; a link on the way means that something changed.
    ///
    /// # Errors
    /// As [`Walker::locate`].
    pub fn place(&self, path: &HostPath) -> Result<Place> {
        self.walker.locate(path, Last::Keep, Links::Refuse)
    }

    /// Works in the directory of a place. Behind a link that the account controls only the account's rights are used.
    ///
    /// # Errors
    /// Those of `work`, and where the account's rights cannot be taken on.
    pub fn in_dir<T>(&self, place: &Place, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let roots = place.way == Way::Straight && self.walker.is_roots_own(&place.dir);
        if roots { work() } else { self.walker.actor.as_account(work) }
    }

    /// Opens the pinned regular file for reading: as whoever works in its directory, else as root, which is safe
    /// because the pin is a regular file with one name.
    ///
    /// # Errors
    /// Where it is no regular file, has several names, was swapped, or may not be read.
    pub fn open_pinned(&self, place: &Place, pin: &Pin) -> Result<File> {
        must_be_plain_file(&pin.stamp, &place.path)?;
        let open = || sys::open_pinned(place.dir.fd(), &place.name, pin.fd()).map_err(|e| open_error(&place.path, e));
        let opened = match self.in_dir(place, open) {
            Err(FixError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied
                    && self.walker.actor.privileged
                    && place.way == Way::Straight =>
            {
                open()
            }
            other => other,
        };
        opened.map(File::from)
    }

    /// The stamp with the digest of the contents.
    ///
    /// # Errors
    /// As [`Access::open_pinned`], and where reading fails.
    pub fn full_stamp(&self, place: &Place, pin: &Pin) -> Result<Stamp> {
        let digest = self.digest(place, pin)?;
        Ok(pin.restamp(&place.path)?.with_digest(digest))
    }

    /// The digest of the contents.
    ///
    /// # Errors
    /// As [`Access::full_stamp`].
    pub fn digest(&self, place: &Place, pin: &Pin) -> Result<ContentDigest> {
        let file = self.open_pinned(place, pin)?;
        let (digest, _) = digest_of(file).map_err(|error| FixError::io(format!("read {}", place.path), error))?;
        Ok(digest)
    }

    /// The whole contents, up to `cap` bytes.
    ///
    /// # Errors
    /// As [`Access::full_stamp`], and where there are more bytes.
    pub fn read(&self, place: &Place, pin: &Pin, cap: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = self.open_pinned(place, pin)?;
        file.take(cap.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| FixError::io(format!("read {}", place.path), error))?;
        if bytes.len() as u64 > cap {
            return Err(FixError::refused(&place.path, format_args!("has more than {cap} bytes")));
        }
        Ok(bytes)
    }
}

/// What an error of [`sys::open_pinned`] means.
pub fn open_error(path: &HostPath, error: std::io::Error) -> FixError {
    if error.kind() == std::io::ErrorKind::InvalidData {
        FixError::stale(path, "was replaced by something else since the plan was made")
    } else {
        FixError::io(format!("open {path}"), error)
    }
}

/// Only regular files with one name are read, replaced or removed.
///
/// # Errors
/// Where it is anything else, naming it.
pub fn must_be_plain_file(stamp: &Stamp, path: &HostPath) -> Result<()> {
    if stamp.kind != EntryKind::File {
        return Err(FixError::refused(path, format_args!("is a {}, not a regular file", kind_word(stamp.kind))));
    }
    if stamp.links != 1 {
        return Err(FixError::refused(
            path,
            format_args!("has {} names (hard links); make it a file of its own first", stamp.links),
        ));
    }
    Ok(())
}

/// A kind of entry in words.
pub fn kind_word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink => "symbolic link",
        EntryKind::Fifo => "FIFO",
        EntryKind::Socket => "socket",
        EntryKind::Device => "device",
        EntryKind::Other => "special file",
    }
}

/// The attributes that a replacement carries: `user.*` and the access control list, never `security.*` or `trusted.*`.
pub fn is_carried(name: &str) -> bool {
    name.starts_with("user.") || name == "system.posix_acl_access"
}

/// The carried attributes of an opened file.
///
/// # Errors
/// Where they cannot be read. A file system without attributes has none.
pub fn read_xattrs(file: &File, path: &HostPath) -> Result<Vec<Xattr>> {
    use base64::Engine;
    use xattr::FileExt;
    let failed = |error| FixError::io(format!("read the attributes of {path}"), error);
    let names = match file.list_xattr() {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut kept = Vec::new();
    for name in names.filter_map(|name| name.into_string().ok()).filter(|name| is_carried(name)) {
        if let Some(value) = file.get_xattr(&name).map_err(failed)? {
            kept.push(Xattr { name, value: base64::engine::general_purpose::STANDARD.encode(value) });
        }
    }
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(kept)
}
