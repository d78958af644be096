//! Keeps wrong secrets below the gateway's limiter, which closes after 10 failures in 60 seconds unless configured otherwise
//! (2026.2.17 and later, where configured; from 2026.5.26 always for remote addresses).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Most secrets that a gateway may refuse within the window.
const MOST: usize = 3;

/// The window of the gateway's limiter by default.
const WINDOW: Duration = Duration::from_secs(60);

/// The limiter as configured (`gateway.auth.rateLimit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limiter {
    /// Failures that close it.
    pub max_attempts: usize,
    /// The time in which they are counted.
    pub window: Duration,
}

/// Counts refused secrets. One budget serves a whole program run, also where the probe is run again and again
/// (`--wait`).
#[derive(Debug)]
pub struct AttemptBudget {
    most: usize,
    window: Duration,
    refused: VecDeque<Instant>,
}

impl Default for AttemptBudget {
    fn default() -> Self {
        Self::new()
    }
}

impl AttemptBudget {
    /// A budget for the default limiter.
    pub const fn new() -> Self {
        Self { most: MOST, window: WINDOW, refused: VecDeque::new() }
    }

    /// Stays below this limiter from now on: at most three refusals, and one less than would close it. What was spent
    /// stays spent.
    pub fn stay_below(&mut self, limiter: Limiter) {
        self.most = MOST.min(limiter.max_attempts.saturating_sub(1));
        self.window = limiter.window.max(WINDOW);
    }

    /// Whether one more secret may be tried.
    pub fn allows(&mut self, now: Instant) -> bool {
        while self.refused.front().is_some_and(|at| now.saturating_duration_since(*at) >= self.window) {
            self.refused.pop_front();
        }
        self.refused.len() < self.most
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

    #[test]
    fn a_tighter_limiter_is_respected() {
        let start = Instant::now();
        let below = |max_attempts, window| {
            let mut budget = AttemptBudget::new();
            budget.stay_below(Limiter { max_attempts, window });
            budget
        };
        let mut tight = below(2, Duration::from_secs(600));
        assert!(tight.allows(start));
        tight.spend(start);
        assert!(!tight.allows(start + Duration::from_secs(599)));
        assert!(tight.allows(start + Duration::from_secs(600)));
        let mut tightest = below(1, WINDOW);
        assert!(!tightest.allows(start), "the first wrong secret would close it");
        let mut wide = below(100, Duration::ZERO);
        (0..3).for_each(|_| wide.spend(start));
        assert!(!wide.allows(start));
    }
}
