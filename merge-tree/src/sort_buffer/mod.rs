//! The flush of a write buffer: records as they arrived become one sorted run.
//!
//! Goes in: batches in arrival order. Comes out: one batch in key order, each key merged by the merge function, or every record
//! of it (for `changelog-producer = input`). Invariants: records of one key are taken in the order of (sequence columns, sequence
//! number); the sort is stable, so where sequence numbers ascend by arrival, as a writer hands them out, it looks at keys alone;
//! superseded rows are dropped before any column moves, and each column moves once. Records of a buffer are of no level.
//! Answers to `org.apache.paimon.mergetree.SortBufferWriteBuffer`.

mod permutation;

use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int8Array, Int64Array, RecordBatch, UInt32Array};
use arrow_select::concat::concat;
use arrow_select::take::take;

use crate::key_value::{KeyValueBatch, kernel_error};
use crate::merge_function::{Candidates, GroupMerge, MergeFunction, Records, Survivor};
use crate::merge_options::MergeOptions;
use crate::normalized_key::{KeyEncoder, Keys};
use permutation::Permutation;

/// Sorts and merges: the content of a level 0 file. `Invalid` without batches, or when they differ in schema.
pub fn sort_buffer(batches: &[KeyValueBatch], options: &MergeOptions) -> Result<KeyValueBatch> {
    let buffer = Buffer::new(batches, options)?;
    match options.function.survivor() {
        Some(survivor) => buffer.survivors(survivor),
        None => buffer.merged(&options.function),
    }
}

/// Sorts and keeps every record: the content of a changelog file of raw input. Errors as [`sort_buffer`].
pub fn sort_records(batches: &[KeyValueBatch], options: &MergeOptions) -> Result<KeyValueBatch> {
    let buffer = Buffer::new(batches, options)?;
    let mut rows = Vec::with_capacity(buffer.sorted.rows.len());
    buffer.for_each_key(|group| {
        rows.extend_from_slice(group);
        Ok(())
    })?;
    buffer.gather(rows)
}

/// Batches with the order of their rows by key.
struct Buffer<'a> {
    batches: &'a [KeyValueBatch],
    sequences: Int64Array,
    kinds: Int8Array,
    sequence_keys: Option<Keys>,
    /// Whether arrival order is not the order of sequence columns and numbers.
    reorders: bool,
    sorted: Permutation,
}

impl<'a> Buffer<'a> {
    fn new(batches: &'a [KeyValueBatch], options: &MergeOptions) -> Result<Self> {
        let Some(first) = batches.first() else {
            return Err(Error::invalid("there is no batch to sort"));
        };
        let schema = first.values.schema_ref();
        if batches.iter().any(|batch| batch.values.schema_ref() != schema) {
            return Err(Error::invalid("the batches of a write buffer differ in schema"));
        }
        let key = KeyEncoder::of_key(schema, &options.key_columns)?;
        let sequence = KeyEncoder::of_sequence(schema, &options.sequence_columns, options.sequence_order)?;
        let values = || batches.iter().map(|batch| &batch.values);
        let sequence_keys = sequence.map(|encoder| encoder.encode(values())).transpose()?;
        let sequences = concatenated(batches.iter().map(|batch| &batch.sequences as &dyn Array).collect())?;
        let kinds = concatenated(batches.iter().map(|batch| &batch.kinds as &dyn Array).collect())?;
        let sequences = sequences.as_primitive::<Int64Type>().clone();
        let reorders = sequence_keys.is_some() || !sequences.values().is_sorted();
        let sorted = Permutation::of(&key.encode(values())?)?;
        let kinds = kinds.as_primitive::<Int8Type>().clone();
        Ok(Self { batches, sequences, kinds, sequence_keys, reorders, sorted })
    }

    /// One record of each key, as it is.
    fn survivors(&self, function: Survivor) -> Result<KeyValueBatch> {
        let mut rows = Vec::with_capacity(self.sorted.rows.len());
        let kinds = self.kinds.values();
        self.for_each_key(|group| {
            let survivor = match group {
                [_] => Some(0),
                _ => function.of(group.iter().map(|row| kinds[*row as usize]))?,
            };
            rows.extend(survivor.and_then(|at| group.get(at)));
            Ok(())
        })?;
        self.gather(rows)
    }

    /// A row of each key, made by a function that works column by column: it takes the rows from where they are.
    fn merged(&self, function: &MergeFunction) -> Result<KeyValueBatch> {
        let mut candidates = Candidates::with_capacity(self.sorted.rows.len());
        self.for_each_key(|group| {
            candidates.push_key(group);
            Ok(())
        })?;
        let [first, ..] = self.batches else { return Err(Error::internal("a write buffer lost its batches")) };
        let merge = GroupMerge::new(function, first.values.schema_ref())?;
        let records = Records::of_batches(self.batches, self.sequences.clone(), self.kinds.clone());
        Ok(merge.merge_candidates(&records, &candidates)?.rows)
    }

    /// Calls `take` with the rows of each key, in merge order, by ascending key.
    fn for_each_key(&self, mut take: impl FnMut(&[u32]) -> Result<()>) -> Result<()> {
        let mut ordered = Vec::new();
        self.sorted.for_each_key(|group| {
            if group.len() == 1 || !self.reorders {
                return take(group);
            }
            ordered.clear();
            ordered.extend_from_slice(group);
            ordered.sort_by(|a, b| self.merge_order(*a as usize, *b as usize));
            take(&ordered)
        })
    }

    fn merge_order(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let fields = self.sequence_keys.as_ref().map_or(std::cmp::Ordering::Equal, |keys| keys.compare(a, keys, b));
        fields.then_with(|| self.sequences.value(a).cmp(&self.sequences.value(b)))
    }

    /// The given rows, counted through all batches, as one batch.
    fn gather(&self, rows: Vec<u32>) -> Result<KeyValueBatch> {
        let Some(first) = self.batches.first() else {
            return Err(Error::internal("a write buffer lost its batches"));
        };
        let total = self.sequences.len();
        let in_place = rows.len() == total && rows.iter().zip(0..).all(|(row, at): (&u32, u32)| *row == at);
        let rows = UInt32Array::from(rows);
        // One column after the other is put together and gathered, so that one column at most is there twice.
        let gathered = |arrays: Vec<&dyn Array>| -> Result<ArrayRef> {
            let column = concatenated(arrays)?;
            if in_place { Ok(column) } else { take(&column, &rows, None).map_err(kernel_error) }
        };
        let schema = first.values.schema_ref();
        let columns: Result<Vec<_>> = (0..schema.fields().len())
            .map(|at| gathered(self.batches.iter().map(|batch| batch.values.column(at).as_ref()).collect()))
            .collect();
        let values = RecordBatch::try_new(Arc::clone(schema), columns?).map_err(kernel_error)?;
        let sequences = gathered(vec![&self.sequences])?.as_primitive::<Int64Type>().clone();
        let kinds = gathered(vec![&self.kinds])?.as_primitive::<Int8Type>().clone();
        Ok(KeyValueBatch { sequences, kinds, values })
    }
}

fn concatenated(arrays: Vec<&dyn Array>) -> Result<ArrayRef> {
    match arrays[..] {
        [array] => Ok(array.slice(0, array.len())),
        _ => concat(&arrays).map_err(kernel_error),
    }
}
