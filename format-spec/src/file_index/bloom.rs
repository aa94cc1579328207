//! A bloom filter over a column: whether the file may hold a value.
//!
//! At rest: 4 bytes big-endian, the number of hash functions, and the bits (bit i is `1 << (i & 7)` of byte `i >> 3`). Function i of a
//! hash is `low + i * high` of its halves, made positive by complement, modulo the number of bits. Nulls are not added. Answers to
//! `BloomFilterFileIndex` and `BloomFilter64`.

use crate::error::{Error, Result};

/// Hash functions of a filter at the most: any more only cost time.
const FUNCTIONS_MAX: i32 = 1024;

/// A bloom filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BloomFilter {
    functions: i32,
    bits: Vec<u8>,
}

impl BloomFilter {
    /// An empty filter for `items` values (option `items`, 1 000 000 by default) of which a share of `false_positives` (option `fpp`, 0.1)
    /// that are not in the file may be taken to be. [`crate::ErrorKind::Invalid`] when either makes no sense.
    pub fn new(items: u32, false_positives: f64) -> Result<Self> {
        if items == 0 || !(false_positives > 0.0 && false_positives < 1.0) {
            let why = format!("a bloom filter of {items} items with a share of {false_positives} false positives");
            return Err(Error::invalid(why));
        }
        let ln_2 = std::f64::consts::LN_2;
        let wanted = (-f64::from(items) * false_positives.ln() / (ln_2 * ln_2)) as i32;
        let bits = i64::from(wanted) + 8 - i64::from(wanted % 8);
        let functions = (bits as f64 / f64::from(items) * ln_2).round().max(1.0) as i32;
        let bytes = usize::try_from(bits / 8).map_err(|_| Error::invalid("a bloom filter is too large"))?;
        Ok(Self { functions, bits: vec![0; bytes] })
    }

    /// From its form at rest, which was read from `path`.
    pub fn decode(bytes: &[u8], path: &str) -> Result<Self> {
        match bytes.split_first_chunk::<4>() {
            Some((functions, bits)) if !bits.is_empty() && bits.len() <= (i32::MAX / 8) as usize => {
                let functions = i32::from_be_bytes(*functions);
                match functions {
                    1..=FUNCTIONS_MAX => Ok(Self { functions, bits: bits.to_vec() }),
                    other => Err(Error::corrupt(path, 0, format!("a bloom filter of {other} functions"))),
                }
            }
            _ => Err(Error::corrupt(path, 0, format!("{} bytes are no bloom filter", bytes.len()))),
        }
    }

    /// Its form at rest.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.functions.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bits);
        bytes
    }

    /// Adds the value with `hash`, which is [`super::hash_of`]'s.
    pub fn add(&mut self, hash: i64) {
        for (byte, mask) in places(hash, self.functions, self.bits.len()) {
            if let Some(bits) = self.bits.get_mut(byte) {
                *bits |= mask;
            }
        }
    }

    /// Whether the value with `hash` may be in the file; false is sure.
    pub fn may_contain(&self, hash: i64) -> bool {
        places(hash, self.functions, self.bits.len())
            .all(|(byte, mask)| self.bits.get(byte).is_some_and(|bits| bits & mask != 0))
    }
}

/// Byte and mask of each function's bit.
fn places(hash: i64, functions: i32, bytes: usize) -> impl Iterator<Item = (usize, u8)> {
    let (low, high) = (hash as i32, (hash >> 32) as i32);
    let bits = bytes * 8;
    (1..=functions).map(move |function| {
        let combined = low.wrapping_add(function.wrapping_mul(high));
        let positive = if combined < 0 { !combined } else { combined };
        let bit = positive.cast_unsigned() as usize % bits;
        (bit >> 3, 1 << (bit & 7))
    })
}
