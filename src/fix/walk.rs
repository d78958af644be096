//! Walking to a subject by descriptors, step by step from a trusted top, so that nobody can swap a component between
//! the look and the act (design "Fixes", rule 2). Nothing is ever looked up by a whole path.
//!
//! What is refused on the way, and why:
//! - a directory that others can write without the sticky bit: they could swap the next step;
//! - a directory of a third account above the state: it decides what lies below;
//! - a link owned by neither root nor the account, or with several names: its text is not to be trusted;
//! - another mount inside the state: a look-alike, or somebody else's files.

use super::error::{FixError, Result};
use super::fingerprint::Stamp;
use super::rights::Actor;
use super::sys::{self, Mounts};
use crate::collect::source::EntryKind;
use crate::model::HostPath;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

/// More links than this in one path are refused (Linux stops at 40; honest installations have one or two).
const MOST_LINKS: usize = 16;

/// The directory that stands for `/`: the host's own, or that of `--root`.
#[derive(Debug)]
pub struct Top {
    dir: Rc<Dir>,
    /// The path that `--root` named, `None` on the live host.
    pub root: Option<PathBuf>,
}

impl Top {
    /// The host's root, or `root` in its place.
    ///
    /// # Errors
    /// Where it cannot be opened as a directory.
    pub fn open(root: Option<&Path>) -> Result<Self> {
        let path = root.unwrap_or(Path::new("/"));
        let fd = sys::pin_top(path).map_err(|error| FixError::io(format!("open {}", path.display()), error))?;
        let stamp = Stamp::of(fd.as_fd()).map_err(|error| FixError::io(format!("stat {}", path.display()), error))?;
        Ok(Self { dir: Rc::new(Dir { fd, stamp }), root: root.map(Path::to_path_buf) })
    }

    /// Whether uid is root here: 0, or the owner of the top of a re-rooted tree (a shifted user namespace).
    fn is_root(&self, uid: u32) -> bool {
        uid == 0 || self.root.is_some() && uid == self.dir.stamp.uid
    }
}

/// A pinned directory.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    /// What it was when it was pinned.
    pub stamp: Stamp,
}

impl Dir {
    /// The descriptor.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// How a place was reached, which decides what root may do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Without a link, or by links that only root can have made and placed.
    Straight,
    /// By a link that the account may have made or moved: only what the account owns may be touched.
    AccountLink,
}

/// What to do with a link as the last component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// The subject is the link itself.
    Keep,
    /// The subject is what it leads to.
    Follow,
}

/// Whether links are followed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// While planning: each is judged, and the plan then names the resolved path.
    Judge,
    /// While acting: the resolved path has none, so one that appears is an attack or a change.
    Refuse,
}

/// A name in a pinned directory, whether or not something has that name.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory that holds it.
    pub dir: Rc<Dir>,
    /// The name in it.
    pub name: OsString,
    /// The path with all links resolved, in the host's view.
    pub path: HostPath,
    /// How it was reached.
    pub way: Way,
    mounts: Mounts,
}

impl Place {
    /// Pins what has this name; `None` where nothing has.
    ///
    /// # Errors
    /// Where it lies on another mount, or cannot be pinned.
    pub fn pin(&self) -> Result<Option<Pin>> {
        pin_in(&self.dir, &self.name, self.mounts, &self.path)
    }

    /// The same, where something must be there.
    ///
    /// # Errors
    /// [`FixError::Stale`] where nothing has the name.
    pub fn must_pin(&self) -> Result<Pin> {
        self.pin()?.ok_or_else(|| FixError::stale(&self.path, "is not there any more"))
    }

    /// The place of another name in the same directory.
    pub fn sibling(&self, name: &OsStr) -> Self {
        let path = self.path.parent().unwrap_or_else(|| HostPath::from("/")).join(name);
        Self { name: name.to_os_string(), path, ..self.clone() }
    }
}

/// A pinned entry: whatever happens to its name, this is the inode that was judged.
#[derive(Debug)]
pub struct Pin {
    fd: OwnedFd,
    /// What it was when it was pinned, without a digest.
    pub stamp: Stamp,
}

impl Pin {
    /// The descriptor. On Linux it only names the entry (`O_PATH`).
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What it is now.
    ///
    /// # Errors
    /// Where `fstat` fails.
    pub fn restamp(&self, path: &HostPath) -> Result<Stamp> {
        Stamp::of(self.fd()).map_err(|error| FixError::io(format!("stat {path}"), error))
    }

    /// The pinned directory as one to walk in.
    pub fn into_dir(self) -> Dir {
        Dir { fd: self.fd, stamp: self.stamp }
    }
}

