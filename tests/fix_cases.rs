//! The captured cases, mended: a plan that is offered helps, touches only what it showed, leaves nothing root's, and is
//! taken back to the last byte; where none is offered, `fix` says what a person must judge.

#[path = "support/fix_round.rs"]
mod fix_round;
mod support;

use fix_round::{Outcome, fix_json, round, unpack};
use std::collections::BTreeMap;
use support::Case;

/// The areas in which a machine is to help in nine of ten states, by the cause that the capture was made for.
const AREAS: &[(&str, &[&str])] = &[
    ("ownership", &["state-ownership"]),
    ("store", &["pairing-store-damaged", "pairing-store-lost", "state-database"]),
    ("config", &["config-invalid"]),
    ("legacy leftovers", &["legacy-state"]),
];

/// The fault of these is not in the captured files, which is why no plan can be made from them: an immutable flag is in
/// no archive. What a person looks at is said, and is asserted as for all others.
const NOT_IN_THE_FILES: &[&str] = &["2026.2.19-f02g_paired_immutable"];

/// States whose data is gone for good, and why: it is in no file of the host, which is proven below, so that no plan could
/// bring it back. A person has a backup elsewhere, or approves each device again; that is what must be said.
const LOST: &[(&str, &str)] = &[
    ("2026.2.19-f02b_device_files_root_0600 (after)", "the store that root owned counted as empty and was replaced"),
    ("2026.2.19-f04a_truncated (after)", "the store that was cut off counted as empty and was replaced"),
    ("2026.2.19-f04b_trailing_comma (after)", "the store with a comma too many counted as empty and was replaced"),
    ("2026.9.6-F4b-zero", "the database had no bytes, and the gateway made an empty one"),
];

fn why_lost(label: &str) -> Option<&'static str> {
    LOST.iter().find(|(lost, _)| *lost == label).map(|(_, why)| *why)
}

/// That what is lost is in no file, and that a person is told the two ways that are left.
fn must_be_lost(case: &Case, after: bool) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("tempdir");
    let archive = folder.path().join("case.tar");
    case.root_archive(after, &archive);
    let top = unpack(&archive, folder.path());
    let tokens = regex::bytes::Regex::new(r#""token": "([^"]+)""#).expect("a pattern");
    let before = case.files().into_iter().filter(|(path, _)| after && path.ends_with("devices/paired.json"));
    let before: Vec<Vec<u8>> = before
        .flat_map(|(_, text)| tokens.captures_iter(&text).map(|found| found[1].to_vec()).collect::<Vec<_>>())
        .collect();
    if after && before.is_empty() {
        return Err("the captured store holds no token: nothing could be lost".to_owned());
    }
    for entry in walkdir::WalkDir::new(&top).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        let bytes = std::fs::read(entry.path()).expect("content");
        let has = |token: &Vec<u8>| bytes.windows(token.len()).any(|part| part == token.as_slice());
        if before.iter().any(has) {
            return Err(format!("{} still holds a token of a lost device", entry.path().display()));
        }
        if bytes.starts_with(b"SQLite format 3") && !entry.path().ends_with("state/openclaw.sqlite") {
            return Err(format!("{} is another database", entry.path().display()));
        }
    }
    let shown = fix_json(&["fix", "--dry-run", "--json"], &case.options(&top));
    let plans = shown["plans"].as_array().expect("plans").iter();
    let told: String = plans.map(|plan| plan["manual"].to_string()).collect();
    match ["If you have a backup of", "approve it"].iter().find(|words| !told.contains(**words)) {
        Some(words) => Err(format!("nobody is told `{words}`: {told}")),
        None => Ok(()),
    }
}

fn area(case: &Case) -> Option<&'static str> {
    let cause = case.causes().into_iter().next()?;
    AREAS.iter().find(|(_, causes)| causes.contains(&cause.as_str())).map(|(area, _)| *area)
}

#[derive(Debug, Default)]
struct Count {
    mended: usize,
    all: usize,
    lost: usize,
}

fn one(case: &Case, after: bool) -> Result<Outcome, String> {
    let folder = tempfile::tempdir().expect("tempdir");
    let archive = folder.path().join("case.tar");
    case.root_archive(after, &archive);
    let top = unpack(&archive, folder.path());
    round(&top, &case.options(&top))
}

#[test]
fn plans_help_and_are_taken_back() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: owners can only be laid out and mended by root");
        return;
    }
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for case in Case::all() {
        for after in [false, true] {
            if after && !case.has_after() {
                continue;
            }
            let label = format!("{}{}", case.name, if after { " (after)" } else { "" });
            let outcome = match one(&case, after) {
                Ok(outcome) => outcome,
                Err(why) => {
                    println!("{label}: WRONG {why}");
                    wrong.push(format!("{label}: {why}"));
                    continue;
                }
            };
            println!("{label}: {outcome:?}");
            if outcome == Outcome::NoCause || !case.offline() || NOT_IN_THE_FILES.contains(&case.name.as_str()) {
                continue;
            }
            let count = counts.entry(area(&case).unwrap_or("others")).or_default();
            count.all += 1;
            count.mended += usize::from(matches!(outcome, Outcome::Mended(_)));
            if let Some(why) = why_lost(&label) {
                println!("{label}: lost for good, as {why}");
                count.lost += 1;
                let is_mended = matches!(outcome, Outcome::Mended(_));
                let proven = must_be_lost(&case, after);
                wrong.extend(is_mended.then(|| format!("{label}: is mended, so it was not lost")));
                wrong.extend(proven.err().map(|why| format!("{label}: {why}")));
            }
        }
    }
    let lost: usize = counts.values().map(|count| count.lost).sum();
    assert_eq!(lost, LOST.len(), "a state that is excluded by name is not among the cases");
    let (mut mended, mut all) = (0, 0);
    println!("{:<18} {:>6} {:>6} {:>6}", "area", "mended", "lost", "states");
    for (area, count) in &counts {
        println!("{area:<18} {:>6} {:>6} {:>6}", count.mended, count.lost, count.all);
        if *area != "others" {
            mended += count.mended;
            all += count.all;
            // What is lost is for a person; of the rest a machine helps in nine of ten, in each area by itself.
            let rest = count.all - count.lost;
            if count.mended * 10 < rest * 9 {
                wrong.push(format!("{area}: only {} of {rest} states that are not lost have a plan", count.mended));
            }
        }
    }
    println!("{mended} of {all} states of these areas were mended by machine");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(mended * 10 >= all * 9, "fewer than nine of ten: {mended} of {all}");
}
