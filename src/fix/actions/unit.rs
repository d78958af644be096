//! One unit at a time, through its own manager. Unit names are checked, programs are run by absolute path without a
//! shell, and a user's manager is asked as that user.

use super::{Deed, Hands};
use crate::collect::source::Account;
use crate::fix::error::{FixError, Result};
use crate::fix::journal::Ledger;
use crate::fix::machine::{self, Machine, Program, Said};
use crate::fix::op::{After, Intent, Op, UnitChange, UnitState};
use crate::model::Manager;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where systemd's and launchd's own commands are.
const SYSTEMCTL: &[&str] = &["/usr/bin/systemctl", "/bin/systemctl", "/run/current-system/sw/bin/systemctl"];
const LAUNCHCTL: &[&str] = &["/bin/launchctl"];

/// A stop may take systemd's default of 90 s until it kills.
const LIMIT: Duration = Duration::from_secs(120);
/// How long a started unit may take until its manager calls it active.
const START_LIMIT: Duration = Duration::from_secs(30);

impl Hands<'_> {
    pub(super) fn unit(&self, ledger: &mut Ledger, op: &Op) -> Result<Deed> {
        let (manager, unit, change, before) = match op {
            Op::Unit { manager, unit, change, before } => (manager, unit, *change, Some(before)),
            Op::Gateway { manager, unit, change } => (manager, unit, *change, None),
            _ => return Err(FixError::journal("no operation on a unit")),
        };
        self.machine.must_be_live(&format!("systemctl {} {unit}", change.word()))?;
        let account = &self.access.walker.actor.account;
        let now = state(self.machine, manager, unit, account)?;
        if let Some(before) = before
            && (now.fragment != before.fragment || now.enabled != before.enabled || now.runs() != before.runs())
        {
            return Err(FixError::Stale {
                what: format!("unit {unit} is {now}; when the plan was made it was {before}"),
            });
        }
        let intent = Intent { op: op.clone(), kept: Vec::new(), temporary: None, dir_mtime: None };
        self.journalled(ledger, intent, None, || {
            // What the manager says counts, not how the program ended that asked it: that may have been killed meanwhile.
            let failed = apply(manager, unit, change, &now, account).err();
            let accepted = failed.is_none();
            match settled(self.machine, manager, unit, account, change, failed) {
                Ok(after) => Ok(After { unit: Some(after), ..After::default() }),
                Err(error) => {
                    // An error has to leave things as they were.
                    if let Some(back) = change.inverse().filter(|_| accepted) {
                        let _ = apply(manager, unit, back, &now, account);
                    }
                    Err(error)
                }
            }
        })
    }
}

impl UnitState {
    /// Whether its processes run or are being started.
    pub fn runs(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "refreshing" | "running")
    }

    /// Whether it starts by itself.
    pub fn starts_by_itself(&self) -> bool {
        matches!(self.enabled.as_str(), "enabled" | "enabled-runtime" | "linked" | "linked-runtime" | "alias")
    }
}

impl std::fmt::Display for UnitState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        write!(f, "{}, {}", word(&self.enabled), word(&self.active))
    }
}

/// What a unit's manager says of it.
///
/// # Errors
/// Where the name is no unit's, the manager cannot be reached, or does not know the unit.
pub fn state(machine: &Machine, manager: &Manager, unit: &str, account: &Account) -> Result<UnitState> {
    machine.must_be_live(&format!("asking for {unit}"))?;
    check_name(manager, unit)?;
    let args = match manager {
        Manager::Launchd { domain } => vec!["print".to_owned(), format!("{domain}/{unit}")],
        _ => systemctl_args(
            manager,
            &["show", "--property=LoadState,ActiveState,UnitFileState,FragmentPath,MainPID", "--", unit],
        ),
    };
    let said = manage(manager, account, args)?;
    if said.code != Some(0) {
        return Err(command_failed(manager, "show", unit, &said));
    }
    if matches!(manager, Manager::Launchd { .. }) {
        return Ok(read_launchd(&said.out));
    }
    let (load, state) = read_systemd(&said.out);
    if load == "not-found" {
        return Err(FixError::Stale { what: format!("unit {unit} is not known to its manager any more") });
    }
    Ok(state)
}

