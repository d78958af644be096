//! # Retired JSON files of other subsystems lie beside the SQLite state
//!
//! ## What it finds
//! An `exec-approvals.json` or `agents/*/sessions/sessions.json` of the time before 2026.8.1 beside a database that is in
//! use, and whether the gateway says that it waits for their move.
//!
//! ## Why it locks you out
//! From 2026.8.1 such files are only input of a migration. While one is there the gateway or the CLI can refuse to work:
//! `Legacy … requires migration`, and a start that is refused ends with exit code 78.
//!
//! ## How to read the evidence
//! The file alone is one sign. A line of the log that asks for its migration makes it likely. A file that is newer than
//! the database was written by something old that still uses this state directory.
//!
//! ## How to be sure by hand
//! `ls -la ~/.openclaw/exec-approvals.json ~/.openclaw/agents/*/sessions/sessions.json`, and look for `requires migration`
//! in the log and on the gateway's console.
//!
//! ## What the fix does
//! Nothing: what is in these files is for OpenClaw's own migration to move. Stop the gateway, let `openclaw doctor --fix`
//! move it, start it again.
//!
//! ## Since and until
//! From 2026.8.1.

use super::store;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::{EventKind, LogEvent};
use crate::model::file::Meta;
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, HostPath, Severity, Unknown};
use crate::snapshot::tree::EntryRole;

/// See the module's documentation.
pub struct RetiredFiles;

static CODES: &[CodeSpec] = &[CodeSpec::error(
    "retired-file-left",
    Cause::LegacyState,
    "A retired JSON file waits for its migration and stops the runtime",
)];

/// A log line that lies further back is history.
const RECENT_MS: i64 = 24 * 3_600 * 1_000;

impl Check for RetiredFiles {
    fn id(&self) -> &'static str {
        "retired-files"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/retired_files"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database, Subject::Devices, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if !store::is_live(context)? {
            return Ok(Vec::new());
        }
        let others = &context.installation.devices.others;
        Ok(others
            .iter()
            .filter(|(path, _)| is_retired(path))
            .map(|(path, meta)| self.left(context, path, meta))
            .collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = vec![
            "Stop the gateway, and keep a copy of the file.".to_owned(),
            format!("Let OpenClaw move it: {}", context.openclaw("doctor --fix")),
            "Start the gateway again.".to_owned(),
        ];
        Some(Plan::manual(finding, "let OpenClaw's own migration move it", by_hand))
    }
}

fn is_retired(path: &HostPath) -> bool {
    matches!(path.file_name().as_str(), "exec-approvals.json" | "sessions.json")
}

/// The newest line that asks for the migration of this file.
fn asked_for<'s>(context: &Context<'s>, path: &HostPath) -> Option<&'s LogEvent> {
    let summary = context.snapshot.logs.known()?;
    let recent = |event: &&LogEvent| {
        event.time.is_none_or(|time| context.snapshot.as_of_ms() - time.as_millisecond() < RECENT_MS)
    };
    let name = path.file_name();
    summary.events.iter().rev().filter(recent).find(|event| {
        matches!(event.kind, EventKind::LegacyState | EventKind::RefusedMigration) && event.text.contains(&name)
    })
}

impl RetiredFiles {
    fn left(&self, context: &Context<'_>, path: &HostPath, meta: &Meta) -> Finding {
        let event = asked_for(context, path);
        let effect =
            if event.is_some() { "the gateway waits for its migration" } else { "a start may wait for its migration" };
        let message = format!("{path} is of the time before 2026.8.1 and was not moved to the database: {effect}");
        let mut finding = context
            .finding(self, "retired-file-left", &path.to_string(), message)
            .at(path)
            .evidence(Evidence::new("a retired file beside the database").at(path));
        (finding.severity, finding.certainty) = match event {
            Some(_) => (Severity::Error, Certainty::Likely),
            None => (Severity::Warning, Certainty::Possible),
        };
        let database = context.installation.tree.with_role(EntryRole::Database);
        if let Some(database) = database.filter(|database| meta.mtime_ns > database.meta.mtime_ns) {
            finding = finding.evidence(
                Evidence::new("it is newer than the database: something old still writes it").at(&database.path),
            );
        }
        if let (Some(event), Some(summary)) = (event, context.snapshot.logs.known()) {
            finding = finding.evidence(crate::checks::logs::evidence::of_event(summary, event, event.kind.words()));
        }
        finding
            .hint(format!("Stop the gateway, keep a copy of the file, then run: {}", context.openclaw("doctor --fix")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect};

    const FILE: &str = "exec-approvals.json";

    #[test]
    fn a_retired_file_is_one_sign_and_the_log_another() {
        let left = || Lab::sqlite(Some("2026.9.6")).file(FILE, "{}");
        let alone = detect(&RetiredFiles, &left().snapshot()).unwrap();
        assert_eq!((alone[0].severity, alone[0].certainty), (Severity::Warning, Certainty::Possible));
        let line =
            "Legacy exec approvals require migration: /home/claw/.openclaw/exec-approvals.json. Stop the Gateway";
        let asked = detect(&RetiredFiles, &left().log(&[line]).snapshot()).unwrap();
        assert_eq!((asked[0].severity, asked[0].certainty), (Severity::Error, Certainty::Likely));
    }

    #[test]
    fn in_the_json_era_they_are_in_use() {
        let era = Lab::new(Some("2026.7.1")).file(FILE, "{}").file("agents/main/sessions/sessions.json", "{}");
        assert!(codes(&RetiredFiles, &era.snapshot()).is_empty());
        let later = Lab::sqlite(Some("2026.8.1")).file("agents/main/sessions/sessions.json", "{}");
        assert_eq!(codes(&RetiredFiles, &later.snapshot()), ["retired-file-left"]);
    }
}
