//! Entries of a file system and the accounts that use them.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// Anything else.
    Other,
}

/// What `lstat` says, and the attributes that stop writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// What the entry is.
    pub kind: EntryKind,
    /// Permission bits, including set-id and sticky (07777).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
    /// Number of hard links.
    pub links: u64,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Modification time in nanoseconds since the epoch.
    pub mtime_ns: i128,
    /// Change time in nanoseconds since the epoch (0 in an archive).
    pub ctime_ns: i128,
}

/// Attributes beyond the mode. `None` where the file system or the source cannot tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// `chattr +i`.
    pub immutable: Option<bool>,
    /// `chattr +a`.
    pub append_only: Option<bool>,
    /// Raw `system.posix_acl_access`, where there is one.
    pub acl_access: Option<Vec<u8>>,
}

/// The account with whose rights contents are read, and for whom access is judged. Accounts may be bare numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Uid.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// All groups, the primary one included.
    pub groups: Vec<u32>,
    /// Name in the host's `passwd`, if it has one.
    pub name: Option<String>,
    /// Home directory in the host's view, if known.
    pub home: Option<PathBuf>,
}
