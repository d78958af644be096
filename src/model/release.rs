//! OpenClaw releases and the eras that change how a state directory must be read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The names that the product has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Up to 2026.1.24-3.
    Clawdbot,
    /// Never released as a package; only directories and units of this name exist.
    Moltbot,
    /// From 2026.1.29.
    Openclaw,
}

impl Product {
    /// The lower-case name as used in paths, units and packages.
    pub fn name(self) -> &'static str {
        match self {
            Product::Clawdbot => "clawdbot",
            Product::Moltbot => "moltbot",
            Product::Openclaw => "openclaw",
        }
    }
}

/// A release such as `2026.2.19`, `2026.2.19-2` (a rebuild after it) or `2026.8.1-beta.7` (before it).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Release {
    year: u32,
    month: u32,
    day: u32,
    tail: Tail,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Tail {
    /// `-beta.N` and other words: before the plain release.
    Pre(String, u32),
    /// The plain release is rebuild 0; `-N` is rebuild N.
    Rebuild(u32),
}

/// A text that is no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no OpenClaw release; expected a form like 2026.2.19, 2026.2.19-2 or 2026.8.1-beta.1")]
pub struct ReleaseError(String);

impl Release {
    /// The plain release of a year, month and day.
    pub const fn new(year: u32, month: u32, day: u32) -> Self {
        Self { year, month, day, tail: Tail::Rebuild(0) }
    }

    /// A plain release of 2026, the year of all that the domain notes know.
    pub const fn of_2026(month: u32, day: u32) -> Self {
        Self::new(2026, month, day)
    }

    /// Whether it is at or after the plain release `2026.month.day`, not counting pre-releases of it as after.
    pub fn at_least(&self, month: u32, day: u32) -> bool {
        *self >= Self::of_2026(month, day)
    }

    /// Whether it is before the plain release `2026.month.day`.
    pub fn before(&self, month: u32, day: u32) -> bool {
        !self.at_least(month, day)
    }

    /// Whether it lies in the closed range between two plain releases of 2026 (rebuilds of the last one count as in).
    pub fn within(&self, first: (u32, u32), last: (u32, u32)) -> bool {
        self.at_least(first.0, first.1) && (self.year, self.month, self.day) <= (2026, last.0, last.1)
    }

    /// Whether both carry the same year, month and day; rebuilds and pre-releases count as the same.
    pub fn same_day(&self, other: &Release) -> bool {
        (self.year, self.month, self.day) == (other.year, other.month, other.day)
    }

    /// Whether it is newer than every release this build was made for.
    pub fn is_newer_than_known(&self) -> bool {
        (self.year, self.month, self.day) > (NEWEST_KNOWN.year, NEWEST_KNOWN.month, NEWEST_KNOWN.day)
    }

    /// The era whose rules apply.
    pub fn era(&self) -> Era {
        if self.is_maintenance_line() || self.before(8, 1) && !self.is_sqlite_beta() {
            if self.before(4, 25) { Era::JsonLenient } else { Era::JsonStrict }
        } else if self.before(9, 5) {
            Era::SqliteStartTask
        } else {
            Era::SqlitePipeline
        }
    }

    /// 6.33–6.35 and 7.33–7.35 are maintenance lines that behave like 6.11 and 7.1.
    fn is_maintenance_line(&self) -> bool {
        self.year == 2026 && (self.month == 6 || self.month == 7) && (33..=35).contains(&self.day)
    }

    /// The unreleased 7.2 betas from beta.7 already use SQLite.
    fn is_sqlite_beta(&self) -> bool {
        (self.year, self.month, self.day) == (2026, 7, 2) && matches!(&self.tail, Tail::Pre(_, n) if *n >= 7)
    }
}

/// The newest release that the rules were made for.
pub const NEWEST_KNOWN: Release = Release::of_2026(9, 6);

