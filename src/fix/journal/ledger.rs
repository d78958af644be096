//! Writing a transaction: every line is on the disk before what it announces happens.

use super::record::{Begin, Kind, PlanResult, PlanStart, Record, TransactionId};
use super::vault::{Vault, sync_dir};
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::{FileTime, Stamp};
use crate::fix::op::{After, Image, Intent, Kept, Xattr};
use crate::fix::walk::Dir;
use crate::model::{ContentDigest, HostPath};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// Bytes kept free for the journal.
#[cfg(target_os = "linux")]
const RESERVE: u64 = 128 * 1024;

/// An open transaction.
#[derive(Debug)]
pub struct Ledger {
    /// Its id.
    pub id: TransactionId,
    file: File,
    backups: Dir,
    path: HostPath,
    operations: u64,
    blobs: u64,
}

impl Ledger {
    /// Begins a transaction.
    ///
    /// # Errors
    /// Where its directory cannot be made or written.
    pub fn begin(vault: &Vault, kind: Kind, now: jiff::Timestamp) -> Result<Self> {
        let id = TransactionId::after(vault.ids()?.last(), now)?;
        let path = vault.path().join(id.as_str());
        let dir = vault.make(&id)?;
        let backups = vault.child(&dir, OsStr::new("backups"), &path.join("backups"))?;
        let journal = path.join("journal.jsonl");
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        let file = vault.open_file(&dir, OsStr::new("journal.jsonl"), flags, &journal)?;
        reserve(&file).map_err(|error| FixError::io(format!("make room for {journal}"), error))?;
        let mut ledger = Self { id: id.clone(), file, backups, path: journal, operations: 0, blobs: 0 };
        let uid = rustix::process::geteuid().as_raw();
        let doctor = env!("CARGO_PKG_VERSION").to_owned();
        ledger.write(&Record::Begin(Begin { v: super::VERSION, id, kind, time: now, doctor, uid }))?;
        sync_dir(&dir, &ledger.path)?;
        Ok(ledger)
    }

    /// Writes into another transaction that this one has taken it back.
    ///
    /// # Errors
    /// Where that journal cannot be written.
    pub fn mark_undone(&self, vault: &Vault, of: &TransactionId) -> Result<()> {
        let path = vault.path().join(of.as_str()).join("journal.jsonl");
        let dir = vault.transaction_dir(of)?;
        let mut file = vault.open_file(&dir, OsStr::new("journal.jsonl"), OFlags::RDWR | OFlags::APPEND, &path)?;
        cut_torn_line(&mut file).map_err(|error| FixError::io(format!("mend {path}"), error))?;
        write_line(&mut file, &path, &Record::Undone { by: self.id.clone() })
    }

    /// A plan begins.
    pub fn plan(&mut self, plan: PlanStart) -> Result<()> {
        self.write(&Record::Plan(plan))
    }

    /// A plan ended.
    pub fn plan_end(&mut self, result: PlanResult) -> Result<()> {
        self.write(&Record::PlanEnd { result })
    }

    /// The number that the next operation will have.
    pub fn next_number(&self) -> u64 {
        self.operations + 1
    }

    /// An operation is about to be done. Returns its number.
    pub fn intent(&mut self, intent: &Intent) -> Result<u64> {
        self.operations += 1;
        self.write(&Record::Intent { n: self.operations, intent: Box::new(intent.clone()) })?;
        Ok(self.operations)
    }

    /// An operation is done.
    pub fn done(&mut self, n: u64, after: &After) -> Result<()> {
        self.write(&Record::Done { n, after: after.clone() })
    }

    /// An operation was not done and changed nothing.
    pub fn failed(&mut self, n: u64, message: &str) -> Result<()> {
        self.write(&Record::Failed { n, message: message.to_owned() })
    }

    /// An operation was taken back within the transaction.
    pub fn back(&mut self, n: u64) -> Result<()> {
        self.write(&Record::Back { n })
    }

    /// The transaction ended.
    pub fn end(&mut self, now: jiff::Timestamp) -> Result<()> {
        self.write(&Record::End { time: now })
    }

    /// Copies a file's contents into the backups, durably, and describes it.
    ///
    /// # Errors
    /// Where it cannot be read whole, or there is no room.
    pub fn keep(&mut self, path: &HostPath, stamp: &Stamp, xattrs: Vec<Xattr>, mut file: impl Read) -> Result<Kept> {
        self.blobs += 1;
        let blob = format!("{:06}", self.blobs);
        let blob_path = HostPath::from("backups").join(&blob);
        let failed = |error: std::io::Error| FixError::io(format!("back up {path}"), error);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let copy = rustix::fs::openat(self.backups.fd(), blob.as_str(), flags, mode).map_err(|e| failed(e.into()))?;
        let mut copy = File::from(copy);
        let (mut hash, mut size) = (Sha256::new(), 0u64);
        let mut buffer = vec![0u8; 128 * 1024];
        loop {
            let read = file.read(&mut buffer).map_err(failed)?;
            let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
            hash.update(chunk);
            size = size.saturating_add(read as u64);
            copy.write_all(chunk).map_err(failed)?;
        }
        copy.sync_all().map_err(failed)?;
        sync_dir(&self.backups, &blob_path)?;
        let digest = ContentDigest::from_raw(hash.finalize().into());
        if size != stamp.size || stamp.digest.is_some_and(|planned| planned != digest) {
            return Err(FixError::stale(path, "was written to since the plan was made"));
        }
        Ok(Kept { path: path.clone(), blob, image: image_of(stamp, digest, xattrs) })
    }

    fn write(&mut self, record: &Record) -> Result<()> {
        write_line(&mut self.file, &self.path, record)
    }
}

fn image_of(stamp: &Stamp, digest: ContentDigest, xattrs: Vec<Xattr>) -> Image {
    let times: (FileTime, FileTime) = (stamp.mtime, stamp.atime);
    Image {
        digest,
        size: stamp.size,
        uid: stamp.uid,
        gid: stamp.gid,
        mode: stamp.mode & !crate::fix::op::SET_ID,
        times: Some(times),
        xattrs,
    }
}

/// Room for the journal is taken before anything happens, so that a full disk cannot keep it from telling what was done.
fn reserve(file: &File) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        // Other errors mean that the file system has no such call.
        if let Err(Errno::NOSPC | Errno::DQUOT) = fallocate(file, FallocateFlags::KEEP_SIZE, 0, RESERVE) {
            return Err(Errno::NOSPC.into());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
    Ok(())
}

/// A crash can leave a last line without its line feed; what follows must not become part of it.
fn cut_torn_line(file: &mut File) -> std::io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut keep = end;
    let mut byte = [0u8; 1];
    while keep > 0 {
        file.seek(SeekFrom::Start(keep - 1))?;
        file.read_exact(&mut byte)?;
        if byte == [b'\n'] {
            break;
        }
        keep -= 1;
    }
    if keep == end { Ok(()) } else { file.set_len(keep) }
}

fn write_line(file: &mut File, path: &HostPath, record: &Record) -> Result<()> {
    let mut line = serde_json::to_vec(record).map_err(|error| FixError::journal(format!("write {path}: {error}")))?;
    line.push(b'\n');
    let written = file.write_all(&line).and_then(|()| file.sync_data());
    written.map_err(|error| FixError::io(format!("write {path}"), error))
}
