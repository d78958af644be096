//! Reads rows of real tables, column by column, with caps. Never touches views, virtual tables or generated columns, so no
//! expression that the database brings along is ever run.

use super::open::unknown;
use super::source::Limits;
use crate::model::{Fact, Unknown, UnknownKind};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A value as stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// The table has no such column.
    NoColumn,
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A fraction.
    Real(f64),
    /// Text.
    Text(String),
    /// Text whose bytes are no UTF-8, with the faults replaced as Node does.
    BadText(String),
    /// Bytes.
    Blob,
    /// A value beyond the cap, with its length in bytes.
    TooLong(usize),
}

/// A row: its id, and the wanted columns.
#[derive(Debug, Clone)]
pub struct Row {
    /// `None` in tables without row ids.
    pub rowid: Option<i64>,
    cells: HashMap<&'static str, Cell>,
}

impl Row {
    /// A cell of a wanted column.
    pub fn cell(&self, column: &str) -> &Cell {
        self.cells.get(column).unwrap_or(&Cell::NoColumn)
    }

    /// A text, where the cell holds one.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.cell(column) {
            Cell::Text(text) | Cell::BadText(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, where the cell holds one.
    pub fn integer(&self, column: &str) -> Option<i64> {
        match self.cell(column) {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// Something that stands where OpenClaw has a plain table. No release makes it; the account or a tool did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableOddity {
    /// A view or a virtual table of that name.
    NotATable {
        /// The name.
        table: String,
    },
    /// A column that is worked out instead of stored.
    GeneratedColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column that OpenClaw writes is not there.
    MissingColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

/// Which rows of a table are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Pick {
    /// All of them, in stored order.
    All,
    /// Those whose column equals a text.
    Equal(&'static str, &'static str),
    /// The first ones by a column.
    First(&'static str, usize),
    /// The last ones by a column, last first.
    Last(&'static str, usize),
}

/// The tables of an opened image.
pub struct Tables<'db> {
    db: &'db Connection,
    limits: &'db Limits,
    /// Oddities met while reading.
    pub oddities: Vec<TableOddity>,
}

impl<'db> Tables<'db> {
    /// The tables of an image.
    pub fn new(db: &'db Connection, limits: &'db Limits) -> Self {
        Self { db, limits, oddities: Vec::new() }
    }

    /// The names of real tables.
    ///
    /// # Errors
    /// The schema cannot be read: then OpenClaw cannot read anything either.
    pub fn names(&self) -> Result<Vec<String>, Unknown> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.db.prepare(
                "SELECT name FROM sqlite_schema WHERE type='table' AND rootpage>0 AND octet_length(name)<=128 LIMIT 2000",
            )?;
            let mut names = Vec::new();
            for name in statement.query_map([], |row| row.get(0))? {
                names.push(name?);
            }
            Ok(names)
        };
        read().map_err(|error| unknown("the schema", &error))
    }

    /// Whether there is a real table of this name; `Absent` where there is nothing of this name.
    pub fn is_table(&mut self, table: &str) -> Fact<()> {
        let found = self
            .db
            .query_row(
                "SELECT type='table' AND rootpage>0 FROM sqlite_schema WHERE name=?1 AND type IN ('table','view')",
                [table],
                |row| row.get::<_, bool>(0),
            )
            .optional();
        match found {
            Ok(Some(true)) => Fact::Known(()),
            Ok(Some(false)) => {
                self.oddities.push(TableOddity::NotATable { table: table.to_owned() });
                Fact::unknown(UnknownKind::Malformed, format!("{table} is a view or a virtual table"))
            }
            Ok(None) => Fact::Absent,
            Err(error) => Fact::Unknown(unknown("the schema", &error)),
        }
    }

    /// All rows of a table, in stored order; `Absent` where there is no such table.
    pub fn rows(&mut self, table: &'static str, wanted: &[&'static str]) -> Fact<Vec<Row>> {
        self.some_rows(table, wanted, &Pick::All)
    }

    /// Some rows of a table; `Absent` where there is no such table.
    pub fn some_rows(&mut self, table: &'static str, wanted: &[&'static str], pick: &Pick) -> Fact<Vec<Row>> {
        match self.is_table(table) {
            Fact::Known(()) => {}
            Fact::Absent => return Fact::Absent,
            Fact::Unknown(why) => return Fact::Unknown(why),
        }
        let columns = match self.columns(table, wanted) {
            Ok(columns) => columns,
            Err(error) => return Fact::Unknown(unknown(table, &error)),
        };
        let needed = match pick {
            Pick::All => None,
            Pick::Equal(column, _) | Pick::First(column, _) | Pick::Last(column, _) => Some(*column),
        };
        if let Some(column) = needed.filter(|column| !columns.contains(column)) {
            return Fact::unknown(UnknownKind::Malformed, format!("{table} has no plain column `{column}`"));
        }
        let rows = match self.select(table, &columns, pick, true) {
            Err(error) if error.sqlite_error_code().is_none_or(|code| code == rusqlite::ErrorCode::Unknown) => {
                // A table without row ids.
                self.select(table, &columns, pick, false)
            }
            other => other,
        };
        match rows {
            Ok(rows) if rows.len() > self.limits.rows => {
                Fact::unknown(UnknownKind::TooLarge, format!("{table} has more than {} rows", self.limits.rows))
            }
            Ok(rows) => Fact::Known(rows),
            Err(error) => Fact::Unknown(unknown(table, &error)),
        }
    }

