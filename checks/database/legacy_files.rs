//! # Retired JSON files lie beside the SQLite state
//!
//! ## What it finds
//! Files of the time before 2026.8.1 that act on an installation whose devices live in SQLite: a `devices/paired.json`
//! that can't be parsed or holds devices which the database does not know, an `identity/device.json` with another key or
//! not yet imported, an `identity/device-auth.json`, and files that came back after they had been moved over.
//!
//! ## Why it locks you out
//! They are looked at at every start. From 2026.9.5 a malformed `paired.json`, or an identity that differs from the one in
//! the database, makes the gateway refuse to start (exit 78), and OpenClaw's own lint does not name the file. While
//! `device-auth.json` is there, every use of a cached device token fails.
//!
//! ## How to read the evidence
//! Device ids and keys of the files are compared with the rows of the database. A valid `paired.json` with other devices
//! locks nobody out, but the next start pairs them without a word: if you did not put it there, somebody else did.
//! `*.migrated` archives have no effect and are not reported, nor are `pending.json` and `bootstrap.json`, which are
//! never imported.
//!
//! ## How to be sure by hand
//! `ls -la ~/.openclaw/devices ~/.openclaw/identity`; the gateway's console says `Failed to parse JSON file` or
//! `canonical SQLite device identity differs from the legacy identity`.
//!
//! ## What the fix does
//! Sets the one file aside under a free name beside it. It says first which devices or tokens the database does not have;
//! where it has all of them, nothing is lost.
//!
//! ## Since and until
//! From 2026.8.1. Up to 2026.9.4 a failed import is one warning and the gateway runs.

use super::legacy_compare::{self as compare, Compared, Identity};
use super::store::{self, Standing};
use crate::checks::reading::listed;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Certainty, Era, Evidence, Finding, HostPath, Severity, Unknown, UnknownKind};
use crate::snapshot::device::DeviceId;
use crate::snapshot::store::{FileState, StoreFile};

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
    CodeSpec::error(
        "legacy-identity-differs",
        CAUSE,
        "A retired identity/device.json holds another key than the database",
    ),
    CodeSpec::error("legacy-identity-waits", CAUSE, "A retired identity/device.json was not imported"),
    CodeSpec::error("legacy-device-auth", CAUSE, "A retired identity/device-auth.json stops the use of cached tokens"),
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
        &[Subject::Database, Subject::Devices]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        match store::standing(context) {
            Standing::Unused => return Ok(Vec::new()),
            Standing::Unclear => {
                return Err(Unknown::new(
                    UnknownKind::Failed,
                    "neither release nor database tell which store is in use",
                ));
            }
            Standing::Live => {}
        }
        let found = [self.paired(context), self.identity(context), self.device_auth(context), self.came_back(context)];
        Ok(found.into_iter().flatten().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let devices = &context.installation.devices;
        match finding.code.as_str() {
            "legacy-paired-malformed" | "legacy-paired-unreadable" | "legacy-paired-unknown-devices" => {
                plan_paired(context, finding, devices.paired.path.as_ref()?)
            }
            "legacy-identity-differs" => {
                let reason = "the identity in the database is the one in use";
                set_aside(context, finding, devices.identity.path.as_ref()?, Applicability::Safe, reason)
            }
            "legacy-identity-waits" => Some(Plan::manual(
                finding,
                "let OpenClaw import the identity",
                vec![format!("Stop the gateway, run {}, start it again.", context.openclaw("doctor --fix"))],
            )),
            "legacy-device-auth" => plan_tokens(context, finding, devices.cached.path.as_ref()?),
            _ => None,
        }
    }
}

/// Whether a start refuses where an import fails (from 2026.9.5); before, it is one warning.
fn start_refuses(context: &Context<'_>) -> Option<bool> {
    context.release().map(|release| release.era() == Era::SqlitePipeline)
}

