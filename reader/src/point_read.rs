//! Point reads: the rows of given keys, found in the levels of their buckets.
//!
//! Goes in: keys, whole primary keys of a table with a fixed number of buckets. Comes out: the rows that a batch read of the same snapshot
//! would give for them, in the order of the keys. Data files are looked up in through what [`alluvium_store::lookup`] keeps of them, so that
//! a second read of nearby keys touches no object store. Answers to `org.apache.paimon.table.query.LocalTableQuery`, which differs: it
//! takes the first record that it finds for the row, without merging it with older ones.

mod key_buckets;
mod versions;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{
    BinaryRow, BucketMode, CompareOp, DataFileMeta, Datum, Error, ErrorKind, Predicate, Result, Snapshot,
};
use alluvium_merge_tree::{Levels, MergeOptions};
use alluvium_store::{DataFileReader, DeletionVectors, LookedUp, PartitionBucket, TableStore, deletion_vectors, scan};
use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::interleave::interleave_record_batch;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use key_buckets::{BucketKeys, PointKeys};
use versions::{BucketRows, PointMerge};

/// Partitions whose files are remembered: beyond it all are forgotten, as their keys are asked for in no order that would help.
const PARTITIONS_MAX: usize = 1024;

/// Rows of keys.
#[derive(Clone, Debug, PartialEq)]
pub struct PointRows {
    /// The rows that are there, in the order of their keys.
    pub rows: RecordBatch,
    /// For every key whether it has a row.
    pub found: BooleanArray,
}

/// Reads rows by their keys at one snapshot after the other. Reads may go on at the same time.
#[derive(Debug)]
pub struct PointReader {
    table: TableStore,
    merge: Arc<PointMerge>,
    /// That of buckets in which several levels have live rows of a key.
    merge_of_all_levels: Arc<PointMerge>,
    output: SchemaRef,
    /// Positions of the columns of the output.
    columns: Vec<usize>,
    snapshot: Option<Snapshot>,
    partitions: Mutex<HashMap<BinaryRow, Arc<PartitionFiles>>>,
}

/// The files of a partition at the snapshot of a reader.
#[derive(Debug, Default)]
struct PartitionFiles {
    /// By which keys were put into buckets.
    total_buckets: i32,
    buckets: HashMap<i32, BucketFiles>,
}

#[derive(Debug)]
struct BucketFiles {
    levels: Arc<Levels>,
    merge: Arc<PointMerge>,
    deletions: OnceCell<Arc<DeletionVectors>>,
}

impl PointReader {
    /// A reader of `columns` (`None`: all) at the latest snapshot, under the schema that the table was opened with.
    ///
    /// # Errors
    /// `Invalid` for an append table and for columns that are not there; `Unsupported` by name for tables whose keys do not say their
    /// bucket, and where the answer would not be right; `Corrupt` or `Storage`.
    pub async fn open(table: &TableStore, columns: Option<&[String]>) -> Result<Self> {
        let (schema, options) = (table.schema(), table.options());
        options.check_read_supported(schema)?;
        options.check_reads_latest()?;
        let merge = MergeOptions::new(schema, options)?;
        match options.bucket_mode(schema)? {
            BucketMode::Fixed(_) => {}
            BucketMode::Unaware => return Err(Error::invalid("an append table has no keys to read rows by")),
            mode @ (BucketMode::Dynamic | BucketMode::CrossPartition | BucketMode::Postpone) => {
                let feature = format!("reading rows by key where keys do not say their bucket (bucket mode {mode:?})");
                return Err(Error::unsupported(feature));
            }
        }
        if schema.is_cross_partition_update() {
            return Err(Error::unsupported("reading rows by a key that lacks a partition column"));
        }
        let all = to_arrow_schema(&schema.fields)?;
        let columns: Vec<usize> = match columns {
            None => (0..all.fields().len()).collect(),
            Some(names) => {
                schema.fields_of(names)?;
                names.iter().filter_map(|name| schema.index_of(name)).collect()
            }
        };
        let output = Arc::new(all.project(&columns).map_err(kernel_failed)?);
        let mut reader = Self {
            merge_of_all_levels: Arc::new(PointMerge::new(merge.of_all_levels(), Arc::clone(&all))),
            merge: Arc::new(PointMerge::new(merge, all)),
            table: table.clone(),
            output,
            columns,
            snapshot: None,
            partitions: Mutex::default(),
        };
        reader.refresh().await?;
        Ok(reader)
    }

