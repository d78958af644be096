use super::*;
use crate::logs::recognize::recognize;
use crate::logs::stamp::Clock;

fn builtin() -> Arc<SignatureSet> {
    SignatureSet::builtin().expect("the built-in table is sound")
}

#[test]
fn every_built_in_pattern_compiles_and_matches_its_own_samples_first() {
    let set = builtin();
    for signature in set.signatures() {
        assert!(signature.pattern().is_some(), "{} does not compile", signature.id);
        assert!(
            !signature.samples.is_empty() && !signature.proves.is_empty(),
            "{} lacks samples or words",
            signature.id
        );
        assert!(!signature.does_not_prove.is_empty(), "{} does not say what it does not prove", signature.id);
        for sample in &signature.samples {
            let known = recognize(&set, &Clock::default(), sample.as_bytes(), 0, 1);
            let first = known.first().map(|known| known.signature.id.as_str());
            assert_eq!(first, Some(signature.id.as_str()), "sample of {}: {sample}", signature.id);
        }
    }
}

#[test]
fn samples_are_found_in_json_records_too() {
    let set = builtin();
    for signature in set.signatures() {
        for sample in &signature.samples {
            let record =
                serde_json::json!({"0": sample, "_meta": {"name": "openclaw"}, "time": "2026-03-01T00:00:00Z"});
            let known = recognize(&set, &Clock::default(), record.to_string().as_bytes(), 0, 1);
            assert!(known.iter().any(|known| known.signature.id == signature.id), "{}: {record}", signature.id);
        }
    }
}

#[test]
fn literals_hold_nothing_that_json_escapes() {
    for literal in builtin().literals() {
        assert!(!literal.contains(['"', '\\', '\n']), "{literal:?}");
    }
}

#[test]
fn a_users_file_wins_over_ours_and_may_leave_the_kind_out() {
    let text = "[[signature]]\nid = \"mine\"\nliterals = [\"pairing required\"]\npattern = 'pairing required'\ncause = \"new-device\"\n";
    let set = SignatureSet::new([("mine.toml", text)]).expect("loads");
    let known = recognize(&set, &Clock::default(), b"gateway closed (1008): pairing required", 0, 1);
    assert_eq!(known.first().map(|known| known.event.kind), Some(EventKind::Custom));
    assert_eq!(known.first().and_then(|known| known.event.detail.points_at), Some(Cause::NewDevice));
}

#[test]
fn a_broken_users_file_is_an_error_with_its_line() {
    let entry = |fields: &str| format!("# mine\n\n[[signature]]\nid = \"x\"\n{fields}\n");
    let cases = [
        ("literals = [\"abcd\"]\npattern = '('", 6, "pattern"),
        ("literals = [\"abcd\"]\npattern = 'a'\ncause = \"nonsense\"", 7, "cause"),
        ("literals = [\"abcd\"]\npattern = 'a'\nkind = \"nonsense\"", 7, "kind"),
        ("literals = [\"abcd\"]\npattern = 'a'\nreleases = \"soon\"", 7, "releases"),
        ("literals = [\"abcd\"]\npattern = 'a'\ncolour = \"red\"", 7, "colour"),
        ("literals = []\npattern = 'a'", 3, "literals"),
        ("literals = [\"abcd\"\npattern", 6, ""),
    ];
    for (fields, line, word) in cases {
        let error = SignatureSet::new([("mine.toml", entry(fields).as_str())]).expect_err(fields);
        assert_eq!((error.file.as_str(), error.line), ("mine.toml", line), "{error}");
        assert!(error.problem.contains(word), "{error}");
    }
    let twice = format!("{0}{0}", entry("literals = [\"abcd\"]\npattern = 'a'"));
    assert!(SignatureSet::new([("mine.toml", twice.as_str())]).expect_err("twice").problem.contains("twice"));
}
