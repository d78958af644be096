//! Whether pages and rows hold together, as SQLite itself says.

use super::facts::Integrity;
use super::open::unknown;
use super::required::PAIRING;
use crate::model::UnknownKind;
use rusqlite::Connection;

/// Images up to this size are checked as a whole; of larger ones only the tables of pairing and identity.
pub const WHOLE_CHECK_BYTES: u64 = 64 << 20;
/// How many lines are kept.
const LINES: usize = 20;

/// Runs `quick_check`.
pub fn check(db: &Connection, bytes: u64, tables: &[String]) -> Integrity {
    let pairing_tables_only = bytes > WHOLE_CHECK_BYTES;
    let mut lines = Vec::new();
    let result = if pairing_tables_only {
        PAIRING
            .iter()
            .filter(|table| tables.iter().any(|present| present == *table))
            .try_for_each(|table| run(db, &format!("PRAGMA quick_check(\"{table}\")"), &mut lines))
    } else {
        run(db, &format!("PRAGMA quick_check({LINES})"), &mut lines)
    };
    match result.map_err(|error| unknown("quick_check", &error)) {
        Err(why) if why.kind == UnknownKind::Malformed => lines.push(why.reason),
        Err(why) => return Integrity::NotChecked(why.reason),
        Ok(()) => {}
    }
    lines.truncate(LINES);
    if lines.is_empty() { Integrity::Ok { pairing_tables_only } } else { Integrity::Problems(lines) }
}

fn run(db: &Connection, sql: &str, lines: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        for line in line.lines().filter(|line| *line != "ok") {
            lines.push(line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect());
        }
    }
    Ok(())
}
