//! # The state database can't be used as a file
//!
//! ## What it finds
//! A `state/openclaw.sqlite` that is empty, missing beside its own companions, no SQLite database, cut short, or whose
//! pages don't hold together; a write-ahead log (`-wal`) that was deleted, is damaged, or belongs to another database.
//!
//! ## Why it locks you out
//! Since 2026.8.1 pairings, identity and device tokens live in this database. A damaged one keeps the gateway from
//! starting (exit 78). An empty or missing one is replaced by a new one without a word: the gateway runs, and knows no
//! device.
//!
//! ## How to read the evidence
//! The doctor reads the three files as bytes and works on a copy; nothing is opened by SQLite in place. `-wal` and
//! `-shm` stay after a clean stop and are no sign of a crash; `-shm` without `-wal` is one of a deleted log. A database
//! that changes while it is read is reported as not judged, never as damaged.
//!
//! ## How to be sure by hand
//! `ls -lan ~/.openclaw/state`; copy all three files elsewhere as the gateway's account and run
//! `sqlite3 copy/openclaw.sqlite 'PRAGMA quick_check'` there. Never open the original as root: that re-owns `-wal` and
//! `-shm`.
//!
//! ## What the fix does
//! Puts a copy back that lies beside the database, is sound and holds devices, with the gateway stopped; what was there
//! is set aside with its companions. Without such a copy it sets the three aside as the last resort: the pairings in them
//! are lost. A log of another database is set aside alone.
//!
//! ## Since and until
//! From 2026.8.1. Earlier databases (from 2026.6.1) are empty and not used. No fix for a schema that is newer than the
//! doctor knows.

use super::restore;
use super::store::{self, Standing};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown, UnknownKind};
use crate::snapshot::process::ProcessFact;
use crate::statedb::{HeaderVerdict, Integrity, StateDatabase, WalVerdict};

/// See the module's documentation.
pub struct DatabaseFile;

const CAUSE: Cause = Cause::StateDatabase;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("database-empty", CAUSE, "The state database has no bytes"),
    CodeSpec::error("database-missing", CAUSE, "The state database is gone and its companions are left"),
    CodeSpec::error("database-not-sqlite", CAUSE, "The state database is no SQLite database"),
    CodeSpec::error("database-truncated", CAUSE, "Pages are missing at the end of the state database"),
    CodeSpec::error("database-malformed", CAUSE, "The pages of the state database don't hold together"),
    CodeSpec::warning("database-log-deleted", Some(CAUSE), "The write-ahead log was deleted"),
    CodeSpec::warning("database-log-damaged", Some(CAUSE), "The write-ahead log is damaged"),
    CodeSpec::error("database-log-foreign", CAUSE, "The write-ahead log belongs to another database"),
    CodeSpec::error("database-replaced-live", CAUSE, "A gateway works on database files that were removed or replaced"),
];

impl Check for DatabaseFile {
    fn id(&self) -> &'static str {
        "state-database"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/file"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(database) = store::database(context)? else { return Ok(Vec::new()) };
        let mut findings: Vec<Finding> = self.main_file(context, database).into_iter().collect();
        findings.extend(self.log(context, database));
        findings.extend(self.live(context, database));
        if findings.is_empty()
            && let Some(why) = not_judged(database)
        {
            return Err(why);
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let database = context.installation.database.known()?;
        match finding.code.as_str() {
            "database-not-sqlite" | "database-truncated" | "database-malformed" => {
                let last_resort = store::set_aside(context, finding, database);
                match restore::plan(context, finding, database) {
                    Some(plan) => Some(match last_resort {
                        Some(other) => plan.or_else_choose("set-aside", other),
                        None => plan,
                    }),
                    None => last_resort,
                }
            }
            "database-empty" | "database-missing" => {
                restore::plan(context, finding, database).or_else(|| Some(manual(context, finding, database)))
            }
            "database-log-foreign" => foreign_log(context, finding, database),
            _ => None,
        }
    }
}

