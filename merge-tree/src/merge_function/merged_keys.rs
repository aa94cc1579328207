//! What a merge function made of keys.

use alluvium_format::Result;
use arrow_array::{Int8Array, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;

use super::Records;
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
    /// The given `rows` of `records`, as they are, with the columns `schema`.
    pub(super) fn of_survivors(
        records: &Records<'_>,
        rows: Vec<u32>,
        keys: Vec<u32>,
        schema: &SchemaRef,
    ) -> Result<Self> {
        if rows.len() == records.num_rows() && rows.iter().zip(0..).all(|(row, at): (&u32, u32)| *row == at) {
            return Ok(Self { rows: records.gather(schema)?, keys });
        }
        let sequences: Int64Array = rows.iter().map(|row| records.sequence(*row)).collect();
        let kinds: Int8Array = rows.iter().map(|row| records.kind(*row)).collect();
        let rows = UInt32Array::from(rows);
        let fields = schema.fields().iter().enumerate();
        let columns: Result<Vec<_>> =
            fields.map(|(column, field)| records.pick(column, field.data_type(), &rows)).collect();
        let values = RecordBatch::try_new(SchemaRef::clone(schema), columns?).map_err(kernel_error)?;
        Ok(Self { rows: KeyValueBatch { sequences, kinds, values }, keys })
    }
}
