//! The timeline for a terminal: refusals over time, then episodes and changes in order.

use crate::logs::advice::what_to_do;
use crate::logs::text::cut;
use crate::logs::{Ended, Episode, EpisodeKind, EventKind, KindClass, LogEvent, LogSummary, Pace};
use crate::model::Release;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// Most intervals of the chart.
const BARS: usize = 24;
/// Most lines of the timeline; the newest are shown.
const MOST: usize = 200;

/// The whole text. Every piece that comes from a log was escaped when it was read.
pub fn render(summary: &LogSummary, zone: &TimeZone, width: usize) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; the result only satisfies the trait.
    let _ = head(&mut out, summary, zone);
    let _ = chart(&mut out, summary, zone, width);
    let _ = course(&mut out, summary, zone, width);
    out
}

fn head(out: &mut String, summary: &LogSummary, zone: &TimeZone) -> std::fmt::Result {
    let newest = summary.newest.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    writeln!(out, "Logs read (times are UTC{})", newest.strftime("%:z"))?;
    for source in &summary.sources {
        let span = match (source.first, source.last) {
            (Some(first), Some(last)) => format!(", {} to {}", moment(first, zone), moment(last, zone)),
            _ => String::new(),
        };
        let doubt = if source.trusted { "" } else { ", owned by another account: not trusted" };
        writeln!(out, "  {}  {} lines{span}{doubt}", source.name, source.lines)?;
        if let Some(error) = &source.error {
            writeln!(out, "    not read to its end: {error}")?;
        }
    }
    if !summary.releases.is_empty() {
        let seen: Vec<String> = summary.releases.iter().map(|seen| seen.release.to_string()).collect();
        writeln!(out, "  releases named: {}", seen.join(", "))?;
    }
    Ok(())
}

fn chart(out: &mut String, summary: &LogSummary, zone: &TimeZone, width: usize) -> std::fmt::Result {
    let refusals = summary.refusals.at_most(BARS);
    let Some(highest) = refusals.intervals().map(|(_, counts)| counts.values().sum::<u64>()).max() else {
        return Ok(());
    };
    writeln!(out, "\nRefused connections, per {}", duration(refusals.width_seconds() as f64))?;
    let room = (width / 3).clamp(10, 40) as u64;
    for (start, counts) in refusals.intervals() {
        let total: u64 = counts.values().sum();
        let bar = (total * room).div_ceil(highest.max(1));
        let mut reasons: Vec<_> = counts.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let bar = "█".repeat(usize::try_from(bar).unwrap_or(0));
        let line = format!("  {}  {bar} {total}  {}", moment(start, zone), reasons.join(", "));
        writeln!(out, "{}", cut(&line, width))?;
    }
    Ok(())
}

enum Step<'a> {
    Series(&'a Episode),
    Event(&'a LogEvent),
}

impl Step<'_> {
    fn time(&self) -> Option<Timestamp> {
        match self {
            Step::Series(episode) => episode.first,
            Step::Event(event) => event.time,
        }
    }
}

fn course(out: &mut String, summary: &LogSummary, zone: &TimeZone, width: usize) -> std::fmt::Result {
    let events = summary.events.iter().filter(|event| is_shown(event)).map(Step::Event);
    let mut steps: Vec<Step<'_>> = summary.episodes.iter().map(Step::Series).chain(events).collect();
    // Stable, so lines without a time keep their place at the start.
    steps.sort_by_key(Step::time);
    writeln!(out, "\nWhat happened")?;
    if steps.is_empty() {
        writeln!(out, "  nothing about pairing, authentication, starts or configuration")?;
    }
    let skipped = steps.len().saturating_sub(MOST);
    if skipped > 0 {
        writeln!(out, "  ({skipped} older entries are not shown; --since and --until choose others, --json has all)")?;
    }
    let release = summary.releases.last().map(|seen| &seen.release);
    for step in steps.iter().skip(skipped) {
        match step {
            Step::Series(episode) => series(out, episode, release, zone, width)?,
            Step::Event(event) => single(out, event, zone, width)?,
        }
    }
    if summary.other_episodes > 0 {
        writeln!(out, "  and {} more events in series that were too many to follow", summary.other_episodes)?;
    }
    Ok(())
}

