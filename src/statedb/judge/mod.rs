//! What is wrong with device records, as typed facts without a verdict: how bad a problem is, and in which releases it locks
//! anybody out, is for the checks to say. Works on records of both store generations.

mod paired;
mod pending;
mod problem;

pub use paired::{SUPERSEDE_GRACE_MS, approved_roles, scope_baseline};
pub use pending::REQUEST_LIFE_MS;
pub use problem::{Problem, RecordList, RecordProblem, TokenLack, WaitReason, Waiting};

use crate::model::{Fact, Release};
use crate::snapshot::device::{
    CachedToken, DeviceIdentity, FieldFault, FieldProblem, PairedDevice, PairedRelation, PendingRequest, RecordPlace,
    RecordShape, TokenAgreement,
};
use crate::snapshot::device_key::{KeyForm, PrivateKeyForm};
use crate::snapshot::scopes::ScopeRules;
use paired::{is_same_key, is_supersedable, judge_paired};
use pending::waiting;

/// The records to judge. What could not be read is left out here and is a matter of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Records<'a> {
    /// Devices that the gateway knows.
    pub paired: &'a [PairedDevice],
    /// Requests that wait.
    pub pending: &'a [PendingRequest],
    /// Identities of this state directory.
    pub identities: &'a [DeviceIdentity],
    /// Tokens that clients of this state directory keep.
    pub cached: &'a [CachedToken],
}

/// By which rules to judge.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules<'a> {
    /// The release; without one, the newest known.
    pub release: Option<&'a Release>,
    /// The time to judge at, in ms since 1970; without one, nothing is said to have expired.
    pub as_of_ms: Option<i64>,
}

/// Judges the records.
pub fn judge(records: &Records<'_>, rules: &Rules<'_>) -> Vec<RecordProblem> {
    let scopes = ScopeRules::of(rules.release);
    let mut found = Vec::new();
    for device in records.paired {
        let mut note = noter(&mut found, RecordList::Paired, &device.place);
        judge_paired(device, &scopes, &mut note);
        for other in records.paired.iter().filter(|other| other.place.key != device.place.key) {
            if is_same_key(device, other) {
                note(Problem::SameKeyAs { other: other.place.key.clone() });
            }
            if is_supersedable(device, other, rules) {
                note(Problem::Supersedable { by: other.place.key.clone() });
            }
        }
    }
    for request in records.pending {
        let mut note = noter(&mut found, RecordList::Pending, &request.place);
        fields(&request.problems, &mut note);
        if request.shape != RecordShape::Expected {
            note(Problem::WrongList(request.shape));
        } else {
            note(Problem::Waiting(waiting(request, records.paired, &scopes, rules)));
        }
    }
    for identity in records.identities {
        judge_identity(identity, &mut found);
    }
    for token in records.cached {
        judge_cached(token, &mut found);
    }
    found
}

fn noter<'a>(
    found: &'a mut Vec<RecordProblem>,
    list: RecordList,
    place: &'a RecordPlace,
) -> impl FnMut(Problem) + use<'a> {
    move |problem| found.push(RecordProblem { list, key: place.key.clone(), place: Some(place.clone()), problem })
}

fn fields(problems: &[FieldProblem], note: &mut impl FnMut(Problem)) {
    for problem in problems {
        let field = problem.field.clone();
        note(match &problem.fault {
            FieldFault::BadJson { offset, bytes, .. } => Problem::BadJson { field, offset: *offset, bytes: *bytes },
            fault => Problem::BadField { field, fault: fault.clone() },
        });
    }
}

fn judge_identity(identity: &DeviceIdentity, found: &mut Vec<RecordProblem>) {
    let mut note = |problem| {
        found.push(RecordProblem { list: RecordList::Identity, key: identity.key_name.clone(), place: None, problem });
    };
    fields(&identity.problems, &mut note);
    if identity.key.hashes_to_id == Fact::Known(false) {
        note(Problem::KeyIsNotId);
    }
    if matches!(identity.key.form, KeyForm::WrongLength | KeyForm::Undecodable) {
        note(Problem::KeyForm(identity.key.form));
    }
    if matches!(identity.private_key, PrivateKeyForm::Undecodable | PrivateKeyForm::Missing) {
        note(Problem::PrivateKey(identity.private_key));
    }
    if identity.keys_match == Fact::Known(false) {
        note(Problem::KeysDoNotMatch);
    }
    if identity.paired == PairedRelation::OtherKey {
        note(Problem::PairedWithOtherKey);
    }
}

fn judge_cached(token: &CachedToken, found: &mut Vec<RecordProblem>) {
    let mut note = |problem| {
        let key = token.device_id.known().map(|id| id.0.clone()).unwrap_or_default();
        found.push(RecordProblem { list: RecordList::Cached, key, place: None, problem });
    };
    fields(&token.problems, &mut note);
    match token.agreement {
        TokenAgreement::Agrees | TokenAgreement::OtherGateway | TokenAgreement::Unclear => {}
        agreement @ (TokenAgreement::Revoked
        | TokenAgreement::Differs
        | TokenAgreement::NoToken
        | TokenAgreement::NotPaired) => {
            let role = token.role.known().cloned().unwrap_or_default();
            note(Problem::CachedToken { role, agreement });
        }
    }
}

#[cfg(test)]
mod tests;
