//! The values of one column that have been read and not yet handed out.
//!
//! Goes in: a [`Value`] a row. Comes out: an array in the in-memory form of the column's type. A row whose later columns cannot be
//! read is taken back with [`ColumnBuffer::truncate`].

use std::mem;
use std::sync::Arc;

use alluvium::arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use alluvium::arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Int32Array, Int64Array, PrimitiveArray, StringArray,
    StructArray,
};
use alluvium::arrow_schema::ArrowError;
use alluvium::format::TypeRoot;
use alluvium::format::arrow::{UTC, array_from_datums, wide_timestamp_fields};
use alluvium::{DataField, DataType, Datum, Error, Result};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};

use super::UnknownMembers;
use super::scalar_text;
use super::value::{Value, datum};

/// The values, in the layout of the column's array; a null has a value of its own that means nothing.
enum Values {
    Boolean(Vec<bool>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal(Vec<i128>),
    /// Texts and binaries; the first end is 0, where the first value begins.
    Bytes {
        bytes: Vec<u8>,
        ends: Vec<i32>,
    },
    /// TIMESTAMP(7 … 9).
    Wide {
        millis: Vec<i64>,
        nanos_of_milli: Vec<i32>,
    },
    Nested(Vec<Option<Datum>>),
}

/// One column of the rows at hand.
pub(super) struct ColumnBuffer {
    field: DataField,
    unknown: UnknownMembers,
    values: Values,
    nulls: NullBufferBuilder,
}

impl ColumnBuffer {
    /// An empty column.
    pub(super) fn new(field: DataField, unknown: UnknownMembers) -> Self {
        let values = match &field.data_type.root {
            TypeRoot::Boolean => Values::Boolean(Vec::new()),
            TypeRoot::TinyInt => Values::Int8(Vec::new()),
            TypeRoot::SmallInt => Values::Int16(Vec::new()),
            TypeRoot::Int | TypeRoot::Date | TypeRoot::Time(_) => Values::Int32(Vec::new()),
            TypeRoot::BigInt => Values::Int64(Vec::new()),
            TypeRoot::Timestamp(0..=6) | TypeRoot::TimestampLtz(0..=6) => Values::Int64(Vec::new()),
            TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => {
                Values::Wide { millis: Vec::new(), nanos_of_milli: Vec::new() }
            }
            TypeRoot::Float => Values::Float(Vec::new()),
            TypeRoot::Double => Values::Double(Vec::new()),
            TypeRoot::Decimal { .. } => Values::Decimal(Vec::new()),
            TypeRoot::Char(_) | TypeRoot::VarChar(_) | TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
                Values::Bytes { bytes: Vec::new(), ends: vec![0] }
            }
            _ => Values::Nested(Vec::new()),
        };
        Self { field, unknown, values, nulls: NullBufferBuilder::new(0) }
    }

    /// The column's name.
    pub(super) fn name(&self) -> &str {
        &self.field.name
    }

    /// The column's type.
    pub(super) fn root(&self) -> &TypeRoot {
        &self.field.data_type.root
    }

    /// Adds a value; `None` is null.
    ///
    /// # Errors
    /// What is there and what the column wants; nothing was added.
    pub(super) fn append(&mut self, value: Option<Value<'_>>) -> Result<(), String> {
        let Some(value) = value else { return self.append_null() };
        if !self.append_usual(value) {
            match datum(value, &self.field.data_type, self.unknown)? {
                Some(datum) => self.append_datum(datum)?,
                None => return self.append_null(),
            }
        }
        self.nulls.append_non_null();
        Ok(())
    }

