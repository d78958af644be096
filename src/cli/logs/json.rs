//! The JSON document of `logs --json`.

use crate::logs::{LogEvent, LogSummary, ScanOptions};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    tool: Tool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    sources: &'a [crate::logs::LogSource],
    releases: &'a [crate::logs::summary::ReleaseSeen],
    episodes: &'a [crate::logs::Episode],
    other_episodes: u64,
    refusals: Vec<Interval>,
    refusals_interval_seconds: i64,
    events: &'a [LogEvent],
    dropped: u64,
    counts: &'a BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Interval {
    start: Timestamp,
    reasons: BTreeMap<&'static str, u64>,
}

/// The document, with a line end.
pub fn document(summary: &LogSummary, options: &ScanOptions) -> Result<String, serde_json::Error> {
    let refusals = summary
        .refusals
        .intervals()
        .map(|(start, counts)| Interval {
            start,
            reasons: counts.iter().map(|(reason, n)| (reason.id(), *n)).collect(),
        })
        .collect();
    let document = Document {
        schema_version: 1,
        tool: Tool { name: "openclaw-doctor", version: env!("CARGO_PKG_VERSION") },
        since: options.since,
        until: options.until,
        sources: &summary.sources,
        releases: &summary.releases,
        episodes: &summary.episodes,
        other_episodes: summary.other_episodes,
        refusals,
        refusals_interval_seconds: summary.refusals.width_seconds(),
        events: &summary.events,
        dropped: summary.dropped,
        counts: &summary.counts,
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}
