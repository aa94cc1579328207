#![doc = include_str!("../bucket.md")]

mod key_columns;

use arrow_array::ArrayRef;

use crate::arrow::datum_at;
use crate::binary_row::{BinaryRow, RowWriter};
use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};

pub use key_columns::KeyColumns;

/// How a bucket key becomes a bucket: the option `bucket-function.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketFunction {
    /// Murmur3 of the binary row.
    Default,
    /// The one INT or BIGINT of the key, modulo.
    Mod,
    /// Hive's hash.
    Hive,
}

/// The bucket of a key.
///
/// # Errors
/// `Invalid` when the function cannot take a key of these types, or the number of buckets is not positive.
pub fn bucket_of_row(function: BucketFunction, buckets: i32, types: &[DataType], row: &BinaryRow) -> Result<i32> {
    check(function, buckets, types)?;
    match function {
        BucketFunction::Default => Ok(bucket_of_hash(row.hash(), buckets)),
        _ => bucket_of_values(function, buckets, types, &row.decode(types)?),
    }
}

/// The bucket of each row of the key columns, which are of `types`.
///
/// # Errors
/// `Invalid` when the function cannot take a key of these types, or the number of buckets is not positive.
pub fn assign_buckets(
    function: BucketFunction,
    buckets: i32,
    types: &[DataType],
    columns: &[ArrayRef],
) -> Result<Vec<i32>> {
    check(function, buckets, types)?;
    let rows = columns.first().map_or(0, |column| column.len());
    if buckets == 1 {
        return Ok(vec![0; rows]);
    }
    match function {
        BucketFunction::Default => {
            let keys = KeyColumns::new(types, columns)?;
            let mut writer = RowWriter::new(types.len());
            Ok((0..rows).map(|row| bucket_of_hash(keys.hash(row, &mut writer), buckets)).collect())
        }
        _ => (0..rows)
            .map(|row| {
                let values: Vec<Option<Datum>> = (columns.iter().zip(types))
                    .map(|(column, data_type)| datum_at(column, data_type, row))
                    .collect::<Result<_>>()?;
                bucket_of_values(function, buckets, types, &values)
            })
            .collect(),
    }
}

/// `abs(hash % buckets)`.
fn bucket_of_hash(hash: i32, buckets: i32) -> i32 {
    hash.wrapping_rem(buckets).wrapping_abs()
}

fn check(function: BucketFunction, buckets: i32, types: &[DataType]) -> Result<()> {
    if buckets <= 0 {
        return Err(Error::invalid(format!("{buckets} buckets: there must be one at least")));
    }
    match function {
        BucketFunction::Mod if !matches!(types, [DataType { root: TypeRoot::Int | TypeRoot::BigInt, .. }]) => {
            Err(Error::invalid("the option bucket-function.type = mod needs a bucket key of one INT or BIGINT column"))
        }
        _ => Ok(()),
    }
}

fn bucket_of_values(
    function: BucketFunction,
    buckets: i32,
    types: &[DataType],
    values: &[Option<Datum>],
) -> Result<i32> {
    if function == BucketFunction::Mod {
        return match values {
            [Some(Datum::Int(value))] => Ok(value.rem_euclid(buckets)),
            [Some(Datum::BigInt(value))] => Ok(i32::try_from(value.rem_euclid(i64::from(buckets))).unwrap_or(0)),
            // Java reads a null as 0.
            _ => Ok(0),
        };
    }
    let mut hash = 0i32;
    for (value, data_type) in values.iter().zip(types) {
        let field = value.as_ref().map_or(Ok(0), |value| hive_hash(value, data_type))?;
        hash = hash.wrapping_mul(31).wrapping_add(field);
    }
    Ok((hash & i32::MAX) % buckets)
}

fn hive_hash(value: &Datum, data_type: &DataType) -> Result<i32> {
    let long = |value: i64| (value ^ (value.cast_unsigned() >> 32).cast_signed()) as i32;
    Ok(match value {
        Datum::Boolean(value) => i32::from(*value),
        Datum::TinyInt(value) => i32::from(*value),
        Datum::SmallInt(value) => i32::from(*value),
        Datum::Int(value) | Datum::Date(value) | Datum::Time(value) => *value,
        Datum::BigInt(value) => long(*value),
        Datum::Float(value) => {
            // Both zeros hash alike.
            if *value == 0.0 {
                0
            } else if value.is_nan() {
                0x7fc0_0000
            } else {
                value.to_bits().cast_signed()
            }
        }
        Datum::Double(value) => {
            let bits = if *value == 0.0 {
                0
            } else if value.is_nan() {
                0x7ff8_0000_0000_0000
            } else {
                value.to_bits()
            };
            long(bits.cast_signed())
        }
        Datum::String(text) => hive_bytes(text.as_bytes()),
        Datum::Bytes(bytes) => hive_bytes(bytes),
        Datum::Decimal(unscaled) => hive_decimal(*unscaled, data_type),
        _ => return Err(Error::invalid(format!("the option bucket-function.type = hive cannot take a {data_type}"))),
    })
}

fn hive_bytes(bytes: &[u8]) -> i32 {
    bytes.iter().fold(0i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte.cast_signed())))
}

/// `BigDecimal.hashCode` of the number without trailing zeros: 31 * hash of the unscaled value + scale.
fn hive_decimal(unscaled: i128, data_type: &DataType) -> i32 {
    let mut scale = match data_type.root {
        TypeRoot::Decimal { scale, .. } => i32::from(scale),
        _ => 0,
    };
    let mut unscaled = unscaled;
    if unscaled == 0 {
        return 0;
    }
    while unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    big_integer_hash(unscaled).wrapping_mul(31).wrapping_add(scale)
}

/// `BigInteger.hashCode`: the magnitude's 32-bit words from the highest, in base 31, with the sign.
fn big_integer_hash(value: i128) -> i32 {
    let magnitude = value.unsigned_abs();
    let words = (0..4).rev().map(|word| (magnitude >> (32 * word)) as u32).skip_while(|word| *word == 0);
    let hash = words.fold(0i32, |hash, word| hash.wrapping_mul(31).wrapping_add(word.cast_signed()));
    if value < 0 { hash.wrapping_neg() } else { hash }
}