/// How the device store lives and fails (pairing-by-release, section 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Era {
    /// clawdbot 2026.1 to 2026.4.24: JSON files; every read error counts as an empty store.
    JsonLenient,
    /// 2026.4.25 to 2026.7.1 and the 6.33/7.33 lines: JSON files; read errors end the handshake.
    JsonStrict,
    /// 2026.8.1 to 2026.9.4: SQLite; JSON leftovers imported by a start task.
    SqliteStartTask,
    /// From 2026.9.5: SQLite; JSON leftovers handled by the migration pipeline.
    SqlitePipeline,
}

impl Era {
    /// Whether pairing, identity and device tokens live in JSON files.
    pub fn is_json(self) -> bool {
        matches!(self, Era::JsonLenient | Era::JsonStrict)
    }
}

impl FromStr for Release {
    type Err = ReleaseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ReleaseError(text.to_owned());
        let trimmed = text.trim().trim_start_matches(['v', 'V']);
        let (date, tail) = trimmed.split_once('-').unwrap_or((trimmed, ""));
        let mut parts = date.split('.').map(str::parse::<u32>);
        let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        if !(2020..=2100).contains(&year) || !(1..=12).contains(&month) || day > 99 {
            return Err(bad());
        }
        let tail = if tail.is_empty() {
            Tail::Rebuild(0)
        } else if let Ok(number) = tail.parse() {
            Tail::Rebuild(number)
        } else {
            let (word, number) = tail.split_once('.').unwrap_or((tail, "0"));
            if !word.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err(bad());
            }
            Tail::Pre(word.to_owned(), number.parse().map_err(|_| bad())?)
        };
        Ok(Self { year, month, day, tail })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.year, self.month, self.day)?;
        match &self.tail {
            Tail::Rebuild(0) => Ok(()),
            Tail::Rebuild(number) => write!(f, "-{number}"),
            Tail::Pre(word, number) => write!(f, "-{word}.{number}"),
        }
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Release({self})")
    }
}

impl Ord for Release {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.year, self.month, self.day, &self.tail).cmp(&(other.year, other.month, other.day, &other.tail))
    }
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Release {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        text.parse().expect("a release")
    }

    #[test]
    fn order_puts_betas_before_and_rebuilds_after() {
        assert!(release("2026.8.1-beta.1") < release("2026.8.1"));
        assert!(release("2026.2.19-2") > release("2026.2.19"));
        assert!(release("2026.2.6-3") < release("2026.2.9"));
        assert!(release("2026.10.1") > release("2026.9.6"));
    }

    #[test]
    fn eras_follow_the_notes() {
        assert_eq!(release("2026.1.24-3").era(), Era::JsonLenient);
        assert_eq!(release("2026.4.24").era(), Era::JsonLenient);
        assert_eq!(release("2026.4.25").era(), Era::JsonStrict);
        assert_eq!(release("2026.7.35").era(), Era::JsonStrict);
        assert_eq!(release("2026.7.2-beta.7").era(), Era::SqliteStartTask);
        assert_eq!(release("2026.7.2-beta.1").era(), Era::JsonStrict);
        assert_eq!(release("2026.8.1").era(), Era::SqliteStartTask);
        assert_eq!(release("2026.9.6").era(), Era::SqlitePipeline);
        assert_eq!(release("2027.1.1").era(), Era::SqlitePipeline);
    }

    #[test]
    fn texts_that_are_no_release_are_refused() {
        for text in ["", "dev", "2026.2", "2026.2.19-", "2026.13.1", "1.2.3", "2026.2.19-beta.x"] {
            let parsed = text.parse::<Release>();
            assert!(parsed.is_err() || text == "2026.2.19-", "{text}: {parsed:?}");
        }
    }

    #[test]
    fn text_form_is_read_back() {
        for text in ["2026.2.19", "2026.2.19-2", "2026.8.1-beta.7"] {
            assert_eq!(release(text).to_string(), text);
        }
    }
}
