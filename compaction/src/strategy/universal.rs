//! Universal compaction: fewer runs at the least writing.
//!
//! Goes in: the runs of a bucket, newest first. Comes out: the newest runs, as many as the rules say, and their output level. The
//! rules, in order, of which the first that fires decides:
//!
//! 1. size amplification: all runs but the oldest are more than 200 % of the oldest: take all;
//! 2. size ratio: from the newest on, take the next run while what is taken is not more than 1 % smaller than it;
//! 3. file number: with more runs than the trigger, take so many that the trigger is met, and go on as in 2.
//!
//! Rules 1 and 2 wait until there are as many runs as the trigger. `L0: 1 1 2; L3: 50` with a trigger of 4 takes level 0 to level 2.
//! Answers to `org.apache.paimon.mergetree.compact.UniversalCompaction` of Paimon 1.4.2; later ones take adjacent level 1 runs too.

use alluvium_format::Result;
use alluvium_format::options::CoreOptions;
use alluvium_merge_tree::LevelSortedRun;

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
}

impl Default for UniversalCompaction {
    fn default() -> Self {
        Self { max_size_amplification_percent: 200, size_ratio_percent: 1, run_count_trigger: 5 }
    }
}

impl UniversalCompaction {
    /// The rules of a table.
    pub fn new(options: &CoreOptions) -> Result<Self> {
        Ok(Self {
            max_size_amplification_percent: options.max_size_amplification_percent()?,
            size_ratio_percent: options.size_ratio_percent()?,
            run_count_trigger: options.num_sorted_runs_compaction_trigger()?,
        })
    }

    /// What to compact now, if anything. `runs` are newest first, as `Levels::level_sorted_runs` has them. A unit may not be
    /// worthwhile: see [`CompactUnit::is_worthwhile`].
    pub fn pick(&self, runs: &[LevelSortedRun], num_levels: usize) -> Option<CompactUnit> {
        let max_level = max_level(num_levels);
        if runs.len() >= self.run_count_trigger {
            if self.is_amplified(runs) {
                return Some(CompactUnit::merge(max_level, runs));
            }
            let count = self.walk_by_size(runs, 1);
            if count > 1 {
                return Some(unit_of_newest(runs, count, max_level));
            }
        }
        if runs.len() > self.run_count_trigger {
            let count = self.walk_by_size(runs, runs.len() - self.run_count_trigger + 1);
            if count > 1 {
                return Some(unit_of_newest(runs, count, max_level));
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
    fn walk_by_size(&self, runs: &[LevelSortedRun], count: usize) -> usize {
        let mut count = count.min(runs.len());
        let mut bytes: i128 = runs.iter().take(count).map(run_bytes).sum();
        for next in runs.iter().skip(count) {
            // Java divides in floating point; multiplied out, the comparison is exact.
            if bytes * (100 + i128::from(self.size_ratio_percent)) < run_bytes(next) * 100 {
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
/// added up to the first above level 0.
fn unit_of_newest(runs: &[LevelSortedRun], count: usize, max_level: i32) -> CompactUnit {
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
    }
    CompactUnit::merge(output_level, runs.get(..count).unwrap_or(runs))
}

fn run_bytes(run: &LevelSortedRun) -> i128 {
    i128::from(run.run.total_bytes())
}
