//! The Z-order: bits of the columns in turn, the highest first.
//!
//! Answers to `org.apache.paimon.sort.zorder.ZIndexer` and `ZOrderByteUtils`.

use alluvium_format::{DataField, Result};
use arrow_array::builder::BinaryBuilder;
use arrow_array::{Array, ArrayRef, BinaryArray};

use super::scalar::Scalars;

/// Bytes of what has a fixed length.
const FIXED_BYTES: usize = 8;
/// What true is, in its first byte.
const TRUE: u8 = 0x81;

/// Bytes of a column in which rows compare as their values do.
struct Ordered {
    /// Of each row.
    width: usize,
    bytes: Vec<u8>,
}

/// The keys of rows; texts and bytes give `var_length` bytes to them.
pub(super) fn keys(fields: &[DataField], columns: &[ArrayRef], var_length: usize) -> Result<BinaryArray> {
    let ordered = fields.iter().zip(columns).map(|(field, column)| {
        let scalars = Scalars::of(field, column)?;
        Ok(Ordered::of(&scalars, column, var_length))
    });
    let ordered = ordered.collect::<Result<Vec<_>>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    let width: usize = ordered.iter().map(|column| column.width).sum();
    let mut keys = BinaryBuilder::with_capacity(rows, rows * width);
    let (mut key, mut row_bytes) = (Vec::with_capacity(width), Vec::with_capacity(ordered.len()));
    for row in 0..rows {
        row_bytes.clear();
        row_bytes.extend(ordered.iter().map(|column| column.row(row)));
        interleave(&row_bytes, &mut key);
        keys.append_value(&key);
    }
    Ok(keys.finish())
}

impl Ordered {
    fn of(scalars: &Scalars<'_>, column: &ArrayRef, var_length: usize) -> Self {
        let width = if matches!(scalars, Scalars::Bytes(_)) { var_length } else { FIXED_BYTES };
        let mut bytes = vec![0; column.len() * width];
        if width == 0 {
            return Self { width, bytes };
        }
        for (row, out) in bytes.chunks_exact_mut(width).enumerate().filter(|(row, _)| column.is_valid(*row)) {
            match scalars {
                Scalars::Booleans(values) => out[..1].fill(if values.value(row) { TRUE } else { 0 }),
                Scalars::Tiny(values) => out.copy_from_slice(&long(values.value(row).into())),
                Scalars::Longs(values) => out.copy_from_slice(&long(values[row])),
                Scalars::Doubles(values) => out.copy_from_slice(&double(values[row])),
                Scalars::Decimals(values, _) => fill(out, &shortest(values.value(row))),
                Scalars::Bytes(values) => fill(out, values[row]),
            }
        }
        Self { width, bytes }
    }

    fn row(&self, row: usize) -> &[u8] {
        &self.bytes[row * self.width..(row + 1) * self.width]
    }
}

fn long(value: i64) -> [u8; FIXED_BYTES] {
    (value ^ i64::MIN).to_be_bytes()
}

/// The bits of a double in the order of doubles; Java shifts as for 32 bits, so the low half comes out mixed.
fn double(bits: i64) -> [u8; FIXED_BYTES] {
    (bits ^ ((bits >> 31) | i64::MIN)).to_be_bytes()
}

/// The bytes of a whole number that are needed, the highest first.
fn shortest(value: i128) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0 };
    let needless = bytes.windows(2).take_while(|pair| pair[0] == sign && (pair[1] ^ sign) < 0x80).count();
    bytes[needless..].to_vec()
}

/// As many of the bytes as there is room for, then zeros.
fn fill(out: &mut [u8], bytes: &[u8]) {
    let length = out.len().min(bytes.len());
    out[..length].copy_from_slice(&bytes[..length]);
}

/// Bits of all columns in turn; a column that has no more is passed over.
fn interleave(columns: &[&[u8]], key: &mut Vec<u8>) {
    key.clear();
    let longest = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    let (mut byte, mut bits) = (0_u8, 0);
    for at in 0..longest {
        for shift in (0..8).rev() {
            for source in columns.iter().filter_map(|column| column.get(at)) {
                byte = (byte << 1) | ((source >> shift) & 1);
                bits += 1;
                if bits == 8 {
                    key.push(byte);
                    (byte, bits) = (0, 0);
                }
            }
        }
    }
}
