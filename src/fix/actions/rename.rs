//! Setting an entry aside: renamed in its own directory, only onto a name that is free.

use super::{Deed, Hands, dir_mtime};
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::journal::Ledger;
use crate::fix::op::{After, Intent, Task};
use crate::fix::sys;
use crate::model::HostPath;

impl Hands<'_> {
    pub(super) fn rename(
        &self,
        ledger: &mut Ledger,
        path: &HostPath,
        to: &HostPath,
        before: &Stamp,
        task: &Task,
    ) -> Result<Deed> {
        let Some(name) = to.as_path().file_name().filter(|_| path.parent() == to.parent()) else {
            return Err(FixError::refused(path, format_args!("can only be renamed in its own directory, not to {to}")));
        };
        let place = self.access.place(path)?;
        let pin = place.must_pin()?;
        before.must_match(&pin.stamp, path)?;
        let aside = place.sibling(name);
        if aside.pin()?.is_some() {
            return Err(FixError::stale(to, "is there now"));
        }
        let dir_before = dir_mtime(&place.dir);
        let intent = Intent { op: task.op.clone(), kept: Vec::new(), temporary: None, dir_mtime: dir_before };
        self.journalled(ledger, intent, Some(&place), || {
            self.access.in_dir(&place, || {
                let failed = |error| FixError::io(format!("rename {path} to {to}"), error);
                sys::rename_to_free(place.dir.fd(), &place.name, &aside.name).map_err(failed)?;
                if aside.pin()?.is_some_and(|moved| moved.stamp.same_inode(&pin.stamp)) {
                    return Ok(());
                }
                let _ = sys::rename_to_free(place.dir.fd(), &aside.name, &place.name);
                Err(FixError::stale(path, "was replaced at the very moment of the change"))
            })?;
            self.restore_dir_time(&place, dir_before, task.dir_time);
            Ok(After::one(Some(self.restamped(&pin, before, path)?), dir_mtime(&place.dir)))
        })
    }

    /// The entry as it is after the rename, which moves its change time only. The digest is carried on.
    fn restamped(&self, pin: &crate::fix::walk::Pin, before: &Stamp, path: &HostPath) -> Result<Stamp> {
        let now = pin.restamp(path)?;
        Ok(Stamp { digest: before.digest, ..now })
    }
}
