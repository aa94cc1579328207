//! A value as indexes tell values apart, and its form at rest.
//!
//! Goes in: a column, or a literal of its type. Comes out: numbers, whose order is that of the values, or bytes. Integers, dates, times
//! and unscaled decimals are numbers as they are; a timestamp counts milliseconds up to precision 3 and microseconds beyond, so that of
//! precisions beyond 6 it is cut off; floating-point numbers are in the order of Java's `Float.compare`, with one NaN above all.
//! Answers to `BitmapTypeVisitor`, `KeyFactory` and `FastHash`.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, StringArray, StructArray};

use super::cursor::Cursor;
use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};
use crate::java_map::JavaKey;
use crate::murmur;

/// A timestamp of so many digits after the second counts in milliseconds, of more in microseconds.
const MILLIS_PRECISION_MAX: u8 = 3;
/// A timestamp of more digits than these is cut off.
const MICROS_PRECISION_MAX: u8 = 6;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value {
    Number(i64),
    Bytes(Vec<u8>),
}

/// A column of values.
#[derive(Clone, Debug)]
pub(super) enum Values {
    Numbers(Int64Array),
    Texts(StringArray),
    Bytes(BinaryArray),
}

/// How the values of a type are at rest, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueForm {
    Boolean,
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    /// 4 bytes length and the bytes.
    Bytes,
}

impl ValueForm {
    /// The form of the values of a type; `None` for types that no index has.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type.root {
            TypeRoot::Boolean => Self::Boolean,
            TypeRoot::TinyInt => Self::Byte,
            TypeRoot::SmallInt => Self::Short,
            TypeRoot::Int | TypeRoot::Date | TypeRoot::Time(_) => Self::Int,
            TypeRoot::BigInt | TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) | TypeRoot::Decimal { .. } => {
                Self::Long
            }
            TypeRoot::Float => Self::Float,
            TypeRoot::Double => Self::Double,
            TypeRoot::Char(_) | TypeRoot::VarChar(_) | TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => Self::Bytes,
            _ => return None,
        })
    }

    /// Bytes of any value at rest; at least.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Boolean | Self::Byte => 1,
            Self::Short => 2,
            Self::Int | Self::Float | Self::Bytes => 4,
            Self::Long | Self::Double => 8,
        }
    }

    /// Bytes of `value` at rest.
    pub(super) fn bytes_of(self, value: &Value) -> usize {
        match value {
            Value::Number(_) => self.width(),
            Value::Bytes(bytes) => self.width() + bytes.len(),
        }
    }

    /// A number as it is at rest: of floating-point numbers the bits.
    pub(super) fn bits(self, number: i64) -> i64 {
        match self {
            Self::Float => i64::from(turned_32(number as i32)),
            Self::Double => turned_64(number),
            _ => number,
        }
    }

    /// Appends a value.
    pub(super) fn push(self, bytes: &mut Vec<u8>, value: &Value) -> Result<()> {
        match value {
            Value::Number(number) => {
                let rest = self.bits(*number).to_be_bytes();
                bytes.extend_from_slice(rest.get(rest.len() - self.width()..).unwrap_or_default());
            }
            Value::Bytes(text) => {
                bytes.extend_from_slice(&super::int(text.len())?.to_be_bytes());
                bytes.extend_from_slice(text);
            }
        }
        Ok(())
    }

    /// The value at `cursor`.
    pub(super) fn read(self, cursor: &mut Cursor<'_>) -> Result<Value> {
        Ok(Value::Number(match self {
            Self::Boolean => i64::from(cursor.byte()? != 0),
            Self::Byte => i64::from(cursor.byte()?.cast_signed()),
            Self::Short => i64::from(i16::from_be_bytes(cursor.array()?)),
            Self::Int => i64::from(cursor.int()?),
            Self::Long => cursor.long()?,
            Self::Float => ordered_32(f32::from_bits(cursor.int()?.cast_unsigned())),
            Self::Double => ordered_64(f64::from_bits(cursor.long()?.cast_unsigned())),
            Self::Bytes => {
                let length = cursor.count(1)?;
                return Ok(Value::Bytes(cursor.take(length)?.to_vec()));
            }
        }))
    }

    /// The value with the hash code that it has in Java.
    pub(super) fn java_key(self, value: &Value) -> JavaValue<'_> {
        let long = |bits: i64| (bits ^ (bits.cast_unsigned() >> 32).cast_signed()) as i32;
        let hash_code = match value {
            Value::Bytes(bytes) => murmur::hash_bytes(bytes),
            Value::Number(number) => match self {
                Self::Boolean if *number == 0 => 1237,
                Self::Boolean => 1231,
                Self::Long | Self::Double => long(self.bits(*number)),
                _ => self.bits(*number) as i32,
            },
        };
        JavaValue { value, hash_code }
    }
}

