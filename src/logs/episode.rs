//! Series of like events: who was refused for what, since when, how often, how regularly, and what ended it.

use super::event::LogEvent;
use super::kind::EventKind;
use super::rejection::Rejection;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a series is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpisodeKind {
    /// Connections of one device or address refused for one reason.
    Refusals,
    /// The gateway started again and again.
    RestartLoop,
    /// Starts refused for one reason.
    StartRefusals,
    /// The lock, port or state directory was held by another process.
    Conflicts,
    /// The system denied access to a file.
    PermissionErrors,
    /// No space, a read-only file system, no file descriptors.
    ResourceErrors,
    /// The state database was locked, damaged or replaced.
    DatabaseErrors,
    /// The gateway failed while it handled a handshake, for another reason.
    HandlerErrors,
    /// Proxy headers or Host headers that cost a connection its locality.
    ProxyRemarks,
    /// Configuration changes that were not applied.
    ConfigRejections,
    /// A client's own failures to connect.
    ClientFailures,
}

/// How the events of a series follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// It happened once.
    Single,
    /// A few times, as when a person tries again.
    Few,
    /// A program that tries again by itself.
    Loop,
    /// A program that tries again and makes a new pairing request each time, so that ids are stale when typed.
    Storm,
}

/// What ended a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Nothing: the log ends while it goes on.
    NotYet,
    /// The device was approved.
    Approved,
    /// The device's record was removed, or its token rotated or revoked.
    RecordChanged,
    /// The configuration was changed.
    ConfigChanged,
    /// The gateway was restarted.
    Restarted,
    /// It just stopped.
    Unknown,
}

/// A series of like events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Episode {
    /// What it is about.
    pub kind: EpisodeKind,
    /// Why the connections were refused, for [`EpisodeKind::Refusals`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rejection: Option<Rejection>,
    /// The kind of its events.
    pub event: EventKind,
    /// Device id, address, unit or path that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// Time of the first event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first: Option<Timestamp>,
    /// Time of the last event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last: Option<Timestamp>,
    /// How many attempts, connections or errors; several lines about one connection count once.
    pub count: u64,
    /// Mean time between them, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub period_seconds: Option<f64>,
    /// How they follow each other.
    pub pace: Pace,
    /// How many different pairing requests they made (counted up to 64).
    pub requests: usize,
    /// What ended it.
    pub ended: Ended,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_at: Option<Timestamp>,
    /// The last of its events.
    pub sample: LogEvent,
    /// The first of its events.
    pub opening: LogEvent,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    kind: EpisodeKind,
    rejection: Option<Rejection>,
    event: Option<EventKind>,
    errno: Option<String>,
    subject: Option<String>,
}

struct Open {
    episode: Episode,
    requests: BTreeSet<u64>,
    gaps: u32,
    gap_sum: f64,
    gap_squares: f64,
}

/// Most series that are followed at once, and most that are kept when over.
const MAX_OPEN: usize = 256;
const MAX_CLOSED: usize = 256;
/// Connections remembered, so that several lines and sinks about one count once.
const MAX_CONNECTIONS: usize = 4096;
/// A series is over when nothing came for this long, in seconds.
const QUIET_SECONDS: f64 = 1800.0;

/// Follows series while events come in. Its memory is bounded.
#[derive(Default)]
pub struct Tracker {
    open: HashMap<Key, Open>,
    closed: Vec<Open>,
    other: u64,
    connections: HashMap<u64, Option<Key>>,
    oldest: VecDeque<u64>,
}

impl Tracker {
    /// Takes an event in. Gives whether it counts (and is not one more line about a connection that was counted).
    pub fn add(&mut self, event: &LogEvent) -> bool {
        let Some(key) = key_of(event) else { return false };
        if let (EpisodeKind::Refusals, Some(conn)) = (key.kind, &event.detail.conn) {
            let id = hash(conn);
            if let Some(known) = self.connections.get(&id).cloned() {
                self.better_key(id, known, key, event);
                return false;
            }
            self.remember(id, Some(key.clone()));
        }
        self.count(key, event);
        true
    }

    /// A later line about a counted connection can name the device or the forwarded address that the first did not.
    fn better_key(&mut self, id: u64, known: Option<Key>, key: Key, event: &LogEvent) {
        let Some(known) = known else { return };
        let worse = known == key || key.subject.is_none() || event.detail.rejection == Some(Rejection::ClientGaveUp);
        if worse {
            if let Some(open) = self.open.get_mut(&known) {
                open.note(event);
            }
            return;
        }
        if let Some(open) = self.open.get_mut(&known) {
            open.episode.count -= 1;
            if open.episode.count == 0 {
                self.open.remove(&known);
            }
        }
        self.connections.insert(id, Some(key.clone()));
        self.count(key, event);
    }

