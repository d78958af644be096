//! Waiting requests: what they ask for beyond what is approved.

use super::paired::{approved_roles, merged_roles, scope_baseline};
use super::{Rules, WaitReason, Waiting};
use crate::model::Fact;
use crate::snapshot::device::{PairedDevice, PairedRelation, PendingRequest};
use crate::snapshot::scopes::ScopeRules;

/// How long a request waits before it expires, in ms (all releases).
pub const REQUEST_LIFE_MS: i64 = 5 * 60 * 1000;
pub(super) fn waiting(
    request: &PendingRequest,
    paired: &[PairedDevice],
    scopes: &ScopeRules,
    rules: &Rules<'_>,
) -> Waiting {
    let asked = request.refreshed_at_ms.known().or(request.ts_ms.known());
    let expires_at_ms = asked.map(|at| at.saturating_add(REQUEST_LIFE_MS));
    Waiting {
        reasons: reasons(request, paired, scopes, rules),
        silent: request.silent.known().copied(),
        expires_at_ms,
        expired: expires_at_ms.zip(rules.as_of_ms).map(|(end, now)| now > end),
    }
}

fn reasons(
    request: &PendingRequest,
    paired: &[PairedDevice],
    scopes: &ScopeRules,
    rules: &Rules<'_>,
) -> Vec<WaitReason> {
    match request.paired {
        PairedRelation::NotPaired => return vec![WaitReason::FirstTime],
        PairedRelation::OtherKey => return vec![WaitReason::OtherKey],
        PairedRelation::Unclear => return vec![WaitReason::Unclear],
        PairedRelation::SameKey => {}
    }
    let id = request.device_id.known().map_or("", |id| id.0.as_str());
    let Some(device) = paired.iter().find(|device| device.place.key == id) else { return vec![WaitReason::Unclear] };
    let mut reasons = Vec::new();
    if rules.release.is_none_or(|release| release.at_least(2, 26)) {
        let pins = [
            ("platform", &device.platform, &request.platform),
            ("deviceFamily", &device.device_family, &request.device_family),
        ];
        for (field, pinned, claimed) in pins {
            let claimed = claimed.known().map(|text| text.trim());
            if let Some(pinned) = pinned.known().map(|text| text.trim()).filter(|pinned| !pinned.is_empty())
                && !claimed.is_some_and(|claimed| claimed.eq_ignore_ascii_case(pinned))
            {
                reasons.push(WaitReason::Metadata {
                    field,
                    pinned: pinned.to_owned(),
                    claimed: claimed.map(str::to_owned),
                });
            }
        }
    }
    let (Some(approved), Some(asked)) = (approved_roles(device), merged_roles(&request.roles, &request.role)) else {
        reasons.push(WaitReason::Unclear);
        return reasons;
    };
    let new_roles: Vec<_> = asked.iter().filter(|role| !approved.contains(role)).cloned().collect();
    if !new_roles.is_empty() {
        reasons.push(WaitReason::Roles(new_roles));
    }
    match (&request.scopes, scope_baseline(device)) {
        (Fact::Unknown(_), _) | (_, Fact::Unknown(_)) => reasons.push(WaitReason::Unclear),
        (wanted, held) => {
            let held = held.known().cloned().unwrap_or_default();
            let beyond = beyond(scopes, &asked, wanted.known().map_or(&[], Vec::as_slice), &held);
            if !beyond.is_empty() {
                reasons.push(WaitReason::Scopes(beyond));
            }
        }
    }
    if reasons.is_empty() {
        reasons.push(WaitReason::Repair);
    }
    reasons
}

/// Operator scopes are judged for the operator role, all others for the other roles.
fn beyond(scopes: &ScopeRules, roles: &[String], wanted: &[String], held: &[String]) -> Vec<String> {
    let mut beyond = Vec::new();
    for role in roles {
        let own: Vec<_> =
            wanted.iter().filter(|scope| scope.starts_with("operator.") == (role == "operator")).cloned().collect();
        for scope in scopes.missing(role, &own, held) {
            if !beyond.contains(&scope) {
                beyond.push(scope);
            }
        }
    }
    beyond
}
