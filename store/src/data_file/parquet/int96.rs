//! Timestamps finer than microseconds as Parquet's INT96, and back.
//!
//! Goes in: a column in its in-memory form, where such a timestamp is a struct of milliseconds and nanoseconds within the
//! millisecond. Comes out: the same column with 12 bytes in each one's place: 8 bytes little-endian nanoseconds of the day, 4 bytes
//! little-endian Julian day. PLAIN and dictionary pages of INT96 hold the same bytes as those of FIXED_LEN_BYTE_ARRAY(12), which is
//! how the `parquet` crate reads and writes them here. Invariant: nanoseconds of the day are never negative when written; Java
//! writes negative ones before 1970, which are read right too. Answers to `ParquetRowDataWriter.Timestamp96Writer` and
//! `ParquetTimestampVector`.

use std::sync::Arc;

use alluvium_format::arrow::{to_arrow_type, wide_timestamp_fields};
use alluvium_format::{DataType, Error, ErrorKind, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, Int32Array, Int64Array, ListArray, MapArray, StructArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType as ArrowType, Field, FieldRef, Fields};

/// Bytes of an INT96.
pub(in crate::data_file) const INT96_BYTES: i32 = 12;

/// The highest precision of a TIMESTAMP that is an INT64 in Parquet.
const INT64_PRECISION_MAX: u8 = 6;
/// The Julian day of 1970-01-01.
const JULIAN_DAY_OF_1970: i64 = 2_440_588;
const MILLIS_OF_DAY: i64 = 86_400_000;
const NANOS_OF_MILLI: i64 = 1_000_000;

/// Which way a column goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToStored,
    ToMemory,
}

/// Whether values of the type are INT96 in Parquet.
pub(in crate::data_file) fn is_int96(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) if *precision > INT64_PRECISION_MAX)
}

/// Whether the type is, or holds, one whose values are INT96.
pub(in crate::data_file) fn has_int96(data_type: &DataType) -> bool {
    match &data_type.root {
        TypeRoot::Array(element) | TypeRoot::Multiset(element) => has_int96(element),
        TypeRoot::Map { key, value } => has_int96(key) || has_int96(value),
        TypeRoot::Row(fields) => fields.iter().any(|field| has_int96(&field.data_type)),
        root => is_int96(root),
    }
}

/// The Arrow type of a column with 12 bytes for each INT96.
///
/// # Errors
/// `Unsupported` for VARIANT, BLOB and VECTOR.
pub(in crate::data_file) fn stored_type(data_type: &DataType) -> Result<ArrowType> {
    let memory = to_arrow_type(data_type)?;
    let wrong = || Error::internal(format!("{data_type} has no such Arrow type"));
    Ok(match (&data_type.root, memory) {
        (root, _) if is_int96(root) => ArrowType::FixedSizeBinary(INT96_BYTES),
        (TypeRoot::Array(element), ArrowType::List(field)) => ArrowType::List(stored_field(&field, element)?),
        (TypeRoot::Row(fields), ArrowType::Struct(arrow)) => {
            let pairs = arrow.iter().zip(fields);
            ArrowType::Struct(pairs.map(|(arrow, field)| stored_field(arrow, &field.data_type)).collect::<Result<_>>()?)
        }
        (root, ArrowType::Map(entries, sorted)) => {
            let (ArrowType::Struct(fields), Some(types)) = (entries.data_type(), entry_types(root)) else {
                return Err(wrong());
            };
            let fields = fields.iter().zip(&types).map(|(arrow, data_type)| stored_field(arrow, data_type));
            let entries = entries.as_ref().clone().with_data_type(ArrowType::Struct(fields.collect::<Result<_>>()?));
            ArrowType::Map(Arc::new(entries), sorted)
        }
        (_, memory) => memory,
    })
}

fn stored_field(field: &Field, data_type: &DataType) -> Result<FieldRef> {
    Ok(Arc::new(field.clone().with_data_type(stored_type(data_type)?)))
}

/// The types of keys and values of a MAP or MULTISET.
fn entry_types(root: &TypeRoot) -> Option<[DataType; 2]> {
    match root {
        TypeRoot::Map { key, value } => Some([key.with_nullable(false), value.as_ref().clone()]),
        TypeRoot::Multiset(element) => Some([element.with_nullable(false), DataType::not_null(TypeRoot::Int)]),
        _ => None,
    }
}

/// A column in memory with 12 bytes for each INT96; the column itself when its type has none.
///
/// # Errors
/// `Invalid` for a timestamp beyond the days that an INT96 holds; `Internal` when the array is not of the type.
pub(in crate::data_file) fn to_stored(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    convert(array, data_type, Direction::ToStored)
}

/// A column with 12 bytes for each INT96 as it is in memory; the column itself when its type has none.
///
/// # Errors
/// `Internal` when the array is not of the type.
pub(in crate::data_file) fn to_memory(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    convert(array, data_type, Direction::ToMemory)
}

