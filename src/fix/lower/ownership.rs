//! Owner, mode and attributes.

use super::{Lowered, Lowering, Shown, ShownEntry, must_be_straight};
use crate::collect::source::EntryKind;
use crate::fix::access::{kind_word, open_error};
use crate::fix::actions::may_be_given;
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::op::{MetaItem, Op, SET_ID, Task};
use crate::fix::sys::{self, Mounts, WriteFlags};
use crate::fix::walk::{Dir, Last, Way, pin_in};
use crate::model::HostPath;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// Bounds of a tree that is re-owned.
const MOST_ENTRIES: usize = 500_000;
const DEEPEST: usize = 64;
const LONGEST: Duration = Duration::from_secs(60);
/// Entries per journalled operation.
const BATCH: usize = 200;
/// Entries that are left alone and named one by one.
const MOST_NAMED: usize = 20;

impl Lowering<'_> {
    pub(super) fn chown(&mut self, path: &HostPath, uid: u32, gid: u32) -> Result<Lowered> {
        self.must_be_the_account(uid, gid)?;
        let place = self.subject(path, Last::Keep)?;
        let stamp = place.must_pin()?.stamp;
        let mut shown = Shown { verb: "change the owner of", subject: place.path.to_string(), ..Shown::default() };
        shown.before = owner_and_mode(&stamp);
        if (stamp.uid, stamp.gid) == (uid, gid) {
            shown.after.clone_from(&shown.before);
            return Ok(Lowered { tasks: Vec::new(), shown });
        }
        may_be_given(&stamp, &place.path)?;
        must_be_straight(&place, stamp.uid, self.actor)?;
        self.must_be_root_for(stamp.uid, uid, "change the owner of", &place.path)?;
        shown.notes.extend(self.link_warning());
        let item = given(&place.path, stamp, uid, gid);
        shown.after = format!("owner {uid}:{gid}, mode {:04o}", item.mode);
        Ok(Lowered { tasks: vec![Task::new(Op::Meta { items: vec![item] })], shown })
    }

    pub(super) fn chown_tree(&mut self, path: &HostPath, uid: u32, gid: u32) -> Result<Lowered> {
        self.must_be_the_account(uid, gid)?;
        let place = self.subject(path, Last::Follow)?;
        let pin = place.must_pin()?;
        if pin.stamp.kind != EntryKind::Directory {
            return Err(FixError::refused(&place.path, "is no directory"));
        }
        let mut tree = Tree { uid, gid, items: Vec::new(), left: Vec::new(), seen: 0, end: Instant::now() + LONGEST };
        let stamp = pin.stamp.clone();
        tree.list(&pin.into_dir(), &place.path, 0)?;
        if stamp.uid != uid {
            tree.items.push(given(&place.path, stamp, uid, gid));
        }
        let entries: Vec<ShownEntry> = tree
            .items
            .iter()
            .map(|item| ShownEntry {
                path: item.path.clone(),
                before: owner_and_mode(&item.before),
                after: format!("owner {uid}:{gid}, mode {:04o}", item.mode),
            })
            .collect();
        let mut notes = tree.left_in_words();
        notes.extend(self.link_warning());
        let shown = Shown {
            verb: "change the owner of everything in",
            subject: place.path.to_string(),
            before: format!("{} of {} entries belong to others", entries.len(), tree.seen + 1),
            after: format!("they belong to {uid}:{gid}"),
            diff: None,
            entries,
            notes,
        };
        for item in &tree.items {
            must_be_straight(&place, item.before.uid, self.actor)?;
            self.must_be_root_for(item.before.uid, uid, "change the owner of", &item.path)?;
        }
        let tasks = tree.items.chunks(BATCH).map(|items| Task::new(Op::Meta { items: items.to_vec() })).collect();
        Ok(Lowered { tasks, shown })
    }

    pub(super) fn chmod(&mut self, path: &HostPath, mode: u32) -> Result<Lowered> {
        let place = self.subject(path, Last::Follow)?;
        let stamp = place.must_pin()?.stamp;
        let mut shown = Shown { verb: "change the mode of", subject: place.path.to_string(), ..Shown::default() };
        shown.before = format!("mode {:04o}", stamp.mode);
        shown.after = format!("mode {mode:04o}");
        if stamp.mode == mode {
            return Ok(Lowered { tasks: Vec::new(), shown });
        }
        may_be_given(&stamp, &place.path)?;
        if stamp.kind == EntryKind::Symlink {
            return Err(FixError::refused(&place.path, "is a link, which has no mode of its own"));
        }
        let added = mode & !stamp.mode;
        if mode & !0o7777 != 0 || added & !0o0700 != 0 {
            return Err(FixError::refused(
                &place.path,
                format_args!(
                    "would be opened to others (mode {:04o} to {mode:04o}); a mode is never widened",
                    stamp.mode
                ),
            ));
        }
        must_be_straight(&place, stamp.uid, self.actor)?;
        let me = rustix::process::geteuid().as_raw();
        if !self.actor.privileged && stamp.uid != me {
            return Err(FixError::NeedsRoot { what: format!("change the mode of {}", place.path) });
        }
        if mode & 0o022 == 0 {
            self.overlay.narrowed.push(place.path.clone());
        }
        let (uid, gid) = (stamp.uid, stamp.gid);
        let item = MetaItem { path: place.path.clone(), before: stamp, uid, gid, mode };
        Ok(Lowered { tasks: vec![Task::new(Op::Meta { items: vec![item] })], shown })
    }

    pub(super) fn clear_attributes(&mut self, path: &HostPath, immutable: bool, append_only: bool) -> Result<Lowered> {
        let place = self.subject(path, Last::Follow)?;
        let pin = place.must_pin()?;
        if !matches!(pin.stamp.kind, EntryKind::File | EntryKind::Directory) {
            return Err(FixError::refused(&place.path, format_args!("is a {}", kind_word(pin.stamp.kind))));
        }
        if place.way == Way::AccountLink {
            return Err(FixError::refused(&place.path, "is reached by a link that the account controls"));
        }
        let file = sys::open_pinned(place.dir.fd(), &place.name, pin.fd()).map_err(|e| open_error(&place.path, e))?;
        let was = sys::write_flags(file.as_fd())
            .map_err(|error| FixError::io(format!("read the attributes of {}", place.path), error))?;
        let to = WriteFlags { immutable: was.immutable && !immutable, append_only: was.append_only && !append_only };
        let words = |flags: WriteFlags| match (flags.immutable, flags.append_only) {
            (false, false) => "no attribute that stops writes",
            (true, false) => "immutable (chattr +i)",
            (false, true) => "append-only (chattr +a)",
            (true, true) => "immutable and append-only (chattr +ia)",
        };
        let shown = Shown {
            verb: "clear attributes of",
            subject: place.path.to_string(),
            before: words(was).to_owned(),
            after: words(to).to_owned(),
            ..Shown::default()
        };
        if was == to {
            return Ok(Lowered { tasks: Vec::new(), shown });
        }
        if !self.actor.privileged {
            return Err(FixError::NeedsRoot { what: format!("clear the attributes of {}", place.path) });
        }
        let op = Op::Flags { path: place.path.clone(), before: pin.stamp, was, to };
        Ok(Lowered { tasks: vec![Task::new(op)], shown })
    }

    fn link_warning(&self) -> Option<String> {
        (self.actor.privileged && self.machine.live && links_are_free()).then(|| {
            "this kernel lets accounts link files of others (fs.protected_hardlinks is 0): look that none is another's".to_owned()
        })
    }

    fn must_be_root_for(&self, from: u32, to: u32, verb: &str, path: &HostPath) -> Result<()> {
        if from == to || self.actor.privileged {
            return Ok(());
        }
        Err(FixError::NeedsRoot { what: format!("{verb} {path}") })
    }
}

