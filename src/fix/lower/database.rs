//! A copy in the place of a state database that can't be used.

use super::{Lowered, Lowering, Shown};
use crate::fix::access::must_be_plain_file;
use crate::fix::error::{FixError, Result};
use crate::fix::inverse::database_files;
use crate::fix::walk::Last;
use crate::model::{Fact, HostPath, SecretVault};
use crate::statedb::facts::NEWEST_KNOWN_SCHEMA;
use crate::statedb::memory::MemoryDbFiles;
use crate::statedb::{HeaderVerdict, Integrity, Limits, read_state_db};
use std::time::Duration;

/// Bound on judging the copy.
const MOST_TIME: Duration = Duration::from_secs(20);

impl Lowering<'_> {
    /// What is there goes aside with its companions, and a new file with the copy's bytes takes its place. The copy itself
    /// stays where it is.
    pub(super) fn restore_database(&mut self, database: &HostPath, from: &HostPath, to: &HostPath) -> Result<Lowered> {
        let copy = self.subject(from, Last::Follow)?;
        let (_, bytes) = self.contents(&copy)?;
        let [_, companions @ ..] = database_files(&copy.path);
        for companion in &companions {
            let there = self.subject(companion, Last::Keep)?.pin()?;
            if let Some(pin) = there {
                must_be_plain_file(&pin.stamp, companion)?;
                if pin.stamp.size > 0 && !companion.to_string().ends_with("-shm") {
                    return Err(FixError::refused(&copy.path, "has a log of its own; join the two by hand first"));
                }
            }
        }
        let devices = sound_devices(&copy.path, &bytes)?;
        let aside = self.database_aside(database, to)?;
        let size = bytes.len();
        let put = self.create_with_mode(database, &bytes, 0o600)?;
        let shown = Shown {
            verb: "put a copy in the place of the database",
            subject: database.to_string(),
            before: aside.shown.before,
            after: format!(
                "{size} bytes from {}, a sound database with {devices} paired devices; what was there is {}",
                copy.path.file_name(),
                aside.shown.after
            ),
            ..Shown::default()
        };
        let mut tasks = aside.tasks;
        tasks.push(put);
        Ok(Lowered { tasks, shown })
    }
}

/// How many devices are paired in a copy, which must be sound and of a schema that this build knows.
fn sound_devices(path: &HostPath, bytes: &[u8]) -> Result<usize> {
    let files = MemoryDbFiles { path: Some(path.clone()), main: Some(bytes.to_vec()), ..MemoryDbFiles::default() };
    let no = |why: &str| FixError::refused(path, why);
    let facts = match read_state_db(&files, &mut SecretVault::default(), &Limits::within(MOST_TIME)) {
        Fact::Known(facts) => facts,
        Fact::Absent => return Err(no("is no state database")),
        Fact::Unknown(why) => return Err(no(&format!("could not be judged: {why}"))),
    };
    if facts.header != Fact::Known(HeaderVerdict::Ok) {
        return Err(no("is no whole SQLite database"));
    }
    let content = facts.content.known().ok_or_else(|| no("could not be read as a state database"))?;
    if !matches!(content.integrity, Integrity::Ok { .. }) {
        return Err(no("is damaged, too"));
    }
    if facts.user_version.known().is_none_or(|version| *version > NEWEST_KNOWN_SCHEMA) {
        return Err(no("has a schema that this build does not know"));
    }
    content.paired.known().map(Vec::len).ok_or_else(|| no("has no readable table of devices"))
}
