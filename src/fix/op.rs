//! The closed set of changes that the journal knows. A plan's actions are lowered to these; the inverse of each is made
//! of these again, so that an undo is applied, journalled and undone by the same code.

use super::fingerprint::{FileTime, Stamp};
use super::sys::WriteFlags;
use crate::model::{ContentDigest, HostPath, Manager, ProcessId};
use serde::{Deserialize, Serialize};

/// One change to the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Owner and mode of entries, in this order.
    Meta {
        /// The entries.
        items: Vec<MetaItem>,
    },
    /// The immutable and append-only flags.
    Flags {
        /// The file or directory.
        path: HostPath,
        /// What it is.
        before: Stamp,
        /// The flags it has.
        was: WriteFlags,
        /// The flags it gets.
        to: WriteFlags,
    },
    /// A regular file with these contents and properties: created, or put in the place of the one that is there.
    Put {
        /// The file.
        path: HostPath,
        /// What is there; `None` where nothing may be.
        before: Option<Stamp>,
        /// What will be there.
        image: Image,
    },
    /// Remove a regular file.
    Remove {
        /// The file.
        path: HostPath,
        /// What it is.
        before: Stamp,
    },
    /// Rename an entry to a free name in its directory.
    Rename {
        /// The entry.
        path: HostPath,
        /// Its new path, in the same directory.
        to: HostPath,
        /// What it is.
        before: Stamp,
    },
    /// Make a symbolic link where nothing is.
    Link {
        /// The link.
        path: HostPath,
        /// Its text.
        target: HostPath,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Modification and access time, where they are to be restored.
        times: Option<(FileTime, FileTime)>,
    },
    /// Remove a symbolic link.
    Unlink {
        /// The link.
        path: HostPath,
        /// Its text.
        target: HostPath,
        /// What it is.
        before: Stamp,
    },
    /// Change one unit through its manager.
    Unit {
        /// Whose unit.
        manager: Manager,
        /// Its full name.
        unit: String,
        /// What is done.
        change: UnitChange,
        /// What the manager said of it when this was planned.
        before: UnitState,
    },
    /// Stop the gateway's own unit around a plan, or start it again. Not part of what an undo takes back: an undo stops
    /// and restores whatever runs then.
    Gateway {
        /// Whose unit.
        manager: Manager,
        /// Its full name.
        unit: String,
        /// `Stop` or `Start`.
        change: UnitChange,
    },
    /// End one process.
    EndProcess {
        /// Which.
        process: ProcessId,
        /// Whether KILL may follow TERM.
        kill: bool,
    },
    /// Delete one row of a SQLite database, in place, as the account.
    DeleteRow {
        /// The main file.
        database: HostPath,
        /// What it was when this was planned. The gateway may write while it stops: inode, owner and mode must hold.
        before: Stamp,
        /// The table.
        table: String,
        /// The primary key: columns and values.
        key: Vec<(String, String)>,
    },
}

/// An entry's owner and mode, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetaItem {
    /// The entry.
    pub path: HostPath,
    /// What it is.
    pub before: Stamp,
    /// The owner it gets.
    pub uid: u32,
    /// The group it gets.
    pub gid: u32,
    /// The permission bits it gets.
    pub mode: u32,
}

/// A regular file's contents by digest, and its properties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Digest of the contents.
    pub digest: ContentDigest,
    /// Their length in bytes.
    pub size: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits. Set-id bits are never part of it.
    pub mode: u32,
    /// Modification and access time, where they are to be restored.
    pub times: Option<(FileTime, FileTime)>,
    /// Extended attributes that are carried: `user.*` and the access control list.
    pub xattrs: Vec<Xattr>,
}

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Xattr {
    /// Its name.
    pub name: String,
    /// Its value in base64.
    pub value: String,
}

