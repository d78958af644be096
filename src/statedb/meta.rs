//! Rows that say who made the database, who uses it, and how it fared: versions, lease, starts, imports.

use super::facts::{BOOTS_KEPT, Boot, BootSummary, GatewayLease, MigrationSource, SchemaMeta};
use super::tables::{Cell, Pick, Row, Tables};
use crate::model::{Fact, HostPath, Release, Unknown, UnknownKind};
use crate::snapshot::json_text::parse;
use crate::snapshot::record::{Record, cut};
use serde_json::Value;

/// Key of the schema version that an update has applied but not yet published (2026.9.x).
const CONTENT_VERSION_KEY: &str = "state.schema.contentVersion";

/// Reads `schema_meta`.
pub fn schema_meta(tables: &mut Tables<'_>) -> Fact<Vec<SchemaMeta>> {
    let wanted = ["meta_key", "role", "schema_version", "app_version", "created_at", "updated_at"];
    tables.rows("schema_meta", &wanted).map(|rows| {
        rows.iter()
            .map(|row| {
                let app = row.text("app_version");
                SchemaMeta {
                    key: row.text("meta_key").map(|key| cut(key).0).unwrap_or_default(),
                    role: text(row, "role"),
                    schema_version: integer(row, "schema_version"),
                    release: release(row),
                    stamp_lines: app.map_or(0, |app| app.lines().count()),
                    created_at_ms: integer(row, "created_at"),
                    updated_at_ms: integer(row, "updated_at"),
                }
            })
            .collect()
    })
}

/// The real schema version: the larger of `user_version` and a deferred publication. A publication that is no whole number
/// makes OpenClaw throw, and is unknown here.
pub fn content_version(tables: &mut Tables<'_>, user_version: u32) -> Fact<u32> {
    let wanted = ["state_key", "value_json"];
    let rows = match tables.some_rows("config_machine_state", &wanted, &Pick::Equal("state_key", CONTENT_VERSION_KEY)) {
        Fact::Known(rows) => rows,
        Fact::Absent => return Fact::Known(user_version),
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let Some(row) = rows.first() else { return Fact::Known(user_version) };
    let published = row.text("value_json").and_then(|text| parse(text).ok()).and_then(|value| value.as_u64());
    match published.and_then(|version| u32::try_from(version).ok()) {
        Some(version) => Fact::Known(version.max(user_version)),
        None => Fact::unknown(UnknownKind::Malformed, format!("`{CONTENT_VERSION_KEY}` is no whole number")),
    }
}

/// Reads the lease of the gateway; `Absent` where none is recorded.
pub fn gateway_lease(tables: &mut Tables<'_>) -> Fact<GatewayLease> {
    let wanted = ["scope", "payload_json", "expires_at", "heartbeat_at"];
    let rows = match tables.some_rows("state_leases", &wanted, &Pick::Equal("scope", "gateway-owner")) {
        Fact::Known(rows) => rows,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let newest = rows.iter().max_by_key(|row| row.integer("heartbeat_at"));
    let Some(row) = newest else { return Fact::Absent };
    let payload = match row.text("payload_json").map(parse) {
        Some(Ok(Value::Object(payload))) => payload,
        None => Default::default(),
        Some(_) => {
            return Fact::unknown(UnknownKind::Malformed, "the payload of the gateway's lease is no JSON object");
        }
    };
    let mut payload = Record::from_json(payload);
    let mut owner = Record::from_json(payload.object("owner").known().cloned().unwrap_or_default());
    Fact::Known(GatewayLease {
        pid: owner.integer("pid"),
        host: owner.text("host"),
        started_at_ticks: owner.integer("startedAt"),
        port: payload.integer("port"),
        mode: payload.text("mode"),
        supervisor: payload.text("supervisor"),
        expires_at_ms: integer(row, "expires_at"),
        heartbeat_at_ms: integer(row, "heartbeat_at"),
    })
}

/// Sums up the starts of the gateway.
pub fn boots(tables: &mut Tables<'_>) -> Fact<BootSummary> {
    const TABLE: &str = "gateway_boot_lifecycle";
    let wanted = ["pid", "started_at_ms", "completed_at_ms", "outcome", "reason", "startup_reason"];
    let count = match tables.count(TABLE) {
        Fact::Known(count) => usize::try_from(count).unwrap_or(usize::MAX),
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let first = tables.some_rows(TABLE, &wanted, &Pick::First("started_at_ms", 1));
    let last = tables.some_rows(TABLE, &wanted, &Pick::Last("started_at_ms", BOOTS_KEPT));
    last.map(|rows| BootSummary {
        count,
        first_started_at_ms: first.known().and_then(|rows| rows.first()?.integer("started_at_ms")),
        last: rows.iter().map(boot).collect(),
    })
}

fn boot(row: &Row) -> Boot {
    let short = |column| row.text(column).map(|text| cut(text).0);
    Boot {
        pid: row.integer("pid"),
        started_at_ms: row.integer("started_at_ms").unwrap_or_default(),
        completed_at_ms: row.integer("completed_at_ms"),
        outcome: short("outcome"),
        reason: short("reason"),
        startup_reason: short("startup_reason"),
    }
}

/// Reads the list of imported legacy files.
pub fn migrations(tables: &mut Tables<'_>) -> Fact<Vec<MigrationSource>> {
    let wanted = [
        "migration_kind",
        "source_path",
        "target_table",
        "status",
        "removed_source",
        "source_record_count",
        "imported_at",
    ];
    tables.rows("migration_sources", &wanted).map(|rows| {
        let short = |row: &Row, column| row.text(column).map(|text| cut(text).0).unwrap_or_default();
        rows.iter()
            .map(|row| MigrationSource {
                kind: short(row, "migration_kind"),
                source: HostPath::from(row.text("source_path").unwrap_or_default()),
                table: short(row, "target_table"),
                status: short(row, "status"),
                removed_source: row.integer("removed_source").is_some_and(|removed| removed != 0),
                records: row.integer("source_record_count"),
                imported_at_ms: row.integer("imported_at"),
            })
            .collect()
    })
}

/// The release in the first line of `app_version`; builds append lines with a stamp.
fn release(row: &Row) -> Fact<Release> {
    match text(row, "app_version") {
        Fact::Known(text) => match text.lines().next().unwrap_or_default().parse() {
            Ok(release) => Fact::Known(release),
            Err(_) => Fact::unknown(UnknownKind::Malformed, "`app_version` names no release"),
        },
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(why),
    }
}

fn text(row: &Row, column: &str) -> Fact<String> {
    match row.cell(column) {
        Cell::NoColumn | Cell::Null => Fact::Absent,
        Cell::Text(text) | Cell::BadText(text) => Fact::Known(cut(text).0),
        _ => Fact::Unknown(wrong_type(column)),
    }
}

fn integer(row: &Row, column: &str) -> Fact<i64> {
    match row.cell(column) {
        Cell::NoColumn | Cell::Null => Fact::Absent,
        Cell::Integer(number) => Fact::Known(*number),
        _ => Fact::Unknown(wrong_type(column)),
    }
}

fn wrong_type(column: &str) -> Unknown {
    Unknown::new(UnknownKind::Malformed, format!("`{column}` has another type than OpenClaw writes"))
}
