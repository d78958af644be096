//! # An empty database took the place of the old one
//!
//! ## What it finds
//! A sound state database without any device that was made later than the rest of the installation: the gateway built it
//! because the old one was empty or gone.
//!
//! ## Why it locks you out
//! From 2026.8.1 a missing or zero-byte database is replaced at start without a word in the log. Every pairing, cached
//! device token and cron job is gone; paired devices get `device token mismatch`, and nothing says why.
//!
//! ## How to read the evidence
//! The row `primary` of `schema_meta` says when the database was made. The journal key
//! (`config-journal-fingerprint.key`) is made together with the first database, so an older key shows that there was
//! another one; so do log lines about pairings before that time, and copies of the device store that hold devices. A
//! configuration that is older than the database alone shows little: it may have been put there before the first start.
//!
//! ## How to be sure by hand
//! `ls -la --time-style=full-iso ~/.openclaw ~/.openclaw/state`, and look for backups of `state/` from before that time.
//!
//! ## What the fix does
//! Puts a copy back that lies beside the database, is sound and holds devices, with the gateway stopped, and sets the
//! empty one aside. A backup that lies elsewhere is for you to put back; the steps are listed. Without a backup connect
//! each device once with the shared token from this host, or approve it again.
//!
//! ## Since and until
//! From 2026.8.1. On a healthy 2026.9 host with a shared token no paired device at all is normal and is not reported.
//! Two weeks after the database was made this is history and no longer reported.

use super::restore;
use super::store::{self, Standing};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::EventKind;
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, HostPath, Severity, Unknown};
use crate::snapshot::tree::EntryRole;
use crate::statedb::{DatabaseContent, StateDatabase};

/// See the module's documentation.
pub struct Replaced;

static CODES: &[CodeSpec] = &[CodeSpec::error(
    "database-replaced",
    Cause::StateDatabase,
    "An empty state database took the place of an older one",
)];

/// The key and the first database are made by the same command; the configuration may come earlier.
const SAME_COMMAND_MS: i64 = 5 * 60 * 1000;
/// After this time a new database is taken for meant.
const HISTORY_MS: i64 = 14 * 24 * 3_600 * 1000;

impl Check for Replaced {
    fn id(&self) -> &'static str {
        "state-database-replaced"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/replaced"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database, Subject::Devices, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if store::standing(context) != Standing::Live {
            return Ok(Vec::new());
        }
        let Some(database) = store::database(context)? else { return Ok(Vec::new()) };
        let content = match &database.content {
            Fact::Known(content) => content,
            Fact::Unknown(why) => return Err(why.clone()),
            Fact::Absent => return Ok(Vec::new()),
        };
        let paired = match &content.paired {
            Fact::Known(paired) => paired.len(),
            Fact::Unknown(why) => return Err(why.clone()),
            Fact::Absent => return Ok(Vec::new()),
        };
        let Some(made_ms) = made_ms(content).filter(|_| paired == 0) else { return Ok(Vec::new()) };
        if context.snapshot.as_of_ms().saturating_sub(made_ms) > HISTORY_MS {
            return Ok(Vec::new());
        }
        Ok(self.finding(context, database, content, made_ms).into_iter().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let database = context.installation.database.known()?;
        if let Some(plan) = restore::plan(context, finding, database) {
            return Some(plan);
        }
        let mut words = store::restore_words(context, &database.path);
        if words.is_empty() {
            words = vec![
                "If you have a backup of state/ from before that time: stop the gateway before it is used again, move \
                 openclaw.sqlite, -wal and -shm aside together, and put the backup in their place."
                    .to_owned(),
                "Without a backup connect each device once with the shared token from this host, or approve it again."
                    .to_owned(),
            ];
        }
        Some(Plan::manual(finding, "put a backup of the state database back, if there is one", words))
    }
}

/// When the database was made, in ms since 1970.
fn made_ms(content: &DatabaseContent) -> Option<i64> {
    content.primary_meta()?.created_at_ms.known().copied()
}

