//! The rows of one bucket that wait to be flushed, with their sequence numbers.
//!
//! Goes in: batches in arrival order. Comes out: the same, for the sort. Small batches are put together, so that a writer who
//! comes with a row at a time neither pays for arrays of one row nor hides their cost from the memory budget. Where memory is short the
//! rows go to the local disk as they are, and come back for the flush: what it makes of them is the same. Invariant: rows on the disk came
//! before those in memory. Answers to `org.apache.paimon.mergetree.SortBufferWriteBuffer`.

use alluvium_format::{Error, Result};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::SpilledBatch;
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, cast::AsArray};
use arrow_select::concat::{concat, concat_batches};

use crate::table_rows::kernel_error;

/// Batches of fewer rows are put together.
const SMALL_ROWS: usize = 1024;
/// As many small batches as this become one.
const SMALL_BATCHES_MAX: usize = 64;
/// One string column of a flush has 2 GiB at most, as Arrow's offsets have 31 bits; rows need not be that many.
pub(crate) const FLUSH_BYTES_MAX: usize = 1 << 30;
/// Rows of a flush: their places have 32 bits.
pub(crate) const FLUSH_ROWS_MAX: usize = 1 << 31;

/// Rows that wait.
#[derive(Debug, Default)]
pub(crate) struct WriteBuffer {
    rows: WaitingRows,
    /// How many of the last batches are small.
    small: usize,
}

/// Rows in arrival order.
#[derive(Debug, Default)]
pub(crate) struct WaitingRows {
    spilled: Vec<SpilledBatch>,
    /// What those on the disk take in memory.
    spilled_bytes: usize,
    batches: Vec<KeyValueBatch>,
    bytes: usize,
    /// Of both.
    rows: usize,
}

impl WriteBuffer {
    /// Bytes that the rows take in memory now.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.bytes
    }

    /// Bytes that all rows would take in memory.
    pub(crate) fn total_bytes(&self) -> usize {
        self.rows.bytes.saturating_add(self.rows.spilled_bytes)
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.rows == 0
    }

    /// Whether these rows must not be added to those that are there: together they could not be sorted.
    pub(crate) fn must_be_flushed_before(&self, batch: &KeyValueBatch) -> bool {
        !self.is_empty()
            && (self.total_bytes().saturating_add(batch.rows_bytes()) > FLUSH_BYTES_MAX
                || self.rows.rows.saturating_add(batch.num_rows()) > FLUSH_ROWS_MAX)
    }

    /// Adds rows.
    pub(crate) fn push(&mut self, batch: KeyValueBatch) -> Result<()> {
        let waiting = &mut self.rows;
        waiting.rows += batch.num_rows();
        waiting.bytes += batch.rows_bytes();
        self.small = if batch.num_rows() < SMALL_ROWS { self.small + 1 } else { 0 };
        waiting.batches.push(batch);
        if self.small >= SMALL_BATCHES_MAX {
            let together = joined(&waiting.batches.split_off(waiting.batches.len().saturating_sub(self.small)))?;
            self.small = usize::from(together.num_rows() < SMALL_ROWS);
            waiting.batches.push(together);
            waiting.bytes = waiting.batches.iter().map(KeyValueBatch::rows_bytes).sum();
        }
        Ok(())
    }

    /// The rows in memory, to be spilled.
    pub(crate) fn in_memory(&self) -> &[KeyValueBatch] {
        &self.rows.batches
    }

    /// Lets go of the rows in memory, which are on the disk now.
    pub(crate) fn forget_spilled(&mut self, spilled: SpilledBatch) {
        let waiting = &mut self.rows;
        waiting.spilled.push(spilled);
        waiting.spilled_bytes = waiting.spilled_bytes.saturating_add(waiting.bytes);
        waiting.bytes = 0;
        waiting.batches = Vec::new();
        self.small = 0;
    }

    /// All rows; the buffer is empty then.
    pub(crate) fn take(&mut self) -> WaitingRows {
        std::mem::take(self).rows
    }
}

impl WaitingRows {
    /// Bytes of those in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What a flush takes besides: the rows from the disk, and all of them once more, sorted.
    pub(crate) fn flush_bytes(&self) -> usize {
        self.spilled_bytes.saturating_mul(2).saturating_add(self.bytes)
    }

    /// All of them in memory. It blocks.
    ///
    /// # Errors
    /// `Storage` and `Corrupt` when the local disk fails.
    pub(crate) fn load(self) -> Result<Vec<KeyValueBatch>> {
        let mut batches: Vec<KeyValueBatch> = self.spilled.iter().map(SpilledBatch::read).collect::<Result<_>>()?;
        batches.extend(self.batches);
        Ok(batches)
    }
}

/// Batches as one.
pub(crate) fn joined(batches: &[KeyValueBatch]) -> Result<KeyValueBatch> {
    let Some(first) = batches.first() else { return Err(Error::internal("there is nothing to put together")) };
    let values = concat_batches(first.values.schema_ref(), batches.iter().map(|batch| &batch.values));
    let sequences = concat(&batches.iter().map(|batch| &batch.sequences as &dyn Array).collect::<Vec<_>>());
    let kinds = concat(&batches.iter().map(|batch| &batch.kinds as &dyn Array).collect::<Vec<_>>());
    Ok(KeyValueBatch {
        sequences: primitive::<Int64Type>(&sequences.map_err(kernel_error)?)?,
        kinds: primitive::<Int8Type>(&kinds.map_err(kernel_error)?)?,
        values: values.map_err(kernel_error)?,
    })
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<PrimitiveArray<T>> {
    array.as_primitive_opt::<T>().cloned().ok_or_else(|| Error::internal("an Arrow kernel changed a type"))
}

#[cfg(test)]
mod tests;