/// Events that change something; everything else is part of a series.
fn is_shown(event: &LogEvent) -> bool {
    event.kind.class() == KindClass::Change && event.kind != EventKind::ConfigNeedsRestart
        || matches!(event.kind, EventKind::LegacyState | EventKind::ConfigNewer | EventKind::ShutdownTimedOut)
}

fn single(out: &mut String, event: &LogEvent, zone: &TimeZone, width: usize) -> std::fmt::Result {
    let detail = &event.detail;
    let mut facts = Vec::new();
    facts.extend(detail.device_id.as_deref().map(|device| format!("device {}", short(device))));
    facts.extend(detail.role.as_deref().map(|role| format!("as {role}")));
    facts.extend(detail.release.as_ref().map(Release::to_string));
    facts.extend(detail.key.clone());
    facts.extend(detail.pid.filter(|_| event.kind.is_up()).map(|pid| format!("pid {pid}")));
    facts.extend(detail.unit.clone());
    let time = event.time.map_or_else(|| "time unknown       ".to_owned(), |time| moment(time, zone));
    let facts = if facts.is_empty() { String::new() } else { format!(": {}", facts.join(", ")) };
    writeln!(out, "{}", cut(&format!("  {time}  {}{facts}", event.kind.words()), width))
}

fn series(
    out: &mut String,
    episode: &Episode,
    release: Option<&Release>,
    zone: &TimeZone,
    width: usize,
) -> std::fmt::Result {
    let time = episode.first.map_or_else(|| "time unknown       ".to_owned(), |time| moment(time, zone));
    writeln!(out, "{}", cut(&format!("  {time}  {}", headline(episode)), width))?;
    let indent = time.chars().count() + 6;
    if let Some(who) = who(&episode.sample) {
        wrapped(out, &who, indent, width)?;
    }
    if episode.kind != EpisodeKind::Refusals {
        wrapped(out, &cut(&episode.sample.text, 3 * width), indent, width)?;
    }
    if let Some(end) = how_it_ended(episode, zone) {
        wrapped(out, &end, indent, width)?;
    }
    if let Some(advice) = what_to_do(&episode.sample, release) {
        wrapped(out, &format!("→ {advice}"), indent, width)?;
    }
    Ok(())
}

/// A paragraph behind an indent, broken at spaces.
fn wrapped(out: &mut String, text: &str, indent: usize, width: usize) -> std::fmt::Result {
    let room = width.saturating_sub(indent).max(30);
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            writeln!(out, "{:indent$}{line}", "")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{:indent$}{line}", "")
}

/// `38 × refused: the device is not paired, every 61 s (a program that keeps trying)`
pub fn headline(episode: &Episode) -> String {
    let what = match episode.rejection {
        Some(rejection) if episode.kind == EpisodeKind::Refusals => format!("refused: {}", rejection.words()),
        _ => episode.event.words().to_owned(),
    };
    let pace = match (episode.pace, episode.period_seconds) {
        (Pace::Loop, Some(period)) if episode.kind == EpisodeKind::Refusals => {
            format!(", every {} (a program that keeps trying)", duration(period))
        }
        (Pace::Loop, Some(period)) => format!(", every {}", duration(period)),
        (Pace::Storm, Some(period)) => {
            format!(", every {} with {} different request ids (a retry storm)", duration(period), episode.requests)
        }
        _ => String::new(),
    };
    if episode.count == 1 { what } else { format!("{} × {what}{pace}", episode.count) }
}

