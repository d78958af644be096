//! Where the configuration file is, and whether it may be trusted.

use crate::cli::failure::Failure;
use crate::collect::container::shift_of;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A configuration file is a page; nothing larger is read.
const MOST_BYTES: u64 = 1 << 20;

/// A configuration file and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// How it was found.
    pub from: PlaceFrom,
}

/// How a configuration file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceFrom {
    /// `OPENCLAW_DOCTOR_CONFIG`; it must exist.
    Named,
    /// The user's config directory; it may be missing.
    Usual,
}

/// The configuration file of whoever runs the doctor. Root's is below root's own home, whatever `HOME` says.
pub fn find() -> Option<Place> {
    if let Some(path) = std::env::var_os("OPENCLAW_DOCTOR_CONFIG").filter(|path| !path.is_empty()) {
        return Some(Place { path: path.into(), from: PlaceFrom::Named });
    }
    let usual = |folder: PathBuf| Place { path: folder.join("openclaw-doctor/config.toml"), from: PlaceFrom::Usual };
    if is_root() {
        let root = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(0)).ok().flatten()?;
        let place = usual(root.dir.join(".config"));
        // `podman unshare`: what is closed to this root belongs to the host's root, who is somebody else.
        let is_closed = |path| std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        return if is_borrowed_root() && is_closed(&place.path) { None } else { Some(place) };
    }
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config"))).map(usual)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether this is root only inside a user namespace, and another account outside.
fn is_borrowed_root() -> bool {
    let map = || std::fs::read_to_string("/proc/self/uid_map").ok();
    is_root() && map().is_some_and(|map| maps_root_to_another(&map))
}

fn maps_root_to_another(map: &str) -> bool {
    shift_of(map).is_some_and(|ranges| ranges.iter().any(|range| range.inside == 0 && range.outside != 0))
}

impl Place {
    /// The text; `None` where there is no such file and none was asked for.
    ///
    /// # Errors
    /// A file that can't be read, is not plain text, or, for root, could have been written by somebody else.
    pub fn text(&self) -> Result<Option<String>, Failure> {
        let shown = self.path.display();
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound && self.from == PlaceFrom::Usual => return Ok(None),
            Err(error) => return Err(hint(Failure::io(format!("configuration {shown}"), &error))),
        };
        if is_root()
            && let Some(why) = not_roots(&self.path, &file)
        {
            return Err(Failure::new("usage", format!("configuration {shown}: {why}"))
                .hint("root follows only a file that nobody else can write; --no-config goes without"));
        }
        let meta = file.metadata().map_err(|error| Failure::io(format!("configuration {shown}"), &error))?;
        if !meta.is_file() || meta.len() > MOST_BYTES {
            return Err(hint(Failure::new("malformed", format!("configuration {shown} is no file of at most 1 MiB"))));
        }
        let mut text = String::new();
        match file.take(MOST_BYTES).read_to_string(&mut text) {
            Ok(_) => Ok(Some(text)),
            Err(error) => Err(hint(Failure::io(format!("configuration {shown}"), &error))),
        }
    }
}

fn hint(failure: Failure) -> Failure {
    failure.hint("mend it, or go without it: --no-config")
}

/// Why somebody beside root could have written what the path leads to, if so. Every directory on the way counts, since
/// whoever owns one can put another file in place.
pub(super) fn not_roots(path: &Path, file: &File) -> Option<String> {
    // Links have no mode of their own; in a sticky directory nobody can replace what is root's.
    let exempt = |meta: &std::fs::Metadata| meta.is_symlink() || meta.is_dir() && meta.mode() & 0o1000 != 0;
    let others = |meta: &std::fs::Metadata| meta.uid() != 0 || meta.mode() & 0o022 != 0 && !exempt(meta);
    let Ok(path) = std::path::absolute(path) else { return Some("its place can't be told".to_owned()) };
    for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
        match std::fs::symlink_metadata(folder) {
            Ok(meta) if others(&meta) => return Some(format!("somebody beside root can write {}", folder.display())),
            Ok(_) => {}
            Err(error) => return Some(format!("{}: {error}", folder.display())),
        }
    }
    match (file.metadata(), std::fs::symlink_metadata(&path)) {
        (Ok(opened), Ok(named)) if !others(&opened) && !others(&named) => None,
        _ => Some("it does not belong to root alone".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_of_a_user_namespace_is_told_from_the_hosts() {
        assert!(!maps_root_to_another("         0          0 4294967295\n"));
        assert!(maps_root_to_another("         0       1001          1\n         1     100000      65536\n"));
        assert!(!maps_root_to_another("      1000       1000          1\n"));
    }
}
