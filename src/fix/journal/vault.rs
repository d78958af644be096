//! Where journals are kept, and which of them are there.

use super::lock::Lock;
use super::reading::{State, Transaction};
use super::record::TransactionId;
use crate::collect::source::{Account, EntryKind};
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::rights::Actor;
use crate::fix::sys;
use crate::fix::walk::{Base, Dir, Last, Links, Pin, Top, Walker, pin_in};
use crate::model::HostPath;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directory that holds all transactions of one account.
#[derive(Debug)]
pub struct Vault {
    dir: Dir,
    path: HostPath,
}

/// What [`Vault::prune`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prune {
    /// The transactions that are forgotten.
    pub forgotten: Vec<TransactionId>,
    /// Those that are older but unfinished, and were kept.
    pub kept: Vec<TransactionId>,
}

impl Vault {
    /// The places where this process may keep journals, best first. `home` is the home of the account that the plans
    /// are for, used below `--root` by an unprivileged run.
    pub fn places(privileged: bool, root: Option<&Path>, home: Option<&Path>) -> Vec<HostPath> {
        let system = HostPath::from("/var/lib/openclaw-doctor");
        let below = |home: &Path| HostPath::from(home.join(".local/state/openclaw-doctor"));
        if privileged {
            return vec![system];
        }
        if root.is_some() {
            return std::iter::once(system).chain(home.map(below)).collect();
        }
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").map(|state| HostPath::from(state.join("openclaw-doctor")));
        state
            .or_else(|| absolute("HOME").or(home.map(Path::to_path_buf)).map(|home| below(&home)))
            .into_iter()
            .collect()
    }

    /// Opens a vault, if it is there.
    ///
    /// # Errors
    /// Where it belongs to another account, is open to others, or lies where links cannot be trusted.
    pub fn open(top: &Top, path: &HostPath) -> Result<Option<Self>> {
        let place = match locate(top, path) {
            Ok(place) => place,
            // A directory on the way is missing: there is no vault.
            Err(FixError::Stale { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        match place.pin()? {
            Some(pin) => Self::checked(pin, path).map(Some),
            None => Ok(None),
        }
    }

    /// Opens a vault, and makes it first if it is not there.
    ///
    /// # Errors
    /// As [`Vault::open`], and where it cannot be made.
    pub fn create(top: &Top, path: &HostPath) -> Result<Self> {
        let private = !rustix::process::geteuid().is_root();
        let mut ancestors: Vec<&Path> = path.as_path().ancestors().filter(|path| path.parent().is_some()).collect();
        ancestors.reverse();
        for ancestor in ancestors {
            let ancestor = HostPath::from(ancestor);
            let place = locate(top, &ancestor)?;
            if place.pin()?.is_none() {
                let mode = if private || ancestor == *path { 0o700 } else { 0o755 };
                make_dir(&place.dir, &place.name, mode, &ancestor)?;
            }
        }
        Self::open(top, path)?.ok_or_else(|| FixError::journal(format!("{path} is not there after it was made")))
    }

    fn checked(pin: Pin, path: &HostPath) -> Result<Self> {
        check_private(&pin.stamp, EntryKind::Directory, path)?;
        Ok(Self { dir: pin.into_dir(), path: path.clone() })
    }

    /// The vault's path in the host's view.
    pub fn path(&self) -> &HostPath {
        &self.path
    }

    /// Takes the vault's lock.
    ///
    /// # Errors
    /// [`FixError::Busy`] where another fixer holds it.
    pub fn lock(&self) -> Result<Lock> {
        let file =
            self.open_file(&self.dir, OsStr::new("lock"), OFlags::RDWR | OFlags::CREATE, &self.path.join("lock"))?;
        Lock::take(file, &self.path.join("lock"))
    }

    /// Makes the directory of a new transaction.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn make(&self, id: &TransactionId) -> Result<Dir> {
        let path = self.path.join(id.as_str());
        make_dir(&self.dir, OsStr::new(id.as_str()), 0o700, &path)?;
        let dir = self.child(&self.dir, OsStr::new(id.as_str()), &path)?;
        make_dir(&dir, OsStr::new("backups"), 0o700, &path.join("backups"))?;
        Ok(dir)
    }

    /// The directory of a transaction.
    ///
    /// # Errors
    /// Where it is not there or not private.
    pub fn transaction_dir(&self, id: &TransactionId) -> Result<Dir> {
        self.child(&self.dir, OsStr::new(id.as_str()), &self.path.join(id.as_str()))
    }

    /// A private directory in a private directory.
    pub(super) fn child(&self, dir: &Dir, name: &OsStr, path: &HostPath) -> Result<Dir> {
        let pin = pin_in(dir, name, sys::Mounts::Stay, path)?
            .ok_or_else(|| FixError::journal(format!("{path} is not there")))?;
        check_private(&pin.stamp, EntryKind::Directory, path)?;
        Ok(pin.into_dir())
    }

    /// Opens a private file in a private directory.
    pub(super) fn open_file(&self, dir: &Dir, name: &OsStr, flags: OFlags, path: &HostPath) -> Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(dir.fd(), name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| FixError::io(format!("open {path}"), error))?;
        let file = File::from(fd);
        let stamp =
            Stamp::of(std::os::fd::AsFd::as_fd(&file)).map_err(|error| FixError::io(format!("stat {path}"), error))?;
        check_private(&stamp, EntryKind::File, path)?;
        Ok(file)
    }

    /// Opens a backup of a transaction for reading.
    ///
    /// # Errors
    /// Where the name is none that the journal gives, or the file is not there or not private.
    pub fn open_blob(&self, id: &TransactionId, blob: &str) -> Result<File> {
        if blob.is_empty() || blob.len() > 16 || !blob.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FixError::journal(format!("`{}` is no name of a backup", blob.escape_debug())));
        }
        let path = self.path.join(id.as_str()).join("backups");
        let dir = self.child(&self.transaction_dir(id)?, OsStr::new("backups"), &path)?;
        self.open_file(&dir, OsStr::new(blob), OFlags::RDONLY, &path.join(blob))
    }

    /// The transactions that are there, oldest first. Names that are no ids are passed over.
    ///
    /// # Errors
    /// Where the directory cannot be listed.
    pub fn ids(&self) -> Result<Vec<TransactionId>> {
        let mut ids: Vec<TransactionId> =
            list(&self.dir, &self.path)?.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
        ids.sort();
        Ok(ids)
    }

    /// Reads one transaction; `None` where it never began.
    ///
    /// # Errors
    /// Where it is not there, too large, or not understood.
    pub fn read(&self, id: &TransactionId) -> Result<Option<Transaction>> {
        Transaction::read(self, id)
    }

    /// Forgets the transactions that began before `limit`, with their backups. Unfinished ones are kept.
    ///
    /// # Errors
    /// Where something cannot be removed; what was removed before stays removed.
    pub fn prune(&self, limit: jiff::Timestamp) -> Result<Prune> {
        let mut pruned = Prune::default();
        for id in self.ids()? {
            let forget = match self.read(&id) {
                Ok(None) => true,
                Ok(Some(transaction)) if transaction.begin.time >= limit => continue,
                Ok(Some(transaction)) => transaction.state != State::Interrupted || !transaction.has_effect(),
                Err(FixError::Journal { .. }) => false,
                Err(error) => return Err(error),
            };
            if !forget {
                pruned.kept.push(id);
                continue;
            }
            self.forget(&id)?;
            pruned.forgotten.push(id);
        }
        Ok(pruned)
    }

    fn forget(&self, id: &TransactionId) -> Result<()> {
        let path = self.path.join(id.as_str());
        let dir = self.transaction_dir(id)?;
        let remove = |dir: &Dir, name: &OsStr, flags: AtFlags, path: &HostPath| {
            rustix::fs::unlinkat(dir.fd(), name, flags).map_err(|error| FixError::io(format!("remove {path}"), error))
        };
        // Backups first: a transaction cut short here has no backups but still says what was done.
        if pin_in(&dir, OsStr::new("backups"), sys::Mounts::Stay, &path)?.is_some() {
            let backups = self.child(&dir, OsStr::new("backups"), &path.join("backups"))?;
            for name in list(&backups, &path)? {
                remove(&backups, &name, AtFlags::empty(), &path.join(&name))?;
            }
            remove(&dir, OsStr::new("backups"), AtFlags::REMOVEDIR, &path)?;
        }
        for name in list(&dir, &path)? {
            remove(&dir, &name, AtFlags::empty(), &path.join(&name))?;
        }
        remove(&self.dir, OsStr::new(id.as_str()), AtFlags::REMOVEDIR, &path)
    }
}

