//! One value of an Arrow column.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef};

use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};

/// The value of `array`, a column of `data_type`, at `row`; `None` is null.
///
/// # Errors
/// `Internal` when the array is not of the type; `Invalid` when there is no such row.
pub fn datum_at(array: &dyn Array, data_type: &DataType, row: usize) -> Result<Option<Datum>> {
    if row >= array.len() {
        return Err(Error::invalid(format!("row {row} of {} rows", array.len())));
    }
    if array.is_null(row) {
        return Ok(None);
    }
    let value = atom(array, &data_type.root, row)
        .map_or_else(|| nested(array, &data_type.root, row), |value| Ok(Some(value)))?;
    value
        .map(Some)
        .ok_or_else(|| Error::internal(format!("an array of {} is no column of {data_type}", array.data_type())))
}

fn atom(array: &dyn Array, root: &TypeRoot, row: usize) -> Option<Datum> {
    Some(match root {
        TypeRoot::Boolean => Datum::Boolean(array.as_boolean_opt()?.value(row)),
        TypeRoot::TinyInt => Datum::TinyInt(array.as_primitive_opt::<Int8Type>()?.value(row)),
        TypeRoot::SmallInt => Datum::SmallInt(array.as_primitive_opt::<Int16Type>()?.value(row)),
        TypeRoot::Int => Datum::Int(array.as_primitive_opt::<Int32Type>()?.value(row)),
        TypeRoot::BigInt => Datum::BigInt(array.as_primitive_opt::<Int64Type>()?.value(row)),
        TypeRoot::Float => Datum::Float(array.as_primitive_opt::<Float32Type>()?.value(row)),
        TypeRoot::Double => Datum::Double(array.as_primitive_opt::<Float64Type>()?.value(row)),
        TypeRoot::Decimal { .. } => Datum::Decimal(array.as_primitive_opt::<Decimal128Type>()?.value(row)),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => Datum::String(array.as_string_opt::<i32>()?.value(row).to_owned()),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => Datum::Bytes(array.as_binary_opt::<i32>()?.value(row).to_vec()),
        TypeRoot::Date => Datum::Date(array.as_primitive_opt::<Date32Type>()?.value(row)),
        TypeRoot::Time(_) => Datum::Time(array.as_primitive_opt::<Time32MillisecondType>()?.value(row)),
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => timestamp(array, *precision, row)?,
        _ => return None,
    })
}

fn timestamp(array: &dyn Array, precision: u8, row: usize) -> Option<Datum> {
    Some(match precision {
        0..=3 => Datum::Timestamp {
            millis: array.as_primitive_opt::<TimestampMillisecondType>()?.value(row),
            nanos_of_milli: 0,
        },
        4..=6 => {
            let micros = array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row);
            let nanos = micros.rem_euclid(1000) * 1000;
            Datum::Timestamp { millis: micros.div_euclid(1000), nanos_of_milli: i32::try_from(nanos).unwrap_or(0) }
        }
        _ => {
            let parts = array.as_struct_opt()?;
            Datum::Timestamp {
                millis: parts.columns().first()?.as_primitive_opt::<Int64Type>()?.value(row),
                nanos_of_milli: parts.columns().get(1)?.as_primitive_opt::<Int32Type>()?.value(row),
            }
        }
    })
}

fn nested(array: &dyn Array, root: &TypeRoot, row: usize) -> Result<Option<Datum>> {
    Ok(match root {
        TypeRoot::Array(element) => match array.as_list_opt::<i32>() {
            Some(list) => Some(Datum::Array(all(&list.value(row), element)?)),
            None => None,
        },
        TypeRoot::Map { key, value } => pairs(array, key, value, row)?,
        TypeRoot::Multiset(element) => pairs(array, element, &DataType::not_null(TypeRoot::Int), row)?,
        TypeRoot::Row(fields) => match array.as_struct_opt() {
            Some(parts) if parts.num_columns() == fields.len() => {
                let values =
                    fields.iter().zip(parts.columns()).map(|(field, column)| datum_at(column, &field.data_type, row));
                Some(Datum::Row(values.collect::<Result<_>>()?))
            }
            _ => None,
        },
        _ => None,
    })
}

fn all(array: &ArrayRef, data_type: &DataType) -> Result<Vec<Option<Datum>>> {
    (0..array.len()).map(|row| datum_at(array, data_type, row)).collect()
}

fn pairs(array: &dyn Array, key: &DataType, value: &DataType, row: usize) -> Result<Option<Datum>> {
    let Some(map) = array.as_map_opt() else { return Ok(None) };
    let entries = map.value(row);
    let [keys, values] = entries.columns() else { return Ok(None) };
    Ok(Some(Datum::Map(all(keys, key)?.into_iter().zip(all(values, value)?).collect())))
}
