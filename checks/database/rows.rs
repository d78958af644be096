//! # One broken row of the device store stops every device
//!
//! ## What it finds
//! Rows of `device_pairing_paired` and `device_pairing_pending` with text in a JSON column that is no JSON.
//!
//! ## Why it locks you out
//! From 2026.8.1 the gateway reads all rows at every handshake. One that it can't parse ends the handshake of every
//! device, paired or new, with close code 1000 and no reason; `devices list` says `SyntaxError`. `/healthz` and `/readyz`
//! stay green, and a CLI without a device still connects.
//!
//! ## How to read the evidence
//! Table, key, row id, column and the byte where the text stops to be JSON. The text itself may hold tokens and is not
//! shown.
//!
//! ## How to be sure by hand
//! On a copy: `sqlite3 copy.sqlite "SELECT rowid, device_id FROM device_pairing_paired WHERE json_valid(tokens_json)=0"`,
//! and the same for the other `_json` columns.
//!
//! ## What the fix does
//! Deletes exactly that row, with the gateway stopped and after a backup of the database: that device must pair again.
//! All others work at once.
//!
//! ## Since and until
//! From 2026.8.1. No fix for a schema that is newer than the doctor knows.

use super::store::{self, Standing};
use crate::checks::reading::{listed, quoted};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Evidence, Fact, Finding, HostPath, Unknown};
use crate::snapshot::device::{FieldFault, FieldProblem, RecordPlace};
use crate::statedb::DatabaseContent;

/// See the module's documentation.
pub struct Rows;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("database-device-row-broken", Cause::StateDatabase, "A device's row holds text that is no JSON"),
    CodeSpec::error("database-request-row-broken", Cause::StateDatabase, "A request's row holds text that is no JSON"),
];

/// So many broken rows are named; one is enough to stop everybody.
const MOST: usize = 25;

/// A row that can't be parsed.
struct BrokenRow<'s> {
    code: &'static str,
    table: &'static str,
    key_column: &'static str,
    place: &'s RecordPlace,
    who: String,
    problems: Vec<&'s FieldProblem>,
}

impl Check for Rows {
    fn id(&self) -> &'static str {
        "state-database-rows"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/rows"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(database) = store::database(context)? else { return Ok(Vec::new()) };
        let content = match &database.content {
            Fact::Known(content) => content,
            Fact::Unknown(why) => return Err(why.clone()),
            Fact::Absent => return Ok(Vec::new()),
        };
        let rows = broken(content);
        if rows.is_empty()
            && let Some(why) = content.paired.why_unknown().or(content.pending.why_unknown())
        {
            return Err(why.clone());
        }
        Ok(rows.iter().take(MOST).map(|row| self.finding(context, &database.path, row)).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let database = context.installation.database.known()?;
        let content = database.content.known()?;
        let rows = broken(content);
        let row =
            rows.iter().find(|row| self.finding(context, &database.path, row).fingerprint == finding.fingerprint)?;
        if store::standing(context) != Standing::Live || !store::may_mend(context, database) {
            return None;
        }
        let action = Action::DeleteRow {
            database: database.path.clone(),
            table: row.table.to_owned(),
            key: vec![(row.key_column.to_owned(), row.place.key.clone())],
        };
        let step = Step::new(action, "one row that is no JSON ends the handshake of every device");
        let again = match row.code {
            "database-device-row-broken" => format!("{} must pair again: connect it once, then approve it.", row.who),
            _ => "The device that asked asks again at its next attempt.".to_owned(),
        };
        let plan = Plan::of(
            finding,
            Applicability::Unsafe,
            format!("delete the row of {} from {}", row.who, row.table),
            vec![step],
        );
        Some(
            plan.with_gateway_stopped()
                .say_first(format!("The pairing data of {} in this row is lost.", row.who))
                .then_by_hand(again),
        )
    }
}

