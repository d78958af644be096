//! Facts about the file systems that hold the state, the configuration and the temporary directories.

use crate::model::{Fact, HostPath};
use serde::{Deserialize, Serialize};

/// The file system under one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountFact {
    /// The path that was asked about.
    pub path: HostPath,
    /// The nearest existing directory, links resolved: what was looked at.
    pub looked_at: HostPath,
    /// The mount. Live only.
    pub mount: Fact<Mount>,
    /// Space and inodes. Live only.
    pub space: Fact<Space>,
    /// A folder on the way that is copied to other machines or to a cloud. From names and markers, offline too.
    pub synced: Option<SyncedFolder>,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where it is mounted.
    pub point: HostPath,
    /// Type as the kernel names it: `ext4`, `overlay`, `nfs4`, `9p`, …
    pub fs_type: String,
    /// What kind of thing that is.
    pub class: FsClass,
    /// Device or remote, without credentials.
    pub source: Option<String>,
    /// Mounted read-only (here or at the file system itself: after an error the kernel may turn to it).
    pub read_only: bool,
    /// `noexec`
    pub no_exec: bool,
    /// `nosuid`
    pub no_suid: bool,
    /// Whether owners and modes can be stored (not on vfat, exfat, drvfs without `metadata`).
    pub keeps_owners: bool,
    /// Fixed owner by option `uid=`.
    pub fixed_uid: Option<u32>,
}

/// Kinds of file systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FsClass {
    /// A local disk file system with all that the state needs.
    Local,
    /// In memory: gone after a restart.
    Memory,
    /// Layers of a container: gone with the container.
    Overlay,
    /// NFS, CIFS, AFS, Ceph: locks and SQLite's WAL can fail.
    Network,
    /// Shared with the host of a virtual machine: 9p, virtiofs, vboxsf, drvfs.
    Shared,
    /// FUSE, of which all is possible.
    Fuse,
    /// FAT, exFAT: no owners, no modes, no links.
    Fat,
    /// NTFS.
    Ntfs,
    /// Read-only images: squashfs, iso9660, erofs.
    Image,
    /// Not known here.
    Other,
}

/// What is free, for an account without privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Size in bytes.
    pub total: u64,
    /// Free bytes for ordinary accounts.
    pub available: u64,
    /// Free bytes for root.
    pub free: u64,
    /// Inodes; 0 where the file system has no fixed number.
    pub inodes: u64,
    /// Free inodes for ordinary accounts.
    pub inodes_available: u64,
    /// The file system says that it is read-only.
    pub read_only: bool,
}

/// A folder that a program copies elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedFolder {
    /// The folder.
    pub path: HostPath,
    /// The program.
    pub program: String,
    /// Whether a marker proves it, or only the name says so.
    pub marker: bool,
}

impl Space {
    /// Whether an account without privileges can write nothing more.
    pub fn is_full(&self) -> bool {
        self.available == 0 || (self.inodes > 0 && self.inodes_available == 0)
    }
}