    fn remember(&mut self, id: u64, key: Option<Key>) {
        self.connections.insert(id, key);
        self.oldest.push_back(id);
        if self.oldest.len() > MAX_CONNECTIONS
            && let Some(old) = self.oldest.pop_front()
        {
            self.connections.remove(&old);
        }
    }

    fn count(&mut self, key: Key, event: &LogEvent) {
        if let Some(open) = self.open.get_mut(&key) {
            let gap = gap_seconds(open.episode.last, event.time);
            if gap.is_none_or(|gap| gap < QUIET_SECONDS) {
                open.more(event, gap);
                return;
            }
        }
        if let Some(over) = self.open.remove(&key) {
            self.close(over);
        }
        if self.open.len() >= MAX_OPEN {
            self.other += 1;
            return;
        }
        self.open.insert(key.clone(), Open::new(&key, event));
    }

    fn close(&mut self, over: Open) {
        if self.closed.len() < MAX_CLOSED {
            self.closed.push(over);
        } else {
            self.other += over.episode.count;
        }
    }

    /// All series, oldest first, and the number of events that belong to none of them.
    pub fn finish(self, events: &[LogEvent], newest: Option<Timestamp>) -> (Vec<Episode>, u64) {
        let mut episodes: Vec<Episode> = self
            .closed
            .into_iter()
            .chain(self.open.into_values())
            .map(|open| open.finish(events, newest))
            .filter(|episode| episode.kind != EpisodeKind::RestartLoop || episode.is_restart_loop())
            .collect();
        episodes.sort_by(|a, b| (a.first, a.kind, &a.subject, a.event).cmp(&(b.first, b.kind, &b.subject, b.event)));
        (episodes, self.other)
    }
}

fn key_of(event: &LogEvent) -> Option<Key> {
    let detail = &event.detail;
    let errno = detail.errno.as_deref();
    let kind = match event.kind {
        EventKind::HandlerError | EventKind::RequestFailed | EventKind::PermissionDenied => match errno {
            Some("EACCES" | "EPERM") => EpisodeKind::PermissionErrors,
            Some("ENOSPC" | "EROFS" | "EMFILE" | "ENFILE" | "EDQUOT") => EpisodeKind::ResourceErrors,
            _ => EpisodeKind::HandlerErrors,
        },
        EventKind::NoSpace | EventKind::ReadOnlyFilesystem | EventKind::TooManyFiles | EventKind::OutOfMemory => {
            EpisodeKind::ResourceErrors
        }
        EventKind::DatabaseLocked
        | EventKind::DatabaseDamaged
        | EventKind::DatabaseNewer
        | EventKind::DatabaseReplaced => EpisodeKind::DatabaseErrors,
        EventKind::Listening => EpisodeKind::RestartLoop,
        EventKind::UnitRestarts | EventKind::UnitExited | EventKind::StalePidsCleared => EpisodeKind::RestartLoop,
        EventKind::PortInUse
        | EventKind::AlreadyListening
        | EventKind::AlreadyRunning
        | EventKind::StateOwned
        | EventKind::DuelingServices
        | EventKind::LockWait => EpisodeKind::Conflicts,
        EventKind::ConfigSkipped => EpisodeKind::ConfigRejections,
        EventKind::ProxyHeadersUntrusted | EventKind::NonLocalHostHeader => EpisodeKind::ProxyRemarks,
        kind if kind.is_start_refusal() => EpisodeKind::StartRefusals,
        kind if kind.is_refusal() => EpisodeKind::Refusals,
        kind if kind.class() == super::kind::KindClass::Client => EpisodeKind::ClientFailures,
        _ => return None,
    };
    let by_subject = matches!(kind, EpisodeKind::Refusals | EpisodeKind::ClientFailures);
    let subject = match kind {
        EpisodeKind::Refusals => event.subject().map(str::to_owned),
        EpisodeKind::RestartLoop => detail.unit.clone(),
        _ => None,
    };
    Some(Key {
        kind,
        rejection: detail.rejection.filter(|_| by_subject),
        event: (!by_subject || detail.rejection.is_none()).then_some(event.kind),
        errno: detail.errno.clone().filter(|_| !by_subject),
        subject,
    })
}

