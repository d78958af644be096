//! Who holds locks on a database, from the text of `/proc/locks`.
//!
//! SQLite locks byte ranges: of the main file at 1 GiB (sqlite.org/lockingv3.html), of `-shm` from byte 120 on
//! (sqlite.org/walformat.html, 2.2). A lock held by something that is no gateway is what makes a gateway hang at start or
//! answer with `database is locked` (lab 2026.9.6, F4g). Nothing here touches the files.

use super::facts::DbFileFacts;
use super::source::{DbFile, FileIdentity};
use crate::model::Fact;
use serde::{Deserialize, Serialize};

/// A lock on one of the files of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldLock {
    /// The file.
    pub file: DbFile,
    /// The holder. `None` for locks that belong to an open file instead of a process; then only `/proc/*/fdinfo` tells.
    pub pid: Option<i32>,
    /// What SQLite does with it.
    pub purpose: LockPurpose,
    /// Whether it excludes other holders of the range.
    pub exclusive: bool,
    /// Whether it is only waited for.
    pub waiting: bool,
    /// Whether the device number agreed too. On btrfs and overlay file systems `stat` and the kernel's list differ, and the
    /// inode alone is a weaker sign.
    pub same_device: bool,
}

/// A lock with the name of the process that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The lock.
    pub lock: HeldLock,
    /// The kernel's short name of the process (15 characters).
    pub comm: Option<String>,
}

/// What a range of bytes means to SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockPurpose {
    /// Main file: the database is open or is being read; harmless. In WAL mode every connection holds it.
    Shared,
    /// Main file: about to write (rollback mode).
    Reserved,
    /// Main file: waits for readers to leave (rollback mode).
    Pending,
    /// Main file: nobody else can use the database.
    ExclusiveMain,
    /// `-shm`: a write transaction is open. Held for long, it is what blocks the gateway.
    WalWrite,
    /// `-shm`: a checkpoint runs.
    WalCheckpoint,
    /// `-shm`: the log is being recovered.
    WalRecover,
    /// `-shm`: a reader's mark; harmless.
    WalRead,
    /// `-shm`: the database is open; harmless.
    WalOpen,
    /// A range that SQLite does not use.
    Other,
}

impl LockPurpose {
    /// Whether such a lock, held for long, keeps a gateway from writing.
    pub fn blocks_writers(self, exclusive: bool) -> bool {
        match self {
            LockPurpose::Reserved | LockPurpose::Pending | LockPurpose::ExclusiveMain | LockPurpose::WalWrite => true,
            LockPurpose::WalRecover | LockPurpose::WalOpen => exclusive,
            LockPurpose::Shared | LockPurpose::WalCheckpoint | LockPurpose::WalRead | LockPurpose::Other => false,
        }
    }
}

/// Where SQLite's lock bytes of the main file begin.
const PENDING_BYTE: u64 = 0x4000_0000;
const RESERVED_BYTE: u64 = PENDING_BYTE + 1;
const SHARED_FIRST: u64 = PENDING_BYTE + 2;

/// The locks on the files of a database, in the order of the list. Lines that cannot be read are left out: the list is the
/// kernel's, and its format may grow.
pub fn holders(proc_locks: &str, files: &DbFileFacts) -> Vec<HeldLock> {
    let known = [(DbFile::Main, &files.main), (DbFile::Shm, &files.shm), (DbFile::Wal, &files.wal)];
    proc_locks
        .lines()
        .filter_map(Line::parse)
        .filter_map(|line| {
            // An inode number says something only together with the device, or at least alone among the three files.
            let matching = |same_device: bool| {
                known.iter().find_map(|(file, fact)| match fact {
                    Fact::Known(identity) if line.is_on(identity, same_device) => Some((*file, same_device)),
                    _ => None,
                })
            };
            let (file, same_device) = matching(true).or_else(|| matching(false))?;
            let purpose = line.purpose(file);
            if !same_device && purpose == LockPurpose::Other {
                return None;
            }
            Some(HeldLock {
                file,
                pid: line.pid,
                purpose,
                exclusive: line.exclusive,
                waiting: line.waiting,
                same_device,
            })
        })
        .collect()
}

