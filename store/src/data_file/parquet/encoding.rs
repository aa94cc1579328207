//! Which encoding a column's pages get.
//!
//! Goes in: the first values of a column. Comes out: the encoding that is likely to be small and quick, among those that Paimon's
//! Java reader reads right: PLAIN, dictionary and, for integers, DELTA_BINARY_PACKED. Byte arrays are never delta-encoded, as
//! Paimon 1.4 reads wrong texts from that without an error; integers are not where it skips rows. A wrong guess costs bytes, never an
//! answer: a dictionary that grows too large is given up for PLAIN by the `parquet` crate.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use std::hash::{DefaultHasher, Hasher};

use super::int96::trimmed;

/// How the pages of a leaf column are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnEncoding {
    /// Value after value.
    Plain,
    /// Distinct values once, then their numbers.
    Dictionary,
    /// Differences of neighbours in as few bits as they need.
    DeltaBinaryPacked,
}

/// Which encodings a column may have where they pay, besides PLAIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AllowedEncodings {
    /// `parquet.enable.dictionary`.
    pub(super) dictionary: bool,
    /// Not where Paimon's reader may skip rows: after a skip that ends where a piece of its batch does, it gives the first value again.
    pub(super) delta: bool,
}

/// Rows that are looked at: enough to tell a thousand distinct values from a million, few enough to take less time than
/// a hundredth of encoding a row group.
pub(super) const SAMPLE_ROWS: usize = 2048;

/// The largest precision of a DECIMAL that is an integer in Parquet, and of one of 32 bits.
const DECIMAL_INT64_MAX: u8 = 18;
const DECIMAL_INT32_MAX: u8 = 9;
/// Values in a block of DELTA_BINARY_PACKED, and in one of its parts, which share a bit width.
const DELTA_BLOCK: usize = 128;
const DELTA_PART: usize = 32;
/// Bits that the header of a block takes, about.
const DELTA_HEADER_BITS: u64 = 64;

/// The encodings of the leaves of `column`, in the order of the Parquet schema.
pub(super) fn choose_encodings(column: &ArrayRef, allowed: AllowedEncodings, out: &mut Vec<ColumnEncoding>) {
    match column.data_type() {
        ArrowType::Struct(_) => {
            let columns = column.as_struct().columns();
            columns.iter().for_each(|column| choose_encodings(column, allowed, out));
        }
        ArrowType::List(_) => {
            let list = column.as_list::<i32>();
            choose_encodings(&trimmed(list.offsets(), list.values()).1, allowed, out);
        }
        ArrowType::Map(_, _) => {
            let map = column.as_map();
            for column in [map.keys(), map.values()] {
                choose_encodings(&trimmed(map.offsets(), column).1, allowed, out);
            }
        }
        _ => out.push(choose_encoding(&column.slice(0, column.len().min(SAMPLE_ROWS)), allowed)),
    }
}

