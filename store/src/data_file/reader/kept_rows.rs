//! Which rows of a file are kept: those that its deletion vector leaves and its indexes select.
//!
//! Goes in: the vector and the selection, by position in the whole file, and the stretches of rows (row groups, stripes, the whole) that
//! are read. Comes out: the stretches that have a row left, and for each decoded batch the rows to keep. Invariant: positions count all
//! rows of the file, whichever stretches are read.
//! Answers to `org.apache.paimon.deletionvectors.ApplyDeletionFileRecordIterator` and `ApplyBitmapIndexRecordReader`.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use alluvium_format::deletion_vector::DeletionVector;
use alluvium_format::file_index::FileIndexResult;
use alluvium_format::{Error, Result};
use arrow_array::BooleanArray;
use arrow_buffer::BooleanBufferBuilder;
use arrow_select::filter::FilterBuilder;

use super::DecodedRows;

/// The rows to keep of a file that is being read.
#[derive(Debug)]
pub(super) struct KeptRows {
    deleted: Option<Arc<DeletionVector>>,
    selected: FileIndexResult,
    /// The positions of the rows that are still to come, stretch by stretch.
    ahead: VecDeque<Range<u64>>,
}

impl KeptRows {
    /// Those of the stretches `chosen`, of which the ones without a row left are taken out; `stretches` are all of the file. `Err`
    /// says what is wrong.
    pub(super) fn of(
        deleted: Option<&Arc<DeletionVector>>,
        selected: &FileIndexResult,
        stretches: &[Range<u64>],
        chosen: &mut Vec<usize>,
    ) -> Result<Self, String> {
        let rows = stretches.last().map_or(0, |last| last.end);
        if let Some(last) = deleted.and_then(|vector| vector.last()).filter(|last| *last >= rows) {
            return Err(format!("its deletion vector deletes row {last}, and it has {rows} rows"));
        }
        let stretch = |index: &usize| stretches.get(*index).cloned().unwrap_or_default();
        let are_deleted = |index: &usize| deleted.is_some_and(|vector| vector.are_deleted(stretch(index)));
        chosen.retain(|index| selected.has_rows_in(stretch(index)) && !are_deleted(index));
        Ok(Self {
            deleted: deleted.map(Arc::clone),
            selected: selected.clone(),
            ahead: chosen.iter().map(stretch).collect(),
        })
    }

    /// The rows of the next decoded batch that are left.
    ///
    /// # Errors
    /// `Internal` when there are more rows than there should be.
    pub(super) fn apply(&mut self, decoded: DecodedRows) -> Result<DecodedRows> {
        let rows = decoded.rows;
        let (mut kept, mut start) = (None, 0);
        while start < rows {
            let positions = self.take(rows - start)?;
            let end = start + usize::try_from(positions.end - positions.start).unwrap_or(rows);
            let bit = |position: u64| start + usize::try_from(position - positions.start).unwrap_or(rows);
            if let Some(selected) = self.selected.rows_in(positions.clone()) {
                let kept = kept.get_or_insert_with(|| all(rows));
                (start..end).for_each(|row| kept.set_bit(row, false));
                selected.for_each(|position| kept.set_bit(bit(position), true));
            }
            if let Some(deleted) = &self.deleted {
                for position in deleted.positions_in(positions.clone()) {
                    kept.get_or_insert_with(|| all(rows)).set_bit(bit(position), false);
                }
            }
            start = end;
        }
        let Some(mut kept) = kept else { return Ok(decoded) };
        let kept = FilterBuilder::new(&BooleanArray::new(kept.finish(), None)).optimize().build();
        let columns = decoded.columns.iter().map(|column| kept.filter(column)).collect::<Result<_, _>>();
        let columns = columns.map_err(|error| Error::internal("leaving rows out failed").with_source(error))?;
        Ok(DecodedRows { columns, rows: kept.count() })
    }

    /// The positions of the next rows, of one stretch and at most `rows`.
    fn take(&mut self, rows: usize) -> Result<Range<u64>> {
        while self.ahead.front().is_some_and(Range::is_empty) {
            self.ahead.pop_front();
        }
        let stretch = self.ahead.front_mut().ok_or_else(|| Error::internal("rows behind the last stretch"))?;
        let end = stretch.end.min(stretch.start.saturating_add(rows as u64));
        let taken = stretch.start..end;
        stretch.start = end;
        Ok(taken)
    }
}

/// A bit for every row, set.
fn all(rows: usize) -> BooleanBufferBuilder {
    let mut bits = BooleanBufferBuilder::new(rows);
    bits.append_n(rows, true);
    bits
}