/// Waits until the manager shows what was asked for; where asking `failed`, only as long as the unit is on its way.
fn settled(
    machine: &Machine,
    manager: &Manager,
    unit: &str,
    account: &Account,
    change: UnitChange,
    mut failed: Option<FixError>,
) -> Result<UnitState> {
    let end = Instant::now() + START_LIMIT;
    loop {
        let now = state(machine, manager, unit, account)?;
        let there = match change {
            UnitChange::Start => now.active == "active" || now.active == "running",
            UnitChange::Stop => !now.runs() && now.active != "deactivating",
            UnitChange::Mask => now.enabled.starts_with("masked"),
            UnitChange::Disable => !now.starts_by_itself(),
            UnitChange::Enable => now.starts_by_itself(),
            UnitChange::Unmask => !now.enabled.starts_with("masked"),
            UnitChange::ResetFailed => now.active != "failed",
        };
        if there {
            return Ok(now);
        }
        let on_its_way = matches!(now.active.as_str(), "activating" | "deactivating" | "reloading" | "refreshing");
        if let Some(error) = failed.take_if(|_| !on_its_way) {
            return Err(error);
        }
        if Instant::now() >= end {
            let what = format!("`{}` of unit {unit} was accepted, but the unit is {now}", change.word());
            return Err(FixError::Command { what });
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn apply(manager: &Manager, unit: &str, change: UnitChange, now: &UnitState, account: &Account) -> Result<()> {
    let args = match manager {
        Manager::Launchd { domain } => launchctl_args(domain, unit, change, &now.fragment)?,
        _ => systemctl_args(manager, &[change.word(), "--", unit]),
    };
    let said = manage(manager, account, args)?;
    if said.code == Some(0) { Ok(()) } else { Err(command_failed(manager, change.word(), unit, &said)) }
}

/// The arguments of `systemctl`.
fn systemctl_args(manager: &Manager, args: &[&str]) -> Vec<String> {
    let scope = if matches!(manager, Manager::SystemdSystem) { "--system" } else { "--user" };
    ["--no-pager", "--no-ask-password", scope].iter().chain(args).map(|arg| (*arg).to_owned()).collect()
}

/// The arguments of `launchctl` (launchd 2: `bootout` and `bootstrap` instead of `unload` and `load`).
fn launchctl_args(domain: &str, label: &str, change: UnitChange, plist: &str) -> Result<Vec<String>> {
    let target = format!("{domain}/{label}");
    Ok(match change {
        UnitChange::Stop => vec!["bootout".to_owned(), target],
        UnitChange::Disable | UnitChange::Mask => vec!["disable".to_owned(), target],
        UnitChange::Enable | UnitChange::Unmask => vec!["enable".to_owned(), target],
        UnitChange::Start if !plist.is_empty() => vec!["bootstrap".to_owned(), domain.to_owned(), plist.to_owned()],
        UnitChange::Start => return Err(FixError::no(format!("launchd does not say which file defines {label}"))),
        UnitChange::ResetFailed => return Err(FixError::no("launchd keeps no failed state")),
    })
}

fn manage(manager: &Manager, account: &Account, args: Vec<String>) -> Result<Said> {
    let me = rustix::process::geteuid().as_raw();
    let (programs, runtime, whose) = match manager {
        Manager::SystemdSystem if me != 0 => {
            return Err(FixError::NeedsRoot { what: "the system's service manager".to_owned() });
        }
        Manager::SystemdSystem => (SYSTEMCTL, None, None),
        Manager::SystemdUser { uid } => {
            let own = if me == 0 { account.uid } else { me };
            if *uid != own {
                return Err(FixError::NeedsRoot { what: format!("the service manager of uid {uid}") });
            }
            (SYSTEMCTL, Some(format!("/run/user/{uid}")), (me == 0).then_some(account))
        }
        Manager::Launchd { .. } if cfg!(target_os = "macos") => (LAUNCHCTL, None, None),
        Manager::Launchd { .. } => return Err(FixError::no("launchd is there on macOS only")),
    };
    let mut env: Vec<(&'static str, OsString)> = vec![("PATH", "/usr/bin:/bin".into()), ("LC_ALL", "C".into())];
    if let Some(runtime) = runtime {
        if !Path::new(&runtime).is_dir() {
            return Err(FixError::no(format!(
                "{runtime} is not there, so no service manager runs for that account; log in as it, or enable lingering"
            )));
        }
        env.push(("XDG_RUNTIME_DIR", runtime.into()));
    }
    let path = machine::find_program(programs)?;
    let args = args.into_iter().map(OsString::from).collect();
    machine::run(Program { path, args, env, account: whose, input: Vec::new(), limit: LIMIT })
}

fn command_failed(manager: &Manager, word: &str, unit: &str, said: &Said) -> FixError {
    let program = if matches!(manager, Manager::Launchd { .. }) { "launchctl" } else { "systemctl" };
    let text = said.err.lines().next().unwrap_or_default();
    let code = said.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit {code}"));
    FixError::Command { what: format!("{program} {word} {unit}: {code}: {}", text.escape_debug()) }
}

/// Names as systemd (`[A-Za-z0-9:_.\-@]`, with a known suffix) and launchd (reverse DNS) allow them.
fn check_name(manager: &Manager, unit: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '-' | '@' | '\\');
    let suffix = match manager {
        Manager::Launchd { .. } => true,
        _ => [".service", ".socket", ".timer", ".path"].iter().any(|suffix| unit.ends_with(suffix)),
    };
    let fits = !unit.is_empty() && unit.len() <= 255 && !unit.starts_with(['-', '.']) && unit.chars().all(good);
    let domain = match manager {
        Manager::Launchd { domain } => {
            domain == "system"
                || domain.split_once('/').is_some_and(|(kind, uid)| {
                    matches!(kind, "gui" | "user") && !uid.is_empty() && uid.chars().all(|c| c.is_ascii_digit())
                })
        }
        _ => true,
    };
    if fits && suffix && domain {
        Ok(())
    } else {
        Err(FixError::no(format!("`{}` is no name of a unit", unit.escape_debug())))
    }
}

fn read_systemd(text: &str) -> (String, UnitState) {
    let mut load = String::new();
    let mut state = UnitState::default();
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        match key {
            "LoadState" => load = value.to_owned(),
            "ActiveState" => state.active = value.to_owned(),
            "UnitFileState" => state.enabled = value.to_owned(),
            "FragmentPath" => state.fragment = value.to_owned(),
            "MainPID" => state.main_pid = value.parse().unwrap_or_default(),
            _ => {}
        }
    }
    (load, state)
}

/// `launchctl print` has lines such as `state = running`, `path = /…/x.plist`, `pid = 123` at the first level.
fn read_launchd(text: &str) -> UnitState {
    let mut state = UnitState { enabled: "enabled".to_owned(), ..UnitState::default() };
    for line in text.lines().filter(|line| line.starts_with('\t') && !line.starts_with("\t\t")) {
        match line.trim().split_once(" = ") {
            Some(("state", value)) => state.active = value.to_owned(),
            Some(("path", value)) => state.fragment = value.to_owned(),
            Some(("pid", value)) => state.main_pid = value.parse().unwrap_or_default(),
            _ => {}
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_units_are_taken() {
        let system = Manager::SystemdSystem;
        assert!(check_name(&system, "openclaw-gateway.service").is_ok());
        assert!(check_name(&system, "openclaw-gateway@work.service").is_ok());
        for bad in
            ["", "--now", "openclaw-gateway", "a b.service", "x;y.service", "../x.service", "-x.service", "x\n.service"]
        {
            assert!(check_name(&system, bad).is_err(), "{bad:?}");
        }
        let gui = |domain: &str| Manager::Launchd { domain: domain.to_owned() };
        assert!(check_name(&gui("gui/501"), "ai.openclaw.gateway").is_ok());
        assert!(check_name(&gui("gui/../system"), "ai.openclaw.gateway").is_err());
    }

    #[test]
    fn launchd_is_told_to_boot_out_and_to_bootstrap() {
        let args =
            |change| launchctl_args("gui/501", "ai.clawdbot.gateway", change, "/Users/u/x.plist").expect("arguments");
        assert_eq!(args(UnitChange::Stop), ["bootout", "gui/501/ai.clawdbot.gateway"]);
        assert_eq!(args(UnitChange::Disable), ["disable", "gui/501/ai.clawdbot.gateway"]);
        assert_eq!(args(UnitChange::Start), ["bootstrap", "gui/501", "/Users/u/x.plist"]);
        assert!(launchctl_args("gui/501", "x", UnitChange::Start, "").is_err());
    }

    #[test]
    fn what_managers_print_is_understood() {
        let (load, state) = read_systemd(
            "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nFragmentPath=/home/claw/x.service\nMainPID=42\n",
        );
        assert_eq!((load.as_str(), state.main_pid, state.runs(), state.starts_by_itself()), ("loaded", 42, true, true));
        let state = read_launchd(
            "gui/501/x = {\n\tactive count = 1\n\tpath = /Users/u/x.plist\n\tstate = running\n\n\tpid = 7\n\tendpoints = {\n\t\tstate = x\n\t}\n}\n",
        );
        assert_eq!((state.fragment.as_str(), state.main_pid, state.runs()), ("/Users/u/x.plist", 7, true));
    }
}
