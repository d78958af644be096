//! Words for records, ids and times.

use crate::snapshot::device::{PairedDevice, PendingRequest};

/// At most so many records are listed as evidence of one finding.
pub(super) const MOST_LISTED: usize = 20;

/// An id as it is where it has the form of one, else quoted and cut: on disk it can be any text.
pub(super) fn id(text: &str) -> String {
    let plain = text.len() <= 64 && !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain {
        return text.to_owned();
    }
    let short: String = text.chars().take(40).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

/// What a device is, as far as its record says: `cli on linux`.
pub(super) fn device(device: &PairedDevice) -> String {
    kind(device.client_id.known(), device.platform.known(), device.role.known())
}

/// What a request is from.
pub(super) fn request(request: &PendingRequest) -> String {
    kind(request.client_id.known(), request.platform.known(), request.role.known())
}

fn kind(client: Option<&String>, platform: Option<&String>, role: Option<&String>) -> String {
    let client = client.map_or_else(|| "unknown client".to_owned(), |client| cut(client));
    let platform = platform.map(|platform| format!(" on {}", cut(platform))).unwrap_or_default();
    let role = role.map(|role| format!(", role {}", cut(role))).unwrap_or_default();
    format!("{client}{platform}{role}")
}

/// A text that a client chose, short.
pub(super) fn cut(text: &str) -> String {
    let short: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if short.chars().count() < text.chars().count() { format!("{short}…") } else { short }
}

/// `operator.read, operator.write`, or `none`.
pub(super) fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = texts.iter().take(12).map(|text| cut(text)).collect();
    let more = if texts.len() > 12 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// A moment of a record, in UTC.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_else(|_| format!("{ms} ms"))
}

/// `3 minutes`, `2 hours`, `5 days`.
pub(super) fn span(ms: i64) -> String {
    let seconds = (ms / 1000).max(0);
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// `1 record`, `3 records`, `2 entries`.
pub(super) fn count(number: usize, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if number == 1 => format!("1 {what}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_none_are_quoted_and_cut() {
        assert_eq!(id("6161a93b"), "6161a93b");
        assert_eq!(id("a\u{1b}[31m\"b"), "\"a\\u{1b}[31m\\\"b\"");
        assert!(id(&"x y".repeat(100)).chars().count() < 50);
    }

    #[test]
    fn spans_are_in_whole_units() {
        assert_eq!(span(61_000), "61 seconds");
        assert_eq!(span(20 * 60_000), "20 minutes");
        assert_eq!(span(3 * 86_400_000), "3 days");
    }
}
