//! Making a symbolic link where nothing is.

use super::{Deed, Hands, dir_mtime, timespec};
use crate::collect::source::EntryKind;
use crate::fix::error::{FixError, Result};
use crate::fix::journal::Ledger;
use crate::fix::op::{After, Intent, Op, Task};
use crate::fix::sys;
use crate::fix::walk::read_link;
use crate::model::HostPath;
use rustix::fs::{AtFlags, Timestamps};

impl Hands<'_> {
    pub(super) fn link(
        &self,
        ledger: &mut Ledger,
        path: &HostPath,
        target: &HostPath,
        owner: (u32, u32),
        task: &Task,
    ) -> Result<Deed> {
        let place = self.access.place(path)?;
        if place.pin()?.is_some() {
            return Err(FixError::stale(path, "is there now"));
        }
        if !self.is_undo() && owner.0 != self.access.walker.actor.account.uid {
            return Err(FixError::refused(path, "would belong to another account than the gateway's"));
        }
        let dir_before = dir_mtime(&place.dir);
        let intent = Intent { op: task.op.clone(), kept: Vec::new(), temporary: None, dir_mtime: dir_before };
        self.journalled(ledger, intent, Some(&place), || {
            let failed = |error: std::io::Error| FixError::io(format!("make the link {path}"), error);
            self.access.in_dir(&place, || {
                rustix::fs::symlinkat(target.as_path(), place.dir.fd(), &place.name).map_err(|e| failed(e.into()))
            })?;
            let finish = || {
                let pin = place.must_pin()?;
                let ours = pin.stamp.kind == EntryKind::Symlink && pin.stamp.links == 1;
                if !ours || read_link(&place.dir, &pin, path)? != target.as_path() {
                    return Err(FixError::stale(path, "was replaced at the very moment of the change"));
                }
                if let Op::Link { times: Some((mtime, atime)), .. } = &task.op {
                    self.access.in_dir(&place, || {
                        let times = Timestamps { last_access: timespec(*atime), last_modification: timespec(*mtime) };
                        rustix::fs::utimensat(place.dir.fd(), &place.name, &times, AtFlags::SYMLINK_NOFOLLOW)
                            .map_err(|error| failed(error.into()))
                    })?;
                }
                if (pin.stamp.uid, pin.stamp.gid) != owner {
                    sys::chown_pin(pin.fd(), owner.0, owner.1).map_err(failed)?;
                }
                pin.restamp(path)
            };
            match finish() {
                Ok(stamp) => {
                    self.restore_dir_time(&place, dir_before, task.dir_time);
                    Ok(After::one(Some(stamp), dir_mtime(&place.dir)))
                }
                Err(error) => {
                    let _ = self.access.in_dir(&place, || {
                        rustix::fs::unlinkat(place.dir.fd(), &place.name, AtFlags::empty())
                            .map_err(|e| failed(e.into()))
                    });
                    Err(error)
                }
            }
        })
    }
}
