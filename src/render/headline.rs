//! The first line of every format: the verdict, and what it rests on.

use crate::report::{Report, Verdict};

/// The verdict in a word or two, and one line that says why.
pub fn headline(report: &Report) -> (&'static str, String) {
    let word = match report.verdict {
        Verdict::Broken => "BROKEN",
        Verdict::Inconclusive => "NOT CONCLUSIVE",
        Verdict::Healthy => "HEALTHY",
    };
    let why = match (report.verdict, report.diagnosis.first()) {
        (_, Some(diagnosis)) => diagnosis.title.clone(),
        (Verdict::Broken, None) => "there are errors, but none that explains a lock-out".to_owned(),
        (Verdict::Inconclusive, None) => "no cause found, but what decides could not be read".to_owned(),
        (Verdict::Healthy, None) => "no cause for a lock-out found".to_owned(),
    };
    (word, why)
}
