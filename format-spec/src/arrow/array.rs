//! Values to an Arrow column.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    ListArray, MapArray, StructArray, Time32MillisecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as ArrowType, FieldRef};

use super::{UTC, to_arrow_type, wide_timestamp_fields};
use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};

fn wrong(data_type: &DataType, value: &Datum) -> Error {
    Error::invalid(format!("{value:?} is no {data_type}"))
}

/// The values that `pick` finds; an error for one it does not.
fn picked<'a, T>(
    data_type: &DataType,
    values: &'a [Option<Datum>],
    pick: impl Fn(&'a Datum) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    values
        .iter()
        .map(|value| value.as_ref().map(|value| pick(value).ok_or_else(|| wrong(data_type, value))).transpose())
        .collect()
}

macro_rules! primitive {
    ($array:ty, $variant:ident, $data_type:expr, $values:expr) => {{
        let values = picked($data_type, $values, |value| match value {
            Datum::$variant(value) => Some(*value),
            _ => None,
        })?;
        Arc::new(<$array>::from(values))
    }};
}

/// The column of `data_type` that holds `values`.
///
/// # Errors
/// `Invalid` when a value is not of the type.
pub fn array_from_datums(data_type: &DataType, values: &[Option<Datum>]) -> Result<ArrayRef> {
    Ok(match &data_type.root {
        TypeRoot::Boolean => {
            let values =
                picked(data_type, values, |value| if let Datum::Boolean(value) = value { Some(*value) } else { None })?;
            let mut builder = BooleanBuilder::with_capacity(values.len());
            values.into_iter().for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        TypeRoot::TinyInt => primitive!(Int8Array, TinyInt, data_type, values),
        TypeRoot::SmallInt => primitive!(Int16Array, SmallInt, data_type, values),
        TypeRoot::Int => primitive!(Int32Array, Int, data_type, values),
        TypeRoot::BigInt => primitive!(Int64Array, BigInt, data_type, values),
        TypeRoot::Float => primitive!(Float32Array, Float, data_type, values),
        TypeRoot::Double => primitive!(Float64Array, Double, data_type, values),
        TypeRoot::Date => primitive!(Date32Array, Date, data_type, values),
        TypeRoot::Time(_) => primitive!(Time32MillisecondArray, Time, data_type, values),
        TypeRoot::Decimal { precision, scale } => {
            let values =
                picked(data_type, values, |value| if let Datum::Decimal(value) = value { Some(*value) } else { None })?;
            let array = Decimal128Array::from(values).with_precision_and_scale(*precision, scale.cast_signed());
            Arc::new(array.map_err(|error| Error::invalid(error.to_string()))?)
        }
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => {
            let values =
                picked(data_type, values, |value| if let Datum::String(text) = value { Some(text) } else { None })?;
            let mut builder = StringBuilder::with_capacity(values.len(), 0);
            values.into_iter().for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
            let values =
                picked(data_type, values, |value| if let Datum::Bytes(bytes) = value { Some(bytes) } else { None })?;
            let mut builder = BinaryBuilder::with_capacity(values.len(), 0);
            values.into_iter().for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        TypeRoot::Timestamp(precision) => timestamps(data_type, *precision, values)?,
        TypeRoot::TimestampLtz(precision) => timestamps(data_type, *precision, values)?,
        TypeRoot::Array(element) => lists(data_type, element, values)?,
        TypeRoot::Map { key, value } => maps(data_type, key, value, values)?,
        TypeRoot::Multiset(element) => maps(data_type, element, &DataType::not_null(TypeRoot::Int), values)?,
        TypeRoot::Row(_) => rows(data_type, values)?,
        root @ (TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. }) => return Err(Error::unsupported(root)),
    })
}

fn timestamps(data_type: &DataType, precision: u8, values: &[Option<Datum>]) -> Result<ArrayRef> {
    let parts = picked(data_type, values, |value| match value {
        Datum::Timestamp { millis, nanos_of_milli } => Some((*millis, *nanos_of_milli)),
        _ => None,
    })?;
    let zone = matches!(data_type.root, TypeRoot::TimestampLtz(_)).then_some(UTC);
    Ok(match precision {
        0..=3 => {
            let millis = parts.iter().map(|part| part.map(|(millis, _)| millis));
            Arc::new(TimestampMillisecondArray::from_iter(millis).with_timezone_opt(zone))
        }
        4..=6 => {
            let micros = |(millis, nanos): (i64, i32)| {
                millis.checked_mul(1000).and_then(|micros| micros.checked_add(i64::from(nanos / 1000)))
            };
            let micros = parts
                .iter()
                .map(|part| {
                    part.map(|part| micros(part).ok_or_else(|| Error::invalid("a timestamp is out of range")))
                        .transpose()
                })
                .collect::<Result<Vec<_>>>()?;
            Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone_opt(zone))
        }
        _ => {
            let millis = Int64Array::from_iter_values(parts.iter().map(|part| part.map_or(0, |(millis, _)| millis)));
            let nanos = Int32Array::from_iter_values(parts.iter().map(|part| part.map_or(0, |(_, nanos)| nanos)));
            let nulls = nulls(values);
            let columns: Vec<ArrayRef> = vec![Arc::new(millis), Arc::new(nanos)];
            let array = StructArray::try_new(wide_timestamp_fields(), columns, nulls);
            Arc::new(array.map_err(|error| Error::internal(error.to_string()))?)
        }
    })
}

