//! Which fixture shows which cause in which era.

use super::Case;
use super::synthetic::Made;
use openclaw_doctor::model::{Cause, Release};
use std::collections::BTreeMap;

/// Where the pairings live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Era {
    /// Up to 2026.7.x.
    Json,
    /// From 2026.8.1.
    Sqlite,
}

impl Era {
    pub const ALL: [Era; 2] = [Era::Json, Era::Sqlite];

    fn of(release: &str) -> Era {
        let release: Release = release.parse().expect("a release");
        if release.era().is_json() { Era::Json } else { Era::Sqlite }
    }
}

/// A fixture that shows a cause.
#[derive(Debug, Clone)]
pub struct Fixture {
    pub name: String,
    pub captured: bool,
}

/// Whether a cause exists in an era. Retired files are retired only once something has retired them.
pub fn claims(cause: Cause, era: Era) -> bool {
    (cause, era) != (Cause::LegacyState, Era::Json)
}

/// The fixtures by each cause that they accept: a database that is newer than the program is a matter of the database and of
/// the releases. Captured ones count only where an image shows the fault.
pub fn fixtures_by_cause() -> BTreeMap<(String, Era), Vec<Fixture>> {
    let mut shown: BTreeMap<(String, Era), Vec<Fixture>> = BTreeMap::new();
    for case in Case::all().into_iter().filter(Case::offline) {
        for cause in case.causes() {
            let era = Era::of(case.text("release"));
            shown.entry((cause, era)).or_default().push(Fixture { name: case.name.clone(), captured: true });
        }
    }
    for made in Made::all() {
        for cause in &made.cause {
            let era = Era::of(&made.release);
            shown.entry((cause.clone(), era)).or_default().push(Fixture { name: made.name.clone(), captured: false });
        }
    }
    shown
}
