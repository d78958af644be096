//! Accounts from `/etc/passwd` and `/etc/group` of the host that is looked at.

use super::source::{Account, Reader, Source, read_text};
use std::path::{Path, PathBuf};

/// Larger databases are cut off with an error; a host with so many local accounts is none of ours.
const MOST_BYTES: u64 = 4 << 20;

/// The local accounts.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    accounts: Vec<Account>,
}

impl Accounts {
    /// Reads the databases. What can't be read leaves bare numbers.
    pub fn load(source: &dyn Source) -> Self {
        let text = |path| read_text(source, Path::new(path), MOST_BYTES, Reader::Own).unwrap_or_default();
        Self::parse(&text("/etc/passwd"), &text("/etc/group"))
    }

    fn parse(passwd: &str, group: &str) -> Self {
        let mut accounts: Vec<Account> = passwd
            .lines()
            .filter_map(|line| {
                let fields: Vec<&str> = line.split(':').collect();
                let [name, _, uid, gid, _, home, ..] = fields.as_slice() else { return None };
                let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
                let home = (!home.is_empty()).then(|| PathBuf::from(home));
                Some(Account { uid, gid, groups: vec![gid], name: Some((*name).to_owned()), home })
            })
            .collect();
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [_, _, gid, members, ..] = fields.as_slice() else { continue };
            let Ok(gid) = gid.parse::<u32>() else { continue };
            for member in members.split(',') {
                for account in accounts.iter_mut().filter(|account| account.name.as_deref() == Some(member)) {
                    if !account.groups.contains(&gid) {
                        account.groups.push(gid);
                    }
                }
            }
        }
        Self { accounts }
    }

    /// The account of a uid; a bare number where none is listed, with its home unknown.
    pub fn by_uid(&self, uid: u32, gid: u32) -> Account {
        let listed = self.accounts.iter().find(|account| account.uid == uid);
        listed.cloned().unwrap_or_else(|| Account { uid, gid, groups: vec![gid], name: None, home: None })
    }

    /// The account of a name or number as typed.
    pub fn by_text(&self, text: &str) -> Option<Account> {
        let named = self.accounts.iter().find(|account| account.name.as_deref() == Some(text));
        named.cloned().or_else(|| text.parse().ok().map(|uid| self.by_uid(uid, uid)))
    }

    /// Every listed account.
    pub fn all(&self) -> &[Account] {
        &self.accounts
    }
}
