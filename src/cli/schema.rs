//! The JSON Schemas of the documents that other programs read. The files in `schemas/` are the text.

use serde_json::{Map, Value};

/// Name of the document and its schema (JSON Schema 2020-12).
pub const SCHEMAS: &[(&str, &str)] = &[
    ("check", include_str!("../../schemas/check.json")),
    ("fix", include_str!("../../schemas/fix.json")),
    ("triage", include_str!("../../schemas/triage.json")),
    ("report", include_str!("../../schemas/report.json")),
    ("snapshot", include_str!("../../schemas/snapshot.json")),
    ("error", include_str!("../../schemas/error.json")),
    ("own-checks", include_str!("../../schemas/own-checks.json")),
    ("own-signatures", include_str!("../../schemas/own-signatures.json")),
];

/// One object: each document's name with its schema.
pub fn all() -> String {
    let schemas: Map<String, Value> = SCHEMAS
        .iter()
        .filter_map(|(name, text)| Some(((*name).to_owned(), serde_json::from_str(text).ok()?)))
        .collect();
    format!("{:#}\n", Value::Object(schemas))
}
