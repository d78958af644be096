use super::*;
use crate::model::SecretVault;
use crate::snapshot::device_build::{cached_token, device_identity, paired_device, pending_request, relate};
use crate::snapshot::record::Record;
use proptest::prelude::*;
use serde_json::{Value, json};

// Throwaway device of a captured 2026.2.19 gateway.
const ID: &str = "6161a93b38da33f2687d5ce215fd7b45e711e4ca8658aa1c1d18d418708a2a5d";
const KEY: &str = "54u-ZS0K4mLy58zHsWS6k7WmS45p14wF1nu_EppmSPg";

fn place(key: &str) -> RecordPlace {
    RecordPlace { key: key.to_owned(), ordinal: 0, rowid: None, line: None }
}

fn record(value: Value) -> Record {
    match value {
        Value::Object(fields) => Record::from_json(fields),
        other => panic!("{other}"),
    }
}

fn with(mut base: Value, changes: Value) -> Value {
    let target = base.as_object_mut().expect("object");
    for (key, value) in changes.as_object().expect("object") {
        if value == "-" {
            target.remove(key);
        } else {
            target.insert(key.clone(), value.clone());
        }
    }
    base
}

fn base() -> Value {
    json!({
        "deviceId": ID, "publicKey": KEY, "platform": "linux", "clientId": "cli", "clientMode": "cli",
        "role": "operator", "roles": ["operator"], "scopes": ["operator.admin"], "approvedScopes": ["operator.admin"],
        "tokens": { "operator": { "token": "t0k3n", "role": "operator", "scopes": ["operator.read"], "createdAtMs": 5 } },
        "approvedVia": "silent", "createdAtMs": 4, "approvedAtMs": 4
    })
}

fn device(changes: Value) -> PairedDevice {
    paired_device(record(with(base(), changes)), place(ID), &mut SecretVault::default())
}

fn problems(device: PairedDevice) -> Vec<Problem> {
    let records = Records { paired: &[device], ..Records::default() };
    judge(&records, &Rules::default()).into_iter().map(|found| found.problem).collect()
}

#[test]
fn a_sound_record_has_no_problem() {
    assert_eq!(problems(device(json!({}))), []);
}

#[test]
fn roles_tokens_and_scopes_are_judged() {
    let lack = |lack| Problem::NoToken { role: "operator".to_owned(), lack };
    assert_eq!(problems(device(json!({ "tokens": "-" }))), [lack(TokenLack::NoTokens)]);
    assert_eq!(problems(device(json!({ "tokens": {} }))), [lack(TokenLack::EmptyTokens)]);
    let token = |change: Value| json!({ "tokens": { "operator": with(base()["tokens"]["operator"].clone(), change) } });
    assert_eq!(problems(device(token(json!({ "revokedAtMs": 9 })))), [lack(TokenLack::Revoked)]);
    assert_eq!(problems(device(token(json!({ "token": "" })))), [lack(TokenLack::NoText)]);
    let other = problems(device(token(json!({ "role": "node" }))));
    assert_eq!(other, [Problem::TokenOfOtherRole { key: "operator".to_owned(), role: "node".to_owned() }]);
    assert_eq!(
        problems(device(json!({ "approvedScopes": ["operator.approvals"] }))),
        [Problem::TokenBeyondApproval { role: "operator".to_owned(), scopes: vec!["operator.read".to_owned()] }]
    );
    let roleless = problems(device(json!({ "role": "-", "roles": "-" })));
    assert_eq!(roleless, [Problem::NoRole, Problem::TokenWithoutRole { role: "operator".to_owned() }]);
    assert!(problems(device(json!({ "scopes": "-", "approvedScopes": "-" }))).contains(&Problem::NoScopeBaseline));
    assert!(problems(device(json!({ "scopes": [], "approvedScopes": [] }))).contains(&Problem::EmptyScopeBaseline));
    let admin = problems(device(json!({ "role": "admin" })));
    assert!(admin.contains(&Problem::UnknownRole("admin".to_owned())), "{admin:?}");
}

#[test]
fn keys_and_ids_are_judged() {
    let mut moved = device(json!({}));
    moved.place.key = "request-id".to_owned();
    assert_eq!(problems(moved), [Problem::IdIsNotKey]);
    let padded = KEY.replace('-', "+").replace('_', "/") + "=";
    assert_eq!(problems(device(json!({ "publicKey": padded }))), [Problem::KeyForm(KeyForm::OtherBase64)]);
    let foreign = "w2san-3wPQYrMrliA9byUQ8S3jT157tZm2RuYo11ovQ";
    assert_eq!(problems(device(json!({ "publicKey": foreign }))), [Problem::KeyIsNotId]);
}

#[test]
fn what_cannot_be_read_is_named_and_nothing_is_concluded_from_it() {
    let found = problems(device(json!({ "roles": [1], "scopes": "x" })));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|problem| matches!(problem, Problem::BadField { .. })));
}

#[test]
fn alike_silent_records_supersede_each_other_from_the_release_that_does_it() {
    let old = device(json!({}));
    let mut new = device(json!({ "approvedAtMs": 4 + SUPERSEDE_GRACE_MS, "clientId": "CLI", "publicKey": "other" }));
    new.place.key = "other".to_owned();
    new.device_id = Fact::Known(crate::snapshot::device::DeviceId("other".to_owned()));
    let paired = [old, new];
    let find = |release: &str| {
        let release: Release = release.parse().expect("a release");
        let rules = Rules { release: Some(&release), ..Rules::default() };
        let found = judge(&Records { paired: &paired, ..Records::default() }, &rules);
        found.into_iter().find(|found| matches!(found.problem, Problem::Supersedable { .. })).map(|found| found.key)
    };
    assert_eq!(find("2026.9.6").as_deref(), Some(ID));
    assert_eq!(find("2026.7.35"), None);
}