    /// The columns of the rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.output
    }

    /// The snapshot that is read; `None` in an empty table.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Goes to the latest snapshot; whether it is another one. To be called at times, as files of snapshots that expired are gone.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`; the reader stays where it is.
    pub async fn refresh(&mut self) -> Result<bool> {
        let latest = self.table.snapshots().latest().await?;
        let is_other =
            latest.as_ref().map(|snapshot| snapshot.id) != self.snapshot.as_ref().map(|snapshot| snapshot.id);
        if is_other {
            self.snapshot = latest;
            self.lock_partitions().clear();
        }
        Ok(is_other)
    }

    /// The rows of `keys`: the columns of the primary key by name, in any order. A key that is there twice gets its row twice.
    ///
    /// # Errors
    /// `Invalid` when the keys are not those of the table or one is null; `NotFound` when the snapshot expired meanwhile; `Unsupported` by
    /// name for files that cannot be read; `Corrupt` or `Storage`.
    pub async fn get(&self, keys: &RecordBatch) -> Result<PointRows> {
        let keys = PointKeys::new(self.table.schema(), keys)?;
        let mut asked = Vec::new();
        for (partition, rows) in keys.by_partition()? {
            let files = self.partition(&partition).await?;
            if files.total_buckets == 0 {
                continue;
            }
            for (bucket, keys) in keys.by_bucket(&rows, files.total_buckets)? {
                asked.push((PartitionBucket { partition: partition.clone(), bucket }, keys, Arc::clone(&files)));
            }
        }
        let at_once = std::thread::available_parallelism().map_or(2, |cores| cores.get() + 1);
        // The futures are made here: a closure that lends its argument to one is not `Send` for every lifetime.
        let reads: Vec<_> =
            asked.into_iter().map(|(bucket, keys, files)| self.read_bucket(bucket, keys, files)).collect();
        let read: Vec<(BucketKeys, BucketRows)> = stream::iter(reads).buffer_unordered(at_once).try_collect().await?;
        self.in_order(keys.len(), &read)
    }

    async fn read_bucket(
        &self,
        bucket: PartitionBucket,
        keys: BucketKeys,
        files: Arc<PartitionFiles>,
    ) -> Result<(BucketKeys, BucketRows)> {
        let Some(of_bucket) = files.buckets.get(&bucket.bucket) else { return Ok((keys, BucketRows::default())) };
        let deletions = of_bucket.deletions.get_or_try_init(|| self.deletions(&bucket)).await?;
        let (levels, deletions) = (Arc::clone(&of_bucket.levels), Arc::clone(deletions));
        let (table, merge) = (self.table.clone(), Arc::clone(&of_bucket.merge));
        let work = async move {
            let rows = merge.read(&table, &bucket, (&levels, &deletions), &keys.keys).await?;
            Ok((keys, rows))
        };
        self.table.io().cpu().run(work).await
    }

    /// They count whatever the options say.
    async fn deletions(&self, bucket: &PartitionBucket) -> Result<Arc<DeletionVectors>> {
        let Some(snapshot) = &self.snapshot else { return Ok(Arc::default()) };
        let read = deletion_vectors::read(&self.table, snapshot, std::slice::from_ref(bucket)).await?;
        Ok(Arc::new(read.into_iter().next().unwrap_or_default().vectors))
    }

    /// The files of a partition, remembered or read from the manifests.
    async fn partition(&self, partition: &BinaryRow) -> Result<Arc<PartitionFiles>> {
        if let Some(known) = self.lock_partitions().get(partition) {
            return Ok(Arc::clone(known));
        }
        let files = Arc::new(self.read_partition(partition).await?);
        let mut partitions = self.lock_partitions();
        if partitions.len() >= PARTITIONS_MAX {
            partitions.clear();
        }
        partitions.insert(partition.clone(), Arc::clone(&files));
        Ok(files)
    }

    async fn read_partition(&self, partition: &BinaryRow) -> Result<PartitionFiles> {
        let Some(snapshot) = &self.snapshot else { return Ok(PartitionFiles::default()) };
        let schema = self.table.schema();
        let values = partition.decode(&schema.partition_types())?;
        let condition = Predicate::and(schema.partition_keys.iter().zip(values).map(is_value));
        let mut entries = scan::live_entries(&self.table, snapshot, &condition).await?;
        entries.retain(|entry| entry.partition == *partition && entry.bucket >= 0);
        let looked_up =
            LookedUp::of(&self.table, self.table.options(), schema.id, entries.iter().map(|entry| &entry.file)).await?;
        let mut files = PartitionFiles::default();
        let mut of_buckets: HashMap<i32, Vec<DataFileMeta>> = HashMap::new();
        for entry in entries {
            if files.total_buckets != 0 && files.total_buckets != entry.total_buckets {
                let (one, other) = (files.total_buckets, entry.total_buckets);
                let what =
                    format!("a partition has files of {one} and of {other} buckets: a key cannot say its bucket");
                return Err(Error::new(ErrorKind::Corrupt, what));
            }
            files.total_buckets = entry.total_buckets;
            DataFileReader::check_format(&entry.file)?;
            // Level 0 is left out where a batch read leaves it out.
            if entry.file.level > 0 || !looked_up.covers(&entry.file) {
                of_buckets.entry(entry.bucket).or_default().push(entry.file);
            }
        }
        let levels = self.table.options().num_levels()?;
        for (bucket, metas) in of_buckets {
            let counts_all = looked_up.counts_all_levels() && looked_up.leaves_versions(&metas);
            let merge = if counts_all { &self.merge_of_all_levels } else { &self.merge };
            let levels = Arc::new(Levels::restore(metas, &schema.key_types(), levels)?);
            files.buckets.insert(bucket, BucketFiles { levels, merge: Arc::clone(merge), deletions: OnceCell::new() });
        }
        Ok(files)
    }

    /// Puts the rows of buckets into the order of the keys.
    fn in_order(&self, keys: usize, read: &[(BucketKeys, BucketRows)]) -> Result<PointRows> {
        let mut places: Vec<Option<(usize, usize)>> = vec![None; keys];
        let mut batches = Vec::with_capacity(read.len());
        for (keys, rows) in read {
            let Some(values) = &rows.values else { continue };
            for (row, key) in rows.keys.iter().enumerate() {
                for original in keys.originals(*key as usize) {
                    if let Some(place) = places.get_mut(*original as usize) {
                        *place = Some((batches.len(), row));
                    }
                }
            }
            let options = RecordBatchOptions::new().with_row_count(Some(values.num_rows()));
            let columns = self.columns.iter().map(|at| Arc::clone(values.column(*at))).collect();
            batches.push(
                RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options)
                    .map_err(kernel_failed)?,
            );
        }
        let found: BooleanArray = places.iter().map(|place| Some(place.is_some())).collect();
        let places: Vec<(usize, usize)> = places.into_iter().flatten().collect();
        if places.is_empty() {
            return Ok(PointRows { rows: RecordBatch::new_empty(Arc::clone(&self.output)), found });
        }
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        Ok(PointRows { rows: interleave_record_batch(&batches, &places).map_err(kernel_failed)?, found })
    }

    /// A thread that panicked leaves at worst a partition out.
    fn lock_partitions(&self) -> std::sync::MutexGuard<'_, HashMap<BinaryRow, Arc<PartitionFiles>>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_value((column, value): (&String, Option<Datum>)) -> Predicate {
    match value {
        Some(literal) => Predicate::Compare { column: column.clone(), op: CompareOp::Eq, literal },
        None => Predicate::True,
    }
}

/// An Arrow kernel refused arrays that were checked before.
fn kernel_failed(error: ArrowError) -> Error {
    Error::internal("putting rows in the order of their keys failed").with_source(error)
}
