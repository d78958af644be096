//! With whose rights something is done. Root drops to the account for everything that the account can do itself.

use super::error::{FixError, Result};
use crate::collect::source::Account;

/// Who runs the doctor, and for which account it acts.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The account that the gateway runs as.
    pub account: Account,
    /// Whether this process is root.
    pub privileged: bool,
}

impl Actor {
    /// The account, with this process's effective uid deciding whether it is root.
    pub fn new(account: Account) -> Self {
        Self { account, privileged: rustix::process::geteuid().is_root() }
    }

    /// Does `work` with the account's rights and no more. An unprivileged process has only its own rights anyway.
    ///
    /// # Errors
    /// Where the rights cannot be taken on; then `work` has not begun.
    pub fn as_account<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.privileged || self.account.uid == 0 {
            return work();
        }
        let held = Held::take(&self.account)
            .map_err(|error| FixError::io(format!("take on the rights of account {}", self.account.uid), error))?;
        let done = work();
        drop(held);
        done
    }
}

/// The account's rights, held by this thread alone until dropped.
///
/// Only the effective ids and the groups change: the real and saved ids stay root's, so that the account can neither
/// signal nor trace the doctor meanwhile. The kernel clears the effective capabilities while the uid is not 0.
struct Held {
    #[cfg(target_os = "linux")]
    groups: Vec<rustix::process::Gid>,
    #[cfg(target_os = "linux")]
    gid: rustix::process::Gid,
}

#[cfg(target_os = "linux")]
impl Held {
    fn take(account: &Account) -> std::io::Result<Self> {
        use rustix::process::{Gid, Uid};
        use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
        let held = Self { groups: rustix::process::getgroups()?, gid: rustix::process::getegid() };
        let groups: Vec<Gid> = account.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        set_thread_groups(&groups)?;
        set_thread_res_gid(None, Gid::from_raw(account.gid), None)?;
        set_thread_res_uid(None, Uid::from_raw(account.uid), None)?;
        Ok(held)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Held {
    fn drop(&mut self) {
        use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
        // Where one of these fails the thread goes on with fewer rights, and the next step fails cleanly.
        let _ = set_thread_res_uid(None, rustix::process::Uid::ROOT, None);
        let _ = set_thread_res_gid(None, self.gid, None);
        let _ = set_thread_groups(&self.groups);
    }
}

#[cfg(not(target_os = "linux"))]
impl Held {
    /// Elsewhere there are no credentials per thread, so root changes nothing that an account controls.
    fn take(_account: &Account) -> std::io::Result<Self> {
        Err(std::io::Error::new(
            std::io::ErrorKind::Unsupported,
            "acting for another account is supported on Linux only; run the doctor as that account",
        ))
    }
}