/// A line such as `1: POSIX  ADVISORY  WRITE 1694 fe:00:271 1073741826 1073742335`; `->` after the number marks a waiter.
struct Line {
    pid: Option<i32>,
    exclusive: bool,
    waiting: bool,
    major: u64,
    minor: u64,
    inode: u64,
    start: u64,
    end: u64,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().skip(1).peekable();
        let waiting = words.next_if(|word| *word == "->").is_some();
        let class = words.next()?;
        if !matches!(class, "POSIX" | "OFDLCK") {
            // SQLite takes no others; `FLOCK` and leases are not its business.
            return None;
        }
        let _advisory = words.next()?;
        let exclusive = match words.next()? {
            "WRITE" => true,
            "READ" => false,
            _ => return None,
        };
        let pid = words.next()?.parse::<i32>().ok()?;
        let mut device = words.next()?.splitn(3, ':');
        let major = u64::from_str_radix(device.next()?, 16).ok()?;
        let minor = u64::from_str_radix(device.next()?, 16).ok()?;
        let inode = device.next()?.parse().ok()?;
        let start = words.next()?.parse().ok()?;
        let end = match words.next()? {
            "EOF" => u64::MAX,
            end => end.parse().ok()?,
        };
        Some(Self { pid: Some(pid).filter(|pid| *pid > 0), exclusive, waiting, major, minor, inode, start, end })
    }

    fn is_on(&self, identity: &FileIdentity, same_device: bool) -> bool {
        let (major, minor) = split_device(identity.dev);
        identity.inode == self.inode && (!same_device || (major, minor) == (self.major, self.minor))
    }

    fn purpose(&self, file: DbFile) -> LockPurpose {
        let covers = |byte: u64| (self.start..=self.end).contains(&byte);
        match file {
            DbFile::Main if covers(SHARED_FIRST) && self.exclusive => LockPurpose::ExclusiveMain,
            DbFile::Main if covers(PENDING_BYTE) => LockPurpose::Pending,
            DbFile::Main if covers(RESERVED_BYTE) => LockPurpose::Reserved,
            DbFile::Main if self.end >= SHARED_FIRST && self.start <= SHARED_FIRST + 509 => LockPurpose::Shared,
            DbFile::Shm if covers(120) => LockPurpose::WalWrite,
            DbFile::Shm if covers(121) => LockPurpose::WalCheckpoint,
            DbFile::Shm if covers(122) => LockPurpose::WalRecover,
            DbFile::Shm if self.end >= 123 && self.start <= 127 => LockPurpose::WalRead,
            DbFile::Shm if covers(128) => LockPurpose::WalOpen,
            _ => LockPurpose::Other,
        }
    }
}

/// Linux's split of a device number as `stat` gives it.
fn split_device(dev: u64) -> (u64, u64) {
    let major = ((dev >> 8) & 0xfff) | ((dev >> 32) & !0xfff);
    let minor = (dev & 0xff) | ((dev >> 12) & !0xff);
    (major & 0xffff_ffff, minor & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identity(dev: u64, inode: u64) -> Fact<FileIdentity> {
        Fact::Known(FileIdentity { dev, inode, size: 0, mtime_ns: 0, ctime_ns: 0, uid: 0, gid: 0, mode: 0 })
    }

    fn files() -> DbFileFacts {
        DbFileFacts {
            main: identity(0xfe00, 271),
            wal: identity(0xfe00, 272),
            shm: identity(0xfe00, 273),
            journal: Fact::Absent,
        }
    }

    #[test]
    fn ranges_are_told_by_what_sqlite_does_with_them() {
        let text = "\
1: POSIX  ADVISORY  READ 1694 fe:00:271 1073741826 1073742335
2: POSIX  ADVISORY  WRITE 2000 fe:00:273 120 120
2: -> POSIX  ADVISORY  WRITE 1694 fe:00:273 120 120
3: POSIX  ADVISORY  READ 1694 fe:00:273 124 124
4: POSIX  ADVISORY  READ 1694 fe:00:273 128 128
5: FLOCK  ADVISORY  WRITE 1694 fe:00:271 0 EOF
6: OFDLCK ADVISORY  WRITE -1 fe:00:271 1073741824 1073742335
7: POSIX  ADVISORY  WRITE 3000 fe:00:9999 0 EOF
8: POSIX  ADVISORY  WRITE 3000 00:2f:271 1073741825 1073741825
9: POSIX  ADVISORY  WRITE 3000 00:2f:271 0 0
";
        let found: Vec<_> = holders(text, &files())
            .into_iter()
            .map(|lock| (lock.file, lock.pid, lock.purpose, lock.waiting, lock.same_device))
            .collect();
        use LockPurpose::{ExclusiveMain, Reserved, Shared, WalOpen, WalRead, WalWrite};
        assert_eq!(
            found,
            [
                (DbFile::Main, Some(1694), Shared, false, true),
                (DbFile::Shm, Some(2000), WalWrite, false, true),
                (DbFile::Shm, Some(1694), WalWrite, true, true),
                (DbFile::Shm, Some(1694), WalRead, false, true),
                (DbFile::Shm, Some(1694), WalOpen, false, true),
                (DbFile::Main, None, ExclusiveMain, false, true),
                (DbFile::Main, Some(3000), Reserved, false, false),
            ]
        );
    }

    #[test]
    fn only_writers_block_writers() {
        assert!(LockPurpose::WalWrite.blocks_writers(true));
        assert!(!LockPurpose::Shared.blocks_writers(false));
        assert!(!LockPurpose::WalOpen.blocks_writers(false));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[0-9: >\\-A-Z\nfe]{0,200}|\\PC{0,80}") {
            holders(&text, &files());
        }

        #[test]
        fn device_numbers_are_split_as_the_system_does(major in 0u64..4096, minor in 0u64..(1 << 20)) {
            let dev = nix::sys::stat::makedev(major, minor);
            prop_assert_eq!(split_device(dev), (major, minor));
        }
    }
}
