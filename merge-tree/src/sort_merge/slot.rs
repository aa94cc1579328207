//! A batch that rows may still be gathered from.

use std::cmp::Ordering;

use crate::key_value::KeyValueBatch;
use crate::normalized_key::Keys;

/// A batch of a run.
#[derive(Debug)]
pub(super) struct Slot<K> {
    pub(super) batch: KeyValueBatch,
    /// Of the file that the batch is from.
    pub(super) level: i32,
    pub(super) keys: K,
    pub(super) sequence_keys: Option<Keys>,
}

impl<K> Slot<K> {
    /// Which of two records of one key is the earlier.
    pub(super) fn merge_order(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let fields = match (&self.sequence_keys, &other.sequence_keys) {
            (Some(keys), Some(others)) => keys.compare(row, others, other_row),
            _ => Ordering::Equal,
        };
        fields.then_with(|| self.batch.sequences.value(row).cmp(&other.batch.sequences.value(other_row)))
    }
}
