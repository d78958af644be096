//! Asks a running systemd for the state of units. The only program that the doctor runs while it collects is
//! `/usr/bin/systemctl` (`/bin/launchctl` on a Mac), with `show`, which changes nothing; for another account's manager it
//! runs with that account's rights.

use super::query;
use crate::collect::source::Source;
use crate::model::file::Account;
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::service::UnitState;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Where distributions have it. `/bin` is a link to `/usr/bin` or the older place.
const SYSTEMCTL: &[&str] = &["/usr/bin/systemctl", "/bin/systemctl"];

/// What is asked for.
const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainStatus,ExecMainCode,\
                          UnitFileState,NeedDaemonReload,ControlGroup,FragmentPath,DropInPaths,\
                          ActiveEnterTimestampMonotonic,StateChangeTimestampMonotonic";

/// The state of units as their manager tells it, in the order of `units`. `Absent` where the manager is proven not to
/// run; a unit that the manager does not know has the load state `not-found`.
pub fn states(
    source: &dyn Source,
    manager: &Manager,
    account: Option<&Account>,
    units: &[String],
) -> Fact<Vec<UnitState>> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    if let Some(other) = reachable(source, manager, account) {
        return other;
    }
    let mut command = match command(source, manager, account) {
        Ok(command) => command,
        Err(why) => return Fact::Unknown(why),
    };
    command.arg("show").arg(format!("--property={PROPERTIES}")).arg("--").args(units);
    match query::run(&mut command) {
        Ok(text) => parsed(&text, units.len()),
        Err(why) => Fact::Unknown(why),
    }
}

/// Why the manager cannot be asked, without trying: it does not run, or it is another account's.
fn reachable(source: &dyn Source, manager: &Manager, account: Option<&Account>) -> Option<Fact<Vec<UnitState>>> {
    let place = match manager {
        Manager::SystemdSystem => "/run/systemd/system".to_owned(),
        Manager::SystemdUser { uid } => format!("/run/user/{uid}/systemd"),
        Manager::Launchd { .. } => return Some(Fact::unknown(UnknownKind::Unsupported, "launchd is no systemd")),
    };
    let caller = rustix::process::geteuid();
    match source.metadata(Path::new(&place)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Fact::Absent),
        Err(error) => return Some(Fact::Unknown(Unknown::from_io(format!("look at {place}"), &error))),
    }
    let uid = account.map(|account| account.uid);
    if uid.is_some_and(|uid| !caller.is_root() && caller.as_raw() != uid) {
        let why =
            format!("the user manager of uid {} answers only to that account and to root", uid.unwrap_or_default());
        return Some(Fact::unknown(UnknownKind::NoPermission, why));
    }
    None
}

/// `systemctl` by absolute path, as the account, with nothing of the caller's environment.
fn command(source: &dyn Source, manager: &Manager, account: Option<&Account>) -> Result<Command, Unknown> {
    let mut command = query::program(source, SYSTEMCTL)?;
    command.args(["--no-pager", "--no-ask-password"]);
    if let (Manager::SystemdUser { uid }, Some(account)) = (manager, account) {
        command.arg("--user");
        command.env("XDG_RUNTIME_DIR", format!("/run/user/{uid}"));
        if rustix::process::geteuid().is_root() && account.uid != 0 {
            // std drops the supplementary groups too when a privileged process sets another uid.
            command.uid(account.uid).gid(account.gid);
        }
    }
    Ok(command)
}

/// The blocks of `systemctl show`, one per unit, separated by blank lines.
fn parsed(text: &str, expected: usize) -> Fact<Vec<UnitState>> {
    let boot = boot_time();
    let states: Vec<UnitState> =
        text.trim().split("\n\n").filter(|block| !block.trim().is_empty()).map(|block| state(block, boot)).collect();
    if states.len() == expected {
        Fact::Known(states)
    } else {
        let why = format!("systemctl described {} units instead of {expected}", states.len());
        Fact::unknown(UnknownKind::Malformed, why)
    }
}

