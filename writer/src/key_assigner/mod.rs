//! Gives rows their partitions and buckets in tables whose keys move between partitions, as the primary key lacks a partition column.
//!
//! Goes in: rows with their partitions. Comes out: the same rows, with those added, moved or left out that keep a key in one place. Invariants: a
//! key is in one bucket of one partition; what the writer knows is what the table had when it began, with its own commits: the commit
//! fails where another job brought rows since. Answers to `org.apache.paimon.crosspartition.GlobalIndexAssigner`.

mod bootstrap;
mod bucket_counts;
mod existing_rows;

use std::collections::HashMap;
use std::thread::available_parallelism;

use alluvium_format::arrow::array_from_datums;
use alluvium_format::{BinaryRow, DataType, Datum, Error, Predicate, Result, path};
use alluvium_store::{KeyHash, KeyIndex, KeyIndexLimits, KeyPlace, PartitionBucket, TableStore};
use arrow_array::{ArrayRef, Int8Array, RecordBatch, UInt32Array};
use arrow_select::take::take;
use futures::{StreamExt, TryStreamExt, stream};

use self::bootstrap::PrimaryKey;
use self::bucket_counts::BucketCounts;
use self::existing_rows::{Deletes, ExistingRows, IncomingRow, PlacedRow, place_rows};
use crate::bucket_rows::BucketRows;
use crate::table_rows::{TableRows, kernel_error};
use crate::table_write::WriteMode;

/// Rows of some partitions.
#[derive(Debug)]
pub(crate) struct PlacedRows {
    pub(crate) rows: TableRows,
    /// Each once.
    pub(crate) partitions: Vec<BinaryRow>,
    /// Which of the partitions each row is in.
    pub(crate) of_rows: Vec<u32>,
    pub(crate) buckets: Vec<i32>,
}

/// What gives rows their places.
#[derive(Debug)]
pub(crate) struct KeyBucketAssigner {
    table: TableStore,
    mode: WriteMode,
    key: PrimaryKey,
    /// The positions of the partition columns.
    partition: Vec<usize>,
    partition_types: Vec<DataType>,
    existing: ExistingRows,
    partitions: Partitions,
    /// What is known of the keys; `None` until rows come.
    known: Option<Known>,
    /// The snapshot up to which all rows are known; 0 before the first.
    known_until: i64,
}

/// The partitions by their numbers.
#[derive(Debug, Default)]
struct Partitions {
    rows: Vec<BinaryRow>,
    numbers: HashMap<Vec<u8>, u32>,
}

/// What is known of the keys.
#[derive(Debug)]
struct Known {
    index: KeyIndex,
    counts: BucketCounts,
}

impl Partitions {
    fn number(&mut self, partition: &BinaryRow) -> Result<u32> {
        if let Some(number) = self.numbers.get(partition.as_bytes()) {
            return Ok(*number);
        }
        let number = u32::try_from(self.rows.len()).map_err(|_| Error::internal("there are 2^32 partitions"))?;
        self.rows.push(partition.clone());
        self.numbers.insert(partition.as_bytes().to_vec(), number);
        Ok(number)
    }

    fn row(&self, number: u32) -> Result<&BinaryRow> {
        let row = usize::try_from(number).ok().and_then(|number| self.rows.get(number));
        row.ok_or_else(|| Error::internal(format!("there is no partition {number}")))
    }
}

impl KeyBucketAssigner {
    /// That of a table.
    pub(crate) fn of(table: &TableStore, mode: WriteMode) -> Result<Self> {
        let (schema, options) = (table.schema(), table.options());
        let deletes = if options.ignore_delete()? { Deletes::Ignored } else { Deletes::Counted };
        let partition = schema.partition_keys.iter().filter_map(|name| schema.index_of(name)).collect();
        Ok(Self {
            key: PrimaryKey::of(table)?,
            partition,
            partition_types: table.partition_types(),
            existing: ExistingRows::of(options.merge_engine()?, deletes),
            partitions: Partitions::default(),
            known: None,
            known_until: 0,
            table: table.clone(),
            mode,
        })
    }

    /// What the writer was opened for.
    pub(crate) fn mode(&self) -> WriteMode {
        self.mode
    }