fn gap_seconds(last: Option<Timestamp>, next: Option<Timestamp>) -> Option<f64> {
    let gap = next?.duration_since(last?).as_secs_f64();
    Some(gap.max(0.0))
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Open {
    fn new(key: &Key, event: &LogEvent) -> Self {
        let episode = Episode {
            kind: key.kind,
            rejection: key.rejection,
            event: event.kind,
            subject: key.subject.clone(),
            first: event.time,
            last: event.time,
            count: 1,
            period_seconds: None,
            pace: Pace::Single,
            requests: 0,
            ended: Ended::Unknown,
            ended_at: None,
            sample: event.clone(),
            opening: event.clone(),
        };
        let mut open = Self { episode, requests: BTreeSet::new(), gaps: 0, gap_sum: 0.0, gap_squares: 0.0 };
        open.note_request(event);
        open
    }

    fn more(&mut self, event: &LogEvent, gap: Option<f64>) {
        self.episode.count += 1;
        if let Some(gap) = gap {
            self.gaps = self.gaps.saturating_add(1);
            self.gap_sum += gap;
            self.gap_squares += gap * gap;
        }
        self.episode.first = self.episode.first.or(event.time);
        self.episode.last = self.episode.last.max(event.time);
        self.episode.sample = event.clone();
        self.note_request(event);
    }

    /// One more line about the last connection: only what it adds is taken.
    fn note(&mut self, event: &LogEvent) {
        self.note_request(event);
        let sample = &mut self.episode.sample.detail;
        if sample.scopes_to.is_empty() {
            sample.scopes_from.clone_from(&event.detail.scopes_from);
            sample.scopes_to.clone_from(&event.detail.scopes_to);
        }
        sample.request_id = sample.request_id.take().or_else(|| event.detail.request_id.clone());
        sample.client = sample.client.take().or_else(|| event.detail.client.clone());
        sample.host = sample.host.take().or_else(|| event.detail.host.clone());
    }

    fn note_request(&mut self, event: &LogEvent) {
        const MOST: usize = 64;
        if let (Some(request), true) = (&event.detail.request_id, self.requests.len() < MOST) {
            self.requests.insert(hash(request));
        }
    }

    fn finish(self, events: &[LogEvent], newest: Option<Timestamp>) -> Episode {
        let mut episode = self.episode;
        episode.requests = self.requests.len();
        let gaps = f64::from(self.gaps);
        if self.gaps > 0 {
            episode.period_seconds = Some(self.gap_sum / gaps);
        }
        let mean = episode.period_seconds;
        // Spread of the gaps relative to their mean: programs are regular, people are not.
        let spread = mean.filter(|mean| *mean > 0.0).map(|mean| {
            let variance = (self.gap_squares / gaps - mean * mean).max(0.0);
            variance.sqrt() / mean
        });
        episode.pace = pace(episode.count, episode.requests, mean, spread);
        (episode.ended, episode.ended_at) = ended(&episode, events, newest);
        episode
    }
}

fn pace(count: u64, requests: usize, mean: Option<f64>, spread: Option<f64>) -> Pace {
    let quick = mean.is_some_and(|mean| mean <= 300.0);
    let regular = spread.is_none_or(|spread| spread < 0.75) || mean.is_some_and(|mean| mean < 5.0);
    match count {
        0 | 1 => Pace::Single,
        2..=4 => Pace::Few,
        _ if quick && requests >= 3 => Pace::Storm,
        _ if quick && (regular || count >= 20) => Pace::Loop,
        _ if count >= 20 => Pace::Loop,
        _ => Pace::Few,
    }
}

fn ended(episode: &Episode, events: &[LogEvent], newest: Option<Timestamp>) -> (Ended, Option<Timestamp>) {
    let Some(last) = episode.last else { return (Ended::Unknown, None) };
    let period = episode.period_seconds.unwrap_or(0.0);
    let patience = (period * 3.0).max(60.0);
    let after = |event: &&LogEvent| event.time.is_some_and(|time| time >= last);
    let same_device = |event: &LogEvent| {
        event.detail.device_id.is_some() && event.detail.device_id == episode.sample.detail.device_id
    };
    for event in events.iter().filter(after) {
        let soon = gap_seconds(Some(last), event.time).is_some_and(|gap| gap <= patience.max(600.0));
        let how = match event.kind {
            EventKind::Approved | EventKind::AutoApproved if same_device(event) => Ended::Approved,
            EventKind::PairingRemoved | EventKind::TokenRotated | EventKind::TokenRevoked if same_device(event) => {
                Ended::RecordChanged
            }
            EventKind::ConfigApplied if soon => Ended::ConfigChanged,
            EventKind::Listening if soon && episode.kind != EpisodeKind::RestartLoop => Ended::Restarted,
            _ => continue,
        };
        return (how, event.time);
    }
    if gap_seconds(Some(last), newest).is_some_and(|gap| gap <= patience) {
        return (Ended::NotYet, None);
    }
    (Ended::Unknown, Some(last))
}

impl Episode {
    /// Whether repeated starts are a loop and not ordinary use.
    fn is_restart_loop(&self) -> bool {
        match self.event {
            EventKind::Listening => self.count >= 3 && self.period_seconds.is_some_and(|period| period < 600.0),
            _ => true,
        }
    }

    /// Whether a program and not a person repeats it.
    pub fn is_loop(&self) -> bool {
        matches!(self.pace, Pace::Loop | Pace::Storm)
    }
}

#[cfg(test)]
#[path = "episode_tests.rs"]
mod tests;
