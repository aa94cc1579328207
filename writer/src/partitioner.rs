//! Splits rows by partition and bucket.
//!
//! Goes in: rows of the table. Comes out: the rows of each bucket, in their order. Rows that all go to one bucket are not copied;
//! others are moved once, by one gather for each bucket. Where keys stay in the bucket that they once got, the indexes of the partitions are
//! read first. Answers to `FixedBucketRowKeyExtractor`, `RowPartitionKeyExtractor` and `DynamicBucketRow`.

use std::collections::HashMap;

use alluvium_format::binary_row::RowWriter;
use alluvium_format::bucket::{KeyColumns, assign_buckets};
use alluvium_format::{BinaryRow, BucketFunction, BucketMode, DataField, DataType, Error, Result, TableSchema, path};
use alluvium_store::{PartitionBucket, TableStore};
use arrow_array::{ArrayRef, UInt32Array};

use crate::hash_assigner::HashBucketAssigner;
use crate::key_assigner::KeyBucketAssigner;
use crate::table_rows::TableRows;
use crate::table_write::WriteMode;

/// Places of buckets are counted in a table of its own when there are not many more of them than rows; else they are sorted.
const SPARE_PLACES: u64 = 4096;

/// How a table is split.
#[derive(Debug)]
pub(crate) struct Partitioner {
    partition: Columns,
    /// Of the bucket key, or of the trimmed primary key.
    key: Columns,
    buckets: Buckets,
}

/// How the buckets of rows are found.
#[derive(Debug)]
enum Buckets {
    /// By the bucket key.
    Fixed(BucketFunction, i32),
    /// By what is known of the hash of the key.
    Hashed(Box<HashBucketAssigner>),
    /// By what is known of the key, which may be in another partition.
    Keyed(Box<KeyBucketAssigner>),
    /// Rows wait for their buckets.
    Postponed,
    /// There is one for all.
    Unaware,
}

/// Some of the table's columns.
#[derive(Debug)]
struct Columns {
    places: Vec<usize>,
    types: Vec<DataType>,
}

impl Columns {
    fn of(schema: &TableSchema, fields: Vec<DataField>) -> Self {
        let places = fields.iter().filter_map(|field| schema.index_of(&field.name)).collect();
        Self { places, types: fields.into_iter().map(|field| field.data_type).collect() }
    }

    fn pick(&self, rows: &TableRows) -> Vec<ArrayRef> {
        self.places.iter().filter_map(|place| rows.values.columns().get(*place)).cloned().collect()
    }
}

impl Partitioner {
    /// How `table` is split.
    pub(crate) fn of(table: &TableStore, mode: WriteMode) -> Result<Self> {
        let (schema, options) = (table.schema(), table.options());
        let (key, buckets) = match options.bucket_mode(schema)? {
            BucketMode::Dynamic => {
                (schema.trimmed_primary_keys(), Buckets::Hashed(Box::new(HashBucketAssigner::of(table, mode)?)))
            }
            BucketMode::CrossPartition => (Vec::new(), Buckets::Keyed(Box::new(KeyBucketAssigner::of(table, mode)?))),
            BucketMode::Postpone => (Vec::new(), Buckets::Postponed),
            BucketMode::Fixed(_) => {
                (schema.bucket_keys()?, Buckets::Fixed(options.bucket_function()?, options.bucket()?))
            }
            BucketMode::Unaware => (Vec::new(), Buckets::Unaware),
        };
        Ok(Self {
            partition: Columns::of(schema, schema.partition_fields()),
            key: Columns::of(schema, schema.fields_of(&key)?),
            buckets,
        })
    }

    /// The indexes that go into the table with their rows.
    pub(crate) fn hash_assigner_mut(&mut self) -> Option<&mut HashBucketAssigner> {
        match &mut self.buckets {
            Buckets::Hashed(assigner) => Some(assigner),
            _ => None,
        }
    }

