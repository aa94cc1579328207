//! The statistics of an Arrow array, over whole slices of values rather than row by row.
//!
//! Goes in: an array in the in-memory form of its type. Comes out: what Paimon knows of such a column of a Parquet file: bounds of
//! numbers, booleans, texts, dates, times and timestamps up to microseconds; of byte strings and finer timestamps only the null
//! count; of nested types nothing. The order is [`crate::datum::compare`]'s: NaN is the largest number, -0.0 less than 0.0.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef};

use super::ColumnStats;
use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;

/// The statistics of `array`, which holds values of `data_type`; an array of another type has a null count only.
pub fn stats_of_array(array: &ArrayRef, data_type: &DataType) -> ColumnStats {
    if data_type.is_nested() {
        return ColumnStats::default();
    }
    let (min, max) = bounds(array, &data_type.root).unzip();
    // An array in memory has fewer than 2^63 rows.
    ColumnStats { min, max, null_count: i64::try_from(array.null_count()).ok() }
}

fn bounds(array: &ArrayRef, root: &TypeRoot) -> Option<(Datum, Datum)> {
    match root {
        TypeRoot::Boolean => booleans(array),
        TypeRoot::TinyInt => ordered::<Int8Type>(array, Datum::TinyInt),
        TypeRoot::SmallInt => ordered::<Int16Type>(array, Datum::SmallInt),
        TypeRoot::Int => ordered::<Int32Type>(array, Datum::Int),
        TypeRoot::BigInt => ordered::<Int64Type>(array, Datum::BigInt),
        TypeRoot::Float => {
            by_key::<Float32Type, i32>(array, float_key, |key| Datum::Float(f32::from_bits(float_bits(key))))
        }
        TypeRoot::Double => {
            by_key::<Float64Type, i64>(array, double_key, |key| Datum::Double(f64::from_bits(double_bits(key))))
        }
        TypeRoot::Decimal { .. } => ordered::<Decimal128Type>(array, Datum::Decimal),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => texts(array),
        TypeRoot::Date => ordered::<Date32Type>(array, Datum::Date),
        TypeRoot::Time(_) => ordered::<Time32MillisecondType>(array, Datum::Time),
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => match *precision {
            0..=3 => {
                ordered::<TimestampMillisecondType>(array, |millis| Datum::Timestamp { millis, nanos_of_milli: 0 })
            }
            4..=6 => ordered::<TimestampMicrosecondType>(array, |micros| Datum::Timestamp {
                millis: micros.div_euclid(1000),
                // Of a remainder below a thousand.
                nanos_of_milli: micros.rem_euclid(1000) as i32 * 1000,
            }),
            _ => None,
        },
        _ => None,
    }
}

fn ordered<T: ArrowPrimitiveType>(array: &ArrayRef, datum: impl Fn(T::Native) -> Datum) -> Option<(Datum, Datum)>
where
    T::Native: Ord,
{
    by_key::<T, T::Native>(array, |value| value, datum)
}

/// The bounds of the values that are not null, in the order of `key`.
fn by_key<T: ArrowPrimitiveType, K: Ord + Copy>(
    array: &ArrayRef,
    key: impl Fn(T::Native) -> K,
    datum: impl Fn(K) -> Datum,
) -> Option<(Datum, Datum)> {
    let array = array.as_primitive_opt::<T>()?;
    let values = array.values();
    let fold = |slice: &[T::Native]| {
        let first = key(*slice.first()?);
        Some(slice.iter().fold((first, first), |(min, max), value| (min.min(key(*value)), max.max(key(*value)))))
    };
    let (min, max) = match array.nulls() {
        Some(nulls) if nulls.null_count() > 0 => nulls
            .valid_slices()
            .filter_map(|(start, end)| values.get(start..end).and_then(fold))
            .reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)))?,
        _ => fold(values)?,
    };
    Some((datum(min), datum(max)))
}

fn booleans(array: &ArrayRef) -> Option<(Datum, Datum)> {
    let array = array.as_boolean_opt()?;
    let (trues, values) = (array.true_count(), array.len() - array.null_count());
    (values > 0).then_some((Datum::Boolean(trues == values), Datum::Boolean(trues > 0)))
}

fn texts(array: &ArrayRef) -> Option<(Datum, Datum)> {
    let mut values = array.as_string_opt::<i32>()?.iter().flatten();
    let first = values.next()?;
    let (min, max) = values.fold((first, first), |(min, max), value| (min.min(value), max.max(value)));
    Some((Datum::String(min.to_owned()), Datum::String(max.to_owned())))
}

/// An integer in the order of `Float.compare`, all NaN being one.
fn float_key(value: f32) -> i32 {
    let bits = if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() }.cast_signed();
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}

fn float_bits(key: i32) -> u32 {
    (key ^ ((key >> 31).cast_unsigned() >> 1).cast_signed()).cast_unsigned()
}

/// An integer in the order of `Double.compare`, all NaN being one.
fn double_key(value: f64) -> i64 {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }.cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

fn double_bits(key: i64) -> u64 {
    (key ^ ((key >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned()
}
