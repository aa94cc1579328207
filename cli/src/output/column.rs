//! One column of a batch, typed once, and its values as text or JSON.
//!
//! Goes in: an array in the in-memory form of its type. Comes out: the text of the value at a row, as
//! [`alluvium::format::text_value`] writes it (floats as JSON writes them), or its JSON, as [`alluvium::format::json_value`] does.

use alluvium::arrow_array::cast::AsArray;
use alluvium::arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use alluvium::arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, Time32MillisecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray,
};
use alluvium::format::TypeRoot;
use alluvium::format::arrow::datum_at;
use alluvium::format::json_value::to_json;
use alluvium::{DataField, DataType, Error, ErrorKind, Result};

use super::digits;

/// A typed view of an array.
enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int8(&'a Int8Array),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Float(&'a Float32Array),
    Double(&'a Float64Array),
    Decimal(&'a Decimal128Array, u8),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time32MillisecondArray),
    Millis(&'a TimestampMillisecondArray),
    Micros(&'a TimestampMicrosecondArray),
    /// TIMESTAMP(7 … 9): milliseconds and the nanoseconds within.
    Wide(&'a Int64Array, &'a Int32Array),
    Nested,
}

/// A column of a batch.
pub(super) struct Column<'a> {
    array: &'a ArrayRef,
    data_type: &'a DataType,
    values: Values<'a>,
    /// Digits after the second.
    precision: u8,
    zone: &'static str,
}

/// How the text of a value stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// As it is.
    Bare,
    /// In quotes, without anything to escape.
    Quoted,
    /// It is any text.
    Free,
}

impl<'a> Column<'a> {
    /// The column of `field` that `array` is.
    ///
    /// # Errors
    /// `Internal` when the array is not in the in-memory form of the type.
    pub(super) fn new(array: &'a ArrayRef, field: &'a DataField) -> Result<Self> {
        let data_type = &field.data_type;
        let (precision, zone) = match &data_type.root {
            TypeRoot::Timestamp(precision) => (*precision, ""),
            TypeRoot::TimestampLtz(precision) => (*precision, "Z"),
            _ => (0, ""),
        };
        let values = typed(array, &data_type.root, precision).ok_or_else(|| {
            Error::internal(format!("column {}: an array of {} is no {data_type}", field.name, array.data_type()))
        })?;
        Ok(Self { array, data_type, values, precision, zone })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    /// How the text of the value at `row`, which is not null, stands in JSON.
    pub(super) fn text_form(&self, row: usize) -> TextForm {
        let finite = match &self.values {
            Values::Boolean(_) | Values::Int8(_) | Values::Int16(_) | Values::Int32(_) | Values::Int64(_) => true,
            Values::Nested => true,
            Values::Float(values) => values.value(row).is_finite(),
            Values::Double(values) => values.value(row).is_finite(),
            Values::Text(_) => return TextForm::Free,
            _ => false,
        };
        if finite { TextForm::Bare } else { TextForm::Quoted }
    }

    /// Whether its values are numbers, which people line up on the right.
    pub(super) fn is_number(field: &DataField) -> bool {
        matches!(
            field.data_type.root,
            TypeRoot::TinyInt
                | TypeRoot::SmallInt
                | TypeRoot::Int
                | TypeRoot::BigInt
                | TypeRoot::Float
                | TypeRoot::Double
                | TypeRoot::Decimal { .. }
        )
    }

    /// The text of the value at `row`, which is not null; JSON for a nested one.
    ///
    /// # Errors
    /// `Internal` when a nested value is not in the in-memory form of its type.
    pub(super) fn write_text(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        match &self.values {
            Values::Boolean(values) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
            Values::Int8(values) => whole(values.value(row).into(), out)?,
            Values::Int16(values) => whole(values.value(row).into(), out)?,
            Values::Int32(values) => whole(values.value(row).into(), out)?,
            Values::Int64(values) => whole(values.value(row), out)?,
            Values::Float(values) if values.value(row).is_finite() => {
                digits::float(values.value(row), out).map_err(failed)?;
            }
            Values::Float(values) => out.extend_from_slice(not_finite(values.value(row).into())),
            Values::Double(values) if values.value(row).is_finite() => {
                digits::double(values.value(row), out).map_err(failed)?;
            }
            Values::Double(values) => out.extend_from_slice(not_finite(values.value(row))),
            Values::Decimal(values, scale) => digits::decimal(values.value(row), *scale, out),
            Values::Text(values) => out.extend_from_slice(values.value(row).as_bytes()),
            Values::Bytes(values) => digits::hex(values.value(row), out),
            Values::Date(values) => digits::date(values.value(row).into(), out),
            Values::Time(values) => digits::clock(values.value(row).into(), 0, 3, out),
            Values::Millis(values) => self.timestamp(values.value(row), 0, out),
            Values::Micros(values) => {
                let micros = values.value(row);
                let nanos = i32::try_from(micros.rem_euclid(1000) * 1000).unwrap_or_default();
                self.timestamp(micros.div_euclid(1000), nanos, out);
            }
            Values::Wide(millis, nanos) => self.timestamp(millis.value(row), nanos.value(row), out),
            Values::Nested => {
                let value = datum_at(self.array, self.data_type, row)?;
                serde_json::to_writer(out, &to_json(value.as_ref(), self.data_type))
                    .map_err(|error| failed(error.into()))?;
            }
        }
        Ok(())
    }

    /// The JSON of the value at `row`, `null` when it is null.
    ///
    /// # Errors
    /// As [`Column::write_text`].
    pub(super) fn write_json(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        if let Values::Text(values) = &self.values {
            return serde_json::to_writer(out, values.value(row)).map_err(|error| failed(error.into()));
        }
        let quoted = self.text_form(row) == TextForm::Quoted;
        if quoted {
            out.push(b'"');
        }
        self.write_text(row, out)?;
        if quoted {
            out.push(b'"');
        }
        Ok(())
    }

    fn timestamp(&self, millis: i64, nanos_of_milli: i32, out: &mut Vec<u8>) {
        digits::timestamp(millis, nanos_of_milli, self.precision, out);
        out.extend_from_slice(self.zone.as_bytes());
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "writing a value to memory").with_source(error)
}

fn whole(value: i64, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, &value).map_err(|error| failed(error.into()))
}

fn not_finite(value: f64) -> &'static [u8] {
    if value.is_nan() {
        b"NaN"
    } else if value > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    }
}

