//! The rows of keys of one bucket: the records of each key, looked up and merged.
//!
//! Goes in: the levels of a bucket, and ascending keys. Comes out: a row for each key that has one. Invariant: it is the row that merging
//! all records of the key gives; records that cannot change it are not looked for.

use alluvium_format::{Error, Result};
use alluvium_merge_tree::{
    Deduplicate, Deletes, KeyEncoder, KeyValueBatch, Levels, MergeFunction, MergeOptions, MergeStep, SortMerge,
    drop_deletes,
};
use alluvium_store::lookup::{LookupFound, LookupRequest, LookupVersions, LookupWanted, lookup_versions};
use alluvium_store::{DeletionVectors, PartitionBucket, TableStore};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use super::kernel_failed;

/// How records of a table become rows.
#[derive(Debug)]
pub(super) struct PointMerge {
    merge: MergeOptions,
    /// Of all columns.
    schema: SchemaRef,
    versions: LookupVersions,
}

/// Rows of keys.
#[derive(Debug, Default)]
pub(super) struct BucketRows {
    /// Which keys have a row, ascending.
    pub(super) keys: Vec<u32>,
    /// The rows with all columns; `None` when there is none.
    pub(super) values: Option<RecordBatch>,
}

impl PointMerge {
    pub(super) fn new(merge: MergeOptions, schema: SchemaRef) -> Self {
        let versions = match &merge.function {
            MergeFunction::Lookup(_) | MergeFunction::FirstRow(_) => LookupVersions::LowestLevel,
            MergeFunction::Deduplicate(Deduplicate { deletes: Deletes::Count })
                if merge.sequence_columns.is_empty() =>
            {
                LookupVersions::Newest
            }
            _ => LookupVersions::All,
        };
        Self { merge, schema, versions }
    }

    /// The rows of keys. CPU-bound, and it blocks.
    ///
    /// # Errors
    /// Those of lookups and of the merge function.
    pub(super) async fn read(
        &self,
        table: &TableStore,
        bucket: &PartitionBucket,
        (levels, deletions): (&Levels, &DeletionVectors),
        keys: &RecordBatch,
    ) -> Result<BucketRows> {
        let request = LookupRequest { bucket, levels, start_level: 0, keys, wanted: LookupWanted::Record, deletions };
        let found = lookup_versions(table, request, self.versions).await?;
        let Some(merged) = self.merged(found)? else { return Ok(BucketRows::default()) };
        let merged = drop_deletes(merged)?;
        Ok(BucketRows { keys: self.rows_of_keys(keys, &merged)?, values: Some(merged.values) })
    }

    /// One record for each key that has any; `None` when no key has.
    fn merged(&self, found: Vec<LookupFound>) -> Result<Option<KeyValueBatch>> {
        // The newest last: of records that nothing else tells apart the last one wins.
        let runs = found.into_iter().rev().filter_map(|run| Some((*run.levels.first()?, run.records?)));
        let mut runs: Vec<(i32, Option<KeyValueBatch>)> = runs.map(|(level, records)| (level, Some(records))).collect();
        if runs.len() < 2 {
            return Ok(runs.pop().and_then(|(_, records)| records));
        }
        let mut merge = SortMerge::new(runs.len(), &self.merge, self.schema.clone())?;
        let mut merged = Vec::new();
        loop {
            match merge.step()? {
                MergeStep::Need(run) => {
                    let (level, records) =
                        runs.get_mut(run).ok_or_else(|| Error::internal("a merge of unknown runs"))?;
                    merge.feed_level(run, *level, records.take())?;
                }
                MergeStep::Ready(batch) => merged.push(batch),
                MergeStep::Groups(_) => return Err(Error::internal("a merge gave records that are not merged")),
                MergeStep::Done => return self.concatenated(&merged).map(Some),
            }
        }
    }

    fn concatenated(&self, batches: &[KeyValueBatch]) -> Result<KeyValueBatch> {
        let values = concat_batches(&self.schema, batches.iter().map(|batch| &batch.values)).map_err(kernel_failed)?;
        let sequences = batches.iter().flat_map(|batch| batch.sequences.values().iter().copied());
        let kinds = batches.iter().flat_map(|batch| batch.kinds.values().iter().copied());
        KeyValueBatch::try_new(sequences.collect(), kinds.collect(), values)
    }

    /// Which key each row is of.
    fn rows_of_keys(&self, keys: &RecordBatch, rows: &KeyValueBatch) -> Result<Vec<u32>> {
        let wanted = KeyEncoder::of_key(keys.schema_ref(), &self.merge.key_columns)?.encode_batch(keys)?;
        let held = KeyEncoder::of_key(&self.schema, &self.merge.key_columns)?.encode_batch(&rows.values)?;
        let (mut near, mut found) = (0, Vec::with_capacity(held.len()));
        for row in 0..held.len() {
            near = wanted.lower_bound(near..wanted.len(), &held, row);
            let key = u32::try_from(near).map_err(|_| Error::internal("more than 2^32 keys"))?;
            if near == wanted.len() || wanted.compare(near, &held, row).is_ne() {
                return Err(Error::internal("a lookup found a key that nobody asked for"));
            }
            found.push(key);
        }
        Ok(found)
    }
}