    /// Bytes of memory that stay, whatever is written.
    pub(crate) fn bytes(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.index.bytes())
    }

    /// The snapshot up to which the rows of the table gave these rows their places; `None` where none did.
    pub(crate) fn known_until(&self) -> Option<i64> {
        (self.mode == WriteMode::Append && self.known.is_some()).then_some(self.known_until)
    }

    /// What was written is in the table, whose snapshot this is.
    pub(crate) fn committed(&mut self, snapshot: Option<i64>) {
        match self.mode {
            WriteMode::Append => self.known_until = snapshot.unwrap_or(self.known_until),
            WriteMode::Overwrite => self.forget(),
        }
    }

    /// Goes on from what the table has.
    pub(crate) fn forget(&mut self) {
        self.known = None;
        self.partitions = Partitions::default();
    }

    /// The rows in their places; `of_rows` says which of the partitions each is in, where they are several.
    pub(crate) async fn place(
        &mut self,
        rows: TableRows,
        partitions: &[BinaryRow],
        of_rows: &[u32],
    ) -> Result<PlacedRows> {
        let mut known = match self.known.take() {
            Some(known) => known,
            None => self.bootstrap().await?,
        };
        let numbers: Vec<u32> = partitions.iter().map(|row| self.partitions.number(row)).collect::<Result<_>>()?;
        let number_of = |row: usize| {
            let at = of_rows.get(row).map_or(0, |at| *at as usize);
            numbers.get(at).copied().ok_or_else(|| Error::internal("a row of no partition"))
        };
        let hashes = self.key.hashes(&rows.values)?;
        let incoming = hashes
            .iter()
            .zip(rows.kinds.values())
            .enumerate()
            .map(|(row, (key, kind))| Ok(IncomingRow { key: *key, partition: number_of(row)?, kind: *kind }));
        let (incoming, existing) = (incoming.collect::<Result<Vec<_>>>()?, self.existing);
        let work = async move {
            let placed = known.place(&incoming, existing)?;
            Ok((known, placed))
        };
        let (known, placed) = self.table.io().cpu().run(work).await?;
        self.known = Some(known);
        self.moved(rows, &placed)
    }

    /// Reads the keys of the table.
    async fn bootstrap(&mut self) -> Result<Known> {
        let options = self.table.options();
        let limits = KeyIndexLimits::of(self.table.io(), options.cross_partition_index_ttl_millis()?);
        let mut known = Known {
            index: KeyIndex::new(self.table.io(), limits),
            counts: BucketCounts::new(options.dynamic_bucket_target_rows()?),
        };
        let latest = match self.mode {
            WriteMode::Append => self.table.snapshots().latest().await?,
            WriteMode::Overwrite => None,
        };
        self.known_until = latest.as_ref().map_or(0, |latest| latest.id);
        let Some(latest) = latest else { return Ok(known) };
        let cores = available_parallelism().map_or(1, |cores| cores.get());
        let at_once = options.cross_partition_bootstrap_parallelism()?.min(cores);
        let mut buckets = Vec::new();
        for rows in BucketRows::of(&self.table, &latest, &Predicate::True).await? {
            buckets.push((self.place_of(&rows.bucket)?, rows));
        }
        let keys = |(place, rows)| {
            let keys = bootstrap::keys(&self.table, rows, &self.key)?;
            Ok::<_, Error>(Box::pin(keys.map_ok(move |hashes| (place, hashes))))
        };
        let mut keys = stream::iter(buckets).map(keys).try_flatten_unordered(at_once);
        while let Some((place, hashes)) = keys.try_next().await? {
            let work = async move {
                hashes.into_iter().try_for_each(|key| known.note(key, place))?;
                Ok(known)
            };
            known = self.table.io().cpu().run(work).await?;
        }
        Ok(known)
    }

    fn place_of(&mut self, bucket: &PartitionBucket) -> Result<KeyPlace> {
        let number = u16::try_from(bucket.bucket);
        let wrong = |_| Error::corrupt(path::MANIFEST_FOLDER, 0, format!("there is no bucket {}", bucket.bucket));
        Ok(KeyPlace { partition: self.partitions.number(&bucket.partition)?, bucket: number.map_err(wrong)? })
    }

    /// The rows in the order of `placed`, with the partition columns of their places.
    fn moved(&self, rows: TableRows, placed: &[PlacedRow]) -> Result<PlacedRows> {
        let mut partitions = Vec::new();
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut of_rows = Vec::with_capacity(placed.len());
        for row in placed {
            let next = u32::try_from(partitions.len()).map_err(|_| Error::internal("there are 2^32 partitions"))?;
            let at = *numbers.entry(row.place.partition).or_insert(next);
            if at == next {
                partitions.push(self.partitions.row(row.place.partition)?.clone());
            }
            of_rows.push(at);
        }
        let taken = UInt32Array::from_iter_values(placed.iter().map(|placed| placed.row));
        let mut columns = rows.take(&taken)?.values.columns().to_vec();
        let at = UInt32Array::from(of_rows.clone());
        for (place, values) in self.partition.iter().zip(self.partition_columns(&partitions)?) {
            if let Some(column) = columns.get_mut(*place) {
                *column = take(&values, &at, None).map_err(kernel_error)?;
            }
        }
        let values = RecordBatch::try_new(rows.values.schema(), columns).map_err(kernel_error)?;
        let kinds = Int8Array::from_iter_values(placed.iter().map(|placed| placed.kind));
        let buckets = placed.iter().map(|placed| i32::from(placed.place.bucket)).collect();
        Ok(PlacedRows { rows: TableRows { values, kinds }, partitions, of_rows, buckets })
    }

    /// The values of the partition columns in each of the partitions.
    fn partition_columns(&self, partitions: &[BinaryRow]) -> Result<Vec<ArrayRef>> {
        let rows = partitions.iter().map(|row| row.decode(&self.partition_types)).collect::<Result<Vec<_>>>()?;
        let column = |(at, data_type): (usize, &DataType)| {
            let values: Vec<Option<Datum>> = rows.iter().map(|row| row.get(at).cloned().flatten()).collect();
            array_from_datums(data_type, &values)
        };
        self.partition_types.iter().enumerate().map(column).collect()
    }
}

impl Known {
    /// A key is in the table.
    fn note(&mut self, key: KeyHash, place: KeyPlace) -> Result<()> {
        self.counts.add(place.partition, place.bucket);
        self.index.put(key, place)
    }

    fn place(&mut self, rows: &[IncomingRow], existing: ExistingRows) -> Result<Vec<PlacedRow>> {
        let hashes: Vec<KeyHash> = rows.iter().map(|row| row.key).collect();
        let found = self.index.find(&hashes)?;
        let before: HashMap<KeyHash, KeyPlace> =
            hashes.into_iter().zip(found).filter_map(|(key, place)| Some((key, place?))).collect();
        let mut keys = before.clone();
        let placed = place_rows(rows, &mut keys, &mut self.counts, existing)?;
        let changed = keys.into_iter().filter(|(key, place)| before.get(key) != Some(place));
        changed.into_iter().try_for_each(|(key, place)| self.index.put(key, place))?;
        Ok(placed)
    }
}
