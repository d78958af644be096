//! Whether the operations that a step needs now are those that were shown, but for what this very run has done itself.

use super::error::{FixError, Result};
use super::fingerprint::Stamp;
use super::op::{Op, Task, UnitChange};
use super::run::{Own, subjects};
use crate::model::HostPath;

/// Holds what is there now against what was shown.
///
/// # Errors
/// [`FixError::Stale`], naming the first subject that differs.
pub fn must_be_unchanged(shown: &[Task], fresh: &[Task], own: &Own) -> Result<()> {
    let untouched = |tasks: &'_ [Task]| -> Vec<(HostPath, Option<Stamp>)> {
        let all = tasks.iter().flat_map(|task| subjects(&task.op));
        all.filter(|(path, _)| own.at(path).is_none()).map(|(path, stamp)| (path.clone(), stamp.cloned())).collect()
    };
    let (then, now) = (untouched(shown), untouched(fresh));
    for (number, (path, expected)) in then.iter().enumerate() {
        // One step can touch a path twice: what is there is set aside, and something else is put in its place.
        let earlier = then.iter().take(number).filter(|(at, _)| at == path).count();
        let Some((_, found)) = now.iter().filter(|(at, _)| at == path).nth(earlier) else {
            return Err(FixError::stale(path, "needs another change than when the plan was made"));
        };
        match (expected, found) {
            (Some(expected), Some(found)) => expected.must_match(found, path)?,
            (None, None) => {}
            _ => return Err(FixError::stale(path, "appeared or went since the plan was made")),
        }
    }
    if let Some((path, _)) = now.iter().find(|(path, _)| !then.iter().any(|(at, _)| at == path)) {
        return Err(FixError::stale(path, "was not part of the plan when it was made"));
    }
    for (path, stamp) in fresh.iter().flat_map(|task| subjects(&task.op)) {
        if let (Some(Some(ours)), Some(found)) = (own.at(path), stamp) {
            ours.must_match(found, path)?;
        }
    }
    units_unchanged(shown, fresh, own)
}

fn units_unchanged(shown: &[Task], fresh: &[Task], own: &Own) -> Result<()> {
    let units = |tasks: &[Task]| -> Vec<(String, UnitChange)> {
        let unit = |task: &Task| match &task.op {
            Op::Unit { unit, change, .. } if !own.touched_unit(unit) => Some((unit.clone(), *change)),
            _ => None,
        };
        tasks.iter().filter_map(unit).collect()
    };
    let (then, now) = (units(shown), units(fresh));
    if then == now {
        return Ok(());
    }
    let name = then.first().or(now.first()).map(|(unit, _)| unit.clone()).unwrap_or_default();
    Err(FixError::Stale { what: format!("unit {name} is not in the state that it was in when the plan was made") })
}

/// Whether this run has already left every subject of these tasks as they would leave it.
pub fn already_done(tasks: &[Task], own: &Own) -> bool {
    !tasks.is_empty()
        && tasks.iter().all(|task| match &task.op {
            Op::Remove { path, .. } | Op::Unlink { path, .. } => matches!(own.at(path), Some(None)),
            Op::Rename { path, to, before } => {
                matches!(own.at(path), Some(None))
                    && own.at(to).and_then(Option::as_ref).is_some_and(|now| now.same_inode(before))
            }
            Op::Put { path, image, .. } => {
                own.at(path).and_then(Option::as_ref).is_some_and(|now| now.digest == Some(image.digest))
            }
            _ => false,
        })
}
