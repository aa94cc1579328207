//! Limits of values that their Arrow type does not keep: lengths of texts and binaries, digits of decimals, times of the day.
//!
//! Goes in: a column in its in-memory form. Comes out: the first row with a value that does not fit, and why. Most columns are
//! passed at a glance at their offsets or numbers; values are looked at one by one only where that does not settle it.

use alluvium_format::arrow::datum_at;
use alluvium_format::calendar::MILLIS_PER_DAY;
use alluvium_format::{DataType, Datum, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Time32MillisecondType};
use arrow_array::{Array, ArrayRef};

/// The last nanosecond of a millisecond.
const NANOS_OF_MILLI_MAX: i32 = 999_999;
/// Timestamps of more digits are kept as milliseconds and nanoseconds.
const MICROS_DIGITS: u8 = 6;

/// The first row whose value does not fit its column's type, and why.
pub(crate) fn first_misfit(column: &ArrayRef, data_type: &DataType) -> Result<Option<(usize, String)>> {
    if !is_limited(data_type) || fits_at_a_glance(column, &data_type.root) {
        return Ok(None);
    }
    for row in 0..column.len() {
        if let Some(value) = datum_at(column, data_type, row)?
            && let Some(why) = misfit(&value, data_type)
        {
            return Ok(Some((row, why)));
        }
    }
    Ok(None)
}

/// Whether there are values of the Arrow type that are not of the type.
fn is_limited(data_type: &DataType) -> bool {
    match &data_type.root {
        TypeRoot::VarChar(length) | TypeRoot::VarBinary(length) => *length != TypeRoot::STRING_LENGTH,
        TypeRoot::Char(_) | TypeRoot::Binary(_) | TypeRoot::Decimal { .. } | TypeRoot::Time(_) => true,
        TypeRoot::Timestamp(digits) | TypeRoot::TimestampLtz(digits) => *digits > MICROS_DIGITS,
        TypeRoot::Array(element) | TypeRoot::Multiset(element) => is_limited(element),
        TypeRoot::Map { key, value } => is_limited(key) || is_limited(value),
        TypeRoot::Row(fields) => fields.iter().any(|field| is_limited(&field.data_type)),
        _ => false,
    }
}

/// Whether all values fit, by what can be seen without looking at them one by one; no says nothing.
fn fits_at_a_glance(column: &ArrayRef, root: &TypeRoot) -> bool {
    match root {
        // A text of so many bytes has no more characters.
        TypeRoot::Char(length) | TypeRoot::VarChar(length) => {
            column.as_string_opt::<i32>().is_some_and(|texts| longest(texts.value_offsets()) <= i64::from(*length))
        }
        TypeRoot::Binary(length) | TypeRoot::VarBinary(length) => {
            column.as_binary_opt::<i32>().is_some_and(|bytes| longest(bytes.value_offsets()) <= i64::from(*length))
        }
        TypeRoot::Decimal { precision, .. } => column.as_primitive_opt::<Decimal128Type>().is_some_and(|numbers| {
            let bound = decimal_bound(*precision);
            numbers.values().iter().all(|value| value.unsigned_abs() < bound)
        }),
        TypeRoot::Time(_) => column
            .as_primitive_opt::<Time32MillisecondType>()
            .is_some_and(|times| times.values().iter().all(|millis| is_time_of_day(*millis))),
        _ => false,
    }
}

fn longest(offsets: &[i32]) -> i64 {
    offsets.windows(2).map(|pair| i64::from(pair[1]) - i64::from(pair[0])).max().unwrap_or(0)
}

/// What a decimal of so many digits is below.
fn decimal_bound(precision: u8) -> u128 {
    10u128.saturating_pow(u32::from(precision))
}

fn is_time_of_day(millis: i32) -> bool {
    (0..MILLIS_PER_DAY).contains(&i64::from(millis))
}

/// Why the value does not fit the type; `None` when it does.
fn misfit(value: &Datum, data_type: &DataType) -> Option<String> {
    let too_long = |length: usize, limit: u32, unit: &str| {
        (length as u64 > u64::from(limit)).then(|| format!("{length} {unit} are too many for {}", data_type.root))
    };
    let of_items =
        |items: &[Option<Datum>], element: &DataType| items.iter().flatten().find_map(|item| misfit(item, element));
    match (value, &data_type.root) {
        (Datum::String(text), TypeRoot::Char(limit) | TypeRoot::VarChar(limit)) => {
            too_long(text.chars().count(), *limit, "characters")
        }
        (Datum::Bytes(bytes), TypeRoot::Binary(limit) | TypeRoot::VarBinary(limit)) => {
            too_long(bytes.len(), *limit, "bytes")
        }
        (Datum::Decimal(unscaled), TypeRoot::Decimal { precision, .. }) => (unscaled.unsigned_abs()
            >= decimal_bound(*precision))
        .then(|| format!("a number of more than {precision} digits is no {}", data_type.root)),
        (Datum::Time(millis), TypeRoot::Time(_)) => {
            (!is_time_of_day(*millis)).then(|| format!("{millis} milliseconds are no time of the day"))
        }
        (Datum::Timestamp { nanos_of_milli, .. }, _) => (!(0..=NANOS_OF_MILLI_MAX).contains(nanos_of_milli))
            .then(|| format!("{nanos_of_milli} nanoseconds are no part of a millisecond")),
        (Datum::Array(items), TypeRoot::Array(element)) => of_items(items, element),
        (Datum::Map(pairs), TypeRoot::Map { key, value }) => pairs.iter().find_map(|(k, v)| {
            let of_key = k.as_ref().and_then(|k| misfit(k, key));
            of_key.or_else(|| v.as_ref().and_then(|v| misfit(v, value)))
        }),
        (Datum::Map(pairs), TypeRoot::Multiset(element)) => {
            pairs.iter().find_map(|(k, _)| k.as_ref().and_then(|k| misfit(k, element)))
        }
        (Datum::Row(values), TypeRoot::Row(fields)) => {
            let mut named = values.iter().zip(fields);
            named.find_map(|(value, field)| value.as_ref().and_then(|value| misfit(value, &field.data_type)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