    fn append_null(&mut self) -> Result<(), String> {
        if !self.field.data_type.nullable {
            return Err(format!("null, and the column is {}", self.field.data_type));
        }
        match &mut self.values {
            Values::Boolean(values) => values.push(false),
            Values::Int8(values) => values.push(0),
            Values::Int16(values) => values.push(0),
            Values::Int32(values) => values.push(0),
            Values::Int64(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Double(values) => values.push(0.0),
            Values::Decimal(values) => values.push(0),
            Values::Bytes { bytes, ends } => ends.push(end_of(bytes)?),
            Values::Wide { millis, nanos_of_milli } => {
                millis.push(0);
                nanos_of_milli.push(0);
            }
            Values::Nested(values) => values.push(None),
        }
        self.nulls.append_null();
        Ok(())
    }

    /// Adds a value in its usual form; false when it is in another, and then nothing was added.
    fn append_usual(&mut self, value: Value<'_>) -> bool {
        let root = &self.field.data_type.root;
        match (&mut self.values, root) {
            (Values::Boolean(values), _) => match value {
                Value::Boolean(value) => push(values, Some(value)),
                _ => false,
            },
            (Values::Int8(values), _) => push(values, whole(value)),
            (Values::Int16(values), _) => push(values, whole(value)),
            (Values::Int32(values), TypeRoot::Date) => push(values, text(value).and_then(scalar_text::date)),
            (Values::Int32(values), TypeRoot::Time(_)) => push(values, text(value).and_then(scalar_text::time)),
            (Values::Int32(values), _) => push(values, whole(value)),
            (Values::Int64(values), TypeRoot::BigInt) => push(values, whole(value)),
            (Values::Int64(values), _) => {
                let parts = timestamp(value, root);
                push(values, parts.and_then(|parts| units_of(parts, precision(root))))
            }
            (Values::Double(values), _) => push(values, digits(value).and_then(finite::<f64>)),
            (Values::Float(values), _) => push(values, digits(value).and_then(finite::<f32>)),
            (Values::Decimal(values), TypeRoot::Decimal { precision, scale }) => {
                let text = text(value).or_else(|| digits(value).map(str::as_bytes));
                push(values, text.and_then(|text| scalar_text::decimal(text, *precision, *scale)))
            }
            (Values::Bytes { bytes, ends }, TypeRoot::Char(length) | TypeRoot::VarChar(length)) => {
                let text = text(value).filter(|text| text.len() <= *length as usize);
                text.is_some_and(|text| push_bytes(bytes, ends, text).is_ok())
            }
            (Values::Wide { millis, nanos_of_milli }, _) => match timestamp(value, root) {
                Some((whole, nanos)) => {
                    millis.push(whole);
                    push(nanos_of_milli, Some(nanos))
                }
                None => false,
            },
            _ => false,
        }
    }

    fn append_datum(&mut self, datum: Datum) -> Result<(), String> {
        let root = &self.field.data_type.root;
        match (&mut self.values, datum) {
            (Values::Boolean(values), Datum::Boolean(value)) => values.push(value),
            (Values::Int8(values), Datum::TinyInt(value)) => values.push(value),
            (Values::Int16(values), Datum::SmallInt(value)) => values.push(value),
            (Values::Int32(values), Datum::Int(value) | Datum::Date(value) | Datum::Time(value)) => values.push(value),
            (Values::Int64(values), Datum::BigInt(value)) => values.push(value),
            (Values::Int64(values), Datum::Timestamp { millis, nanos_of_milli }) => {
                let value = units_of((millis, nanos_of_milli), precision(root));
                values.push(value.ok_or_else(|| format!("the timestamp is too far from 1970 for {root}"))?);
            }
            (Values::Float(values), Datum::Float(value)) => values.push(value),
            (Values::Double(values), Datum::Double(value)) => values.push(value),
            (Values::Decimal(values), Datum::Decimal(value)) => values.push(value),
            (Values::Bytes { bytes, ends }, Datum::String(value)) => push_bytes(bytes, ends, value.as_bytes())?,
            (Values::Bytes { bytes, ends }, Datum::Bytes(value)) => push_bytes(bytes, ends, &value)?,
            (Values::Wide { millis, nanos_of_milli }, Datum::Timestamp { millis: whole, nanos_of_milli: nanos }) => {
                millis.push(whole);
                nanos_of_milli.push(nanos);
            }
            (Values::Nested(values), value) => values.push(Some(value)),
            (_, value) => return Err(format!("{value:?} is no {root}")),
        }
        Ok(())
    }

    /// Leaves the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Boolean(values) => values.truncate(rows),
            Values::Int8(values) => values.truncate(rows),
            Values::Int16(values) => values.truncate(rows),
            Values::Int32(values) => values.truncate(rows),
            Values::Int64(values) => values.truncate(rows),
            Values::Float(values) => values.truncate(rows),
            Values::Double(values) => values.truncate(rows),
            Values::Decimal(values) => values.truncate(rows),
            Values::Bytes { bytes, ends } => {
                ends.truncate(rows + 1);
                let end = ends.last().copied().and_then(|end| usize::try_from(end).ok());
                bytes.truncate(end.unwrap_or_default());
            }
            Values::Wide { millis, nanos_of_milli } => {
                millis.truncate(rows);
                nanos_of_milli.truncate(rows);
            }
            Values::Nested(values) => values.truncate(rows),
        }
        if rows < self.nulls.len() {
            self.nulls.truncate(rows);
        }
    }

    /// The values as an array; the column is empty again.
    ///
    /// # Errors
    /// `Internal` when the buffers do not make an array.
    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        let nulls = self.nulls.finish();
        let root = &self.field.data_type.root;
        let zone = matches!(root, TypeRoot::TimestampLtz(_)).then_some(UTC);
        Ok(match &mut self.values {
            Values::Boolean(values) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(mem::take(values).as_slice()), nulls))
            }
            Values::Int8(values) => Arc::new(primitive::<Int8Type>(values, nulls)?),
            Values::Int16(values) => Arc::new(primitive::<Int16Type>(values, nulls)?),
            Values::Int32(values) => match root {
                TypeRoot::Date => Arc::new(primitive::<Date32Type>(values, nulls)?),
                TypeRoot::Time(_) => Arc::new(primitive::<Time32MillisecondType>(values, nulls)?),
                _ => Arc::new(primitive::<Int32Type>(values, nulls)?),
            },
            Values::Int64(values) => match (root, precision(root)) {
                (TypeRoot::BigInt, _) => Arc::new(primitive::<Int64Type>(values, nulls)?),
                (_, 0..=3) => Arc::new(primitive::<TimestampMillisecondType>(values, nulls)?.with_timezone_opt(zone)),
                _ => Arc::new(primitive::<TimestampMicrosecondType>(values, nulls)?.with_timezone_opt(zone)),
            },
            Values::Float(values) => Arc::new(primitive::<Float32Type>(values, nulls)?),
            Values::Double(values) => Arc::new(primitive::<Float64Type>(values, nulls)?),
            Values::Decimal(values) => decimals(primitive(values, nulls)?, &self.field.data_type)?,
            Values::Bytes { bytes, ends } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(mem::replace(ends, vec![0])));
                let bytes = Buffer::from_vec(mem::take(bytes));
                match root {
                    TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
                        Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(failed)?)
                    }
                    _ => Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(failed)?),
                }
            }
            Values::Wide { millis, nanos_of_milli } => {
                let millis: ArrayRef = Arc::new(Int64Array::from(mem::take(millis)));
                let nanos: ArrayRef = Arc::new(Int32Array::from(mem::take(nanos_of_milli)));
                let fields = wide_timestamp_fields();
                Arc::new(StructArray::try_new(fields, vec![millis, nanos], nulls).map_err(failed)?)
            }
            Values::Nested(values) => array_from_datums(&self.field.data_type, &mem::take(values))?,
        })
    }
}

