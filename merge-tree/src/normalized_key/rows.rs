//! Keys of any columns, as the memory-comparable bytes of `arrow-row`.
//!
//! Goes in: columns of atomic types. Comes out: bytes a row, and their first 16 as a number that decides most comparisons.

use std::cmp::Ordering;
use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{ArrayRef, BinaryArray};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{DataType, SortOptions};

use super::{KeyStore, Keys, is_moment};
use crate::key_value::kernel_error;
use crate::merge_options::SequenceOrder;

/// Keys as bytes.
#[derive(Debug)]
pub(crate) struct RowKeys {
    rows: Rows,
    heads: Vec<u128>,
}

impl RowKeys {
    pub(crate) fn heads(&self) -> &[u128] {
        &self.heads
    }

    #[inline]
    pub(super) fn bytes(&self, row: usize) -> &[u8] {
        self.rows.row(row).data()
    }

    /// Adds a key of the same encoder.
    pub(super) fn push(&mut self, other: &Self, row: usize) {
        self.rows.push(other.rows.row(row));
        self.heads.push(other.heads[row]);
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.rows.size() + size_of_val(self.heads.as_slice())
    }
}

impl KeyStore for RowKeys {
    type Head = u128;

    fn from_keys(keys: Keys) -> Option<Self> {
        match keys {
            Keys::Rows(keys) => Some(keys),
            _ => None,
        }
    }

    #[inline]
    fn len(&self) -> usize {
        self.heads.len()
    }

    #[inline]
    fn head(&self, row: usize) -> u128 {
        self.heads[row]
    }

    #[inline]
    fn compare_tails(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        self.bytes(row).cmp(other.bytes(other_row))
    }
}

/// Makes [`RowKeys`].
#[derive(Debug)]
pub(crate) struct RowEncoder {
    converter: RowConverter,
}

impl RowEncoder {
    /// `Unsupported` when a column is neither atomic nor a timestamp: Paimon has no order for it that is worth a key.
    pub(crate) fn new(types: &[DataType], order: SequenceOrder) -> Result<Self> {
        let options = SortOptions { descending: order == SequenceOrder::Descending, nulls_first: true };
        let mut fields = Vec::with_capacity(types.len());
        for data_type in types {
            if data_type.is_nested() && !is_moment(data_type) {
                return Err(Error::unsupported(format!("a key or sequence column of type {data_type}")));
            }
            fields.push(SortField::new_with_options(data_type.clone(), options));
        }
        Ok(Self { converter: RowConverter::new(fields).map_err(kernel_error)? })
    }

    /// The rows of these columns as bytes.
    pub(crate) fn bytes(&self, arrays: &[ArrayRef]) -> Result<BinaryArray> {
        let arrays: Vec<_> = arrays.iter().map(canonical_float).collect();
        let rows = self.converter.convert_columns(&arrays).map_err(kernel_error)?;
        rows.try_into_binary().map_err(kernel_error)
    }

    pub(crate) fn empty(&self) -> RowKeys {
        RowKeys { rows: self.converter.empty_rows(0, 0), heads: Vec::new() }
    }

    /// Adds the keys of one batch.
    pub(crate) fn append(&self, keys: &mut RowKeys, arrays: &[ArrayRef]) -> Result<()> {
        let arrays: Vec<_> = arrays.iter().map(canonical_float).collect();
        self.converter.append(&mut keys.rows, &arrays).map_err(kernel_error)?;
        let added = keys.heads.len()..keys.rows.num_rows();
        keys.heads.extend(added.map(|row| head_of(keys.rows.row(row).data())));
        Ok(())
    }
}

/// `arrow-row` orders floats by their bits; in a key all NaNs are one, the highest, and -0.0 is 0.0.
fn canonical_float(array: &ArrayRef) -> ArrayRef {
    if let Some(floats) = array.as_primitive_opt::<Float32Type>() {
        let canonical = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
        return Arc::new(floats.unary::<_, Float32Type>(canonical));
    }
    if let Some(doubles) = array.as_primitive_opt::<Float64Type>() {
        let canonical = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
        return Arc::new(doubles.unary::<_, Float64Type>(canonical));
    }
    array.clone()
}

/// The first 16 bytes; a shorter row is filled with zeros, which never puts it above a longer one.
#[inline]
fn head_of(bytes: &[u8]) -> u128 {
    if let Some(head) = bytes.first_chunk::<16>() {
        return u128::from_be_bytes(*head);
    }
    let mut head = [0; 16];
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    u128::from_be_bytes(head)
}
