//! The accounts of the host: `/etc/passwd`, `/etc/group`, on a live host the name service too; and who called.

use super::source::{ReadError, Reader, Source, read_text};
use crate::model::file::{Account, EntryKind};
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::account::{AccountFacts, AccountFrom, Behind, Caller, KnownAccount};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Larger account files are not read (some 50,000 accounts).
const MOST_BYTES: u64 = 4 << 20;

/// At most so many homes are looked at.
const MOST_HOMES: usize = 500;

/// Directories whose entries are homes, also of accounts that `passwd` does not know.
const HOME_PARENTS: &[&str] = &["/home", "/Users", "/var/home", "/export/home"];

/// All accounts of the host, read once.
#[derive(Debug, Clone)]
pub struct AccountBook {
    accounts: Vec<Account>,
    /// Why `passwd` could not be read, if so.
    trouble: Option<Unknown>,
    live: bool,
}

impl AccountBook {
    /// Reads `/etc/passwd` and `/etc/group`. Where they cannot be read, accounts are numbers and names are unknown.
    pub fn read(source: &dyn Source) -> Self {
        let text = |path: &str| read_text(source, Path::new(path), MOST_BYTES, Reader::Own);
        let (passwd, trouble) = match text("/etc/passwd") {
            Ok(text) => (text, None),
            // An image without passwd (distroless, a volume): every account is a number.
            Err(ReadError::NotFound) => (String::new(), None),
            Err(error) => (String::new(), Some(error.unknown(Path::new("/etc/passwd")))),
        };
        let groups = text("/etc/group").unwrap_or_default();
        Self { accounts: parse(&passwd, &groups), trouble, live: source.is_live() }
    }

    /// The account of a uid. One that nobody knows by name is a bare number with no groups but its own.
    pub fn by_uid(&self, uid: u32) -> (Account, AccountFrom) {
        if let Some(account) = self.accounts.iter().find(|account| account.uid == uid) {
            return (account.clone(), AccountFrom::Passwd);
        }
        if let Some(account) = self.live.then(|| name_service::by_uid(uid)).flatten() {
            return (account, AccountFrom::NameService);
        }
        (Account { uid, gid: uid, groups: vec![uid], name: None, home: None }, AccountFrom::Number)
    }

    /// The accounts that `passwd` lists.
    pub fn listed(&self) -> &[Account] {
        &self.accounts
    }

    /// The account of a name, or of a number in text form, as `User=` and `--user` have it.
    pub fn resolve(&self, text: &str) -> Fact<Account> {
        if let Some(account) = self.accounts.iter().find(|account| account.name.as_deref() == Some(text)) {
            return Fact::Known(account.clone());
        }
        if let Ok(uid) = text.parse() {
            return Fact::Known(self.by_uid(uid).0);
        }
        if let Some(account) = self.live.then(|| name_service::by_name(text)).flatten() {
            return Fact::Known(account);
        }
        match &self.trouble {
            Some(why) => Fact::Unknown(why.clone()),
            None => Fact::Absent,
        }
    }

    /// Accounts with a home directory that exists, root's included: first those of `passwd`, then directories under
    /// `/home` and the like that belong to somebody else. Homes that several accounts share count once.
    pub fn homes(&self, source: &dyn Source) -> Vec<Account> {
        let mut seen = BTreeSet::new();
        let mut homes = Vec::new();
        for account in &self.accounts {
            let Some(home) = &account.home else { continue };
            if homes.len() < MOST_HOMES && is_home(source, home, account.uid) && seen.insert(home.clone()) {
                homes.push(account.clone());
            }
        }
        for parent in HOME_PARENTS {
            let Ok(listing) = source.list(Path::new(parent), MOST_HOMES) else { continue };
            for name in listing.names {
                let home = Path::new(parent).join(name);
                let Ok(meta) = source.metadata(&home) else { continue };
                if meta.kind != EntryKind::Directory || homes.len() >= MOST_HOMES || !seen.insert(home.clone()) {
                    continue;
                }
                // An owner that has its home elsewhere (root after `chown -R`, a shared disk) is no reason to skip it.
                let (mut account, _) = self.by_uid(meta.uid);
                account.home = Some(home);
                homes.push(account);
            }
        }
        homes
    }

