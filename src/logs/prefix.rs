//! Prefixes that sinks put in front of a message: times, containers, syslog tags, levels, loggers.

use super::event::Level;
use super::stamp::Clock;
use jiff::Timestamp;
use regex::Regex;
use std::sync::LazyLock;

/// What the prefixes of a line say.
#[derive(Debug, Default, PartialEq)]
pub struct Head<'a> {
    /// The time, and whether it states its zone.
    pub time: Option<(Timestamp, bool)>,
    /// Severity.
    pub level: Option<Level>,
    /// Logger in its full form (`gateway/ws`, not `ws`).
    pub subsystem: Option<String>,
    /// Service or container.
    pub unit: Option<String>,
    /// Process id of a syslog tag.
    pub pid: Option<u64>,
    /// Whether a time was taken off, usable or not.
    pub stamped: bool,
    /// The message.
    pub rest: &'a str,
}

struct Forms {
    container: Regex,
    stream: Regex,
    tag: Regex,
    level: Regex,
    bracket: Regex,
    logger: Regex,
}

static FORMS: LazyLock<Option<Forms>> = LazyLock::new(|| {
    Some(Forms {
        // docker compose: `openclaw-gateway-1  | `; kubectl --prefix: `[pod/name/container] `
        container: Regex::new(r"^(?:([A-Za-z0-9][\w.-]*)\s+\|\s|\[pod/([^\]\s]+)\]\s+)").ok()?,
        // containerd and CRI-O files: `stdout F `
        stream: Regex::new(r"^(?:stdout|stderr) [FP] ").ok()?,
        // syslog: `host node[123]: `, `systemd[1]: `
        tag: Regex::new(r"^(?:[\w.-]+ )?([A-Za-z][\w@./() -]{0,40}?)\[(\d+)\]:\s?").ok()?,
        level: Regex::new(r"(?i)^\[?(trace|debug|info|warn|warning|error|fatal)\s?\]?\s+").ok()?,
        bracket: Regex::new(r"^\[([a-z][a-z0-9]*(?:[/_.-][a-z0-9]+)*)\]:?\s*").ok()?,
        logger: Regex::new(r"^(gateway(?:/[a-z-]+)?|(?:[a-z]+/)+[a-z-]+|plugins)(?::\s*|\s+)(?:\{|$)").ok()?,
    })
});

/// At most this many prefixes are taken off, so that a hostile line costs a bounded time.
const MAX_PREFIXES: usize = 8;

/// Takes all known prefixes off a line.
pub fn take<'a>(line: &'a str, clock: &Clock) -> Head<'a> {
    let mut head = Head { rest: line.trim(), ..Head::default() };
    let Some(forms) = FORMS.as_ref() else { return head };
    for _ in 0..MAX_PREFIXES {
        let before = head.rest.len();
        step(&mut head, forms, clock);
        if head.rest.len() == before {
            break;
        }
    }
    head
}

fn step(head: &mut Head<'_>, forms: &Forms, clock: &Clock) {
    let line = head.rest;
    if let Some(found) = clock.take(line) {
        let stated = found.time.map(|time| (time, found.zoned));
        // The innermost time is the program's own; it wins unless it lacks the zone that the outer one had.
        if stated.is_some_and(|(_, zoned)| zoned) || head.time.is_none_or(|(_, zoned)| !zoned) {
            head.time = stated.or(head.time);
        }
        head.stamped = true;
        advance(head, found.len);
    } else if let Some(found) = forms.container.captures(line) {
        let name = found.get(1).or_else(|| found.get(2)).map(|m| m.as_str().to_owned());
        head.unit = head.unit.take().or(name);
        advance(head, found.get(0).map_or(0, |m| m.end()));
    } else if let Some(found) = forms.stream.find(line) {
        advance(head, found.end());
    } else if let Some(found) = forms.tag.captures(line).filter(|_| head.stamped || line.starts_with("systemd[")) {
        head.pid = found.get(2).and_then(|m| m.as_str().parse().ok()).or(head.pid);
        if found.get(1).is_some_and(|m| m.as_str() == "systemd") {
            head.subsystem = Some("systemd".to_owned());
        }
        advance(head, found.get(0).map_or(0, |m| m.end()));
    } else if let Some(found) = forms.level.captures(line).filter(|_| head.stamped || line.starts_with('[')) {
        head.level = found.get(1).and_then(|m| Level::of(m.as_str())).or(head.level);
        advance(head, found.get(0).map_or(0, |m| m.end()));
    } else if let Some(found) = forms.bracket.captures(line) {
        head.subsystem = found.get(1).map(|m| full_name(m.as_str()));
        advance(head, found.get(0).map_or(0, |m| m.end()));
    } else if let Some(found) = forms.logger.captures(line).and_then(|found| found.get(1)) {
        head.subsystem = Some(found.as_str().to_owned());
        let rest = line.get(found.end()..).unwrap_or_default();
        head.rest = rest.trim_start_matches(':').trim_start();
    }
}

fn advance(head: &mut Head<'_>, bytes: usize) {
    head.rest = head.rest.get(bytes..).unwrap_or_default().trim_start();
}

/// The console drops the prefixes `gateway`, `channels` and `providers` (host-by-release 5.2).
fn full_name(name: &str) -> String {
    match name {
        "ws" | "reload" | "canvas" | "health-monitor" | "heartbeat" | "channels" | "health" => {
            format!("gateway/{name}")
        }
        other => other.to_owned(),
    }
}
