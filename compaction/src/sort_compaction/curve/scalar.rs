//! Columns as the numbers and bytes that curves are made of.

use alluvium_format::{DataField, Error, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray};

const MICROS_OF_MILLI: i64 = 1000;

/// The values of a column; what is at nulls means nothing.
pub(super) enum Scalars<'a> {
    /// True or false.
    Booleans(&'a BooleanArray),
    /// A byte each.
    Tiny(&'a PrimitiveArray<Int8Type>),
    /// Whole numbers, days, and milliseconds of times and timestamps.
    Longs(Vec<i64>),
    /// The bits of the double of the same value; there is one NaN.
    Doubles(Vec<i64>),
    /// Unscaled values, and their scale.
    Decimals(&'a PrimitiveArray<Decimal128Type>, u32),
    /// Texts and bytes.
    Bytes(Vec<&'a [u8]>),
}

impl<'a> Scalars<'a> {
    /// Those of a column of this field.
    ///
    /// # Errors
    /// `Internal` when the column is not of the field's type, or the type is nested.
    pub(super) fn of(field: &DataField, column: &'a ArrayRef) -> Result<Self> {
        let wrong = || Error::internal(format!("the column {} is not of its type", field.name));
        Ok(match &field.data_type.root {
            TypeRoot::Boolean => Self::Booleans(column.as_boolean_opt().ok_or_else(wrong)?),
            TypeRoot::TinyInt => Self::Tiny(primitive(column).ok_or_else(wrong)?),
            TypeRoot::SmallInt => Self::Longs(longs::<Int16Type>(column).ok_or_else(wrong)?),
            TypeRoot::Int => Self::Longs(longs::<Int32Type>(column).ok_or_else(wrong)?),
            TypeRoot::BigInt => Self::Longs(longs::<Int64Type>(column).ok_or_else(wrong)?),
            TypeRoot::Date => Self::Longs(longs::<Date32Type>(column).ok_or_else(wrong)?),
            TypeRoot::Time(_) => Self::Longs(longs::<Time32MillisecondType>(column).ok_or_else(wrong)?),
            TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => Self::Longs(millis(column).ok_or_else(wrong)?),
            TypeRoot::Float => Self::Doubles(doubles::<Float32Type>(column).ok_or_else(wrong)?),
            TypeRoot::Double => Self::Doubles(doubles::<Float64Type>(column).ok_or_else(wrong)?),
            TypeRoot::Decimal { scale, .. } => Self::Decimals(primitive(column).ok_or_else(wrong)?, u32::from(*scale)),
            TypeRoot::Char(_) | TypeRoot::VarChar(_) => {
                let texts = column.as_string_opt::<i32>().ok_or_else(wrong)?;
                Self::Bytes((0..texts.len()).map(|row| texts.value(row).as_bytes()).collect())
            }
            TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
                let bytes = column.as_binary_opt::<i32>().ok_or_else(wrong)?;
                Self::Bytes((0..bytes.len()).map(|row| bytes.value(row)).collect())
            }
            _ => return Err(wrong()),
        })
    }
}

fn primitive<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<&PrimitiveArray<T>> {
    column.as_primitive_opt()
}

fn longs<T: ArrowPrimitiveType<Native: Into<i64>>>(column: &ArrayRef) -> Option<Vec<i64>> {
    Some(primitive::<T>(column)?.values().iter().map(|value| (*value).into()).collect())
}

fn doubles<T: ArrowPrimitiveType<Native: Into<f64>>>(column: &ArrayRef) -> Option<Vec<i64>> {
    let bits = |value: f64| if value.is_nan() { f64::NAN } else { value }.to_bits().cast_signed();
    Some(primitive::<T>(column)?.values().iter().map(|value| bits((*value).into())).collect())
}

/// Milliseconds since 1970 of timestamps of any precision.
fn millis(column: &ArrayRef) -> Option<Vec<i64>> {
    if let Some(millis) = longs::<TimestampMillisecondType>(column) {
        return Some(millis);
    }
    if let Some(micros) = longs::<TimestampMicrosecondType>(column) {
        return Some(micros.into_iter().map(|micros| micros.div_euclid(MICROS_OF_MILLI)).collect());
    }
    longs::<Int64Type>(column.as_struct_opt()?.columns().first()?)
}
