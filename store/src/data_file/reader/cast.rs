//! Values of a column whose type was changed after they were written.
//!
//! Goes in: an array of the old type. Comes out: one of the new. Where every value keeps its meaning the whole column is cast at
//! once, else value by value under Paimon's rules: whole numbers wrap, fractions are cut off, decimals round half up and become null
//! when they overflow, texts are cut or padded, a text that is no number is an error. Local-zone timestamps are taken as UTC, where
//! Java takes the machine's zone. Answers to `org.apache.paimon.casting.CastExecutors`.

mod number;
mod text;

use alluvium_format::arrow::{UTC, array_from_datums, datum_at, to_arrow_type};
use alluvium_format::{DataType, Datum, Error, Result, TypeRoot};
use arrow_array::{Array, ArrayRef};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType as ArrowType;

use super::moments::Moments;
use super::refused;

/// A value of one type as one of another; `None` is null.
type Rule = fn(&Datum, &DataType, &DataType) -> Result<Option<Datum>>;

/// Milliseconds of a day.
const MILLIS_OF_DAY: i64 = 86_400_000;

/// From one type to another.
#[derive(Debug)]
pub(super) struct Cast {
    from: DataType,
    to: DataType,
    arrow: ArrowType,
    how: How,
}

#[derive(Debug)]
enum How {
    /// The kernel of Arrow does what Paimon does.
    Column,
    /// To timestamps of a higher precision, or of the other kind.
    Timestamps,
    /// One by one.
    Values(Rule),
}

impl Cast {
    /// The cast between two types; `None` when arrays of the one are arrays of the other.
    ///
    /// # Errors
    /// `Unsupported` when Paimon has no such cast.
    pub(super) fn plan(from: &DataType, to: &DataType) -> Result<Option<Self>> {
        if is_same(&from.root, &to.root) {
            return Ok(None);
        }
        let how = match (&from.root, &to.root) {
            (from, to) if keeps_number(from, to) => How::Column,
            (from, to) if timestamp_precision(from).is_some_and(|from| timestamp_precision(to) >= Some(from)) => {
                How::Timestamps
            }
            (old, new) => How::Values(rule(old, new).ok_or_else(|| {
                Error::unsupported(format!("reading a column that was written as {from} and is {to} now"))
            })?),
        };
        Ok(Some(Self { from: from.clone(), to: to.clone(), arrow: to_arrow_type(to)?, how }))
    }

    /// An array of the old type as one of the new.
    ///
    /// # Errors
    /// `Invalid` when a text is no value of the new type; `Corrupt` for a moment that the new type cannot hold.
    pub(super) fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match &self.how {
            How::Column => {
                let options = CastOptions { safe: false, ..CastOptions::default() };
                cast_with_options(array, &self.arrow, &options).map_err(refused)
            }
            How::Timestamps => {
                let precision = timestamp_precision(&self.to.root).unwrap_or_default();
                let zone = matches!(self.to.root, TypeRoot::TimestampLtz(_)).then_some(UTC);
                let moments = Moments::of(array, precision)?;
                moments.ok_or_else(|| Error::internal("timestamps are moments"))?.to_precision(precision, zone)
            }
            How::Values(rule) => {
                let values = (0..array.len()).map(|row| match datum_at(array, &self.from, row)? {
                    Some(value) => rule(&value, &self.from, &self.to),
                    None => Ok(None),
                });
                array_from_datums(&self.to, &values.collect::<Result<Vec<_>>>()?)
            }
        }
    }
}

/// The value of a text in a type, as a cast of STRING gives it; `None` is null.
///
/// # Errors
/// `Unsupported` when texts are not cast to such a type; `Invalid` when the text is no value of it.
pub(crate) fn value_of_text(text: &str, to: &DataType) -> Result<Option<Datum>> {
    let from = DataType::nullable(TypeRoot::VarChar(TypeRoot::STRING_LENGTH));
    let rule = rule(&from.root, &to.root).ok_or_else(|| Error::unsupported(format!("casting text to {to}")))?;
    rule(&Datum::String(text.to_owned()), &from, to)
}

/// Whether values of the one type are values of the other as they are, in memory too.
fn is_same(from: &TypeRoot, to: &TypeRoot) -> bool {
    match (from, to) {
        (TypeRoot::Char(old) | TypeRoot::VarChar(old), TypeRoot::VarChar(new))
        | (TypeRoot::Binary(old) | TypeRoot::VarBinary(old), TypeRoot::VarBinary(new)) => new >= old,
        _ => from == to,
    }
}

/// Whether every number of the one type is one of the other.
fn keeps_number(from: &TypeRoot, to: &TypeRoot) -> bool {
    match (number_rank(from), number_rank(to)) {
        (Some(from), Some(to)) if from < to => return true,
        _ => {}
    }
    match (from, to) {
        (TypeRoot::Float, TypeRoot::Double) => true,
        (TypeRoot::Decimal { precision: old_precision, scale: old_scale }, TypeRoot::Decimal { precision, scale }) => {
            let (old_whole, whole) = (old_precision.saturating_sub(*old_scale), precision.saturating_sub(*scale));
            scale >= old_scale && whole >= old_whole
        }
        (_, TypeRoot::Decimal { precision, scale }) => {
            let digits = match from {
                TypeRoot::TinyInt => 3,
                TypeRoot::SmallInt => 5,
                TypeRoot::Int => 10,
                TypeRoot::BigInt => 19,
                _ => return false,
            };
            precision.saturating_sub(*scale) >= digits
        }
        _ => false,
    }
}

