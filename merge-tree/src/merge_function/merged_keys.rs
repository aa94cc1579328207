//! What a merge function made of keys.

use alluvium_format::Result;
use arrow_array::{Int8Array, Int64Array, UInt32Array};
use arrow_select::take::take_record_batch;

use crate::key_value::{KeyValueBatch, kernel_error};

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

impl MergedKeys {
    /// The given `rows` of `records`, as they are.
    pub(super) fn of_survivors(records: &KeyValueBatch, rows: Vec<u32>, keys: Vec<u32>) -> Result<Self> {
        if rows.len() == records.num_rows() && rows.iter().zip(0..).all(|(row, at): (&u32, u32)| *row == at) {
            return Ok(Self { rows: records.clone(), keys });
        }
        let sequences: Int64Array = rows.iter().map(|row| records.sequences.value(*row as usize)).collect();
        let kinds: Int8Array = rows.iter().map(|row| records.kinds.value(*row as usize)).collect();
        let values = take_record_batch(&records.values, &UInt32Array::from(rows)).map_err(kernel_error)?;
        Ok(Self { rows: KeyValueBatch { sequences, kinds, values }, keys })
    }
}
