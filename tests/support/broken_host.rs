//! Broken hosts made from captured healthy ones: other releases, other accounts, several faults at once.

#![allow(dead_code)] // each test binary uses a part

use crate::support::Case;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

/// A host to break. It ends with the value.
pub struct Broken {
    _folder: tempfile::TempDir,
    /// What stands for `/`.
    pub top: PathBuf,
    /// The account.
    pub uid: u32,
    home: String,
    user: String,
    release: String,
    state: String,
    more: Vec<String>,
}

impl Broken {
    /// A healthy host of the JSON era (captured from a 2026.2.19 gateway), judged as this release.
    pub fn json(release: &str) -> Self {
        Self::of("2026.2.19-f01_healthy", release)
    }

    /// A healthy host of the SQLite era (captured from a 2026.9.6 gateway), judged as this release.
    pub fn sqlite(release: &str) -> Self {
        Self::of("2026.9.6-F1-healthy", release)
    }

    fn of(case: &str, release: &str) -> Self {
        let case = Case::named(case);
        let folder = tempfile::tempdir().expect("tempdir");
        let archive = folder.path().join("case.tar");
        case.root_archive(false, &archive);
        let top = crate::fix_round::unpack(&archive, folder.path());
        // The log tells of the captured release's own faults and cures.
        let _ = fs::remove_dir_all(top.join(case.text("log_dir").trim_start_matches('/')));
        Self {
            _folder: folder,
            top,
            uid: u32::try_from(case.truth["uid"].as_u64().expect("uid")).expect("uid"),
            home: case.text("home").to_owned(),
            user: case.text("user").to_owned(),
            release: release.to_owned(),
            state: ".openclaw".to_owned(),
            more: Vec::new(),
        }
    }

    /// A path below the home.
    pub fn home(&self, path: &str) -> PathBuf {
        self.top.join(self.home.trim_start_matches('/')).join(path)
    }

