//! The captured cases, mended: a plan that is offered helps, touches only what it showed, leaves nothing root's, and is
//! taken back to the last byte; where none is offered, `fix` says what a person must judge.

#[path = "support/fix_round.rs"]
mod fix_round;
mod support;

use fix_round::{Outcome, round, unpack};
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

/// States whose data is gone: nothing is left that a machine could mend. They count against the nine of ten all the same.
fn is_lost(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::ByHand(cause, _) if cause == "pairing-store-lost")
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
            count.lost += usize::from(is_lost(&outcome));
        }
    }
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