/// What can be done to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitChange {
    /// Let it start with its target.
    Enable,
    /// Don't let it start with its target.
    Disable,
    /// Don't let it start at all.
    Mask,
    /// Take the mask off.
    Unmask,
    /// Start it now.
    Start,
    /// Stop it now.
    Stop,
    /// Forget that it failed.
    ResetFailed,
}

impl UnitChange {
    /// What takes it back; `None` where there is nothing to take back.
    pub fn inverse(self) -> Option<Self> {
        match self {
            UnitChange::Enable => Some(UnitChange::Disable),
            UnitChange::Disable => Some(UnitChange::Enable),
            UnitChange::Mask => Some(UnitChange::Unmask),
            UnitChange::Unmask => Some(UnitChange::Mask),
            UnitChange::Start => Some(UnitChange::Stop),
            UnitChange::Stop => Some(UnitChange::Start),
            UnitChange::ResetFailed => None,
        }
    }

    /// The word that `systemctl` takes, which is also the word for a person.
    pub fn word(self) -> &'static str {
        match self {
            UnitChange::Enable => "enable",
            UnitChange::Disable => "disable",
            UnitChange::Mask => "mask",
            UnitChange::Unmask => "unmask",
            UnitChange::Start => "start",
            UnitChange::Stop => "stop",
            UnitChange::ResetFailed => "reset-failed",
        }
    }
}

/// What a manager says of a unit, as far as it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    /// The file that defines it, as the manager names it.
    pub fragment: String,
    /// `active`, `inactive`, `failed`, `activating` and so on.
    pub active: String,
    /// `enabled`, `disabled`, `masked`, `static` and so on.
    pub enabled: String,
    /// Main process, 0 for none.
    pub main_pid: u32,
}

/// A copy of a file's contents in the transaction's own directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The file that was copied.
    pub path: HostPath,
    /// Name of the copy in the transaction's `backups` directory.
    pub blob: String,
    /// Contents and properties of the original.
    pub image: Image,
}

/// What is written before an operation begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The operation.
    pub op: Op,
    /// Copies of what it replaces or removes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// Path of the sibling temporary file it works with, to be cleared away after a crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<HostPath>,
    /// Modification time of the subject's directory before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir_mtime: Option<FileTime>,
}

/// What is written after an operation has succeeded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct After {
    /// The subjects as they are now, in the operation's order; `None` where there is nothing now.
    pub stamps: Vec<Option<Stamp>>,
    /// Modification time of the subject's directory after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir_mtime: Option<FileTime>,
    /// What the manager says of the unit now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitState>,
}

impl After {
    /// One subject and its directory.
    pub fn one(stamp: Option<Stamp>, dir_mtime: Option<FileTime>) -> Self {
        Self { stamps: vec![stamp], dir_mtime, unit: None }
    }
}

/// Restores a directory's modification time after an inverse operation, if nobody else changed the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirTime {
    /// What it must be just before the operation.
    pub expected: FileTime,
    /// What it is set to afterwards.
    pub set: FileTime,
}

/// Where the bytes of a [`Op::Put`] come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supply {
    /// None are needed.
    Nothing,
    /// From the plan, in memory.
    Bytes(std::sync::Arc<[u8]>),
    /// From a backup of the transaction that is taken back.
    Blob(String),
}

/// An operation, ready to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What is done.
    pub op: Op,
    /// With which bytes.
    pub supply: Supply,
    /// Directory time to restore.
    pub dir_time: Option<DirTime>,
}

impl Task {
    /// An operation that needs no bytes.
    pub fn new(op: Op) -> Self {
        Self { op, supply: Supply::Nothing, dir_time: None }
    }

    /// A file with bytes from memory.
    pub fn with_bytes(op: Op, bytes: Vec<u8>) -> Self {
        Self { op, supply: Supply::Bytes(bytes.into()), dir_time: None }
    }
}

/// Set-id bits, which are never given back to a file: an undo must not make a program privileged.
pub const SET_ID: u32 = 0o6000;
