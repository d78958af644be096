//! Words of the ownership checks.

use super::effect::Closed;
use crate::model::HostPath;
use crate::model::file::{Account, EntryKind};
use crate::snapshot::container::UidRange;
use crate::snapshot::tree::{EntryFacts, EntryRole};

/// `claw (uid 1001)`, or `uid 1001`.
pub fn account(account: &Account) -> String {
    match &account.name {
        // A bare number may have been given as the name.
        Some(name) if *name != account.uid.to_string() => format!("{name} (uid {})", account.uid),
        _ => format!("uid {}", account.uid),
    }
}

/// `root` or `uid 1002`.
pub fn owner(uid: u32) -> String {
    if uid == 0 { "root".to_owned() } else { format!("uid {uid}") }
}

/// What stands in the way, as a sceptic would want it: owner, mode, attribute.
pub fn state(entry: &EntryFacts) -> String {
    let kind = match entry.meta.kind {
        EntryKind::Directory => "directory",
        EntryKind::File => "file",
        EntryKind::Symlink => "link",
        EntryKind::Fifo => "FIFO",
        EntryKind::Socket => "socket",
        EntryKind::Device => "device",
        EntryKind::Other => "entry",
    };
    let acl = if entry.attributes.acl_access.is_some() { ", with an ACL" } else { "" };
    let flag = match (entry.attributes.immutable, entry.attributes.append_only) {
        (Some(true), _) => ", immutable (chattr +i)",
        (_, Some(true)) => ", append-only (chattr +a)",
        _ => "",
    };
    format!("{kind} of {}:{}, mode {:04o}{acl}{flag}", owner(entry.meta.uid), entry.meta.gid, entry.meta.mode)
}

/// What the account can't do.
pub fn denied(closed: Closed) -> &'static str {
    match closed {
        Closed::Enter => "can't enter it",
        Closed::Read => "can't read it",
        Closed::Write => "can't write it",
        Closed::Attribute => "can't replace it",
    }
}

/// Who leaves such an entry behind (release-2026.2.19 section 1, point 6; release-2026.9.6 F2). `None` where nothing
/// tells.
pub fn who_did_it(entry: &EntryFacts) -> Option<&'static str> {
    if entry.meta.uid != 0 {
        return None;
    }
    match entry.role {
        EntryRole::Paired | EntryRole::Pending | EntryRole::DevicesDir => {
            Some("only a gateway writes here: a gateway once ran as root on this state")
        }
        EntryRole::IdentityDir | EntryRole::Identity | EntryRole::DeviceAuth => {
            Some("the first CLI call that needed an identity was root's, with this home (sudo openclaw …)")
        }
        EntryRole::Config | EntryRole::ConfigCopy => Some(
            "root changed the configuration (sudo openclaw config set …): the file is replaced and takes the caller's owner",
        ),
        EntryRole::Database | EntryRole::DatabaseDir => Some("root created or restored the database"),
        _ => None,
    }
}

/// What the overflow uid says in a shifted user namespace.
pub fn not_shifted(uid: u32, ranges: &[UidRange]) -> String {
    let known = match outside(uid, ranges) {
        Some(outside) => format!("; uid {uid} here is uid {outside} outside"),
        None => String::new(),
    };
    format!(
        "65534 is how this user namespace shows an owner who has no number in it: the volume was not shifted with its \
         container{known}"
    )
}

/// What a person does about it, outside of the container.
pub fn shift_it(path: &HostPath, uid: u32, ranges: &[UidRange]) -> Vec<String> {
    let number = outside(uid, ranges).map_or_else(String::new, |outside| format!(" to {outside}"));
    vec![
        format!(
            "Outside of the container, change the owner of the volume that is mounted at {path}{number} (chown -R)"
        ),
        "Or let Podman do it: start the container with the volume's option :U".to_owned(),
    ]
}

/// The number outside of a user namespace.
fn outside(uid: u32, ranges: &[UidRange]) -> Option<u32> {
    ranges.iter().find_map(|range| {
        let offset = uid.checked_sub(range.inside).filter(|offset| *offset < range.count)?;
        range.outside.checked_add(offset)
    })
}