fn at(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn to_ms(ns: i128) -> i64 {
    i64::try_from(ns / 1_000_000).unwrap_or(i64::MAX)
}

impl Replaced {
    fn finding(
        &self,
        context: &Context<'_>,
        database: &StateDatabase,
        content: &DatabaseContent,
        made_ms: i64,
    ) -> Option<Finding> {
        let mut proofs = older_key(context, made_ms);
        proofs.extend(older_log(context, made_ms));
        proofs.extend(known_devices(context));
        let config = older_config(context, content, made_ms);
        if proofs.is_empty() && config.is_none() {
            return None;
        }
        let message = format!(
            "{} was made anew at {} and holds no device: the one before it, with all its pairings, is gone",
            database.path,
            at(made_ms)
        );
        let (severity, certainty) = match proofs.len() {
            0 => (Severity::Warning, Certainty::Possible),
            _ => (Severity::Error, Certainty::Likely),
        };
        let mut finding = context
            .finding(self, "database-replaced", &database.path.to_string(), message)
            .because(Cause::StateDatabase, certainty)
            .at(&database.path)
            .evidence(
                Evidence::new(format!("schema_meta: made at {}; no row in device_pairing_paired", at(made_ms)))
                    .at(&database.path),
            );
        finding.severity = severity;
        finding.evidence.extend(proofs);
        finding.evidence.extend(config);
        if let Some(boots) = content.boots.known() {
            finding =
                finding.evidence(Evidence::new(format!("{} starts of the gateway are recorded in it", boots.count)));
        }
        Some(
            store::with_copies(context, finding)
                .hint("Stop the gateway and restore a backup of state/ before it is used again"),
        )
    }
}

/// The journal key is made together with the first database.
fn older_key(context: &Context<'_>, made_ms: i64) -> Vec<Evidence> {
    let keys = context.installation.tree.key.iter().filter(|entry| entry.role == EntryRole::JournalKey);
    keys.filter(|entry| made_ms.saturating_sub(to_ms(entry.meta.mtime_ns)) > SAME_COMMAND_MS)
        .map(|entry| {
            let when = at(to_ms(entry.meta.mtime_ns));
            Evidence::new(format!("made at {when}, together with a database that came before")).at(&entry.path)
        })
        .collect()
}

/// A gateway that ran with devices before the database was made.
fn older_log(context: &Context<'_>, made_ms: i64) -> Option<Evidence> {
    let summary = context.snapshot.logs.known()?;
    let paired = |kind| matches!(kind, EventKind::AutoApproved | EventKind::Approved | EventKind::TokenRotated);
    let event = summary.events.iter().find(|event| {
        let before = event.time.is_some_and(|time| time.as_millisecond() < made_ms);
        before && paired(event.kind) && summary.source(event).is_some_and(|source| source.trusted)
    })?;
    let mut evidence = Evidence::new(format!("the log before that time: {}", event.kind.words()));
    if let Some(source) = summary.source(event) {
        evidence = evidence.at(&HostPath::from(source.name.as_str()));
        evidence.line = u32::try_from(event.line).ok();
    }
    evidence.time = event.time;
    Some(evidence)
}

/// Copies and archives of the JSON store that hold devices.
fn known_devices(context: &Context<'_>) -> Option<Evidence> {
    let copies = &context.installation.devices.copies;
    let (copy, count) = copies
        .iter()
        .filter_map(|copy| Some((copy, copy.devices.known()?.len())))
        .filter(|(_, count)| *count > 0)
        .max_by_key(|(_, count)| *count)?;
    Some(Evidence::new(format!("holds {count} devices, of which the database knows none")).at(&copy.path))
}

/// A configuration that was there long before the database of a gateway that was started only now.
fn older_config(context: &Context<'_>, content: &DatabaseContent, made_ms: i64) -> Option<Evidence> {
    let config = &context.installation.config;
    let meta = config.meta.known()?;
    let oldest = config.siblings.iter().map(|sibling| sibling.meta.mtime_ns).chain([meta.mtime_ns]).min()?;
    let started_once = content.boots.known().is_some_and(|boots| boots.count <= 1);
    let older = made_ms.saturating_sub(to_ms(oldest)) > SAME_COMMAND_MS;
    (started_once && older)
        .then(|| Evidence::new(format!("was there since {}, before the database", at(to_ms(oldest)))).at(&config.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect};

    /// The captured database without devices and with one start, made `age_ms` before now.
    fn emptied(age_ms: i64) -> Lab {
        let made = jiff::Timestamp::now().as_millisecond() - age_ms;
        Lab::sqlite(Some("2026.9.6")).sql(&format!(
            "DELETE FROM device_pairing_paired; DELETE FROM gateway_boot_lifecycle;
             UPDATE schema_meta SET created_at = {made};"
        ))
    }

    fn set_mtime(lab: &Lab, file: &str, seconds_ago: u64) {
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(seconds_ago);
        std::fs::File::options().append(true).open(lab.path(file)).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_store_with_devices_or_a_fresh_installation_is_left_in_peace() {
        assert!(codes(&Replaced, &Lab::sqlite(Some("2026.9.6")).snapshot()).is_empty());
        assert!(codes(&Replaced, &emptied(60_000).snapshot()).is_empty());
    }

    #[test]
    fn an_older_configuration_alone_is_one_sign_and_an_older_key_makes_it_likely() {
        let lab = emptied(60_000);
        set_mtime(&lab, "openclaw.json", 7200);
        let found = detect(&Replaced, &lab.snapshot()).unwrap();
        assert_eq!(found[0].certainty, Certainty::Possible);
        let lab = lab.file("config-journal-fingerprint.key", "k");
        set_mtime(&lab, "config-journal-fingerprint.key", 7200);
        let found = detect(&Replaced, &lab.snapshot()).unwrap();
        assert_eq!((found[0].certainty, found[0].severity), (Certainty::Likely, Severity::Error));
    }

    #[test]
    fn after_two_weeks_it_is_history() {
        let lab = emptied(HISTORY_MS + 60_000);
        set_mtime(&lab, "openclaw.json", 40 * 24 * 3600);
        assert!(codes(&Replaced, &lab.snapshot()).is_empty());
    }
}
