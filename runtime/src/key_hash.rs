//! Hashes of keys, column by column.
//!
//! Goes in: rows and the places of their key columns. Comes out: a hash a row. It goes by values alone, so that it is the same in every
//! process and release: state is found again by it. Values that are equal as keys have one hash: -0.0 and 0.0, all NaN.

use alluvium_format::{Error, ErrorKind, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use twox_hash::XxHash3_64;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
/// What a null counts as.
const NULL: u64 = 0x6a09_e667_f3bc_c909;

/// Hashes the keys of rows.
#[derive(Clone, Debug)]
pub(crate) struct KeyHash {
    columns: Vec<usize>,
}

impl KeyHash {
    /// Of keys that are these columns.
    ///
    /// # Errors
    /// `Unsupported`, naming a column whose type can be no key.
    pub(crate) fn new(schema: &arrow_schema::Schema, columns: Vec<usize>) -> Result<Self> {
        for column in &columns {
            let field = schema.field(*column);
            if !is_key(field.data_type()) {
                let what = format!("{} is {}, which can be no key", field.name(), field.data_type());
                return Err(Error::new(ErrorKind::Unsupported, what));
            }
        }
        Ok(Self { columns })
    }

    /// A hash for each row, into `hashes`.
    pub(crate) fn hashes(&self, rows: &RecordBatch, hashes: &mut Vec<u64>) {
        hashes.clear();
        hashes.resize(rows.num_rows(), SEED);
        for column in &self.columns {
            add_column(rows.column(*column).as_ref(), hashes);
        }
    }
}

/// Types whose values are hashed.
fn is_key(data_type: &DataType) -> bool {
    use DataType::{
        Binary, Boolean, Date32, Decimal128, FixedSizeBinary, Float32, Float64, Int8, Int16, Int32, Int64, Time32,
        Timestamp, Utf8,
    };
    matches!(
        data_type,
        Boolean
            | Int8
            | Int16
            | Int32
            | Int64
            | Float32
            | Float64
            | Decimal128(..)
            | Date32
            | Timestamp(..)
            | Utf8
            | Binary
            | FixedSizeBinary(_)
            | Time32(TimeUnit::Millisecond)
    )
}

/// Adds a column to the hashes of its rows.
fn add_column(column: &dyn Array, hashes: &mut [u64]) {
    match column.data_type() {
        DataType::Boolean => add(column, hashes, |row| u64::from(column.as_boolean().value(row))),
        DataType::Int8 => add_values::<Int8Type>(column, hashes, |value| u64::from(value.cast_unsigned())),
        DataType::Int16 => add_values::<Int16Type>(column, hashes, |value| u64::from(value.cast_unsigned())),
        DataType::Int32 => add_values::<Int32Type>(column, hashes, |value| u64::from(value.cast_unsigned())),
        DataType::Date32 => add_values::<Date32Type>(column, hashes, |value| u64::from(value.cast_unsigned())),
        DataType::Time32(_) => {
            add_values::<Time32MillisecondType>(column, hashes, |value| u64::from(value.cast_unsigned()));
        }
        DataType::Int64 => add_values::<Int64Type>(column, hashes, i64::cast_unsigned),
        DataType::Timestamp(TimeUnit::Second, _) => {
            add_values::<TimestampSecondType>(column, hashes, i64::cast_unsigned);
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            add_values::<TimestampMillisecondType>(column, hashes, i64::cast_unsigned);
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            add_values::<TimestampMicrosecondType>(column, hashes, i64::cast_unsigned);
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            add_values::<TimestampNanosecondType>(column, hashes, i64::cast_unsigned);
        }
        DataType::Float32 => add_values::<Float32Type>(column, hashes, |value| double_bits(f64::from(value))),
        DataType::Float64 => add_values::<Float64Type>(column, hashes, double_bits),
        DataType::Decimal128(..) => {
            add_values::<Decimal128Type>(column, hashes, |value| XxHash3_64::oneshot(&value.to_le_bytes()));
        }
        DataType::Utf8 => {
            add(column, hashes, |row| XxHash3_64::oneshot(column.as_string::<i32>().value(row).as_bytes()))
        }
        DataType::Binary => add(column, hashes, |row| XxHash3_64::oneshot(column.as_binary::<i32>().value(row))),
        DataType::FixedSizeBinary(_) => {
            add(column, hashes, |row| XxHash3_64::oneshot(column.as_fixed_size_binary().value(row)));
        }
        _ => {}
    }
}

fn add_values<T: ArrowPrimitiveType>(column: &dyn Array, hashes: &mut [u64], bits: impl Fn(T::Native) -> u64) {
    let values = column.as_primitive::<T>().values();
    if column.null_count() == 0 {
        for (hash, value) in hashes.iter_mut().zip(values) {
            *hash = mix(*hash ^ bits(*value));
        }
    } else {
        add(column, hashes, |row| values.get(row).map_or(NULL, |value| bits(*value)));
    }
}

fn add(column: &dyn Array, hashes: &mut [u64], bits: impl Fn(usize) -> u64) {
    for (row, hash) in hashes.iter_mut().enumerate() {
        *hash = mix(*hash ^ if column.is_null(row) { NULL } else { bits(row) });
    }
}

/// The bits of a double, equal ones of equal keys.
fn double_bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

/// SplitMix64's last steps: every bit of what goes in changes half of what comes out.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(SEED);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, ListArray, StringArray};

    use super::*;

    fn hashes(columns: Vec<ArrayRef>) -> Vec<u64> {
        let named = columns.into_iter().enumerate().map(|(place, column)| (format!("c{place}"), column, true));
        let rows = RecordBatch::try_from_iter_with_nullable(named).unwrap();
        let mut hashes = Vec::new();
        KeyHash::new(&rows.schema(), (0..rows.num_columns()).collect()).unwrap().hashes(&rows, &mut hashes);
        hashes
    }

    #[test]
    fn hashes_stay_what_they_are() {
        let found = hashes(vec![
            Arc::new(Int64Array::from(vec![Some(7), None])),
            Arc::new(StringArray::from(vec![Some("JFK"), Some("")])),
        ]);
        assert_eq!(found, [11_658_592_041_566_016_231, 3_355_438_494_614_717_811], "state at rest is found by them");
    }

    #[test]
    fn equal_keys_hash_alike() {
        let found = hashes(vec![Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN, 1.0]))]);
        assert_eq!(found[0], found[1]);
        assert_eq!(found[2], found[3]);
        assert_ne!(found[0], found[4]);
    }

    #[test]
    fn the_order_of_columns_counts() {
        let (one, two): (ArrayRef, ArrayRef) =
            (Arc::new(Int32Array::from(vec![1])), Arc::new(Int32Array::from(vec![2])));
        assert_ne!(hashes(vec![one.clone(), two.clone()]), hashes(vec![two, one]));
    }

    #[test]
    fn lists_are_no_keys() {
        let list = ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>([Some([Some(1)])]);
        let rows = RecordBatch::try_from_iter([("l", Arc::new(list) as ArrayRef)]).unwrap();
        let error = KeyHash::new(&rows.schema(), vec![0]).unwrap_err();
        assert!(error.to_string().contains("l is List"), "{error}");
    }
}
