//! What became of the rows of a bucket between two snapshots: two merges side by side, key by key.
//!
//! Goes in: the merged records of before and of after, each in key order, deletes included. Comes out: a key that only before has as `-D` with
//! its row, one that only after has as it is there, and one whose row or whose being changed as it is after; nothing for the others. For
//! example, `a=1 b=2 c=3` before and `b=2 c=4 d=5` after give `-D a=1`, `+I c=4`, `+I d=5`. Rows are compared by their bytes, as Paimon
//! compares binary rows. CPU-bound. Answers to `IncrementalDiffSplitRead`.

use std::cmp::Ordering;

use alluvium_format::{Error, Result, RowKind};
use alluvium_merge_tree::{EncodedKeys, KeyEncoder, KeyValueBatch};
use alluvium_store::MergeRead;
use arrow_array::{Int8Array, RecordBatch};
use arrow_schema::{ArrowError, Schema};
use arrow_select::interleave::interleave_record_batch;

use crate::change_batch::SplitBatch;

/// Two merges that are compared.
#[derive(Debug)]
pub(crate) struct DiffRead {
    keys: KeyEncoder,
    before: Side,
    after: Side,
}

#[derive(Debug)]
struct Side {
    merge: MergeRead,
    /// What is compared now; `None` at the end.
    batch: Option<(KeyValueBatch, EncodedKeys)>,
    /// The row that is next.
    row: usize,
    ended: bool,
}

/// What comes out, by address: 0 is the batch of before, 1 that of after.
#[derive(Default)]
struct Found {
    rows: Vec<(usize, usize)>,
    kinds: Vec<i8>,
}

impl DiffRead {
    /// Of merges whose batches have this schema, by these key columns.
    ///
    /// # Errors
    /// `Invalid` when the schema lacks a key column; `Unsupported` for a type that has no order.
    pub(crate) fn new(schema: &Schema, key_columns: &[String], before: MergeRead, after: MergeRead) -> Result<Self> {
        let side = |merge| Side { merge, batch: None, row: 0, ended: false };
        let keys = KeyEncoder::of_key(schema, key_columns)?;
        Ok(Self { keys, before: side(before), after: side(after) })
    }

    /// The next changes; `None` at the end.
    ///
    /// # Errors
    /// Those of reading files.
    pub(crate) async fn next(&mut self) -> Result<Option<SplitBatch>> {
        loop {
            self.before.fill(&self.keys).await?;
            self.after.fill(&self.keys).await?;
            if self.before.batch.is_none() && self.after.batch.is_none() {
                return Ok(None);
            }
            let mut found = Found::default();
            while self.compare_next(&mut found)? {}
            if !found.rows.is_empty() {
                return self.gather(found).map(Some);
            }
        }
    }

    /// Compares what is next on both sides; whether there is more to compare without reading on.
    fn compare_next(&mut self, found: &mut Found) -> Result<bool> {
        let order = match (&self.before.batch, &self.after.batch) {
            (None, None) => return Ok(false),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((_, before)), Some((_, after))) => before.compare(self.before.row, after, self.after.row),
        };
        match order {
            Ordering::Less => {
                if self.before.kind()?.is_add() {
                    found.push(0, self.before.row, RowKind::Delete);
                }
                self.before.row += 1;
            }
            Ordering::Greater => {
                found.push(1, self.after.row, self.after.kind()?);
                self.after.row += 1;
            }
            Ordering::Equal => {
                if self.differ()? {
                    found.push(1, self.after.row, self.after.kind()?);
                }
                self.before.row += 1;
                self.after.row += 1;
            }
        }
        Ok(!self.before.is_used_up() && !self.after.is_used_up())
    }

    fn differ(&self) -> Result<bool> {
        let (before, after) = (self.before.batch()?, self.after.batch()?);
        if self.before.kind()?.is_add() != self.after.kind()?.is_add() {
            return Ok(true);
        }
        let columns = before.values.columns().iter().zip(after.values.columns());
        let (row, other) = (self.before.row, self.after.row);
        Ok(columns.into_iter().any(|(column, of_after)| column.slice(row, 1) != of_after.slice(other, 1)))
    }

    fn gather(&self, found: Found) -> Result<SplitBatch> {
        let before = self.before.batch.as_ref().map(|(batch, _)| &batch.values);
        let after = self.after.batch.as_ref().map(|(batch, _)| &batch.values);
        let any = before.or(after).ok_or_else(|| Error::internal("rows of no batch came out of a comparison"))?;
        let batches: [&RecordBatch; 2] = [before.unwrap_or(any), after.unwrap_or(any)];
        let failed = |error: ArrowError| Error::internal("gathering compared rows failed").with_source(error);
        let rows = interleave_record_batch(&batches, &found.rows).map_err(failed)?;
        Ok(SplitBatch { kinds: Some(Int8Array::from(found.kinds)), rows })
    }
}

impl Found {
    fn push(&mut self, side: usize, row: usize, kind: RowKind) {
        self.rows.push((side, row));
        self.kinds.push(kind.to_byte());
    }
}

impl Side {
    /// Has a batch with a row to compare, unless it is at its end.
    async fn fill(&mut self, keys: &KeyEncoder) -> Result<()> {
        while !self.ended && self.is_used_up() {
            self.row = 0;
            self.batch = match self.merge.next().await? {
                Some(batch) => {
                    let keys = keys.encode_batch(&batch.values)?;
                    Some((batch, keys))
                }
                None => {
                    self.ended = true;
                    None
                }
            };
        }
        Ok(())
    }

    fn is_used_up(&self) -> bool {
        !self.ended && self.batch.as_ref().is_none_or(|(batch, _)| self.row >= batch.num_rows())
    }

    fn batch(&self) -> Result<&KeyValueBatch> {
        let batch = self.batch.as_ref().map(|(batch, _)| batch);
        batch.ok_or_else(|| Error::internal("a comparison went on behind its end"))
    }

    fn kind(&self) -> Result<RowKind> {
        let kinds = &self.batch()?.kinds;
        RowKind::from_byte(kinds.values().get(self.row).copied().unwrap_or(-1))
    }
}
