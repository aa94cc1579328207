#![doc = include_str!("../binary_row.md")]

use bytes::Bytes;

/// A row in Paimon's binary layout, without the arity prefix that serialized rows have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BinaryRow {
    arity: usize,
    bytes: Bytes,
}

impl BinaryRow {
    /// The row of no columns.
    pub fn empty() -> Self {
        Self { arity: 0, bytes: Bytes::from_static(&[0; 8]) }
    }

    /// How many columns it has.
    pub fn arity(&self) -> usize {
        self.arity
    }

    /// The layout without arity prefix: what hashes, bucket numbers and equality are made from.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}
