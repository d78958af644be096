//! Refused connections over time, in a bounded number of equal intervals, whatever the length of the log.

use super::rejection::Rejection;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most intervals that are kept; when more are needed, the width doubles.
const MAX_INTERVALS: usize = 512;

/// Refusals by reason per interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Histogram {
    /// Width of an interval in seconds.
    width_seconds: i64,
    /// Start of the interval (seconds since 1970, a multiple of the width) → reason → count.
    intervals: BTreeMap<i64, BTreeMap<Rejection, u64>>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { width_seconds: 60, intervals: BTreeMap::new() }
    }
}

impl Histogram {
    /// Counts one refusal.
    pub fn add(&mut self, time: Timestamp, rejection: Rejection) {
        let start = time.as_second().div_euclid(self.width_seconds) * self.width_seconds;
        *self.intervals.entry(start).or_default().entry(rejection).or_default() += 1;
        while self.intervals.len() > MAX_INTERVALS {
            self.widen(self.width_seconds * 2);
        }
    }

    /// Width of an interval in seconds.
    pub fn width_seconds(&self) -> i64 {
        self.width_seconds
    }

    /// The intervals with refusals, oldest first: start, and counts by reason.
    pub fn intervals(&self) -> impl Iterator<Item = (Timestamp, &BTreeMap<Rejection, u64>)> {
        self.intervals.iter().filter_map(|(start, counts)| Some((Timestamp::from_second(*start).ok()?, counts)))
    }

    /// The same counts in at most `most` intervals between the first and the last refusal.
    pub fn at_most(&self, most: usize) -> Histogram {
        let mut shown = self.clone();
        let span = |shown: &Histogram| {
            let (first, last) = (shown.intervals.keys().next(), shown.intervals.keys().next_back());
            first.zip(last).map_or(0, |(first, last)| last.saturating_sub(*first) / shown.width_seconds.max(1) + 1)
        };
        while usize::try_from(span(&shown)).is_ok_and(|span| span > most.max(1)) {
            shown.widen(shown.width_seconds.max(1).saturating_mul(2));
        }
        shown
    }

    fn widen(&mut self, width_seconds: i64) {
        let mut wider: BTreeMap<i64, BTreeMap<Rejection, u64>> = BTreeMap::new();
        for (start, counts) in std::mem::take(&mut self.intervals) {
            let slot = wider.entry(start.div_euclid(width_seconds) * width_seconds).or_default();
            for (rejection, count) in counts {
                *slot.entry(rejection).or_default() += count;
            }
        }
        *self = Self { width_seconds, intervals: wider };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_refusal_is_lost_however_the_intervals_widen(seconds in prop::collection::vec(0_i64..4_000_000_000, 1..700)) {
            let mut histogram = Histogram::default();
            for second in &seconds {
                histogram.add(Timestamp::from_second(*second).expect("in range"), Rejection::NotPaired);
            }
            let total = |histogram: &Histogram| histogram.intervals().flat_map(|(_, counts)| counts.values()).sum::<u64>();
            prop_assert!(histogram.intervals().count() <= MAX_INTERVALS);
            prop_assert_eq!(total(&histogram), seconds.len() as u64);
            let narrow = histogram.at_most(24);
            prop_assert!(narrow.intervals().count() <= 24);
            prop_assert_eq!(total(&narrow), seconds.len() as u64);
        }
    }
}
