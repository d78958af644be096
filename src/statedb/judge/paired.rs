//! Paired devices: keys, roles, tokens, scopes.

use super::{Problem, Rules, TokenLack, fields};
use crate::model::Fact;
use crate::snapshot::device::{PairedDevice, RecordShape, TokenFact};
use crate::snapshot::device_build::ROLES;
use crate::snapshot::device_key::KeyForm;
use crate::snapshot::scopes::ScopeRules;

/// From 2026.8.1 a new silent approval removes alike silent records that are older than this, in ms.
pub const SUPERSEDE_GRACE_MS: i64 = 60_000;

pub(super) fn judge_paired(device: &PairedDevice, scopes: &ScopeRules, note: &mut impl FnMut(Problem)) {
    fields(&device.problems, note);
    if device.shape != RecordShape::Expected {
        note(Problem::WrongList(device.shape));
    }
    if device.shape == RecordShape::NotAnObject {
        return;
    }
    if device.device_id.known().is_some_and(|id| id.0 != device.place.key) {
        note(Problem::IdIsNotKey);
    }
    if device.key.hashes_to_id == Fact::Known(false) {
        note(Problem::KeyIsNotId);
    }
    if !matches!(device.key.form, KeyForm::Canonical | KeyForm::Missing) {
        note(Problem::KeyForm(device.key.form));
    }
    let Some(roles) = approved_roles(device) else { return };
    if roles.is_empty() {
        note(Problem::NoRole);
    }
    for role in roles.iter().filter(|role| !ROLES.contains(&role.as_str())) {
        note(Problem::UnknownRole(role.clone()));
    }
    let baseline = scope_baseline(device);
    match &baseline {
        Fact::Absent => note(Problem::NoScopeBaseline),
        Fact::Known(baseline) if baseline.is_empty() && roles.iter().any(|role| role == "operator") => {
            note(Problem::EmptyScopeBaseline);
        }
        _ => {}
    }
    let tokens = match &device.tokens {
        Fact::Known(tokens) => tokens.as_slice(),
        Fact::Absent => &[],
        Fact::Unknown(_) => return,
    };
    for role in &roles {
        if let Some(lack) = token_lack(device, tokens, role) {
            note(Problem::NoToken { role: role.clone(), lack });
        }
    }
    for token in tokens {
        let key = &token.role_key;
        if !roles.contains(key) {
            note(Problem::TokenWithoutRole { role: key.clone() });
        }
        if let Some(role) = token.role.known().filter(|role| *role != key) {
            note(Problem::TokenOfOtherRole { key: key.clone(), role: role.clone() });
        }
        if let (Fact::Known(held), Fact::Known(baseline)) = (&token.scopes, &baseline) {
            let beyond = scopes.missing(key, held, baseline);
            if !beyond.is_empty() && !is_revoked(token) {
                note(Problem::TokenBeyondApproval { role: key.clone(), scopes: beyond });
            }
        }
    }
}

/// The approved roles: `roles` together with `role`, as OpenClaw merges them; `None` where either cannot be read.
pub fn approved_roles(device: &PairedDevice) -> Option<Vec<String>> {
    merged_roles(&device.roles, &device.role)
}

pub(super) fn merged_roles(roles: &Fact<Vec<String>>, role: &Fact<String>) -> Option<Vec<String>> {
    if roles.why_unknown().is_some() || role.why_unknown().is_some() {
        return None;
    }
    let mut merged = Vec::new();
    for role in roles.known().into_iter().flatten().chain(role.known()) {
        let role = role.trim().to_owned();
        if !role.is_empty() && !merged.contains(&role) {
            merged.push(role);
        }
    }
    Some(merged)
}

/// The scopes within which tokens must lie: `approvedScopes`, else `scopes`.
pub fn scope_baseline(device: &PairedDevice) -> Fact<Vec<String>> {
    if device.approved_scopes.is_absent() { device.scopes.clone() } else { device.approved_scopes.clone() }
}

fn is_revoked(token: &TokenFact) -> bool {
    token.revoked_at_ms.known().is_some_and(|at| *at != 0)
}

fn token_lack(device: &PairedDevice, tokens: &[TokenFact], role: &str) -> Option<TokenLack> {
    if device.tokens.is_absent() {
        return Some(TokenLack::NoTokens);
    }
    if tokens.is_empty() {
        return Some(TokenLack::EmptyTokens);
    }
    match tokens.iter().find(|token| token.role_key == role) {
        None => Some(TokenLack::NotForRole),
        Some(token) if is_revoked(token) => Some(TokenLack::Revoked),
        Some(token) if token.label.known().is_none_or(|label| label.chars == 0) => Some(TokenLack::NoText),
        Some(_) => None,
    }
}

pub(super) fn is_same_key(device: &PairedDevice, other: &PairedDevice) -> bool {
    matches!((&device.key.text, &other.key.text), (Fact::Known(left), Fact::Known(right)) if left == right)
}

/// Whether a silent approval like that of `newer` removes `older` (2026.9.6): both silent, same client id, mode and display
/// name without regard to case, and the older one approved over a minute before.
pub(super) fn is_supersedable(older: &PairedDevice, newer: &PairedDevice, rules: &Rules<'_>) -> bool {
    let silent = |device: &PairedDevice| device.approved_via.known().is_some_and(|via| via == "silent");
    if rules.release.is_some_and(|release| release.before(8, 1)) || !silent(older) || !silent(newer) {
        return false;
    }
    let alike = match (cluster(older), cluster(newer)) {
        (Some(left), Some(right)) => left == right && left.iter().any(|part| !part.is_empty()),
        _ => false,
    };
    let later = match (&older.approved_at_ms, &newer.approved_at_ms) {
        (Fact::Known(old), Fact::Known(new)) => new.saturating_sub(*old) >= SUPERSEDE_GRACE_MS,
        _ => false,
    };
    alike && later
}

fn cluster(device: &PairedDevice) -> Option<[String; 3]> {
    let part = |fact: &Fact<String>| match fact {
        Fact::Known(text) => Some(text.trim().to_lowercase()),
        Fact::Absent => Some(String::new()),
        Fact::Unknown(_) => None,
    };
    Some([part(&device.client_id)?, part(&device.client_mode)?, part(&device.display_name)?])
}
