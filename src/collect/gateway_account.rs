//! Which account the gateway is meant to run as (design "Facts"). A gateway that runs as somebody else is evidence,
//! never the answer; ownership is never given to root by inference.

use super::accounts::AccountBook;
use super::discover::Candidate;
use super::source::{Account, Source};
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath, UnknownKind};
use crate::snapshot::installation::{AccountFrom, GatewayAccount, Installation};
use crate::snapshot::service::{ServiceFacts, ServiceUnit};
use std::path::Path;

/// What Linux shows for owners that have no number in this user namespace (the default of
/// `/proc/sys/kernel/overflowuid`). It is nobody's account, least of all the gateway's.
const UNMAPPED: u32 = 65_534;

/// Derives the account of a candidate.
pub fn derive(
    source: &dyn Source,
    accounts: &AccountBook,
    candidate: &Candidate,
    services: Option<&ServiceFacts>,
    sudo_uid: Option<u32>,
    option: Option<&Account>,
) -> Fact<GatewayAccount> {
    let known = |account: Account, from| Fact::Known(GatewayAccount { account, from });
    if let Some(account) = option {
        return known(account.clone(), AccountFrom::Option);
    }
    let mut by_units: Vec<Account> = Vec::new();
    for unit in services.into_iter().flat_map(ServiceFacts::gateways).filter(|unit| serves(unit, candidate)) {
        if let Some(account) = unit_account(accounts, unit)
            && !by_units.iter().any(|other| other.uid == account.uid)
        {
            by_units.push(account);
        }
    }
    let home = home_account(source, accounts, candidate);
    match by_units.as_slice() {
        [account] => return known(account.clone(), AccountFrom::Unit),
        [] => {}
        several => {
            // A rogue unit of root's must not decide over the home's own account.
            if let Some(account) =
                several.iter().find(|account| home.as_ref().is_some_and(|home| home.uid == account.uid))
            {
                return known(account.clone(), AccountFrom::Unit);
            }
            return Fact::unknown(UnknownKind::Failed, "units name different accounts for it; say which with --user");
        }
    }
    let sudo = sudo_uid.filter(|uid| *uid != 0).map(|uid| accounts.by_uid(uid).0);
    if let Some(account) = sudo
        && account.home.as_deref().is_some_and(|home| candidate.state_dir.starts_with(home))
    {
        return known(account, AccountFrom::Sudo);
    }
    match home {
        Some(account) => known(account, AccountFrom::Home),
        None => Fact::unknown(
            UnknownKind::Failed,
            format!(
                "no unit, home or owner of {} tells it; say it with --user",
                HostPath::from(candidate.state_dir.as_path())
            ),
        ),
    }
}

/// The account of an owner; a bare number keeps the group that the entry shows.
fn bare(accounts: &AccountBook, uid: u32, gid: u32) -> Account {
    let (account, from) = accounts.by_uid(uid);
    if from == crate::snapshot::account::AccountFrom::Number {
        return Account { gid, groups: vec![gid], ..account };
    }
    account
}

/// Whether a unit would start a gateway on this state directory.
pub fn serves(unit: &ServiceUnit, candidate: &Candidate) -> bool {
    starts_on(unit, &candidate.state_dir, candidate.home.as_deref(), candidate.profile.as_deref())
}

/// The same for an installation.
pub fn works_on(unit: &ServiceUnit, installation: &Installation) -> bool {
    let home = installation.home.as_ref().map(HostPath::as_path);
    starts_on(unit, installation.state_dir.as_path(), home, installation.profile.as_deref())
}

fn starts_on(unit: &ServiceUnit, state_dir: &Path, own_home: Option<&Path>, profile: Option<&str>) -> bool {
    let state = unit.state_dir.as_ref().map(|state| state.value.as_path());
    let home = unit.home.as_ref().map(|home| home.value.as_path());
    match (state, home) {
        (Some(state), _) => state == state_dir,
        (None, Some(home)) => own_home == Some(home) && profile == unit.profile.as_deref(),
        (None, None) => {
            let in_home = own_home.is_some_and(|home| unit.path.as_path().starts_with(home));
            in_home && profile == unit.profile.as_deref()
        }
    }
}

/// `User=` of a system unit, or the owner of the home that holds a user unit.
pub fn unit_account(accounts: &AccountBook, unit: &ServiceUnit) -> Option<Account> {
    match (&unit.manager, &unit.user) {
        (Manager::SystemdUser { uid }, _) => Some(accounts.by_uid(*uid).0),
        (_, Some(user)) => accounts.resolve(&user.value).known().cloned(),
        (Manager::SystemdSystem | Manager::Launchd { .. }, None) => {
            unit.home_owner.map(|owner| accounts.by_uid(owner).0)
        }
    }
}

/// The owner of the home that holds the state; for a state directory outside every home the owner of that directory.
fn home_account(source: &dyn Source, accounts: &AccountBook, candidate: &Candidate) -> Option<Account> {
    let by_passwd = |home: &Path| accounts.listed().iter().find(|account| account.home.as_deref() == Some(home));
    if let Some(home) = candidate.home.as_deref() {
        // The whole home may have been given to root by mistake: passwd still knows whose it is. A volume's own top
        // directory, in a container without that account, says less than the state in it.
        return by_passwd(home)
            .cloned()
            .or_else(|| owner(source, accounts, home))
            .or_else(|| owner(source, accounts, &candidate.state_dir));
    }
    let inside = accounts
        .listed()
        .iter()
        .filter(|account| {
            account.home.as_deref().is_some_and(|home| home != Path::new("/") && candidate.state_dir.starts_with(home))
        })
        .max_by_key(|account| account.home.as_ref().map(|home| home.as_os_str().len()));
    if let Some(account) = inside {
        return Some(account.clone());
    }
    owner(source, accounts, &candidate.state_dir)
}

/// Whose a directory is, unless it is root's or nobody's.
fn owner(source: &dyn Source, accounts: &AccountBook, path: &Path) -> Option<Account> {
    let owner = source.metadata_following(path).ok()?;
    (owner.uid != 0 && owner.uid != UNMAPPED).then(|| bare(accounts, owner.uid, owner.gid))
}
