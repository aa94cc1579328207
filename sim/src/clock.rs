//! A clock that tests set: every reading is one tick later than the one before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use alluvium_store::Clock;

/// A clock; clones show the same time. Local time is UTC.
#[derive(Clone, Debug)]
pub struct SimClock {
    millis: Arc<AtomicI64>,
    tick_millis: i64,
}

impl SimClock {
    /// A clock that stands at `millis`, milliseconds since 1970.
    pub fn at(millis: i64) -> Self {
        Self { millis: Arc::new(AtomicI64::new(millis)), tick_millis: 0 }
    }

    /// A clock that goes on by `tick_millis` with every reading.
    #[must_use]
    pub fn ticking(self, tick_millis: i64) -> Self {
        Self { tick_millis, ..self }
    }

    /// Puts the clock to a time, later or earlier.
    pub fn set(&self, millis: i64) {
        self.millis.store(millis, Ordering::SeqCst);
    }

    /// Puts the clock forward.
    pub fn advance(&self, millis: i64) {
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now_millis(&self) -> i64 {
        self.millis.fetch_add(self.tick_millis, Ordering::SeqCst)
    }

    fn local_millis(&self) -> i64 {
        self.now_millis()
    }

    fn millis_of_local(&self, local: i64) -> i64 {
        local
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_ticks_and_is_set() {
        let standing = SimClock::at(7);
        assert_eq!((standing.now_millis(), standing.local_millis()), (7, 7));
        let ticking = standing.clone().ticking(10);
        assert_eq!((ticking.now_millis(), ticking.local_millis(), standing.now_millis()), (7, 17, 27));
        ticking.set(100);
        ticking.advance(5);
        assert_eq!(standing.now_millis(), 105);
    }
}
