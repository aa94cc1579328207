//! Collects the records that a lookup finds, block by block, without holding on to all the blocks.
//!
//! Goes in: places in blocks, in any order of keys. Comes out: [`LookupFound`], in key order. Invariant: blocks whose rows were not copied
//! yet are held up to `HELD_BYTES_MAX`, however many keys are looked up.

use std::sync::Arc;

use alluvium_format::{Error, Result};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::{Int8Array, Int64Array, RecordBatch};
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave_record_batch;

use super::block::Block;
use super::{LookupFound, LookupWanted};

/// A few dozen pages, or one block of a file that is kept in memory.
const HELD_BYTES_MAX: usize = 4 << 20;

/// What was found so far.
#[derive(Debug)]
pub(super) struct FoundRows {
    wanted: LookupWanted,
    rows: Vec<FoundRow>,
    /// Records that were copied out of their blocks.
    copied: Vec<KeyValueBatch>,
    held: Vec<Arc<Block>>,
    held_bytes: usize,
    /// Records that are still in their blocks: which block that is held, and which row.
    waiting: Vec<(usize, usize)>,
}

#[derive(Debug)]
struct FoundRow {
    key: u32,
    level: i32,
    file: Arc<str>,
    position: u64,
    /// Which batch of those copied, and which row.
    record: (usize, usize),
}

/// Where a record is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundAt<'a> {
    pub(super) level: i32,
    pub(super) file: &'a Arc<str>,
    pub(super) block: &'a Arc<Block>,
    pub(super) row: usize,
}

impl FoundRows {
    pub(super) fn new(wanted: LookupWanted) -> Self {
        let (rows, copied, held, waiting) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { wanted, rows, copied, held, held_bytes: 0, waiting }
    }

    /// Adds the record of a key.
    pub(super) fn add(&mut self, key: u32, at: FoundAt<'_>) -> Result<()> {
        let record = (self.copied.len(), self.waiting.len());
        let position = at.block.first_row + at.row as u64;
        self.rows.push(FoundRow { key, level: at.level, file: Arc::clone(at.file), position, record });
        if self.wanted != LookupWanted::Record {
            return Ok(());
        }
        if !self.held.last().is_some_and(|held| Arc::ptr_eq(held, at.block)) {
            self.held.push(Arc::clone(at.block));
            self.held_bytes += at.block.memory_bytes;
        }
        self.waiting.push((self.held.len() - 1, at.row));
        if self.held_bytes > HELD_BYTES_MAX && self.held.len() > 1 { self.copy() } else { Ok(()) }
    }

    /// Copies the records that wait out of their blocks, and lets go of these.
    fn copy(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut parts = Vec::with_capacity(self.held.len());
        for block in &self.held {
            let Some((sequences, kinds)) = &block.system else {
                return Err(Error::internal("records are wanted where only keys were kept"));
            };
            parts.push((&block.values, sequences, kinds));
        }
        self.copied.push(interleaved(&parts, &self.waiting)?);
        self.held.clear();
        self.held_bytes = 0;
        self.waiting.clear();
        Ok(())
    }

    /// All of it, in key order.
    pub(super) fn finish(mut self) -> Result<LookupFound> {
        self.copy()?;
        // Each run gives its keys in order, the runs one after the other.
        self.rows.sort_by_key(|row| row.key);
        let records = match (self.wanted, self.copied.as_slice()) {
            (LookupWanted::Record, [one]) if self.rows.iter().map(|row| row.record.1).eq(0..one.num_rows()) => {
                self.copied.pop()
            }
            (LookupWanted::Record, [_, ..]) => {
                let parts: Vec<_> =
                    self.copied.iter().map(|batch| (&batch.values, &batch.sequences, &batch.kinds)).collect();
                let rows: Vec<_> = self.rows.iter().map(|row| row.record).collect();
                Some(interleaved(&parts, &rows)?)
            }
            _ => None,
        };
        let mut found = LookupFound { records, ..LookupFound::default() };
        for row in self.rows {
            found.keys.push(row.key);
            found.levels.push(row.level);
            found.places.push((row.file, row.position));
        }
        Ok(found)
    }
}

/// Some rows of some batches of one schema.
fn interleaved(parts: &[(&RecordBatch, &Int64Array, &Int8Array)], rows: &[(usize, usize)]) -> Result<KeyValueBatch> {
    let values: Vec<&RecordBatch> = parts.iter().map(|part| part.0).collect();
    let values = interleave_record_batch(&values, rows).map_err(kernel_failed)?;
    let sequences: Int64Array = rows.iter().map(|(part, row)| parts[*part].1.value(*row)).collect();
    let kinds: Int8Array = rows.iter().map(|(part, row)| parts[*part].2.value(*row)).collect();
    KeyValueBatch::try_new(sequences, kinds, values)
}

fn kernel_failed(error: ArrowError) -> Error {
    Error::internal("putting the records of a lookup together failed").with_source(error)
}
