//! # The state database has another form than the release expects
//!
//! ## What it finds
//! A schema that is newer than the release that would open it; tables or columns that this schema must have and that are
//! not there; views where OpenClaw has tables.
//!
//! ## Why it locks you out
//! A release refuses a newer schema at start (exit 78): `uses newer schema version N; this OpenClaw build supports M`.
//! Without one of the pairing tables 2026.9.6 refuses, too, and its own `doctor --fix` fails with the same advice.
//!
//! ## How to read the evidence
//! The version is `PRAGMA user_version`, or a later one that 2026.9 keeps in `config_machine_state` until it is
//! published. Schemas by release: 15 for 2026.8.1 to 9.1, 16 for 9.3, 17 for 9.4 and 9.5, 18 for 9.6.
//!
//! ## How to be sure by hand
//! On a copy: `sqlite3 copy.sqlite 'PRAGMA user_version; SELECT meta_key, schema_version, app_version FROM schema_meta;'`.
//!
//! ## What the fix does
//! For a newer schema nothing: start the newer release again; nothing is lost. A database without its pairing tables can
//! be set aside as the last resort; a backup is better.
//!
//! ## Since and until
//! From 2026.6.1. A schema that is newer than this doctor knows is never changed.

use super::store::{self, Standing};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown};
use crate::statedb::facts::NEWEST_KNOWN_SCHEMA;
use crate::statedb::tables::TableOddity;
use crate::statedb::{DatabaseContent, StateDatabase};

/// See the module's documentation.
pub struct Schema;

const CAUSE: Cause = Cause::StateDatabase;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("database-schema-newer", CAUSE, "The state database is newer than the release opens"),
    CodeSpec::info("database-schema-unknown", None, "The state database is newer than this doctor knows"),
    CodeSpec::error("database-tables-missing", CAUSE, "Tables of the state database are missing"),
    CodeSpec::warning("database-form-odd", Some(CAUSE), "The state database has parts of another form"),
];

impl Check for Schema {
    fn id(&self) -> &'static str {
        "state-database-schema"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/schema"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Database, Subject::Programs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(database) = store::database(context)? else { return Ok(Vec::new()) };
        let Some(version) = version(database) else {
            return match database.user_version.why_unknown() {
                Some(why) => Err(why.clone()),
                None => Ok(Vec::new()),
            };
        };
        if let Some(finding) = self.newer(context, database, version) {
            return Ok(vec![finding]);
        }
        let Fact::Known(content) = &database.content else { return Ok(Vec::new()) };
        let missing = self.missing(context, database, content);
        Ok(missing.into_iter().chain(self.odd(context, database, content)).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let database = context.installation.database.known()?;
        match finding.code.as_str() {
            "database-tables-missing" if finding.certainty == Certainty::Certain => {
                store::set_aside(context, finding, database)
            }
            "database-schema-newer" => Some(Plan::manual(
                finding,
                "start the release that wrote the state",
                vec![
                    "Install the newer release again (or point the service at it) and start it; nothing is lost.".to_owned(),
                    "To go back to the older release, restore a backup of the whole state directory from before the upgrade.".to_owned(),
                ],
            )),
            _ => None,
        }
    }
}

/// The real schema version of the database.
pub(crate) fn version(database: &StateDatabase) -> Option<u32> {
    let content = database.content.known().and_then(|content| content.schema_version.known());
    let all = [content, database.user_version.known(), database.main_user_version.known()];
    all.into_iter().flatten().copied().max()
}

/// The newest schema that the judged release opens: by its package where one was found, else by what is known of it.
fn supported(context: &Context<'_>) -> Option<u32> {
    let release = context.release()?;
    let packages = context.snapshot.programs.known().map(|programs| programs.packages.as_slice()).unwrap_or_default();
    packages
        .iter()
        .filter(|package| package.release.known() == Some(release))
        .find_map(|package| package.schema_version.known().copied())
        .or_else(|| store::newest_schema_of(release))
}

impl Schema {
    fn newer(&self, context: &Context<'_>, database: &StateDatabase, version: u32) -> Option<Finding> {
        let path = &database.path;
        let writer = database.content.known().and_then(|content| content.primary_meta()?.release.known());
        let wrote = writer.map(|release| format!(", last written by {release}")).unwrap_or_default();
        let evidence = Evidence::new(format!("schema version {version}{wrote}")).at(path);
        let supported = supported(context);
        if let Some(supported) = supported.filter(|supported| version > *supported) {
            let message = format!(
                "{path} has schema {version}, and {} opens {supported} at most: the gateway refuses to start (exit 78)",
                context.release_words()
            );
            let certainty = if version > NEWEST_KNOWN_SCHEMA { Certainty::Likely } else { Certainty::Certain };
            let finding = context.finding(self, "database-schema-newer", &path.to_string(), message);
            return Some(
                finding
                    .because(CAUSE, certainty)
                    .at(path)
                    .evidence(evidence)
                    .hint("Start the newer release that wrote the state; nothing is lost"),
            );
        }
        (version > NEWEST_KNOWN_SCHEMA).then(|| {
            let message = format!(
                "{path} has schema {version}; this doctor knows up to {NEWEST_KNOWN_SCHEMA} and judges by that, and offers no fix for it"
            );
            context.finding(self, "database-schema-unknown", &path.to_string(), message).at(path).evidence(evidence)
        })
    }

