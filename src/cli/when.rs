//! Times as people type them: RFC 3339, dates, or how long ago.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

/// Reads `2026-02-20T14:00:00Z`, `2026-02-20T14:00` and `2026-02-20` (in `zone`), `2h`, `30m`, `1d 4h` (before `now`).
///
/// # Errors
/// A sentence for the user when the text has none of these forms.
pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    let bad = || format!("`{text}` is no time; use RFC 3339, a date (2026-02-20), or how long ago (2h, 30m)");
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local = text
        .parse::<civil::DateTime>()
        .or_else(|_| text.parse::<civil::Date>().map(|date| date.to_datetime(civil::Time::midnight())));
    if let (Ok(local), false) = (local, text.starts_with('-')) {
        return zone.to_ambiguous_timestamp(local).compatible().map_err(|_| bad());
    }
    let ago = days_as_hours(text.trim_end_matches("ago").trim()).parse::<SignedDuration>().map_err(|_| bad())?;
    now.checked_sub(ago.abs()).map_err(|_| bad())
}

/// jiff's durations have no days, people's do.
fn days_as_hours(text: &str) -> String {
    let mut out = String::new();
    for part in text.split_whitespace() {
        let days = part.strip_suffix(['d', 'D']).and_then(|days| days.parse::<u32>().ok());
        let part = days.map_or_else(|| part.to_owned(), |days| format!("{}h", days.saturating_mul(24)));
        out.push_str(&part);
        out.push(' ');
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let now = "2026-03-01T12:00:00Z".parse().expect("a time");
        let zone = TimeZone::fixed(jiff::tz::Offset::constant(2));
        parse(text, now, &zone).ok().map(|time| time.to_string())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(read("2026-02-20T14:00:00+02:00").as_deref(), Some("2026-02-20T12:00:00Z"));
        assert_eq!(read("2026-02-20T14:00").as_deref(), Some("2026-02-20T12:00:00Z"));
        assert_eq!(read("2026-02-20").as_deref(), Some("2026-02-19T22:00:00Z"));
        assert_eq!(read("2h").as_deref(), Some("2026-03-01T10:00:00Z"));
        assert_eq!(read("1d 30m ago").as_deref(), Some("2026-02-28T11:30:00Z"));
        assert_eq!(read("yesterday"), None);
        assert_eq!(read(""), None);
    }
}