/// A value that knows its `hashCode()`.
#[derive(Clone, Copy, Debug)]
pub(super) struct JavaValue<'a> {
    value: &'a Value,
    hash_code: i32,
}

impl JavaKey for JavaValue<'_> {
    fn hash_code(&self) -> i32 {
        self.hash_code
    }

    fn equals(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A float's place in the order of `Float.compare`.
fn ordered_32(value: f32) -> i64 {
    let bits = if value.is_nan() { f32::NAN } else { value }.to_bits().cast_signed();
    i64::from(turned_32(bits))
}

/// A double's place in the order of `Double.compare`.
fn ordered_64(value: f64) -> i64 {
    turned_64(if value.is_nan() { f64::NAN } else { value }.to_bits().cast_signed())
}

/// From bits to places in the order, and back.
fn turned_32(bits: i32) -> i32 {
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}

fn turned_64(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

impl Values {
    /// The values of a column of `data_type`, in its in-memory form.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a decimal that 64 bits do not hold; [`crate::ErrorKind::Internal`] when the array is not of the type.
    pub(super) fn of(array: &ArrayRef, data_type: &DataType) -> Result<Self> {
        let values = match data_type.root {
            TypeRoot::Boolean => array.as_boolean_opt().map(|values| {
                Int64Array::new(values.values().iter().map(i64::from).collect(), values.nulls().cloned())
            }),
            TypeRoot::TinyInt => numbers::<Int8Type>(array, i64::from),
            TypeRoot::SmallInt => numbers::<Int16Type>(array, i64::from),
            TypeRoot::Int => numbers::<Int32Type>(array, i64::from),
            TypeRoot::BigInt => array.as_primitive_opt::<Int64Type>().cloned(),
            TypeRoot::Date => numbers::<Date32Type>(array, i64::from),
            TypeRoot::Time(_) => numbers::<Time32MillisecondType>(array, i64::from),
            TypeRoot::Float => numbers::<Float32Type>(array, ordered_32),
            TypeRoot::Double => numbers::<Float64Type>(array, ordered_64),
            TypeRoot::Decimal { .. } => array.as_primitive_opt::<Decimal128Type>().map(unscaled).transpose()?,
            TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => match precision {
                ..=MILLIS_PRECISION_MAX => numbers::<TimestampMillisecondType>(array, |value| value),
                4..=MICROS_PRECISION_MAX => numbers::<TimestampMicrosecondType>(array, |value| value),
                _ => array.as_struct_opt().and_then(micros_of_wide),
            },
            TypeRoot::Char(_) | TypeRoot::VarChar(_) => {
                return array
                    .as_string_opt::<i32>()
                    .cloned()
                    .map(Self::Texts)
                    .ok_or_else(|| mismatch(array, data_type));
            }
            TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
                return array
                    .as_binary_opt::<i32>()
                    .cloned()
                    .map(Self::Bytes)
                    .ok_or_else(|| mismatch(array, data_type));
            }
            _ => None,
        };
        values.map(Self::Numbers).ok_or_else(|| mismatch(array, data_type))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// Those at `places`, null where there is none.
    pub(super) fn at(&self, places: &[Option<usize>]) -> Self {
        match self {
            Self::Numbers(values) => Self::Numbers(
                places.iter().map(|place| place.filter(|at| values.is_valid(*at)).map(|at| values.value(at))).collect(),
            ),
            Self::Texts(values) => Self::Texts(
                places.iter().map(|place| place.filter(|at| values.is_valid(*at)).map(|at| values.value(at))).collect(),
            ),
            Self::Bytes(values) => Self::Bytes(
                places.iter().map(|place| place.filter(|at| values.is_valid(*at)).map(|at| values.value(at))).collect(),
            ),
        }
    }
}

fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef, number: impl Fn(T::Native) -> i64) -> Option<Int64Array> {
    array.as_primitive_opt::<T>().map(|values| values.unary(number))
}

fn unscaled(values: &arrow_array::Decimal128Array) -> Result<Int64Array> {
    values.try_unary(|value| {
        i64::try_from(value).map_err(|_| {
            Error::invalid(format!(
                "the decimal of the digits {value} is too large for a file index, which holds 64 bits"
            ))
        })
    })
}

fn micros_of_wide(parts: &StructArray) -> Option<Int64Array> {
    let millis = parts.columns().first()?.as_primitive_opt::<Int64Type>()?;
    let nanos = parts.columns().get(1)?.as_primitive_opt::<Int32Type>()?;
    let micros = millis.values().iter().zip(nanos.values()).map(|(millis, nanos)| micros(*millis, *nanos));
    Some(Int64Array::new(micros.collect(), parts.nulls().cloned()))
}

fn micros(millis: i64, nanos_of_milli: i32) -> i64 {
    millis.wrapping_mul(1000).wrapping_add(i64::from(nanos_of_milli / 1000))
}

fn mismatch(array: &ArrayRef, data_type: &DataType) -> Error {
    Error::internal(format!("a file index over {data_type} was given an array of {}", array.data_type()))
}

/// A literal as an index knows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Probe {
    pub(super) value: Value,
    /// Whether the rows of the value are those that are equal to the literal, and no others.
    pub(super) exact: bool,
}

