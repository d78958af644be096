//! What a subject was when it was planned, and whether it still is that.

use super::error::{FixError, Result};
use crate::collect::source::EntryKind;
use crate::model::{ContentDigest, HostPath};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::os::fd::BorrowedFd;

/// A point in time as the file system keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileTime {
    /// Seconds since the epoch.
    pub s: i64,
    /// Nanoseconds in that second.
    pub n: u32,
}

/// The identity of an entry at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// What it is.
    pub kind: EntryKind,
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits, set-id and sticky included.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
    /// Number of names.
    pub links: u64,
    /// Access time, kept so that undo can restore it; never compared.
    pub atime: FileTime,
    /// Modification time.
    pub mtime: FileTime,
    /// Change time.
    pub ctime: FileTime,
    /// Digest of the contents, where the plan replaces or removes them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<ContentDigest>,
}

impl Stamp {
    /// What `fstat` says of a pinned entry.
    pub fn of(pin: BorrowedFd<'_>) -> io::Result<Self> {
        let stat = rustix::fs::fstat(pin)?;
        #[allow(clippy::unnecessary_cast, clippy::useless_conversion)] // field widths differ between systems
        Ok(Self {
            kind: kind_of(u32::from(stat.st_mode)),
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            uid: stat.st_uid,
            gid: stat.st_gid,
            mode: u32::from(stat.st_mode) & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            links: stat.st_nlink as u64,
            atime: FileTime { s: stat.st_atime as i64, n: nanos(stat.st_atime_nsec as i64) },
            mtime: FileTime { s: stat.st_mtime as i64, n: nanos(stat.st_mtime_nsec as i64) },
            ctime: FileTime { s: stat.st_ctime as i64, n: nanos(stat.st_ctime_nsec as i64) },
            digest: None,
        })
    }

    /// Adds the digest of the contents.
    pub fn with_digest(mut self, digest: ContentDigest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Whether both are the same inode.
    pub fn same_inode(&self, other: &Stamp) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    /// Whether both are the same but for their identity: a file that was replaced and put back is another inode with the
    /// same contents and properties.
    pub fn same_properties(&self, other: &Stamp) -> bool {
        let digests = self.digest.zip(other.digest).is_none_or(|(a, b)| a == b);
        let contents = self.kind == EntryKind::Directory || (self.size, self.mtime) == (other.size, other.mtime);
        digests
            && contents
            && (self.kind, self.uid, self.gid, self.mode) == (other.kind, other.uid, other.gid, other.mode)
    }

    /// What differs from `now`, as a clause for a person. Digests are compared where both have one; without them a
    /// file's contents are held together by size and times. The times and size of a directory are those of its
    /// names, and the doctor compares the names that it cares for one by one.
    pub fn difference(&self, now: &Stamp) -> Option<String> {
        if self.kind != now.kind || !self.same_inode(now) {
            return Some("was replaced by something else since the plan was made".to_owned());
        }
        if (self.uid, self.gid) != (now.uid, now.gid) {
            return Some(format!(
                "belonged to {}:{} when the plan was made and now belongs to {}:{}",
                self.uid, self.gid, now.uid, now.gid
            ));
        }
        if self.mode != now.mode {
            return Some(format!("had mode {:04o} when the plan was made and now has {:04o}", self.mode, now.mode));
        }
        if self.kind == EntryKind::Directory {
            return None;
        }
        if let (Some(then), Some(now)) = (self.digest, now.digest)
            && then != now
        {
            return Some("has other contents than when the plan was made".to_owned());
        }
        if self.links != now.links {
            return Some(format!("had {} names when the plan was made and now has {}", self.links, now.links));
        }
        if (self.size, self.mtime, self.ctime) != (now.size, now.mtime, now.ctime) {
            return Some("was written to since the plan was made".to_owned());
        }
        None
    }

    /// Refuses as stale where `now` differs.
    ///
    /// # Errors
    /// [`FixError::Stale`], naming what differs.
    pub fn must_match(&self, now: &Stamp, path: &HostPath) -> Result<()> {
        match self.difference(now) {
            Some(what) => Err(FixError::stale(path, what)),
            None => Ok(()),
        }
    }
}

fn nanos(value: i64) -> u32 {
    u32::try_from(value).unwrap_or_default()
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

/// The digest of all that a reader gives, and how many bytes that was.
pub fn digest_of(mut reader: impl Read) -> io::Result<(ContentDigest, u64)> {
    let mut hash = Sha256::new();
    let size = io::copy(&mut reader, &mut hash)?;
    Ok((ContentDigest::from_raw(hash.finalize().into()), size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn every_difference_is_named() {
        let file = tempfile::tempfile().expect("a file");
        let stamp = Stamp::of(file.as_fd()).expect("a stamp");
        assert_eq!(stamp.difference(&stamp.clone()), None);
        type Change = fn(&mut Stamp);
        let changed: [(&str, Change); 6] = [
            ("replaced", |s| s.ino += 1),
            ("belongs to", |s| s.uid += 1),
            ("mode", |s| s.mode ^= 0o100),
            ("names", |s| s.links += 1),
            ("written", |s| s.mtime.n ^= 1),
            ("written", |s| s.ctime.s += 1),
        ];
        for (word, change) in changed {
            let mut now = stamp.clone();
            change(&mut now);
            let said = stamp.difference(&now).expect("a difference");
            assert!(said.contains(word), "{said}");
        }
        let (a, b) = (ContentDigest::of(b"a"), ContentDigest::of(b"b"));
        let said = stamp.clone().with_digest(a).difference(&stamp.clone().with_digest(b)).expect("a difference");
        assert!(said.contains("contents"), "{said}");
    }
}
