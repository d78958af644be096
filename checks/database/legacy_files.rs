//! # Retired JSON files lie beside the SQLite state
//!
//! ## What it finds
//! A `devices/paired.json` of the time before 2026.8.1 beside a database that holds the devices: one that can't be parsed,
//! or that holds devices which the database does not know; and files that came back after they had been moved over.
//!
//! ## Why it locks you out
//! It is looked at at every start. From 2026.9.5 a malformed `paired.json` makes the gateway refuse to start (exit 78), and
//! OpenClaw's own lint does not name the file. A start by the unit was also seen to warn and serve: where the gateway that
//! runs came up with the file there, it is no more than a warning.
//!
//! ## How to read the evidence
//! The device ids of the file are compared with the rows of the database. A valid `paired.json` with other devices
//! locks nobody out, but the next start pairs them without a word: if you did not put it there, somebody else did.
//! `*.migrated` archives have no effect and are not reported, nor are `pending.json` and `bootstrap.json`, which are
//! never imported.
//!
//! ## How to be sure by hand
//! `ls -la ~/.openclaw/devices`; the gateway's console says `Failed to parse JSON file`.
//!
//! ## What the fix does
//! Sets the one file aside under a free name beside it. It says first which devices the database does not have; where it
//! has all of them, nothing is lost.
//!
//! ## Since and until
//! From 2026.8.1. Up to 2026.9.4 a failed import is one warning and the gateway runs.

use super::legacy_compare::{self as compare, AtStart, Compared, exists, set_aside, weigh};
use super::store;
use crate::checks::reading::listed;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Applicability, Plan};
use crate::model::{Cause, Certainty, Evidence, Finding, HostPath, Severity, Unknown};
use crate::snapshot::device::DeviceId;
use crate::snapshot::store::FileState;

/// See the module's documentation.
pub struct LegacyFiles;

const CAUSE: Cause = Cause::LegacyState;

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "legacy-paired-malformed",
        CAUSE,
        "A retired devices/paired.json can't be parsed and stops the start",
    ),
    CodeSpec::error("legacy-paired-unreadable", CAUSE, "A retired devices/paired.json can't be read by the gateway"),
    CodeSpec::warning(
        "legacy-paired-unknown-devices",
        None,
        "A retired devices/paired.json pairs more devices at the next start",
    ),
    CodeSpec::warning(
        "legacy-file-came-back",
        Some(Cause::VersionSkew),
        "A retired file was written again after the move to SQLite",
    ),
];

impl Check for LegacyFiles {
    fn id(&self) -> &'static str {
        "legacy-state"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/legacy_files"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database, Subject::Devices, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if !store::is_live(context)? {
            return Ok(Vec::new());
        }
        let found = [self.paired(context), self.came_back(context)];
        Ok(found.into_iter().flatten().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let devices = &context.installation.devices;
        match finding.code.as_str() {
            "legacy-paired-malformed" | "legacy-paired-unreadable" | "legacy-paired-unknown-devices" => {
                plan_paired(context, finding, devices.paired.path.as_ref()?)
            }
            _ => None,
        }
    }
}

fn short(ids: &[DeviceId]) -> String {
    let mut names: Vec<String> = ids.iter().take(8).map(|id| id.0.chars().take(12).collect()).collect();
    if ids.len() > names.len() {
        names.push(format!("{} more", ids.len() - names.len()));
    }
    listed(&names)
}

