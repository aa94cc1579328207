//! Filters: which rows of a batch pass a [`Predicate`], a column at a time.
//!
//! Goes in: a condition and a batch in the in-memory form (Paimon's types as Arrow columns). Comes out: the rows for which the
//! condition is true, or the batch that is left of them. SQL's three-valued logic: a comparison with null is unknown, NOT
//! leaves unknown as it is, and unknown does not pass. FLOAT and DOUBLE compare as Java's `Float.compare` does: every NaN is
//! equal to every NaN and above all numbers, -0.0 is below 0.0. A timestamp literal finer than its column lies between two
//! values of the column. Answers to `org.apache.paimon.predicate` evaluated by the reader.

use std::sync::Arc;

use alluvium_format::{CompareOp, Datum, Error, Predicate, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, Scalar, StringArray, Time32MillisecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow_buffer::BooleanBuffer;
use arrow_ord::cmp;
use arrow_schema::{ArrowError, DataType as ArrowType, Schema, TimeUnit};
use arrow_select::filter::filter_record_batch;

use crate::like::LikePattern;

/// Nanoseconds of a microsecond.
const NANOS_PER_MICRO: i32 = 1_000;
/// Microseconds of a millisecond.
const MICROS_PER_MILLI: i64 = 1_000;

/// For each row whether a condition is true, false or (neither) unknown.
struct Truth {
    is_true: BooleanBuffer,
    is_false: BooleanBuffer,
}

impl Truth {
    fn always(value: bool, rows: usize) -> Self {
        let (is_true, is_false) = if value { (true, false) } else { (false, true) };
        Self { is_true: constant(is_true, rows), is_false: constant(is_false, rows) }
    }

    fn unknown(rows: usize) -> Self {
        Self { is_true: constant(false, rows), is_false: constant(false, rows) }
    }

    fn and(self, other: &Self) -> Self {
        Self { is_true: &self.is_true & &other.is_true, is_false: &self.is_false | &other.is_false }
    }

    fn or(self, other: &Self) -> Self {
        Self { is_true: &self.is_true | &other.is_true, is_false: &self.is_false & &other.is_false }
    }

    fn not(self) -> Self {
        Self { is_true: self.is_false, is_false: self.is_true }
    }

    /// Unknown wherever the column is null.
    fn of(values: &BooleanBuffer, column: &dyn Array) -> Self {
        match column.logical_nulls() {
            None => Self { is_true: values.clone(), is_false: !values },
            Some(valid) => Self { is_true: values & valid.inner(), is_false: &!values & valid.inner() },
        }
    }
}

/// The rows of `batch` for which `predicate` is true.
///
/// # Errors
/// `Invalid` when the condition names a column that the batch lacks, or a literal is not of its column's type.
pub fn matching_rows(predicate: &Predicate, batch: &RecordBatch) -> Result<BooleanArray> {
    Ok(BooleanArray::new(evaluate(predicate, batch)?.is_true, None))
}

/// What is left of `batch` when only rows for which `predicate` is true stay, in their order.
///
/// # Errors
/// As [`matching_rows`].
pub fn filter_batch(predicate: &Predicate, batch: &RecordBatch) -> Result<RecordBatch> {
    if matches!(predicate, Predicate::True) {
        return Ok(batch.clone());
    }
    filter_record_batch(batch, &matching_rows(predicate, batch)?).map_err(|error| kernel_failed(&error))
}

/// Whether `predicate` can be evaluated on batches of `schema`; asked before anything is read.
///
/// # Errors
/// As [`matching_rows`].
pub fn check_filter(predicate: &Predicate, schema: &Arc<Schema>) -> Result<()> {
    evaluate(predicate, &RecordBatch::new_empty(Arc::clone(schema))).map(|_| ())
}

fn evaluate(predicate: &Predicate, batch: &RecordBatch) -> Result<Truth> {
    let rows = batch.num_rows();
    match predicate {
        Predicate::True => Ok(Truth::always(true, rows)),
        Predicate::False => Ok(Truth::always(false, rows)),
        Predicate::Compare { column, op, literal } => compare(column_of(batch, column)?, *op, literal, column),
        Predicate::In { column, literals, has_null } => {
            let start = if *has_null { Truth::unknown(rows) } else { Truth::always(false, rows) };
            let array = column_of(batch, column)?;
            // A null never equals a literal, so that only an empty list needs the column's nulls said aloud.
            let found = literals.iter().try_fold(start, |found, literal| {
                Ok::<_, Error>(found.or(&compare(array, CompareOp::Eq, literal, column)?))
            })?;
            Ok(if literals.is_empty() { unknown_where_null(found, array) } else { found })
        }
        Predicate::Like { column, pattern, escape } => like(column_of(batch, column)?, column, pattern, *escape),
        Predicate::IsNull(column) => Ok(is_null(column_of(batch, column)?)),
        Predicate::IsNotNull(column) => Ok(is_null(column_of(batch, column)?).not()),
        Predicate::And(parts) => {
            parts.iter().try_fold(Truth::always(true, rows), |all, part| Ok(all.and(&evaluate(part, batch)?)))
        }
        Predicate::Or(parts) => {
            parts.iter().try_fold(Truth::always(false, rows), |any, part| Ok(any.or(&evaluate(part, batch)?)))
        }
        Predicate::Not(inner) => Ok(evaluate(inner, batch)?.not()),
    }
}

fn constant(value: bool, rows: usize) -> BooleanBuffer {
    if value { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) }
}

