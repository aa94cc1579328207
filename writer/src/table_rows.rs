//! Rows on their way into a table: its columns in schema order, and a kind for each row.

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_array::{Array, BooleanArray, Int8Array, RecordBatch, UInt32Array};
use arrow_schema::ArrowError;
use arrow_select::filter::{filter, filter_record_batch};
use arrow_select::take::{take, take_record_batch};

/// Rows of a table. Invariants: `kinds` is as long as `values`, without nulls, of the bytes of [`alluvium_format::RowKind`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableRows {
    pub(crate) values: RecordBatch,
    pub(crate) kinds: Int8Array,
}

impl TableRows {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.values.num_rows()
    }

    /// The rows for which `keep` is true.
    pub(crate) fn filter(&self, keep: &BooleanArray) -> Result<Self> {
        let values = filter_record_batch(&self.values, keep).map_err(kernel_error)?;
        let kinds = filter(&self.kinds, keep).map_err(kernel_error)?;
        Self::of(values, kinds.as_ref())
    }

    /// The rows at `places`.
    pub(crate) fn take(&self, places: &UInt32Array) -> Result<Self> {
        let values = take_record_batch(&self.values, places).map_err(kernel_error)?;
        let kinds = take(&self.kinds, places, None).map_err(kernel_error)?;
        Self::of(values, kinds.as_ref())
    }

    fn of(values: RecordBatch, kinds: &dyn Array) -> Result<Self> {
        let kinds = kinds.as_primitive_opt::<Int8Type>().cloned();
        let kinds = kinds.ok_or_else(|| Error::internal("an Arrow kernel changed the type of row kinds"))?;
        Ok(Self { values, kinds })
    }
}

/// An Arrow kernel refused arrays that were checked before.
pub(crate) fn kernel_error(error: ArrowError) -> Error {
    Error::internal("an Arrow kernel failed on rows being written").with_source(error)
}