fn wait(changes: Value, request: Value, now: i64) -> Waiting {
    let paired = [device(changes)];
    let base = json!({ "requestId": "r", "deviceId": ID, "publicKey": KEY, "role": "operator", "platform": "linux",
        "scopes": ["operator.admin"], "silent": false, "ts": 1000 });
    let mut pending = [pending_request(record(with(base, request)), place("r"))];
    relate(Some(&paired), &mut pending, &mut [], &mut []);
    let records = Records { paired: &paired, pending: &pending, ..Records::default() };
    let found = judge(&records, &Rules { release: None, as_of_ms: Some(now) });
    match found.into_iter().find(|found| found.list == RecordList::Pending).map(|found| found.problem) {
        Some(Problem::Waiting(waiting)) => waiting,
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_are_told_by_what_they_want_beyond_what_is_approved() {
    let narrow = json!({ "approvedScopes": ["operator.read"], "scopes": ["operator.read"] });
    let scope = wait(narrow, json!({}), 0);
    assert_eq!(scope.reasons, [WaitReason::Scopes(vec!["operator.admin".to_owned()])]);
    assert_eq!(scope.silent, Some(false));
    let role = wait(json!({}), json!({ "role": "node", "scopes": [] }), 0);
    assert_eq!(role.reasons, [WaitReason::Roles(vec!["node".to_owned()])]);
    assert_eq!(wait(json!({}), json!({}), 0).reasons, [WaitReason::Repair]);
    assert_eq!(wait(json!({}), json!({ "publicKey": "x" }), 0).reasons, [WaitReason::OtherKey]);
    assert_eq!(wait(json!({}), json!({ "deviceId": "x" }), 0).reasons, [WaitReason::FirstTime]);
    let moved = wait(json!({}), json!({ "platform": "darwin" }), 0);
    assert!(matches!(moved.reasons.as_slice(), [WaitReason::Metadata { field: "platform", .. }]), "{moved:?}");
    assert_eq!(wait(json!({}), json!({ "platform": "Linux" }), 0).reasons, [WaitReason::Repair], "case does not count");
}

#[test]
fn a_request_lives_five_minutes_from_when_it_was_last_asked() {
    assert_eq!(wait(json!({}), json!({}), 1000 + REQUEST_LIFE_MS).expired, Some(false));
    assert_eq!(wait(json!({}), json!({}), 1001 + REQUEST_LIFE_MS).expired, Some(true));
    let refreshed = wait(json!({}), json!({ "refreshedAtMs": 5000 }), 1001 + REQUEST_LIFE_MS);
    assert_eq!((refreshed.expired, refreshed.expires_at_ms), (Some(false), Some(5000 + REQUEST_LIFE_MS)));
}

#[test]
fn identities_and_cached_tokens_are_judged() {
    let mut vault = SecretVault::default();
    let identity = json!({ "deviceId": ID, "publicKeyPem": KEY, "privateKeyPem": "nonsense!", "createdAtMs": 1 });
    let identities = [device_identity(record(identity), "primary", &mut vault)];
    let cached = json!({ "deviceId": ID, "role": "operator", "token": "an-older-one", "scopes": [], "updatedAtMs": 1 });
    let mut cached = [cached_token(record(cached), &mut vault)];
    let paired = [paired_device(record(base()), place(ID), &mut vault)];
    relate(Some(&paired), &mut [], &mut [], &mut cached);
    let records = Records { paired: &paired, identities: &identities, cached: &cached, ..Records::default() };
    let found: Vec<_> = judge(&records, &Rules::default()).into_iter().map(|found| found.problem).collect();
    let stale = Problem::CachedToken { role: "operator".to_owned(), agreement: TokenAgreement::Differs };
    assert_eq!(found, [Problem::PrivateKey(PrivateKeyForm::Undecodable), stale]);
}

/// Any JSON value, small.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "operator|node|silent|[a-z.]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("operator|node|token|role|scopes|revokedAtMs", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_record_is_survived(
        fields in proptest::collection::hash_map(
            "deviceId|publicKey|role|roles|scopes|approvedScopes|tokens|approvedAtMs|ts|requestId|platform|clientId",
            any_json(), 0..10),
    ) {
        let fields: serde_json::Map<_, _> = fields.into_iter().collect();
        let mut vault = SecretVault::default();
        let paired = [paired_device(Record::from_json(fields.clone()), place(ID), &mut vault), device(json!({}))];
        let mut pending = [pending_request(Record::from_json(fields.clone()), place("r"))];
        let mut cached = [cached_token(Record::from_json(fields.clone()), &mut vault)];
        let mut identities = [device_identity(Record::from_json(fields), "primary", &mut vault)];
        relate(Some(&paired), &mut pending, &mut identities, &mut cached);
        let records = Records { paired: &paired, pending: &pending, identities: &identities, cached: &cached };
        judge(&records, &Rules { release: None, as_of_ms: Some(i64::MAX) });
    }
}