/// One block. Unknown properties are left out by older systemd versions.
fn state(block: &str, boot: Option<jiff::Timestamp>) -> UnitState {
    let mut state = UnitState::default();
    let since_boot = |value: &str| {
        let micros: i64 = value.parse().ok().filter(|micros| *micros > 0)?;
        boot?.checked_add(jiff::SignedDuration::from_micros(micros)).ok()
    };
    for (key, value) in block.lines().filter_map(|line| line.split_once('=')) {
        match key {
            "LoadState" => state.load = value.to_owned(),
            "ActiveState" => state.active = value.to_owned(),
            "SubState" => state.sub = value.to_owned(),
            "Result" => state.result = value.to_owned(),
            "MainPID" => state.main_pid = value.parse().ok().filter(|pid| *pid != 0),
            "NRestarts" => state.n_restarts = value.parse().ok(),
            "ExecMainStatus" => state.exec_main_status = value.parse().ok(),
            "ExecMainCode" => state.exec_main_code = value.parse().ok(),
            "UnitFileState" => state.unit_file_state = value.to_owned(),
            "NeedDaemonReload" => state.need_daemon_reload = Some(value == "yes"),
            "ControlGroup" => state.control_group = Some(value.to_owned()).filter(|path| !path.is_empty()),
            "FragmentPath" => state.fragment_path = Some(value).filter(|path| !path.is_empty()).map(HostPath::from),
            "DropInPaths" => state.drop_in_paths = value.split_whitespace().map(HostPath::from).collect(),
            "ActiveEnterTimestampMonotonic" => state.active_since = since_boot(value),
            "StateChangeTimestampMonotonic" => state.changed = since_boot(value),
            _ => {}
        }
    }
    state
}

#[cfg(target_os = "linux")]
fn boot_time() -> Option<jiff::Timestamp> {
    let seconds = procfs::boot_time_secs().ok()?;
    jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(not(target_os = "linux"))]
fn boot_time() -> Option<jiff::Timestamp> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    #[test]
    fn blocks_are_read_and_counted() {
        let text = "Id=a.service\nLoadState=loaded\nActiveState=failed\nResult=start-limit-hit\nMainPID=0\nNRestarts=5\n\
                    DropInPaths=/a/x.conf /a/y.conf\n\nId=b.service\nLoadState=not-found\nActiveState=inactive\n";
        let states = parsed(text, 2);
        let states = states.known().expect("two states");
        assert!(states[0].start_limit_hit() && states[0].main_pid.is_none() && states[0].n_restarts == Some(5));
        assert_eq!(states[0].drop_in_paths.len(), 2);
        assert_eq!(states[1].load, "not-found");
        assert!(parsed(text, 3).why_unknown().is_some());
    }

    /// Captured from systemd 252 after a unit ran into its start limit, another exited with 78, a third runs.
    #[test]
    fn a_real_answer_is_read() {
        let text = include_str!("../../../fixtures/units/show-states.txt");
        let states = parsed(text, 5);
        let states = states.known().expect("five states");
        let shown: Vec<_> = states.iter().map(|s| (s.load.as_str(), s.active.as_str(), s.exec_main_status)).collect();
        assert_eq!(
            shown,
            [
                ("loaded", "failed", Some(1)),
                ("loaded", "failed", Some(78)),
                ("loaded", "active", Some(0)),
                ("masked", "inactive", Some(0)),
                ("not-found", "inactive", Some(0)),
            ]
        );
        assert_eq!(states[0].n_restarts, Some(3));
        assert!(states[2].is_up() && states[2].main_pid == Some(18849) && states[2].changed.is_some());
    }

    #[test]
    fn below_a_root_no_manager_is_asked() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = LiveSource::below(directory.path()).expect("opens");
        let asked = states(&source, &Manager::SystemdSystem, None, &["a.service".to_owned()]);
        assert_eq!(asked.why_unknown().map(|why| why.kind), Some(UnknownKind::OfflineRoot));
    }
}