    /// A path below the state directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.home(&self.state).join(path)
    }

    /// The options that go with the host.
    pub fn options(&self) -> Vec<String> {
        let root = self.top.to_string_lossy().into_owned();
        let pairs = [
            ("--root", root.as_str()),
            ("--home", &self.home),
            ("--user", &self.user),
            ("--openclaw-version", &self.release),
        ];
        let plain = pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
        plain.chain(self.more.iter().cloned()).collect()
    }

    /// Writes a file as the account would, mode 0600.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.write(&self.path(path), bytes.as_ref());
        self
    }

    /// Writes a file below the home.
    pub fn home_file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.write(&self.home(path), bytes.as_ref());
        self
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        let mut missing = Vec::new();
        let mut parent = path.parent().expect("parent");
        while !parent.exists() {
            missing.push(parent.to_path_buf());
            parent = parent.parent().expect("parent");
        }
        for directory in missing.iter().rev() {
            fs::create_dir(directory).expect("directory");
            chown(directory, Some(self.uid), Some(self.uid)).expect("owner");
        }
        fs::write(path, bytes).expect("file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("mode");
        chown(path, Some(self.uid), Some(self.uid)).expect("owner");
    }

    /// Changes the text of a file.
    pub fn text(self, path: &str, change: impl FnOnce(String) -> String) -> Self {
        let text = fs::read_to_string(self.path(path)).expect("text");
        let text = change(text);
        self.file(path, text)
    }

    /// Puts bytes worked out from its text in the place of a file.
    pub fn text_bytes(self, path: &str, change: impl FnOnce(&str) -> Vec<u8>) -> Self {
        let text = fs::read_to_string(self.path(path)).expect("text");
        self.file(path, change(&text))
    }

    /// A copy beside a file.
    pub fn copy(self, path: &str, to: &str) -> Self {
        let bytes = fs::read(self.path(path)).expect("bytes");
        self.file(to, bytes)
    }

    /// Cuts a file in the middle.
    pub fn halved(self, path: &str) -> Self {
        let bytes = fs::read(self.path(path)).expect("bytes");
        let half = bytes.get(..bytes.len() / 2).expect("half").to_vec();
        self.file(path, half)
    }

    /// Overwrites the middle of a file with noise.
    pub fn damaged(self, path: &str) -> Self {
        let mut bytes = fs::read(self.path(path)).expect("bytes");
        let middle = bytes.len() / 2;
        let spoilt = bytes.get_mut(4096..middle).expect("pages");
        spoilt.iter_mut().enumerate().for_each(|(number, byte)| *byte ^= (number % 251) as u8 | 1);
        self.file(path, bytes)
    }

    /// Gives the database's log to another account, mode 0600.
    pub fn owner_of_log(self, uid: u32) -> Self {
        self.mode("state/openclaw.sqlite-wal", 0o600).owner("state/openclaw.sqlite-wal", uid)
    }

    /// Enables a user unit by the link that `systemctl enable` makes.
    pub fn enabled(self, unit: &str) -> Self {
        let wants = self.home(".config/systemd/user/default.target.wants");
        if !wants.exists() {
            fs::create_dir(&wants).expect("wants");
            chown(&wants, Some(self.uid), Some(self.uid)).expect("owner");
        }
        let target = Path::new(&self.home).join(".config/systemd/user").join(unit);
        symlink(target, wants.join(unit)).expect("link");
        lchown(wants.join(unit), Some(self.uid), Some(self.uid)).expect("owner");
        self
    }

    /// Puts another text in the place of one that is there.
    pub fn replace(self, path: &str, from: &str, to: &str) -> Self {
        self.text(path, |text| {
            assert!(text.contains(from), "{path} has no {from}: {text}");
            text.replacen(from, to, 1)
        })
    }

    /// Gives an entry, or everything below a directory, to another account.
    pub fn owner(self, path: &str, uid: u32) -> Self {
        for entry in walkdir::WalkDir::new(self.path(path)).into_iter().flatten() {
            lchown(entry.path(), Some(uid), Some(uid)).expect("owner");
        }
        self
    }

    /// Sets an entry's mode.
    pub fn mode(self, path: &str, mode: u32) -> Self {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).expect("mode");
        self
    }

    /// Removes a file.
    pub fn without(self, path: &str) -> Self {
        fs::remove_file(self.path(path)).expect("removed");
        self
    }

    /// Puts a link in the place of a file.
    pub fn link(self, path: &str, target: &str) -> Self {
        let _ = fs::remove_file(self.path(path));
        symlink(target, self.path(path)).expect("link");
        lchown(self.path(path), Some(self.uid), Some(self.uid)).expect("owner");
        self
    }

    /// Puts an empty directory in the place of a file.
    pub fn directory(self, path: &str) -> Self {
        let _ = fs::remove_file(self.path(path));
        fs::create_dir_all(self.path(path)).expect("directory");
        chown(self.path(path), Some(self.uid), Some(self.uid)).expect("owner");
        self
    }

    /// Changes the database through SQLite and writes its log back.
    pub fn sql(self, sql: &str) -> Self {
        let path = self.path("state/openclaw.sqlite");
        let database = rusqlite::Connection::open(&path).expect("database");
        database.execute_batch(sql).expect(sql);
        database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("checkpoint");
        drop(database);
        for suffix in ["", "-wal", "-shm"] {
            let path = self.path(&format!("state/openclaw.sqlite{suffix}"));
            if path.exists() {
                chown(&path, Some(self.uid), Some(self.uid)).expect("owner");
            }
        }
        self
    }

    /// A sound copy of the database beside it.
    pub fn database_copy(self, name: &str) -> Self {
        let host = self.sql("SELECT 1");
        let bytes = fs::read(host.path("state/openclaw.sqlite")).expect("database");
        host.file(&format!("state/{name}"), bytes)
    }

    /// Moves the state directory, with the options that make the doctor look there.
    pub fn moved(mut self, to: &str, options: &[&str]) -> Self {
        fs::rename(self.path(""), self.home(to)).expect("moved");
        to.clone_into(&mut self.state);
        self.more = options.iter().map(|option| (*option).to_owned()).collect();
        self
    }

    /// Another account owns it all, known by its number alone.
    pub fn account(mut self, uid: u32) -> Self {
        for entry in walkdir::WalkDir::new(self.home("")).into_iter().flatten() {
            lchown(entry.path(), Some(uid), Some(uid)).expect("owner");
        }
        self.uid = uid;
        self.user = uid.to_string();
        self
    }
}
