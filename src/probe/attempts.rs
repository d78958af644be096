//! Keeps wrong secrets below the gateway's limiter, which closes after 10 failures in 60 seconds (2026.2.17 and later, where
//! configured; from 2026.5.26 always for remote addresses).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Most secrets that a gateway may refuse within [`WINDOW`].
const MOST: usize = 3;

/// The window of the gateway's limiter.
const WINDOW: Duration = Duration::from_secs(60);

/// Counts refused secrets. One budget serves a whole program run, also where the probe is run again and again
/// (`--wait`).
#[derive(Debug, Default)]
pub struct AttemptBudget {
    refused: VecDeque<Instant>,
}

impl AttemptBudget {
    /// Whether one more secret may be tried.
    pub fn allows(&mut self, now: Instant) -> bool {
        while self.refused.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
            self.refused.pop_front();
        }
        self.refused.len() < MOST
    }

    /// A secret was refused, or its fate is not known.
    pub fn spend(&mut self, now: Instant) {
        self.refused.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_in_a_minute_and_no_more() {
        let mut budget = AttemptBudget::default();
        let start = Instant::now();
        for second in 0..3 {
            assert!(budget.allows(start + Duration::from_secs(second)));
            budget.spend(start + Duration::from_secs(second));
        }
        assert!(!budget.allows(start + Duration::from_secs(59)));
        assert!(budget.allows(start + Duration::from_secs(60)));
        budget.spend(start + Duration::from_secs(60));
        assert!(!budget.allows(start + Duration::from_millis(60_500)));
        assert!(budget.allows(start + Duration::from_secs(61)));
    }
}