/// Why nothing can be said, where the database could not be read to the end.
fn not_judged(database: &StateDatabase) -> Option<Unknown> {
    match &database.content {
        Fact::Unknown(why) => Some(why.clone()),
        Fact::Known(content) => match &content.integrity {
            Integrity::NotChecked(why) => {
                Some(Unknown::new(UnknownKind::Failed, format!("the database was not checked to the end: {why}")))
            }
            _ => None,
        },
        Fact::Absent => database.header.why_unknown().cloned(),
    }
}

impl DatabaseFile {
    fn found(&self, context: &Context<'_>, database: &StateDatabase, code: &str, message: String) -> Finding {
        let certainty = store::standing(context).certainty();
        context.finding(self, code, &database.path.to_string(), message).because(CAUSE, certainty).at(&database.path)
    }

    fn main_file(&self, context: &Context<'_>, database: &StateDatabase) -> Option<Finding> {
        let path = &database.path;
        let refused = "the gateway refuses to start (exit 78)";
        let (code, message, evidence) = match database.header.known() {
            Some(HeaderVerdict::Zero) => (
                "database-empty",
                format!(
                    "{path} has no bytes: the next start builds an empty database without a word, and every pairing is gone"
                ),
                "size 0".to_owned(),
            ),
            Some(HeaderVerdict::Missing) => (
                "database-missing",
                format!(
                    "{path} is gone, its companions are left: the next start builds an empty database, and every pairing is gone"
                ),
                "no such file, although -wal, -shm or -journal of it exist".to_owned(),
            ),
            Some(HeaderVerdict::NotSqlite { bytes }) => (
                "database-not-sqlite",
                format!("{path} is no SQLite database: {refused}, \"file is not a database\""),
                format!("{bytes} bytes that do not start as a SQLite database does"),
            ),
            Some(HeaderVerdict::Truncated { expected_pages, missing_pages }) => (
                "database-truncated",
                format!("{path} is cut short: {refused}, \"database disk image is malformed\""),
                format!("{missing_pages} of {expected_pages} pages are neither in the file nor in its log"),
            ),
            Some(HeaderVerdict::Ok) | None => return self.pages(context, database),
        };
        let mut finding = self.found(context, database, code, message);
        finding = finding.evidence(Evidence::new(evidence).at(path));
        if let Some(wal) = database.wal.known().filter(|wal| wal.verdict == WalVerdict::Orphaned && wal.commits > 0) {
            finding = finding.evidence(Evidence::new(format!(
                "the log beside it still holds {} commits, which SQLite throws away at the next start: keep a copy of it",
                wal.commits
            )));
        }
        let empty = matches!(code, "database-empty" | "database-missing");
        finding = store::with_copies(context, finding);
        Some(if empty {
            finding.hint("Do not start the gateway (stop it if it runs): put a backup of the database back first")
        } else {
            finding.hint("Restore a backup with the gateway stopped; without one the database can only be set aside")
        })
    }

    fn pages(&self, context: &Context<'_>, database: &StateDatabase) -> Option<Finding> {
        if database.wal.known().is_some_and(|wal| wal.verdict == WalVerdict::DoesNotFit) {
            return None;
        }
        let problems: Vec<String> = match &database.content {
            Fact::Known(content) => match &content.integrity {
                Integrity::Problems(problems) => problems.clone(),
                _ => return None,
            },
            Fact::Unknown(why) if why.kind == UnknownKind::Malformed => vec![why.reason.clone()],
            _ => return None,
        };
        let message = format!("{} is damaged: its pages or rows don't hold together", database.path);
        let mut finding = self.found(context, database, "database-malformed", message);
        for problem in problems.iter().take(5) {
            finding = finding.evidence(Evidence::new(format!("quick_check: {problem}")).at(&database.path));
        }
        Some(
            store::with_copies(context, finding)
                .hint("Restore a backup with the gateway stopped, or set the database aside"),
        )
    }

