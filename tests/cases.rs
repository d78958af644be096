//! The captured cases, at the public edge: is the true cause named first, and is what is healthy left in peace?

mod support;

use serde_json::Value;
use std::path::Path;
use support::{Case, doctor_json};

/// Causes that are scored so far. A case of another cause runs and prints, unscored.
const SCORED: &[&str] = &["state-ownership"];

/// What is wrong with the answer, or `None` where it is right.
fn judge(case: &Case, answer: &Value) -> Option<String> {
    let diagnosis = answer["diagnosis"].as_array().expect("diagnosis");
    let causes = case.causes();
    if causes.is_empty() {
        let errors: Vec<&Value> = answer["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .filter(|finding| finding["severity"] == "error")
            .collect();
        let sure = diagnosis.iter().find(|diagnosis| diagnosis["certainty"] != "possible");
        return match (errors.first(), sure) {
            (Some(error), _) => Some(format!("false alarm: {} {}", error["code"], error["message"])),
            (None, Some(sure)) => Some(format!("false alarm: {} ({})", sure["cause"], sure["certainty"])),
            (None, None) => None,
        };
    }
    let Some(first) = diagnosis.first() else { return Some("no cause found".to_owned()) };
    let cause = first["cause"].as_str().unwrap_or_default();
    if !causes.iter().any(|accepted| accepted == cause) {
        return Some(format!("{cause} ({}) instead of {causes:?}: {}", first["certainty"], first["summary"]));
    }
    let paths: Vec<&str> =
        first["evidence"].as_array().expect("evidence").iter().filter_map(|piece| piece["path"].as_str()).collect();
    let subjects = case.subjects();
    let named = subjects.is_empty() || subjects.iter().any(|subject| paths.contains(&subject.as_str()));
    (!named).then(|| format!("{cause}, but no subject of {subjects:?} among {paths:?}"))
}

fn is_scored(case: &Case) -> bool {
    let causes = case.causes();
    case.offline() && (causes.is_empty() || causes.iter().any(|cause| SCORED.contains(&cause.as_str())))
}

#[test]
fn the_true_cause_comes_first() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (mut right, mut scored, mut wrong) = (0, 0, Vec::new());
    for case in Case::all() {
        for after in [false, true] {
            if after && !case.has_after() {
                continue;
            }
            let answer = run(&case, after, folder.path());
            let verdict = judge(&case, &answer);
            let label = format!("{}{}", case.name, if after { " (after)" } else { "" });
            let counts = is_scored(&case) && !after && !case.name.contains("f02g");
            println!(
                "{} {label}: {}",
                if counts { "scored  " } else { "unscored" },
                verdict.as_deref().unwrap_or("right")
            );
            if counts {
                scored += 1;
                match verdict {
                    None => right += 1,
                    Some(why) => wrong.push(format!("{label}: {why}")),
                }
            }
        }
    }
    println!("score: {right} of {scored}");
    assert!(wrong.is_empty(), "{right} of {scored} right; wrong:\n{}", wrong.join("\n"));
}

fn run(case: &Case, after: bool, folder: &Path) -> Value {
    let root = folder.join("case.tar");
    case.root_archive(after, &root);
    let mut arguments = vec!["check".to_owned(), "--json".to_owned()];
    arguments.extend(case.options(&root));
    doctor_json(&arguments)
}
