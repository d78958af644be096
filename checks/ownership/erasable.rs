//! Whether the gateway takes the device store for empty because it is closed to it, so that it is stopped while the store
//! is opened again.
//!
//! Up to 2026.4.24 every read error counts as an empty store, and each handshake of a paired or local device writes what it
//! read back (pairing-by-release 1.4). In a directory that can be written that erases the store at once. In one that cannot
//! be written the write fails and the file stays, but a handshake that read "empty" just before the directory is given back
//! writes just after it. Nothing is cached between handshakes, so a gateway that was stopped before and started afterwards
//! reads the whole store.

use crate::checks::Context;
use crate::model::file::EntryKind;
use crate::model::{Era, HostPath};
use crate::snapshot::store::FileState;
use crate::snapshot::tree::EntryRole;

/// The bytes of `{}`: a store that holds nobody.
const EMPTY_SIZE: u64 = 2;

/// `devices/paired.json`, where this release takes it for empty and it is not. Without a release the lenient rules hold, as
/// for the findings.
pub(super) fn store<'s>(context: &Context<'s>) -> Option<&'s HostPath> {
    let installation = context.installation;
    let lenient = installation.era().is_none_or(|era| era == Era::JsonLenient);
    let tree = &installation.tree;
    let paired = tree.with_role(EntryRole::Paired).filter(|entry| entry.meta.kind == EntryKind::File)?;
    let is_closed = tree.above.iter().chain(tree.kept()).any(|entry| {
        let Some(may) = entry.may.known() else { return false };
        let above = entry.meta.kind == EntryKind::Directory && paired.path.starts_with(&entry.path);
        if entry.path == paired.path { !may.read } else { above && !may.enter }
    });
    let read = &installation.devices.paired;
    let nobody = read.state == FileState::Sound && read.records.is_empty() || paired.meta.size <= EMPTY_SIZE;
    (lenient && is_closed && !nobody).then_some(&paired.path)
}
