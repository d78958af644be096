//! With whose rights a file is read that a unit, a plist or a lock names (design "Reading as root").

use super::source::{Reader, Source};
use crate::model::file::Account;
use std::path::Path;

/// The rights to read one file with.
#[derive(Debug, Clone)]
pub struct Rights(Option<Account>);

impl Rights {
    /// The doctor's own.
    pub fn own() -> Self {
        Self(None)
    }

    /// An account's.
    pub fn of(account: &Account) -> Self {
        Self(Some(account.clone()))
    }

    /// For reading.
    pub fn reader(&self) -> Reader<'_> {
        match &self.0 {
            Some(account) => Reader::As(account),
            None => Reader::Own,
        }
    }
}

/// The doctor's own rights where only root can have put the file there; else those of `account`, or, where none is
/// given, those of whoever owns the first directory on the way that is not root's alone. A link to a root-only file
/// can so not be read out.
pub fn rights_for(source: &dyn Source, path: &Path, account: Option<&Account>) -> Rights {
    let resolved = source.resolve(path).unwrap_or_else(|_| path.to_path_buf());
    // Both ways are looked at: the one that was named, for a link that others can change, and the one it leads to.
    let mut steps: Vec<&Path> = path.ancestors().chain(resolved.ancestors()).collect();
    steps.sort_by_key(|step| step.as_os_str().len());
    for step in steps {
        let Ok(meta) = source.metadata(step) else { continue };
        let link = meta.kind == crate::model::file::EntryKind::Symlink;
        // Others may write into `/tmp`, but with the sticky bit not change what root has put there.
        let open = !link && meta.mode & 0o022 != 0 && meta.mode & 0o1000 == 0;
        if meta.uid != 0 || open {
            return Rights(Some(account.cloned().unwrap_or_else(|| bare(meta.uid, meta.gid))));
        }
    }
    Rights::own()
}

/// An account that is only a number. A directory of root's that others may write is read as `nobody`.
fn bare(uid: u32, gid: u32) -> Account {
    const NOBODY: u32 = 65_534;
    let (uid, gid) = if uid == 0 { (NOBODY, NOBODY) } else { (uid, gid) };
    Account { uid, gid, groups: vec![gid], name: None, home: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::ArchiveSource;

    fn archive(entries: &[(&str, u64, u32)]) -> (tempfile::TempDir, ArchiveSource) {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, uid, mode) in entries {
            let mut header = tar::Header::new_gnu();
            let directory = path.ends_with('/');
            header.set_entry_type(if directory { tar::EntryType::Directory } else { tar::EntryType::Regular });
            header.set_uid(*uid);
            header.set_gid(*uid);
            header.set_mode(*mode);
            header.set_size(0);
            header.set_mtime(0);
            builder.append_data(&mut header, path, &[][..]).expect("appends");
        }
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("x.tar");
        std::fs::write(&file, builder.into_inner().expect("ends")).expect("writes");
        let source = ArchiveSource::open(&file).expect("opens");
        (directory, source)
    }

    #[test]
    fn only_what_root_alone_controls_is_read_with_the_doctors_rights() {
        let (_keep, source) = archive(&[
            ("./", 0, 0o755),
            ("etc/", 0, 0o755),
            ("etc/a.env", 0, 0o600),
            ("home/", 0, 0o755),
            ("home/claw/", 1001, 0o755),
            ("home/claw/a.env", 0, 0o600),
            ("opt/", 0, 0o777),
            ("opt/a.env", 0, 0o600),
        ]);
        let uid = |path: &str| rights_for(&source, Path::new(path), None).0.map(|account| account.uid);
        assert_eq!(uid("/etc/a.env"), None);
        assert_eq!(uid("/home/claw/a.env"), Some(1001));
        assert_eq!(uid("/opt/a.env"), Some(65_534));
    }
}
