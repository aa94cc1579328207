//! Full compactions before their time: by the clock, and by sizes.
//!
//! Goes in: the runs of a bucket, the time, and when it was last compacted fully. Comes out: whether to take all runs now. One run is
//! left alone. Answers to `org.apache.paimon.mergetree.compact.EarlyFullCompaction`.

use alluvium_format::Result;
use alluvium_format::options::CoreOptions;
use alluvium_merge_tree::LevelSortedRun;

use super::universal::run_bytes;

/// When to compact fully whatever the other rules say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EarlyFullCompaction {
    /// `compaction.optimization-interval`: so long after the last one. The first is due at once.
    pub interval_millis: Option<u64>,
    /// `compaction.total-size-threshold`: while all runs together are smaller.
    pub total_size_threshold: Option<u64>,
    /// `compaction.incremental-size-threshold`: when the runs below the highest level are larger.
    pub incremental_size_threshold: Option<u64>,
}

impl EarlyFullCompaction {
    /// Those of a table.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn new(options: &CoreOptions) -> Result<Self> {
        Ok(Self {
            interval_millis: options.compaction_optimization_interval_millis()?,
            total_size_threshold: options.compaction_total_size_threshold()?,
            incremental_size_threshold: options.compaction_incremental_size_threshold()?,
        })
    }

    /// Whether to take all runs, at `now_millis`, when they were last taken at `last_millis`.
    pub fn is_due(&self, runs: &[LevelSortedRun], max_level: i32, now_millis: i64, last_millis: Option<i64>) -> bool {
        if runs.len() == 1 {
            return false;
        }
        let total = || runs.iter().map(run_bytes).sum::<i128>();
        let incremental = || runs.iter().filter(|run| run.level != max_level).map(run_bytes).sum::<i128>();
        let has_passed = |interval: u64| {
            last_millis.is_none_or(|last| i128::from(now_millis) - i128::from(last) > i128::from(interval))
        };
        self.interval_millis.is_some_and(has_passed)
            || self.total_size_threshold.is_some_and(|threshold| total() < i128::from(threshold))
            || self.incremental_size_threshold.is_some_and(|threshold| incremental() > i128::from(threshold))
    }
}
