//! How long a stream waits before it looks for a new snapshot again.
//!
//! Invariants: it is shortest behind a snapshot, doubles with each look that finds none, and is never longer than its bound: a look comes at
//! the latest when the table has been still for twice as long as before it.

use std::time::Duration;

/// The first wait behind a snapshot.
const SHORTEST: Duration = Duration::from_millis(20);
/// The longest wait where nobody says another: what is missed by notifications is found a second late.
pub(crate) const LONGEST: Duration = Duration::from_secs(1);
/// What the runtime's timer can tell apart.
const TICK: Duration = Duration::from_millis(1);

/// The waits between looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollInterval {
    next: Duration,
    longest: Duration,
}

impl PollInterval {
    /// Waits up to `longest`.
    pub(crate) fn up_to(longest: Duration) -> Self {
        let longest = longest.max(TICK);
        Self { next: SHORTEST.min(longest), longest }
    }

    /// A snapshot was found.
    pub(crate) fn restart(&mut self) {
        *self = Self::up_to(self.longest);
    }

    /// How long to wait now.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, LONGEST, PollInterval};

    fn waits(interval: &mut PollInterval, count: usize) -> Vec<u128> {
        (0..count).map(|_| interval.wait().as_millis()).collect()
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut interval = PollInterval::up_to(LONGEST);
        assert_eq!(waits(&mut interval, 8), [20, 40, 80, 160, 320, 640, 1000, 1000]);
    }

    #[test]
    fn a_snapshot_makes_them_short_again() {
        let mut interval = PollInterval::up_to(LONGEST);
        waits(&mut interval, 8);
        interval.restart();
        assert_eq!(waits(&mut interval, 2), [20, 40]);
    }

    #[test]
    fn none_is_longer_than_it_may_be_or_nothing() {
        for (longest, wanted) in [(0, [1, 1, 1]), (5, [5, 5, 5]), (30, [20, 30, 30])] {
            assert_eq!(waits(&mut PollInterval::up_to(Duration::from_millis(longest)), 3), wanted);
        }
        let mut interval = PollInterval::up_to(Duration::MAX);
        assert!((0..200).map(|_| interval.wait()).is_sorted(), "it runs over");
    }
}
