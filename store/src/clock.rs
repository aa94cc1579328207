//! The time: an argument of whatever needs it, so that tests can hold it.

use std::fmt;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn now_millis(&self) -> i64;

    /// Milliseconds of the local wall clock as if it were UTC: what Paimon keeps as a file's creation time.
    fn local_millis(&self) -> i64;
}

/// The machine's clock and zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_millis(&self) -> i64 {
        chrono::Local::now().timestamp_millis()
    }

    fn local_millis(&self) -> i64 {
        let now = chrono::Local::now();
        now.timestamp_millis() + i64::from(now.offset().local_minus_utc()) * 1000
    }
}
