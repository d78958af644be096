//! Removing a regular file or a link: renamed to a temporary name first, looked at there, and only then unlinked, so that
//! what was swapped in at the last moment is not removed in its stead.

use super::{Deed, Hands, dir_mtime};
use crate::collect::source::EntryKind;
use crate::fix::access::must_be_plain_file;
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::journal::Ledger;
use crate::fix::op::{After, Intent, Kept, Task};
use crate::fix::sys;
use crate::fix::walk::{Pin, Place, read_link};
use crate::model::HostPath;
use rustix::fs::AtFlags;

impl Hands<'_> {
    pub(super) fn remove(&self, ledger: &mut Ledger, path: &HostPath, before: &Stamp, task: &Task) -> Result<Deed> {
        let place = self.access.place(path)?;
        let pin = place.must_pin()?;
        must_be_plain_file(&pin.stamp, path)?;
        before.must_match(&pin.stamp, path)?;
        let kept = self.keep(ledger, &place, &pin, before)?;
        self.take_out(ledger, &place, &pin, vec![kept], task)
    }

    pub(super) fn unlink(
        &self,
        ledger: &mut Ledger,
        path: &HostPath,
        target: &HostPath,
        before: &Stamp,
        task: &Task,
    ) -> Result<Deed> {
        let place = self.access.place(path)?;
        let pin = place.must_pin()?;
        if pin.stamp.kind != EntryKind::Symlink || read_link(&place.dir, &pin, path)? != target.as_path() {
            return Err(FixError::stale(path, format_args!("is no link to {target} any more")));
        }
        before.must_match(&pin.stamp, path)?;
        self.take_out(ledger, &place, &pin, Vec::new(), task)
    }

    fn take_out(&self, ledger: &mut Ledger, place: &Place, pin: &Pin, kept: Vec<Kept>, task: &Task) -> Result<Deed> {
        let temporary = place.sibling(&self.temporary(ledger));
        let dir_before = dir_mtime(&place.dir);
        let op = task.op.clone();
        let intent = Intent { op, kept, temporary: Some(temporary.path.clone()), dir_mtime: dir_before };
        self.journalled(ledger, intent, Some(place), || {
            self.access.in_dir(place, || {
                let failed = |error| FixError::io(format!("remove {}", place.path), error);
                sys::rename_to_free(place.dir.fd(), &place.name, &temporary.name).map_err(failed)?;
                let moved = temporary.must_pin()?;
                let same = moved.stamp.same_inode(&pin.stamp)
                    && (moved.stamp.size, moved.stamp.mtime) == (pin.stamp.size, pin.stamp.mtime);
                let removed = if same {
                    rustix::fs::unlinkat(place.dir.fd(), &temporary.name, AtFlags::empty())
                        .map_err(|e| failed(e.into()))
                } else {
                    Err(FixError::stale(&place.path, "was replaced at the very moment of the change"))
                };
                if removed.is_err() {
                    // Back where it was; where the name is taken again, the newer file stays and this one beside it.
                    let _ = sys::rename_to_free(place.dir.fd(), &temporary.name, &place.name);
                }
                removed
            })?;
            self.restore_dir_time(place, dir_before, task.dir_time);
            Ok(After::one(None, dir_mtime(&place.dir)))
        })
    }
}
