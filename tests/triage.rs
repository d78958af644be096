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

#[test]
fn a_long_thread_gives_everybodys_signs_and_contradicts_its_bad_advice() {
    let text = fs::read_to_string(root().join("fixtures/threads/thread-example.txt")).expect("the thread");
    let found = judge(&text);
    let causes: Vec<Cause> = found.diagnosis.iter().map(|suspect| suspect.cause).collect();
    assert_eq!(causes.first(), Some(&Cause::PairingStoreDamaged), "the hand copy: {causes:?}");
    assert!(causes.contains(&Cause::ProxyAttribution), "the loopback trap: {causes:?}");
    assert!(causes.contains(&Cause::DuplicateGateway), "the legacy service: {causes:?}");
    assert!(causes.contains(&Cause::StateOwnership), "the other participant's root-owned files: {causes:?}");
    let of = |name: &str| found.participants.iter().find(|participant| participant.name == name).expect("takes part");
    assert!(of("tepid relic").causes.contains(&Cause::PairingStoreDamaged));
    assert!(of("tepid relic").causes.contains(&Cause::ProxyAttribution));
    assert_eq!(of("young gyro").causes, [Cause::StateOwnership]);
    assert!(of("sly domeBOT").bot && of("sly domeBOT").signs.is_empty(), "a helper's words are no symptoms");
    assert_eq!(found.participants.len(), 5, "{:?}", found.participants);
    let harms: Vec<&str> = found.harmful_advice.iter().map(|harm| harm.id.as_str()).collect();
    for wanted in ["copy-pending-over-paired", "trust-loopback", "disable-device-auth"] {
        assert!(harms.contains(&wanted), "{wanted}: {harms:?}");
    }
    assert!(found.not_a_cause.iter().any(|note| note.text.contains("already in use")));
    assert!(found.contradictions.iter().any(|note| note.text.contains("device token mismatch")));
    assert_eq!(found.versions.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026.2.19-2"]);
    assert!(found.platform.contains(&"Tailscale"));
    assert!(found.tried.iter().any(|tried| tried.command.contains("devices list")));
}

#[test]
fn a_text_that_says_too_little_is_answered_with_what_to_paste() {
    let found = judge("gateway connect failed: Error: pairing required");
    assert!(found.diagnosis.is_empty());
    assert!(found.missing.iter().any(|ask| ask.contains("openclaw --version")));
    assert!(found.missing.iter().any(|ask| ask.contains("log")));
}

#[test]
fn each_suspect_quotes_lines_that_are_there_and_names_one_command() {
    for (name, case) in corpus() {
        let lines = u32::try_from(case.text.lines().count()).expect("few lines");
        for suspect in judge(&case.text).diagnosis {
            assert!(!suspect.evidence.is_empty(), "{name}: {}", suspect.cause);
            assert!(suspect.evidence.iter().all(|quote| (1..=lines).contains(&quote.line)), "{name}: {suspect:?}");
            assert!(!suspect.next.is_empty() && !suspect.next.contains('\n'), "{name}");
        }
    }
}

#[test]
fn dressing_does_not_change_the_answer() {
    let plain =
        "gateway closed (1008): pairing required: device identity changed and must be re-approved\nOpenClaw 2026.5.7";
    let first = |text: &str| judge(text).diagnosis.first().map(|suspect| suspect.cause);
    let quoted: String = plain.lines().map(|line| format!("> > {line}\n")).collect();
    let fenced = format!("hola, ¿alguien sabe?\n```\n{plain}\n```\ngracias");
    let coloured = plain.replace("pairing required", "\u{1b}[31mpairing required\u{1b}[39m");
    let boxed: String = plain.lines().map(|line| format!("│  {line}  │\n")).collect();
    let windows = plain.replace('\n', "\r\n");
    for text in [plain.to_owned(), quoted, fenced, coloured, boxed, windows] {
        assert_eq!(first(&text), Some(Cause::DeviceRepin), "{text}");
    }
}

#[test]
fn nothing_shown_can_steer_a_terminal_or_give_a_token_away() {
    let text = "\u{1b}]0;x\u{7}gateway closed (1008): unauthorized: gateway token mismatch \u{202e}evil\nOPENCLAW_GATEWAY_TOKEN=abcdef0123456789abcdef0123456789\nsystemd token mismatch";
    let shown = serde_json::to_string(&judge(text)).expect("serializes");
    assert!(!shown.contains("abcdef0123456789"), "{shown}");
    assert!(!shown.contains('\u{202e}') && !shown.contains("\\u001b"), "{shown}");
}
