//! Every variant that the notes describe, in the releases where the answer changes.

use super::testing::{HOST, host, judge, judge_at, own_record, store};
use crate::collect::devices::fixture::{State, THEN, id, identity, key, pretty, raw_key, record, request};
use crate::model::Severity::{Error, Info, Warning};
use crate::model::{Action, Applicability, Cause, Certainty, GatewayDuring, StoreEdit};
use serde_json::{Value, json};

const LENIENT: &str = "2026.2.19";
const STRICT: &str = "2026.5.7";

fn with_store(text: impl AsRef<[u8]>) -> State {
    let state = host();
    state.put("devices/paired.json", text).put("devices/pending.json", "{}");
    state
}

fn edits(plan: &crate::model::Plan) -> Vec<&StoreEdit> {
    plan.steps
        .iter()
        .flat_map(|step| match &step.action {
            Action::EditStore { edits, .. } => edits.iter().collect::<Vec<_>>(),
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn a_healthy_store_is_left_in_peace_in_every_release() {
    let sound = pretty(&store(Some(own_record()), &[1, 2]));
    for text in [sound.clone(), sound.replace('\n', "\r\n"), store(Some(own_record()), &[1]).to_string()] {
        for release in
            ["2026.1.24-3", "2026.2.12", LENIENT, "2026.4.24", "2026.4.29", STRICT, "2026.7.1", "2026.7.35", ""]
        {
            let mut own = own_record();
            own["scopes"] = json!([
                "operator.admin",
                "operator.approvals",
                "operator.pairing",
                "operator.read",
                "operator.write",
                "operator.talk.secrets"
            ]);
            let verdict = judge(&with_store(&text), release);
            assert!(
                verdict.is_quiet() || verdict.codes() == [("host-scopes-short", Warning)],
                "{release}: {:?}",
                verdict.codes()
            );
        }
    }
    let node = json!({ "deviceId": id(3), "publicKey": key(3), "role": "node", "roles": ["node"], "clientId": "openclaw-android",
        "tokens": { "node": { "token": "x".repeat(43), "role": "node", "scopes": [], "createdAtMs": THEN } },
        "createdAtMs": THEN, "approvedAtMs": THEN });
    let mut with_node = store(Some(own_record()), &[1]);
    with_node[id(3)] = node;
    assert_eq!(judge(&with_store(pretty(&with_node)), LENIENT).codes(), []);
    assert_eq!(judge(&host(), LENIENT).codes(), [], "a fresh installation");
}

#[test]
fn texts_are_judged_by_release() {
    let sound = pretty(&store(Some(own_record()), &[1]));
    let cut = &sound[..sound.len() - 80];
    let marked = format!("\u{feff}{sound}");
    let list = "[]";
    let safe = Some(Applicability::Safe);
    let lossy = Some(Applicability::Unsafe);
    for (text, release, code, plan, stopped) in [
        (marked.as_str(), LENIENT, "store-text-erased", safe, true),
        (marked.as_str(), "2026.4.24", "store-text-erased", safe, true),
        (marked.as_str(), "2026.4.25", "store-text-refused", safe, false),
        (marked.as_str(), "2026.7.33", "store-text-refused", safe, false),
        (cut, LENIENT, "store-text-erased", lossy, true),
        (cut, STRICT, "store-text-refused", lossy, false),
        ("", LENIENT, "store-text-erased", safe, false),
        ("", STRICT, "store-text-refused", safe, false),
        ("null", LENIENT, "store-text-erased", safe, false),
        ("null", "2026.4.26", "store-text-erased", safe, false),
        (list, LENIENT, "store-swallows-approvals", safe, false),
        (list, "2026.4.26", "store-swallows-approvals", safe, false),
        (list, "2026.4.29", "store-text-erased", safe, false),
        ("\"paired\"", LENIENT, "store-write-throws", safe, false),
        ("\"paired\"", "2026.4.29", "store-text-erased", safe, false),
        ("no json at all", LENIENT, "store-text-erased", lossy, false),
    ] {
        let verdict = judge(&with_store(text), release);
        let finding = verdict.finding(code);
        assert_eq!((finding.severity, finding.certainty), (Error, Certainty::Certain), "{release} {code}");
        assert_eq!(finding.cause, Some(Cause::PairingStoreDamaged));
        assert!(finding.evidence.iter().any(|piece| piece.path == finding.path && piece.path.is_some()));
        let offered = verdict.plan(code);
        assert_eq!(Some(offered.applicability), plan, "{release} {code}");
        assert_eq!(offered.gateway == GatewayDuring::Paused, stopped, "{release} {code}");
        let warned = offered.first.first().is_some_and(|text| text.starts_with("Do not start or contact the gateway"));
        assert_eq!(warned, stopped, "{release} {code}");
        assert_eq!(verdict.codes().len(), 1, "{release} {text:?}: {:?}", verdict.codes());
    }
    let wrapped = json!({ "version": 1, "devices": store(Some(own_record()), &[1]) }).to_string();
    assert_eq!(judge(&with_store(wrapped), LENIENT).codes(), [("store-wrapped", Error)]);
    assert!(!sound.is_empty());
}

#[test]
fn nothing_is_changed_for_a_release_that_is_not_known_yet() {
    let state = with_store("[]");
    state.put("devices/paired.json", "[]");
    let verdict = judge(&state, "");
    assert_eq!(verdict.finding("store-text-erased").certainty, Certainty::Likely, "no release is known");
    let stored = pretty(&store(Some(own_record()), &[1]));
    assert!(judge(&with_store(stored), "2027.1.1").findings.is_empty(), "JSON is no store any more");
}

#[test]
fn requests_that_can_not_be_read_are_harmless_or_end_everything() {
    for (text, release, expected) in [
        ("{\"a\": ", LENIENT, ("requests-text-erased", Info)),
        ("{\"a\": ", STRICT, ("requests-text-refused", Error)),
        ("[]", LENIENT, ("requests-swallowed", Warning)),
        ("[]", STRICT, ("requests-text-erased", Info)),
        ("null", LENIENT, ("requests-text-erased", Info)),
        ("{\"x\": null}", LENIENT, ("request-entry-null", Error)),
        ("{\"x\": null}", STRICT, ("request-entry-null", Error)),
        ("{\"x\": \"text\"}", LENIENT, ("request-entry-odd", Info)),
        ("{\"x\": [1]}", LENIENT, ("request-entry-odd", Info)),
    ] {
        let state = with_store(pretty(&store(Some(own_record()), &[1])));
        state.put("devices/pending.json", text);
        let verdict = judge(&state, release);
        let codes: Vec<_> = verdict.codes().into_iter().filter(|(code, _)| code.starts_with("request")).collect();
        assert_eq!(codes, [expected], "{release} {text}");
        assert_eq!(verdict.plan(expected.0).applicability, Applicability::Safe);
    }
}

#[test]
fn what_stands_in_place_of_a_file_is_judged_by_release() {
    for (release, code) in [(LENIENT, "store-text-refused"), (STRICT, "store-text-refused")] {
        let state = host();
        std::fs::create_dir_all(state.path("devices/paired.json")).expect("a directory");
        let verdict = judge(&state, release);
        assert_eq!(verdict.codes(), [(code, Error)], "{release}");
        assert!(matches!(verdict.plan(code).steps[0].action, Action::SetAside { .. }));
    }
    for (release, codes) in [("2026.5.7", [("store-link", Info)]), ("2026.5.12", [("store-link-refused", Error)])] {
        let mut own = own_record();
        own["scopes"] = json!(["operator.admin"]);
        let state = host();
        state.put("devices/elsewhere.json", pretty(&store(Some(own), &[1])));
        std::os::unix::fs::symlink("elsewhere.json", state.path("devices/paired.json")).expect("a link");
        assert_eq!(judge(&state, release).codes(), codes, "{release}");
    }
}

/// Puts one broken record into a sound store.
fn broken(key: &str, value: Value) -> State {
    let mut records = store(Some(own_record()), &[1]);
    records[key] = value;
    with_store(pretty(&records))
}

#[test]
fn every_broken_record_is_named_with_its_line_and_cured() {
    let changed = |n: u8, change: &dyn Fn(&mut Value)| {
        let mut value = record(n);
        change(&mut value);
        value
    };
    let hex: String = raw_key(5).iter().map(|byte| format!("{byte:02x}")).collect();
    let cases: Vec<(&str, String, Value, &str, Option<Applicability>)> = vec![
        ("null", id(5), Value::Null, "paired-entry-no-object", Some(Applicability::Safe)),
        ("text", id(5), "x".into(), "paired-entry-no-object", Some(Applicability::Safe)),
        (
            "request by request id",
            "r5".into(),
            request(5, "r5", THEN),
            "paired-record-is-request",
            Some(Applicability::Safe),
        ),
        (
            "request by device id",
            id(5),
            request(5, "r5", THEN),
            "paired-record-is-request",
            Some(Applicability::Unsafe),
        ),
        ("other id", "0".repeat(64), record(5), "paired-key-mismatch", Some(Applicability::Safe)),
        ("id in capitals", id(5).to_uppercase(), record(5), "paired-key-mismatch", Some(Applicability::Safe)),
        (
            "key of another",
            id(5),
            changed(5, &|value| value["publicKey"] = key(6).into()),
            "paired-key-material",
            Some(Applicability::Unsafe),
        ),
        (
            "key in hex",
            id(5),
            changed(5, &|value| value["publicKey"] = hex.clone().into()),
            "paired-key-text",
            Some(Applicability::Safe),
        ),
        (
            "no key",
            id(5),
            changed(5, &|value| value["publicKey"] = Value::Null),
            "paired-key-unreadable",
            Some(Applicability::Unsafe),
        ),
        (
            "bad key",
            id(5),
            changed(5, &|value| value["publicKey"] = "???".into()),
            "paired-key-unreadable",
            Some(Applicability::Unsafe),
        ),
        (
            "no role",
            id(5),
            json!({ "deviceId": id(5), "publicKey": key(5), "approved": true }),
            "paired-record-incomplete",
            Some(Applicability::Unsafe),
        ),
        (
            "odd scopes",
            id(5),
            changed(5, &|value| value["scopes"] = json!(["operator.admin", 5])),
            "paired-field-type",
            Some(Applicability::Unsafe),
        ),
        (
            "odd roles",
            id(5),
            changed(5, &|value| value["roles"] = json!({})),
            "paired-field-type",
            Some(Applicability::Unsafe),
        ),
    ];
    for (name, at, value, code, applicability) in cases {
        let verdict = judge(&broken(&at, value), LENIENT);
        let finding = verdict.finding(code);
        assert_eq!(finding.severity, Warning, "{name}: others get in");
        assert_eq!(finding.cause, Some(Cause::PairingStoreDamaged), "{name}");
        assert_eq!(finding.line, Some(62), "{name}: {finding:?}");
        assert!(finding.evidence.iter().any(|piece| piece.text.contains(&at) && piece.line == Some(62)), "{name}");
        let plan =
            verdict.findings.iter().find(|(finding, _)| finding.code == code).and_then(|(_, plan)| plan.as_ref());
        assert_eq!(plan.map(|plan| plan.applicability), applicability, "{name}");
    }
}

#[test]
fn records_go_back_under_their_own_id() {
    let stray = "0".repeat(64);
    let verdict = judge(&broken(&stray, record(5)), LENIENT);
    let rename = StoreEdit::Rename { key: stray.clone(), to: id(5) };
    assert_eq!(edits(verdict.plan("paired-key-mismatch")), [&rename]);
    // Where the device was approved beside it, the stray record is of no use.
    let verdict = judge(&broken(&stray, record(1)), LENIENT);
    assert_eq!(edits(verdict.plan("paired-key-mismatch")), [&StoreEdit::Remove { key: stray }]);
    assert_eq!(verdict.plan("paired-key-mismatch").applicability, Applicability::Safe);
}

#[test]
fn a_store_of_nothing_but_strays_locks_everybody_out() {
    let copied = json!({ "r9": request(5, "r9", THEN) });
    let verdict = judge(&with_store(pretty(&copied)), LENIENT);
    assert_eq!(verdict.finding("paired-record-is-request").severity, Error);
}

#[test]
fn a_record_that_stands_twice_is_written_once() {
    let text = format!("{{\"{0}\": {1}, \"{0}\": {1}}}", id(1), record(1));
    let verdict = judge(&with_store(text), LENIENT);
    assert_eq!(verdict.finding("paired-key-twice").severity, Warning);
    assert_eq!(edits(verdict.plan("paired-key-twice")), [&StoreEdit::Mend]);
}

fn own_request(change: impl Fn(&mut Value)) -> Value {
    let (own, own_key, _) = identity(HOST);
    let mut value = request(HOST, "6a0ee2ea-0000-4000-8000-000000000001", THEN);
    value["deviceId"] = own.into();
    value["publicKey"] = own_key.into();
    change(&mut value);
    value
}

fn with_request(paired: &Value, value: Value) -> State {
    let state = with_store(pretty(paired));
    let id = value["requestId"].as_str().expect("an id").to_owned();
    state.put("devices/pending.json", pretty(&json!({ id: value })));
    state
}

#[test]
fn the_hosts_own_request_blocks_its_approval_while_it_lives() {
    let others = store(None, &[1, 2]);
    for (release, expected) in [
        ("2026.2.12", Some(Error)),
        (LENIENT, Some(Error)),
        ("2026.2.23", None), // the shared secret needs no pairing
        ("2026.3.13", None), // the CLI shows no device
        (STRICT, Some(Error)),
        ("2026.7.1", None),
    ] {
        let verdict = judge(&with_request(&others, own_request(|_| {})), release);
        let found = verdict.findings.iter().find(|(finding, _)| finding.code == "host-request-blocks");
        assert_eq!(found.map(|(finding, _)| finding.severity), expected, "{release}: {:?}", verdict.codes());
    }
    let causes = [
        (json!(null), false, Cause::ProxyAttribution),
        (json!("192.168.1.5"), false, Cause::NotLocal),
        (json!("127.0.0.1"), false, Cause::ProxyAttribution),
        (json!(null), true, Cause::ScopeUpgrade),
    ];
    for (address, is_repair, cause) in causes {
        let value = own_request(|value| {
            if !address.is_null() {
                value["remoteIp"] = address.clone();
            }
            value["isRepair"] = is_repair.into();
        });
        let verdict = judge(&with_request(&others, value), LENIENT);
        assert_eq!(verdict.finding("host-request-blocks").cause, Some(cause));
        let plan = verdict.plan("host-request-blocks");
        assert_eq!(plan.applicability, Applicability::Safe);
        assert!(matches!(edits(plan)[..], [StoreEdit::Remove { .. }]));
    }
    let silent = own_request(|value| value["silent"] = true.into());
    assert!(
        judge(&with_request(&others, silent), LENIENT).findings.iter().all(|(finding, _)| finding.severity == Info)
    );
}

#[test]
fn requests_expire_after_five_minutes_by_the_clock_of_the_release() {
    let others = store(None, &[1, 2]);
    let minute = 60_000;
    for (release, after, refreshed, blocks) in [
        (LENIENT, 4 * minute, None, true),
        (LENIENT, 6 * minute, None, false),
        (STRICT, 6 * minute, Some(5 * minute), false), // a refresh counts from 2026.7.1 only
    ] {
        let value = own_request(|value| {
            if let Some(refreshed) = refreshed {
                value["refreshedAtMs"] = (THEN + refreshed).into();
            }
        });
        let verdict = judge_at(&with_request(&others, value), release, THEN + after);
        let found = verdict.codes().iter().any(|(code, _)| *code == "host-request-blocks");
        assert_eq!(found, blocks, "{release} after {after}");
        assert_eq!(verdict.codes().iter().any(|(code, _)| *code == "requests-expired"), !blocks);
    }
    let timeless = own_request(|value| value["ts"] = Value::Null);
    let verdict = judge_at(&with_request(&others, timeless), LENIENT, THEN + 1000 * minute);
    assert!(verdict.finding("host-request-blocks").message.contains("never expires"));
}

#[test]
fn a_new_device_is_no_fault() {
    let value = request(5, "6a0ee2ea-0000-4000-8000-000000000005", THEN);
    let verdict = judge(&with_request(&store(Some(own_record()), &[1]), value), LENIENT);
    let finding = verdict.finding("device-waits");
    assert_eq!((finding.severity, finding.cause), (Info, Some(Cause::NewDevice)));
    assert!(
        finding
            .fix_hint
            .as_deref()
            .is_some_and(|hint| hint.contains("devices approve 6a0ee2ea-0000-4000-8000-000000000005"))
    );
    assert_eq!(verdict.plan("device-waits").applicability, Applicability::Manual);
    let mut hostile = request(5, "x; rm -rf ~", THEN);
    hostile["displayName"] = "`reboot`".into();
    let verdict = judge(&with_request(&store(Some(own_record()), &[1]), hostile), LENIENT);
    assert!(!verdict.finding("device-waits").fix_hint.as_deref().unwrap_or_default().contains("rm -rf"));
}

#[test]
fn known_devices_that_come_back_otherwise_are_told_apart() {
    let paired = store(Some(own_record()), &[1]);
    let asks = |change: &dyn Fn(&mut Value)| {
        let mut value = request(1, "6a0ee2ea-0000-4000-8000-000000000006", THEN);
        change(&mut value);
        with_request(&paired, value)
    };
    let more = asks(&|value| value["scopes"] = json!(["operator.admin", "operator.read"]));
    assert_eq!(judge(&more, LENIENT).finding("device-asks-more").cause, Some(Cause::ScopeUpgrade));
    assert_eq!(judge(&more, "2026.2.25").codes(), [("request-left-over", Info)], "admin satisfies read from 2026.2.22");
    let role = asks(&|value| (value["role"], value["roles"]) = ("node".into(), json!(["node"])));
    assert_eq!(judge(&role, LENIENT).finding("device-asks-more").severity, Warning);
    let other_key = asks(&|value| value["publicKey"] = key(7).into());
    assert_eq!(judge(&other_key, LENIENT).finding("device-key-changed").cause, Some(Cause::DeviceRepin));
    let platform = asks(&|value| value["platform"] = "darwin".into());
    assert_eq!(judge(&platform, LENIENT).codes(), [("request-left-over", Info)], "nothing is pinned before 2026.2.26");
    assert_eq!(judge(&platform, STRICT).finding("device-metadata-changed").cause, Some(Cause::DeviceRepin));
    // What a known device was refused for stays true after its request.
    let late = judge_at(&more, LENIENT, THEN + 3_600_000);
    assert_eq!(late.finding("device-asks-more").certainty, Certainty::Likely);
}

#[test]
fn the_hosts_own_record_is_compared_with_what_its_cli_asks_for() {
    let narrow = |field: &str, value: Value| {
        let mut own = own_record();
        own[field] = value;
        with_store(pretty(&store(Some(own), &[1])))
    };
    let scopes = narrow("scopes", json!(["operator.read"]));
    for (release, expected) in [
        ("2026.2.17", None),
        (LENIENT, Some((Error, Certainty::Certain))),
        ("2026.2.21", Some((Error, Certainty::Certain))),
        ("2026.2.26", None),
        ("2026.3.13", None),
        ("2026.3.28", Some((Error, Certainty::Certain))),
        ("2026.4.20", Some((Error, Certainty::Certain))),
        ("2026.5.7", Some((Warning, Certainty::Likely))),
        ("2026.7.1", None),
    ] {
        let verdict = judge(&scopes, release);
        let found = verdict.findings.iter().find(|(finding, _)| finding.code == "host-scopes-short");
        let found = found.map(|(finding, _)| (finding.severity, finding.certainty));
        assert_eq!(found, expected, "{release}: {:?}", verdict.codes());
    }
    let plan = judge(&scopes, LENIENT);
    let plan = plan.plan("host-scopes-short");
    assert_eq!((plan.applicability, edits(plan).len()), (Applicability::Unsafe, 1));
    // Where each call asks only for what it needs, the first one after the fix must be one that asks for everything, and
    // the CLI can't approve its own request (measured with 2026.6.11).
    let waiting = json!({ "r1": { "requestId": "r1", "deviceId": identity(HOST).0, "publicKey": identity(HOST).1,
        "role": "operator", "roles": ["operator"], "scopes": ["operator.read"], "clientId": "cli", "silent": false,
        "isRepair": true, "ts": THEN } });
    scopes.put("devices/pending.json", pretty(&waiting));
    for (release, approves, call) in [
        ("2026.3.28", true, "devices list"),
        ("2026.4.29", false, "gateway call config.schema"),
        ("2026.6.11", false, "gateway call config.schema"),
    ] {
        let verdict = judge(&scopes, release);
        let plan = verdict.plan("host-scopes-short");
        let said = format!("{:?} {:?} {:?}", verdict.finding("host-scopes-short").fix_hint, plan.first, plan.manual);
        assert_eq!(said.contains("devices approve r1"), approves, "{release}: {said}");
        assert_eq!(verdict.finding("host-scopes-short").severity, Error, "{release}: a call was refused");
        assert!(plan.manual.iter().any(|step| step.ends_with(call)), "{release}: {said}");
    }
    let mut node = own_record();
    (node["role"], node["roles"]) = ("node".into(), json!(["node"]));
    let node = with_store(pretty(&store(Some(node), &[1])));
    assert_eq!(judge(&node, LENIENT).finding("host-role-missing").cause, Some(Cause::ScopeUpgrade));
    assert!(judge(&node, "2026.4.5").findings.iter().all(|(finding, _)| finding.code != "host-role-missing"));
    let empty = narrow("tokens", json!({}));
    assert_eq!(judge(&empty, "2026.3.31").finding("host-token-missing").severity, Error);
    assert!(judge(&empty, "2026.4.2").findings.iter().all(|(finding, _)| finding.code != "host-token-missing"));
    // Made by hand: that is the damage, not the upgrade.
    let (own, own_key, _) = identity(HOST);
    let hand = store(Some(json!({ "deviceId": own, "publicKey": own_key, "approved": true })), &[]);
    let verdict = judge(&with_store(pretty(&hand)), LENIENT);
    assert_eq!(verdict.finding("paired-record-incomplete").severity, Error);
    assert!(verdict.codes().iter().all(|(code, _)| !code.starts_with("host-")));
}

#[test]
fn copies_that_hold_more_are_found_and_put_back() {
    let state = with_store(pretty(&store(Some(own_record()), &[])));
    state.put("devices/paired.json.bak", pretty(&store(Some(own_record()), &[1, 2])));
    let verdict = judge(&state, LENIENT);
    let finding = verdict.finding("store-copy-has-more");
    assert_eq!((finding.severity, finding.certainty), (Warning, Certainty::Likely));
    assert!(
        matches!(edits(verdict.plan("store-copy-has-more"))[..], [StoreEdit::Take { keys, .. }] if keys.len() == 2)
    );
    // Somebody may have removed one device on purpose.
    state.put("devices/paired.json", pretty(&store(Some(own_record()), &[1])));
    let verdict = judge(&state, LENIENT);
    assert_eq!(
        (verdict.finding("store-copy-has-more").severity, verdict.finding("store-copy-has-more").certainty),
        (Info, Certainty::Possible)
    );
    state.put("devices/paired.json", pretty(&store(Some(own_record()), &[1, 2, 3])));
    assert!(judge(&state, LENIENT).codes().is_empty());
    // A broken store is mended first, and then with what the copy has.
    state.put("devices/paired.json", "");
    let verdict = judge(&state, LENIENT);
    let plan = verdict.plan("store-text-erased");
    assert!(matches!(edits(plan)[..], [StoreEdit::Empty, StoreEdit::Take { .. }]), "{plan:?}");
    std::fs::remove_file(state.path("devices/paired.json")).expect("removed");
    assert_eq!(judge(&state, LENIENT).codes(), [("store-copy-has-more", Warning)]);
}

#[test]
fn a_store_that_was_started_anew_is_noticed() {
    let mut own = own_record();
    own["createdAtMs"] = (THEN + 20 * 60_000).into();
    own["approvedAtMs"] = (THEN + 20 * 60_000).into();
    let value = request(5, "r5", THEN + 21 * 60_000);
    let state = with_request(&store(Some(own.clone()), &[]), value.clone());
    let verdict = judge_at(&state, LENIENT, THEN + 22 * 60_000);
    let finding = verdict.finding("store-lost-devices");
    assert_eq!((finding.severity, finding.certainty), (Warning, Certainty::Possible), "others may be new");
    // The first connection follows the identity at once.
    let fresh = with_request(&store(Some(own_record()), &[]), value);
    assert!(judge(&fresh, LENIENT).codes().iter().all(|(code, _)| *code != "store-lost-devices"));
    // Nobody else is there.
    let alone = with_store(pretty(&store(Some(own), &[])));
    assert!(judge_at(&alone, LENIENT, THEN + 22 * 60_000).codes().is_empty());
}

#[test]
fn a_broken_identity_is_judged_by_release() {
    let sound = pretty(&identity(HOST).2);
    let mut keys = identity(HOST).2;
    keys["privateKeyPem"] = identity(3).2["privateKeyPem"].clone();
    let mut shape = identity(HOST).2;
    shape["version"] = 2.into();
    for (text, release, code, severity) in [
        ("{".to_owned(), LENIENT, "identity-replaced", Info),
        ("{".to_owned(), "2026.5.12", "identity-new-each-call", Error),
        ("{".to_owned(), "2026.7.1", "identity-new-each-call", Warning),
        (format!("\u{feff}{sound}"), "2026.5.12", "identity-new-each-call", Error),
        (pretty(&shape), "2026.6.11", "identity-replaced", Info),
        (pretty(&shape), "2026.7.1", "identity-new-each-call", Warning),
        (pretty(&keys), LENIENT, "identity-keys-differ", Error),
        (pretty(&keys), "2026.5.12", "identity-new-each-call", Error),
    ] {
        let state = with_store("{}");
        state.put("identity/device.json", &text);
        let verdict = judge(&state, release);
        assert_eq!(verdict.finding(code).severity, severity, "{release} {code}");
        let mended = matches!(edits(verdict.plan(code))[..], [StoreEdit::Mend]);
        assert_eq!(mended, text.starts_with('\u{feff}'), "{release} {code}");
    }
    let mut moved = identity(HOST).2;
    moved["deviceId"] = id(1).into();
    let state = with_store(pretty(&store(Some(own_record()), &[])));
    state.put("identity/device.json", pretty(&moved));
    assert_eq!(judge(&state, LENIENT).codes(), [("identity-id-corrected", Info)]);
}

#[test]
fn former_identities_are_mentioned_and_no_more() {
    let mut records = store(Some(own_record()), &[]);
    (records[id(1)], records[id(2)]) = (record(1), record(2));
    assert_eq!(judge(&with_store(pretty(&records)), LENIENT).codes(), [("former-identities", Info)]);
}

#[test]
fn a_stale_cache_matters_only_where_it_is_sent() {
    let own = own_record();
    let cache = |token: &str| {
        let tokens = json!({ "operator": { "token": token, "role": "operator", "scopes": [], "updatedAtMs": THEN } });
        pretty(&json!({ "version": 1, "deviceId": identity(HOST).0, "tokens": tokens }))
    };
    let state = with_store(pretty(&store(Some(own.clone()), &[1])));
    state.put("identity/device-auth.json", cache("another"));
    for (release, expected) in [("2026.2.12", Some((Error, Certainty::Certain))), (LENIENT, None), (STRICT, None)] {
        let verdict = judge(&state, release);
        let found = verdict.findings.iter().find(|(finding, _)| finding.code == "cached-token-stale");
        assert_eq!(found.map(|(finding, _)| (finding.severity, finding.certainty)), expected, "{release}");
    }
    let verdict = judge(&state, "2026.2.12");
    let finding = verdict.finding("cached-token-stale");
    assert!(finding.evidence.iter().all(|piece| !piece.text.contains("another")), "tokens are labels");
    assert_eq!(verdict.plan("cached-token-stale").applicability, Applicability::Safe);
    // Without a shared secret in the configuration the cache is all there is, unless the environment has one.
    state.put("openclaw.json", json!({ "gateway": { "mode": "local" } }).to_string());
    assert_eq!(judge(&state, LENIENT).finding("cached-token-stale").severity, Warning);
    // The mark that a refused shared token leaves.
    let emptied = json!({ "version": 1, "deviceId": identity(HOST).0, "tokens": {} });
    state.put("identity/device-auth.json", pretty(&emptied));
    assert_eq!(judge(&state, LENIENT).finding("cached-token-dropped").cause, Some(Cause::GatewayTokenDrift));
    assert!(judge(&state, STRICT).codes().iter().all(|(code, _)| *code != "cached-token-dropped"));
    // Up to 2026.2.12 it is the device token itself that was refused, where a shared secret is there to fall back to.
    state.put("openclaw.json", json!({ "gateway": { "mode": "local", "auth": { "mode": "none" } } }).to_string());
    assert!(judge(&state, "2026.2.12").codes().iter().all(|(code, _)| *code != "cached-token-dropped"));
    state.put("openclaw.json", json!({ "gateway": { "mode": "local", "auth": { "token": "shared" } } }).to_string());
    let verdict = judge(&state, "2026.2.12");
    let finding = verdict.finding("cached-token-dropped");
    assert_eq!((finding.cause, finding.certainty), (Some(Cause::StaleDeviceToken), Certainty::Likely));
}

#[test]
fn tokens_that_do_not_fit_their_record_are_named() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut records = store(Some(own_record()), &[1]);
        change(&mut records[id(1)]);
        with_store(pretty(&records))
    };
    let none = changed(&|value| drop(value.as_object_mut().expect("a record").remove("tokens")));
    assert_eq!(judge(&none, LENIENT).codes(), [("tokens-missing", Warning)]);
    let revoked = changed(&|value| value["tokens"]["operator"]["revokedAtMs"] = THEN.into());
    assert_eq!(judge(&revoked, LENIENT).finding("tokens-revoked").cause, Some(Cause::StaleDeviceToken));
    let small = changed(&|value| value["tokens"]["operator"]["scopes"] = json!(["operator.pairing"]));
    assert_eq!(judge(&small, LENIENT).codes(), [("token-scopes-off", Warning)]);
    let other = changed(&|value| {
        value["tokens"]["node"] = json!({ "token": "x", "role": "operator", "scopes": [], "createdAtMs": THEN })
    });
    assert_eq!(judge(&other, LENIENT).codes(), [("token-scopes-off", Warning)]);
}

#[test]
fn the_three_queues_are_told_apart() {
    let mut node = request(5, "6a0ee2ea-0000-4000-8000-000000000007", THEN);
    (node["role"], node["roles"]) = ("node".into(), json!(["node"]));
    let state = with_request(&store(Some(own_record()), &[1]), node);
    state
        .put("nodes/pending.json", pretty(&json!({ "n1": { "requestId": "n1", "nodeId": id(6), "ts": THEN } })))
        .put("credentials/telegram-pairing.json", pretty(&json!({ "version": 1, "requests": [
            { "id": "7", "code": "ABCD2345", "createdAt": "2026-11-22T13:58:18.000Z", "lastSeenAt": "2026-11-22T13:58:18.000Z" },
        ] })));
    let codes = |release: &str| -> Vec<String> {
        let verdict = judge(&state, release);
        verdict
            .codes()
            .iter()
            .map(|(code, _)| (*code).to_owned())
            .filter(|code| code.contains("node") || code.contains("sender"))
            .collect()
    };
    assert_eq!(codes(LENIENT), ["channel-sender-waits", "node-among-devices"], "no queue of nodes yet");
    assert_eq!(codes(STRICT), ["channel-sender-waits", "node-among-devices", "node-offer-waits"]);
    let verdict = judge(&state, STRICT);
    assert_eq!(verdict.finding("node-among-devices").cause, Some(Cause::WrongQueue));
    assert_eq!(verdict.finding("node-among-devices").certainty, Certainty::Possible);
    assert!(
        verdict
            .finding("channel-sender-waits")
            .fix_hint
            .as_deref()
            .is_some_and(|hint| hint.contains("pairing list telegram"))
    );
}

#[test]
fn what_can_not_be_read_is_skipped_with_its_reason() {
    let state = with_store(format!("{{\"a\": \"{}\"}}", "x".repeat(5 << 20)));
    let verdict = judge(&state, LENIENT);
    assert!(verdict.skipped.len() >= 4 && verdict.findings.is_empty(), "{:?}", verdict.codes());
    assert!(verdict.skipped[0].reason.contains("paired.json"));
    assert!(verdict.snapshot.selected().is_some());
}
