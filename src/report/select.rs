//! Which checks and findings are wanted. Checks, areas, codes and causes share one namespace of ids.

use crate::checks::{Area, Check, all};
use crate::model::{Cause, Finding};
use std::collections::BTreeSet;

/// What `--only` and `--skip` ask for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
    nothing: bool,
}

/// An id that names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{id}` names no check, area, code or cause")]
pub struct UnknownId {
    /// The id as typed.
    pub id: String,
    /// The nearest id that exists.
    pub suggestion: Option<String>,
}

/// Every id that can be selected, fixed or explained.
pub fn all_ids() -> BTreeSet<&'static str> {
    let mut ids = BTreeSet::new();
    for check in all() {
        ids.insert(check.id());
        ids.extend(check.codes().iter().map(|spec| spec.code));
    }
    ids.extend(Area::ALL.iter().map(|area| area.id()));
    ids.extend(Cause::ALL.iter().map(|cause| cause.id()));
    ids
}

/// Names that ids had before. An old name keeps working for ever.
pub const RENAMED: &[(&str, &str)] = &[];

/// The id as it is now, or the nearest one that exists.
///
/// # Errors
/// Where nothing has that id.
pub fn resolve(id: &str) -> Result<&'static str, UnknownId> {
    let ids = all_ids();
    let current = RENAMED.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| new);
    if let Some(found) = ids.get(current) {
        return Ok(found);
    }
    let nearest = ids
        .iter()
        .map(|candidate| (strsim::jaro_winkler(id, candidate), *candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.7)
        .map(|(_, candidate)| candidate.to_owned());
    Err(UnknownId { id: id.to_owned(), suggestion: nearest })
}

impl Selection {
    /// Takes ids as typed.
    ///
    /// # Errors
    /// The first id that names nothing.
    pub fn new(only: &[String], skip: &[String]) -> Result<Self, UnknownId> {
        let all = |ids: &[String]| -> Result<Vec<String>, UnknownId> {
            ids.iter().flat_map(|id| id.split(',')).map(|id| resolve(id.trim()).map(str::to_owned)).collect()
        };
        Ok(Self { only: all(only)?, skip: all(skip)?, nothing: false })
    }

    /// Wants no check at all, for commands that only need to know where things are.
    pub fn nothing() -> Self {
        Self { nothing: true, ..Self::default() }
    }

    /// Whether ids were named with `--only`.
    pub fn names_any(&self) -> bool {
        !self.only.is_empty()
    }

    /// Whether a check must run: it or something that it can report is wanted.
    pub fn wants_check(&self, check: &dyn Check) -> bool {
        let skipped = self.skip.iter().any(|id| id == check.id() || id == check.area().id());
        let wanted = self.only.is_empty()
            || self.only.iter().any(|id| {
                id == check.id()
                    || id == check.area().id()
                    || check
                        .codes()
                        .iter()
                        .any(|spec| spec.code == id || spec.cause.is_some_and(|cause| cause.id() == id))
            });
        wanted && !skipped && !self.nothing
    }

    /// Whether a finding is shown and counted.
    pub fn wants_finding(&self, finding: &Finding) -> bool {
        let matches = |id: &String| names(id, finding);
        (self.only.is_empty() || self.only.iter().any(matches)) && !self.skip.iter().any(matches)
    }
}

fn names(id: &str, finding: &Finding) -> bool {
    let area = || all().find(|check| check.id() == finding.check_id).map(|check| check.area().id());
    id == finding.check_id
        || id == finding.code
        || finding.cause.is_some_and(|cause| cause.id() == id)
        || area() == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_id_gets_a_suggestion() {
        let error = resolve("state-ownershp").expect_err("misspelt");
        assert_eq!(error.suggestion.as_deref(), Some("state-ownership"));
        assert_eq!(resolve("duplicate-gateway"), Ok("duplicate-gateway"));
        assert_eq!(resolve("zzzz").expect_err("nonsense").suggestion, None);
    }

    /// Checks, areas, codes and causes never collide, but a check may bear the id of the one cause that it finds.
    #[test]
    fn ids_are_unique() {
        let mut seen = BTreeSet::new();
        for area in Area::ALL {
            assert!(seen.insert(area.id()), "{} twice", area.id());
        }
        for cause in Cause::ALL {
            assert!(seen.insert(cause.id()), "{} twice", cause.id());
        }
        let mut checks = BTreeSet::new();
        for check in crate::checks::CHECKS {
            assert!(checks.insert(check.id()), "check {} twice", check.id());
            let is_cause = check.id().parse::<Cause>().is_ok();
            let finds_it = || check.codes().iter().any(|spec| spec.cause.is_some_and(|cause| cause.id() == check.id()));
            assert!(seen.insert(check.id()) || is_cause && finds_it(), "{} collides", check.id());
            for spec in check.codes() {
                assert!(seen.insert(spec.code), "code {} of {} collides", spec.code, check.id());
            }
        }
    }
}
