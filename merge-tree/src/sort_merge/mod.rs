//! Merges sorted runs into one, without I/O: it asks for batches and yields batches.
//!
//! Goes in: for each run its batches, in key order and each key once. Comes out: batches in key order, each key at most once,
//! merged by the merge function from the records of a key in the order of (sequence columns, sequence number). For example with
//! deduplicate `a1@1 b1@2` and `a2@3` give `a2@3 b1@2`. Invariants: a key with one record passes unchanged, whatever its kind;
//! memory holds the current batch of each run and the batches of rows that wait to be gathered, of which the limit is
//! `RETAINED_BATCHES_PER_RUN`. Rows are addresses (batch, row) until a batch of output is full; columns move once, and only in what is
//! left of them. [`SortMerge::grouped`] gives all records, key by key, instead.
//! Answers to `org.apache.paimon.mergetree.compact.SortMergeReaderWithLoserTree`.

mod merger;
mod slot;

use alluvium_format::Result;
use arrow_schema::SchemaRef;

use crate::key_groups::{KeyGroups, UNKNOWN_LEVEL};
use crate::key_value::KeyValueBatch;
use crate::merge_function::{GroupMerge, HighLevels, Survivor};
use crate::merge_options::MergeOptions;
use crate::normalized_key::{KeyEncoder, KeyForm, Packed, RowKeys};
use merger::Merger;

/// Rows in a batch of output, unless set otherwise: limits of cache, not of speed, which is the same from 8 Ki to 64 Ki.
pub const DEFAULT_TARGET_ROWS: usize = 8192;

/// Output is gathered early when more batches than this, for each run, wait for it.
pub(crate) const RETAINED_BATCHES_PER_RUN: usize = 2;

/// What a merge wants or has.
#[derive(Clone, Debug, PartialEq)]
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
    pub(crate) output: Output,
    pub(crate) target_rows: usize,
}

/// What leaves a merger.
#[derive(Debug)]
pub(crate) enum Output {
    /// One record of each key, chosen by address among those of levels that count.
    Survivors(Survivor, HighLevels),
    /// A row made of the records of each key.
    Merged(GroupMerge),
    /// All records of each key.
    Groups,
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
        let output = match options.function.survivor() {
            Some(survivor) => Output::Survivors(survivor, options.function.high_levels()),
            None => Output::Merged(GroupMerge::new(&options.function, &value_schema)?),
        };
        Self::with_output(runs, options, value_schema, target_rows, output)
    }

    /// As [`SortMerge::new`], but nothing is merged: it yields [`MergeStep::Groups`].
    pub fn grouped(runs: usize, options: &MergeOptions, value_schema: SchemaRef) -> Result<Self> {
        Self::grouped_with_target_rows(runs, options, value_schema, DEFAULT_TARGET_ROWS)
    }

    /// As [`SortMerge::grouped`], with the number of records at which groups are gathered.
    pub fn grouped_with_target_rows(
        runs: usize,
        options: &MergeOptions,
        value_schema: SchemaRef,
        target_rows: usize,
    ) -> Result<Self> {
        Self::with_output(runs, options, value_schema, target_rows, Output::Groups)
    }

    fn with_output(
        runs: usize,
        options: &MergeOptions,
        value_schema: SchemaRef,
        target_rows: usize,
        output: Output,
    ) -> Result<Self> {
        let key = KeyEncoder::of_key(&value_schema, &options.key_columns)?;
        let sequence = KeyEncoder::of_sequence(&value_schema, &options.sequence_columns, options.sequence_order)?;
        let form = key.form();
        let target_rows = target_rows.max(1);
        let parts = MergeParts { runs, schema: value_schema, key, sequence, output, target_rows };
        let merger = match form {
            KeyForm::Packed64 => AnyMerger::Packed64(Merger::new(parts)),
            KeyForm::Packed128 => AnyMerger::Packed128(Merger::new(parts)),
            KeyForm::Rows => AnyMerger::Rows(Merger::new(parts)),
        };
        Ok(Self { merger })
    }

    /// Goes on until a batch is ready, a run needs its next batch, or all is done.
    ///
    /// # Errors
    /// Those of the merge function.
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
        self.feed_level(run, UNKNOWN_LEVEL, batch)
    }

    /// As [`SortMerge::feed`], for a batch of a file of this level, which groups tell and [`crate::MergeFunction::Lookup`] goes by.
    pub fn feed_level(&mut self, run: usize, level: i32, batch: Option<KeyValueBatch>) -> Result<()> {
        match &mut self.merger {
            AnyMerger::Packed64(merger) => merger.feed(run, level, batch),
            AnyMerger::Packed128(merger) => merger.feed(run, level, batch),
            AnyMerger::Rows(merger) => merger.feed(run, level, batch),
        }
    }
}