/// The encoding of a leaf whose first values are `sample`.
pub(super) fn choose_encoding(sample: &ArrayRef, allowed: AllowedEncodings) -> ColumnEncoding {
    let chosen = match sample.data_type() {
        ArrowType::Utf8 => of_hashes(sample.as_string::<i32>().iter().flatten().map(|text| hash(text.as_bytes()))),
        ArrowType::Binary => of_hashes(sample.as_binary::<i32>().iter().flatten().map(hash)),
        ArrowType::Float32 => of_floats(values::<Float32Type, _>(sample, |value| u64::from(value.to_bits()))),
        ArrowType::Float64 => of_floats(values::<Float64Type, _>(sample, f64::to_bits)),
        // Booleans are single bits, and FIXED_LEN_BYTE_ARRAY has no dictionary in version 1 of the format.
        _ => integers(sample).map_or(ColumnEncoding::Plain, |(values, bits)| of_integers(values, bits, allowed.delta)),
    };
    match chosen {
        ColumnEncoding::Dictionary if !allowed.dictionary => ColumnEncoding::Plain,
        chosen => chosen,
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The values that are not null, as `map` makes them.
fn values<T: ArrowPrimitiveType, R>(array: &ArrayRef, map: impl Fn(T::Native) -> R) -> Vec<R> {
    let array = array.as_primitive::<T>();
    if array.null_count() == 0 {
        return array.values().iter().map(|value| map(*value)).collect();
    }
    array.iter().flatten().map(map).collect()
}

/// The values of a column that is of integers in Parquet, and how many bits each has there.
fn integers(array: &ArrayRef) -> Option<(Vec<i64>, u64)> {
    Some(match array.data_type() {
        ArrowType::Int8 => (values::<Int8Type, _>(array, i64::from), 32),
        ArrowType::Int16 => (values::<Int16Type, _>(array, i64::from), 32),
        ArrowType::Int32 => (values::<Int32Type, _>(array, i64::from), 32),
        ArrowType::Date32 => (values::<Date32Type, _>(array, i64::from), 32),
        ArrowType::Time32(TimeUnit::Millisecond) => (values::<Time32MillisecondType, _>(array, i64::from), 32),
        ArrowType::Int64 => (values::<Int64Type, _>(array, |value| value), 64),
        ArrowType::Timestamp(TimeUnit::Millisecond, _) => {
            (values::<TimestampMillisecondType, _>(array, |value| value), 64)
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            (values::<TimestampMicrosecondType, _>(array, |value| value), 64)
        }
        ArrowType::Decimal128(precision, _) if *precision <= DECIMAL_INT64_MAX => {
            let bits = if *precision <= DECIMAL_INT32_MAX { 32 } else { 64 };
            // At most 18 digits.
            (values::<Decimal128Type, _>(array, |value| value as i64), bits)
        }
        _ => return None,
    })
}

/// A dictionary unless nearly all are different: it is not only smaller then but leaves less to compress.
fn of_hashes(hashes: impl Iterator<Item = u64>) -> ColumnEncoding {
    let hashes: Vec<u64> = hashes.collect();
    let values = hashes.len();
    if distinct(hashes) * 8 <= values * 7 { ColumnEncoding::Dictionary } else { ColumnEncoding::Plain }
}

fn of_floats(bits: Vec<u64>) -> ColumnEncoding {
    let values = bits.len();
    if distinct(bits) * 2 <= values { ColumnEncoding::Dictionary } else { ColumnEncoding::Plain }
}

/// Differences where they take clearly less than the values; a dictionary where its numbers take less than half of that.
fn of_integers(values: Vec<i64>, plain_bits: u64, delta_allowed: bool) -> ColumnEncoding {
    let count = values.len();
    let plain = plain_bits * count as u64;
    let delta = if delta_allowed { delta_bits(&values) } else { plain };
    // Hardly a bit a value: keys in a row, sequence numbers, constants.
    if delta_allowed && delta <= count as u64 * 4 {
        return ColumnEncoding::DeltaBinaryPacked;
    }
    let distinct = distinct(values);
    let number_bits = u64::from(usize::BITS - distinct.saturating_sub(1).leading_zeros());
    if distinct * 4 <= count && number_bits * count as u64 * 2 < delta {
        ColumnEncoding::Dictionary
    } else if delta_allowed && delta * 8 <= plain * 7 {
        ColumnEncoding::DeltaBinaryPacked
    } else {
        ColumnEncoding::Plain
    }
}

fn distinct<T: Ord>(mut values: Vec<T>) -> usize {
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// How many bits DELTA_BINARY_PACKED takes for `values`, about.
fn delta_bits(values: &[i64]) -> u64 {
    let deltas: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let block_bits = |block: &[i64]| {
        let min = block.iter().copied().min().unwrap_or(0);
        let part_bits = |part: &[i64]| {
            let widest = part.iter().map(|delta| delta.wrapping_sub(min).cast_unsigned()).max().unwrap_or(0);
            u64::from(u64::BITS - widest.leading_zeros()) * part.len() as u64
        };
        DELTA_HEADER_BITS + block.chunks(DELTA_PART).map(part_bits).sum::<u64>()
    };
    deltas.chunks(DELTA_BLOCK).map(block_bits).sum()
}

#[cfg(test)]
mod tests;