    /// Whether an account's user services run without a login.
    pub fn linger(&self, source: &dyn Source, account: &Account) -> Fact<bool> {
        let Some(name) = &account.name else {
            return Fact::unknown(UnknownKind::Unsupported, format!("account {} has no name here", account.uid));
        };
        let path = Path::new("/var/lib/systemd/linger").join(name);
        match source.metadata(&path) {
            Ok(_) => Fact::Known(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
            Err(error) => Fact::Unknown(Unknown::from_io(format!("look at {}", path.display()), &error)),
        }
    }

    /// Who called, and the accounts of the given uids.
    pub fn facts(&self, source: &dyn Source, uids: impl IntoIterator<Item = u32>) -> AccountFacts {
        let uids: BTreeSet<u32> = uids.into_iter().collect();
        let accounts = uids.into_iter().map(|uid| {
            let (account, from) = self.by_uid(uid);
            KnownAccount { linger: self.linger(source, &account), account, from }
        });
        AccountFacts { caller: self.caller(|name| std::env::var(name).ok()), accounts: accounts.collect() }
    }

    /// Who called, from the process and its environment. The variables of sudo and its kind are believed only where the
    /// process has root's rights: anybody can set them.
    pub fn caller(&self, variable: impl Fn(&str) -> Option<String>) -> Caller {
        let uid = rustix::process::getuid().as_raw();
        let euid = rustix::process::geteuid().as_raw();
        let home = variable("HOME").filter(|home| home.starts_with('/')).map(|home| HostPath::new(PathBuf::from(home)));
        let behind = (euid == 0).then(|| self.behind(&variable)).flatten();
        Caller { uid, euid, gid: rustix::process::getgid().as_raw(), home, behind }
    }

    fn behind(&self, variable: &impl Fn(&str) -> Option<String>) -> Option<Behind> {
        for name in ["SUDO_UID", "PKEXEC_UID"] {
            if let Some(uid) = variable(name).and_then(|text| text.parse().ok()) {
                return Some(Behind { uid, name: self.by_uid(uid).0.name, from: name.to_owned() });
            }
        }
        for name in ["SUDO_USER", "DOAS_USER"] {
            if let Some(Fact::Known(account)) = variable(name).map(|text| self.resolve(&text)) {
                return Some(Behind { uid: account.uid, name: account.name, from: name.to_owned() });
            }
        }
        None
    }
}

/// A directory that is its account's own, or that lies where homes are.
fn is_home(source: &dyn Source, home: &Path, uid: u32) -> bool {
    let Ok(meta) = source.metadata_following(home) else { return false };
    let usual = home == Path::new("/root")
        || HOME_PARENTS.iter().any(|parent| home.parent().is_some_and(|above| above == Path::new(parent)));
    meta.kind == EntryKind::Directory && home != Path::new("/") && (meta.uid == uid && home.parent().is_some() || usual)
}

/// Accounts with their groups. Lines that are no accounts (NIS `+`, comments, wrong numbers) are left out; of several
/// accounts with one uid the first counts, as for the C library.
fn parse(passwd: &str, group: &str) -> Vec<Account> {
    let memberships: Vec<(u32, Vec<&str>)> = group.lines().filter_map(parse_group).collect();
    passwd
        .lines()
        .filter(|line| !line.starts_with(['+', '-', '#']))
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid: u32 = fields.next()?.parse().ok()?;
            let home = fields.nth(1).filter(|home| home.starts_with('/')).map(PathBuf::from);
            let mut groups = vec![gid];
            let others = memberships.iter().filter(|(_, members)| members.contains(&name)).map(|(gid, _)| *gid);
            groups.extend(others.filter(|other| *other != gid));
            Some(Account { uid, gid, groups, name: Some(name.to_owned()), home })
        })
        .collect()
}

fn parse_group(line: &str) -> Option<(u32, Vec<&str>)> {
    let mut fields = line.split(':');
    let gid = fields.nth(2)?.parse().ok()?;
    let members = fields.next().unwrap_or_default().split(',').filter(|name| !name.is_empty()).collect();
    Some((gid, members))
}

/// LDAP, NIS, systemd-homed, macOS Directory Services: through the C library.
mod name_service {
    use crate::model::file::Account;
    use nix::unistd::{Uid, User};

