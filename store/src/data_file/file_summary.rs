//! What a manifest says of a data file, gathered while it is written.
//!
//! Goes in: the batches of a file. Comes out: its [`DataFileMeta`]. Statistics are made once a batch, over whole columns.
//! Invariant: bounds, counts and key range cover every row. Answers to `KeyValueDataFileWriter` and `SimpleStatsProducer`.

use alluvium_format::stats::{stats_of_array, to_simple_stats};
use alluvium_format::{BinaryRow, ColumnStats, DataFileMeta, DataType, Datum, Error, FileSource, Result, StatsMode};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::{Array, ArrayRef};

use super::format::FileFormat;
use super::stats_modes::{StatsModes, StatsOf};
use crate::table_store::TableStore;

/// Values of the key columns of a row.
pub(super) type Key = Vec<Option<Datum>>;

/// What all files of a writer say alike, and how much they say of their columns.
#[derive(Debug)]
pub(super) struct SummaryPlan {
    columns: Vec<SummaryColumn>,
    /// Positions of the key's columns, in its order, with how much is said of them as such.
    keys: Vec<(usize, StatsMode)>,
    dense: bool,
    schema_id: i64,
    level: i32,
    source: FileSource,
}

#[derive(Debug)]
struct SummaryColumn {
    name: String,
    data_type: DataType,
    mode: StatsMode,
    /// Whether anybody asks for the bounds.
    bounds: bool,
    nested: NestedStats,
}

/// What is known of columns with parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NestedStats {
    /// Nothing, as of a Parquet file.
    Unknown,
    /// How many are null, as rows, or an ORC file, say.
    NullCount,
}

impl SummaryPlan {
    /// The plan for files of the table's latest schema, by the options for a level.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(super) fn of(table: &TableStore, of: StatsOf) -> Result<Self> {
        let (schema, options) = (table.schema(), table.options());
        let modes = StatsModes::of(schema, options, of)?;
        let keys = schema.trimmed_primary_keys();
        let keys: Vec<_> = keys.iter().filter_map(|name| schema.index_of(name)).zip(modes.keys).collect();
        let nested = match of.format {
            FileFormat::Parquet => NestedStats::Unknown,
            FileFormat::Avro | FileFormat::Orc => NestedStats::NullCount,
        };
        let columns = schema.fields.iter().zip(modes.values).enumerate().map(|(index, (field, mode))| {
            let has_bounds = |mode: StatsMode| !matches!(mode, StatsMode::None | StatsMode::Counts);
            let bounds = has_bounds(mode) || keys.iter().any(|(key, mode)| *key == index && has_bounds(*mode));
            SummaryColumn { name: field.name.clone(), data_type: field.data_type.clone(), mode, bounds, nested }
        });
        Ok(Self {
            columns: columns.collect(),
            keys,
            dense: options.stats_dense_store()?,
            schema_id: schema.id,
            level: of.level,
            source: of.content.source(),
        })
    }

    /// The key of a row.
    ///
    /// # Errors
    /// `Internal` when the columns are not those of the schema.
    pub(super) fn key_at(&self, batch: &KeyValueBatch, row: usize) -> Result<Key> {
        let columns = batch.values.columns();
        let value = |(key, _): &(usize, StatsMode)| {
            let (Some(column), Some(array)) = (self.columns.get(*key), columns.get(*key)) else {
                return Err(Error::internal("a batch lacks a key column"));
            };
            alluvium_format::arrow::datum_at(array, &column.data_type, row)
        };
        self.keys.iter().map(value).collect()
    }

    /// What `batch` says of its columns.
    fn stats(&self, batch: &KeyValueBatch) -> Vec<ColumnStats> {
        self.columns.iter().zip(batch.values.columns()).map(|(column, array)| column.stats(array)).collect()
    }
}

impl SummaryColumn {
    fn stats(&self, array: &ArrayRef) -> ColumnStats {
        let is_nested = self.data_type.is_nested();
        if is_nested && self.nested == NestedStats::Unknown {
            return ColumnStats::default();
        }
        if self.bounds && !is_nested {
            return stats_of_array(array, &self.data_type);
        }
        ColumnStats { min: None, max: None, null_count: i64::try_from(array.null_count()).ok() }
    }
}

