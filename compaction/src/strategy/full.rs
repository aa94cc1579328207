//! Full compaction: everything to the highest level.
//!
//! Answers to `CompactStrategy.pickFullCompaction`.

use alluvium_merge_tree::LevelSortedRun;

use super::unit::{CompactUnit, UnitTask};
use super::universal::max_level;

/// Everything, to the highest level; `None` when it is there already. With `Rewriting::AllFiles`
/// each file that is there already is rewritten.
pub fn full_compaction(runs: &[LevelSortedRun], num_levels: usize, rewriting: Rewriting) -> Option<CompactUnit> {
    let max_level = max_level(num_levels);
    match runs {
        [] => None,
        [only] if only.level == max_level => match rewriting {
            Rewriting::WhereNeeded => None,
            Rewriting::AllFiles => {
                let files = only.run.files().to_vec();
                Some(CompactUnit { output_level: max_level, files, task: UnitTask::RewriteEach })
            }
        },
        _ => Some(CompactUnit::merge(max_level, runs)),
    }
}

/// `compaction.force-rewrite-all-files`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Rewriting {
    /// Files that need no merge are moved to their level by their metadata.
    #[default]
    WhereNeeded,
    /// Every file is read and written again.
    AllFiles,
}