fn column_of<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| {
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        Error::invalid(format!("the filter names the column {name:?}, the table has: {}", names.join(", ")))
    })
}

fn is_null(column: &ArrayRef) -> Truth {
    match column.logical_nulls() {
        None => Truth::always(false, column.len()),
        Some(valid) => Truth { is_true: !valid.inner(), is_false: valid.inner().clone() },
    }
}

fn unknown_where_null(truth: Truth, column: &ArrayRef) -> Truth {
    match column.logical_nulls() {
        None => truth,
        Some(valid) => Truth { is_true: &truth.is_true & valid.inner(), is_false: &truth.is_false & valid.inner() },
    }
}

fn like(column: &ArrayRef, name: &str, pattern: &str, escape: Option<char>) -> Result<Truth> {
    let pattern = LikePattern::parse(pattern, escape)?;
    let Some(texts) = column.as_string_opt::<i32>() else {
        return Err(Error::invalid(format!("LIKE needs a column of text, {name:?} is {}", column.data_type())));
    };
    let values =
        BooleanBuffer::collect_bool(texts.len(), |row| texts.is_valid(row) && pattern.matches(texts.value(row)));
    Ok(Truth::of(&values, texts))
}

fn compare(column: &ArrayRef, op: CompareOp, literal: &Datum, name: &str) -> Result<Truth> {
    if let ArrowType::Struct(_) = column.data_type() {
        return compare_wide_timestamps(column, op, literal, name);
    }
    let (scalar, between) = scalar_for(column.data_type(), literal, name)?;
    let op = match (between, op) {
        (false, op) => op,
        (true, CompareOp::Eq) => return Ok(Truth::of(&constant(false, column.len()), column)),
        (true, CompareOp::NotEq) => return Ok(Truth::of(&constant(true, column.len()), column)),
        (true, CompareOp::Lt | CompareOp::LtEq) => CompareOp::LtEq,
        (true, CompareOp::Gt | CompareOp::GtEq) => CompareOp::Gt,
    };
    compare_with(&with_one_nan(column), op, &scalar)
}

/// A literal as an array of one row; the flag says that it lies just above that value, below the column's next one.
fn scalar_for(data_type: &ArrowType, literal: &Datum, name: &str) -> Result<(ArrayRef, bool)> {
    let array: ArrayRef = match (data_type, literal) {
        (ArrowType::Boolean, Datum::Boolean(value)) => Arc::new(BooleanArray::from(vec![*value])),
        (ArrowType::Int8, Datum::TinyInt(value)) => Arc::new(Int8Array::from(vec![*value])),
        (ArrowType::Int16, Datum::SmallInt(value)) => Arc::new(Int16Array::from(vec![*value])),
        (ArrowType::Int32, Datum::Int(value)) => Arc::new(Int32Array::from(vec![*value])),
        (ArrowType::Int64, Datum::BigInt(value)) => Arc::new(Int64Array::from(vec![*value])),
        (ArrowType::Float32, Datum::Float(value)) => with_one_nan(&(Arc::new(Float32Array::from(vec![*value])) as _)),
        (ArrowType::Float64, Datum::Double(value)) => with_one_nan(&(Arc::new(Float64Array::from(vec![*value])) as _)),
        (ArrowType::Decimal128(precision, scale), Datum::Decimal(value)) => {
            let array = Decimal128Array::from(vec![*value]).with_precision_and_scale(*precision, *scale);
            Arc::new(array.map_err(|error| kernel_failed(&error))?)
        }
        (ArrowType::Utf8, Datum::String(value)) => Arc::new(StringArray::from(vec![value.as_str()])),
        (ArrowType::Binary, Datum::Bytes(value)) => Arc::new(BinaryArray::from(vec![value.as_slice()])),
        (ArrowType::Date32, Datum::Date(value)) => Arc::new(Date32Array::from(vec![*value])),
        (ArrowType::Time32(TimeUnit::Millisecond), Datum::Time(value)) => {
            Arc::new(Time32MillisecondArray::from(vec![*value]))
        }
        (ArrowType::Timestamp(unit, zone), Datum::Timestamp { millis, nanos_of_milli }) => {
            return timestamp_scalar(*unit, zone.clone(), (*millis, *nanos_of_milli), name);
        }
        _ => return Err(type_mismatch(name, data_type, literal)),
    };
    Ok((array, false))
}

