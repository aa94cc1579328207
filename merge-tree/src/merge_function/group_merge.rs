//! A merge function bound to the columns of batches: rows are built here, column by column.
//!
//! Goes in: [`KeyGroups`]. Comes out: [`MergedKeys`]. Columns are gathered by kernels: a function that picks says which record each
//! value comes from, one that aggregates folds a column key by key.

use alluvium_format::Result;
use arrow_schema::SchemaRef;

use super::aggregation::BoundAggregation;
use super::candidates::{Candidates, HighLevels, KeyRecords};
use super::merged_keys::{MergedKeys, SingleRecords};
use super::partial_update::BoundPartialUpdate;
use super::{MergeFunction, Records, Survivor};
use crate::key_groups::KeyGroups;

/// A merge function for batches of one schema.
#[derive(Clone, Debug)]
pub struct GroupMerge {
    function: Bound,
    columns: SchemaRef,
    high_levels: HighLevels,
}

#[derive(Clone, Debug)]
enum Bound {
    Survivor(Survivor),
    PartialUpdate(BoundPartialUpdate),
    Aggregation(BoundAggregation),
}

impl GroupMerge {
    /// `function` for batches whose values have the schema `columns`.
    ///
    /// # Errors
    /// `Invalid` when a column that the function needs is not among them.
    pub fn new(function: &MergeFunction, columns: &SchemaRef) -> Result<Self> {
        let high_levels = function.high_levels();
        let function = match function.engine() {
            MergeFunction::PartialUpdate(function) => Bound::PartialUpdate(function.bind(columns)?),
            MergeFunction::Aggregation(function) => Bound::Aggregation(function.bind(columns)?),
            MergeFunction::Deduplicate(function) => Bound::Survivor(Survivor::Deduplicate(*function)),
            MergeFunction::FirstRow(function) => Bound::Survivor(Survivor::FirstRow(*function)),
            MergeFunction::Lookup(within) => return Self::new(within, columns),
        };
        Ok(Self { function, columns: SchemaRef::clone(columns), high_levels })
    }

    /// Merges the records of each key.
    ///
    /// # Errors
    /// `Invalid` where the function refuses a record, such as a retraction it has no rule for.
    pub fn merge(&self, groups: &KeyGroups, singles: SingleRecords) -> Result<MergedKeys> {
        if groups.are_single() && singles == SingleRecords::Pass {
            let keys = (0..).take(groups.num_keys()).collect();
            return Ok(MergedKeys { rows: groups.records().clone(), keys });
        }
        let level_of = |row: u32| groups.levels()[row as usize];
        let candidates = Candidates::of_keys(groups.ends(), singles, self.high_levels, level_of);
        if let Bound::Aggregation(function) = &self.function {
            return function.merge(groups.records(), &candidates);
        }
        self.merge_candidates(&Records::of_batch(groups.records()), &candidates)
    }

    /// Which records of levels above 0 are merged.
    pub(crate) fn high_levels(&self) -> HighLevels {
        self.high_levels
    }

    /// Merges `records` by the rows of each key.
    ///
    /// # Errors
    /// As [`GroupMerge::merge`].
    pub(crate) fn merge_candidates(&self, records: &Records<'_>, candidates: &Candidates) -> Result<MergedKeys> {
        match &self.function {
            Bound::Survivor(function) => survivors(*function, records, candidates, &self.columns),
            Bound::PartialUpdate(function) => function.merge(records, candidates),
            Bound::Aggregation(function) => function.merge(&records.gather(&self.columns)?, candidates),
        }
    }
}

fn survivors(
    function: Survivor,
    records: &Records<'_>,
    candidates: &Candidates,
    columns: &SchemaRef,
) -> Result<MergedKeys> {
    let mut rows = Vec::with_capacity(candidates.num_keys());
    let mut keys = Vec::with_capacity(candidates.num_keys());
    for (key, of_key) in (0..).zip(candidates.keys()) {
        let survivor = match of_key {
            KeyRecords::Pass(row) => Some(row),
            KeyRecords::Merge(rows) => {
                let kinds = rows.iter().map(|row| records.kind(*row));
                function.of(kinds)?.and_then(|at| rows.get(at)).copied()
            }
        };
        if let Some(row) = survivor {
            rows.push(row);
            keys.push(key);
        }
    }
    MergedKeys::of_survivors(records, rows, keys, columns)
}
