use super::*;
use crate::snapshot::device_key::KeyForm;
use serde_json::json;

// Throwaway device of a captured 2026.2.19 gateway.
const ID: &str = "6161a93b38da33f2687d5ce215fd7b45e711e4ca8658aa1c1d18d418708a2a5d";
const KEY: &str = "54u-ZS0K4mLy58zHsWS6k7WmS45p14wF1nu_EppmSPg";
const TOKEN: &str = "wX3u0bSD4k92v9vuJBQu0EzVu5n-afBf1_d-Uz3E0Ik";

fn place(key: &str) -> RecordPlace {
    RecordPlace { key: key.to_owned(), ordinal: 0, rowid: None, line: None }
}

fn record(value: Value) -> Record {
    match value {
        Value::Object(fields) => Record::from_json(fields),
        other => panic!("{other}"),
    }
}

fn captured() -> Value {
    json!({
        "deviceId": ID, "publicKey": KEY, "platform": "linux", "clientId": "cli", "clientMode": "cli",
        "role": "operator", "roles": ["operator"], "scopes": ["operator.admin"],
        "tokens": { "operator": { "token": TOKEN, "role": "operator", "scopes": ["operator.admin"], "createdAtMs": 5 } },
        "createdAtMs": 4, "approvedAtMs": 4
    })
}

fn device(value: Value, vault: &mut SecretVault) -> PairedDevice {
    paired_device(record(value), place(ID), vault)
}

#[test]
fn a_captured_record_has_no_problems_and_no_secret_in_it() {
    let mut vault = SecretVault::default();
    let device = device(captured(), &mut vault);
    assert_eq!((device.key.form, &device.key.hashes_to_id), (KeyForm::Canonical, &Fact::Known(true)));
    assert_eq!(device.problems, []);
    assert_eq!(device.foreign_fields, Vec::<String>::new());
    assert_eq!(device.approved_scopes, Fact::Absent);
    let tokens = device.tokens.known().expect("tokens");
    assert_eq!((tokens.len(), tokens[0].form), (1, TokenForm::Base64Url43));
    let text = serde_json::to_string(&device).expect("json");
    assert!(!text.contains(TOKEN));
    let back: PairedDevice = serde_json::from_str(&text).expect("reads back");
    assert_eq!(back, device);
}

#[test]
fn a_request_among_the_paired_is_seen() {
    let mut vault = SecretVault::default();
    let request = json!({ "requestId": "r", "deviceId": ID, "publicKey": KEY, "ts": 5, "silent": false });
    let device = device(request, &mut vault);
    assert_eq!(device.shape, RecordShape::PendingShaped);
    assert_eq!(device.foreign_fields, ["requestId", "ts", "silent"]);
}

#[test]
fn entries_that_are_no_objects_are_kept_as_such() {
    let mut vault = SecretVault::default();
    let entry = paired_entry(Value::Null, place(ID), &mut vault);
    assert_eq!((entry.shape, entry.problems.len()), (RecordShape::NotAnObject, 1));
    // 2026.2.19: `null` in pending.json ends every handshake.
    assert_eq!(pending_entry(json!([1]), place("r")).shape, RecordShape::NotAnObject);
    assert_eq!(paired_entry(captured(), place(ID), &mut vault).shape, RecordShape::Expected);
}

#[test]
fn missing_empty_and_broken_tokens_stay_apart() {
    let mut vault = SecretVault::default();
    let mut without = captured();
    without.as_object_mut().expect("object").remove("tokens");
    assert_eq!(device(without, &mut vault).tokens, Fact::Absent);
    let mut empty = captured();
    empty["tokens"] = json!({});
    assert_eq!(device(empty, &mut vault).tokens, Fact::Known(Vec::new()));
    let mut text = captured();
    text["tokens"] = json!({ "operator": "a-token-instead-of-an-entry" });
    let broken = device(text, &mut vault);
    assert_eq!(broken.problems.len(), 1);
    assert_eq!(broken.problems[0].field, "tokens.operator");
    assert!(vault.values().any(|(secret, _)| secret.expose() == "a-token-instead-of-an-entry"));
}

#[test]
fn relations_are_worked_out_by_key_text_and_token_value() {
    let mut vault = SecretVault::default();
    let paired = [device(captured(), &mut vault)];
    let request = |key: &str, id: &str| {
        pending_request(record(json!({ "requestId": "r", "deviceId": id, "publicKey": key, "ts": 1 })), place("r"))
    };
    // Padded standard base64 of the same key is another text (lab 2026.2.19, f04w).
    let padded = KEY.replace('-', "+").replace('_', "/") + "=";
    let mut pending = [request(KEY, ID), request(&padded, ID), request(KEY, "other")];
    let cached = |token: &str, role: &str, id: &str| json!({ "deviceId": id, "role": role, "token": token, "scopes": [], "updatedAtMs": 1 });
    let mut tokens = [
        cached_token(record(cached(TOKEN, "operator", ID)), &mut vault),
        cached_token(record(cached("another-token", "operator", ID)), &mut vault),
        cached_token(record(cached(TOKEN, "node", ID)), &mut vault),
        cached_token(record(cached(TOKEN, "operator", "other")), &mut vault),
    ];
    relate(Some(&paired), &mut pending, &mut [], &mut tokens);
    let relations = pending.map(|request| request.paired);
    assert_eq!(relations, [PairedRelation::SameKey, PairedRelation::OtherKey, PairedRelation::NotPaired]);
    use TokenAgreement::{Agrees, Differs, NoToken, NotPaired};
    assert_eq!(tokens.map(|token| token.agreement), [Agrees, Differs, NoToken, NotPaired]);
}

#[test]
fn a_generation_tells_whether_a_token_belongs_to_the_current_secret() {
    let mut vault = SecretVault::default();
    let secret = Secret::new("shared-secret-of-the-gateway");
    let now = generation_label("token", &secret, &mut vault);
    assert_eq!(now, generation_label("token", &secret, &mut vault));
    assert_ne!(now, generation_label("password", &secret, &mut vault));
    assert_eq!(now.chars, 43);
}