fn timestamp_scalar(
    unit: TimeUnit,
    zone: Option<Arc<str>>,
    (millis, nanos_of_milli): (i64, i32),
    name: &str,
) -> Result<(ArrayRef, bool)> {
    match unit {
        TimeUnit::Millisecond => {
            let array = TimestampMillisecondArray::from(vec![millis]).with_timezone_opt(zone);
            Ok((Arc::new(array), nanos_of_milli != 0))
        }
        TimeUnit::Microsecond => {
            let micros = millis
                .checked_mul(MICROS_PER_MILLI)
                .and_then(|micros| micros.checked_add(i64::from(nanos_of_milli / NANOS_PER_MICRO)))
                .ok_or_else(|| {
                    Error::invalid(format!(
                        "{millis} ms since 1970 is beyond the microseconds that column {name:?} holds"
                    ))
                })?;
            let array = TimestampMicrosecondArray::from(vec![micros]).with_timezone_opt(zone);
            Ok((Arc::new(array), nanos_of_milli % NANOS_PER_MICRO != 0))
        }
        other => {
            Err(Error::internal(format!("column {name:?} holds timestamps in {other:?}, not in its in-memory form")))
        }
    }
}

/// TIMESTAMP(7..9): milliseconds, then nanoseconds within the millisecond.
fn compare_wide_timestamps(column: &ArrayRef, op: CompareOp, literal: &Datum, name: &str) -> Result<Truth> {
    let parts = column.as_struct();
    let children = (parts.columns().first(), parts.columns().get(1));
    let (Datum::Timestamp { millis, nanos_of_milli }, (Some(high), Some(low))) = (literal, children) else {
        return Err(type_mismatch(name, column.data_type(), literal));
    };
    if parts.num_columns() != 2
        || high.as_primitive_opt::<Int64Type>().is_none()
        || low.as_primitive_opt::<Int32Type>().is_none()
    {
        return Err(type_mismatch(name, column.data_type(), literal));
    }
    let high_literal: ArrayRef = Arc::new(Int64Array::from(vec![*millis]));
    let low_literal: ArrayRef = Arc::new(Int32Array::from(vec![*nanos_of_milli]));
    let same_high = compare_with(high, CompareOp::Eq, &high_literal)?;
    let by_low = compare_with(low, op, &low_literal)?;
    let truth = match op {
        CompareOp::Eq => same_high.and(&by_low),
        CompareOp::NotEq => same_high.not().or(&by_low),
        CompareOp::Lt | CompareOp::LtEq => {
            same_high.and(&by_low).or(&compare_with(high, CompareOp::Lt, &high_literal)?)
        }
        CompareOp::Gt | CompareOp::GtEq => {
            same_high.and(&by_low).or(&compare_with(high, CompareOp::Gt, &high_literal)?)
        }
    };
    Ok(Truth::of(&truth.is_true, column))
}

fn compare_with(column: &ArrayRef, op: CompareOp, literal: &ArrayRef) -> Result<Truth> {
    let scalar = Scalar::new(Arc::clone(literal));
    let compared = match op {
        CompareOp::Eq => cmp::eq(column, &scalar),
        CompareOp::NotEq => cmp::neq(column, &scalar),
        CompareOp::Lt => cmp::lt(column, &scalar),
        CompareOp::LtEq => cmp::lt_eq(column, &scalar),
        CompareOp::Gt => cmp::gt(column, &scalar),
        CompareOp::GtEq => cmp::gt_eq(column, &scalar),
    };
    let compared = compared.map_err(|error| kernel_failed(&error))?;
    Ok(Truth::of(compared.values(), &compared))
}

/// Arrow orders floats by their bits, where there are many NaNs, two of them below all numbers; Java knows one.
fn with_one_nan(column: &ArrayRef) -> ArrayRef {
    if let Some(floats) = column.as_primitive_opt::<Float32Type>() {
        let one_nan: Float32Array = floats.unary(|value: f32| if value.is_nan() { f32::NAN } else { value });
        return Arc::new(one_nan);
    }
    if let Some(doubles) = column.as_primitive_opt::<Float64Type>() {
        let one_nan: Float64Array = doubles.unary(|value: f64| if value.is_nan() { f64::NAN } else { value });
        return Arc::new(one_nan);
    }
    Arc::clone(column)
}

fn type_mismatch(name: &str, data_type: &ArrowType, literal: &Datum) -> Error {
    Error::invalid(format!(
        "the filter compares column {name:?} ({data_type}) with {literal:?}, which is of another type"
    ))
}

fn kernel_failed(error: &ArrowError) -> Error {
    Error::internal(format!("filtering a batch: {error}"))
}

#[cfg(test)]
mod tests;
