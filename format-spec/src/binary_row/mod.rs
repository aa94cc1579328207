#![doc = include_str!("../../binary_row.md")]

mod reader;
mod writer;

use std::cmp::Ordering;

use bytes::Bytes;

use crate::data_type::DataType;
use crate::datum::{self, Datum};
use crate::error::{Error, ErrorKind, Result};
use crate::murmur;

pub use writer::RowWriter;

/// A row in Paimon's binary layout, without the arity prefix that serialized rows have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BinaryRow {
    arity: usize,
    bytes: Bytes,
}

/// Bytes of header and null bits of a row of `arity` fields.
pub(crate) fn header_bytes(arity: usize) -> usize {
    (arity + 63 + 8) / 64 * 8
}

impl BinaryRow {
    /// The row of no columns.
    pub fn empty() -> Self {
        Self { arity: 0, bytes: Bytes::from_static(&[0; 8]) }
    }

    /// The row of `values`, one for each of `types`.
    ///
    /// # Errors
    /// `Invalid` when a value is not of its type or the counts differ; `Unsupported` for VARIANT, BLOB and VECTOR.
    pub fn encode(types: &[DataType], values: &[Option<Datum>]) -> Result<Self> {
        let bytes = writer::encode_row(types, values)?;
        Ok(Self { arity: types.len(), bytes: bytes.into() })
    }

    /// The values, which are of `types`.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are no row of those types.
    pub fn decode(&self, types: &[DataType]) -> Result<Vec<Option<Datum>>> {
        if types.len() != self.arity {
            let why = format!("a row of {} columns was read as one of {}", self.arity, types.len());
            return Err(Error::new(ErrorKind::Corrupt, why));
        }
        reader::decode_row(&self.bytes, types)
    }

    /// A row of a BYTES column: 4 bytes arity, then the row.
    ///
    /// # Errors
    /// `Corrupt` when there is no room for the slots the arity asks for.
    pub fn from_serialized(bytes: &[u8]) -> Result<Self> {
        Self::from_shared(&Bytes::copy_from_slice(bytes))
    }

    /// Like [`BinaryRow::from_serialized`], sharing the memory of `bytes`.
    ///
    /// # Errors
    /// `Corrupt` when there is no room for the slots the arity asks for.
    pub fn from_shared(bytes: &Bytes) -> Result<Self> {
        let corrupt = |why: String| Error::new(ErrorKind::Corrupt, why);
        let Some((prefix, row)) = bytes.split_first_chunk::<4>() else {
            return Err(corrupt(format!("a row of {} bytes has no arity", bytes.len())));
        };
        let arity = usize::try_from(i32::from_be_bytes(*prefix))
            .map_err(|_| corrupt("a row's arity is negative".to_owned()))?;
        if row.len() < header_bytes(arity).saturating_add(arity.saturating_mul(8)) {
            return Err(corrupt(format!("{} bytes hold no row of {arity} columns", row.len())));
        }
        Ok(Self { arity, bytes: bytes.slice(4..) })
    }

    /// 4 bytes arity, then the row.
    pub fn to_serialized(&self) -> Vec<u8> {
        let arity = u32::try_from(self.arity).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(4 + self.bytes.len());
        out.extend_from_slice(&arity.to_be_bytes());
        out.extend_from_slice(&self.bytes);
        out
    }

    /// How many columns it has.
    #[inline]
    pub fn arity(&self) -> usize {
        self.arity
    }

    /// The layout without arity prefix: what hashes, bucket numbers and equality are made from.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Murmur3 of the layout, as bucket numbers are made from.
    pub fn hash(&self) -> i32 {
        murmur::hash_words(&self.bytes)
    }

    /// The order of two rows of `types`, column by column, nulls first.
    ///
    /// # Errors
    /// `Corrupt` when either is no row of those types.
    pub fn compare(&self, other: &Self, types: &[DataType]) -> Result<Ordering> {
        let (left, right) = (self.decode(types)?, other.decode(types)?);
        Ok(datum::compare_values(&left, &right))
    }
}
