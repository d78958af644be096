//! Times at the start of log lines.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _, civil};
use regex::Regex;
use std::sync::LazyLock;

/// How times without a zone or a year are read.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Zone of times that carry none (journald short, console output of some releases).
    pub zone: TimeZone,
    /// The newest time that can be meant; it decides the year of syslog times.
    pub reference: Option<Timestamp>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, reference: None }
    }
}

/// A time found at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The time; `None` for a time of day without a date.
    pub time: Option<Timestamp>,
    /// Whether the text itself states the zone.
    pub zoned: bool,
    /// Bytes that it takes up, trailing white space included.
    pub len: usize,
}

struct Forms {
    iso: Regex,
    syslog: Regex,
    clock: Regex,
    epoch: Regex,
}

static FORMS: LazyLock<Option<Forms>> = LazyLock::new(|| {
    Some(Forms {
        iso: Regex::new(
            r"^\[?(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?\]?:?\s*",
        )
        .ok()?,
        syslog: Regex::new(
            r"^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s+)?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\s+",
        )
        .ok()?,
        clock: Regex::new(r"^\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:\d\d)?\]?\s+").ok()?,
        epoch: Regex::new(r"^(1[5-9]\d{8}|2\d{9})\.(\d{3,6})\s+").ok()?,
    })
});

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Clock {
    /// The time at the start of `text`, in any form that the log sinks use.
    pub fn take(&self, text: &str) -> Option<Found> {
        let forms = FORMS.as_ref()?;
        if let Some(found) = forms.iso.captures(text) {
            return self.iso(&found);
        }
        if let Some(found) = forms.syslog.captures(text) {
            return self.syslog(&found);
        }
        if let Some(found) = forms.epoch.captures(text) {
            let seconds = found.get(1)?.as_str().parse().ok()?;
            let time = Timestamp::new(seconds, nanoseconds(found.get(2).map(|m| m.as_str()))).ok();
            return Some(Found { time, zoned: true, len: found.get(0)?.end() });
        }
        let found = forms.clock.find(text)?;
        Some(Found { time: None, zoned: false, len: found.end() })
    }

    /// A whole text that should be a time, such as a JSON field.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        self.take(text).filter(|found| found.len == text.len()).and_then(|found| found.time)
    }

    fn iso(&self, found: &regex::Captures<'_>) -> Option<Found> {
        let number = |index: usize| found.get(index).and_then(|m| m.as_str().parse::<i16>().ok());
        let small = |index: usize| number(index).and_then(|n| i8::try_from(n).ok());
        let nanos = nanoseconds(found.get(7).map(|m| m.as_str()));
        let datetime =
            civil::DateTime::new(number(1)?, small(2)?, small(3)?, small(4)?, small(5)?, small(6)?.min(59), nanos)
                .ok()?;
        let zone = found.get(8).map(|m| m.as_str());
        let time = match zone {
            None => self.zone.to_ambiguous_timestamp(datetime).compatible().ok(),
            Some("Z" | "UTC") => Offset::UTC.to_timestamp(datetime).ok(),
            Some(offset) => read_offset(offset)?.to_timestamp(datetime).ok(),
        };
        Some(Found { time, zoned: zone.is_some(), len: found.get(0)?.end() })
    }

    fn syslog(&self, found: &regex::Captures<'_>) -> Option<Found> {
        let small = |index: usize| found.get(index).and_then(|m| m.as_str().parse::<i8>().ok());
        let month = i8::try_from(MONTHS.iter().position(|month| Some(*month) == found.get(1).map(|m| m.as_str()))? + 1);
        let len = found.get(0)?.end();
        let Some(reference) = self.reference else { return Some(Found { time: None, zoned: false, len }) };
        let year = reference.to_zoned(self.zone.clone()).year();
        let nanos = nanoseconds(found.get(6).map(|m| m.as_str()));
        let of_year = |year: i16| {
            let datetime =
                civil::DateTime::new(year, month.ok()?, small(2)?, small(3)?, small(4)?, small(5)?.min(59), nanos)
                    .ok()?;
            self.zone.to_ambiguous_timestamp(datetime).compatible().ok()
        };
        // Syslog times carry no year: the newest one that does not lie in the future is meant.
        let latest = reference.checked_add(26.hours()).unwrap_or(reference);
        let time = of_year(year).filter(|time| *time <= latest).or_else(|| of_year(year - 1));
        Some(Found { time, zoned: false, len })
    }
}

fn read_offset(text: &str) -> Option<Offset> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: i32 = text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()?;
    Offset::from_seconds(sign * (digits / 100 * 3600 + digits % 100 * 60)).ok()
}

fn nanoseconds(fraction: Option<&str>) -> i32 {
    let digits: String = fraction.unwrap_or("0").chars().chain("000000000".chars()).take(9).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock { zone: TimeZone::fixed(Offset::constant(2)), reference: "2026-04-03T09:00:00Z".parse().ok() }
    }

    fn read(text: &str) -> Option<String> {
        clock().take(text).and_then(|found| found.time).map(|time| time.to_string())
    }

    #[test]
    fn every_form_of_the_sinks_is_read() {
        assert_eq!(read("2026-02-12T07:20:43.558Z [ws] x").as_deref(), Some("2026-02-12T07:20:43.558Z"));
        assert_eq!(read("2026-03-13T08:56:59.843+08:00 [ws]").as_deref(), Some("2026-03-13T00:56:59.843Z"));
        assert_eq!(read("2026-03-13T08:56:59+0800 host node[1]: x").as_deref(), Some("2026-03-13T00:56:59Z"));
        assert_eq!(read("[2026-03-13 10:00:00,5] x").as_deref(), Some("2026-03-13T08:00:00.5Z"));
        assert_eq!(read("Apr 02 20:20:46 node[1]: x").as_deref(), Some("2026-04-02T18:20:46Z"));
        assert_eq!(read("1771602025.660 x").as_deref(), Some("2026-02-20T15:40:25.66Z"));
    }

    #[test]
    fn a_syslog_date_ahead_of_the_reference_is_last_years() {
        assert_eq!(read("Dec 31 23:59:59 host x").as_deref(), Some("2025-12-31T21:59:59Z"));
    }

    #[test]
    fn a_time_of_day_is_skipped_but_gives_no_time() {
        let found = clock().take("01:19:56+00:00 warn gateway/ws").expect("found");
        assert_eq!((found.time, found.len), (None, 15));
    }

    #[test]
    fn impossible_dates_are_no_times() {
        assert_eq!(read("2026-13-40T99:99:99Z x"), None);
        assert_eq!(clock().read("2026-02-12T07:20:43.558Z trailing"), None);
    }
}
