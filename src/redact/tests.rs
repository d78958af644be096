//! Every example of every detector, each through all detectors together.

use super::*;
use crate::redact::detector::Find;

#[path = "../../tests/support/shapes.rs"]
mod shapes;

fn redactor() -> Redactor {
    Redactor::new(Vec::new(), Policy { identities: true })
}

#[test]
fn every_pattern_compiles() {
    for detector in detectors() {
        if let Find::Here { pattern, .. } = detector.find {
            regex::bytes::Regex::new(&format!("^(?-u:{pattern})"))
                .unwrap_or_else(|error| panic!("{}: {error}", detector.id));
        }
    }
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<_> = detectors().map(|detector| detector.id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn what_the_positive_examples_mark_is_hidden() {
    let mut random = shapes::Random::new(7);
    let mut missed = Vec::new();
    for detector in detectors() {
        for template in detector.positive {
            for _ in 0..8 {
                let (text, values) = random.fill(template);
                let redacted = redactor().redact_text(&text);
                let verified = redactor().verify(redacted.as_bytes());
                let left: Vec<_> = values.iter().filter(|value| redacted.contains(value.as_str())).collect();
                if !left.is_empty() || verified.is_err() {
                    missed.push(format!("{}: {text:?}\n   became {redacted:?}, {verified:?}", detector.id));
                    break;
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn the_negative_examples_stay_as_they_are() {
    let mut damaged = Vec::new();
    for detector in detectors() {
        for text in detector.negative {
            let redacted = redactor().redact_text(text);
            let verified = redactor().verify(text.as_bytes());
            if redacted != *text || verified.is_err() {
                damaged.push(format!("{}: {text:?}\n   became {redacted:?}, {verified:?}", detector.id));
            }
        }
    }
    assert!(damaged.is_empty(), "{} damaged\n{}", damaged.len(), damaged.join("\n"));
}