    fn log(&self, context: &Context<'_>, database: &StateDatabase) -> Option<Finding> {
        if database.wal_deleted() == Fact::Known(true) && database.header == Fact::Known(HeaderVerdict::Ok) {
            let message = format!(
                "The log {}-wal was deleted: what was committed since the last checkpoint is lost, for example a device that was paired lately",
                database.path
            );
            let mut finding = self.found(context, database, "database-log-deleted", message);
            finding.certainty = Certainty::Possible;
            return Some(
                finding
                    .evidence(
                        Evidence::new("-shm is there and -wal is not; both stay after a clean stop").at(&database.path),
                    )
                    .hint("Connect a device that is no longer known once with the shared token from this host"),
            );
        }
        let wal = database.wal.known()?;
        let (code, what, severity, certainty) = match wal.verdict {
            WalVerdict::DamagedHeader => (
                "database-log-damaged",
                "its header is damaged, so that SQLite takes it as empty and its rows are lost",
                Severity::Warning,
                Certainty::Possible,
            ),
            WalVerdict::ForeignVersion => (
                "database-log-foreign",
                "it has a version that SQLite refuses to open",
                Severity::Error,
                Certainty::Likely,
            ),
            WalVerdict::OtherDatabase => {
                ("database-log-foreign", "it was made for another page size", Severity::Error, Certainty::Likely)
            }
            WalVerdict::DoesNotFit => (
                "database-log-foreign",
                "the main file alone is sound, and with this log it is not",
                Severity::Error,
                Certainty::Certain,
            ),
            WalVerdict::Empty | WalVerdict::Applied | WalVerdict::Orphaned => return None,
        };
        let mut finding =
            self.found(context, database, code, format!("The log {}-wal does not serve: {what}", database.path));
        finding.severity = severity;
        finding.certainty = certainty.min(store::standing(context).certainty());
        let evidence = format!("{} commits in {} frames of the log", wal.commits, wal.committed_frames);
        Some(finding.evidence(Evidence::new(evidence).at(&database.path)))
    }

    /// A gateway that holds database files which are no longer there under their names (lab F4k, F6f).
    fn live(&self, context: &Context<'_>, database: &StateDatabase) -> Option<Finding> {
        let (process, file) = holder_of_deleted(context, database)?;
        let message = format!(
            "The gateway (pid {}) works on database files that were removed or replaced under it: what it writes is lost when it ends",
            process.pid
        );
        let mut finding = self.found(context, database, "database-replaced-live", message);
        finding.certainty = Certainty::Likely;
        Some(
            finding
                .evidence(Evidence::new(format!("pid {} holds {file}, which no longer exists under that name", process.pid)).at(file))
                .hint("Stop the gateway cleanly through its supervisor before anything else; then look at the files again"),
        )
    }
}

fn holder_of_deleted<'s>(
    context: &Context<'s>,
    database: &StateDatabase,
) -> Option<(&'s ProcessFact, &'s crate::model::HostPath)> {
    let processes = context.snapshot.processes.known()?;
    let main = database.path.to_string();
    processes.gateways().filter(|process| process.elsewhere() != Some(true)).find_map(|process| {
        let deleted = process.deleted_files.known()?;
        let file = deleted.iter().find(|path| {
            // `-shm` comes and goes with connections of other accounts; the two others never do.
            let text = path.to_string();
            text == main || text.strip_suffix("-wal") == Some(main.as_str())
        })?;
        Some((process, file))
    })
}

fn manual(context: &Context<'_>, finding: &Finding, database: &StateDatabase) -> Plan {
    let mut words = store::restore_words(context, &database.path);
    if words.is_empty() {
        words = vec![
            "Stop the gateway, so that it does not go on with an empty database.".to_owned(),
            format!(
                "Put the newest backup of {} (with its -wal, if it has one) back, same owner, mode 0600.",
                database.path
            ),
            "Without a backup: start the gateway, then connect each device once with the shared token from this host."
                .to_owned(),
        ];
    }
    Plan::manual(finding, format!("restore a backup of {}", database.path), words)
}

