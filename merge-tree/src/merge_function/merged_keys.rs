//! What a merge function made of keys.

use crate::key_value::KeyValueBatch;

/// One row for every key that did not vanish.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedKeys {
    /// The merged rows, in key order.
    pub rows: KeyValueBatch,
    /// Which key of the groups each row is of, ascending.
    pub keys: Vec<u32>,
}

/// What becomes of a key with one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleRecords {
    /// It passes unchanged, whatever its kind: Java's `ReducerMergeFunctionWrapper`, in reads, flushes and plain compactions.
    Pass,
    /// It is merged like any other: in lookup compactions.
    Merge,
}