fn failed(error: ArrowError) -> Error {
    Error::internal(format!("making a column of what was read: {error}"))
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<PrimitiveArray<T>> {
    PrimitiveArray::try_new(ScalarBuffer::from(mem::take(values)), nulls).map_err(failed)
}

fn decimals(array: PrimitiveArray<Decimal128Type>, data_type: &DataType) -> Result<ArrayRef> {
    let TypeRoot::Decimal { precision, scale } = data_type.root else {
        return Err(Error::internal("a column of decimals is a DECIMAL"));
    };
    Ok(Arc::new(array.with_precision_and_scale(precision, scale.cast_signed()).map_err(failed)?))
}

fn precision(root: &TypeRoot) -> u8 {
    match root {
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => *precision,
        _ => 0,
    }
}

/// A timestamp as the count of milliseconds or microseconds that its column holds.
fn units_of((millis, nanos_of_milli): (i64, i32), precision: u8) -> Option<i64> {
    if precision <= 3 { Some(millis) } else { millis.checked_mul(1000)?.checked_add(i64::from(nanos_of_milli / 1000)) }
}

fn push<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            values.push(value);
            true
        }
        None => false,
    }
}

fn end_of(bytes: &[u8]) -> Result<i32, String> {
    i32::try_from(bytes.len()).map_err(|_| "the texts of a batch are larger than 2 GiB".to_owned())
}

fn push_bytes(bytes: &mut Vec<u8>, ends: &mut Vec<i32>, value: &[u8]) -> Result<(), String> {
    let start = bytes.len();
    bytes.extend_from_slice(value);
    let end = end_of(bytes).inspect_err(|_| bytes.truncate(start))?;
    ends.push(end);
    Ok(())
}

/// The bytes of a value that is written as text.
fn text<'a>(value: Value<'a>) -> Option<&'a [u8]> {
    match value {
        Value::Text(text) | Value::Field(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// The digits of a value that is written as a number.
fn digits<'a>(value: Value<'a>) -> Option<&'a str> {
    match value {
        Value::Number(text) | Value::Field(text) => Some(text),
        _ => None,
    }
}

fn whole<T: TryFrom<i64>>(value: Value<'_>) -> Option<T> {
    digits(value)?.parse::<i64>().ok().and_then(|value| T::try_from(value).ok())
}

/// A number that is written in digits and that the type holds.
fn finite<T: std::str::FromStr + Into<f64> + Copy>(text: &str) -> Option<T> {
    if !text.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    text.parse::<T>().ok().filter(|value| (*value).into().is_finite())
}

/// A timestamp in its usual form; in UTC where the type says so.
fn timestamp(value: Value<'_>, root: &TypeRoot) -> Option<(i64, i32)> {
    let text = text(value)?;
    let local = match root {
        TypeRoot::TimestampLtz(_) => text.strip_suffix(b"Z").unwrap_or(text),
        _ => text,
    };
    scalar_text::timestamp(local, precision(root))
}
