//! Deleting one row of the state database. SQLite is opened by a process with the account's rights only (root would
//! re-own `-wal` and `-shm`, and the file is hostile input), in exclusive locking mode, which fails where anybody else
//! has the database open. The main file and its companions are backed up together first.

use super::{Deed, Hands, dir_mtime};
use crate::fix::access::must_be_plain_file;
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::inverse::database_files;
use crate::fix::journal::Ledger;
use crate::fix::machine::{self, Program};
use crate::fix::op::{After, Intent, Kept, Op, Task};
use crate::model::HostPath;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The argument that makes the doctor's program the helper. Not part of the command line for people.
pub const HELPER_WORD: &str = "__delete-row-as-this-account";
/// How long the helper may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What the helper is asked to do.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    /// The main file, on the doctor's own file system.
    database: PathBuf,
    table: String,
    key: Vec<(String, String)>,
}

impl Hands<'_> {
    pub(super) fn delete_row(
        &self,
        ledger: &mut Ledger,
        database: &HostPath,
        before: &Stamp,
        task: &Task,
    ) -> Result<Deed> {
        let Op::DeleteRow { table, key, .. } = &task.op else { return Err(FixError::journal("no row to delete")) };
        let mut kept = Vec::new();
        for path in database_files(database) {
            let place = self.access.place(&path)?;
            let Some(pin) = place.pin()? else { continue };
            if path == *database {
                must_be_same_file(before, &pin.stamp, &path)?;
            }
            let stamp = self.access.full_stamp(&place, &pin)?;
            kept.push(self.keep(ledger, &place, &pin, &stamp)?);
        }
        if kept.is_empty() {
            return Err(FixError::stale(database, "is not there any more"));
        }
        let request = Request { database: self.own_path(database), table: table.clone(), key: key.clone() };
        let dir = self.access.place(database)?.dir;
        let op = task.op.clone();
        let intent = Intent { op, kept: kept.clone(), temporary: None, dir_mtime: dir_mtime(&dir) };
        let mut trouble = None;
        let deed = self.journalled(ledger, intent, None, || {
            let asked = self.ask(&request);
            // Where the files cannot be looked at again, an undo says that it has nothing to go by.
            let stamps = self.database_stamps(database).unwrap_or_default();
            if let Err(error) = asked {
                if is_as_kept(&kept, database, &stamps) {
                    return Err(error);
                }
                trouble = Some(error);
            }
            Ok(After { stamps, dir_mtime: dir_mtime(&dir), unit: None })
        })?;
        match trouble {
            None => Ok(deed),
            // The helper was cut short and has written: the caller puts all files back.
            Some(error) => Err(FixError::Unrecorded { deed: Box::new(deed), error: Box::new(error) }),
        }
    }

    fn database_stamps(&self, database: &HostPath) -> Result<Vec<Option<Stamp>>> {
        let stamp = |path: &HostPath| {
            let place = self.access.place(path)?;
            place.pin()?.map(|pin| self.access.full_stamp(&place, &pin)).transpose()
        };
        database_files(database).iter().map(stamp).collect()
    }

    fn own_path(&self, path: &HostPath) -> PathBuf {
        match &self.access.walker.top.root {
            Some(root) => root.join(path.as_path().strip_prefix("/").unwrap_or(path.as_path())),
            None => path.as_path().to_path_buf(),
        }
    }

    fn ask(&self, request: &Request) -> Result<()> {
        let actor = self.access.walker.actor;
        let answer = if actor.privileged && actor.account.uid != 0 {
            let input = serde_json::to_vec(request).map_err(|error| FixError::journal(error.to_string()))?;
            let said = machine::run(Program {
                path: &self.machine.helper,
                args: vec![OsString::from(HELPER_WORD)],
                env: Vec::new(),
                account: Some(&actor.account),
                input,
                limit: LIMIT,
            })?;
            if said.code == Some(0) { Ok(()) } else { Err(said.err.lines().next().unwrap_or("no answer").to_owned()) }
        } else {
            delete(request)
        };
        answer.map_err(|what| FixError::Command {
            what: format!("delete the row from {}: {}", HostPath::new(&request.database), what.escape_debug()),
        })
    }
}

/// Whether the database and its companions still are what was backed up.
fn is_as_kept(kept: &[Kept], database: &HostPath, now: &[Option<Stamp>]) -> bool {
    now.len() == database_files(database).len()
        && database_files(database).iter().zip(now).all(|(path, now)| {
            let then = kept.iter().find(|kept| kept.path == *path).map(|kept| kept.image.digest);
            then == now.as_ref().and_then(|now| now.digest)
        })
}

/// Identity only: a gateway that is stopped on the way writes its last changes.
fn must_be_same_file(before: &Stamp, now: &Stamp, path: &HostPath) -> Result<()> {
    must_be_plain_file(now, path)?;
    let same = before.same_inode(now) && (before.uid, before.gid, before.mode) == (now.uid, now.gid, now.mode);
    if same {
        Ok(())
    } else {
        Err(FixError::stale(path, "was replaced or changed its owner or mode since the plan was made"))
    }
}