fn convert(array: &ArrayRef, data_type: &DataType, direction: Direction) -> Result<ArrayRef> {
    if !has_int96(data_type) {
        return Ok(Arc::clone(array));
    }
    let wrong = || Error::internal(format!("an array of {} is no column of {data_type}", array.data_type()));
    match &data_type.root {
        TypeRoot::Array(element) => {
            let list = array.as_list_opt::<i32>().ok_or_else(wrong)?;
            let (offsets, values) = trimmed(list.offsets(), list.values());
            let values = convert(&values, element, direction)?;
            let field = Field::new(LIST_ELEMENT, values.data_type().clone(), element.nullable);
            let list = ListArray::try_new(Arc::new(field), offsets, values, list.nulls().cloned());
            Ok(Arc::new(list.map_err(refused)?))
        }
        TypeRoot::Row(fields) => {
            let parts = array.as_struct_opt().ok_or_else(wrong)?;
            let types: Vec<&DataType> = fields.iter().map(|field| &field.data_type).collect();
            Ok(Arc::new(convert_struct(parts, &types, direction)?))
        }
        root if is_int96(root) => match direction {
            Direction::ToStored => encode(array.as_struct_opt().ok_or_else(wrong)?),
            Direction::ToMemory => decode(array.as_fixed_size_binary_opt().ok_or_else(wrong)?),
        },
        root => {
            let types = entry_types(root).ok_or_else(wrong)?;
            let (field, offsets, entries, nulls, sorted) = array.as_map_opt().ok_or_else(wrong)?.clone().into_parts();
            let (offsets, entries) = trimmed(&offsets, &(Arc::new(entries) as ArrayRef));
            let entries = convert_struct(entries.as_struct_opt().ok_or_else(wrong)?, &types.each_ref(), direction)?;
            let field = field.as_ref().clone().with_data_type(entries.data_type().clone());
            let map = MapArray::try_new(Arc::new(field), offsets, entries, nulls, sorted);
            Ok(Arc::new(map.map_err(refused)?))
        }
    }
}

/// The values that the offsets speak of, and offsets from 0: a slice of a list shares all values of the whole.
pub(in crate::data_file) fn trimmed(offsets: &OffsetBuffer<i32>, values: &ArrayRef) -> (OffsetBuffer<i32>, ArrayRef) {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    let at = |offset: i32| usize::try_from(offset).unwrap_or(0);
    if first == 0 && at(last) == values.len() {
        return (offsets.clone(), Arc::clone(values));
    }
    let rebased: Vec<i32> = offsets.iter().map(|offset| offset - first).collect();
    (OffsetBuffer::new(ScalarBuffer::from(rebased)), values.slice(at(first), at(last) - at(first)))
}

/// The name of a list's element.
const LIST_ELEMENT: &str = "element";

fn convert_struct(parts: &StructArray, types: &[&DataType], direction: Direction) -> Result<StructArray> {
    if parts.num_columns() != types.len() {
        return Err(Error::internal(format!("a struct of {} columns for {} fields", parts.num_columns(), types.len())));
    }
    let columns = parts.columns().iter().zip(types).map(|(column, data_type)| convert(column, data_type, direction));
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let fields = parts.fields().iter().zip(&columns);
    let fields: Fields =
        fields.map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone())).collect();
    StructArray::try_new_with_length(fields, columns, parts.nulls().cloned(), parts.len()).map_err(refused)
}

fn refused(error: ArrowError) -> Error {
    Error::internal("a nested column could not be put together again").with_source(error)
}

fn encode(parts: &StructArray) -> Result<ArrayRef> {
    let [millis, nanos] = parts.columns() else {
        return Err(Error::internal("a wide timestamp has two parts"));
    };
    let (Some(millis), Some(nanos)) = (millis.as_primitive_opt::<Int64Type>(), nanos.as_primitive_opt::<Int32Type>())
    else {
        return Err(Error::internal("the parts of a wide timestamp are Int64 and Int32"));
    };
    let mut bytes = Vec::with_capacity(parts.len() * 12);
    for (row, (millis, nanos)) in millis.values().iter().zip(nanos.values()).enumerate() {
        // Whatever lies under a null is never written.
        let (millis, nanos) = if parts.is_null(row) { (0, 0) } else { (*millis, *nanos) };
        let day = millis.div_euclid(MILLIS_OF_DAY) + JULIAN_DAY_OF_1970;
        let day = i32::try_from(day).map_err(|_| {
            Error::invalid(format!("the timestamp of {millis} milliseconds since 1970 is beyond what Parquet can hold"))
        })?;
        let nanos_of_day = millis.rem_euclid(MILLIS_OF_DAY) * NANOS_OF_MILLI + i64::from(nanos);
        bytes.extend_from_slice(&nanos_of_day.to_le_bytes());
        bytes.extend_from_slice(&day.to_le_bytes());
    }
    let array = FixedSizeBinaryArray::try_new(INT96_BYTES, Buffer::from_vec(bytes), parts.nulls().cloned());
    Ok(Arc::new(array.map_err(refused)?))
}

fn decode(stored: &FixedSizeBinaryArray) -> Result<ArrayRef> {
    let wrong = || Error::new(ErrorKind::Corrupt, format!("an INT96 of {} bytes", stored.value_length()));
    let mut millis = Vec::with_capacity(stored.len());
    let mut nanos = Vec::with_capacity(stored.len());
    for row in 0..stored.len() {
        if stored.is_null(row) {
            millis.push(0);
            nanos.push(0);
            continue;
        }
        let (nanos_of_day, day) = stored.value(row).split_first_chunk::<8>().ok_or_else(wrong)?;
        let nanos_of_day = i64::from_le_bytes(*nanos_of_day);
        let day = i32::from_le_bytes(day.try_into().map_err(|_| wrong())?);
        // An i32 of days is far from the end of 64 bits of milliseconds, and so is an i64 of nanoseconds.
        let day_millis = (i64::from(day) - JULIAN_DAY_OF_1970) * MILLIS_OF_DAY;
        millis.push(day_millis + nanos_of_day.div_euclid(NANOS_OF_MILLI));
        // A remainder below a million.
        nanos.push(nanos_of_day.rem_euclid(NANOS_OF_MILLI) as i32);
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(millis)), Arc::new(Int32Array::from(nanos))];
    let parts = StructArray::try_new(wide_timestamp_fields(), columns, stored.nulls().cloned());
    Ok(Arc::new(parts.map_err(refused)?))
}

#[cfg(test)]
mod tests;
