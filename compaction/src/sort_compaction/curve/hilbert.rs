//! The Hilbert curve: the position of a point on it, by Skilling's algorithm.
//!
//! Answers to `org.apache.paimon.sort.hilbert.HilbertIndexer` and the library `hilbert-curve`.

use alluvium_format::{DataField, Result};
use arrow_array::builder::BinaryBuilder;
use arrow_array::{Array, ArrayRef, BinaryArray};

use super::scalar::Scalars;

/// Bits of each column that count.
const BITS: u32 = 63;
/// Bytes of a key.
const KEY_BYTES: usize = 63;
/// What null is, and true.
const HIGHEST: i64 = i64::MAX;

/// The keys of rows.
pub(super) fn keys(fields: &[DataField], columns: &[ArrayRef]) -> Result<BinaryArray> {
    let values = fields.iter().zip(columns).map(|(field, column)| Ok(values(&Scalars::of(field, column)?, column)));
    let values = values.collect::<Result<Vec<Vec<i64>>>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    let mut keys = BinaryBuilder::with_capacity(rows, rows * KEY_BYTES);
    let mut point = Vec::with_capacity(values.len());
    for row in 0..rows {
        point.clear();
        point.extend(values.iter().map(|column| column[row]));
        transpose(&mut point);
        keys.append_value(padded(&position(&point)));
    }
    Ok(keys.finish())
}

/// The coordinates of a column.
fn values(scalars: &Scalars<'_>, column: &ArrayRef) -> Vec<i64> {
    let value = |row: usize| match scalars {
        _ if column.is_null(row) => HIGHEST,
        Scalars::Booleans(values) => {
            if values.value(row) {
                HIGHEST
            } else {
                0
            }
        }
        Scalars::Tiny(values) => i64::from(values.value(row).cast_unsigned()),
        Scalars::Longs(values) | Scalars::Doubles(values) => values[row],
        Scalars::Decimals(values, scale) => low_bits(values.value(row) / 10_i128.pow(*scale)),
        Scalars::Bytes(values) => beginning(values[row]),
    };
    (0..column.len()).map(value).collect()
}

fn low_bits(value: i128) -> i64 {
    let [.., a, b, c, d, e, f, g, h] = value.to_be_bytes();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The first eight bytes as a number, the highest first; of fewer, all of them as its end.
fn beginning(bytes: &[u8]) -> i64 {
    bytes.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

/// Turns the coordinates of a point into its position, with the position's bits in turn in each of them.
fn transpose(point: &mut [i64]) {
    let masks = || (1..BITS).rev().map(|bit| 1_i64 << bit);
    for mask in masks() {
        let below = mask - 1;
        for at in 0..point.len() {
            if point[at] & mask != 0 {
                point[0] ^= below;
            } else {
                let exchanged = (point[0] ^ point[at]) & below;
                point[0] ^= exchanged;
                point[at] ^= exchanged;
            }
        }
    }
    for at in 1..point.len() {
        point[at] ^= point[at - 1];
    }
    let last = point.last().copied().unwrap_or_default();
    let flipped = masks().filter(|mask| last & mask != 0).fold(0, |flipped, mask| flipped ^ (mask - 1));
    point.iter_mut().for_each(|value| *value ^= flipped);
}

/// The position as a big number, the highest byte first.
fn position(transposed: &[i64]) -> Vec<u8> {
    let bits = transposed.len() * BITS as usize;
    let mut bytes = Vec::with_capacity(bits / 8 + 1);
    let (mut byte, mut filled) = (0_u8, (8 - bits % 8) % 8);
    for bit in (0..BITS).rev() {
        for value in transposed {
            byte = (byte << 1) | u8::from(value & (1 << bit) != 0);
            filled += 1;
            if filled == 8 {
                bytes.push(byte);
                (byte, filled) = (0, 0);
            }
        }
    }
    bytes
}

/// As Java pads what it has of a number: its fewest bytes with a sign bit, with zeros before them; of too many, the first.
fn padded(number: &[u8]) -> [u8; KEY_BYTES] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let needed = &number[zeros..];
    let sign: &[u8] = if needed.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    let length = sign.len() + needed.len();
    let mut key = [0; KEY_BYTES];
    let start = KEY_BYTES.saturating_sub(length);
    for (out, byte) in key[start..].iter_mut().zip(sign.iter().chain(needed)) {
        *out = *byte;
    }
    key
}