fn broken(content: &DatabaseContent) -> Vec<BrokenRow<'_>> {
    fn bad(problems: &[FieldProblem]) -> Vec<&FieldProblem> {
        problems.iter().filter(|problem| matches!(problem.fault, FieldFault::BadJson { .. })).collect()
    }
    let who = |key: &str, name: &Fact<String>| {
        let short: String = key.chars().take(12).collect();
        match name {
            Fact::Known(name) if !name.is_empty() => format!("device {short} ({})", quoted(name)),
            _ => format!("device {short}"),
        }
    };
    let paired = content.paired.known().into_iter().flatten().map(|device| BrokenRow {
        code: "database-device-row-broken",
        table: "device_pairing_paired",
        key_column: "device_id",
        place: &device.place,
        who: who(&device.place.key, &device.display_name),
        problems: bad(&device.problems),
    });
    let pending = content.pending.known().into_iter().flatten().map(|request| BrokenRow {
        code: "database-request-row-broken",
        table: "device_pairing_pending",
        key_column: "request_id",
        place: &request.place,
        who: format!("request {}", request.place.key.chars().take(12).collect::<String>()),
        problems: bad(&request.problems),
    });
    paired.chain(pending).filter(|row| !row.problems.is_empty()).collect()
}

impl Rows {
    fn finding(&self, context: &Context<'_>, path: &HostPath, row: &BrokenRow<'_>) -> Finding {
        let columns: Vec<&str> = row.problems.iter().map(|problem| problem.field.as_str()).collect();
        let message = format!(
            "{} of {} in {} is no JSON: every device is closed out with code 1000 and no reason",
            listed(&columns),
            row.who,
            row.table
        );
        let subject = format!("{path}#{}#{}", row.table, row.place.key);
        let mut finding = context
            .finding(self, row.code, &subject, message)
            .because(Cause::StateDatabase, store::standing(context).certainty())
            .at(path);
        let rowid = row.place.rowid.map(|rowid| format!(" (row {rowid})")).unwrap_or_default();
        for problem in &row.problems {
            let FieldFault::BadJson { offset, bytes, message } = &problem.fault else { continue };
            finding = finding.evidence(
                Evidence::new(format!(
                    "{}{rowid}, {} = {}: column {} stops being JSON at byte {offset} of {bytes}: {message}",
                    row.table,
                    row.key_column,
                    quoted(&row.place.key),
                    problem.field
                ))
                .at(path),
            );
        }
        finding.hint(format!("Delete that one row with the gateway stopped; {} pairs again", row.who))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, plan};

    const BREAK_ONE: &str = "UPDATE device_pairing_paired SET tokens_json = '{\"operator\"' WHERE rowid = (SELECT min(rowid) FROM device_pairing_paired)";

    #[test]
    fn one_broken_row_is_named_and_no_text_of_it_shown() {
        let snapshot = Lab::sqlite(Some("2026.9.6")).sql(BREAK_ONE).snapshot();
        let found = detect(&Rows, &snapshot).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].evidence[0].text.contains("column tokens_json stops being JSON at byte"), "{found:?}");
        assert!(!format!("{found:?}").contains("{\\\"operator"), "{found:?}");
        let offered = plan(&Rows, &snapshot, "database-device-row-broken").unwrap();
        let Action::DeleteRow { table, key, .. } = &offered.steps[0].action else { panic!("{offered:?}") };
        assert_eq!((table.as_str(), key[0].0.as_str(), key[0].1.len()), ("device_pairing_paired", "device_id", 64));
        assert_eq!(offered.gateway, crate::model::plan::GatewayDuring::Stopped);
    }

    #[test]
    fn sound_rows_unused_databases_and_newer_schemas() {
        assert!(codes(&Rows, &Lab::sqlite(Some("2026.9.6")).snapshot()).is_empty());
        assert!(codes(&Rows, &Lab::sqlite(Some("2026.5.28")).sql(BREAK_ONE).snapshot()).is_empty());
        let newer = Lab::sqlite(Some("2026.12.1")).sql(BREAK_ONE).sql("PRAGMA user_version = 21").snapshot();
        assert_eq!(codes(&Rows, &newer), ["database-device-row-broken"]);
        assert!(plan(&Rows, &newer, "database-device-row-broken").is_none());
    }
}
