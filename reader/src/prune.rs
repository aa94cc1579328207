//! Which files of a plan a condition can touch: by partition, by bucket and by the key statistics in the manifest.
//!
//! Goes in: manifest entries, the schema that is read, a condition. Comes out: the entries that may hold rows that pass. Pure.
//! Invariant: nothing is left out because of its values here. An entry without passing values may hold the latest version of a
//! key of which an older one would pass; that is decided a section at a time, in [`crate::split_generator`]. Answers to
//! `org.apache.paimon.operation.KeyValueFileStoreScan`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, to_arrow_field};
use alluvium_format::file_index::{FileIndexPredicate, comparable_columns};
use alluvium_format::{
    BinaryRow, DataField, DataFileMeta, DataType, Datum, ManifestEntry, Predicate, Result, TableSchema,
};
use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};

use crate::bucket_selector::BucketSelector;
use crate::column_ranges::ColumnRanges;
use crate::filter::matching_rows;

/// The schemas that the files of a plan were written with, by id.
pub(crate) type WrittenSchemas = HashMap<i64, Arc<TableSchema>>;

/// What a plan is pruned by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pruning<'a> {
    /// The schema that is read.
    pub(crate) schema: &'a TableSchema,
    /// The condition on its rows.
    pub(crate) predicate: &'a Predicate,
    /// Of every file.
    pub(crate) written: &'a WrittenSchemas,
    /// Whether indexes in manifests are asked.
    pub(crate) reads_indexes: bool,
}

/// The part of a condition that speaks of partition columns only: decided for a partition as a whole.
pub(crate) fn partition_condition(schema: &TableSchema, predicate: &Predicate) -> Predicate {
    Predicate::and(predicate.conjuncts().into_iter().filter(|part| is_of_partition(schema, part)).cloned())
}

/// The rest of a condition: decided row by row.
pub(crate) fn row_condition(schema: &TableSchema, predicate: &Predicate) -> Predicate {
    Predicate::and(predicate.conjuncts().into_iter().filter(|part| !is_of_partition(schema, part)).cloned())
}

fn is_of_partition(schema: &TableSchema, part: &Predicate) -> bool {
    part.columns().iter().all(|column| schema.partition_keys.iter().any(|key| key == column))
}

impl Pruning<'_> {
    /// The entries that may hold rows that pass, in their order.
    ///
    /// # Errors
    /// `Corrupt` when a partition is none of the table; `Invalid` when an option is wrong.
    pub(crate) fn prune(&self, entries: Vec<ManifestEntry>) -> Result<Vec<ManifestEntry>> {
        if *self.predicate == Predicate::True || entries.is_empty() {
            return Ok(entries);
        }
        let partitions = self.matching_partitions(&entries)?;
        let mut buckets = BucketSelector::new(self.schema, self.predicate)?;
        let hashed_alike = self.hashed_alike()?;
        let may_hold = |entry: &ManifestEntry| {
            let Some(values) = partitions.get(&entry.partition) else { return false };
            let by_bucket =
                !hashed_alike.contains(&entry.file.schema_id) || buckets.may_hold(entry.bucket, entry.total_buckets);
            by_bucket && self.keys_may_match(values, &entry.file)
        };
        let mut entries = entries;
        let mut may_hold = may_hold;
        entries.retain(|entry| may_hold(entry));
        Ok(entries)
    }

    /// Whether a file of the partition may hold a row that passes, by its keys.
    fn keys_may_match(&self, partition: &[Option<Datum>], file: &DataFileMeta) -> bool {
        let ranges = self.partition_ranges(partition);
        match self.written.get(&file.schema_id) {
            Some(written) => self.may_match(&ranges.with_keys(file, self.schema, written)),
            None => self.may_match(&ranges),
        }
    }

    /// Whether a file of the partition may hold a row that passes, by all that is known of it.
    pub(crate) fn values_may_match(&self, partition: &[Option<Datum>], file: &DataFileMeta) -> bool {
        let ranges = self.partition_ranges(partition);
        match self.written.get(&file.schema_id) {
            Some(written) => {
                self.may_match(&ranges.with_keys(file, self.schema, written).with_values(file, self.schema, written))
                    && self.index_may_match(file, written)
            }
            None => self.may_match(&ranges),
        }
    }

    /// Whether the index of a file in its manifest has a row that may pass. One that is damaged only prunes nothing here.
    fn index_may_match(&self, file: &DataFileMeta, written: &TableSchema) -> bool {
        let Some(index) = file.embedded_index.as_ref().filter(|_| self.reads_indexes) else { return true };
        let columns = comparable_columns(self.predicate, &self.schema.fields, &written.fields);
        let rows = u64::try_from(file.row_count).unwrap_or_default();
        let opened = FileIndexPredicate::open(index, &columns, rows, &file.file_name);
        opened.and_then(|index| index.evaluate(self.predicate)).map_or(true, |rows| rows.remains())
    }

    fn partition_ranges(&self, values: &[Option<Datum>]) -> ColumnRanges {
        ColumnRanges::of_partition(&self.schema.partition_fields(), values)
    }

    fn may_match(&self, ranges: &ColumnRanges) -> bool {
        self.predicate.may_match(&|name| ranges.of(name))
    }

    /// The partitions whose values pass, decoded.
    fn matching_partitions(&self, entries: &[ManifestEntry]) -> Result<HashMap<BinaryRow, Vec<Option<Datum>>>> {
        let fields = self.schema.partition_fields();
        let types = self.schema.partition_types();
        let distinct: HashSet<&BinaryRow> = entries.iter().map(|entry| &entry.partition).collect();
        let decoded: Vec<(BinaryRow, Vec<Option<Datum>>)> = distinct
            .into_iter()
            .map(|partition| Ok((partition.clone(), partition.decode(&types)?)))
            .collect::<Result<_>>()?;
        let condition = partition_condition(self.schema, self.predicate);
        if fields.is_empty() {
            return Ok(if condition == Predicate::False { HashMap::new() } else { decoded.into_iter().collect() });
        }
        let passes = matching_rows(&condition, &batch_of(&fields, &decoded)?)?;
        Ok(decoded.into_iter().zip(passes.values()).filter(|(_, passes)| *passes).map(|(row, _)| row).collect())
    }

    /// The schemas under which the bucket key has the types it has now, and so the hash.
    fn hashed_alike(&self) -> Result<HashSet<i64>> {
        let keys = self.schema.fields_of(&self.schema.bucket_keys()?)?;
        let alike = |written: &TableSchema| {
            keys.iter().all(|key| {
                written.fields.iter().any(|old| old.id == key.id && old.data_type.root == key.data_type.root)
            })
        };
        Ok(self.written.iter().filter(|(_, written)| alike(written)).map(|(id, _)| *id).collect())
    }
}

/// Rows of the partition columns, which are nullable here whatever the schema says: the values are untrusted.
fn batch_of(fields: &[DataField], rows: &[(BinaryRow, Vec<Option<Datum>>)]) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(fields.len());
    let mut arrow_fields: Vec<Field> = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let values: Vec<Option<Datum>> = rows.iter().map(|(_, row)| row.get(at).cloned().flatten()).collect();
        let nullable = DataType { nullable: true, ..field.data_type.clone() };
        columns.push(array_from_datums(&nullable, &values)?);
        arrow_fields.push(to_arrow_field(&DataField { data_type: nullable, ..field.clone() })?);
    }
    RecordBatch::try_new(Arc::new(Schema::new(arrow_fields)), columns)
        .map_err(|error| alluvium_format::Error::internal("partition values make no batch").with_source(error))
}

#[cfg(test)]
mod tests;
