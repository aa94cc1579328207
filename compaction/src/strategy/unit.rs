//! A unit of compaction: the files taken and the level they go to.
//!
//! Answers to `org.apache.paimon.compact.CompactUnit`, and to the checks of `MergeTreeCompactManager.triggerCompaction`.

use alluvium_format::DataFileMeta;
use alluvium_merge_tree::LevelSortedRun;

/// Files to compact together.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactUnit {
    /// The level of what comes out, 1 or higher.
    pub output_level: i32,
    /// The files of the runs taken, newest run first.
    pub files: Vec<DataFileMeta>,
    /// What is done to them.
    pub task: UnitTask,
}

/// What is done to the files of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitTask {
    /// They are merged with each other.
    Merge,
    /// Each is rewritten for itself: they lie on the highest level and nothing is left to merge.
    RewriteEach,
}

/// How rows of higher levels that are no more come to be known: `deletion-vectors.enabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DeletionMode {
    /// By the newer record of their key, which may be one that retracts.
    #[default]
    Records,
    /// By deletion vectors.
    Vectors,
}

/// What becomes of records that retract when files are rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retractions {
    /// They stay, as there may be older records of their keys.
    Kept,
    /// They are left out.
    Dropped,
}

impl CompactUnit {
    /// Merges all files of `runs`.
    pub fn merge(output_level: i32, runs: &[LevelSortedRun]) -> Self {
        let files = runs.iter().flat_map(|run| run.run.files()).cloned().collect();
        Self { output_level, files, task: UnitTask::Merge }
    }

    /// Whether compacting changes anything: there are several files, or the one is not yet on its level.
    pub fn is_worthwhile(&self) -> bool {
        match &self.files[..] {
            [] => false,
            [file] => file.level != self.output_level,
            _ => true,
        }
    }
}

impl Retractions {
    /// What becomes of them in a compaction to `output_level`: they are dropped when nothing older lies above or beside it, or vectors
    /// say what of it is deleted. `highest_level` is the highest level with a file before the compaction.
    pub fn of(output_level: i32, highest_level: Option<usize>, mode: DeletionMode) -> Self {
        let drops = match (usize::try_from(output_level), highest_level) {
            (Ok(0) | Err(_), _) => false,
            (Ok(_), None) => true,
            (Ok(output), Some(highest)) => output >= highest || mode == DeletionMode::Vectors,
        };
        if drops { Self::Dropped } else { Self::Kept }
    }
}
