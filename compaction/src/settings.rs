//! What the compactions of a table go by, and how many of them go on at a time.
//!
//! Goes in: a table with its options. Comes out: units and plans for the levels of its buckets. Answers to the parts of
//! `KeyValueFileStoreWrite` that make a `MergeTreeCompactManager`.

use std::num::NonZero;
use std::sync::Arc;

use alluvium_format::{DataFileMeta, DataType, DeletionVectorKind, Result};
use alluvium_merge_tree::{Levels, MergeOptions, RecordLevelExpire};
use alluvium_store::{DeletionVectors, LookedUp, TableStore};
use tokio::sync::Semaphore;

use crate::merge_rules::MergeRules;
use crate::strategy::{
    CompactPlan, CompactRules, CompactStrategy, CompactUnit, PickState, PickTime, Retractions, RewriterKind, Rewriting,
    full_compaction,
};

/// What is to be compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picking {
    /// What the rules of the table's strategy pick.
    Universal,
    /// Everything, to the highest level.
    Full,
}

/// What the compactions of a table go by.
#[derive(Debug)]
pub struct CompactSettings {
    pub(crate) table: TableStore,
    /// One permit for each compaction that may have files open.
    pub(crate) open: Semaphore,
    key_types: Vec<DataType>,
    strategy: CompactStrategy,
    rewriter: RewriterKind,
    /// Which rows are too old.
    pub(crate) expire: Option<RecordLevelExpire>,
    rules: Arc<MergeRules>,
    /// Those of buckets in which several levels have live rows of a key.
    rules_of_all_levels: Arc<MergeRules>,
    deletion_kind: DeletionVectorKind,
    rewriting: Rewriting,
    small_file_bytes: i64,
    num_levels: usize,
    stop_trigger: usize,
    needs_lookup: bool,
}

impl CompactSettings {
    /// Those of a table, of which as many buckets are compacted at a time as there are cores.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn of(table: &TableStore) -> Result<Arc<Self>> {
        Self::at_once(table, std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// Those of a table, of which so many buckets are compacted at a time.
    ///
    /// # Errors
    /// As [`CompactSettings::of`].
    pub(crate) fn at_once(table: &TableStore, buckets: NonZero<usize>) -> Result<Arc<Self>> {
        let (schema, options) = (table.schema(), table.options());
        let all_files = options.force_rewrite_all_files()?;
        let merge = MergeOptions::new(schema, options)?;
        let rewriter = RewriterKind::new(options)?;
        Ok(Arc::new(Self {
            strategy: CompactStrategy::new(options)?,
            rules_of_all_levels: Arc::new(MergeRules::new(schema, options, merge.of_all_levels(), &rewriter)?),
            rules: Arc::new(MergeRules::new(schema, options, merge, &rewriter)?),
            deletion_kind: options.deletion_vector_kind()?,
            expire: RecordLevelExpire::new(schema, options)?,
            rewriter,
            open: Semaphore::new(buckets.get().min(Semaphore::MAX_PERMITS)),
            key_types: schema.key_types(),
            rewriting: if all_files { Rewriting::AllFiles } else { Rewriting::WhereNeeded },
            small_file_bytes: CompactRules::small_file_bytes_of(options.target_file_bytes(schema)?),
            num_levels: options.num_levels()?,
            stop_trigger: options.num_sorted_runs_stop_trigger()?,
            needs_lookup: options.need_lookup()?,
            table: table.clone(),
        }))
    }

    /// The table.
    pub fn table(&self) -> &TableStore {
        &self.table
    }

    /// How records of the table merge.
    pub fn merge(&self) -> &MergeOptions {
        &self.rules.merge
    }

    /// How a bucket with these levels is compacted.
    pub(crate) fn rules(&self, levels: &Levels, looked_up: LookedUp) -> &Arc<MergeRules> {
        let counts_all = looked_up.counts_all_levels() && looked_up.leaves_versions(levels.files());
        if counts_all { &self.rules_of_all_levels } else { &self.rules }
    }

    /// Whether the records of level 0 are looked up in the levels above when they are compacted.
    pub fn needs_lookup(&self) -> bool {
        self.needs_lookup
    }

    /// Whether what is to be done changes by the clock, though no file does.
    pub(crate) fn goes_by_clock(&self) -> bool {
        let rules = &self.strategy.universal;
        rules.early_full.interval_millis.is_some() || rules.off_peak.is_some() || self.expire.is_some()
    }

    /// How many runs a bucket may have before its writer waits for compaction.
    pub(crate) fn stop_trigger(&self) -> usize {
        self.stop_trigger
    }

    /// The levels of a bucket with these files.
    ///
    /// # Errors
    /// `Corrupt` when files of one level overlap.
    pub(crate) fn levels(&self, files: Vec<DataFileMeta>) -> Result<Levels> {
        Levels::restore(files, &self.key_types, self.num_levels)
    }

    /// The form of new deletion vectors.
    pub(crate) fn deletion_kind(&self) -> DeletionVectorKind {
        self.deletion_kind
    }

    /// What to do to the levels now; `None` when there is nothing to do, or a file has a newer schema: rewriting it as the schema at
    /// hand would lose its new columns.
    ///
    /// # Errors
    /// `Corrupt` when a file's key range cannot be decoded.
    pub(crate) fn plan(
        &self,
        levels: &Levels,
        deletions: &DeletionVectors,
        picking: Picking,
        state: &mut PickState,
    ) -> Result<Option<CompactPlan>> {
        let runs = levels.level_sorted_runs();
        let clock = self.table.io().clock();
        let time = PickTime::of(clock.now_millis(), clock.local_millis());
        let is_expired = |file: &DataFileMeta| {
            let expire = self.expire.as_ref();
            expire.is_some_and(|expire| expire.is_in_file(file, self.table.schema(), time.now_millis))
        };
        let unit = match picking {
            Picking::Universal => {
                let unit = self.strategy.pick(&runs, levels.number_of_levels(), time, state);
                unit.filter(CompactUnit::is_worthwhile)
            }
            Picking::Full => full_compaction(&runs, levels.number_of_levels(), |file| {
                self.rewriting == Rewriting::AllFiles || deletions.contains_key(&file.file_name) || is_expired(file)
            }),
        };
        let newest = self.table.schema().id;
        let Some(unit) = unit.filter(|unit| unit.files.iter().all(|file| file.schema_id <= newest)) else {
            return Ok(None);
        };
        let (highest, mode) = (levels.non_empty_highest_level(), self.rewriter.deletion_mode());
        let rules = CompactRules {
            small_file_bytes: self.small_file_bytes,
            max_level: i32::try_from(levels.max_level()).unwrap_or(i32::MAX),
            retractions: Retractions::of(unit.output_level, highest, mode),
            rewriting: self.rewriting,
            rewriter: self.rewriter.clone(),
            expired: unit.files.iter().filter(|file| is_expired(file)).map(|file| file.file_name.clone()).collect(),
        };
        let plan = CompactPlan::of(unit, &self.key_types, &rules)?;
        Ok(Some(plan).filter(|plan| !plan.steps.is_empty()))
    }
}