/// Where the kernel lets everybody link everybody's files, a file in the account's directory can be another's whose own
/// name is gone. Nobody can tell; the person is told.
fn links_are_free() -> bool {
    std::fs::read("/proc/sys/fs/protected_hardlinks").is_ok_and(|value| value.trim_ascii() == b"0")
}

/// Walks a tree and lists the entries of other owners, children before their directory: while a directory cannot be
/// written, a gateway that runs meanwhile cannot replace the files in it that it cannot read yet.
struct Tree {
    uid: u32,
    gid: u32,
    items: Vec<MetaItem>,
    left: Vec<String>,
    seen: usize,
    end: Instant,
}

impl Tree {
    fn list(&mut self, dir: &Dir, path: &HostPath, depth: usize) -> Result<()> {
        if depth >= DEEPEST {
            return Err(FixError::refused(path, format_args!("is more than {DEEPEST} directories deep")));
        }
        for name in names(dir, path)? {
            let child = path.join(&name);
            self.seen += 1;
            if self.seen > MOST_ENTRIES {
                return Err(FixError::refused(path, format_args!("holds more than {MOST_ENTRIES} entries")));
            }
            if Instant::now() > self.end {
                return Err(FixError::refused(path, "takes too long to list"));
            }
            let pin = match pin_in(dir, &name, Mounts::Stay, &child) {
                Ok(Some(pin)) => pin,
                // It went while we looked: nothing to change.
                Ok(None) => continue,
                Err(FixError::Refused { why }) => {
                    self.left.push(why);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let stamp = pin.stamp.clone();
            if stamp.kind == EntryKind::Directory {
                self.list(&pin.into_dir(), &child, depth + 1)?;
            }
            if stamp.uid == self.uid {
                continue;
            }
            match may_be_given(&stamp, &child) {
                Ok(()) => self.items.push(given(&child, stamp, self.uid, self.gid)),
                Err(FixError::Refused { why }) => self.left.push(why),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn left_in_words(&self) -> Vec<String> {
        let mut words: Vec<String> =
            self.left.iter().take(MOST_NAMED).map(|left| format!("left alone: {left}")).collect();
        if self.left.len() > MOST_NAMED {
            words.push(format!("left alone: {} more", self.left.len() - MOST_NAMED));
        }
        words
    }
}

fn names(dir: &Dir, path: &HostPath) -> Result<Vec<OsString>> {
    let failed = |error: std::io::Error| FixError::io(format!("list {path}"), error);
    let opened = sys::open_dir(dir.fd()).map_err(failed)?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(&opened).map_err(|error| failed(error.into()))? {
        let entry = entry.map_err(|error| failed(error.into()))?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_os_string());
        }
        if names.len() > MOST_ENTRIES {
            return Err(FixError::refused(path, format_args!("holds more than {MOST_ENTRIES} entries")));
        }
    }
    names.sort();
    Ok(names)
}

/// The entry with its new owner. Set-id bits of files go; everything else of the mode stays.
fn given(path: &HostPath, before: Stamp, uid: u32, gid: u32) -> MetaItem {
    let mode = if before.kind == EntryKind::File { before.mode & !SET_ID } else { before.mode };
    MetaItem { path: path.clone(), before, uid, gid, mode }
}

fn owner_and_mode(stamp: &Stamp) -> String {
    format!("owner {}:{}, mode {:04o}", stamp.uid, stamp.gid, stamp.mode)
}
