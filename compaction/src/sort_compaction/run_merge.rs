//! Merges runs that lie on the local disk.
//!
//! Goes in: runs, each sorted by the key column. Comes out: their rows, sorted. All of it blocks. Answers to
//! `org.apache.paimon.sort.BinaryExternalMerger`.

use std::collections::VecDeque;
use std::num::NonZero;

use alluvium_format::{Error, Result};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, MergeStep, SortMerge};
use alluvium_store::SpilledBatch;
use arrow_schema::SchemaRef;

/// A sorted run on the local disk, which is gone when this and all that was taken of it are dropped.
#[derive(Debug)]
pub(super) struct SpilledRun {
    pub(super) blocks: VecDeque<SpilledBatch>,
    /// Rows of its largest block.
    pub(super) block_rows: NonZero<usize>,
}

/// A merge under way.
#[derive(Debug)]
pub(super) struct RunMerge {
    merge: SortMerge,
    runs: Vec<SpilledRun>,
    /// Rows of the blocks that come out, at most.
    block_rows: NonZero<usize>,
}

impl RunMerge {
    /// A merge of runs of rows of this schema.
    ///
    /// # Errors
    /// `Internal` when the key is not in the schema.
    pub(super) fn of(runs: Vec<SpilledRun>, options: &MergeOptions, schema: &SchemaRef) -> Result<Self> {
        let block_rows = runs.iter().map(|run| run.block_rows).min().unwrap_or(NonZero::<usize>::MIN);
        let merge = SortMerge::with_target_rows(runs.len(), options, schema.clone(), block_rows.get())?;
        Ok(Self { merge, runs, block_rows })
    }

    /// Rows of the blocks that come out, at most.
    pub(super) fn block_rows(&self) -> NonZero<usize> {
        self.block_rows
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// `Storage` and `Corrupt` when the local disk fails.
    pub(super) fn next(&mut self) -> Result<Option<KeyValueBatch>> {
        loop {
            match self.merge.step()? {
                MergeStep::Ready(rows) => return Ok(Some(rows)),
                MergeStep::Done => return Ok(None),
                MergeStep::Groups(_) => return Err(Error::internal("a merge of rows gave groups")),
                MergeStep::Need(run) => {
                    let runs = self.runs.get_mut(run);
                    let blocks = runs.ok_or_else(|| Error::internal("a merge of unknown runs"))?;
                    let block = blocks.blocks.pop_front().map(|block| block.read()).transpose()?;
                    self.merge.feed(run, block)?;
                }
            }
        }
    }
}
