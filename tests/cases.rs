//! The captured cases, at the public edge: is the true cause named first, and is what is healthy left in peace?

mod support;

use serde_json::Value;
use std::path::Path;
use support::{Case, doctor_json};

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

/// After contact the state shows what was lost, and not always by what: the file has been replaced, its old owner and
/// text are gone. At least so many cases are told right even then.
const RIGHT_AFTER_CONTACT: usize = 22;

#[test]
fn the_true_cause_comes_first() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (mut right, mut right_after, mut scored, mut after_scored, mut wrong) = (0, 0, 0, 0, Vec::new());
    for case in Case::all() {
        for after in [false, true] {
            if after && !case.has_after() {
                continue;
            }
            let answer = run(&case, after, folder.path());
            let verdict = judge(&case, &answer);
            let label = format!("{}{}", case.name, if after { " (after)" } else { "" });
            let mark = if case.offline() { "scored  " } else { "unscored" };
            println!("{mark} {label}: {}", verdict.as_deref().unwrap_or("right"));
            match (case.offline(), after, verdict) {
                (false, _, _) => {}
                (true, false, verdict) => {
                    scored += 1;
                    match verdict {
                        None => right += 1,
                        Some(why) => wrong.push(format!("{label}: {why}")),
                    }
                }
                (true, true, verdict) => {
                    after_scored += 1;
                    right_after += usize::from(verdict.is_none());
                }
            }
        }
    }
    println!("score: {right} of {scored} right after the fault, {right_after} of {after_scored} after contact");
    assert!(wrong.is_empty(), "{right} of {scored} right; wrong:\n{}", wrong.join("\n"));
    assert!(right_after >= RIGHT_AFTER_CONTACT, "only {right_after} of {after_scored} right after contact");
}

fn run(case: &Case, after: bool, folder: &Path) -> Value {
    let root = folder.join("case.tar");
    case.root_archive(after, &root);
    let mut arguments = vec!["check".to_owned(), "--json".to_owned()];
    arguments.extend(case.options(&root));
    doctor_json(&arguments)
}