/// What is known of a file so far.
#[derive(Debug)]
pub(super) struct FileSummary {
    rows: i64,
    deletes: i64,
    min_key: Key,
    max_key: Key,
    min_sequence: i64,
    max_sequence: i64,
    stats: Vec<ColumnStats>,
}

/// What is known of a file once it is written.
#[derive(Debug)]
pub(super) struct WrittenFile {
    pub(super) name: String,
    pub(super) external_path: Option<String>,
    pub(super) bytes: u64,
    pub(super) creation_time_millis: i64,
}

impl FileSummary {
    /// Of a file that begins with `batch`, whose first and last keys are `keys`.
    pub(super) fn of(plan: &SummaryPlan, batch: &KeyValueBatch, (min_key, max_key): (Key, Key)) -> Self {
        let (min_sequence, max_sequence) = sequence_range(batch);
        let stats = plan.stats(batch);
        Self { rows: rows(batch), deletes: deletes(batch), min_key, max_key, min_sequence, max_sequence, stats }
    }

    /// With the rows of `batch`, which end in the key `max_key`.
    #[must_use]
    pub(super) fn with(self, plan: &SummaryPlan, batch: &KeyValueBatch, max_key: Key) -> Self {
        let (min_sequence, max_sequence) = sequence_range(batch);
        let stats = self.stats.into_iter().zip(plan.stats(batch)).map(|(left, right)| left.merge(right));
        Self {
            rows: self.rows + rows(batch),
            deletes: self.deletes + deletes(batch),
            min_key: self.min_key,
            max_key,
            min_sequence: self.min_sequence.min(min_sequence),
            max_sequence: self.max_sequence.max(max_sequence),
            stats: stats.collect(),
        }
    }

    /// What a manifest says of the file.
    ///
    /// # Errors
    /// `Internal` when a bound is not of its column's type.
    pub(super) fn into_meta(self, plan: &SummaryPlan, file: WrittenFile) -> Result<DataFileMeta> {
        let of_keys = plan.keys.iter().filter_map(|(key, mode)| {
            let (column, stats) = (plan.columns.get(*key)?, self.stats.get(*key)?);
            Some(kept(column, stats.clone(), *mode))
        });
        let of_keys: Vec<_> = of_keys.collect();
        let key_types: Vec<DataType> = of_keys.iter().map(|(_, data_type, _)| data_type.clone()).collect();
        // Key statistics are never dense: Java reads them by position.
        let (key_stats, _) = to_simple_stats(&of_keys, false)?;
        let of_values = plan.columns.iter().zip(self.stats);
        let of_values: Vec<_> = of_values.map(|(column, stats)| kept(column, stats, column.mode)).collect();
        let (value_stats, value_stats_cols) = to_simple_stats(&of_values, plan.dense)?;
        Ok(DataFileMeta {
            file_name: file.name,
            file_size: i64::try_from(file.bytes).map_err(|_| Error::internal("a file of over 8 EiB"))?,
            row_count: self.rows,
            min_key: BinaryRow::encode(&key_types, &self.min_key)?,
            max_key: BinaryRow::encode(&key_types, &self.max_key)?,
            key_stats,
            value_stats,
            min_sequence_number: self.min_sequence,
            max_sequence_number: self.max_sequence,
            schema_id: plan.schema_id,
            level: plan.level,
            extra_files: Vec::new(),
            creation_time_millis: Some(file.creation_time_millis),
            delete_row_count: Some(self.deletes),
            embedded_index: None,
            file_source: Some(plan.source),
            value_stats_cols,
            external_path: file.external_path,
            first_row_id: None,
            write_cols: None,
        })
    }
}

fn kept(column: &SummaryColumn, stats: ColumnStats, mode: StatsMode) -> (String, DataType, ColumnStats) {
    (column.name.clone(), column.data_type.clone(), stats.apply_mode(mode, &column.data_type))
}

fn rows(batch: &KeyValueBatch) -> i64 {
    // A batch in memory has fewer than 2^63 rows.
    batch.num_rows() as i64
}

fn deletes(batch: &KeyValueBatch) -> i64 {
    batch.delete_row_count() as i64
}

/// The lowest and the highest number of a batch that is not empty.
fn sequence_range(batch: &KeyValueBatch) -> (i64, i64) {
    let numbers = batch.sequences.values();
    numbers.iter().fold((i64::MAX, i64::MIN), |(min, max), number| (min.min(*number), max.max(*number)))
}
