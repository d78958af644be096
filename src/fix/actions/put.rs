//! Creating and replacing regular files: a sibling temporary file, made whole and durable first, then swapped in.
//!
//! Where the kernel can, the two names are exchanged in one step, so that whatever was in place at that very moment is
//! in our hands afterwards and can be compared: a write that slipped in between is put back, not lost.

use super::{Deed, Hands, dir_mtime, timespec};
use crate::fix::access::{is_carried, must_be_plain_file, open_error};
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::{Stamp, digest_of};
use crate::fix::journal::Ledger;
use crate::fix::op::{After, Image, Intent, Task};
use crate::fix::sys;
use crate::fix::walk::{Pin, Place};
use crate::model::HostPath;
use rustix::fs::{AtFlags, Mode, OFlags, Timestamps};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

impl Hands<'_> {
    pub(super) fn put(
        &self,
        ledger: &mut Ledger,
        path: &HostPath,
        before: Option<&Stamp>,
        image: &Image,
        task: &Task,
    ) -> Result<Deed> {
        let place = self.access.place(path)?;
        let old = place.pin()?;
        let mut kept = Vec::new();
        match (before, &old) {
            (None, None) => {}
            (None, Some(_)) => return Err(FixError::stale(path, "is there now")),
            (Some(_), None) => return Err(FixError::stale(path, "is not there any more")),
            (Some(before), Some(pin)) => {
                must_be_plain_file(&pin.stamp, path)?;
                before.must_match(&pin.stamp, path)?;
                let kept_file = self.keep(ledger, &place, pin, before)?;
                before.must_match(&self.access.full_stamp(&place, pin)?, path)?;
                kept.push(kept_file);
            }
        }
        let mut source = self.supply(&task.supply)?;
        let temporary = place.sibling(&self.temporary(ledger));
        let dir_before = dir_mtime(&place.dir);
        let op = task.op.clone();
        let intent = Intent { op, kept, temporary: Some(temporary.path.clone()), dir_mtime: dir_before };
        self.journalled(ledger, intent, Some(&place), || {
            let (file, ours) = self.make(&temporary)?;
            let put =
                self.fill(file, &temporary, &ours.stamp, image, source.as_mut()).and_then(|()| match (before, &old) {
                    (Some(before), Some(pin)) => self.swap_in(&place, &temporary, before, pin, &ours),
                    _ => self.access.in_dir(&place, || {
                        sys::rename_to_free(place.dir.fd(), &temporary.name, &place.name)
                            .map_err(|error| taken(path, error))
                    }),
                });
            if let Err(error) = put {
                self.clear(&temporary, &ours);
                return Err(error);
            }
            self.restore_dir_time(&place, dir_before, task.dir_time);
            let stamp = ours.restamp(path)?.with_digest(image.digest);
            Ok(After::one(Some(stamp), dir_mtime(&place.dir)))
        })
    }

    /// Makes the empty temporary file, closed to everybody else, and pins it.
    fn make(&self, temporary: &Place) -> Result<(File, Pin)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.access.in_dir(temporary, || {
            rustix::fs::openat(temporary.dir.fd(), &temporary.name, flags, Mode::RUSR | Mode::WUSR)
                .map_err(|error| FixError::io(format!("create {}", temporary.path), error))
        })?;
        let file = File::from(fd);
        let pin = temporary.must_pin()?;
        let made = Stamp::of(file.as_fd()).map_err(|error| FixError::io(format!("stat {}", temporary.path), error))?;
        if made.same_inode(&pin.stamp) {
            Ok((file, pin))
        } else {
            Err(FixError::stale(&temporary.path, "was replaced while it was made"))
        }
    }

    /// Writes the temporary file with all its properties, durably.
    fn fill(
        &self,
        mut file: File,
        temporary: &Place,
        made: &Stamp,
        image: &Image,
        source: &mut dyn Read,
    ) -> Result<()> {
        let failed = |error: std::io::Error| FixError::io(format!("write {}", temporary.path), error);
        let size = std::io::copy(source, &mut file).map_err(failed)?;
        if size != image.size {
            return Err(FixError::journal(format!("the contents for {} are not whole", temporary.path)));
        }
        if (made.uid, made.gid) != (image.uid, image.gid) {
            self.hand_over(&file, made, image, temporary)?;
        }
        self.dress(&file, image, temporary)?;
        file.sync_all().map_err(failed)?;
        drop(file);
        self.verify_contents(temporary, image)
    }

    /// Gives the temporary file its owner. The account can give it to its own groups; all else takes root, and in a
    /// fix root gives only to the account.
    fn hand_over(&self, file: &File, made: &Stamp, image: &Image, temporary: &Place) -> Result<()> {
        let actor = self.access.walker.actor;
        let to_account = image.uid == actor.account.uid;
        let as_found = made.uid == image.uid;
        if actor.privileged && !to_account && !self.is_undo() && !as_found {
            return Err(FixError::refused(&temporary.path, "would be given to another account than the gateway's"));
        }
        let (uid, gid) = (rustix::fs::Uid::from_raw(image.uid), rustix::fs::Gid::from_raw(image.gid));
        rustix::fs::fchown(file, Some(uid), Some(gid))
            .map_err(|error| FixError::io(format!("set the owner of {}", temporary.path), error))
    }

    /// Attributes, mode and times, in the order in which they don't undo each other.
    fn dress(&self, file: &File, image: &Image, temporary: &Place) -> Result<()> {
        use base64::Engine;
        use xattr::FileExt;
        let failed = |error: std::io::Error| FixError::io(format!("set the properties of {}", temporary.path), error);
        // A default list of the directory must not give others access that the old file did not give.
        let acl = "system.posix_acl_access";
        if !image.xattrs.iter().any(|kept| kept.name == acl) {
            let _ = file.remove_xattr(acl);
        }
        for kept in image.xattrs.iter().filter(|kept| is_carried(&kept.name)) {
            let value = base64::engine::general_purpose::STANDARD.decode(&kept.value).map_err(|_| {
                FixError::journal(format!("the attribute {} is not readable", kept.name.escape_debug()))
            })?;
            file.set_xattr(&kept.name, &value).map_err(failed)?;
        }
        let mode = image.mode & 0o7777 & !crate::fix::op::SET_ID;
        rustix::fs::fchmod(file, sys::mode_bits(mode)).map_err(|error| failed(error.into()))?;
        if let Some((mtime, atime)) = image.times {
            let times = Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) };
            rustix::fs::futimens(file, &times).map_err(|error| failed(error.into()))?;
        }
        Ok(())
    }

    fn verify_contents(&self, temporary: &Place, image: &Image) -> Result<()> {
        let pin = temporary.must_pin()?;
        if self.access.digest(temporary, &pin)? != image.digest {
            return Err(FixError::journal(format!("the contents for {} are not what was promised", temporary.path)));
        }
        Ok(())
    }

    /// Puts the temporary file in the place of the one that the plan saw, and of no other.
    fn swap_in(&self, place: &Place, temporary: &Place, before: &Stamp, old: &Pin, ours: &Pin) -> Result<()> {
        let now = place.must_pin()?;
        before.must_match(&self.access.full_stamp(place, &now)?, &place.path)?;
        self.access.in_dir(place, || {
            if !exchange(place, temporary)? {
                let renamed = rustix::fs::renameat(place.dir.fd(), &temporary.name, place.dir.fd(), &place.name);
                return renamed.map_err(|error| FixError::io(format!("replace {}", place.path), error));
            }
            let out = temporary.must_pin()?;
            if out.stamp.same_inode(&old.stamp) && same_contents(temporary, &out, before)? {
                // The change is made; a leftover that cannot be removed does not undo it.
                let _ = rustix::fs::unlinkat(place.dir.fd(), &temporary.name, AtFlags::empty());
                return Ok(());
            }
            // Something was written between the last look and the exchange: it goes back where it was.
            if place.pin()?.is_some_and(|pin| pin.stamp.same_inode(&ours.stamp)) {
                exchange(place, temporary)?;
            }
            Err(FixError::stale(&place.path, "was written to at the very moment of the change"))
        })
    }

    /// Removes the temporary file of a failed attempt, unless it is by now something else than ours.
    fn clear(&self, temporary: &Place, ours: &Pin) {
        let _ = self.access.in_dir(temporary, || {
            if !temporary.must_pin()?.stamp.same_inode(&ours.stamp) {
                return Ok(());
            }
            rustix::fs::unlinkat(temporary.dir.fd(), &temporary.name, AtFlags::empty())
                .map_err(|error| FixError::io("clear away a temporary file", error))
        });
    }
}