impl LegacyFiles {
    fn paired(&self, context: &Context<'_>) -> Option<Finding> {
        let file = &context.installation.devices.paired;
        let path = file.path.as_ref().filter(|_| exists(file))?;
        let at_start = AtStart::with(context, &file.meta);
        let effect = at_start.words("its devices are not imported");
        if compare::is_malformed(file) {
            let (what, at) = match &file.state {
                FileState::Faulty(fault) => (fault.message.clone(), fault.at),
                FileState::NotAFile(kind) => (format!("it is a {kind}"), None),
                _ => (String::new(), None),
            };
            // Only text that does not parse was seen to stop a start; other forms are as likely.
            let parses = matches!(&file.state, FileState::Faulty(fault) if fault.kind.is_valid_json());
            let sure = if parses { Certainty::Likely } else { Certainty::Certain };
            let message = format!("{path} is retired and can't be used: {effect}");
            let mut piece = Evidence::new(what).at(path);
            if let Some(at) = at {
                piece = piece.span(at);
            }
            let finding = context
                .finding(self, "legacy-paired-malformed", &path.to_string(), message)
                .at(path)
                .span(at)
                .evidence(piece);
            let finding = weigh(at_start, finding, sure).evidence(Evidence::new(compared_words(context)));
            return Some(finding.hint("Set the file aside: the devices live in the state database"));
        }
        if let FileState::Unreadable(why) = &file.state {
            let message = format!("{path} is retired and the gateway's account can't read it: {effect}");
            let finding = context.finding(self, "legacy-paired-unreadable", &path.to_string(), message).at(path);
            return Some(weigh(
                at_start,
                finding.evidence(Evidence::new(why.reason.clone()).at(path)),
                Certainty::Likely,
            ));
        }
        let Compared::Missing(ids) = compare::paired(context) else { return None };
        let message = format!(
            "{path} is retired and holds devices that the database does not know: the next start pairs them without a word"
        );
        let finding = context.finding(self, "legacy-paired-unknown-devices", &path.to_string(), message).at(path);
        Some(
            finding
                .evidence(Evidence::new(format!("not in the database: {}", short(&ids))).at(path))
                .hint("If you did not put this file there, set it aside before the next start"),
        )
    }

    /// A file of which the archive of its import lies beside it: something old wrote it again.
    fn came_back(&self, context: &Context<'_>) -> Option<Finding> {
        let devices = &context.installation.devices;
        let archives: Vec<&HostPath> =
            devices.others.iter().map(|(path, _)| path).chain(devices.copies.iter().map(|copy| &copy.path)).collect();
        let archived =
            |path: &HostPath| archives.iter().any(|archive| archive.to_string() == format!("{path}.migrated"));
        let there =
            [(&devices.paired.path, exists(&devices.paired)), (&devices.pending.path, exists(&devices.pending))];
        let path = there
            .into_iter()
            .filter(|(_, exists)| *exists)
            .find_map(|(path, _)| path.as_ref().filter(|path| archived(path)))?;
        let message = format!(
            "{path} was written again after its move to the database: an older OpenClaw, or a person, still writes it"
        );
        let finding = context.finding(self, "legacy-file-came-back", &path.to_string(), message).at(path);
        let mut finding = finding.because(Cause::VersionSkew, Certainty::Possible);
        finding.severity = Severity::Warning;
        Some(
            finding
                .evidence(
                    Evidence::new("the archive of its import").at(&HostPath::from_text(&format!("{path}.migrated"))),
                )
                .hint("Look for a second OpenClaw of a release before 2026.8.1 that uses this state directory"),
        )
    }
}

fn compared_words(context: &Context<'_>) -> String {
    match compare::paired(context) {
        Compared::AllThere => "every device that could be made out in it is in the database, too".to_owned(),
        Compared::Missing(ids) => format!("devices in it that the database does not have: {}", short(&ids)),
        Compared::Unclear => "it can't be compared with the database as a whole".to_owned(),
    }
}

