//! A batch of key-value records: what data files hold and what the merge reads and yields.
//!
//! Goes in: three parts of equal length, the sequence numbers, the row kinds and the table's columns. Comes out: the same rows
//! sliced, counted or filtered. Invariants: no null in `sequences` and `kinds`; every kind is 0 to 3. The keys are columns of
//! `values`, as primary key columns are table columns. Answers to `org.apache.paimon.KeyValue`, a batch at a time.

use alluvium_format::{Error, Result, RowKind};
use arrow_array::{Array, BooleanArray, Int8Array, Int64Array, RecordBatch};
use arrow_select::filter::{filter, filter_record_batch};

/// What an array takes besides its values.
const ARRAY_BYTES: usize = 256;

/// Rows with their sequence numbers and kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyValueBatch {
    /// `_SEQUENCE_NUMBER` of each row.
    pub sequences: Int64Array,
    /// `_VALUE_KIND` of each row: the bytes of [`RowKind`].
    pub kinds: Int8Array,
    /// The table's columns, or some of them; the key columns always.
    pub values: RecordBatch,
}

impl KeyValueBatch {
    /// Puts the three parts together. `Invalid` when their lengths differ, on a null, and on a byte that is no kind.
    pub fn try_new(sequences: Int64Array, kinds: Int8Array, values: RecordBatch) -> Result<Self> {
        let rows = values.num_rows();
        if sequences.len() != rows || kinds.len() != rows {
            let (sequences, kinds) = (sequences.len(), kinds.len());
            return Err(Error::invalid(format!("{rows} rows with {sequences} sequence numbers and {kinds} kinds")));
        }
        if sequences.null_count() > 0 || kinds.null_count() > 0 {
            return Err(Error::invalid("a row has a null sequence number or a null kind"));
        }
        if let Some(byte) = kinds.values().iter().find(|byte| !(0..=3).contains(*byte)) {
            RowKind::from_byte(*byte)?;
        }
        Ok(Self { sequences, kinds, values })
    }

    /// Rows that all come into being, numbered from `first_sequence` on.
    pub fn inserts(values: RecordBatch, first_sequence: i64) -> Self {
        let rows = values.num_rows();
        let end = first_sequence.saturating_add(i64::try_from(rows).unwrap_or(i64::MAX));
        let sequences = Int64Array::from_iter_values(first_sequence..end);
        let kinds = Int8Array::from_value(RowKind::Insert.to_byte(), rows);
        Self { sequences, kinds, values }
    }

    /// How many rows there are.
    pub fn num_rows(&self) -> usize {
        self.values.num_rows()
    }

    /// The rows `offset..offset + length`, without copying them.
    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self {
            sequences: self.sequences.slice(offset, length),
            kinds: self.kinds.slice(offset, length),
            values: self.values.slice(offset, length),
        }
    }

    /// How many rows are of kind `-U` or `-D`: `_DELETE_ROW_COUNT` of a file of these rows.
    pub fn delete_row_count(&self) -> usize {
        self.kinds.values().iter().filter(|kind| is_retract(**kind)).count()
    }

    /// Bytes that the rows take, without what their arrays share with rows that are not among them.
    pub fn rows_bytes(&self) -> usize {
        let values = self.values.columns().iter().map(|column| {
            let values = column.to_data().get_slice_memory_size();
            values.unwrap_or_else(|_| column.get_array_memory_size()) + ARRAY_BYTES
        });
        let system = self.num_rows() * (size_of::<i64>() + size_of::<i8>()) + 2 * ARRAY_BYTES;
        values.sum::<usize>() + system
    }

    /// Bytes of memory that the arrays hold, shared buffers included.
    pub fn memory_bytes(&self) -> usize {
        self.sequences.get_array_memory_size()
            + self.kinds.get_array_memory_size()
            + self.values.get_array_memory_size()
    }
}

/// Leaves only the rows that add (`+I`, `+U`), in their order: what a reader sees, and what the highest level keeps.
pub fn drop_deletes(batch: KeyValueBatch) -> Result<KeyValueBatch> {
    if batch.delete_row_count() == 0 {
        return Ok(batch);
    }
    let keep = BooleanArray::from_iter(batch.kinds.values().iter().map(|kind| Some(!is_retract(*kind))));
    filter_rows(&batch, &keep)
}

/// Leaves only the rows that are to be kept, in their order.
pub(crate) fn filter_rows(batch: &KeyValueBatch, keep: &BooleanArray) -> Result<KeyValueBatch> {
    let sequences = filter(&batch.sequences, keep).map_err(kernel_error)?;
    let kinds = filter(&batch.kinds, keep).map_err(kernel_error)?;
    let values = filter_record_batch(&batch.values, keep).map_err(kernel_error)?;
    KeyValueBatch::try_new(as_int64(&sequences)?, as_int8(&kinds)?, values)
}

/// Whether a kind byte is `-U` or `-D`.
#[inline]
pub(crate) fn is_retract(kind: i8) -> bool {
    kind == RowKind::UpdateBefore as i8 || kind == RowKind::Delete as i8
}

/// An Arrow kernel refused arrays that were checked before, or ran over the 2 GiB of one string array.
pub(crate) fn kernel_error(error: arrow_schema::ArrowError) -> Error {
    Error::internal("an Arrow kernel failed on rows being merged").with_source(error)
}

fn as_int64(array: &dyn Array) -> Result<Int64Array> {
    array.as_any().downcast_ref::<Int64Array>().cloned().ok_or_else(|| Error::internal("a filter changed a type"))
}

fn as_int8(array: &dyn Array) -> Result<Int8Array> {
    array.as_any().downcast_ref::<Int8Array>().cloned().ok_or_else(|| Error::internal("a filter changed a type"))
}