    /// How many rows a table has; `Absent` where there is no such table.
    pub fn count(&mut self, table: &str) -> Fact<u64> {
        match self.is_table(table) {
            Fact::Known(()) => {}
            Fact::Absent => return Fact::Absent,
            Fact::Unknown(why) => return Fact::Unknown(why),
        }
        let sql = format!("SELECT count(*) FROM {}", quoted(table));
        match self.db.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
            Ok(count) => Fact::Known(u64::try_from(count).unwrap_or_default()),
            Err(error) => Fact::Unknown(unknown(table, &error)),
        }
    }

    /// The wanted columns that are stored.
    fn columns(&mut self, table: &str, wanted: &[&'static str]) -> rusqlite::Result<Vec<&'static str>> {
        let mut statement = self.db.prepare("SELECT name, hidden FROM pragma_table_xinfo(?1)")?;
        let mut hidden: HashMap<String, i64> = HashMap::new();
        let mut rows = statement.query([table])?;
        while let Some(row) = rows.next()? {
            hidden.insert(row.get::<_, String>(0)?.to_ascii_lowercase(), row.get(1)?);
        }
        let mut stored = Vec::new();
        for column in wanted {
            let (table, column) = (table.to_owned(), *column);
            match hidden.get(column) {
                Some(0) => stored.push(column),
                Some(_) => {
                    self.oddities.push(TableOddity::GeneratedColumn { table, column: column.to_owned() });
                }
                None => self.oddities.push(TableOddity::MissingColumn { table, column: column.to_owned() }),
            }
        }
        Ok(stored)
    }

    fn select(
        &self,
        table: &str,
        columns: &[&'static str],
        pick: &Pick,
        with_rowid: bool,
    ) -> rusqlite::Result<Vec<Row>> {
        let cap = self.limits.cell_bytes;
        let mut sql = String::from(if with_rowid { "SELECT rowid" } else { "SELECT NULL" });
        for column in columns {
            let column = quoted(column);
            // The length comes from the record's header; a long value is not even fetched from its pages.
            sql.push_str(&format!(
                ", octet_length({column}), CASE WHEN octet_length({column})<={cap} THEN {column} END"
            ));
        }
        // Without an index, so that no index with an expression of its own is used.
        let (which, limit, value) = match pick {
            Pick::All => (String::new(), self.limits.rows + 1, None),
            Pick::Equal(column, value) => (format!(" WHERE {}=?1", quoted(column)), self.limits.rows + 1, Some(*value)),
            Pick::First(column, count) => (format!(" ORDER BY {}", quoted(column)), *count, None),
            Pick::Last(column, count) => (format!(" ORDER BY {} DESC", quoted(column)), *count, None),
        };
        sql.push_str(&format!(" FROM {} NOT INDEXED{which} LIMIT {limit}", quoted(table)));
        let mut statement = self.db.prepare(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(value))?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cells = HashMap::with_capacity(columns.len());
            for (index, column) in columns.iter().enumerate() {
                let length: Option<i64> = row.get(1 + 2 * index)?;
                cells.insert(*column, cell(length, row.get_ref(2 + 2 * index)?));
            }
            read.push(Row { rowid: row.get(0)?, cells });
        }
        Ok(read)
    }
}

fn cell(length: Option<i64>, value: ValueRef<'_>) -> Cell {
    match (length, value) {
        (None, _) => Cell::Null,
        (Some(length), ValueRef::Null) => Cell::TooLong(usize::try_from(length).unwrap_or_default()),
        (_, ValueRef::Integer(number)) => Cell::Integer(number),
        (_, ValueRef::Real(number)) => Cell::Real(number),
        (_, ValueRef::Blob(_)) => Cell::Blob,
        (_, ValueRef::Text(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::BadText(String::from_utf8_lossy(bytes).into_owned()),
        },
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
