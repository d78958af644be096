//! Stopping the gateway around a plan, through its own supervisor, and restoring exactly what was running.

use super::actions::Deed;
use super::actions::Hands;
use super::error::{FixError, Result};
use super::journal::Ledger;
use super::op::{Op, Task, UnitChange};
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
