//! Episodes of the log as evidence.

use crate::checks::Context;
use crate::logs::episode::{Ended, Episode, Pace};
use crate::logs::summary::LogSummary;
use crate::logs::{EventKind, LogEvent};
use crate::model::{Cause, Evidence, Fact, HostPath, Unknown, UnknownKind};

/// An episode whose last event lies further back is history, whatever ended it.
const RECENT_MS: i64 = 24 * 3_600 * 1_000;

/// The logs, or why nothing can be said of them.
///
/// # Errors
/// No log was found, or none could be read.
pub fn logs<'s>(context: &Context<'s>) -> Result<&'s LogSummary, Unknown> {
    match &context.snapshot.logs {
        Fact::Known(summary) => Ok(summary),
        Fact::Absent => Err(Unknown::new(UnknownKind::Failed, "no gateway log was found")),
        Fact::Unknown(why) => Err(why.clone()),
    }
}

/// Whether an episode is of now: nothing ended it, and it is not long ago.
pub fn is_current(context: &Context<'_>, episode: &Episode) -> bool {
    let recent = episode.last.is_none_or(|last| context.snapshot.as_of_ms() - last.as_millisecond() < RECENT_MS);
    let open = matches!(episode.ended, Ended::NotYet | Ended::Unknown);
    recent && open
}

/// The last time that a client on this host found nothing listening, where that is not long ago.
pub fn unreachable<'s>(context: &Context<'_>, summary: &'s LogSummary) -> Option<&'s LogEvent> {
    let event = summary.newest_of(EventKind::ClientUnreachable)?;
    let recent = event.time.is_none_or(|time| context.snapshot.as_of_ms() - time.as_millisecond() < RECENT_MS);
    recent.then_some(event)
}

/// One event with the log's place and words.
pub fn of_event(summary: &LogSummary, event: &LogEvent, what: &str) -> Evidence {
    let mut evidence = Evidence::new(format!("log: {what}"));
    if let Some(source) = summary.source(event) {
        evidence.path = Some(HostPath::from(source.name.as_str()));
        evidence.line = u32::try_from(event.line).ok();
    }
    evidence.time = event.time;
    evidence.source(event.text.chars().take(240).collect::<String>())
}

/// Whether it repeats by itself.
pub fn is_loop(episode: &Episode) -> bool {
    matches!(episode.pace, Pace::Loop | Pace::Storm)
}

/// `38 times since 14:03:05, last 14:09:11 UTC`.
pub fn times(episode: &Episode) -> String {
    let clock = |time: jiff::Timestamp| time.strftime("%H:%M:%S").to_string();
    match (episode.count, episode.first, episode.last) {
        (1, _, Some(last)) => format!("once, at {} UTC", last.strftime("%Y-%m-%d %H:%M:%S")),
        (count, Some(first), Some(last)) => {
            format!("{count} times since {}, last {} UTC", first.strftime("%Y-%m-%d %H:%M:%S"), clock(last))
        }
        (count, _, _) => format!("{count} times"),
    }
}

/// The episode with the log's place and words.
pub fn evidence(summary: &LogSummary, episode: &Episode, what: &str) -> Evidence {
    let sample = &episode.sample;
    let source = summary.source(sample);
    let untrusted = if source.is_some_and(|source| !source.trusted) { " (a log that others can write)" } else { "" };
    let mut evidence = Evidence::new(format!("log: {what}, {}{untrusted}", times(episode)));
    if let Some(source) = source {
        evidence.path = Some(HostPath::from(source.name.as_str()));
        evidence.line = u32::try_from(sample.line).ok();
    }
    evidence.time = episode.last;
    evidence.source(sample.text.chars().take(240).collect::<String>())
}

/// The part of the state that a cause is about, as the place to look at.
pub fn place(context: &Context<'_>, cause: Cause) -> Option<Evidence> {
    let installation = context.installation;
    let sqlite = installation.live_content().is_some();
    let store = |name: &str| {
        let path = if sqlite { installation.path("state/openclaw.sqlite") } else { installation.path(name) };
        Evidence::new("the device store that the gateway decided by").at(&path)
    };
    match cause {
        Cause::ConfigInvalid
        | Cause::ProxyAttribution
        | Cause::OriginNotAllowed
        | Cause::SecretUnresolved
        | Cause::NotLocal => {
            Some(Evidence::new("the configuration that the gateway decided by").at(&installation.config.path))
        }
        // In these releases a wrong shared token is worded as a device token mismatch, and the CLI that gets this answer
        // empties its cache (release-2026.2.19 F7a).
        Cause::GatewayTokenDrift if installation.release_within((2, 17), (2, 21)) == Some(true) => {
            let path = installation.path("identity/device-auth.json");
            Some(Evidence::new("the device tokens that the CLI throws away on this answer").at(&path))
        }
        Cause::GatewayTokenDrift => {
            Some(Evidence::new("the configuration that holds the gateway's token").at(&installation.config.path))
        }
        Cause::StateDatabase => {
            Some(Evidence::new("the database that it is about").at(&installation.path("state/openclaw.sqlite")))
        }
        Cause::ScopeUpgrade | Cause::DeviceRepin | Cause::StaleDeviceToken => Some(store("devices/paired.json")),
        Cause::NewDevice => Some(store("devices/pending.json")),
        Cause::PairingStoreDamaged => {
            let path = installation.path("devices/paired.json");
            Some(Evidence::new("the store that was to be moved").at(&path))
        }
        _ => None,
    }
}
