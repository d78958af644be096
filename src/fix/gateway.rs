//! Stopping the gateway around a plan, through its own supervisor, and restoring exactly what was running.

use super::actions::Deed;
use super::actions::Hands;
use super::error::{FixError, Result};
use super::journal::Ledger;
use super::op::{Op, Task, UnitChange};
use super::rights::Actor;
use super::run::{Own, perform};
use super::world::{Gateway, Host};
use crate::model::Manager;
use std::time::{Duration, Instant};

/// How long a stopped gateway may take until nothing of it is seen any more.
const GONE_LIMIT: Duration = Duration::from_secs(30);

/// What is owed to the host after the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stopped {
    /// The unit that ran and has to run again.
    pub restore: Option<(Manager, String)>,
    /// What only a person can start again.
    pub by_hand: Option<String>,
}

/// What stopping will mean, in words, before anybody confirms; or why it cannot be done.
///
/// # Errors
/// Where it is unknown whether a gateway runs.
pub fn announce(gateway: &Gateway) -> Result<String> {
    Ok(match gateway {
        Gateway::Stopped => "the gateway is stopped and stays so".to_owned(),
        Gateway::Unit { unit, .. } => format!("unit {unit} is stopped first and started again afterwards"),
        Gateway::Loose { process, start } => format!(
            "the gateway (process {}) was not started by a service manager: it is ended first, and openclaw-doctor cannot \
             start it again; start it with: {start}",
            process.pid
        ),
        Gateway::Offline => {
            "whether a gateway uses these files cannot be seen below --root: make sure that it is stopped".to_owned()
        }
        Gateway::Unknown(why) => {
            return Err(FixError::no(format!(
                "the gateway must be stopped for this, and whether it runs is unknown ({why})"
            )));
        }
    })
}

/// Refuses where a gateway that runs is somebody else's to stop.
///
/// # Errors
/// Where `external` supervises it.
pub fn may_stop(gateway: &Gateway, external: Option<&str>) -> Result<()> {
    match external {
        Some(why) if matches!(gateway, Gateway::Unit { .. } | Gateway::Loose { .. }) => {
            Err(FixError::no(format!("the gateway must be stopped for this, and {why}")))
        }
        _ => Ok(()),
    }
}

/// The same where the gateway had better be stopped and need not.
///
/// # Errors
/// As [`announce`].
pub fn announce_pause(gateway: &Gateway, actor: &Actor, external: Option<&str>) -> Result<String> {
    if let Some(words) = keeps_running(gateway, actor, external) {
        return Ok(words);
    }
    let why = match gateway {
        Gateway::Unit { .. } => ", because a handshake that is on its way would erase the store",
        _ => "",
    };
    Ok(format!("{}{why}", announce(gateway)?))
}

/// Why a gateway that had better be stopped goes on all the same, and what a person can do about it: nobody could start it
/// again, or the doctor may not stop it. `None` where it does not run, or is stopped and started again.
pub fn keeps_running(gateway: &Gateway, actor: &Actor, external: Option<&str>) -> Option<String> {
    let why = match (gateway, external) {
        (Gateway::Stopped | Gateway::Offline, _) => return None,
        (Gateway::Unit { .. } | Gateway::Loose { .. }, Some(why)) => why.to_owned(),
        (Gateway::Unit { manager, .. }, None) if may_ask(manager, actor) => return None,
        (Gateway::Unit { unit, .. }, None) => format!("stopping unit {unit} needs root"),
        (Gateway::Loose { process, start }, None) => format!(
            "no service manager could start process {} again; you can end it before and start it afterwards with: {start}",
            process.pid
        ),
        (Gateway::Unknown(why), _) => format!("whether one runs is unknown ({why})"),
    };
    Some(format!(
        "a gateway that runs is not stopped, and a client that reaches it before this is done makes it erase the store, so \
         keep clients away until then: {why}"
    ))
}

/// Whether this process may ask a manager for something.
fn may_ask(manager: &Manager, actor: &Actor) -> bool {
    let own = if actor.privileged { actor.account.uid } else { rustix::process::geteuid().as_raw() };
    match manager {
        Manager::SystemdSystem => actor.privileged,
        Manager::SystemdUser { uid } => *uid == own,
        Manager::Launchd { domain } => actor.privileged || domain != "system",
    }
}

/// Stops what runs, and proves that it is gone.
///
/// # Errors
/// Where it cannot be stopped; then it runs as before.
pub fn stop(
    host: &dyn Host,
    installation: Option<&str>,
    hands: &Hands<'_>,
    ledger: &mut Ledger,
    own: &mut Own,
) -> Result<Stopped> {
    let mut deeds: Vec<Deed> = Vec::new();
    let gateway = host.gateway(installation);
    announce(&gateway)?;
    let stopped = match gateway {
        Gateway::Stopped | Gateway::Offline | Gateway::Unknown(_) => return Ok(Stopped::default()),
        Gateway::Unit { manager, unit } => {
            let op = Op::Gateway { manager: manager.clone(), unit: unit.clone(), change: UnitChange::Stop };
            perform(hands, ledger, &Task::new(op), own, &mut deeds)?;
            Stopped { restore: Some((manager, unit)), by_hand: None }
        }
        Gateway::Loose { process, start } => {
            perform(hands, ledger, &Task::new(Op::EndProcess { process, kill: false }), own, &mut deeds)?;
            Stopped { restore: None, by_hand: Some(start) }
        }
    };
    let end = Instant::now() + GONE_LIMIT;
    loop {
        match host.gateway(installation) {
            Gateway::Stopped => return Ok(stopped),
            Gateway::Unknown(why) => {
                restore(&stopped, hands, ledger, own)?;
                let why = format!("whether the gateway is gone is unknown ({why})");
                return Err(FixError::no(with_start(why, &stopped)));
            }
            _ if Instant::now() >= end => {
                restore(&stopped, hands, ledger, own)?;
                let why = "the gateway was stopped, but one still uses the state; end it first".to_owned();
                return Err(FixError::no(with_start(why, &stopped)));
            }
            _ => std::thread::sleep(Duration::from_millis(250)),
        }
    }
}

/// What was ended and cannot be started again is said, whatever else failed.
fn with_start(why: String, stopped: &Stopped) -> String {
    match &stopped.by_hand {
        Some(start) => format!("{why}. THE GATEWAY WAS ENDED and is not started again; start it with: {start}"),
        None => why,
    }
}

/// Starts again what ran before.
///
/// # Errors
/// Where it does not come up, with what to do: this has to be said loudly.
pub fn restore(stopped: &Stopped, hands: &Hands<'_>, ledger: &mut Ledger, own: &mut Own) -> Result<()> {
    let Some((manager, unit)) = &stopped.restore else { return Ok(()) };
    let op = Op::Gateway { manager: manager.clone(), unit: unit.clone(), change: UnitChange::Start };
    perform(hands, ledger, &Task::new(op), own, &mut Vec::new()).map_err(|error| FixError::Command {
        what: format!(
            "THE GATEWAY IS STOPPED and could not be started again ({error}); start it with: {}",
            start_command(manager, unit)
        ),
    })
}

/// The command that a person types to start a unit.
pub fn start_command(manager: &Manager, unit: &str) -> String {
    match manager {
        Manager::SystemdSystem => format!("sudo systemctl start {unit}"),
        Manager::SystemdUser { uid } => {
            format!("systemctl --user start {unit} (as uid {uid}, with XDG_RUNTIME_DIR=/run/user/{uid})")
        }
        Manager::Launchd { domain } => format!("launchctl kickstart {domain}/{unit}"),
    }
}