/// Who it is about: client, device, address.
pub fn who(event: &LogEvent) -> Option<String> {
    let detail = &event.detail;
    let mut parts = Vec::new();
    match (&detail.client, &detail.mode) {
        (Some(client), Some(mode)) if client != mode => parts.push(format!("{client} ({mode})")),
        (Some(client), _) => parts.push(client.clone()),
        _ => {}
    }
    parts.extend(detail.device_id.as_deref().map(|device| format!("device {}", short(device))));
    match (&detail.remote, &detail.forwarded_for) {
        (Some(remote), Some(client)) => parts.push(format!("from {client} through the proxy {remote}")),
        (Some(remote), None) => parts.push(format!("from {remote}")),
        (None, Some(client)) => parts.push(format!("from {client} through a proxy")),
        (None, None) => {}
    }
    parts.extend(detail.origin.as_deref().map(|origin| format!("origin {origin}")));
    if !detail.scopes_to.is_empty() || !detail.roles_to.is_empty() {
        let held = |roles: &[String], scopes: &[String]| match [roles.join(","), scopes.join(",")].join(" ").trim() {
            "" => "nothing".to_owned(),
            text => text.to_owned(),
        };
        parts.push(format!(
            "holds {}, asks for {}",
            held(&detail.roles_from, &detail.scopes_from),
            held(&detail.roles_to, &detail.scopes_to)
        ));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn how_it_ended(episode: &Episode, zone: &TimeZone) -> Option<String> {
    let at = |time: Option<Timestamp>| time.map_or(String::new(), |time| format!(" {}", moment(time, zone)));
    Some(match episode.ended {
        Ended::NotYet if episode.count > 1 => format!("last{}, still going on where the log ends", at(episode.last)),
        Ended::Approved => format!("ended by an approval{}", at(episode.ended_at)),
        Ended::RecordChanged => format!("ended when its record was changed{}", at(episode.ended_at)),
        Ended::ConfigChanged => format!("ended with a change of the configuration{}", at(episode.ended_at)),
        Ended::Restarted => format!("ended with a restart of the gateway{}", at(episode.ended_at)),
        Ended::Unknown if episode.count > 1 => format!("last{}", at(episode.last)),
        Ended::NotYet | Ended::Unknown => return None,
    })
}

/// The first characters of a device id, as people compare them.
pub fn short(id: &str) -> String {
    if id.chars().count() > 16 { format!("{}…", id.chars().take(12).collect::<String>()) } else { id.to_owned() }
}

/// Date and time to the second.
pub fn moment(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A length of time in words: `0.4 s`, `12 s`, `5 min`, `2.5 h`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 && s.fract() != 0.0 => format!("{s:.1} s"),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{LogInput, ScanOptions, SignatureSet, scan_logs};

    fn fixture(name: &str) -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs").join(name);
        let input = LogInput {
            name: "openclaw.log".to_owned(),
            reader: Box::new(std::fs::File::open(path).expect("fixture")),
            trusted: true,
        };
        let summary = scan_logs(vec![input], &ScanOptions::new(SignatureSet::builtin().expect("sound")));
        render(&summary, &TimeZone::UTC, 120)
    }

    #[test]
    fn a_real_upgrade_is_told_with_who_what_and_what_to_do() {
        let text = fixture("2026.9.6-F10a-scope-upgrade.jsonl");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("asks for more scopes than its record holds"), "{text}");
        assert!(text.contains("holds operator operator.read, asks for operator operator.admin"), "{text}");
        assert!(text.contains("openclaw devices approve 9ba8fe6e"), "{text}");
        assert!(text.contains("configuration applied: gateway.nodes.pairing"), "{text}");
    }

    #[test]
    fn every_real_log_renders_within_the_width_and_without_control_characters() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs");
        for entry in std::fs::read_dir(dir).expect("fixtures") {
            let name = entry.expect("entry").file_name().into_string().expect("UTF-8");
            if name.ends_with(".jsonl") {
                let text = fixture(&name);
                assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{name}");
                assert!(text.contains("What happened"), "{name}");
            }
        }
    }
}
