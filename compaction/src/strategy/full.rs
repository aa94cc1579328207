//! Full compaction: everything to the highest level.
//!
//! Answers to `CompactStrategy.pickFullCompaction`.

use alluvium_format::DataFileMeta;
use alluvium_merge_tree::LevelSortedRun;

use super::unit::{CompactUnit, UnitTask};
use super::universal::max_level;

/// Everything, to the highest level. When it is there already, the files that `is_due` says are each rewritten: `None` when there are
/// none.
pub fn full_compaction(
    runs: &[LevelSortedRun],
    num_levels: usize,
    is_due: impl Fn(&DataFileMeta) -> bool,
) -> Option<CompactUnit> {
    let max_level = max_level(num_levels);
    match runs {
        [] => None,
        [only] if only.level == max_level => {
            let files: Vec<DataFileMeta> = only.run.files().iter().filter(|file| is_due(file)).cloned().collect();
            let unit = CompactUnit { output_level: max_level, files, task: UnitTask::RewriteEach };
            (!unit.files.is_empty()).then_some(unit)
        }
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
