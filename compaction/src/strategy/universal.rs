//! Universal compaction: fewer runs at the least writing.
//!
//! Goes in: the runs of a bucket, newest first. Comes out: the newest runs, as many as the rules say, and their output level. The
//! rules, in order, of which the first that fires decides:
//!
//! 1. early full compaction, where the table asks for it: take all;
//! 2. size amplification: all runs but the oldest are more than 200 % of the oldest: take all;
//! 3. size ratio: from the newest on, take the next run while what is taken is not more than 1 % smaller than it;
//! 4. file number: with more runs than the trigger, take so many that the trigger is met, and go on as in 3.
//!
//! Rules 2 and 3 wait until there are as many runs as the trigger. `L0: 1 1 2; L3: 50` with a trigger of 4 takes level 0 to level 2.
//! Answers to `org.apache.paimon.mergetree.compact.UniversalCompaction` of Paimon 1.4.2; later ones take adjacent level 1 runs too.

use alluvium_format::Result;
use alluvium_format::options::CoreOptions;
use alluvium_merge_tree::LevelSortedRun;

use super::early_full::EarlyFullCompaction;
use super::off_peak::OffPeakHours;
use super::pick::{PickState, PickTime};
use super::unit::CompactUnit;

/// The rules with their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniversalCompaction {
    /// `compaction.max-size-amplification-percent`.
    pub max_size_amplification_percent: u64,
    /// `compaction.size-ratio`.
    pub size_ratio_percent: u64,
    /// `num-sorted-run.compaction-trigger`.
    pub run_count_trigger: usize,
    /// When to take all runs whatever the other rules say.
    pub early_full: EarlyFullCompaction,
    /// When the size ratio is another one.
    pub off_peak: Option<OffPeakHours>,
}

impl Default for UniversalCompaction {
    fn default() -> Self {
        Self {
            max_size_amplification_percent: 200,
            size_ratio_percent: 1,
            run_count_trigger: 5,
            early_full: EarlyFullCompaction::default(),
            off_peak: None,
        }
    }
}

impl UniversalCompaction {
    /// The rules of a table.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn new(options: &CoreOptions) -> Result<Self> {
        Ok(Self {
            max_size_amplification_percent: options.max_size_amplification_percent()?,
            size_ratio_percent: options.size_ratio_percent()?,
            run_count_trigger: options.num_sorted_runs_compaction_trigger()?,
            early_full: EarlyFullCompaction::new(options)?,
            off_peak: OffPeakHours::of(options)?,
        })
    }

    /// What to compact now, if anything. `runs` are newest first, as `Levels::level_sorted_runs` has them. A unit may not be
    /// worthwhile: see [`CompactUnit::is_worthwhile`].
    pub fn pick(
        &self,
        runs: &[LevelSortedRun],
        num_levels: usize,
        time: PickTime,
        state: &mut PickState,
    ) -> Option<CompactUnit> {
        let max_level = max_level(num_levels);
        let count = self.count(runs, max_level, time, state.last_full_millis)?;
        Some(unit_of_newest(runs, count, max_level, time, state))
    }

    /// All of level 0, and the runs above it that are not much larger; `None` when there is nothing on level 0.
    pub fn force_level0(
        &self,
        runs: &[LevelSortedRun],
        num_levels: usize,
        time: PickTime,
        state: &mut PickState,
    ) -> Option<CompactUnit> {
        let level0 = runs.iter().take_while(|run| run.level == 0).count();
        if level0 == 0 {
            return None;
        }
        let count = self.walk_by_size(runs, level0, time);
        Some(unit_of_newest(runs, count, max_level(num_levels), time, state))
    }

    /// How many of the newest runs to take.
    fn count(
        &self,
        runs: &[LevelSortedRun],
        max_level: i32,
        time: PickTime,
        last_full_millis: Option<i64>,
    ) -> Option<usize> {
        if self.early_full.is_due(runs, max_level, time.now_millis, last_full_millis) {
            return Some(runs.len());
        }
        if runs.len() >= self.run_count_trigger {
            if self.is_amplified(runs) {
                return Some(runs.len());
            }
            let count = self.walk_by_size(runs, 1, time);
            if count > 1 {
                return Some(count);
            }
        }
        if runs.len() > self.run_count_trigger {
            let count = self.walk_by_size(runs, runs.len() - self.run_count_trigger + 1, time);
            if count > 1 {
                return Some(count);
            }
        }
        None
    }

    fn is_amplified(&self, runs: &[LevelSortedRun]) -> bool {
        let Some((oldest, newer)) = runs.split_last() else { return false };
        let newer: i128 = newer.iter().map(run_bytes).sum();
        newer * 100 > i128::from(self.max_size_amplification_percent) * run_bytes(oldest)
    }

    /// How many of the newest runs to take when `count` of them are taken already.
    fn walk_by_size(&self, runs: &[LevelSortedRun], count: usize, time: PickTime) -> usize {
        let off_peak = self.off_peak.map_or(0, |hours| hours.ratio_percent_at(time.local_hour));
        let percent = 100 + i128::from(self.size_ratio_percent) + i128::from(off_peak);
        let mut count = count.min(runs.len());
        let mut bytes: i128 = runs.iter().take(count).map(run_bytes).sum();
        for next in runs.iter().skip(count) {
            // Java divides in floating point; multiplied out, the comparison is exact.
            if bytes * percent < run_bytes(next) * 100 {
                break;
            }
            bytes += run_bytes(next);
            count += 1;
        }
        count
    }
}

/// The highest level of `num_levels`.
pub(super) fn max_level(num_levels: usize) -> i32 {
    i32::try_from(num_levels.saturating_sub(1)).unwrap_or(i32::MAX)
}

/// The unit of the `count` newest runs: it goes to the level below the next run, or the highest. Where that is level 0, runs are
/// added up to the first above level 0. Taking all runs is noted.
fn unit_of_newest(
    runs: &[LevelSortedRun],
    count: usize,
    max_level: i32,
    time: PickTime,
    state: &mut PickState,
) -> CompactUnit {
    let mut count = count.min(runs.len());
    let mut output_level = match runs.get(count) {
        None => max_level,
        Some(next) => (next.level - 1).max(0),
    };
    while output_level == 0
        && let Some(next) = runs.get(count)
    {
        count += 1;
        output_level = next.level;
    }
    if count == runs.len() {
        output_level = max_level;
        state.last_full_millis = Some(time.now_millis);
    }
    CompactUnit::merge(output_level, runs.get(..count).unwrap_or(runs))
}

pub(super) fn run_bytes(run: &LevelSortedRun) -> i128 {
    i128::from(run.run.total_bytes())
}
