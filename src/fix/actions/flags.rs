//! The immutable and append-only flags. Only root may change them, so this is done with root's rights, on a descriptor
//! that is proven to be the pinned file.

use super::{Deed, Hands};
use crate::collect::source::EntryKind;
use crate::fix::access::open_error;
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::journal::Ledger;
use crate::fix::op::{After, Intent, Op};
use crate::fix::sys::{self, WriteFlags};
use crate::fix::walk::Way;
use crate::model::HostPath;
use std::os::fd::AsFd;

impl Hands<'_> {
    pub(super) fn flags(
        &self,
        ledger: &mut Ledger,
        path: &HostPath,
        before: &Stamp,
        was: WriteFlags,
        to: WriteFlags,
    ) -> Result<Deed> {
        let place = self.access.place(path)?;
        let pin = place.must_pin()?;
        before.must_match(&pin.stamp, path)?;
        if place.way == Way::AccountLink {
            return Err(FixError::refused(path, "is reached by a link that the account controls"));
        }
        let plain = pin.stamp.kind == EntryKind::Directory || pin.stamp.kind == EntryKind::File && pin.stamp.links == 1;
        if !plain {
            return Err(FixError::refused(path, "is neither a directory nor a regular file with one name"));
        }
        let file = sys::open_pinned(place.dir.fd(), &place.name, pin.fd()).map_err(|error| open_error(path, error))?;
        let failed = |error| FixError::io(format!("read the attributes of {path}"), error);
        if sys::write_flags(file.as_fd()).map_err(failed)? != was {
            return Err(FixError::stale(path, "has other attributes than when the plan was made"));
        }
        let op = Op::Flags { path: path.clone(), before: before.clone(), was, to };
        let intent = Intent { op, kept: Vec::new(), temporary: None, dir_mtime: None };
        self.journalled(ledger, intent, None, || {
            sys::set_write_flags(file.as_fd(), to).map_err(|error| match error.kind() {
                std::io::ErrorKind::PermissionDenied if !self.access.walker.actor.privileged => {
                    FixError::NeedsRoot { what: format!("change the attributes of {path}") }
                }
                _ => FixError::io(format!("change the attributes of {path}"), error),
            })?;
            if sys::write_flags(file.as_fd()).map_err(failed)? != to {
                return Err(FixError::io(
                    format!("change the attributes of {path}"),
                    std::io::Error::other("no effect"),
                ));
            }
            Ok(After::one(Some(pin.restamp(path)?), None))
        })
    }
}