/// Severity, certainty and cause of a fault that refuses the start from 2026.9.5 on.
fn weigh(context: &Context<'_>, finding: Finding, sure: Certainty) -> Finding {
    let mut finding = finding.because(CAUSE, sure);
    match start_refuses(context) {
        Some(true) => {}
        Some(false) => {
            (finding.severity, finding.cause, finding.certainty) = (Severity::Warning, None, Certainty::Possible);
        }
        None => finding.certainty = sure.min(Certainty::Likely),
    }
    finding
}

fn short(ids: &[DeviceId]) -> String {
    let mut names: Vec<String> = ids.iter().take(8).map(|id| id.0.chars().take(12).collect()).collect();
    if ids.len() > names.len() {
        names.push(format!("{} more", ids.len() - names.len()));
    }
    listed(&names)
}

fn exists<T>(file: &StoreFile<T>) -> bool {
    file.state != FileState::Missing
}

impl LegacyFiles {
    fn paired(&self, context: &Context<'_>) -> Option<Finding> {
        let file = &context.installation.devices.paired;
        let path = file.path.as_ref().filter(|_| exists(file))?;
        let effect = match start_refuses(context) {
            Some(false) => "its devices are not imported",
            _ => "the gateway refuses to start (exit 78)",
        };
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
            let finding = weigh(context, finding, sure).evidence(Evidence::new(compared_words(context)));
            return Some(finding.hint("Set the file aside: the devices live in the state database"));
        }
        if let FileState::Unreadable(why) = &file.state {
            let message = format!("{path} is retired and the gateway's account can't read it: {effect}");
            let finding = context.finding(self, "legacy-paired-unreadable", &path.to_string(), message).at(path);
            return Some(weigh(
                context,
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

    fn identity(&self, context: &Context<'_>) -> Option<Finding> {
        let file = &context.installation.devices.identity;
        let relation = compare::identity(context)?;
        let path = file.path.as_ref()?;
        // Without a live database the import has not had its turn yet.
        compare::live_content(context)?;
        let subject = path.to_string();
        match relation {
            Identity::Same => None,
            Identity::NotImported => {
                let message = format!(
                    "{path} is retired and was not imported: the database has no identity, and every use of the identity fails with \"Legacy device identity exists\""
                );
                let finding = context.finding(self, "legacy-identity-waits", &subject, message).at(path);
                Some(
                    finding
                        .because(CAUSE, Certainty::Likely)
                        .evidence(
                            Evidence::new("the table device_identities has no row `primary`")
                                .at(&context.installation.path("state/openclaw.sqlite")),
                        )
                        .hint(format!("Stop the gateway, run {}, start it again", context.openclaw("doctor --fix"))),
                )
            }
            Identity::Other | Identity::Unclear => {
                let differs = relation == Identity::Other;
                if !differs && !compare::is_malformed(file) {
                    return None;
                }
                let what = if differs { "holds another key than the database" } else { "can't be parsed" };
                let effect = match start_refuses(context) {
                    Some(false) => "it blocks the import",
                    _ => "the gateway refuses to start (exit 78)",
                };
                let message = format!("{path} is retired and {what}: {effect}");
                let finding = context.finding(self, "legacy-identity-differs", &subject, message).at(path);
                let finding = finding.evidence(Evidence::new(what).at(path)).evidence(
                    Evidence::new("the identity in use is the row `primary` of device_identities")
                        .at(&context.installation.path("state/openclaw.sqlite")),
                );
                let sure = if differs { Certainty::Certain } else { Certainty::Likely };
                Some(
                    weigh(context, finding, sure)
                        .hint("Set the file aside: the identity in the database is the one in use"),
                )
            }
        }
    }

    fn device_auth(&self, context: &Context<'_>) -> Option<Finding> {
        let file = &context.installation.devices.cached;
        let path = file.path.as_ref().filter(|_| exists(file))?;
        compare::live_content(context)?;
        let message = format!("{path} is retired, and while it is there every use of a cached device token fails");
        let finding = context.finding(self, "legacy-device-auth", &path.to_string(), message).at(path);
        let there = match compare::tokens_are_there(context) {
            Some(true) => "the database holds all tokens of the file",
            Some(false) => "the file holds tokens that the database does not have",
            None => "whether the database holds its tokens can't be told",
        };
        Some(
            finding
                .because(CAUSE, Certainty::Likely)
                .evidence(
                    Evidence::new(
                        "\"Legacy device auth requires migration\" is what clients of this state directory say",
                    )
                    .at(path),
                )
                .evidence(Evidence::new(there))
                .hint("Restart the gateway, which imports and removes the file; or set it aside"),
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

fn set_aside(
    context: &Context<'_>,
    finding: &Finding,
    path: &HostPath,
    applicability: Applicability,
    reason: &str,
) -> Option<Plan> {
    if context.release().is_some_and(crate::model::Release::is_newer_than_known) {
        return None;
    }
    let action = Action::SetAside { path: path.clone(), to: store::free_name(context, path)? };
    Some(Plan::of(finding, applicability, format!("set {path} aside"), vec![Step::new(action, reason)]))
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

fn plan_tokens(context: &Context<'_>, finding: &Finding, path: &HostPath) -> Option<Plan> {
    let reason = "its presence makes every use of a cached token fail";
    if compare::tokens_are_there(context) == Some(true) {
        return set_aside(context, finding, path, Applicability::Safe, reason);
    }
    let plan = set_aside(context, finding, path, Applicability::Unsafe, reason)?;
    Some(plan.say_first("The file may hold device tokens that the database does not have. A restart of the gateway imports them instead."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, plan};

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
    fn an_identity_is_compared_by_its_key() {
        let file = "identity/device.json";
        let lab = Lab::sqlite(Some("2026.9.6"));
        let db = rusqlite::Connection::open(lab.path("state/openclaw.sqlite")).unwrap();
        let (id, public): (String, String) = db
            .query_row("SELECT device_id, public_key_pem FROM device_identities", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        drop(db);
        let identity = |pem: &str| {
            serde_json::json!({ "version": 1, "deviceId": id, "publicKeyPem": pem, "privateKeyPem": "x", "createdAtMs": 1 })
                .to_string()
        };
        let lab = lab.file(file, &identity(&public));
        assert!(codes(&LegacyFiles, &lab.snapshot()).is_empty(), "the same key is ignored");
        let other = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
        let lab = lab.file(file, &identity(other));
        let snapshot = lab.snapshot();
        assert_eq!(codes(&LegacyFiles, &snapshot), ["legacy-identity-differs"]);
        assert_eq!(
            plan(&LegacyFiles, &snapshot, "legacy-identity-differs").unwrap().applicability,
            Applicability::Safe
        );
        let lab = lab.sql("DELETE FROM device_identities");
        assert_eq!(codes(&LegacyFiles, &lab.snapshot()), ["legacy-identity-waits"]);
    }

    #[test]
    fn cached_tokens_and_files_that_came_back() {
        let auth = r#"{"version":1,"deviceId":"aa","tokens":{"operator":{"token":"t","role":"operator","scopes":[],"updatedAtMs":1}}}"#;
        let snapshot = Lab::sqlite(Some("2026.9.6")).file("identity/device-auth.json", auth).snapshot();
        assert_eq!(codes(&LegacyFiles, &snapshot), ["legacy-device-auth"]);
        assert_eq!(plan(&LegacyFiles, &snapshot, "legacy-device-auth").unwrap().applicability, Applicability::Unsafe);
        let back = Lab::sqlite(Some("2026.9.6")).file(PAIRED, "{}").file("devices/paired.json.migrated", "{}");
        assert_eq!(codes(&LegacyFiles, &back.snapshot()), ["legacy-file-came-back"]);
        let archive = Lab::sqlite(Some("2026.9.6")).file("devices/paired.json.migrated", FOREIGN);
        assert!(codes(&LegacyFiles, &archive.snapshot()).is_empty());
        let upgrade = Lab::new(Some("2026.9.6")).file(PAIRED, FOREIGN).file("identity/device-auth.json", auth);
        assert!(codes(&LegacyFiles, &upgrade.snapshot()).is_empty(), "files before their first import");
    }
}