    /// What the writer was opened for; `None` where that makes no difference.
    pub(crate) fn mode(&self) -> Option<WriteMode> {
        match &self.buckets {
            Buckets::Hashed(assigner) => Some(assigner.mode()),
            Buckets::Keyed(assigner) => Some(assigner.mode()),
            Buckets::Fixed(..) | Buckets::Postponed | Buckets::Unaware => None,
        }
    }

    /// Whether a key may be in any partition.
    pub(crate) fn moves_keys(&self) -> bool {
        matches!(self.buckets, Buckets::Keyed(_))
    }

    /// Bytes of memory that stay, whatever is written; keys that may go to the local disk are not among them.
    pub(crate) fn bytes(&self) -> usize {
        match &self.buckets {
            Buckets::Hashed(assigner) => assigner.bytes(),
            Buckets::Keyed(assigner) => assigner.bytes(),
            Buckets::Fixed(..) | Buckets::Postponed | Buckets::Unaware => 0,
        }
    }

    /// The snapshot up to which the rows of the table gave these rows their places; `None` where they did not, or indexes say it.
    pub(crate) fn known_until(&self) -> Option<i64> {
        match &self.buckets {
            Buckets::Keyed(assigner) => assigner.known_until(),
            _ => None,
        }
    }

    /// What was written is in the table, whose snapshot this is.
    pub(crate) fn committed(&mut self, snapshot: Option<i64>) {
        match &mut self.buckets {
            Buckets::Hashed(assigner) => assigner.committed(),
            Buckets::Keyed(assigner) => assigner.committed(snapshot),
            Buckets::Fixed(..) | Buckets::Postponed | Buckets::Unaware => {}
        }
    }

    /// Goes on from what the table has.
    pub(crate) fn forget(&mut self) {
        match &mut self.buckets {
            Buckets::Hashed(assigner) => assigner.forget(),
            Buckets::Keyed(assigner) => assigner.forget(),
            Buckets::Fixed(..) | Buckets::Postponed | Buckets::Unaware => {}
        }
    }

    /// The rows of each bucket, by the order in which partitions come up and by bucket.
    pub(crate) async fn split(&mut self, rows: TableRows) -> Result<Vec<(PartitionBucket, TableRows)>> {
        if rows.len() == 0 {
            return Ok(Vec::new());
        }
        let (partitions, count) = (self.partitions(&rows)?, rows.len());
        let key = self.key.pick(&rows);
        let buckets = match &mut self.buckets {
            Buckets::Fixed(function, buckets) => assign_buckets(*function, *buckets, &self.key.types, &key)?,
            Buckets::Hashed(assigner) => {
                assigner.load(&partitions.rows).await?;
                assigner.assign(&partitions.rows, &partitions.of_rows, &key_hashes(&self.key.types, &key)?)?
            }
            Buckets::Unaware => vec![0; count],
            Buckets::Keyed(assigner) => {
                let placed = assigner.place(rows, &partitions.rows, &partitions.of_rows).await?;
                let partitions = Partitions { rows: placed.partitions, of_rows: placed.of_rows };
                return by_bucket(placed.rows, &partitions, &placed.buckets);
            }
            Buckets::Postponed => {
                let mut split = by_bucket(rows, &partitions, &vec![0; count])?;
                split.iter_mut().for_each(|(bucket, _)| bucket.bucket = path::POSTPONE_BUCKET);
                return Ok(split);
            }
        };
        by_bucket(rows, &partitions, &buckets)
    }

    fn partitions(&self, rows: &TableRows) -> Result<Partitions> {
        if self.partition.places.is_empty() {
            return Ok(Partitions { rows: vec![BinaryRow::empty()], of_rows: Vec::new() });
        }
        let columns = self.partition.pick(rows);
        let keys = KeyColumns::new(&self.partition.types, &columns)?;
        let arity = self.partition.types.len();
        let mut writer = RowWriter::new(arity);
        let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut partitions = Partitions { rows: Vec::new(), of_rows: Vec::with_capacity(rows.len()) };
        // Neighbours are mostly of one partition.
        let mut last: (Vec<u8>, u32) = (Vec::new(), 0);
        for row in 0..rows.len() {
            keys.write(row, &mut writer);
            let bytes = writer.as_bytes();
            if bytes != last.0 {
                let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
                let index = *known.entry(bytes.to_vec()).or_insert(next);
                if index == next {
                    partitions.rows.push(partition_row(arity, bytes)?);
                }
                last = (bytes.to_vec(), index);
            }
            partitions.of_rows.push(last.1);
        }
        Ok(partitions)
    }
}