/// The place of a whole number's type among them, by width.
fn number_rank(root: &TypeRoot) -> Option<u8> {
    match root {
        TypeRoot::TinyInt => Some(0),
        TypeRoot::SmallInt => Some(1),
        TypeRoot::Int => Some(2),
        TypeRoot::BigInt => Some(3),
        _ => None,
    }
}

fn timestamp_precision(root: &TypeRoot) -> Option<u8> {
    match root {
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => Some(*precision),
        _ => None,
    }
}

fn is_integer(root: &TypeRoot) -> bool {
    number_rank(root).is_some()
}

fn is_number(root: &TypeRoot) -> bool {
    is_integer(root) || matches!(root, TypeRoot::Float | TypeRoot::Double)
}

/// The rule between two types; `None` when Paimon has none.
fn rule(from: &TypeRoot, to: &TypeRoot) -> Option<Rule> {
    use TypeRoot as T;
    Some(match (from, to) {
        (from, to) if is_number(from) && is_number(to) => number::to_number,
        (from, T::Decimal { .. }) if is_number(from) || matches!(from, T::Decimal { .. } | T::Boolean) => {
            number::to_decimal
        }
        (T::Decimal { .. } | T::Boolean, to) if is_number(to) => number::to_number,
        (from, T::Boolean) if is_integer(from) => number::to_boolean,
        (T::Int | T::BigInt, T::Timestamp(_) | T::TimestampLtz(_)) => seconds_to_timestamp,
        (T::Timestamp(_) | T::TimestampLtz(_), T::Int | T::BigInt) => timestamp_to_seconds,
        (T::Timestamp(_) | T::TimestampLtz(_), T::Timestamp(_) | T::TimestampLtz(_)) => truncate_timestamp,
        (T::Timestamp(_) | T::TimestampLtz(_), T::Date) => timestamp_to_date,
        (T::Timestamp(_) | T::TimestampLtz(_), T::Time(_)) => timestamp_to_time,
        (T::Date | T::Time(_), T::Timestamp(_) | T::TimestampLtz(_)) => day_or_time_to_timestamp,
        (T::Char(_) | T::VarChar(_), T::Binary(_) | T::VarBinary(_)) => text::to_bytes,
        (T::Binary(_) | T::VarBinary(_), T::Binary(_) | T::VarBinary(_)) => text::to_bytes,
        (T::Date | T::Time(_) | T::Timestamp(_) | T::TimestampLtz(_), T::VarChar(T::STRING_LENGTH)) => text::to_text,
        (T::Date | T::Time(_) | T::Timestamp(_) | T::TimestampLtz(_), _) => return None,
        (from, T::Char(_) | T::VarChar(_)) if text::has_text(from) => text::to_text,
        (T::Char(_) | T::VarChar(_), to) if text::can_parse(to) => text::parse,
        _ => return None,
    })
}

/// Whole numbers count seconds.
fn seconds_to_timestamp(value: &Datum, _: &DataType, to: &DataType) -> Result<Option<Datum>> {
    let seconds = number::whole(value).unwrap_or_default();
    let millis = seconds.checked_mul(1000).ok_or_else(|| no_value(&seconds.to_string(), to))?;
    Ok(Some(Datum::Timestamp { millis, nanos_of_milli: 0 }))
}

fn timestamp_to_seconds(value: &Datum, _: &DataType, to: &DataType) -> Result<Option<Datum>> {
    // Towards 1970, as Java's division does.
    number::of_whole(parts(value).0 / 1000, to)
}

fn truncate_timestamp(value: &Datum, _: &DataType, to: &DataType) -> Result<Option<Datum>> {
    let (millis, nanos_of_milli) = parts(value);
    let precision = u32::from(timestamp_precision(&to.root).unwrap_or(9).min(9));
    // Towards 1970, as Java does; nanoseconds are never negative.
    Ok(Some(if precision <= 3 {
        let unit = 10_i64.pow(3 - precision);
        Datum::Timestamp { millis: millis / unit * unit, nanos_of_milli: 0 }
    } else {
        let unit = 10_i32.pow(9 - precision);
        Datum::Timestamp { millis, nanos_of_milli: nanos_of_milli / unit * unit }
    }))
}

fn timestamp_to_date(value: &Datum, _: &DataType, to: &DataType) -> Result<Option<Datum>> {
    let days = parts(value).0.div_euclid(MILLIS_OF_DAY);
    let days = i32::try_from(days).map_err(|_| no_value(&days.to_string(), to))?;
    Ok(Some(Datum::Date(days)))
}

fn timestamp_to_time(value: &Datum, _: &DataType, _: &DataType) -> Result<Option<Datum>> {
    // A remainder below the milliseconds of a day.
    Ok(Some(Datum::Time(parts(value).0.rem_euclid(MILLIS_OF_DAY) as i32)))
}

fn day_or_time_to_timestamp(value: &Datum, _: &DataType, _: &DataType) -> Result<Option<Datum>> {
    let millis = match value {
        Datum::Date(days) => i64::from(*days) * MILLIS_OF_DAY,
        Datum::Time(millis) => i64::from(*millis),
        _ => return Err(wrong_value(value)),
    };
    Ok(Some(Datum::Timestamp { millis, nanos_of_milli: 0 }))
}

fn parts(value: &Datum) -> (i64, i32) {
    match value {
        Datum::Timestamp { millis, nanos_of_milli } => (*millis, *nanos_of_milli),
        _ => (0, 0),
    }
}

fn wrong_value(value: &Datum) -> Error {
    Error::internal(format!("{value:?} is not of the type it is cast from"))
}

fn no_value(what: &str, to: &DataType) -> Error {
    Error::invalid(format!(
        "{what:?} was written before the column's type was changed, and is no {to}: change the type to one that can hold it"
    ))
}

#[cfg(test)]
mod tests;
