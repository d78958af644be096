//! What the checks of this area ask of a unit.

use crate::checks::Context;
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath};
use crate::snapshot::service::{ServiceUnit, UnitKind};

/// The port of a gateway that nothing else tells.
pub const DEFAULT_PORT: u16 = 18_789;

/// Whether a unit starts a gateway. One whose command could not be made out is none.
pub fn is_gateway(unit: &ServiceUnit) -> bool {
    unit.kind == UnitKind::Gateway
}

/// The port that a unit's gateway listens on: `--port` and the variable before the configuration (host-by-release 2.2).
/// `None` where another installation's configuration decides.
pub fn port(context: &Context<'_>, unit: &ServiceUnit) -> Option<u16> {
    if let Some(port) = &unit.port {
        return port.value.port;
    }
    if !is_of_installation(context, unit) {
        return None;
    }
    Some(context.installation.config.port().unwrap_or(DEFAULT_PORT))
}

/// The port of the judged installation's gateway: its unit's, else the configuration's.
pub fn gateway_port(context: &Context<'_>) -> u16 {
    let units = context.snapshot.services.known().map(|services| services.units.as_slice()).unwrap_or_default();
    units
        .iter()
        .filter(|unit| is_gateway(unit) && !unit.legacy_name && is_of_installation(context, unit))
        .find_map(|unit| unit.port.as_ref().and_then(|port| port.value.port))
        .or_else(|| context.installation.config.port())
        .unwrap_or(DEFAULT_PORT)
}

/// Whether a unit works on the judged state directory, as far as its files tell.
pub fn is_of_installation(context: &Context<'_>, unit: &ServiceUnit) -> bool {
    let installation = context.installation;
    if let Some(state) = &unit.state_dir {
        let real = installation.real_state_dir.as_ref();
        return state.value == installation.state_dir || Some(&state.value) == real;
    }
    let home = unit.home.as_ref().map(|home| &home.value);
    let same_home = match (home, &installation.home) {
        (Some(home), Some(own)) => home == own,
        (None, Some(own)) => unit.path.starts_with(own) || runs_as_account(context, unit),
        _ => false,
    };
    same_home && unit.profile == installation.profile
}

fn runs_as_account(context: &Context<'_>, unit: &ServiceUnit) -> bool {
    let Some(account) = context.installation.account() else { return false };
    match &unit.user {
        Some(user) => Some(user.value.as_str()) == account.name.as_deref() || user.value == account.uid.to_string(),
        None => unit.home_owner == Some(account.uid),
    }
}

/// Whether it runs now or would start by itself. `None` where neither is known.
pub fn is_in_play(unit: &ServiceUnit) -> Option<bool> {
    if unit.live.known().is_some_and(|state| state.is_up()) {
        return Some(true);
    }
    unit.starts_by_itself()
}

/// `user unit openclaw-gateway.service`, `system unit …`, `launchd job …`.
pub fn title(unit: &ServiceUnit) -> String {
    let kind = match &unit.manager {
        Manager::SystemdSystem => "system unit",
        Manager::SystemdUser { .. } => "user unit",
        Manager::Launchd { .. } => "launchd job",
    };
    format!("{kind} {}", unit.name)
}

/// What is known of its state, in words.
pub fn state(unit: &ServiceUnit) -> String {
    let enabled = match unit.starts_by_itself() {
        _ if unit.masked => "masked",
        Some(true) => "enabled",
        Some(false) => "not enabled",
        None => "enabled or not is unknown",
    };
    match &unit.live {
        Fact::Known(state) => {
            let restarts = state
                .n_restarts
                .filter(|count| *count > 0)
                .map(|count| format!(", restarted {count} times"))
                .unwrap_or_default();
            format!("{enabled}, {} ({}){restarts}", state.active, state.sub)
        }
        Fact::Absent | Fact::Unknown(_) => enabled.to_owned(),
    }
}

/// The state directory that a unit would use, where its files tell.
pub fn state_dir(context: &Context<'_>, unit: &ServiceUnit) -> Option<HostPath> {
    match &unit.state_dir {
        Some(state) => Some(state.value.clone()),
        None => is_of_installation(context, unit).then(|| context.installation.state_dir.clone()),
    }
}
