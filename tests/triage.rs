//! Triage at its public edge: pasted texts with known causes, a whole thread, and hostile input.

use openclaw_doctor::logs::SignatureSet;
use openclaw_doctor::model::Cause;
use openclaw_doctor::triage::{Triage, triage};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Case {
    cause: Vec<Cause>,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn judge(text: &str) -> Triage {
    let signatures = SignatureSet::builtin().expect("the built-in table is sound");
    triage(text, None, &signatures).expect("the rules are sound")
}

/// The cases of a directory by name.
fn cases(dir: &Path) -> Vec<(String, Case)> {
    let mut cases: Vec<(String, Case)> = fs::read_dir(dir)
        .expect("a directory of cases")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("readable");
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            (name, serde_json::from_str(&text).expect("a case"))
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

/// The cases of the corpus: a line `cause: …`, a line `---`, the text.
fn corpus() -> Vec<(String, Case)> {
    let mut cases: Vec<(String, Case)> = fs::read_dir(root().join("tests/triage_corpus"))
        .expect("the corpus")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            let whole = fs::read_to_string(&path).expect("readable");
            let (head, text) = whole.split_once("\n---\n").expect("head and text");
            let ids = head.strip_prefix("cause: ").expect("a cause line").split_whitespace();
            let cause = ids.filter(|id| *id != "none").map(|id| id.parse().expect("a cause id")).collect();
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            (name, Case { cause, text: text.to_owned() })
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

/// Prints the score and gives the names of the cases whose first cause is none of the accepted ones.
fn score(title: &str, cases: &[(String, Case)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, case) in cases {
        let found = judge(&case.text);
        let first = found.diagnosis.first().map(|suspect| suspect.cause);
        let right = first.map_or(case.cause.is_empty(), |first| case.cause.contains(&first));
        if !right {
            let ranking: Vec<String> = found
                .diagnosis
                .iter()
                .map(|suspect| format!("{} ({})", suspect.cause, suspect.certainty.word()))
                .collect();
            println!("{title}/{name}: wanted {:?}, found {ranking:?}", case.cause);
            wrong.push(name.clone());
        }
    }
    println!("{title}: {} of {} right", cases.len() - wrong.len(), cases.len());
    wrong
}

#[test]
fn pasted_texts_from_threads_name_their_cause_first() {
    assert_eq!(score("triage", &cases(&root().join("fixtures/triage"))), Vec::<String>::new());
}

#[test]
fn texts_in_other_words_name_their_cause_first_or_say_that_they_cannot() {
    assert_eq!(score("corpus", &corpus()), Vec::<String>::new());
}

#[test]
fn the_corpus_covers_every_cause_at_least_three_times() {
    let corpus = corpus();
    for cause in Cause::ALL {
        let count = corpus.iter().filter(|(_, case)| case.cause.first() == Some(cause)).count();
        assert!(count >= 3, "{cause}: {count}");
    }
}
