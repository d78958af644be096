//! Facts about accounts: who called, and the accounts that matter here.

use crate::model::file::Account;
use crate::model::{Fact, HostPath};
use serde::{Deserialize, Serialize};

/// Who called the doctor, and the accounts that matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFacts {
    /// Who called.
    pub caller: Caller,
    /// The accounts that were asked about (owners of homes and states, accounts of units).
    pub accounts: Vec<KnownAccount>,
}

/// Who called the doctor. Taken from the process itself, on every kind of source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Real uid.
    pub uid: u32,
    /// Effective uid; 0 is privileged.
    pub euid: u32,
    /// Real gid.
    pub gid: u32,
    /// `HOME` of the caller's environment. Under sudo it may be root's or the user's.
    pub home: Option<HostPath>,
    /// The account behind `sudo`, `doas` or `pkexec`, if the variables name one that can be resolved.
    pub behind: Option<Behind>,
}

/// The account that became root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Its uid.
    pub uid: u32,
    /// Its name, if known.
    pub name: Option<String>,
    /// The variable that says so: `SUDO_UID`, `DOAS_USER` or `PKEXEC_UID`.
    pub from: String,
}

/// An account and what the host says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    /// Uid, groups, name, home.
    pub account: Account,
    /// Whether it is known by name: in `passwd`, or on a live host from another directory service.
    pub from: AccountFrom,
    /// Whether its user services run without a login (`/var/lib/systemd/linger/NAME`). Absent: no such file, so no.
    pub linger: Fact<bool>,
}

/// Where an account is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountFrom {
    /// `/etc/passwd`
    Passwd,
    /// The live host's name service (LDAP, NIS, systemd-homed, macOS Directory Services).
    NameService,
    /// A bare number: containers, NAS, shifted user namespaces.
    Number,
}

impl AccountFacts {
    /// The account of a uid, if it was asked about.
    pub fn by_uid(&self, uid: u32) -> Option<&KnownAccount> {
        self.accounts.iter().find(|known| known.account.uid == uid)
    }
}