fn plan_paired(context: &Context<'_>, finding: &Finding, path: &HostPath) -> Option<Plan> {
    let (applicability, first) = match compare::paired(context) {
        Compared::AllThere => (Applicability::Safe, None),
        Compared::Missing(ids) => (
            Applicability::Unsafe,
            Some(format!(
                "The database does not have these devices of the file; they would not be paired: {}.",
                short(&ids)
            )),
        ),
        Compared::Unclear => (
            Applicability::Unsafe,
            Some("The file can't be compared as a whole; devices that only it holds must pair again.".to_owned()),
        ),
    };
    let plan = set_aside(context, finding, path, applicability, "the devices live in the state database")?;
    Some(match first {
        Some(text) => plan.say_first(text),
        None => plan,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, gateway_since, plan};
    use crate::model::Fact;
    use crate::snapshot::process::ProcessFacts;

    const PAIRED: &str = "devices/paired.json";
    /// A device that the captured database does not know.
    const FOREIGN: &str = r#"{"aa": {"deviceId": "aa", "publicKey": "x", "role": "operator", "roles": ["operator"],
        "scopes": ["operator.admin"], "tokens": {}, "createdAtMs": 1, "approvedAtMs": 1}}"#;

    #[test]
    fn a_malformed_store_stops_the_start_only_from_9_5_on() {
        for (release, severity) in
            [("2026.9.6", Severity::Error), ("2026.9.5", Severity::Error), ("2026.9.1", Severity::Warning)]
        {
            let snapshot = Lab::sqlite(Some(release)).file(PAIRED, "{ \"a\": ").snapshot();
            let found = detect(&LegacyFiles, &snapshot).unwrap();
            let first = found.first().unwrap();
            assert_eq!((first.code.as_str(), first.severity), ("legacy-paired-malformed", severity), "{release}");
            assert_eq!(first.cause.is_some(), severity == Severity::Error);
        }
        // Where the gateway that runs came up with the file there, it is no lock-out; one from before says nothing.
        let mut live = Lab::sqlite(Some("2026.9.6")).file(PAIRED, "{ \"a\": ").snapshot();
        let touched = jiff::Timestamp::now();
        let own = live.selected().unwrap().state_dir.clone();
        let other = HostPath::from("/home/claw/.openclaw-work");
        for (minutes, state, severity) in
            [(1, &own, Severity::Warning), (-1, &own, Severity::Error), (1, &other, Severity::Error)]
        {
            let process = gateway_since(touched + jiff::SignedDuration::from_mins(minutes), state);
            live.processes = Fact::Known(ProcessFacts { processes: vec![process], ..ProcessFacts::default() });
            let found = detect(&LegacyFiles, &live).unwrap();
            assert_eq!((found[0].severity, found[0].cause), (severity, Some(Cause::LegacyState)), "{minutes}");
            assert_eq!(found[0].message.contains("process 4711"), severity == Severity::Warning);
        }
        let json_era = Lab::new(Some("2026.7.1")).file(PAIRED, "{ \"a\": ").snapshot();
        assert!(codes(&LegacyFiles, &json_era).is_empty());
    }

    #[test]
    fn a_valid_store_with_other_devices_is_a_warning_that_locks_nobody_out() {
        let snapshot = Lab::sqlite(Some("2026.9.6")).file(PAIRED, FOREIGN).snapshot();
        let found = detect(&LegacyFiles, &snapshot).unwrap();
        assert_eq!((found[0].code.as_str(), found[0].cause), ("legacy-paired-unknown-devices", None));
        assert!(found[0].evidence[0].text.contains("aa"), "{found:?}");
        let offered = plan(&LegacyFiles, &snapshot, "legacy-paired-unknown-devices").unwrap();
        assert_eq!(offered.applicability, Applicability::Unsafe);
        assert!(offered.first[0].contains("aa"), "{offered:?}");
        let empty = Lab::sqlite(Some("2026.9.6")).file(PAIRED, "{}").file("devices/pending.json", "{}");
        assert!(codes(&LegacyFiles, &empty.snapshot()).is_empty());
    }

    #[test]
    fn a_file_that_came_back_is_told_from_an_archive() {
        let back = Lab::sqlite(Some("2026.9.6")).file(PAIRED, "{}").file("devices/paired.json.migrated", "{}");
        assert_eq!(codes(&LegacyFiles, &back.snapshot()), ["legacy-file-came-back"]);
        let archive = Lab::sqlite(Some("2026.9.6")).file("devices/paired.json.migrated", FOREIGN);
        assert!(codes(&LegacyFiles, &archive.snapshot()).is_empty());
        let upgrade = Lab::new(Some("2026.9.6")).file(PAIRED, FOREIGN);
        assert!(codes(&LegacyFiles, &upgrade.snapshot()).is_empty(), "files before their first import");
    }
}
