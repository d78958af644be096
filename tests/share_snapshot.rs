//! Snapshots at the public edge: what they hide, and that they are judged as the host is.

mod support;

use serde_json::Value;
use std::io::Read;
use std::path::Path;
use support::{Case, doctor, doctor_json};

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("snapshot");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}

/// Every text of a document.
fn texts<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(members) => members.values().for_each(|member| texts(member, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Causes with how sure, in order; and the codes of all findings.
fn diagnosis(answer: &Value) -> (Vec<String>, Vec<String>) {
    let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    let causes = list("diagnosis").iter().map(|one| format!("{} {}", one["cause"], one["certainty"])).collect();
    let mut codes: Vec<String> =
        list("findings").iter().map(|one| format!("{} {}", one["code"], one["severity"])).collect();
    codes.sort();
    (causes, codes)
}

/// Words of a host that must not stand in what is shared: 64 hexadecimal digits, and keys of 43 characters.
fn is_id(word: &str) -> bool {
    let random = word.bytes().collect::<std::collections::BTreeSet<_>>().len() > 4;
    let hex = word.len() == 64 && random && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex || word.len() == 43
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_uppercase())
}

#[test]
fn every_case_is_judged_from_its_snapshot_as_on_the_host() {
    let folder = tempfile::tempdir().expect("tempdir");
    let root = folder.path().join("case.tar");
    let file = folder.path().join("case.snapshot");
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for case in Case::all() {
        for after in [false, true] {
            if after && !case.has_after() {
                continue;
            }
            case.root_archive(after, &root);
            let mut arguments = vec!["check".to_owned(), "--json".to_owned()];
            arguments.extend(case.options(&root));
            let host = doctor_json(&arguments);
            let mut arguments = vec!["report".to_owned(), "--snapshot".to_owned(), file.display().to_string()];
            arguments.extend(case.options(&root));
            let report = doctor(&arguments);
            assert_ne!(report.status.code(), Some(2), "{}: {}", case.name, String::from_utf8_lossy(&report.stderr));
            let helper = doctor_json(&["analyze".into(), "--json".into(), file.display().to_string()]);
            judged += 1;
            let label = format!("{}{}", case.name, if after { " (after)" } else { "" });
            let (expected, seen) = (diagnosis(&host), diagnosis(&helper));
            if expected != seen || host["exitCode"] != helper["exitCode"] || host["verdict"] != helper["verdict"] {
                wrong.push(format!("{label}:\n  host     {expected:?}\n  snapshot {seen:?}"));
            }
            assert!(
                helper["notes"][0]
                    .as_str()
                    .is_some_and(|note| note.starts_with("From a snapshot taken ") && note.contains("just now")),
                "{label}: it says how old it is: {}",
                helper["notes"]
            );
            nothing_of_the_host(&case, &label, &unpacked(&file), &String::from_utf8_lossy(&report.stdout));
        }
    }
    println!("{judged} states judged from their snapshots");
    assert!(wrong.is_empty(), "{} of {judged} judged otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

fn nothing_of_the_host(case: &Case, label: &str, snapshot: &str, report: &str) {
    let document: Value = serde_json::from_str(snapshot).expect("JSON");
    let mut values = Vec::new();
    texts(&document, &mut values);
    let user = case.text("user");
    for text in values.into_iter().chain(report.lines()) {
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let bad = words.find(|word| *word == user || is_id(word));
        assert!(bad.is_none(), "{label}: {bad:?} in {text:?}");
    }
}

#[test]
fn an_account_has_the_same_pseudonym_everywhere_in_a_snapshot() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (root, file) = (folder.path().join("case.tar"), folder.path().join("case.snapshot"));
    let case = Case::named("2026.2.19-f06a_second_gateway_same_port");
    case.root_archive(false, &root);
    let mut arguments = vec!["report".to_owned(), "--snapshot".to_owned(), file.display().to_string()];
    arguments.extend(case.options(&root));
    doctor(&arguments);
    let document: Value = serde_json::from_str(&unpacked(&file)).expect("JSON");
    let snapshot = &document["snapshot"];
    let account = &snapshot["installations"][0]["account"]["known"]["account"];
    let name = account["name"].as_str().expect("a name");
    assert!(name.starts_with("<user-"), "{name}");
    assert_eq!(account["home"], format!("/home/{name}"));
    assert!(snapshot["installations"][0]["state_dir"].as_str().expect("a path").starts_with(&format!("/home/{name}/")));
    let options: Vec<&str> =
        snapshot["repeat_options"].as_array().expect("options").iter().filter_map(Value::as_str).collect();
    assert!(options.contains(&format!("--user '{name}'").as_str()), "{options:?}");
}
