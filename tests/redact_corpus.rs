//! Recall and damage on this project's own corpus: `corpus/secrets.txt` must vanish, `corpus/harmless.txt` must stay.
//!
//! Run with `cargo test --test redact_corpus -- --nocapture` to see the table.

#[path = "support/shapes.rs"]
mod shapes;

use openclaw_doctor::redact::{Policy, Redactor};
use shapes::Random;
use std::collections::BTreeMap;

/// Fresh values per text.
const ROUNDS: usize = 5;

fn corpus(text: &'static str) -> impl Iterator<Item = (&'static str, String)> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('\t').expect("kind, tab, text"))
        .map(|(kind, text)| (kind, text.replace('⏎', "\n")))
}

fn redact(text: &str) -> (String, bool) {
    let mut redactor = Redactor::new(Vec::new(), Policy { identities: true });
    let redacted = redactor.redact_text(text);
    let verified = redactor.verify(redacted.as_bytes()).is_ok();
    assert_eq!(redactor.redact_text(&redacted), redacted, "redacting twice changes nothing");
    (redacted, verified)
}

/// The seed of the generated values: always the same one, so that a run says the same twice, or `REDACT_SEED`.
fn seed() -> u64 {
    std::env::var("REDACT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(71_281_550)
}

#[test]
fn every_secret_vanishes() {
    let seed = seed();
    println!("REDACT_SEED={seed}");
    let mut random = Random::new(seed);
    let mut recall: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed = Vec::new();
    for (kind, template) in corpus(include_str!("corpus/secrets.txt")) {
        for _ in 0..ROUNDS {
            let (text, values) = random.fill(&template);
            let (redacted, verified) = redact(&text);
            let count = recall.entry(kind).or_default();
            for value in &values {
                count.1 += 1;
                if redacted.contains(value.as_str()) || !verified {
                    missed.push(format!("{kind}: {text}\n     -> {redacted} (verified: {verified})"));
                } else {
                    count.0 += 1;
                }
            }
        }
    }
    println!("{:<16}{:>8}{:>8}{:>9}", "kind", "hidden", "of", "recall");
    for (kind, (hidden, all)) in &recall {
        println!("{kind:<16}{hidden:>8}{all:>8}{:>8.1}%", *hidden as f64 * 100.0 / *all as f64);
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn nothing_harmless_is_damaged() {
    let mut damage: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut damaged = Vec::new();
    for (kind, text) in corpus(include_str!("corpus/harmless.txt")) {
        let count = damage.entry(kind).or_default();
        count.1 += 1;
        let (redacted, verified) = redact(&text);
        if redacted != text || !verified {
            count.0 += 1;
            damaged.push(format!("{kind}: {text}\n     -> {redacted} (verified: {verified})"));
        }
    }
    println!("{:<16}{:>8}{:>8}", "kind", "damaged", "of");
    for (kind, (bad, all)) in &damage {
        println!("{kind:<16}{bad:>8}{all:>8}");
    }
    assert!(damaged.is_empty(), "{} damaged:\n{}", damaged.len(), damaged.join("\n"));
}
