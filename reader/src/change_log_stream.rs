//! Batches of a table's rows, one after the other, as those of its log.
//!
//! Goes in: batches of splits, each with the offset behind it. Comes out: batches of the log, each with an offset from which the table's rows
//! are read on. A `-U` that ends a batch is held until the row behind it is there, and comes alone where its split ends: until
//! then the offset stays before it, so that nothing of it is lost when another stream goes on from there.

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_array::{Array, Int8Array};
use arrow_schema::ArrowError;
use arrow_select::concat::{concat, concat_batches};
use futures::stream::{self, BoxStream, StreamExt};

use crate::change_batch::SplitBatch;
use crate::change_log::{ChangeLogRead, in_pairs};
use crate::stream_position::SplitOffset;

type Located = (SplitOffset, SplitBatch);

/// The log of what `batches` are; `are_changes` says of each split whether it holds changes, which may be in pairs.
pub(crate) fn logged(
    log: ChangeLogRead,
    are_changes: Vec<bool>,
    batches: BoxStream<'static, Result<Located>>,
) -> BoxStream<'static, Result<Located>> {
    let mut packing = Packing { log, are_changes, held: None };
    let ended = stream::once(async { None });
    let logged = batches.map(Some).chain(ended).map(move |batch| match batch {
        Some(Ok(batch)) => packing.take(batch),
        Some(Err(error)) => vec![Err(error)],
        None => packing.release().into_iter().collect(),
    });
    logged.flat_map(stream::iter).boxed()
}

struct Packing {
    log: ChangeLogRead,
    are_changes: Vec<bool>,
    /// A `-U` that waits for the row behind it, and the offset behind it.
    held: Option<Located>,
}

impl Packing {
    /// What comes out with the next batch.
    fn take(&mut self, (at, batch): Located) -> Vec<Result<Located>> {
        let mut out = Vec::new();
        if self.held.as_ref().is_some_and(|(before, _)| before.split != at.split) {
            out.extend(self.release());
        }
        out.extend(self.pack(at, batch).transpose());
        out
    }

    fn pack(&mut self, at: SplitOffset, batch: SplitBatch) -> Result<Option<Located>> {
        let batch = match self.held.take() {
            Some((_, held)) => joined(&held, &batch)?,
            None => batch,
        };
        let rows = batch.rows.num_rows();
        if !self.log.has_pairs() || !self.are_changes.get(at.split).copied().unwrap_or(false) {
            return Ok(some_rows(at, self.log.row_by_row(&batch)?));
        }
        let ends = in_pairs(batch.kinds.as_ref(), rows);
        let done = ends.last().copied().unwrap_or(0);
        let made = self.log.rows(&batch.clone().first(done), &ends)?;
        let before = SplitOffset { row: at.row - (rows - done) as u64, ..at };
        if done < rows {
            self.held = Some((at, batch.behind(done)));
        }
        Ok(some_rows(before, made))
    }

    /// What was held, as a row of its own.
    fn release(&mut self) -> Option<Result<Located>> {
        let (at, held) = self.held.take()?;
        self.log.row_by_row(&held).map(|made| some_rows(at, made)).transpose()
    }
}

fn some_rows(at: SplitOffset, batch: SplitBatch) -> Option<Located> {
    (batch.rows.num_rows() > 0).then_some((at, batch))
}

fn joined(held: &SplitBatch, next: &SplitBatch) -> Result<SplitBatch> {
    let failed =
        |error: ArrowError| Error::internal("joining an update with what it is part of failed").with_source(error);
    let rows = concat_batches(&next.rows.schema(), [&held.rows, &next.rows]).map_err(failed)?;
    let kinds: Vec<&dyn Array> =
        [&held.kinds, &next.kinds].into_iter().flatten().map(|kinds: &Int8Array| kinds as _).collect();
    let kinds = concat(&kinds).map_err(failed)?.as_primitive::<Int8Type>().clone();
    Ok(SplitBatch { kinds: Some(kinds), rows })
}

#[cfg(test)]
mod tests;
