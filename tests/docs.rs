//! Keeps the generated pages in `docs/` equal to the documentation in the code. `UPDATE_DOCS=1 cargo test --test docs`
//! writes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use openclaw_doctor::checks::{Area, CHECKS, Check, docs};
use openclaw_doctor::cli::explain::text_of;
use openclaw_doctor::model::Cause;
use openclaw_doctor::report::select;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use support::coverage::Era;

const MADE: &str =
    "<!-- Made from the code by `UPDATE_DOCS=1 cargo test --test docs`; edit the checks' own documentation. -->\n";

fn documentation(check: &dyn Check) -> &'static str {
    check.documentation()
}

fn section(check: &dyn Check, title: &str) -> String {
    let sections = docs::sections(documentation(check));
    sections.into_iter().find(|section| section.title == title).map(|section| section.body).unwrap_or_default()
}

/// What stands in one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn codes(check: &dyn Check, cause: Option<Cause>, page: &mut String) {
    page.push_str("| code | severity | cause | meaning |\n|---|---|---|---|\n");
    for spec in check.codes().iter().filter(|spec| cause.is_none() || spec.cause == cause) {
        let cause = spec.cause.map_or("none", |cause| cause.id());
        let _ = writeln!(page, "| `{}` | {} | {cause} | {} |", spec.code, spec.severity.word(), cell(spec.summary));
    }
}

fn checks_of(cause: Cause) -> Vec<&'static dyn Check> {
    CHECKS.iter().copied().filter(|check| check.codes().iter().any(|spec| spec.cause == Some(cause))).collect()
}

fn checks_page() -> String {
    let mut page =
        format!("{MADE}# Checks\n\nEvery check, by area. `openclaw-doctor explain ID` shows the same text.\n");
    for area in Area::ALL {
        let checks: Vec<_> = CHECKS.iter().filter(|check| check.area() == *area).collect();
        if checks.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## Area `{}`\n", area.id());
        for check in checks {
            let text = documentation(*check);
            let _ = write!(page, "\n### `{}`: {}\n\n", check.id(), docs::title(text));
            for section in docs::sections(text) {
                let _ = write!(page, "**{}**\n\n{}\n\n", section.title, section.body);
            }
            codes(*check, None, &mut page);
        }
    }
    page
}

fn cause_page(cause: Cause) -> String {
    let mut page = format!("{MADE}# `{}`\n\n{}.\n", cause.id(), cause.title());
    let checks = checks_of(cause);
    if checks.is_empty() {
        page.push_str("\nNo check of this release reports it from the state of a host.\n");
    }
    for check in checks {
        let text = documentation(check);
        let _ = write!(page, "\n## {} (`{}`)\n\n", docs::title(text), check.id());
        for section in docs::sections(text) {
            let _ = write!(page, "### {}\n\n{}\n\n", section.title, section.body);
        }
        page.push_str("### Codes\n\n");
        codes(check, Some(cause), &mut page);
    }
    page
}

fn coverage_page() -> String {
    let mut page = format!(
        "{MADE}# Coverage\n\nWhich cause is found by which check, in which releases, from what evidence, and what the fix does.\n\n| cause | check | releases | evidence | fix |\n|---|---|---|---|---|\n"
    );
    for cause in Cause::ALL {
        let link = format!("[`{0}`](causes/{0}.md)", cause.id());
        let checks = checks_of(*cause);
        if checks.is_empty() {
            let _ = writeln!(page, "| {link} | none | | | |");
        }
        for check in checks {
            let cells = ["Since and until", "How to read the evidence", "What the fix does"];
            let cells: Vec<String> = cells.iter().map(|title| cell(&section(check, title))).collect();
            let _ = writeln!(page, "| {link} | `{}` | {} |", check.id(), cells.join(" | "));
        }
    }
    page.push_str(
        "\n## Shown by\n\nA captured case or a made host for each cause in each era: up to 2026.7.x the state is in JSON files, from 2026.8.1 in SQLite.\n\n| cause | JSON era | SQLite era |\n|---|---|---|\n",
    );
    let fixtures = support::coverage::fixtures_by_cause();
    for cause in Cause::ALL {
        let cell = |era: Era| {
            if !support::coverage::claims(*cause, era) {
                return "does not exist".to_owned();
            }
            let shown = fixtures.get(&(cause.id().to_owned(), era)).cloned().unwrap_or_default();
            let captured = shown.iter().filter(|fixture| fixture.captured).count();
            format!("{captured} captured, {} made", shown.len() - captured)
        };
        let _ = writeln!(page, "| `{}` | {} | {} |", cause.id(), cell(Era::Json), cell(Era::Sqlite));
    }
    page
}

fn pages() -> BTreeMap<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let causes = Cause::ALL.iter().map(|cause| (folder.join(format!("causes/{}.md", cause.id())), cause_page(*cause)));
    causes.chain([(folder.join("checks.md"), checks_page()), (folder.join("coverage.md"), coverage_page())]).collect()
}

#[test]
fn the_pages_are_up_to_date() {
    let pages = pages();
    assert!(pages.len() > 30);
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut stale = Vec::new();
    for (path, page) in &pages {
        if std::fs::read_to_string(path).ok().as_ref() == Some(page) {
            continue;
        }
        if update {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, page).unwrap();
        } else {
            stale.push(path.display().to_string());
        }
    }
    let causes = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/causes");
    for entry in std::fs::read_dir(causes).into_iter().flatten().flatten() {
        assert!(pages.contains_key(&entry.path()), "{} belongs to no cause", entry.path().display());
    }
    assert!(stale.is_empty(), "run UPDATE_DOCS=1 cargo test --test docs for:\n{}", stale.join("\n"));
}

/// What the tool says about itself must be there for every check.
#[test]
fn every_check_has_every_section() {
    for check in CHECKS {
        let titles: Vec<&str> = docs::sections(documentation(*check)).iter().map(|section| section.title).collect();
        assert_eq!(titles, docs::SECTIONS, "{}", check.id());
    }
}

/// `explain` leaves nothing out, whatever is asked for.
#[test]
fn every_id_is_explained_in_full() {
    for id in select::all_ids() {
        let text = text_of(id).unwrap_or_else(|error| panic!("{id}: {}", error.message));
        if Area::ALL.iter().any(|area| area.id() == id) && !CHECKS.iter().any(|check| check.id() == id) {
            assert!(text.lines().count() > 2, "{id}: {text}");
            continue;
        }
        for title in docs::SECTIONS {
            let said = docs::sections(&text).into_iter().filter(|section| section.title == *title);
            let bodies: Vec<String> = said.map(|section| section.body).collect();
            assert!(!bodies.is_empty(), "{id} has no section {title}");
            assert!(bodies.iter().all(|body| body.len() > 10), "{id}: {title} is empty: {bodies:?}");
        }
    }
}

/// Links between the pages, to pictures and to the source. Addresses elsewhere are not asked.
#[test]
fn every_link_leads_somewhere() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> = ["README.md", "SECURITY.md", "CHANGELOG.md"].map(|page| top.join(page)).into();
    for folder in ["docs", "docs/causes"] {
        let entries = std::fs::read_dir(top.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let mut seen = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace)) {
            let (file, _) = target.split_once('#').unwrap_or((target, ""));
            let leads = file.is_empty() || page.parent().unwrap().join(file).exists();
            assert!(leads, "{}: nothing is at {target}", page.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} links were seen");
}
