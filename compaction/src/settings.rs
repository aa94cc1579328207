//! What the compactions of a table go by, and how many of them go on at a time.
//!
//! Goes in: a table with its options. Comes out: units and plans for the levels of its buckets. Answers to the parts of
//! `KeyValueFileStoreWrite` that make a `MergeTreeCompactManager`.

use std::num::NonZero;
use std::sync::Arc;

use alluvium_format::{DataType, Result};
use alluvium_merge_tree::{Levels, MergeOptions};
use alluvium_store::TableStore;
use tokio::sync::Semaphore;

use crate::strategy::{
    CompactPlan, CompactRules, CompactUnit, Rewriting, UniversalCompaction, drops_deletes, full_compaction,
};

/// What is to be compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picking {
    /// What the rules of universal compaction pick.
    Universal,
    /// Everything, to the highest level.
    Full,
}

/// What the compactions of a table go by.
#[derive(Debug)]
pub struct CompactSettings {
    pub(crate) table: TableStore,
    pub(crate) merge: MergeOptions,
    /// One permit for each compaction that may have files open.
    pub(crate) open: Semaphore,
    key_types: Vec<DataType>,
    universal: UniversalCompaction,
    rewriting: Rewriting,
    small_file_bytes: i64,
    num_levels: usize,
    stop_trigger: usize,
}

impl CompactSettings {
    /// Those of a table.
    ///
    /// # Errors
    /// `Unsupported` for another merge engine than deduplicate; `Invalid` for a wrong option.
    pub fn of(table: &TableStore) -> Result<Arc<Self>> {
        let (schema, options) = (table.schema(), table.options());
        let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let all_files = options.force_rewrite_all_files()?;
        Ok(Arc::new(Self {
            merge: MergeOptions::new(schema, options)?,
            open: Semaphore::new(threads.get()),
            key_types: schema.key_types(),
            universal: UniversalCompaction::new(options)?,
            rewriting: if all_files { Rewriting::AllFiles } else { Rewriting::WhereNeeded },
            small_file_bytes: CompactRules::small_file_bytes_of(options.target_file_bytes(schema)?),
            num_levels: options.num_levels()?,
            stop_trigger: options.num_sorted_runs_stop_trigger()?,
            table: table.clone(),
        }))
    }

    /// The table.
    pub fn table(&self) -> &TableStore {
        &self.table
    }

    /// How records of the table merge.
    pub fn merge(&self) -> &MergeOptions {
        &self.merge
    }

    /// How many runs a bucket may have before its writer waits for compaction.
    pub(crate) fn stop_trigger(&self) -> usize {
        self.stop_trigger
    }

    /// The levels of a bucket with these files.
    ///
    /// # Errors
    /// `Corrupt` when files of one level overlap.
    pub(crate) fn levels(&self, files: Vec<alluvium_format::DataFileMeta>) -> Result<Levels> {
        Levels::restore(files, &self.key_types, self.num_levels)
    }

    /// What to do to the levels now; `None` when there is nothing to do, or a file has a newer schema: rewriting it as the schema at
    /// hand would lose its new columns.
    ///
    /// # Errors
    /// `Corrupt` when a file's key range cannot be decoded.
    pub(crate) fn plan(&self, levels: &Levels, picking: Picking) -> Result<Option<CompactPlan>> {
        let runs = levels.level_sorted_runs();
        let unit = match picking {
            Picking::Universal => {
                let unit = self.universal.pick(&runs, levels.number_of_levels());
                unit.filter(CompactUnit::is_worthwhile)
            }
            Picking::Full => full_compaction(&runs, levels.number_of_levels(), self.rewriting),
        };
        let newest = self.table.schema().id;
        let Some(unit) = unit.filter(|unit| unit.files.iter().all(|file| file.schema_id <= newest)) else {
            return Ok(None);
        };
        let rules = CompactRules {
            small_file_bytes: self.small_file_bytes,
            max_level: i32::try_from(levels.max_level()).unwrap_or(i32::MAX),
            drop_delete: drops_deletes(unit.output_level, levels.non_empty_highest_level()),
            rewriting: self.rewriting,
        };
        let plan = CompactPlan::of(unit, &self.key_types, &rules)?;
        Ok(Some(plan).filter(|plan| !plan.steps.is_empty()))
    }
}
