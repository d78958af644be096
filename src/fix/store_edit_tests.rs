use super::*;
use crate::collect::devices::fixture::{THEN, id, identity, key, paired, pretty, raw_key, record, request};
use proptest::prelude::*;
use serde_json::json;
use std::convert::Infallible;

type Outcome = Result<Option<String>, StoreEditError<Infallible>>;

fn edit(bytes: impl AsRef<[u8]>, edits: &[StoreEdit]) -> Outcome {
    apply(Some(bytes.as_ref()), Holds::Devices, edits, |_| Ok(Vec::new()))
}

fn text(outcome: Outcome) -> String {
    outcome.expect("edited").expect("changed")
}

fn remove(key: &str) -> StoreEdit {
    StoreEdit::Remove { key: key.to_owned() }
}

#[test]
fn texts_are_mended_to_what_openclaw_itself_would_write() {
    let sound = pretty(&paired(&[1, 2]));
    let end = sound.len() - 2;
    let list: Value = [record(1), record(2)].into_iter().collect();
    let utf16: Vec<u8> = sound.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("byte order mark", format!("\u{feff}{sound}").into_bytes()),
        ("UTF-16", [&[0xff, 0xfe], utf16.as_slice()].concat()),
        ("comment", format!("/* mine */ {sound} // end").into_bytes()),
        ("trailing comma", format!("{},\n}}", &sound[..end]).into_bytes()),
        ("single quotes", sound.replace('"', "'").into_bytes()),
        ("brace cut off", sound.as_bytes()[..end].to_vec()),
        ("comma missing", sound.replacen("\n  },\n", "\n  }\n", 1).into_bytes()),
        ("zero bytes at the end", format!("{sound}\0\0\0").into_bytes()),
        ("wrapped", json!({ "version": 1, "devices": paired(&[1, 2]) }).to_string().into_bytes()),
        ("a list", list.to_string().into_bytes()),
        ("a wrapped list", json!({ "paired": list, "pending": [] }).to_string().into_bytes()),
    ] {
        assert_eq!(text(edit(bytes, &[StoreEdit::Mend])), sound, "{name}");
    }
    assert_eq!(text(edit(record(1).to_string(), &[StoreEdit::Mend])), pretty(&paired(&[1])));
    assert_eq!(text(edit("[]", &[StoreEdit::Mend])), "{}");
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let sound = pretty(&paired(&[1, 2]));
    for text in [sound.clone(), sound.replace('\n', "\r\n"), paired(&[1, 2]).to_string()] {
        assert_eq!(edit(&text, &[StoreEdit::Mend]).expect("edited"), None);
        assert_eq!(edit(&text, &[remove("not there")]).expect("edited"), None);
    }
}

#[test]
fn pieces_are_only_left_out_where_the_plan_says_so() {
    let sound = pretty(&paired(&[1, 2]));
    let cut = &sound[..sound.len() - 80];
    assert!(matches!(edit(cut, &[StoreEdit::Mend]), Err(StoreEditError::Lossy)));
    assert!(matches!(edit(cut, &[remove("x")]), Err(StoreEditError::Lossy)));
    assert_eq!(text(edit(cut, &[StoreEdit::Salvage])), pretty(&paired(&[1])));
    assert!(matches!(edit("no store", &[StoreEdit::Mend]), Err(StoreEditError::Lossy)));
    assert_eq!(text(edit("no store", &[StoreEdit::Salvage])), "{}");
    assert_eq!(text(edit("no store", &[StoreEdit::Empty])), "{}");
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(300), "]".repeat(300));
    assert!(matches!(edit(&deep, &[StoreEdit::Salvage]), Err(StoreEditError::Unclear(_))));
    let twice: Value = [record(1), record(1)].into_iter().collect();
    assert!(matches!(edit(twice.to_string(), &[StoreEdit::Mend]), Err(StoreEditError::Lossy)));
}

#[test]
fn of_a_key_that_stands_twice_the_last_stays() {
    let doubled = format!("{{\"{0}\": {1}, \"{0}\": {2}}}", id(1), json!({"old": 1}), record(1));
    assert_eq!(text(edit(doubled, &[StoreEdit::Mend])), pretty(&paired(&[1])));
}