    pub(super) fn by_uid(uid: u32) -> Option<Account> {
        User::from_uid(Uid::from_raw(uid)).ok().flatten().map(account)
    }

    pub(super) fn by_name(name: &str) -> Option<Account> {
        User::from_name(name).ok().flatten().map(account)
    }

    fn account(user: User) -> Account {
        let gid = user.gid.as_raw();
        Account { uid: user.uid.as_raw(), gid, groups: groups(&user), name: Some(user.name), home: Some(user.dir) }
    }

    #[cfg(target_os = "linux")]
    fn groups(user: &User) -> Vec<u32> {
        std::ffi::CString::new(user.name.as_str())
            .ok()
            .and_then(|name| nix::unistd::getgrouplist(&name, user.gid).ok())
            .map_or_else(
                || vec![user.gid.as_raw()],
                |groups| groups.into_iter().map(nix::unistd::Gid::as_raw).collect(),
            )
    }

    #[cfg(not(target_os = "linux"))]
    fn groups(user: &User) -> Vec<u32> {
        vec![user.gid.as_raw()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n+nis::::::\nbroken\nclaw:x:1001:1001::/home/claw:/bin/sh\n\
                          svc:x:998:998::/var/lib/openclaw:/usr/sbin/nologin\nbad:x:minus:1::/home/bad:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nclaw:x:1001:\ndocker:x:990:claw,other\nempty:x:991:\n";

    fn tree(passwd: &str) -> (tempfile::TempDir, LiveSource) {
        let directory = tempfile::tempdir().expect("a directory");
        for sub in ["etc", "home/claw", "home/stranger", "var/lib/systemd/linger", "var/lib/openclaw"] {
            std::fs::create_dir_all(directory.path().join(sub)).expect("makes");
        }
        std::fs::write(directory.path().join("etc/passwd"), passwd).expect("writes");
        std::fs::write(directory.path().join("etc/group"), GROUP).expect("writes");
        std::fs::write(directory.path().join("var/lib/systemd/linger/claw"), "").expect("writes");
        let source = LiveSource::below(directory.path()).expect("opens");
        (directory, source)
    }

    #[test]
    fn accounts_are_read_with_groups_and_odd_lines_are_left_out() {
        let accounts = parse(PASSWD, GROUP);
        let names: Vec<_> = accounts.iter().filter_map(|account| account.name.as_deref()).collect();
        assert_eq!(names, ["root", "claw", "svc"]);
        assert_eq!(accounts[1].groups, [1001, 990]);
    }

    #[test]
    fn below_a_root_only_its_own_accounts_count() {
        let (_keep, source) = tree(PASSWD);
        let book = AccountBook::read(&source);
        assert_eq!(book.resolve("claw").known().map(|account| account.uid), Some(1001));
        assert_eq!(book.resolve("998").known().and_then(|account| account.name.clone()), Some("svc".into()));
        assert!(book.resolve("daemon").is_absent());
        assert_eq!(book.by_uid(4242).1, AccountFrom::Number);
        let claw = book.by_uid(1001).0;
        assert_eq!(book.linger(&source, &claw), Fact::Known(true));
        assert_eq!(book.linger(&source, &book.by_uid(998).0), Fact::Absent);
    }

    #[test]
    fn homes_include_those_without_an_account() {
        let (keep, source) = tree(PASSWD);
        let homes: Vec<_> =
            AccountBook::read(&source).homes(&source).into_iter().filter_map(|home| home.home).collect();
        assert!(homes.contains(&PathBuf::from("/home/claw")) && homes.contains(&PathBuf::from("/home/stranger")));
        drop(keep);
    }

    #[test]
    fn sudo_variables_are_believed_only_by_root() {
        let (_keep, source) = tree(PASSWD);
        let book = AccountBook::read(&source);
        let caller = book.caller(|name| (name == "SUDO_UID").then(|| "1001".to_owned()));
        let expected = rustix::process::geteuid().is_root().then(|| "claw".to_owned());
        assert_eq!(caller.behind.and_then(|behind| behind.name), expected);
    }

    #[test]
    fn a_missing_passwd_makes_numbers() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = LiveSource::below(directory.path()).expect("opens");
        let book = AccountBook::read(&source);
        assert_eq!(book.resolve("1000").known().map(|account| account.uid), Some(1000));
        assert!(book.resolve("claw").is_absent());
    }
}
