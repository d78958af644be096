//! Ranges of releases in signature files, e.g. `2026.2.19..2026.2.21`, `..2026.7.35`, `2026.8.1..`.

use crate::model::Release;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A closed range of releases; either end may be open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRange {
    first: Option<Release>,
    last: Option<Release>,
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no range of releases; expected a form like `2026.2.19..2026.2.21`, `2026.8.1..` or `..2026.7.35`")]
pub struct RangeError(String);

impl ReleaseRange {
    /// Whether a release lies in the range. Rebuilds of the last release count as in.
    pub fn holds(&self, release: &Release) -> bool {
        let after = self.first.as_ref().is_none_or(|first| release >= first);
        let before = self.last.as_ref().is_none_or(|last| release <= last || release.same_day(last));
        after && before
    }

    /// Whether both ends are open.
    pub fn is_all(&self) -> bool {
        self.first.is_none() && self.last.is_none()
    }
}

impl FromStr for ReleaseRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || RangeError(text.to_owned());
        let end = |part: &str| match part.trim() {
            "" => Ok(None),
            part => part.parse::<Release>().map(Some).map_err(|_| bad()),
        };
        let (first, last) = text.split_once("..").ok_or_else(bad)?;
        Ok(Self { first: end(first)?, last: end(last)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: &str, release: &str) -> bool {
        range.parse::<ReleaseRange>().expect("a range").holds(&release.parse().expect("a release"))
    }

    #[test]
    fn ends_are_closed_and_rebuilds_belong_to_their_day() {
        assert!(holds("2026.2.19..2026.2.21", "2026.2.19"));
        assert!(holds("2026.2.19..2026.2.21", "2026.2.21-2"));
        assert!(!holds("2026.2.19..2026.2.21", "2026.2.22"));
        assert!(!holds("2026.8.1..", "2026.8.1-beta.1"));
        assert!(holds("..2026.7.35", "2026.1.24-3"));
        assert!(holds("..", "2030.1.1"));
    }

    #[test]
    fn other_texts_are_refused() {
        assert!("2026.2.19".parse::<ReleaseRange>().is_err());
        assert!("x..y".parse::<ReleaseRange>().is_err());
    }
}
