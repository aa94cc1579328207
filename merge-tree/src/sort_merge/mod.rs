//! Merges sorted runs into one, without I/O: it asks for batches and yields batches.
//!
//! Goes in: for each run its batches, in key order and each key once. Comes out: batches in key order, each key at most once,
//! merged by the merge function from the records of a key in the order of (sequence columns, sequence number). For example with
//! deduplicate `a1@1 b1@2` and `a2@3` give `a2@3 b1@2`. Invariants: a key with one record passes unchanged, whatever its kind;
//! memory holds the current batch of each run and the batches of rows that wait to be gathered, of which the limit is
//! `RETAINED_BATCHES_PER_RUN`. Rows are addresses (batch, row) until a batch of output is full; columns move once.
//! Answers to `org.apache.paimon.mergetree.compact.SortMergeReaderWithLoserTree`.

mod merger;

use std::sync::Arc;

use alluvium_format::Result;
use arrow_schema::SchemaRef;

use crate::key_groups::KeyGroups;
use crate::key_value::KeyValueBatch;
use crate::merge_function::MergeFunction;
use crate::merge_options::MergeOptions;
use crate::normalized_key::{KeyEncoder, KeyForm, Packed, RowKeys};
use merger::Merger;

/// Rows in a batch of output, unless set otherwise: limits of cache, not of speed, which is the same from 8 Ki to 64 Ki.
pub const DEFAULT_TARGET_ROWS: usize = 8192;

/// Output is gathered early when more batches than this, for each run, wait for it.
pub(crate) const RETAINED_BATCHES_PER_RUN: usize = 2;

/// What a merge wants or has.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is mostly the large one")]
pub enum MergeStep {
    /// The next batch of this run, or `None` at its end, for [`SortMerge::feed`].
    Need(usize),
    /// The next batch of output. A long stretch of rows of one run comes as a slice of its batch, without a copy.
    Ready(KeyValueBatch),
    /// The next records of whole keys, from [`SortMerge::grouped`].
    Groups(KeyGroups),
    /// There is nothing more.
    Done,
}

/// A k-way merge.
#[derive(Debug)]
pub struct SortMerge {
    merger: AnyMerger,
}

#[derive(Debug)]
enum AnyMerger {
    Packed64(Merger<Packed<u64>>),
    Packed128(Merger<Packed<u128>>),
    Rows(Merger<RowKeys>),
}

/// What all forms of a merge are made from.
#[derive(Debug)]
pub(crate) struct MergeParts {
    pub(crate) runs: usize,
    pub(crate) schema: SchemaRef,
    pub(crate) key: KeyEncoder,
    pub(crate) sequence: Option<KeyEncoder>,
    pub(crate) function: MergeFunction,
    pub(crate) target_rows: usize,
}

impl SortMerge {
    /// A merge of `runs` runs, whose `values` all have the schema `value_schema`: the key columns and the sequence columns
    /// ([`MergeOptions::required_columns`]) are among its columns, else `Invalid`.
    pub fn new(runs: usize, options: &MergeOptions, value_schema: SchemaRef) -> Result<Self> {
        Self::with_target_rows(runs, options, value_schema, DEFAULT_TARGET_ROWS)
    }

    /// As [`SortMerge::new`], with the number of rows at which a batch of output is gathered.
    pub fn with_target_rows(
        runs: usize,
        options: &MergeOptions,
        value_schema: SchemaRef,
        target_rows: usize,
    ) -> Result<Self> {
        let key = KeyEncoder::of_key(&value_schema, &options.key_columns)?;
        let sequence = KeyEncoder::of_sequence(&value_schema, &options.sequence_columns, options.sequence_order)?;
        let form = key.form();
        let parts = MergeParts {
            runs,
            schema: Arc::clone(&value_schema),
            key,
            sequence,
            function: options.function.clone(),
            target_rows: target_rows.max(1),
        };
        let merger = match form {
            KeyForm::Packed64 => AnyMerger::Packed64(Merger::new(parts)),
            KeyForm::Packed128 => AnyMerger::Packed128(Merger::new(parts)),
            KeyForm::Rows => AnyMerger::Rows(Merger::new(parts)),
        };
        Ok(Self { merger })
    }

    /// As [`SortMerge::new`], but nothing is merged: it yields [`MergeStep::Groups`].
    pub fn grouped(runs: usize, options: &MergeOptions, value_schema: SchemaRef) -> Result<Self> {
        let _ = (runs, options, value_schema);
        Err(alluvium_format::Error::internal("not built"))
    }

    /// As [`SortMerge::feed`], for a batch of a file of this level.
    pub fn feed_level(&mut self, run: usize, level: i32, batch: Option<KeyValueBatch>) -> Result<()> {
        let _ = level;
        self.feed(run, batch)
    }

    /// Goes on until a batch is ready, a run needs its next batch, or all is done.
    pub fn step(&mut self) -> Result<MergeStep> {
        match &mut self.merger {
            AnyMerger::Packed64(merger) => merger.step(),
            AnyMerger::Packed128(merger) => merger.step(),
            AnyMerger::Rows(merger) => merger.step(),
        }
    }

    /// Answers [`MergeStep::Need`]. `Corrupt` when the rows are not in strict key order, `Invalid` when they have another
    /// schema, `Internal` when the run was not asked for.
    pub fn feed(&mut self, run: usize, batch: Option<KeyValueBatch>) -> Result<()> {
        match &mut self.merger {
            AnyMerger::Packed64(merger) => merger.feed(run, batch),
            AnyMerger::Packed128(merger) => merger.feed(run, batch),
            AnyMerger::Rows(merger) => merger.feed(run, batch),
        }
    }
}
