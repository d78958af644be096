//! May this account read, write or enter this entry? Judged from owner, groups, mode and ACL, for the gateway's
//! account, not for whoever runs the doctor.

use super::{Account, Attributes, EntryKind, Meta};

/// A kind of access, as bits of a mode triad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want(u32);

impl Want {
    /// Read a file or list a directory.
    pub const READ: Want = Want(4);
    /// Write a file, or change the names in a directory.
    pub const WRITE: Want = Want(2);
    /// Enter a directory.
    pub const ENTER: Want = Want(1);
    /// Change the names in a directory: write and enter.
    pub const CHANGE: Want = Want(3);
}

/// Whether the mode bits and the ACL let the account do that. Root may do everything (immutable is judged apart).
pub fn permits(account: &Account, meta: &Meta, attributes: Option<&Attributes>, want: Want) -> bool {
    if account.uid == 0 || meta.kind == EntryKind::Symlink {
        return true;
    }
    if let Some(acl) = attributes.and_then(|attributes| attributes.acl_access.as_deref())
        && let Some(entries) = parse_acl(acl)
    {
        return acl_permits(account, meta, &entries, want);
    }
    let triad = if meta.uid == account.uid {
        meta.mode >> 6
    } else if in_group(account, meta.gid) {
        meta.mode >> 3
    } else {
        meta.mode
    };
    triad & want.0 == want.0
}

fn in_group(account: &Account, gid: u32) -> bool {
    account.gid == gid || account.groups.contains(&gid)
}

/// One entry of a POSIX ACL: tag, permission bits, id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AclEntry {
    tag: u16,
    perm: u32,
    id: u32,
}

const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// The kernel's `system.posix_acl_access`: version 2, then entries of 8 bytes, little endian (acl(5), linux
/// `posix_acl_xattr.h`).
fn parse_acl(raw: &[u8]) -> Option<Vec<AclEntry>> {
    let (version, rest) = raw.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != 2 || rest.len() % 8 != 0 {
        return None;
    }
    let entries = rest
        .chunks_exact(8)
        .filter_map(|chunk| match *chunk {
            [t0, t1, p0, p1, i0, i1, i2, i3] => Some(AclEntry {
                tag: u16::from_le_bytes([t0, t1]),
                perm: u32::from(u16::from_le_bytes([p0, p1])),
                id: u32::from_le_bytes([i0, i1, i2, i3]),
            }),
            _ => None,
        })
        .collect();
    Some(entries)
}

/// The access check algorithm of acl(5).
fn acl_permits(account: &Account, meta: &Meta, entries: &[AclEntry], want: Want) -> bool {
    let find = |tag: u16| entries.iter().find(|entry| entry.tag == tag);
    let grants = |entry: &AclEntry| entry.perm & want.0 == want.0;
    let mask = find(MASK).map_or(7, |entry| entry.perm);
    let masked = |entry: &AclEntry| entry.perm & mask & want.0 == want.0;
    if meta.uid == account.uid {
        return find(USER_OBJ).is_some_and(grants);
    }
    if let Some(entry) = entries.iter().find(|entry| entry.tag == USER && entry.id == account.uid) {
        return masked(entry);
    }
    let mut groups = entries.iter().filter(|entry| {
        entry.tag == GROUP_OBJ && in_group(account, meta.gid) || entry.tag == GROUP && in_group(account, entry.id)
    });
    match groups.next() {
        Some(first) => masked(first) || groups.any(masked),
        None => find(OTHER).is_some_and(grants),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(uid: u32, groups: &[u32]) -> Account {
        Account { uid, gid: groups.first().copied().unwrap_or(uid), groups: groups.to_vec(), name: None, home: None }
    }

    fn meta(uid: u32, gid: u32, mode: u32) -> Meta {
        Meta { kind: EntryKind::File, mode, uid, gid, size: 0, links: 1, device: 1, inode: 1, mtime_ns: 0, ctime_ns: 0 }
    }

    #[test]
    fn the_owner_triad_wins_over_group_and_others() {
        assert!(!permits(&account(1001, &[1001]), &meta(1001, 1001, 0o077), None, Want::READ));
        assert!(permits(&account(1001, &[1001, 44]), &meta(0, 44, 0o640), None, Want::READ));
        assert!(!permits(&account(1001, &[1001]), &meta(0, 0, 0o600), None, Want::READ));
        assert!(permits(&account(1001, &[1001]), &meta(0, 0, 0o644), None, Want::READ));
        assert!(permits(&account(0, &[0]), &meta(5, 5, 0), None, Want::WRITE));
    }

    fn acl(entries: &[(u16, u16, u32)]) -> Attributes {
        let mut raw = 2u32.to_le_bytes().to_vec();
        for (tag, perm, id) in entries {
            raw.extend(tag.to_le_bytes());
            raw.extend(perm.to_le_bytes());
            raw.extend(id.to_le_bytes());
        }
        Attributes { acl_access: Some(raw), ..Attributes::default() }
    }

    #[test]
    fn acl_gives_a_named_user_access_under_the_mask() {
        let none = u32::MAX;
        let open =
            acl(&[(USER_OBJ, 7, none), (USER, 7, 1001), (GROUP_OBJ, 0, none), (MASK, 7, none), (OTHER, 0, none)]);
        let shut =
            acl(&[(USER_OBJ, 7, none), (USER, 7, 1001), (GROUP_OBJ, 0, none), (MASK, 4, none), (OTHER, 0, none)]);
        let entry = meta(0, 0, 0o770);
        assert!(permits(&account(1001, &[1001]), &entry, Some(&open), Want::CHANGE));
        assert!(!permits(&account(1001, &[1001]), &entry, Some(&shut), Want::WRITE));
        assert!(permits(&account(1001, &[1001]), &entry, Some(&shut), Want::READ));
        assert!(!permits(&account(1002, &[1002]), &entry, Some(&open), Want::READ));
    }
}