fn nulls<T>(values: &[Option<T>]) -> Option<NullBuffer> {
    values.iter().any(Option::is_none).then(|| NullBuffer::from_iter(values.iter().map(Option::is_some)))
}

fn arrow_failed(error: arrow_schema::ArrowError) -> Error {
    Error::invalid(error.to_string())
}

fn lists(data_type: &DataType, element: &DataType, values: &[Option<Datum>]) -> Result<ArrayRef> {
    let lists = picked(data_type, values, |value| if let Datum::Array(items) = value { Some(items) } else { None })?;
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|items| items.map_or(0, Vec::len)));
    let items: Vec<Option<Datum>> = lists.iter().flatten().flat_map(|items| items.iter().cloned()).collect();
    let ArrowType::List(field) = to_arrow_type(data_type)? else {
        return Err(Error::internal("an ARRAY is a List"));
    };
    let array = ListArray::try_new(field, offsets, array_from_datums(element, &items)?, nulls(&lists));
    Ok(Arc::new(array.map_err(arrow_failed)?))
}

fn maps(data_type: &DataType, key: &DataType, value: &DataType, values: &[Option<Datum>]) -> Result<ArrayRef> {
    let maps = picked(data_type, values, |value| if let Datum::Map(pairs) = value { Some(pairs) } else { None })?;
    let offsets = OffsetBuffer::from_lengths(maps.iter().map(|pairs| pairs.map_or(0, Vec::len)));
    let (keys, items): (Vec<Option<Datum>>, Vec<Option<Datum>>) =
        maps.iter().flatten().flat_map(|pairs| pairs.iter().cloned()).unzip();
    let columns = vec![array_from_datums(key, &keys)?, array_from_datums(value, &items)?];
    let ArrowType::Map(field, sorted) = to_arrow_type(data_type)? else {
        return Err(Error::internal("a MAP is a Map"));
    };
    let entries = StructArray::try_new(entry_fields(&field)?, columns, None).map_err(arrow_failed)?;
    let array = MapArray::try_new(field, offsets, entries, nulls(&maps), sorted);
    Ok(Arc::new(array.map_err(arrow_failed)?))
}

fn entry_fields(field: &FieldRef) -> Result<arrow_schema::Fields> {
    match field.data_type() {
        ArrowType::Struct(fields) => Ok(fields.clone()),
        _ => Err(Error::internal("the entries of a Map are a Struct")),
    }
}

fn rows(data_type: &DataType, values: &[Option<Datum>]) -> Result<ArrayRef> {
    let TypeRoot::Row(fields) = &data_type.root else {
        return Err(Error::internal("a ROW has fields"));
    };
    let rows = picked(data_type, values, |value| match value {
        Datum::Row(items) if items.len() == fields.len() => Some(items),
        _ => None,
    })?;
    let mut columns = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let column: Vec<Option<Datum>> =
            rows.iter().map(|row| row.and_then(|items| items.get(index).cloned().flatten())).collect();
        columns.push(column_of_row(&field.data_type, &column, &rows)?);
    }
    let ArrowType::Struct(arrow_fields) = to_arrow_type(data_type)? else {
        return Err(Error::internal("a ROW is a Struct"));
    };
    let nulls = nulls(&rows);
    let array = StructArray::try_new_with_length(arrow_fields, columns, nulls, values.len());
    Ok(Arc::new(array.map_err(arrow_failed)?))
}

/// A field's values; null rows leave a null in it, which Arrow allows under a null parent.
fn column_of_row<T>(data_type: &DataType, values: &[Option<Datum>], rows: &[Option<T>]) -> Result<ArrayRef> {
    let missing = values.iter().zip(rows).any(|(value, row)| value.is_none() && row.is_some());
    if missing && !data_type.nullable {
        return Err(Error::invalid(format!("null in a field of {data_type}")));
    }
    array_from_datums(data_type, values)
}