/// Pins a name in a directory.
pub fn pin_in(dir: &Dir, name: &OsStr, mounts: Mounts, path: &HostPath) -> Result<Option<Pin>> {
    let fd = match sys::pin(dir.fd(), name, mounts) {
        Ok(fd) => fd,
        Err(error) => {
            return match Errno::from_io_error(&error) {
                Some(Errno::NOENT) => Ok(None),
                Some(Errno::XDEV) => {
                    Err(FixError::refused(path, "is another mount inside the state; only one file system is touched"))
                }
                Some(Errno::LOOP) => Err(FixError::stale(path, "became a link")),
                _ => Err(FixError::io(format!("look at {path}"), error)),
            };
        }
    };
    let stamp = Stamp::of(fd.as_fd()).map_err(|error| FixError::io(format!("stat {path}"), error))?;
    Ok(Some(Pin { fd, stamp }))
}

/// A part of the way: a name, or the point from which on we are inside the state.
enum Part {
    Name(OsString),
    Inside,
}

/// A directory in which plans may act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its path.
    pub path: HostPath,
    /// How it was reached.
    pub way: Way,
}

impl Base {
    /// A directory named by the installation itself.
    pub fn new(path: &HostPath) -> Self {
        Self { path: path.clone(), way: Way::Straight }
    }
}

/// Walks for one actor.
#[derive(Debug, Clone, Copy)]
pub struct Walker<'a> {
    /// Where `/` is.
    pub top: &'a Top,
    /// Who acts for whom.
    pub actor: &'a Actor,
    /// The directories that hold the installation's state, configuration and locks.
    pub bases: &'a [Base],
    /// Directories that are open to others now and will not be when their turn comes. Always empty while acting.
    pub narrowed: &'a [HostPath],
}

