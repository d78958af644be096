//! Resolving links component by component inside a root, for sources that have no kernel to do it.

use super::{EntryKind, Source};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// As Linux: more links than this in one path are a loop.
const MOST_LINKS: usize = 40;

/// The path with links in all components resolved; the last one only where `follow_last` is set. Absolute links and
/// `..` stay inside the root.
pub fn resolve(source: &dyn Source, path: &Path, follow_last: bool) -> io::Result<PathBuf> {
    let mut done = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = names(path);
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            done.pop();
            continue;
        }
        let next = done.join(&name);
        if rest.is_empty() && !follow_last {
            return Ok(next);
        }
        // `next` has no links before its last component, so asking for it resolves nothing more.
        let target = match link_target(source, &next)? {
            None => {
                done = next;
                continue;
            }
            Some(target) => target,
        };
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::other("too many levels of symbolic links"));
        }
        if target.is_absolute() {
            done = PathBuf::from("/");
        }
        for part in names(&target).into_iter().rev() {
            rest.push_front(part);
        }
    }
    Ok(done)
}

fn link_target(source: &dyn Source, path: &Path) -> io::Result<Option<PathBuf>> {
    match source.metadata(path)?.kind {
        EntryKind::Symlink => source.read_link(path).map(Some),
        _ => Ok(None),
    }
}

fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_os_string()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}