impl Probe {
    /// A literal that is compared with a column of `data_type`; `None` when it is of another type, or has no place in an index.
    pub(super) fn of(literal: &Datum, data_type: &DataType) -> Option<Self> {
        let number = |number: i64| Some(Self { value: Value::Number(number), exact: true });
        match (literal, &data_type.root) {
            (Datum::Boolean(value), TypeRoot::Boolean) => number(i64::from(*value)),
            (Datum::TinyInt(value), TypeRoot::TinyInt) => number(i64::from(*value)),
            (Datum::SmallInt(value), TypeRoot::SmallInt) => number(i64::from(*value)),
            (Datum::Int(value), TypeRoot::Int)
            | (Datum::Date(value), TypeRoot::Date)
            | (Datum::Time(value), TypeRoot::Time(_)) => number(i64::from(*value)),
            (Datum::BigInt(value), TypeRoot::BigInt) => number(*value),
            (Datum::Float(value), TypeRoot::Float) => number(ordered_32(*value)),
            (Datum::Double(value), TypeRoot::Double) => number(ordered_64(*value)),
            (Datum::Decimal(value), TypeRoot::Decimal { .. }) => number(i64::try_from(*value).ok()?),
            (
                Datum::Timestamp { millis, nanos_of_milli },
                TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision),
            ) => timestamp(*millis, *nanos_of_milli, *precision),
            (Datum::String(text), TypeRoot::Char(_) | TypeRoot::VarChar(_)) => {
                Some(Self { value: Value::Bytes(text.as_bytes().to_vec()), exact: true })
            }
            (Datum::Bytes(bytes), TypeRoot::Binary(_) | TypeRoot::VarBinary(_)) => {
                Some(Self { value: Value::Bytes(bytes.clone()), exact: true })
            }
            _ => None,
        }
    }
}

fn timestamp(millis: i64, nanos_of_milli: i32, precision: u8) -> Option<Probe> {
    let (number, exact) = match precision {
        ..=MILLIS_PRECISION_MAX => (millis, nanos_of_milli == 0),
        _ => {
            let micros = millis.checked_mul(1000)?.checked_add(i64::from(nanos_of_milli / 1000))?;
            (micros, nanos_of_milli % 1000 == 0 && precision <= MICROS_PRECISION_MAX)
        }
    };
    Some(Probe { value: Value::Number(number), exact })
}

/// Whether an index over a column of this type cuts values off.
pub(super) fn is_cut_off(data_type: &DataType) -> bool {
    matches!(data_type.root, TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) if precision > MICROS_PRECISION_MAX)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn floats_are_in_the_order_of_java() {
        let floats =
            [f32::NEG_INFINITY, -1.5, -f32::MIN_POSITIVE, -0.0, 0.0, f32::MIN_POSITIVE, 2.0, f32::INFINITY, -f32::NAN];
        let places: Vec<i64> = floats.iter().map(|float| ordered_32(*float)).collect();
        assert!(places.is_sorted_by(|left, right| left.cmp(right) == Ordering::Less), "{places:?}");
        let doubles: Vec<i64> = floats.iter().map(|float| ordered_64(f64::from(*float))).collect();
        assert!(doubles.is_sorted_by(|left, right| left.cmp(right) == Ordering::Less), "{doubles:?}");
        for (float, place) in floats.iter().zip(&places).take(8) {
            assert_eq!(ValueForm::Float.bits(*place), i64::from(float.to_bits().cast_signed()));
        }
    }

    #[test]
    fn values_are_taken_by_place() {
        let column: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]));
        let values = Values::of(&column, &DataType::nullable(TypeRoot::VarChar(9))).unwrap();
        let Values::Texts(taken) = values.at(&[Some(2), None, Some(1), Some(0)]) else { panic!() };
        assert_eq!(taken, StringArray::from(vec![Some("c"), None, None, Some("a")]));
    }
}