impl Walker<'_> {
    /// The place that a path names. The path must lie in one of the bases.
    ///
    /// # Errors
    /// Everything in the module's list, and a missing or unreadable directory on the way.
    pub fn locate(&self, path: &HostPath, last: Last, links: Links) -> Result<Place> {
        let (mut parts, start) = self.parts(path)?;
        let mut stack: Vec<(Rc<Dir>, PathBuf)> = vec![(Rc::clone(&self.top.dir), PathBuf::from("/"))];
        let (mut way, mut mounts, mut followed) = (start, Mounts::Cross, 0usize);
        loop {
            let name = match parts.pop_front() {
                Some(Part::Name(name)) => name,
                Some(Part::Inside) => {
                    mounts = Mounts::Stay;
                    continue;
                }
                None => return Err(FixError::refused(path, "is a directory that must not be changed as a whole")),
            };
            if name == ".." {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            }
            let Some((dir, at)) = stack.last() else { return Err(FixError::no("the walk lost its top")) };
            let (dir, here) = (Rc::clone(dir), HostPath::from(at.join(&name)));
            self.check_directory(&dir, &HostPath::from(at.as_path()))?;
            let is_last = !parts.iter().any(|part| matches!(part, Part::Name(_)));
            let place = |name: OsString| Place { dir: Rc::clone(&dir), name, path: here.clone(), way, mounts };
            if is_last && last == Last::Keep {
                return Ok(place(name));
            }
            let Some(pin) = pin_in(&dir, &name, mounts, &here)? else {
                return if is_last { Ok(place(name)) } else { Err(FixError::stale(&here, "is not there any more")) };
            };
            match pin.stamp.kind {
                EntryKind::Symlink => {
                    if links == Links::Refuse {
                        return Err(FixError::stale(&here, "became a link since the plan was made"));
                    }
                    followed += 1;
                    if followed > MOST_LINKS {
                        return Err(FixError::refused(path, "leads through too many links"));
                    }
                    let target = self.judge_link(&dir, &pin, &here)?;
                    if self.account_could_place(&dir, &pin) {
                        way = Way::AccountLink;
                    }
                    mounts = Mounts::Cross;
                    if target.is_absolute() {
                        stack.truncate(1);
                    }
                    for part in names(&target).into_iter().rev() {
                        parts.push_front(Part::Name(part));
                    }
                }
                _ if is_last => return Ok(place(name)),
                EntryKind::Directory => {
                    self.check_transition(&dir, &pin.stamp, mounts, &here)?;
                    stack.push((Rc::new(pin.into_dir()), here.as_path().to_path_buf()));
                }
                _ => return Err(FixError::refused(&here, "is no directory")),
            }
        }
    }

    /// The names of a path, with a mark after those of the longest base that holds it.
    fn parts(&self, path: &HostPath) -> Result<(VecDeque<Part>, Way)> {
        let clean = path.as_path().is_absolute()
            && !path.as_path().components().any(|part| matches!(part, Component::ParentDir | Component::CurDir))
            && !path.as_path().as_os_str().as_bytes().contains(&0);
        if !clean {
            return Err(FixError::refused(path, "is no plain absolute path"));
        }
        let base = self
            .bases
            .iter()
            .filter(|base| path.starts_with(&base.path))
            .max_by_key(|base| names(base.path.as_path()).len());
        let Some(base) = base else {
            return Err(FixError::refused(path, "lies outside the installation's own directories"));
        };
        let depth = names(base.path.as_path()).len();
        if depth == 0 {
            return Err(FixError::refused(&base.path, "is the whole file system, not an installation"));
        }
        let mut parts: VecDeque<Part> = names(path.as_path()).into_iter().map(Part::Name).collect();
        parts.insert(depth, Part::Inside);
        Ok((parts, base.way))
    }

    /// Refuses a directory in which somebody else could swap the next name.
    fn check_directory(&self, dir: &Dir, path: &HostPath) -> Result<()> {
        let stamp = &dir.stamp;
        if stamp.mode & 0o1000 != 0 || self.narrowed.contains(path) {
            return Ok(());
        }
        if stamp.mode & 0o002 != 0 {
            return Err(FixError::refused(path, "can be written by everybody; narrow it first (chmod o-w)"));
        }
        if stamp.mode & 0o020 != 0 && !self.is_own_group(stamp.gid) {
            return Err(FixError::refused(
                path,
                format_args!(
                    "can be written by group {}, which is not the account's; narrow it first (chmod g-w)",
                    stamp.gid
                ),
            ));
        }
        Ok(())
    }

    /// Refuses a step into a third account's directory, above the state always, in sticky directories too.
    fn check_transition(&self, parent: &Dir, child: &Stamp, mounts: Mounts, path: &HostPath) -> Result<()> {
        let shared = parent.stamp.mode & 0o022 != 0;
        if self.is_trusted(child.uid) || child.uid == self.actor.account.uid || (mounts == Mounts::Stay && !shared) {
            return Ok(());
        }
        Err(FixError::refused(
            path,
            format_args!("belongs to uid {}, who is neither root nor the gateway's account", child.uid),
        ))
    }

    /// The text of a link that may be followed.
    fn judge_link(&self, dir: &Dir, pin: &Pin, path: &HostPath) -> Result<PathBuf> {
        let stamp = &pin.stamp;
        if !self.is_trusted(stamp.uid) && stamp.uid != self.actor.account.uid {
            return Err(FixError::refused(
                path,
                format_args!("is a link of uid {}, who is neither root nor the gateway's account", stamp.uid),
            ));
        }
        if stamp.links != 1 {
            return Err(FixError::refused(path, "is a link with several names"));
        }
        read_link(dir, pin, path)
    }

    /// Whether the account could have made this link or moved it here.
    fn account_could_place(&self, dir: &Dir, pin: &Pin) -> bool {
        !(self.is_roots_own(dir) && self.is_trusted(pin.stamp.uid))
    }

    /// Root, and in an unprivileged run whoever runs it: nobody is protected from himself. The account never is,
    /// even where it owns the top of a re-rooted tree.
    fn is_trusted(&self, uid: u32) -> bool {
        let account = self.actor.account.uid;
        uid == 0
            || uid != account && self.top.is_root(uid)
            || !self.actor.privileged && uid == rustix::process::geteuid().as_raw()
    }

    /// Whether only root decides what lies in this directory, so that root may work in it with its own rights.
    pub fn is_roots_own(&self, dir: &Dir) -> bool {
        self.is_trusted(dir.stamp.uid) && dir.stamp.mode & 0o022 == 0
    }

    fn is_own_group(&self, gid: u32) -> bool {
        gid == 0 || gid == self.actor.account.gid || self.actor.account.groups.contains(&gid)
    }
}

/// The text of a pinned link.
pub fn read_link(dir: &Dir, pin: &Pin, path: &HostPath) -> Result<PathBuf> {
    #[cfg(target_os = "linux")]
    let text = {
        let _ = dir;
        rustix::fs::readlinkat(pin.fd(), "", Vec::new())
    };
    #[cfg(not(target_os = "linux"))]
    let text = {
        let _ = pin;
        rustix::fs::readlinkat(dir.fd(), path.as_path().file_name().unwrap_or_default(), Vec::new())
    };
    let text = text.map_err(|error| FixError::io(format!("read the link {path}"), error))?;
    Ok(PathBuf::from(OsStr::from_bytes(text.as_bytes())))
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
