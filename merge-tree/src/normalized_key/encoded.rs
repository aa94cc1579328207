//! Keys that stay: encoded once, compared, searched and hashed often.
//!
//! Goes in: the key columns of a batch. Comes out: [`EncodedKeys`]. Invariants: keys of two encoders whose columns have the same types
//! compare like the columns; equal keys have equal hashes.

use std::cmp::Ordering;
use std::ops::Range;

use alluvium_format::{Error, Result};
use arrow_array::RecordBatch;

use super::{KeyEncoder, KeyStore, Keys};
use crate::gallop::gallop;

/// Odd, with bits all over: the golden ratio of 64 bits.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// The keys of some rows, in a form that compares as fast as numbers or bytes do.
#[derive(Debug)]
pub struct EncodedKeys {
    keys: Keys,
}

impl KeyEncoder {
    /// The keys of a batch, which has the columns of the encoder's schema.
    ///
    /// # Errors
    /// `Invalid` on null in a column that has none by its schema, and when a column is missing.
    pub fn encode_batch(&self, batch: &RecordBatch) -> Result<EncodedKeys> {
        Ok(EncodedKeys { keys: self.encode(std::iter::once(batch))? })
    }

    /// No keys, for [`EncodedKeys::push`].
    ///
    /// # Errors
    /// None that depends on data.
    pub fn no_keys(&self) -> Result<EncodedKeys> {
        Ok(EncodedKeys { keys: self.encode(std::iter::empty())? })
    }
}

impl EncodedKeys {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compares two keys.
    #[inline]
    pub fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        self.keys.compare(row, &other.keys, other_row)
    }

    /// Whether every key is above the one before.
    pub fn ascend(&self) -> bool {
        (1..self.len()).all(|row| self.compare(row - 1, self, row).is_lt())
    }

    /// The first of the ascending keys `rows` that is not below a key of `other`; the end of `rows` when all are. Fast where that one is
    /// near the start.
    pub fn lower_bound(&self, rows: Range<usize>, other: &Self, other_row: usize) -> usize {
        gallop(rows, |row| self.compare(row, other, other_row).is_lt())
    }

    /// Adds a key of another batch of the same encoder.
    ///
    /// # Errors
    /// `Internal` for a key of another form.
    pub fn push(&mut self, other: &Self, row: usize) -> Result<()> {
        match (&mut self.keys, &other.keys) {
            (Keys::Packed64(keys), Keys::Packed64(from)) => keys.push(from.head(row)),
            (Keys::Packed128(keys), Keys::Packed128(from)) => keys.push(from.head(row)),
            (Keys::Rows(keys), Keys::Rows(from)) => keys.push(from, row),
            _ => return Err(Error::internal("keys of two encoders were put together")),
        }
        Ok(())
    }

    /// A hash of a key, the same in every batch.
    #[inline]
    pub fn hash(&self, row: usize) -> u64 {
        match &self.keys {
            Keys::Packed64(keys) => mix(keys.head(row)),
            Keys::Packed128(keys) => hash_bytes(&keys.head(row).to_le_bytes()),
            Keys::Rows(keys) => hash_bytes(keys.bytes(row)),
        }
    }

    /// Bytes of memory that they take.
    pub fn memory_bytes(&self) -> usize {
        match &self.keys {
            Keys::Packed64(keys) => size_of_val(keys.words()),
            Keys::Packed128(keys) => size_of_val(keys.words()),
            Keys::Rows(keys) => keys.memory_bytes(),
        }
    }
}

/// Spreads the bits of a number over all of it.
#[inline]
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(MULTIPLIER);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// As [`mix`], of any number of bytes.
#[inline]
fn hash_bytes(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut hash = (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    for chunk in chunks {
        hash = mix(hash ^ u64::from_le_bytes(*chunk));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    mix(hash ^ u64::from_le_bytes(last))
}
