//! Batches that rows may still be gathered from.
//!
//! Goes in: batches of runs with their keys, and addresses of rows in them. Comes out: one batch of these rows. Invariants: all
//! batches have the columns of the merge.

use std::cmp::Ordering;
use std::sync::Arc;

use alluvium_format::Result;
use arrow_array::{Array, Int8Array, Int64Array, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave;

use crate::key_value::{KeyValueBatch, kernel_error};
use crate::normalized_key::Keys;

/// A row: its slot, and its place there.
pub(super) type Address = (usize, usize);

/// A batch of a run.
#[derive(Debug)]
pub(super) struct Slot<K> {
    pub(super) batch: KeyValueBatch,
    /// Of the file that the batch is from.
    pub(super) level: i32,
    pub(super) keys: K,
    pub(super) sequence_keys: Option<Keys>,
}

impl<K> Slot<K> {
    /// Which of two records of one key is the earlier.
    pub(super) fn merge_order(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let fields = match (&self.sequence_keys, &other.sequence_keys) {
            (Some(keys), Some(others)) => keys.compare(row, others, other_row),
            _ => Ordering::Equal,
        };
        fields.then_with(|| self.batch.sequences.value(row).cmp(&other.batch.sequences.value(other_row)))
    }
}

/// The rows at `addresses` as one batch of the columns `schema`.
pub(super) fn gather<K>(slots: &[Slot<K>], addresses: &[Address], schema: &SchemaRef) -> Result<KeyValueBatch> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for column in 0..schema.fields().len() {
        let arrays: Vec<&dyn Array> = slots.iter().map(|slot| slot.batch.values.column(column).as_ref()).collect();
        columns.push(interleave(&arrays, addresses).map_err(kernel_error)?);
    }
    let sequences: Vec<&[i64]> = slots.iter().map(|slot| &**slot.batch.sequences.values()).collect();
    let kinds: Vec<&[i8]> = slots.iter().map(|slot| &**slot.batch.kinds.values()).collect();
    let sequences: Int64Array = addresses.iter().map(|&(slot, row)| sequences[slot][row]).collect();
    let kinds: Int8Array = addresses.iter().map(|&(slot, row)| kinds[slot][row]).collect();
    let values = RecordBatch::try_new(Arc::clone(schema), columns).map_err(kernel_error)?;
    Ok(KeyValueBatch { sequences, kinds, values })
}

/// The levels of the rows at `addresses`.
pub(super) fn levels_of<K>(slots: &[Slot<K>], addresses: &[Address]) -> Vec<i32> {
    addresses.iter().map(|(slot, _)| slots[*slot].level).collect()
}