    fn missing(&self, context: &Context<'_>, database: &StateDatabase, content: &DatabaseContent) -> Option<Finding> {
        if content.missing_tables.is_empty() || store::standing(context) != Standing::Live {
            return None;
        }
        let pairing: Vec<&str> = content.missing_pairing_tables().collect();
        let shown = if pairing.is_empty() {
            content.missing_tables.iter().map(String::as_str).take(5).collect()
        } else {
            pairing.clone()
        };
        let message = format!(
            "{} lacks {}: the gateway refuses to start, \"schema is incomplete or noncanonical\"",
            database.path,
            shown.join(", ")
        );
        let mut finding = context
            .finding(self, "database-tables-missing", &database.path.to_string(), message)
            .because(CAUSE, if pairing.is_empty() { Certainty::Likely } else { Certainty::Certain })
            .at(&database.path);
        for table in content.missing_tables.iter().take(10) {
            finding = finding.evidence(Evidence::new(format!("missing table {table}")).at(&database.path));
        }
        Some(store::with_copies(context, finding).hint(
            "Restore a backup with the gateway stopped; do not follow \"run openclaw doctor --fix\": it fails with the same words",
        ))
    }

    fn odd(&self, context: &Context<'_>, database: &StateDatabase, content: &DatabaseContent) -> Option<Finding> {
        let first = content.oddities.first()?;
        let message = format!("{}: {}", database.path, oddity(first));
        let mut finding = context
            .finding(self, "database-form-odd", &database.path.to_string(), message)
            .because(CAUSE, Certainty::Possible)
            .at(&database.path);
        finding.severity = Severity::Warning;
        for odd in content.oddities.iter().take(10) {
            finding = finding.evidence(Evidence::new(oddity(odd)).at(&database.path));
        }
        Some(finding.hint("Somebody changed the database by hand; a backup from before that is the way back"))
    }
}

fn oddity(odd: &TableOddity) -> String {
    match odd {
        TableOddity::NotATable { table } => format!("{table} is a view or virtual table"),
        TableOddity::GeneratedColumn { table, column } => format!("{table}.{column} is worked out instead of stored"),
        TableOddity::MissingColumn { table, column } => format!("{table} has no column {column}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, plan};
    use crate::model::plan::Applicability;

    fn with_version(release: Option<&str>, version: u32) -> Lab {
        Lab::sqlite(release).sql(&format!("PRAGMA user_version = {version}"))
    }

    #[test]
    fn schemas_follow_the_releases() {
        let cases: &[(&str, u32, bool)] = &[
            ("2026.9.6", 18, false),
            ("2026.9.5", 17, false),
            ("2026.9.5", 18, true),
            ("2026.9.4", 17, false),
            ("2026.9.3", 16, false),
            ("2026.9.3", 17, true),
            ("2026.9.1", 15, false),
            ("2026.8.1", 16, true),
        ];
        for (release, schema, newer) in cases {
            let newest = store::newest_schema_of(&release.parse().unwrap()).unwrap();
            assert_eq!(*schema > newest, *newer, "{release} with {schema}");
        }
        assert_eq!(store::newest_schema_of(&"2026.10.1".parse().unwrap()), None);
        assert_eq!(store::newest_schema_of(&"2026.7.35".parse().unwrap()), Some(1));
    }

    #[test]
    fn a_newer_schema_is_refused_and_never_changed() {
        let newer = with_version(Some("2026.9.6"), 99).snapshot();
        let found = detect(&Schema, &newer).unwrap();
        assert_eq!((found[0].code.as_str(), found[0].certainty), ("database-schema-newer", Certainty::Likely));
        assert_eq!(plan(&Schema, &newer, "database-schema-newer").unwrap().applicability, Applicability::Manual);
        let downgraded = detect(&Schema, &Lab::sqlite(Some("2026.9.1")).snapshot()).unwrap();
        assert_eq!(downgraded[0].certainty, Certainty::Certain);
        assert_eq!(codes(&Schema, &with_version(Some("2026.12.1"), 21).snapshot()), ["database-schema-unknown"]);
    }

    #[test]
    fn a_missing_pairing_table_keeps_the_gateway_down() {
        let lab = Lab::sqlite(Some("2026.9.6")).sql("DROP TABLE device_pairing_paired");
        let snapshot = lab.snapshot();
        assert_eq!(codes(&Schema, &snapshot), ["database-tables-missing"]);
        assert!(plan(&Schema, &snapshot, "database-tables-missing").is_some());
        assert!(codes(&Schema, &Lab::sqlite(Some("2026.9.6")).snapshot()).is_empty());
    }
}
