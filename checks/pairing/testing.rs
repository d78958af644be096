//! A host in a temporary directory, collected and judged as in a real run.

use super::{
    approval_queues::ApprovalQueues, device_identity::DeviceIdentityCheck, device_store_text::DeviceStoreText,
    device_tokens::DeviceTokens, host_device::HostDevice, paired_records::PairedRecords,
    pending_requests::PendingRequests, store_loss::StoreLoss,
};
use crate::checks::{Check, Context};
use crate::collect::devices::fixture::{STATE_DIR, State, THEN, identity, pretty, record};
use crate::collect::run::{Request, collect};
use crate::model::{Certainty, Finding, Plan, SecretVault, Severity, Unknown};
use crate::snapshot::Snapshot;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::time::Duration;

static PAIRING: &[&dyn Check] = &[
    &DeviceStoreText,
    &PairedRecords,
    &PendingRequests,
    &HostDevice,
    &StoreLoss,
    &DeviceIdentityCheck,
    &DeviceTokens,
    &ApprovalQueues,
];

/// The key pair of the host's own identity.
pub(super) const HOST: u8 = 9;

/// What the checks of this area say.
pub(super) struct Verdict {
    pub findings: Vec<(Finding, Option<Plan>)>,
    pub skipped: Vec<Unknown>,
    pub snapshot: Snapshot,
}

/// A state directory with a shared token, an identity, and whatever a test adds.
pub(super) fn host() -> State {
    let state = State::new();
    let config = json!({ "gateway": { "mode": "local", "auth": { "mode": "token", "token": "0123456789abcdef0123456789abcdef" } } });
    state.put("openclaw.json", config.to_string()).put("identity/device.json", pretty(&identity(HOST).2));
    state
}

/// The record of the host's own device.
pub(super) fn own_record() -> Value {
    let (id, key, _) = identity(HOST);
    let mut own = record(HOST);
    own["deviceId"] = id.into();
    own["publicKey"] = key.into();
    own
}

/// A store of the host's own device and others.
pub(super) fn store(own: Option<Value>, others: &[u8]) -> Value {
    let mut records: Map<String, Value> = Map::new();
    if let Some(own) = own {
        records.insert(identity(HOST).0, own);
    }
    for n in others {
        let mut other = record(*n);
        (other["clientId"], other["clientMode"]) = ("gateway-client".into(), "ui".into());
        records.insert(crate::collect::devices::fixture::id(*n), other);
    }
    records.into()
}

/// Judges a host as of one minute after its records were made.
pub(super) fn judge(state: &State, release: &str) -> Verdict {
    judge_at(state, release, THEN + 60_000)
}

/// Judges a host as of a time.
pub(super) fn judge_at(state: &State, release: &str, as_of_ms: i64) -> Verdict {
    let request = Request {
        home: Some(PathBuf::from(STATE_DIR).parent().expect("a home").to_path_buf()),
        release: (!release.is_empty()).then(|| release.parse().expect("a release")),
        as_of: Some(jiff::Timestamp::from_millisecond(as_of_ms).expect("a time")),
        timeout: Duration::from_secs(30),
        ..Request::default()
    };
    let source = state.source();
    let snapshot = collect(&source, &request, &mut SecretVault::default()).expect("collected");
    let context = Context { snapshot: &snapshot, installation: snapshot.selected().expect("an installation") };
    let (mut findings, mut skipped) = (Vec::new(), Vec::new());
    for check in PAIRING {
        match check.detect(&context) {
            Ok(found) => findings.extend(found.into_iter().map(|finding| {
                assert!(check.codes().iter().any(|spec| spec.code == finding.code), "{} is no code", finding.code);
                let plan = check.plan(&context, &finding);
                (finding, plan)
            })),
            Err(why) => skipped.push(why),
        }
    }
    Verdict { findings, skipped, snapshot }
}

impl Verdict {
    /// Codes with severity, sorted.
    pub fn codes(&self) -> Vec<(&str, Severity)> {
        let mut codes: Vec<_> =
            self.findings.iter().map(|(finding, _)| (finding.code.as_str(), finding.severity)).collect();
        codes.sort_unstable();
        codes
    }

    /// The finding of a code.
    pub fn finding(&self, code: &str) -> &Finding {
        let found = self.findings.iter().find(|(finding, _)| finding.code == code);
        &found.unwrap_or_else(|| panic!("no {code} among {:?}", self.codes())).0
    }

    /// The plan of a code.
    pub fn plan(&self, code: &str) -> &Plan {
        let found = self.findings.iter().find(|(finding, _)| finding.code == code);
        let plan = found.unwrap_or_else(|| panic!("no {code} among {:?}", self.codes())).1.as_ref();
        plan.unwrap_or_else(|| panic!("no plan for {code}"))
    }

    /// Nothing that locks anybody out, and nothing that is more than possible.
    pub fn is_quiet(&self) -> bool {
        self.skipped.is_empty()
            && self.findings.iter().all(|(finding, _)| {
                finding.severity == Severity::Info
                    && (finding.cause.is_none() || finding.certainty == Certainty::Possible)
            })
    }
}