/// Exchanges the two names; `false` where the file system cannot.
fn exchange(place: &Place, temporary: &Place) -> Result<bool> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::RenameFlags;
        use rustix::io::Errno;
        let dir = place.dir.fd();
        match rustix::fs::renameat_with(dir, &temporary.name, dir, &place.name, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
            Err(error) => Err(FixError::io(format!("replace {}", place.path), error)),
        }
    }
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    {
        let _ = (place, temporary);
        Ok(false)
    }
}

/// Whether the file that came out still holds what the plan saw. Renaming moves the change time, so that is not asked.
fn same_contents(at: &Place, pin: &Pin, before: &Stamp) -> Result<bool> {
    if (pin.stamp.size, pin.stamp.mtime) != (before.size, before.mtime) {
        return Ok(false);
    }
    let Some(expected) = before.digest else { return Ok(true) };
    match sys::open_pinned(at.dir.fd(), &at.name, pin.fd()) {
        Ok(file) => Ok(digest_of(File::from(file)).is_ok_and(|(digest, _)| digest == expected)),
        // Not readable for the account: size, time and inode have to do.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(true),
        Err(error) => Err(open_error(&at.path, error)),
    }
}

fn taken(path: &HostPath, error: std::io::Error) -> FixError {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        FixError::stale(path, "is there now")
    } else {
        FixError::io(format!("create {path}"), error)
    }
}
