//! Keys by the buckets they are in.
//!
//! Goes in: a batch of whole primary keys. Comes out: for each partition its rows, and for each bucket of a partition its keys as a lookup
//! wants them: columns of the trimmed primary key, ascending, each once. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alluvium_format::arrow::{datum_at, to_arrow_schema};
use alluvium_format::bucket::assign_buckets;
use alluvium_format::{BinaryRow, BucketFunction, DataField, DataType, Error, Result, TableSchema};
use alluvium_merge_tree::{EncodedKeys, KeyEncoder};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_select::take::{take, take_record_batch};

use super::kernel_failed;

/// Keys of a table.
#[derive(Debug)]
pub(super) struct PointKeys {
    rows: u32,
    partition_types: Vec<DataType>,
    partition: Vec<ArrayRef>,
    bucket_function: BucketFunction,
    bucket_types: Vec<DataType>,
    bucket: Vec<ArrayRef>,
    /// The columns of the trimmed primary key.
    keys: RecordBatch,
    encoded: EncodedKeys,
}

/// Keys of one bucket.
#[derive(Debug)]
pub(super) struct BucketKeys {
    /// Ascending, each once.
    pub(super) keys: RecordBatch,
    /// The rows they come from, key by key.
    rows: Vec<u32>,
    /// Where the rows of each key end.
    ends: Vec<usize>,
}

impl PointKeys {
    /// # Errors
    /// `Invalid` when the batch has other columns than the primary key, or a null.
    pub(super) fn new(schema: &TableSchema, batch: &RecordBatch) -> Result<Self> {
        let given = batch.schema_ref().fields();
        if given.len() != schema.primary_keys.len() {
            return Err(wrong_columns(schema));
        }
        let column = |field: &DataField| -> Result<ArrayRef> {
            let column = batch.column_by_name(&field.name).ok_or_else(|| wrong_columns(schema))?;
            let wanted = to_arrow_schema(std::slice::from_ref(field))?;
            if wanted.fields().iter().any(|wanted| wanted.data_type() != column.data_type()) {
                let (name, given) = (&field.name, column.data_type());
                return Err(Error::invalid(format!("the key column {name} is {}, not {given}", field.data_type)));
            }
            if column.null_count() > 0 {
                return Err(Error::invalid(format!("the key column {} holds a null", field.name)));
            }
            Ok(Arc::clone(column))
        };
        let columns = |fields: &[DataField]| fields.iter().map(column).collect::<Result<Vec<_>>>();
        let key_fields = schema.key_fields();
        let bucket_fields = schema.fields_of(&schema.bucket_keys()?)?;
        let keys = RecordBatch::try_new(to_arrow_schema(&key_fields)?, columns(&key_fields)?).map_err(kernel_failed)?;
        let encoder = KeyEncoder::of_key(keys.schema_ref(), &schema.trimmed_primary_keys())?;
        Ok(Self {
            rows: u32::try_from(batch.num_rows()).map_err(|_| Error::invalid("more than 2^32 keys at once"))?,
            partition_types: schema.partition_types(),
            partition: columns(&schema.partition_fields())?,
            bucket_function: schema.core_options().bucket_function()?,
            bucket_types: bucket_fields.iter().map(|field| field.data_type.clone()).collect(),
            bucket: columns(&bucket_fields)?,
            encoded: encoder.encode_batch(&keys)?,
            keys,
        })
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows as usize
    }

    /// The rows of each partition.
    ///
    /// # Errors
    /// `Invalid` for a value that its column cannot hold.
    pub(super) fn by_partition(&self) -> Result<HashMap<BinaryRow, Vec<u32>>> {
        if self.partition.is_empty() {
            return Ok(HashMap::from([(BinaryRow::empty(), (0..self.rows).collect())]));
        }
        let mut partitions: HashMap<BinaryRow, Vec<u32>> = HashMap::new();
        for row in 0..self.rows {
            let columns = self.partition.iter().zip(&self.partition_types);
            let values = columns.map(|(column, data_type)| datum_at(column, data_type, row as usize));
            let partition = BinaryRow::encode(&self.partition_types, &values.collect::<Result<Vec<_>>>()?)?;
            partitions.entry(partition).or_default().push(row);
        }
        Ok(partitions)
    }

    /// The keys of `rows`, which are of one partition with so many buckets, by bucket.
    ///
    /// # Errors
    /// `Invalid` when the table's function does not take such keys.
    pub(super) fn by_bucket(&self, rows: &[u32], total_buckets: i32) -> Result<BTreeMap<i32, BucketKeys>> {
        let indices = UInt32Array::from(rows.to_vec());
        let columns: Vec<ArrayRef> = self
            .bucket
            .iter()
            .map(|column| take(column, &indices, None))
            .collect::<Result<_, _>>()
            .map_err(kernel_failed)?;
        let buckets = assign_buckets(self.bucket_function, total_buckets, &self.bucket_types, &columns)?;
        let mut of_buckets: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
        for (bucket, row) in buckets.into_iter().zip(rows) {
            of_buckets.entry(bucket).or_default().push(*row);
        }
        of_buckets.into_iter().map(|(bucket, rows)| Ok((bucket, self.sorted(rows)?))).collect()
    }

    fn sorted(&self, mut rows: Vec<u32>) -> Result<BucketKeys> {
        let compare = |a: u32, b: u32| self.encoded.compare(a as usize, &self.encoded, b as usize);
        rows.sort_by(|a, b| compare(*a, *b));
        let (mut distinct, mut ends) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            if distinct.last().is_none_or(|last| compare(*last, *row).is_ne()) {
                distinct.push(*row);
                ends.push(at + 1);
            } else if let Some(end) = ends.last_mut() {
                *end = at + 1;
            }
        }
        let keys = take_record_batch(&self.keys, &UInt32Array::from(distinct)).map_err(kernel_failed)?;
        Ok(BucketKeys { keys, rows, ends })
    }
}

impl BucketKeys {
    /// The rows that a key comes from.
    pub(super) fn originals(&self, key: usize) -> &[u32] {
        let end = |key: usize| self.ends.get(key).copied().unwrap_or(0);
        let start = key.checked_sub(1).map_or(0, end);
        self.rows.get(start..end(key)).unwrap_or_default()
    }
}

fn wrong_columns(schema: &TableSchema) -> Error {
    let names = schema.primary_keys.join(", ");
    Error::invalid(format!("keys have the columns of the primary key and no others: {names}"))
}
