//! Putting a copy of the state database back, where one lies beside it that is sound and holds devices.

use super::store::{self, Standing};
use crate::checks::Context;
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Fact, Finding};
use crate::statedb::facts::{FIRST_LIVE_SCHEMA, NEWEST_KNOWN_SCHEMA};
use crate::statedb::{HeaderVerdict, Integrity, StateDatabase};

/// The copy with the most devices, of like ones the newest. Only whole ones, that the judged release can open.
fn best<'s>(context: &Context<'s>) -> Option<(&'s StateDatabase, usize)> {
    let newest = match context.release() {
        Some(release) => store::newest_schema_of(release)?,
        None => NEWEST_KNOWN_SCHEMA,
    };
    let usable = |copy: &'s StateDatabase| {
        let content = copy.content.known()?;
        let schema = copy.user_version.known()?;
        let whole = copy.header == Fact::Known(HeaderVerdict::Ok) && matches!(content.integrity, Integrity::Ok { .. });
        let alone = copy.files.wal.known().is_none_or(|wal| wal.size == 0) && copy.files.journal.known().is_none();
        let fits = (FIRST_LIVE_SCHEMA..=newest).contains(schema);
        let devices = content.paired.known()?.len();
        (whole && alone && fits && devices > 0).then_some((copy, devices))
    };
    // They come with the newest first, and of equal ones the last is taken.
    context.installation.database_copies.iter().rev().filter_map(usable).max_by_key(|(_, devices)| *devices)
}

/// A plan that puts the best copy in the database's place; `None` where there is none, or the store is not for this build
/// to change.
pub(super) fn plan(context: &Context<'_>, finding: &Finding, database: &StateDatabase) -> Option<Plan> {
    if store::standing(context) != Standing::Live || !store::may_mend(context, database) {
        return None;
    }
    let (copy, devices) = best(context)?;
    let written = copy.files.main.known().and_then(|file| jiff::Timestamp::from_nanosecond(file.mtime_ns).ok());
    let written = written.map_or_else(|| "an unknown time".to_owned(), |time| time.strftime("%F %T UTC").to_string());
    let action = Action::RestoreDatabase {
        database: database.path.clone(),
        from: copy.path.clone(),
        to: store::free_name(context, &database.path)?,
    };
    let count = if devices == 1 { "1 paired device".to_owned() } else { format!("{devices} paired devices") };
    let step = Step::new(action, format!("the copy is sound and holds {count}"));
    let summary = format!("put {} in the place of the database", copy.path.file_name());
    let plan = Plan::of(finding, Applicability::Unsafe, summary, vec![step]).with_gateway_stopped().say_first(format!(
        "What was paired, removed or changed after {written}, when the copy was written, is not in it. Device tokens that \
         were given out since are refused."
    ));
    Some(plan.then_by_hand("Start the gateway, and look at the devices that it knows before you trust them."))
}
