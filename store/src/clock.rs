//! The time: an argument of whatever needs it, so that tests can hold it.

use std::fmt;

use chrono::TimeZone;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn now_millis(&self) -> i64;

    /// Milliseconds of the local wall clock as if it were UTC: what Paimon keeps as a file's creation time.
    fn local_millis(&self) -> i64;

    /// Milliseconds since 1970 when the local wall clock shows `local` milliseconds as if it were UTC: the earlier moment where it shows that
    /// twice, and where it never does the one when it went forward over it.
    fn millis_of_local(&self, local: i64) -> i64;
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

    fn millis_of_local(&self, local: i64) -> i64 {
        let Some(shown) = chrono::DateTime::from_timestamp_millis(local).map(|time| time.naive_utc()) else {
            return local;
        };
        let of_zone = |time: chrono::NaiveDateTime| chrono::Local.from_local_datetime(&time).earliest();
        let an_hour = chrono::TimeDelta::hours(1);
        match of_zone(shown).or_else(|| of_zone(shown - an_hour).map(|time| time + an_hour)) {
            Some(time) => time.timestamp_millis(),
            None => local,
        }
    }
}
