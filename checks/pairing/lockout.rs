//! Whether a device that the gateway knows gets in with what its record holds, in this release.

use super::view::View;
use crate::model::Fact;
use crate::snapshot::device::PairedDevice;

/// Why the host's own CLI is turned away although it is paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lockout {
    /// What its record lacks.
    pub lacks: Lack,
    /// Whether every call of the CLI is turned away, or only those that need what is missing.
    pub every_call: bool,
}

/// What a record lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lack {
    /// The role `operator`; the roles that it holds.
    Role(Vec<String>),
    /// A token that is not revoked.
    Token,
    /// These scopes; those that it holds.
    Scopes {
        /// Missing ones.
        missing: Vec<String>,
        /// Those that the record holds.
        held: Vec<String>,
    },
}

/// What turns the host's own CLI away on loopback, if anything does. `None` where the record suffices, where the release
/// grants what is missing without asking, and where the CLI shows no device.
pub(super) fn of_host(view: &View<'_>, device: &PairedDevice) -> Option<Lockout> {
    let rules = &view.rules;
    if !view.cli_sends_device() || (rules.secret_skips_pairing() && view.shared_secret() != Some(false)) {
        return None;
    }
    let roles = rules.held_roles(device)?;
    if rules.skips_bare_records() && roles.is_empty() && device.scopes.is_absent() {
        return None;
    }
    let every_call = true;
    if !rules.grants_roles_locally(view.auto_local()) {
        if !roles.iter().any(|role| role == "operator") {
            return Some(Lockout { lacks: Lack::Role(roles), every_call });
        }
        if rules.wants_tokens(&device.tokens) {
            return Some(Lockout { lacks: Lack::Token, every_call });
        }
    }
    let held = rules.held_scopes(device)?;
    let missing = rules.scopes().missing("operator", &rules.cli_asks(), &held);
    if missing.is_empty() || rules.grants_scopes_locally(view.auto_local()) {
        return None;
    }
    Some(Lockout { lacks: Lack::Scopes { missing, held }, every_call: !rules.cli_asks_least() })
}

/// Whether the gateway recognises the device at all: filed under its own id, with its own key in the usual form, and with a
/// role.
pub(super) fn is_usable(view: &View<'_>, device: &PairedDevice) -> bool {
    let id = device.device_id.known().is_some_and(|id| id.0 == device.place.key);
    let key = device.key.form == crate::snapshot::device_key::KeyForm::Canonical
        && device.key.hashes_to_id != Fact::Known(false);
    let role = view.rules.held_roles(device).is_some_and(|roles| !roles.is_empty());
    id && key && role
}
