//! Hours in which compactions may be larger.
//!
//! Answers to `org.apache.paimon.mergetree.compact.OffPeakHours`.

use alluvium_format::Result;
use alluvium_format::options::CoreOptions;

/// Hours of the day, and what they add to the size ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffPeakHours {
    start_hour: i32,
    end_hour: i32,
    ratio_percent: u64,
}

impl OffPeakHours {
    /// Those of a table; `None` when it has none.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn of(options: &CoreOptions) -> Result<Option<Self>> {
        let (start, end) = (options.compaction_offpeak_start_hour()?, options.compaction_offpeak_end_hour()?);
        Ok(Self::new(start, end, options.compaction_offpeak_ratio_percent()?))
    }

    /// From the start, inclusive, to the end, exclusive, over midnight when the end is before the start; `None` when either is -1
    /// or they are the same.
    pub fn new(start_hour: i32, end_hour: i32, ratio_percent: u64) -> Option<Self> {
        let are_set = start_hour != -1 && end_hour != -1 && start_hour != end_hour;
        are_set.then_some(Self { start_hour, end_hour, ratio_percent })
    }

    /// What the hour adds to the size ratio, percent.
    pub fn ratio_percent_at(self, hour: i32) -> u64 {
        let (starts, ends) = (self.start_hour <= hour, hour < self.end_hour);
        let is_off_peak = if self.start_hour <= self.end_hour { starts && ends } else { starts || ends };
        if is_off_peak { self.ratio_percent } else { 0 }
    }
}
