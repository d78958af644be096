//! What the logs amount to: the value that the snapshot holds. Bounded, whatever the length of the logs.

use super::decode::Storage;
use super::episode::{Episode, Tracker};
use super::event::LogEvent;
use super::histogram::Histogram;
use super::kind::{EventKind, KindClass};
use crate::model::Release;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// How a source's first line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Plain text: console output, journald short, launchd, docker.
    #[default]
    Text,
    /// OpenClaw's JSON lines.
    #[serde(rename = "openclaw-json")]
    OpenClawJson,
    /// Other JSON lines (`consoleStyle: json`, docker json-file).
    Json,
    /// `journalctl -o json`.
    JournalJson,
    /// `journalctl -o export`.
    JournalExport,
}

/// One log that was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogSource {
    /// Its path in the host's view, or `-`.
    pub name: String,
    /// How it is written.
    pub format: LogFormat,
    /// How it is stored; absent where that could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub storage: Option<Storage>,
    /// Time of the first line, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first: Option<Timestamp>,
    /// Newest time seen at the end of its blocks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last: Option<Timestamp>,
    /// Lines read.
    pub lines: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Whether the account or root owns it.
    pub trusted: bool,
    /// Why it could not be read, or not to its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// A release that the logs name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseSeen {
    /// The release.
    pub release: Release,
    /// Lines that name it.
    pub count: u64,
    /// When it was first named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first: Option<Timestamp>,
    /// When it was last named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last: Option<Timestamp>,
}

/// All that is kept of the logs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogSummary {
    /// The logs, in the order in which they were read.
    pub sources: Vec<LogSource>,
    /// Events in order of time: all that change something, and the newest of the others, up to a cap.
    pub events: Vec<LogEvent>,
    /// Events that were seen but are not kept in [`Self::events`].
    pub dropped: u64,
    /// Events that are traces of this program's own probe. They are counted here and left out of everything else.
    #[serde(default)]
    pub own_probe: u64,
    /// Series of like events.
    pub episodes: Vec<Episode>,
    /// Events of series that were too many to follow.
    pub other_episodes: u64,
    /// Events by kind, kept or not.
    pub counts: BTreeMap<String, u64>,
    /// Refusals over time.
    pub refusals: Histogram,
    /// Newest time of any line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub newest: Option<Timestamp>,
    /// Releases that the logs name, oldest first.
    pub releases: Vec<ReleaseSeen>,
}

impl LogSummary {
    /// How many events of a kind there were.
    pub fn count(&self, kind: EventKind) -> u64 {
        self.counts.get(kind.id()).copied().unwrap_or(0)
    }

    /// The newest event of a kind that is kept.
    pub fn newest_of(&self, kind: EventKind) -> Option<&LogEvent> {
        self.events.iter().rev().find(|event| event.kind == kind)
    }

    /// The source of an event.
    pub fn source(&self, event: &LogEvent) -> Option<&LogSource> {
        self.sources.get(usize::try_from(event.source).ok()?)
    }

    /// Whether every log could be read to its end.
    pub fn is_complete(&self) -> bool {
        self.sources.iter().all(|source| source.error.is_none())
    }
}

/// Most events that change state that are kept.
const MAX_CHANGES: usize = 2000;

/// Collects events into a summary.
pub struct Builder {
    max_events: usize,
    changes: VecDeque<LogEvent>,
    others: VecDeque<LogEvent>,
    tracker: Tracker,
    releases: BTreeMap<Release, ReleaseSeen>,
    summary: LogSummary,
}

impl Builder {
    /// An empty one that keeps at most so many events besides those that change state.
    pub fn new(max_events: usize) -> Self {
        Self {
            max_events,
            changes: VecDeque::new(),
            others: VecDeque::new(),
            tracker: Tracker::default(),
            releases: BTreeMap::new(),
            summary: LogSummary::default(),
        }
    }

    /// The number that the next source will have.
    pub fn next_source(&self) -> u32 {
        u32::try_from(self.summary.sources.len()).unwrap_or(u32::MAX)
    }

    /// Adds a source after its events.
    pub fn add_source(&mut self, source: LogSource) {
        self.summary.newest = self.summary.newest.max(source.last);
        self.summary.sources.push(source);
    }

    /// Adds an event.
    pub fn add(&mut self, event: LogEvent) {
        if event.is_of_own_probe() {
            self.summary.own_probe += 1;
            return;
        }
        *self.summary.counts.entry(event.kind.id().to_owned()).or_default() += 1;
        self.summary.newest = self.summary.newest.max(event.time);
        self.note_release(&event);
        if let (true, Some(time), Some(rejection)) = (self.tracker.add(&event), event.time, event.detail.rejection) {
            self.summary.refusals.add(time, rejection);
        }
        let keep_long = matches!(event.kind.class(), KindClass::Change | KindClass::StartRefusal);
        let (ring, most) =
            if keep_long { (&mut self.changes, MAX_CHANGES) } else { (&mut self.others, self.max_events) };
        ring.push_back(event);
        if ring.len() > most {
            ring.pop_front();
            self.summary.dropped += 1;
        }
    }

    fn note_release(&mut self, event: &LogEvent) {
        // Hostile logs could name any number of releases.
        const MOST: usize = 64;
        let Some(release) = &event.detail.release else { return };
        if self.releases.len() >= MOST && !self.releases.contains_key(release) {
            return;
        }
        let seen = self.releases.entry(release.clone()).or_insert_with(|| ReleaseSeen {
            release: release.clone(),
            count: 0,
            first: event.time,
            last: None,
        });
        seen.count += 1;
        seen.first = seen.first.min(event.time).or(seen.first);
        seen.last = seen.last.max(event.time);
    }

    /// The summary of everything added.
    pub fn finish(mut self) -> LogSummary {
        let mut events: Vec<LogEvent> = self.changes.into_iter().chain(self.others).collect();
        events.sort_by_key(|event| (event.source, event.line));
        // Lines without a time belong to the last one before them that has one.
        let mut last = (0, None);
        let mut keyed: Vec<_> = events
            .into_iter()
            .map(|event| {
                if event.source != last.0 {
                    last = (event.source, None);
                }
                last.1 = event.time.or(last.1);
                (last.1, event)
            })
            .collect();
        keyed.sort_by_key(|(time, event)| (*time, event.source, event.line));
        self.summary.events = keyed.into_iter().map(|(_, event)| event).collect();
        let (episodes, other) = self.tracker.finish(&self.summary.events, self.summary.newest);
        self.summary.episodes = episodes;
        self.summary.other_episodes = other;
        self.summary.releases = self.releases.into_values().collect();
        self.summary
    }
}
