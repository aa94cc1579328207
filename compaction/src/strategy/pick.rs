//! The strategy of a table: universal compaction, or universal compaction that leaves nothing on level 0.
//!
//! Goes in: the runs of a bucket, the moment, and what earlier picks of the bucket left. Comes out: a unit. Tables that look up compact
//! level 0 at every chance (`lookup-compact = radical`) or at every so many chances that the rules let go by (`gentle`), as their
//! rows are complete, and their changes made, only then. Answers to `org.apache.paimon.mergetree.compact.ForceUpLevel0Compaction`
//! and to `MergeTreeCompactManagerFactory.createCompactStrategy`.

use alluvium_format::Result;
use alluvium_format::options::{CoreOptions, LookupCompactMode};
use alluvium_merge_tree::LevelSortedRun;

use super::unit::CompactUnit;
use super::universal::UniversalCompaction;

/// Milliseconds of an hour.
const HOUR_MILLIS: i64 = 3_600_000;

/// Whether files may stay on level 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level0 {
    /// As the rules say.
    MayStay,
    /// Not once there is a pick.
    ForcedUp,
    /// As the rules say, until so many picks in a row found nothing to do.
    ForcedUpAfter(usize),
}

/// What is picked in the buckets of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactStrategy {
    /// The rules that go first.
    pub universal: UniversalCompaction,
    /// What is done when they find nothing.
    pub level0: Level0,
}

/// When something is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PickTime {
    /// Milliseconds since 1970.
    pub now_millis: i64,
    /// The hour of the local wall clock.
    pub local_hour: i32,
}

/// What the picks of a bucket leave for those after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PickState {
    /// When all runs were last taken.
    pub last_full_millis: Option<i64>,
    /// Picks that found nothing since level 0 was last forced up.
    pub idle_picks: usize,
}

impl PickTime {
    /// The moment of these clocks, the second of which shows local time as if it were UTC.
    pub fn of(now_millis: i64, local_millis: i64) -> Self {
        let hour = local_millis.div_euclid(HOUR_MILLIS).rem_euclid(24);
        Self { now_millis, local_hour: i32::try_from(hour).unwrap_or(0) }
    }
}

impl CompactStrategy {
    /// That of a table.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn new(options: &CoreOptions) -> Result<Self> {
        let level0 = match (options.need_lookup()?, options.lookup_compact_mode()?) {
            (true, LookupCompactMode::Radical) => Level0::ForcedUp,
            (true, LookupCompactMode::Gentle) => Level0::ForcedUpAfter(options.lookup_compact_max_interval()?),
            (false, _) if options.compaction_force_up_level_0()? => Level0::ForcedUp,
            (false, _) => Level0::MayStay,
        };
        Ok(Self { universal: UniversalCompaction::new(options)?, level0 })
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
        if let Some(unit) = self.universal.pick(runs, num_levels, time, state) {
            return Some(unit);
        }
        match self.level0 {
            Level0::MayStay => None,
            Level0::ForcedUp => self.universal.force_level0(runs, num_levels, time, state),
            Level0::ForcedUpAfter(picks) => {
                state.idle_picks += 1;
                if state.idle_picks != picks {
                    return None;
                }
                state.idle_picks = 0;
                self.universal.force_level0(runs, num_levels, time, state)
            }
        }
    }
}