/// The hash of each row of the key's columns.
fn key_hashes(types: &[DataType], columns: &[ArrayRef]) -> Result<Vec<i32>> {
    let keys = KeyColumns::new(types, columns)?;
    let mut writer = RowWriter::new(types.len());
    let rows = columns.first().map_or(0, |column| column.len());
    Ok((0..rows).map(|row| keys.hash(row, &mut writer)).collect())
}

/// The rows of each bucket.
fn by_bucket(rows: TableRows, partitions: &Partitions, buckets: &[i32]) -> Result<Vec<(PartitionBucket, TableRows)>> {
    let per_partition = u64::from(buckets.iter().max().map_or(0, |highest| highest.unsigned_abs())) + 1;
    let places: Vec<u64> = (buckets.iter().enumerate())
        .map(|(row, bucket)| {
            let partition = partitions.of_rows.get(row).copied().unwrap_or(0);
            u64::from(partition) * per_partition + u64::from(bucket.unsigned_abs())
        })
        .collect();
    let count = per_partition.saturating_mul(partitions.rows.len() as u64);
    let bucket_at = |place: u64| -> Result<PartitionBucket> {
        let at = usize::try_from(place / per_partition).ok();
        let partition = at.and_then(|at| partitions.rows.get(at)).cloned();
        let partition = partition.ok_or_else(|| Error::internal(format!("there is no partition at {place}")))?;
        Ok(PartitionBucket { partition, bucket: i32::try_from(place % per_partition).unwrap_or(0) })
    };
    let first = places.first().copied().unwrap_or(0);
    if places.iter().all(|place| *place == first) {
        return if places.is_empty() { Ok(Vec::new()) } else { Ok(vec![(bucket_at(first)?, rows)]) };
    }
    let groups = group(&places, count);
    groups.into_iter().map(|(place, at)| Ok((bucket_at(place)?, rows.take(&at)?))).collect()
}

/// The partitions of some rows.
struct Partitions {
    /// Each once.
    rows: Vec<BinaryRow>,
    /// The index of each row's partition; empty when there is one for all.
    of_rows: Vec<u32>,
}

fn partition_row(arity: usize, bytes: &[u8]) -> Result<BinaryRow> {
    let arity = u32::try_from(arity).map_err(|_| Error::internal("there are too many partition columns"))?;
    let mut serialized = arity.to_be_bytes().to_vec();
    serialized.extend_from_slice(bytes);
    BinaryRow::from_serialized(&serialized)
}

/// The rows at each place, in their order; places ascend. All places are below `count`.
fn group(places: &[u64], count: u64) -> Vec<(u64, UInt32Array)> {
    let rows = 0..u32::try_from(places.len()).unwrap_or(u32::MAX);
    if count > places.len() as u64 + SPARE_PLACES {
        let mut sorted: Vec<(u64, u32)> = places.iter().copied().zip(rows).collect();
        sorted.sort_unstable();
        let same = sorted.chunk_by(|a, b| a.0 == b.0);
        return same
            .filter_map(|group| Some((group.first()?.0, group.iter().map(|(_, row)| *row).collect::<Vec<_>>().into())))
            .collect();
    }
    let mut groups: Vec<Vec<u32>> = vec![Vec::new(); usize::try_from(count).unwrap_or(0)];
    for (place, row) in places.iter().zip(rows) {
        if let Some(group) = usize::try_from(*place).ok().and_then(|place| groups.get_mut(place)) {
            group.push(row);
        }
    }
    let groups = (0u64..).zip(groups).filter(|(_, group)| !group.is_empty());
    groups.map(|(place, group)| (place, UInt32Array::from(group))).collect()
}

#[cfg(test)]
mod tests;
