//! The windows that a time is in.
//!
//! Goes in: a time, milliseconds since 1970. Comes out: windows, by their start. Windows are aligned with 1970, moved by an offset.

use std::time::Duration;

use alluvium_format::{Error, Result};

/// A span of time: from its start to before its end, milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeWindow {
    /// The last time that is not in it any more. First, so that windows are ordered by when they are complete.
    pub end: i64,
    /// The first time in it.
    pub start: i64,
}

impl TimeWindow {
    /// Whether nothing comes for it any more.
    #[must_use]
    pub fn is_complete(self, watermark: i64) -> bool {
        self.end - 1 <= watermark
    }
}

/// How windows follow each other, whatever is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAssigner {
    size: i64,
    /// What lies between the starts of two windows.
    slide: i64,
    /// Of windows that grow to their size: by how much.
    step: Option<i64>,
    offset: i64,
}

impl WindowAssigner {
    /// One behind the other.
    ///
    /// # Errors
    /// `Invalid` for a size below a millisecond.
    pub fn tumbling(size: Duration) -> Result<Self> {
        Self::sliding(size, size)
    }

    /// A new one with each slide.
    ///
    /// # Errors
    /// `Invalid` for a size or a slide below a millisecond.
    pub fn sliding(size: Duration, slide: Duration) -> Result<Self> {
        Ok(Self { size: millis("size", size)?, slide: millis("slide", slide)?, step: None, offset: 0 })
    }

    /// One behind the other as `tumbling`; each is complete once after each step, with all that was in it so far.
    ///
    /// # Errors
    /// `Invalid` for a step below a millisecond, or that the size is no multiple of.
    pub fn cumulate(step: Duration, size: Duration) -> Result<Self> {
        let (step, size) = (millis("step", step)?, millis("size", size)?);
        if size % step != 0 {
            return Err(Error::invalid(format!("a window of {size} ms cannot grow by {step} ms: give a multiple")));
        }
        Ok(Self { size, slide: size, step: Some(step), offset: 0 })
    }

    /// The same, so much later: windows of a day that begin at another hour than those of UTC, say.
    #[must_use]
    pub fn with_offset(mut self, offset_millis: i64) -> Self {
        self.offset = offset_millis;
        self
    }

    /// Hands on every window that a time is in.
    pub(crate) fn each(&self, time: i64, to: &mut dyn FnMut(TimeWindow)) {
        let last = time.saturating_sub(time.saturating_sub(self.offset).rem_euclid(self.slide));
        let window = |start: i64, size: i64| TimeWindow { end: start.saturating_add(size), start };
        if let Some(step) = self.step {
            let grown = time.saturating_sub(last) / step * step;
            let sizes = (1..).map(|number| grown + number * step).take_while(|size| *size <= self.size);
            return sizes.for_each(|size| to(window(last, size)));
        }
        let starts = std::iter::successors(Some(last), |start| start.checked_sub(self.slide));
        starts.map(|start| window(start, self.size)).take_while(|window| window.end > time).for_each(to);
    }
}

fn millis(what: &str, duration: Duration) -> Result<i64> {
    let millis = i64::try_from(duration.as_millis()).ok().filter(|millis| (1..=MILLIS_MAX).contains(millis));
    millis.ok_or_else(|| Error::invalid(format!("the {what} of a window is {duration:?}: it is 1 ms to 10,000 years")))
}

const MILLIS_MAX: i64 = 10_000 * 366 * 24 * 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(assigner: WindowAssigner, time: i64) -> Vec<(i64, i64)> {
        let mut found = Vec::new();
        assigner.each(time, &mut |window| found.push((window.start, window.end)));
        found
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn tumbling_windows_lie_behind_each_other() {
        let assigner = WindowAssigner::tumbling(ms(10)).unwrap();
        for (time, start) in [(0, 0), (9, 0), (10, 10), (-1, -10), (-10, -10), (-11, -20)] {
            assert_eq!(windows(assigner, time), [(start, start + 10)], "{time}");
        }
        assert_eq!(windows(assigner.with_offset(3), 2), [(-7, 3)]);
        assert_eq!(windows(assigner.with_offset(3), 3), [(3, 13)]);
    }

    #[test]
    fn a_time_is_in_every_window_that_slides_over_it() {
        let assigner = WindowAssigner::sliding(ms(10), ms(4)).unwrap();
        assert_eq!(windows(assigner, 9), [(8, 18), (4, 14), (0, 10)]);
        assert_eq!(windows(assigner, 10), [(8, 18), (4, 14)]);
        // Between windows that lie apart a time is in none.
        let apart = WindowAssigner::sliding(ms(2), ms(5)).unwrap();
        assert_eq!(windows(apart, 6), [(5, 7)]);
        assert_eq!(windows(apart, 7), []);
    }

    #[test]
    fn cumulating_windows_grow() {
        let assigner = WindowAssigner::cumulate(ms(5), ms(15)).unwrap();
        assert_eq!(windows(assigner, 16), [(15, 20), (15, 25), (15, 30)]);
        assert_eq!(windows(assigner, 29), [(15, 30)]);
        assert!(WindowAssigner::cumulate(ms(4), ms(15)).is_err());
    }

    #[test]
    fn the_ends_of_time_are_in_windows_too() {
        let assigner = WindowAssigner::sliding(ms(10), ms(4)).unwrap();
        for time in [i64::MIN, i64::MIN + 7, i64::MAX - 11, i64::MAX] {
            assert!(windows(assigner, time).len() <= 3, "{time}");
        }
    }

    #[test]
    fn no_window_is_shorter_than_a_millisecond() {
        let error = WindowAssigner::tumbling(Duration::from_micros(999)).unwrap_err();
        assert!(error.to_string().contains("size"), "{error}");
    }
}
