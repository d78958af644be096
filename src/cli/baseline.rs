//! `--baseline`: a former result; what it knows does not count.

use super::failure::Failure;
use crate::report::{SetAside, SetAsideBy};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A result is a few hundred kilobytes at most; nothing larger is read.
const MOST_BYTES: u64 = 64 << 20;

/// As much of a former result as is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Former {
    schema_version: u32,
    generated_at: jiff::Timestamp,
    findings: Vec<FormerFinding>,
}

#[derive(Deserialize)]
struct FormerFinding {
    fingerprint: String,
}

/// The findings of a former result, by fingerprint.
///
/// # Errors
/// A file that can't be read or is no result of `check --format json`.
pub fn read(path: &Path) -> Result<BTreeMap<String, SetAside>, Failure> {
    let named = || format!("--baseline {}", path.display());
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| Failure::io(named(), &error))?;
    file.take(MOST_BYTES).read_to_end(&mut text).map_err(|error| Failure::io(named(), &error))?;
    let malformed = |why: String| {
        Failure::new("malformed", format!("{}: {why}", named()))
            .hint("give what `openclaw-doctor check --format json` has written")
    };
    let former: Former = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    if former.schema_version != 1 {
        return Err(malformed(format!("schemaVersion {} is not known", former.schema_version)));
    }
    let reason = format!("known since {}", former.generated_at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    let aside =
        |finding: FormerFinding| (finding.fingerprint, SetAside { by: SetAsideBy::Baseline, reason: reason.clone() });
    Ok(former.findings.into_iter().map(aside).collect())
}