/// The array as what the type wants; `None` when it is another.
fn typed<'a>(array: &'a ArrayRef, root: &TypeRoot, precision: u8) -> Option<Values<'a>> {
    Some(match root {
        TypeRoot::Boolean => Values::Boolean(array.as_boolean_opt()?),
        TypeRoot::TinyInt => Values::Int8(array.as_primitive_opt::<Int8Type>()?),
        TypeRoot::SmallInt => Values::Int16(array.as_primitive_opt::<Int16Type>()?),
        TypeRoot::Int => Values::Int32(array.as_primitive_opt::<Int32Type>()?),
        TypeRoot::BigInt => Values::Int64(array.as_primitive_opt::<Int64Type>()?),
        TypeRoot::Float => Values::Float(array.as_primitive_opt::<Float32Type>()?),
        TypeRoot::Double => Values::Double(array.as_primitive_opt::<Float64Type>()?),
        TypeRoot::Decimal { scale, .. } => Values::Decimal(array.as_primitive_opt::<Decimal128Type>()?, *scale),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => Values::Text(array.as_string_opt::<i32>()?),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => Values::Bytes(array.as_binary_opt::<i32>()?),
        TypeRoot::Date => Values::Date(array.as_primitive_opt::<Date32Type>()?),
        TypeRoot::Time(_) => Values::Time(array.as_primitive_opt::<Time32MillisecondType>()?),
        TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => match precision {
            0..=3 => Values::Millis(array.as_primitive_opt::<TimestampMillisecondType>()?),
            4..=6 => Values::Micros(array.as_primitive_opt::<TimestampMicrosecondType>()?),
            _ => {
                let [millis, nanos] = array.as_struct_opt()?.columns() else { return None };
                Values::Wide(millis.as_primitive_opt::<Int64Type>()?, nanos.as_primitive_opt::<Int32Type>()?)
            }
        },
        TypeRoot::Array(_) | TypeRoot::Map { .. } | TypeRoot::Multiset(_) | TypeRoot::Row(_) => Values::Nested,
        TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. } => return None,
    })
}
