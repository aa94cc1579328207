//! Which rows of a file are left out, as its deletion vector says.
//!
//! Goes in: the vector, by position in the whole file, and the row groups that are read. Comes out: the row groups that have a row
//! left, and for each decoded batch the rows to keep. Invariant: positions count all rows of the file, whichever row groups are read.
//! Answers to `org.apache.paimon.deletionvectors.ApplyDeletionFileRecordIterator`.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use alluvium_format::deletion_vector::DeletionVector;
use alluvium_format::{Error, Result};
use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::BooleanBufferBuilder;
use arrow_select::filter::filter_record_batch;
use parquet::file::metadata::ParquetMetaData;

/// The deleted rows of a file that is being read.
#[derive(Debug)]
pub(super) struct DeletedRows {
    vector: Arc<DeletionVector>,
    /// The positions of the rows that are still to come, row group by row group.
    ahead: VecDeque<Range<u64>>,
}

impl DeletedRows {
    /// Those of the row groups `groups`, of which the ones without a row left are taken out. `Err` says what is wrong.
    pub(super) fn of(
        vector: &Arc<DeletionVector>,
        metadata: &ParquetMetaData,
        groups: &mut Vec<usize>,
    ) -> Result<Self, String> {
        let positions = positions_of_groups(metadata);
        let rows = positions.last().map_or(0, |last| last.end);
        if let Some(last) = vector.last().filter(|last| *last >= rows) {
            return Err(format!("its deletion vector deletes row {last}, and it has {rows} rows"));
        }
        let of_group = |group: &usize| positions.get(*group).cloned().unwrap_or_default();
        groups.retain(|group| !vector.are_deleted(of_group(group)));
        Ok(Self { vector: Arc::clone(vector), ahead: groups.iter().map(of_group).collect() })
    }

    /// The rows of the next decoded batch that are left.
    ///
    /// # Errors
    /// `Internal` when the batch has more rows than there are.
    pub(super) fn apply(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let (mut kept, mut start) = (None, 0);
        while start < rows {
            let positions = self.take(rows - start)?;
            let end = start + usize::try_from(positions.end - positions.start).unwrap_or(rows);
            for position in self.vector.positions_in(positions.clone()) {
                let kept = kept.get_or_insert_with(|| all(rows));
                kept.set_bit(start + usize::try_from(position - positions.start).unwrap_or(rows), false);
            }
            start = end;
        }
        let Some(mut kept) = kept else { return Ok(batch) };
        let kept = BooleanArray::new(kept.finish(), None);
        filter_record_batch(&batch, &kept)
            .map_err(|error| Error::internal("leaving deleted rows out failed").with_source(error))
    }

    /// The positions of the next rows, of one row group and at most `rows`.
    fn take(&mut self, rows: usize) -> Result<Range<u64>> {
        while self.ahead.front().is_some_and(Range::is_empty) {
            self.ahead.pop_front();
        }
        let group = self.ahead.front_mut().ok_or_else(|| Error::internal("rows behind the last row group"))?;
        let end = group.end.min(group.start.saturating_add(rows as u64));
        let taken = group.start..end;
        group.start = end;
        Ok(taken)
    }
}

/// A bit for every row, set.
fn all(rows: usize) -> BooleanBufferBuilder {
    let mut bits = BooleanBufferBuilder::new(rows);
    bits.append_n(rows, true);
    bits
}

/// The positions of the rows of each row group.
fn positions_of_groups(metadata: &ParquetMetaData) -> Vec<Range<u64>> {
    let mut end = 0_u64;
    let groups = metadata.row_groups().iter().map(|group| {
        let start = end;
        end = end.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
        start..end
    });
    groups.collect()
}