/// Where this process was started as the helper, does what it is asked on standard input and returns how to exit.
pub fn helper_main(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if args.nth(1)? != HELPER_WORD {
        return None;
    }
    let mut input = Vec::new();
    let done =
        std::io::stdin()
            .take(64 * 1024)
            .read_to_end(&mut input)
            .map_err(|error| error.to_string())
            .and_then(|_| serde_json::from_slice::<Request>(&input).map_err(|error| error.to_string()))
            .and_then(|request| {
                if rustix::process::geteuid().is_root() { Err("not as root".to_owned()) } else { delete(&request) }
            });
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            let _ = writeln!(std::io::stderr(), "{}", what.replace(['\n', '\r'], " "));
            ExitCode::FAILURE
        }
    })
}

fn delete(request: &Request) -> Result<(), String> {
    if request.key.is_empty() {
        return Err("no key is given".to_owned());
    }
    let connection = open(&request.database).map_err(|error| error.to_string())?;
    delete_in(&connection, request).map_err(|error| match error {
        rusqlite::Error::SqliteFailure(failure, _)
            if matches!(failure.code, rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) =>
        {
            "another process has the database open; stop the gateway and everything else that uses it".to_owned()
        }
        other => other.to_string(),
    })?;
    connection.close().map_err(|(_, error)| error.to_string())?;
    remove_stale_index(&request.database)
}

/// In exclusive mode SQLite never opens the shared index, so it removes the log at the end and leaves the old index
/// behind, which then looks as if the log had been deleted by hand. It was backed up with the rest.
fn remove_stale_index(database: &Path) -> Result<(), String> {
    let companion = |suffix: &str| {
        let mut path = database.as_os_str().to_os_string();
        path.push(suffix);
        PathBuf::from(path)
    };
    if companion("-wal").symlink_metadata().is_ok() {
        return Ok(());
    }
    match std::fs::remove_file(companion("-shm")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("remove the stale -shm: {error}")),
        _ => Ok(()),
    }
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    // The schema is the account's: it may not run anything beyond the one statement.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn delete_in(connection: &Connection, request: &Request) -> rusqlite::Result<()> {
    let refuse = |what: String| rusqlite::Error::ToSqlConversionFailure(what.into());
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY name")?;
    let primary: Vec<String> = columns.query_map([&request.table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    drop(columns);
    let mut given: Vec<&str> = request.key.iter().map(|(column, _)| column.as_str()).collect();
    given.sort_unstable();
    if primary.is_empty() || primary != given {
        connection.execute_batch("ROLLBACK")?;
        return Err(refuse(format!("the primary key of {} is not ({})", request.table, given.join(", "))));
    }
    let conditions: Vec<String> = request
        .key
        .iter()
        .enumerate()
        .map(|(place, (column, _))| format!("{} = ?{}", quoted(column), place + 1))
        .collect();
    let statement = format!("DELETE FROM {} WHERE {}", quoted(&request.table), conditions.join(" AND "));
    let deleted =
        connection.execute(&statement, rusqlite::params_from_iter(request.key.iter().map(|(_, value)| value)))?;
    if deleted != 1 {
        connection.execute_batch("ROLLBACK")?;
        return Err(refuse(format!("the row is not there any more in {}", request.table)));
    }
    connection.execute_batch("COMMIT")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(dir: &Path) -> PathBuf {
        let path = dir.join("openclaw.sqlite");
        let connection = Connection::open(&path).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode=WAL;
                 CREATE TABLE tokens(device_id TEXT, role TEXT, token TEXT, PRIMARY KEY(device_id, role)) STRICT;
                 INSERT INTO tokens VALUES ('a', 'operator', 'x'), ('a', 'node', 'y'), ('b', 'operator', 'z');",
            )
            .expect("rows");
        path
    }

    fn request(path: &Path, key: &[(&str, &str)]) -> Request {
        let key = key.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect();
        Request { database: path.to_path_buf(), table: "tokens".to_owned(), key }
    }

    fn rows(path: &Path) -> i64 {
        let connection = Connection::open(path).expect("a database");
        connection.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).expect("a count")
    }

    #[test]
    fn exactly_one_row_goes() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = database(dir.path());
        delete(&request(&path, &[("role", "node"), ("device_id", "a")])).expect("deleted");
        assert_eq!(rows(&path), 2);
        let said = delete(&request(&path, &[("role", "node"), ("device_id", "a")])).expect_err("gone");
        assert!(said.contains("not there any more"), "{said}");
        let said = delete(&request(&path, &[("device_id", "a")])).expect_err("not the whole key");
        assert!(said.contains("primary key"), "{said}");
        let said = delete(&request(&path, &[("role\" = role OR \"x", "node")])).expect_err("no injection");
        assert!(said.contains("primary key"), "{said}");
        assert_eq!(rows(&path), 2);
    }

    #[test]
    fn a_database_that_somebody_has_open_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = database(dir.path());
        let other = Connection::open(&path).expect("a database");
        let count: i64 = other.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).expect("a count");
        let said = delete(&request(&path, &[("role", "node"), ("device_id", "a")])).expect_err("busy");
        assert!(said.contains("another process"), "{said}");
        drop(other);
        assert_eq!((count, rows(&path)), (3, 3));
    }
}
