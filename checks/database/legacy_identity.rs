//! # A retired identity lies beside the SQLite state
//!
//! ## What it finds
//! An `identity/device.json` of the time before 2026.8.1 with another key than the database, or that was not imported; and
//! an `identity/device-auth.json`, the cache of device tokens of that time.
//!
//! ## Why it locks you out
//! From 2026.9.5 an identity that differs from the one in the database makes the gateway refuse to start (exit 78). One that
//! was not imported fails every use of the identity, and while `device-auth.json` is there every use of a cached device
//! token fails. OpenClaw's own lint names none of them.
//!
//! ## How to read the evidence
//! Keys are compared, not texts. A file with the same key as the database is ignored by OpenClaw and not reported; nor are
//! files before their first import, where there is no live database yet.
//!
//! ## How to be sure by hand
//! `ls -la ~/.openclaw/identity`; the gateway's console says `canonical SQLite device identity differs from the legacy
//! identity`, clients say `Legacy device auth requires migration`.
//!
//! ## What the fix does
//! Sets the one file aside under a free name beside it. It says first where the database does not have its tokens. An
//! identity that was not imported is left to OpenClaw's own import.
//!
//! ## Since and until
//! From 2026.8.1. Up to 2026.9.4 a failed import is one warning and the gateway runs.

use super::legacy_compare::{self as compare, AtStart, Identity, exists, set_aside, weigh};
use super::store::{self, Standing};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Applicability, Plan};
use crate::model::{Cause, Certainty, Evidence, Finding, HostPath, Unknown};

/// See the module's documentation.
pub struct LegacyIdentity;

const CAUSE: Cause = Cause::LegacyState;

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "legacy-identity-differs",
        CAUSE,
        "A retired identity/device.json holds another key than the database",
    ),
    CodeSpec::error("legacy-identity-waits", CAUSE, "A retired identity/device.json was not imported"),
    CodeSpec::error("legacy-device-auth", CAUSE, "A retired identity/device-auth.json stops the use of cached tokens"),
];

impl Check for LegacyIdentity {
    fn id(&self) -> &'static str {
        "legacy-identity"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/legacy_identity"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database, Subject::Devices, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if store::standing(context) != Standing::Live {
            return Ok(Vec::new());
        }
        Ok([self.identity(context), self.device_auth(context)].into_iter().flatten().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let devices = &context.installation.devices;
        match finding.code.as_str() {
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

impl LegacyIdentity {
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
                let at_start = AtStart::with(context, &file.meta);
                let effect = at_start.words("it blocks the import");
                let message = format!("{path} is retired and {what}: {effect}");
                let finding = context.finding(self, "legacy-identity-differs", &subject, message).at(path);
                let finding = finding.evidence(Evidence::new(what).at(path)).evidence(
                    Evidence::new("the identity in use is the row `primary` of device_identities")
                        .at(&context.installation.path("state/openclaw.sqlite")),
                );
                let sure = if differs { Certainty::Certain } else { Certainty::Likely };
                Some(
                    weigh(at_start, finding, sure)
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
    use crate::checks::testing::{Lab, codes, plan};

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
        assert!(codes(&LegacyIdentity, &lab.snapshot()).is_empty(), "the same key is ignored");
        let other = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
        let lab = lab.file(file, &identity(other));
        let snapshot = lab.snapshot();
        assert_eq!(codes(&LegacyIdentity, &snapshot), ["legacy-identity-differs"]);
        assert_eq!(
            plan(&LegacyIdentity, &snapshot, "legacy-identity-differs").unwrap().applicability,
            Applicability::Safe
        );
        let lab = lab.sql("DELETE FROM device_identities");
        assert_eq!(codes(&LegacyIdentity, &lab.snapshot()), ["legacy-identity-waits"]);
    }

    #[test]
    fn the_presence_of_the_cache_is_a_fault_only_beside_a_live_database() {
        let auth = r#"{"version":1,"deviceId":"aa","tokens":{"operator":{"token":"t","role":"operator","scopes":[],"updatedAtMs":1}}}"#;
        let snapshot = Lab::sqlite(Some("2026.9.6")).file("identity/device-auth.json", auth).snapshot();
        assert_eq!(codes(&LegacyIdentity, &snapshot), ["legacy-device-auth"]);
        assert_eq!(
            plan(&LegacyIdentity, &snapshot, "legacy-device-auth").unwrap().applicability,
            Applicability::Unsafe
        );
        let upgrade = Lab::new(Some("2026.9.6")).file("identity/device-auth.json", auth);
        assert!(codes(&LegacyIdentity, &upgrade.snapshot()).is_empty());
    }
}