/// Walks to a place of the doctor's own, as whoever runs it.
fn locate(top: &Top, path: &HostPath) -> Result<crate::fix::walk::Place> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let actor = Actor::new(Account { uid, gid, groups: vec![gid], name: None, home: None });
    let bases = [Base::new(path)];
    Walker { top, actor: &actor, bases: &bases, narrowed: &[] }.locate(path, Last::Follow, Links::Judge)
}

/// The names in a directory.
fn list(dir: &Dir, path: &HostPath) -> Result<Vec<OsString>> {
    let failed = |error: Errno| FixError::io(format!("list {path}"), error);
    let opened = sys::open_dir(dir.fd()).map_err(|error| FixError::io(format!("open {path}"), error))?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(&opened).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(&name).to_os_string());
        }
    }
    Ok(names)
}

fn make_dir(dir: &Dir, name: &OsStr, mode: u32, path: &HostPath) -> Result<()> {
    rustix::fs::mkdirat(dir.fd(), name, sys::mode_bits(mode))
        .map_err(|error| FixError::io(format!("make the directory {path}"), error))?;
    sync_dir(dir, path)
}

/// Makes names in a directory durable.
pub(super) fn sync_dir(dir: &Dir, path: &HostPath) -> Result<()> {
    sys::open_dir(dir.fd())
        .and_then(|fd| rustix::fs::fsync(&fd).map_err(std::io::Error::from))
        .map_err(|error| FixError::io(format!("sync the directory of {path}"), error))
}

/// Nothing is believed that another account could have written.
fn check_private(stamp: &Stamp, kind: EntryKind, path: &HostPath) -> Result<()> {
    if stamp.kind != kind {
        return Err(FixError::journal(format!(
            "{path} is no {}",
            if kind == EntryKind::File { "file" } else { "directory" }
        )));
    }
    if stamp.uid != rustix::process::geteuid().as_raw() {
        return Err(FixError::journal(format!("{path} belongs to uid {}, not to this account", stamp.uid)));
    }
    if stamp.mode & 0o077 != 0 {
        return Err(FixError::journal(format!("{path} is open to other accounts (mode {:04o})", stamp.mode)));
    }
    if kind == EntryKind::File && stamp.links != 1 {
        return Err(FixError::journal(format!("{path} has several names")));
    }
    Ok(())
}
