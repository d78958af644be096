//! Hands an image to SQLite, as a hostile one: the account that made it runs an AI agent.

use super::sink::Sink;
use super::source::Limits;
use super::take::Taken;
use crate::model::{Unknown, UnknownKind};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

/// Why SQLite did not take an image.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite refused it.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The spool file was in the way.
    #[error("the private copy of the database: {0}")]
    Io(#[from] io::Error),
}

/// Opens an image read-only. No name of it is left in the file system.
///
/// # Errors
/// See [`OpenError`].
pub fn open(taken: Taken, limits: &Limits) -> Result<Connection, OpenError> {
    let mut db = match taken.sink {
        Sink::Memory(pieces) => {
            let mut db = Connection::open_in_memory_with_flags(
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            let length = pieces.len();
            db.deserialize_read_exact(MAIN_DB, pieces, length, true)?;
            db
        }
        Sink::Spool(spool) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let db = Connection::open_with_flags(uri(&spool.path()), flags)?;
            // SQLite opens the file with the connection, not with the first statement.
            spool.forget_name()?;
            db
        }
    };
    harden(&mut db, limits)?;
    Ok(db)
}

fn uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.') {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    uri + "?mode=ro&immutable=1"
}

fn harden(db: &mut Connection, limits: &Limits) -> rusqlite::Result<()> {
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
    ] {
        db.set_db_config(setting, on)?;
    }
    for (limit, value) in [
        // Larger values are measured, never loaded.
        (Limit::SQLITE_LIMIT_LENGTH, 8 << 20),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        db.set_limit(limit, value)?;
    }
    let deadline = limits.deadline;
    db.progress_handler(1_000, Some(move || Instant::now() >= deadline))?;
    // No mapping: a spool on a full or failing disk must give an error, not a signal.
    db.execute_batch(
        "PRAGMA cell_size_check=ON; PRAGMA query_only=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-2000; PRAGMA temp_store=MEMORY;",
    )
}

/// A failure of SQLite as the reason of an unknown fact. The words of SQLite can quote names from the schema; they are
/// kept to one short line.
pub fn unknown(what: &str, error: &rusqlite::Error) -> Unknown {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => UnknownKind::Malformed,
        Some(ErrorCode::OperationInterrupted) => UnknownKind::TimedOut,
        Some(ErrorCode::TooBig) => UnknownKind::TooLarge,
        _ => UnknownKind::Failed,
    };
    let words: String = error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    Unknown::new(kind, format!("{what}: {words}"))
}