#[test]
fn records_are_removed_refiled_and_spelled() {
    let store = paired(&[1, 2]);
    assert_eq!(text(edit(pretty(&store), &[remove(&id(1))])), pretty(&paired(&[2])));

    let mut stray = paired(&[2]);
    stray.as_object_mut().expect("an object").insert("0000".to_owned(), record(1));
    let rename = StoreEdit::Rename { key: "0000".to_owned(), to: id(1) };
    assert_eq!(text(edit(pretty(&stray), std::slice::from_ref(&rename))), pretty(&paired(&[2, 1])));
    stray.as_object_mut().expect("an object").insert(id(1), record(1));
    assert!(matches!(edit(pretty(&stray), &[rename]), Err(StoreEditError::Changed(_))));

    let hex: String = raw_key(1).iter().map(|byte| format!("{byte:02x}")).collect();
    let padded = base64::engine::general_purpose::STANDARD.encode(raw_key(1));
    for spelling in [hex, padded] {
        let mut odd = paired(&[1]);
        odd[id(1)]["publicKey"] = spelling.into();
        assert_eq!(text(edit(pretty(&odd), &[StoreEdit::SpellKey { key: id(1) }])), pretty(&paired(&[1])));
    }
    let mut none = paired(&[1]);
    none[id(1)]["publicKey"] = "nothing".into();
    assert!(matches!(edit(pretty(&none), &[StoreEdit::SpellKey { key: id(1) }]), Err(StoreEditError::Changed(_))));
    assert_eq!(key(1).len(), 43);
}

#[test]
fn a_copy_adds_what_is_missing_and_changes_nothing_else() {
    let mut own = paired(&[1]);
    own[id(1)]["displayName"] = "mine".into();
    let take =
        |keys: &[u8]| StoreEdit::Take { from: HostPath::from("/copy"), keys: keys.iter().map(|n| id(*n)).collect() };
    let from = |bytes: Option<String>, edits: &[StoreEdit]| {
        let copy = pretty(&paired(&[1, 2, 3])).into_bytes();
        apply(bytes.as_deref().map(str::as_bytes), Holds::Devices, edits, |_| Ok::<_, Infallible>(copy.clone()))
    };
    let merged = text(from(Some(pretty(&own)), &[take(&[1, 2])]));
    let merged: Value = serde_json::from_str(&merged).expect("JSON");
    assert_eq!(merged[id(1)]["displayName"], "mine");
    assert_eq!(merged.as_object().map(Map::len), Some(2));
    // A store that is gone is made anew.
    assert_eq!(text(from(None, &[take(&[2, 3])])), pretty(&paired(&[2, 3])));
    assert!(matches!(from(Some(pretty(&own)), &[take(&[9])]), Err(StoreEditError::Changed(_))));
}

#[test]
fn an_identity_is_mended_with_its_line_end() {
    let file = pretty(&identity(9).2);
    let mended = apply(Some(format!("\u{feff}{file} {{}}").as_bytes()), Holds::One, &[StoreEdit::Mend], |_| {
        Ok::<_, Infallible>(Vec::new())
    });
    assert!(matches!(mended, Err(StoreEditError::Lossy)), "what follows the object may mean something");
    let mended = apply(Some(format!("\u{feff}{file}").as_bytes()), Holds::One, &[StoreEdit::Mend], |_| {
        Ok::<_, Infallible>(Vec::new())
    });
    assert_eq!(text(mended), format!("{file}\n"));
}

#[test]
fn requests_are_kept_apart_from_devices() {
    let store = json!({ "r1": request(1, "r1", THEN), "r2": null });
    let edits = [remove("r2")];
    let outcome =
        apply(Some(store.to_string().as_bytes()), Holds::Requests, &edits, |_| Ok::<_, Infallible>(Vec::new()));
    assert_eq!(text(outcome), pretty(&json!({ "r1": request(1, "r1", THEN) })));
}

proptest! {
    #[test]
    fn whatever_the_damage_no_whole_record_is_lost_or_changed(cut in 0usize..3300, at in 0usize..3300, byte in 0x20u8..0x7f) {
        let mut bytes = pretty(&paired(&[1, 2, 3])).into_bytes();
        let place = at % bytes.len();
        bytes[place] = byte;
        bytes.truncate(cut);
        let whole = understand(&bytes);
        if let Ok(Some(text)) = edit(&bytes, &[StoreEdit::Salvage]) {
            let now: Value = serde_json::from_str(&text).expect("plain JSON");
            for entry in whole.root.iter().flat_map(|root| entries(root, Holds::Devices)) {
                prop_assert_eq!(&now[&entry.key], &entry.node.to_json());
            }
        }
    }
}