fn foreign_log(context: &Context<'_>, finding: &Finding, database: &StateDatabase) -> Option<Plan> {
    let fits_alone = database.wal.known().is_some_and(|wal| wal.verdict == WalVerdict::DoesNotFit);
    if !fits_alone || store::standing(context) != Standing::Live || !store::may_mend(context, database) {
        return None;
    }
    let companion = |suffix: &str| crate::model::HostPath::from_text(&format!("{}{suffix}", database.path));
    let mut steps = Vec::new();
    for (suffix, there) in [("-wal", &database.files.wal), ("-shm", &database.files.shm)] {
        if there.known().is_some() {
            let path = companion(suffix);
            let to = store::free_name(context, &path)?;
            steps.push(Step::new(Action::SetAside { path, to }, "it belongs to another database or another time"));
        }
    }
    let plan = Plan::of(finding, Applicability::Unsafe, "set the log that does not fit aside", steps);
    Some(plan.with_gateway_stopped().say_first(
        "What was committed only in this log is lost to the gateway; the main file alone is sound and stays as it is.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, plan};
    use std::fs;

    const DB: &str = "state/openclaw.sqlite";

    #[test]
    fn a_captured_healthy_database_is_left_in_peace() {
        for release in ["2026.9.6", "2026.8.1"] {
            assert!(codes(&DatabaseFile, &Lab::sqlite(Some(release)).snapshot()).is_empty());
        }
    }

    #[test]
    fn faults_of_the_file_are_told_apart() {
        let zero = Lab::sqlite(Some("2026.9.6"));
        fs::write(zero.path(DB), "").unwrap();
        assert_eq!(codes(&DatabaseFile, &zero.snapshot()), ["database-empty"]);
        let garbage = Lab::new(Some("2026.9.6")).file(DB, &"no database ".repeat(500));
        assert_eq!(codes(&DatabaseFile, &garbage.snapshot()), ["database-not-sqlite"]);
        let cut = Lab::sqlite(Some("2026.9.6")).sql("PRAGMA wal_checkpoint(TRUNCATE)");
        let bytes = fs::read(cut.path(DB)).unwrap();
        fs::write(cut.path(DB), &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(codes(&DatabaseFile, &cut.snapshot()), ["database-truncated"]);
        let gone = Lab::sqlite(Some("2026.9.6"));
        fs::remove_file(gone.path(DB)).unwrap();
        assert_eq!(codes(&DatabaseFile, &gone.snapshot()), ["database-missing"]);
        let log = Lab::sqlite(Some("2026.9.6"));
        fs::remove_file(log.path("state/openclaw.sqlite-wal")).unwrap();
        let found = detect(&DatabaseFile, &log.snapshot()).unwrap();
        let severe: Vec<_> =
            found.iter().map(|finding| (finding.code.as_str(), finding.severity, finding.certainty)).collect();
        assert_eq!(severe, [("database-log-deleted", Severity::Warning, Certainty::Possible)]);
    }

    #[test]
    fn the_json_era_does_not_care_and_an_unknown_release_is_only_likely() {
        let old = Lab::new(Some("2026.7.1")).file(DB, "");
        assert!(codes(&DatabaseFile, &old.snapshot()).is_empty());
        let unknown = Lab::new(None).file(DB, "");
        let found = detect(&DatabaseFile, &unknown.snapshot()).unwrap();
        assert_eq!(found.first().map(|finding| finding.certainty), Some(Certainty::Likely));
    }

    #[test]
    fn plans_say_what_is_lost_and_a_newer_release_gets_none() {
        let broken = Lab::new(Some("2026.9.6")).file(DB, &"no database ".repeat(500));
        let offered = plan(&DatabaseFile, &broken.snapshot(), "database-not-sqlite").unwrap();
        assert_eq!(offered.applicability, Applicability::Unsafe);
        assert!(matches!(offered.steps[0].action, Action::SetAsideDatabase { .. }), "{offered:?}");
        assert!(offered.first[0].contains("pairings"), "{offered:?}");
        let newer = Lab::new(Some("2026.12.1")).file(DB, &"no database ".repeat(500));
        assert!(plan(&DatabaseFile, &newer.snapshot(), "database-not-sqlite").is_none());
        let copied = Lab::new(Some("2026.9.6")).file(DB, "").file("state/openclaw.sqlite.bak", "x");
        let restore = plan(&DatabaseFile, &copied.snapshot(), "database-empty").unwrap();
        assert_eq!(restore.applicability, Applicability::Manual);
        assert!(restore.manual.iter().any(|word| word.contains("openclaw.sqlite.bak")), "{restore:?}");
    }
}
