//! The worked example of `docs/writing-a-check.md` compiles, works, and is what the page shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "example_check/linked_state.rs"]
mod linked_state;
mod support;

use linked_state::LinkedState;
use openclaw_doctor::checks::{Check, Context, docs};
use openclaw_doctor::cli::options::{CollectArgs, WhereArgs};
use openclaw_doctor::cli::world;
use openclaw_doctor::model::{Finding, HostPath};
use openclaw_doctor::report::select::Selection;
use openclaw_doctor::snapshot::Snapshot;
use support::Case;

const CODE: &str = include_str!("example_check/linked_state.rs");

fn snapshot() -> Snapshot {
    let folder = tempfile::tempdir().unwrap();
    let case = Case::named("2026.2.19-f01_healthy");
    let root = folder.path().join("host.tar");
    case.root_archive(false, &root);
    let place = WhereArgs { root: Some(root), home: Some(case.text("home").into()), ..WhereArgs::default() };
    let collect = CollectArgs { place, ..CollectArgs::default() };
    world::collect(&collect, &Selection::nothing()).expect("collected").snapshot
}

fn found(snapshot: &Snapshot) -> Vec<Finding> {
    let installation = snapshot.selected().expect("an installation");
    LinkedState.detect(&Context { snapshot, installation }).expect("it can tell")
}

#[test]
fn it_finds_a_link_and_leaves_a_plain_directory_in_peace() {
    let mut snapshot = snapshot();
    assert_eq!(found(&snapshot), Vec::new());
    for installation in &mut snapshot.installations {
        installation.real_state_dir = Some(HostPath::from("/mnt/nas/openclaw"));
    }
    let findings = found(&snapshot);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, "state-dir-linked");
    assert!(findings[0].evidence[0].text.contains("/mnt/nas/openclaw"));
}

#[test]
fn the_page_shows_this_code_and_these_sections() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/writing-a-check.md")).unwrap();
    // In the repository itself a check says `crate`.
    let shown = CODE.replace("openclaw_doctor::", "crate::");
    assert!(page.contains(&format!("```rust\n{shown}```\n")), "put this into docs/writing-a-check.md:\n{shown}");
    let documentation: String = CODE
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
        .collect();
    let titles: Vec<&str> = docs::sections(&documentation).iter().map(|section| section.title).collect();
    assert_eq!(titles, docs::SECTIONS);
}
