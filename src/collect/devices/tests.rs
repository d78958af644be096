use super::fixture::{State, THEN, id, identity, key, paired, pretty, record, request};
use crate::model::{Fact, SecretVault};
use crate::snapshot::device::{PairedRelation, RecordShape, TokenAgreement};
use crate::snapshot::device_key::{KeyForm, PrivateKeyForm};
use crate::snapshot::store::{FileState, JsonStore, StoreFaultKind};
use proptest::prelude::*;
use serde_json::{Value, json};

fn with_paired(bytes: impl AsRef<[u8]>) -> JsonStore {
    State::new().put("devices/paired.json", bytes).collect()
}

fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// kind, line, whether it can be mended, ids found
type Expected = (StoreFaultKind, Option<u32>, bool, &'static [u8]);

#[test]
fn every_fault_of_a_text_is_told_apart_and_what_can_be_saved_is_found() {
    use StoreFaultKind::*;
    let sound = pretty(&paired(&[1, 2]));
    let last = sound.rfind('}').expect("an end");
    let list: Value = [record(1), record(2)].into_iter().collect();
    let cases: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("empty", b"".to_vec(), (Empty, None, false, &[])),
        ("blank", b" \r\n\t".to_vec(), (Empty, None, false, &[])),
        ("zero bytes", vec![0; 700], (Binary, Some(1), false, &[])),
        ("an image", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\xff\xfe\x01".to_vec(), (Binary, Some(1), false, &[])),
        ("cut in a record", sound.as_bytes()[..sound.len() - 80].to_vec(), (Truncated, Some(58), false, &[1])),
        ("the last brace cut", sound.as_bytes()[..last].to_vec(), (Truncated, Some(62), true, &[1, 2])),
        ("cut at the start", b"{\n  \"6161".to_vec(), (Truncated, Some(2), false, &[])),
        ("zero bytes after a sound text", [sound.as_bytes(), &[0; 9]].concat(), (Syntax, Some(62), true, &[1, 2])),
        ("byte order mark", format!("\u{feff}{sound}").into_bytes(), (ByteOrderMark, Some(1), true, &[1, 2])),
        ("UTF-16", utf16(&sound, true, false), (Utf16, Some(1), true, &[1, 2])),
        ("UTF-16 big endian", utf16(&sound, true, true), (Utf16, Some(1), true, &[1, 2])),
        ("UTF-16 without a mark", utf16(&sound, false, false), (Utf16, Some(1), true, &[1, 2])),
        ("comment", format!("// mine\n{sound}").into_bytes(), (Json5Only, Some(1), true, &[1, 2])),
        ("trailing comma", format!("{},\n}}", &sound[..last - 1]).into_bytes(), (Json5Only, Some(62), true, &[1, 2])),
        ("single quotes", sound.replace('"', "'").into_bytes(), (Json5Only, Some(2), true, &[1, 2])),
        ("comma missing", sound.replacen("\n  },\n", "\n  }\n", 1).into_bytes(), (Syntax, Some(32), true, &[1, 2])),
        ("quote lost", sound.replacen("\"linux\"", "\"linux", 1).into_bytes(), (Syntax, Some(5), false, &[2])),
        ("null", b"null".to_vec(), (Null, Some(1), false, &[])),
        ("empty list", b"[]".to_vec(), (Array, Some(1), false, &[])),
        ("list of records", pretty(&list).into_bytes(), (Array, Some(1), true, &[1, 2])),
        ("string", b"\"paired\"".to_vec(), (Scalar, Some(1), false, &[])),
        ("number", b"7".to_vec(), (Scalar, Some(1), false, &[])),
        (
            "wrapped",
            pretty(&json!({"version": 1, "devices": paired(&[1, 2])})).into_bytes(),
            (Wrapped, Some(3), true, &[1, 2]),
        ),
        (
            "pasted list",
            pretty(&json!({"pending": [], "paired": list})).into_bytes(),
            (Wrapped, Some(3), true, &[1, 2]),
        ),
        ("empty wrapper", b"{\"version\": 1, \"devices\": {}}".to_vec(), (Wrapped, Some(1), true, &[])),
        ("a single record", pretty(&record(1)).into_bytes(), (Wrapped, Some(1), true, &[1])),
    ];
    for (name, bytes, (kind, line, mendable, ids)) in cases {
        let file = with_paired(bytes).paired;
        let FileState::Faulty(fault) = &file.state else { panic!("{name}: {:?}", file.state) };
        assert_eq!((fault.kind, fault.mendable), (kind, mendable), "{name}: {fault:?} {:?}", file.damaged);
        assert_eq!(fault.at.map(|at| at.line), line, "{name}: {fault:?}");
        let found: Vec<&str> = file.records.iter().map(|device| device.place.key.as_str()).collect();
        assert_eq!(found, ids.iter().map(|n| id(*n)).collect::<Vec<_>>(), "{name}");
        assert!(file.live().is_empty(), "{name}: OpenClaw sees none of it");
    }
}

#[test]
fn sound_stores_stay_sound_whatever_their_style() {
    let sound = pretty(&paired(&[1, 2]));
    for (text, crlf) in [
        (sound.clone(), false),
        (sound.replace('\n', "\r\n"), true),
        (paired(&[1, 2]).to_string(), false),
        (format!("\n\n{sound}\n\n"), false),
    ] {
        let file = with_paired(text).paired;
        assert_eq!((&file.state, file.crlf), (&FileState::Sound, crlf));
        assert_eq!(file.live().len(), 2);
        assert!(file.records.iter().all(|device| device.problems.is_empty() && device.foreign_fields.is_empty()));
        assert!(file.records.iter().all(|device| device.key.form == KeyForm::Canonical));
    }
    assert_eq!(with_paired("{}").paired.state, FileState::Sound);
    let lossy = with_paired(sound.replacen("linux", "li\u{fffd}nux", 1).replace('\u{fffd}', "\0").as_bytes());
    assert!(matches!(lossy.paired.state, FileState::Faulty(_)), "a raw control character is no JSON");
    let bytes: Vec<u8> =
        sound.replacen("linux", "li#ux", 1).bytes().map(|byte| if byte == b'#' { 0xff } else { byte }).collect();
    let lossy = with_paired(bytes).paired;
    assert_eq!((lossy.state, lossy.lossy), (FileState::Sound, true));
}

#[test]
fn what_stands_in_place_of_a_file_is_named() {
    let state = State::new();
    std::fs::create_dir_all(state.path("devices/paired.json")).expect("a directory");
    nix::unistd::mkfifo(&state.path("devices/pending.json"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    state.put("elsewhere.json", pretty(&identity(1).2));
    std::fs::create_dir_all(state.path("identity")).expect("a directory");
    std::os::unix::fs::symlink("../elsewhere.json", state.path("identity/device.json")).expect("a link");
    std::os::unix::fs::symlink("nowhere.json", state.path("identity/device-auth.json")).expect("a link");
    let store = state.collect();
    assert_eq!(store.paired.state, FileState::NotAFile("directory".to_owned()));
    assert_eq!(store.pending.state, FileState::NotAFile("FIFO".to_owned()));
    assert_eq!(store.identity.state, FileState::Sound);
    assert!(store.identity.leads_to.is_some() && store.identity.records.len() == 1);
    assert_eq!((&store.cached.state, store.cached.leads_to.is_some()), (&FileState::Missing, true));
    assert_eq!(State::new().collect().paired.state, FileState::Missing);
}

#[test]
fn records_that_are_none_keep_their_place() {
    let mut store = paired(&[1, 2]);
    let devices = store.as_object_mut().expect("an object");
    devices.insert("aa".to_owned(), Value::Null);
    devices.insert("bb".to_owned(), "text".into());
    devices.insert("cc".to_owned(), json!([1]));
    devices.insert("request".to_owned(), request(3, "request", THEN));
    let file = with_paired(pretty(&store)).paired;
    assert_eq!(file.state, FileState::Sound);
    let shapes: Vec<RecordShape> = file.records.iter().map(|device| device.shape).collect();
    use RecordShape::{Expected, NotAnObject, PendingShaped};
    assert_eq!(shapes, [Expected, Expected, NotAnObject, NotAnObject, NotAnObject, PendingShaped]);
    assert_eq!(file.records[2].place.line, Some(62));
    assert_eq!(file.span_of(&file.records[2].place).map(|at| (at.line, at.column)), Some((62, 3)));
}

#[test]
fn of_duplicate_keys_the_last_counts_and_each_is_placed() {
    let text = format!(
        "{{\n\"{0}\": {1},\n\"{0}\": {2}\n}}",
        id(1),
        record(1),
        record(1).to_string().replacen("\"linux\"", "\"linux\",\"platform\":\"darwin\"", 1)
    );
    let file = with_paired(text).paired;
    assert_eq!(file.records.len(), 1);
    assert_eq!(file.records[0].platform, Fact::Known("darwin".to_owned()));
    let keys: Vec<(&str, u32)> = file.duplicates.iter().map(|(key, at)| (key.as_str(), at.line)).collect();
    assert_eq!(keys, [(id(1).as_str(), 3), (format!("{}.platform", id(1)).as_str(), 3)]);
}

#[test]
fn relations_are_worked_out_as_openclaw_sees_them() {
    let (host, host_key, file) = identity(9);
    let mut own = record(1);
    own["deviceId"] = host.clone().into();
    own["publicKey"] = host_key.into();
    let token = own["tokens"]["operator"]["token"].clone();
    let mut other_key = request(2, "r2", THEN);
    other_key["publicKey"] = key(3).into();
    let state = State::new();
    state
        .put("devices/paired.json", pretty(&json!({ &host: own, id(2): record(2) })))
        .put("devices/pending.json", pretty(&json!({ "r2": other_key, "r4": request(4, "r4", THEN) })))
        .put("identity/device.json", pretty(&file))
        .put(
            "identity/device-auth.json",
            pretty(&json!({"version": 1, "deviceId": host, "tokens": {
                "operator": {"token": token, "role": "operator", "scopes": [], "updatedAtMs": THEN},
                "node": {"token": "x", "role": "node", "scopes": [], "updatedAtMs": THEN},
            }})),
        );
    let mut vault = SecretVault::default();
    let store = state.collect_with(&mut vault);
    assert_eq!(store.identity.records[0].paired, PairedRelation::SameKey);
    assert_eq!(store.identity.records[0].keys_match, Fact::Known(true));
    assert_eq!(store.pending.records[0].paired, PairedRelation::OtherKey);
    assert_eq!(store.pending.records[1].paired, PairedRelation::NotPaired);
    assert_eq!(store.cached.records[0].agreement, TokenAgreement::Agrees);
    assert_eq!(store.cached.records[1].agreement, TokenAgreement::NoToken);
    assert_eq!(store.cached_for.known().map(|id| id.0.as_str()), Some(host.as_str()));
    let shown = serde_json::to_string(&store).expect("serializes");
    for (secret, _) in vault.values() {
        let long = secret.expose().len() > 8;
        assert!(!long || !shown.contains(secret.expose()), "a secret is in the snapshot");
    }
}

#[test]
fn both_forms_of_an_identity_are_read() {
    let (host, host_key, file) = identity(9);
    let seed = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [9; 32]);
    let swift = json!({ "deviceId": host, "publicKey": host_key, "privateKey": seed, "createdAtMs": THEN });
    for (file, form) in [(file, PrivateKeyForm::Pem), (swift, PrivateKeyForm::Raw)] {
        let store = State::new().put("identity/device.json", pretty(&file)).collect();
        let identity = &store.identity.records[0];
        assert_eq!((identity.private_key, &identity.keys_match), (form, &Fact::Known(true)));
        assert_eq!(identity.key.hashes_to_id, Fact::Known(true));
    }
}

#[test]
fn copies_are_found_where_people_put_them() {
    let three = pretty(&paired(&[1, 2, 3]));
    let state = State::new();
    state.put("devices/paired.json", "{}");
    let names = [
        "devices/paired.json.bak",
        "devices/paired.json~",
        "devices/paired-old.json",
        "devices/paired.json.0b6e8f52-6a86-4b7e-9a52-0d8a1ee9f3c1.tmp",
        "devices/.fs-safe-replace.123.0b6e8f52-6a86-4b7e-9a52-0d8a1ee9f3c1.tmp",
        "devices/paired.json.migrated",
        "devices.bak/paired.json",
        "devices-2026-03-01/paired.json",
        "paired.json.save",
    ];
    for name in names {
        state.put(name, &three);
    }
    state
        .put("devices/pending.json.aa.tmp", pretty(&json!({ "r": request(1, "r", THEN) })))
        .put("devices/.fs-safe-replace.9.aa.tmp", "{}")
        .put("devices/paired.json.broken", "{\"a\": ");
    let store = state.collect();
    for name in names {
        let path = format!("{}/{name}", super::fixture::STATE_DIR);
        let copy = store.copies.iter().find(|copy| copy.path.to_string() == path).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(copy.devices.known().map(Vec::len), Some(3), "{name}");
    }
    assert_eq!(store.copies.len(), names.len() + 1);
    assert!(store.copies.iter().any(|copy| copy.devices.why_unknown().is_some()));
}

#[test]
fn the_other_queues_are_counted() {
    let state = State::new();
    state
        .put("nodes/pending.json", pretty(&json!({ "n1": { "requestId": "n1", "nodeId": id(5), "ts": THEN } })))
        .put(
            "credentials/telegram-pairing.json",
            pretty(&json!({"version": 1, "requests": [
                {"id": "1", "code": "ABCD2345", "createdAt": "2026-11-22T14:00:00.000Z", "lastSeenAt": "2026-11-22T14:00:01.000Z"}
            ]})),
        )
        .put("credentials/broken-pairing.json", "{");
    let store = state.collect();
    assert_eq!(store.node_requests.records[0].node_id, Fact::Known(id(5)));
    let telegram = store.channel_queues.iter().find(|queue| queue.channel == "telegram").expect("telegram");
    assert_eq!(telegram.requests, Fact::Known(1));
    assert_eq!(telegram.newest_ms, Fact::Known(1_795_356_001_000));
    let broken = store.channel_queues.iter().find(|queue| queue.channel == "broken").expect("broken");
    assert!(broken.requests.why_unknown().is_some());
}

#[test]
fn too_much_is_unknown_and_not_empty() {
    let huge = with_paired(format!("{{\"a\": \"{}\"}}", "x".repeat(5 << 20))).paired;
    assert!(huge.why_unknown().is_some() && huge.all().is_none());
    let deep = with_paired(format!("{{\"a\": {}{}}}", "[".repeat(300), "]".repeat(300))).paired;
    assert!(deep.why_unknown().is_some() && deep.all().is_none());
    let many: String = (0..6_000).map(|n| format!("\"{n}\": null,")).collect();
    let many = with_paired(format!("{{{}}}", many.trim_end_matches(','))).paired;
    assert_eq!((many.records.len(), many.omitted), (5_000, 1_000));
    assert!(many.all().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_survived_and_never_taken_for_an_empty_store(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        judge(&bytes);
    }

    #[test]
    fn any_damage_to_a_sound_store_is_survived(cut in 0usize..2400, at in 0usize..1600, byte in any::<u8>()) {
        let mut bytes = pretty(&paired(&[1, 2])).into_bytes();
        let place = at % bytes.len();
        bytes[place] = byte;
        bytes.truncate(cut);
        judge(&bytes);
    }
}

fn judge(bytes: &[u8]) {
    let state = State::new();
    for name in ["devices/paired.json", "devices/pending.json", "identity/device.json", "identity/device-auth.json"] {
        state.put(name, bytes);
    }
    let file = state.collect().paired;
    let strict = serde_json::from_str::<Value>(&String::from_utf8_lossy(bytes));
    let members = strict.as_ref().ok().and_then(Value::as_object);
    match (&file.state, members) {
        (FileState::Sound, Some(members)) => assert_eq!(file.records.len(), members.len()),
        // `1E999` is a number to JavaScript (Infinity), as it is to the gateway, and none to serde_json.
        (FileState::Sound, None) => {
            let error = strict.expect_err("sound for us, but no object for the strict parser");
            assert!(error.to_string().starts_with("number out of range"), "sound for us, but: {error}");
        }
        (FileState::Faulty(fault), Some(_)) => assert_eq!(fault.kind, StoreFaultKind::Wrapped),
        (FileState::Faulty(fault), None) if fault.kind == StoreFaultKind::Empty => {
            assert!(String::from_utf8_lossy(bytes).trim().is_empty());
        }
        (FileState::Faulty(_), None) => {}
        (state, _) => panic!("{state:?}"),
    }
}
