//! The Parquet schema of a data file.
//!
//! Goes in: columns. Comes out: the message type that Paimon's Java writer makes of them, ids included. Answers to
//! `ParquetSchemaConverter`.

use std::sync::Arc;

use alluvium_format::{DataField, DataType, Error, Result, TypeRoot};
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::schema::types::{Type, TypePtr};

use super::int96::{INT96_BYTES, is_int96};

/// The name of the message.
const MESSAGE: &str = "paimon_schema";
/// Ids of the parts of containers lie around this one.
const CONTAINER_ID: i32 = i32::MAX / 4;
/// How many nested containers a column has ids for.
const CONTAINER_IDS_OF_COLUMN: i32 = 1 << 10;

/// The message type of columns.
///
/// # Errors
/// `Unsupported` for VARIANT, BLOB and VECTOR.
pub(in crate::data_file::parquet) fn message_type(columns: &[DataField]) -> Result<TypePtr> {
    let columns = columns.iter().map(column).collect::<Result<Vec<_>>>()?;
    built(Type::group_type_builder(MESSAGE).with_fields(columns).build())
}

/// The same schema with FIXED_LEN_BYTE_ARRAY(12) for each INT96.
///
/// # Errors
/// `Internal` when the schema is not one that could be built.
pub(in crate::data_file::parquet) fn with_fixed_int96(schema: &Type) -> Result<TypePtr> {
    let info = schema.get_basic_info();
    let id = info.has_id().then(|| info.id());
    match schema {
        Type::PrimitiveType { physical_type: PhysicalType::INT96, .. } => built(
            Type::primitive_type_builder(info.name(), PhysicalType::FIXED_LEN_BYTE_ARRAY)
                .with_length(INT96_BYTES)
                .with_repetition(info.repetition())
                .with_id(id)
                .build(),
        ),
        Type::PrimitiveType { .. } => Ok(Arc::new(schema.clone())),
        Type::GroupType { fields, .. } => {
            let fields = fields.iter().map(|field| with_fixed_int96(field)).collect::<Result<Vec<_>>>()?;
            let mut group = Type::group_type_builder(info.name())
                .with_converted_type(info.converted_type())
                .with_logical_type(info.logical_type_ref().cloned())
                .with_fields(fields)
                .with_id(id);
            if info.has_repetition() {
                group = group.with_repetition(info.repetition());
            }
            built(group.build())
        }
    }
}

fn column(field: &DataField) -> Result<TypePtr> {
    let place = Place { name: &field.name, id: Some(field.id), column_id: field.id, depth: 0 };
    parquet_type(&field.data_type, place)
}

/// Where in the schema a type is.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    id: Option<i32>,
    /// Of the nearest field around it.
    column_id: i32,
    /// How many containers there are between that field and here.
    depth: i32,
}

impl Place<'_> {
    /// The place of a list's elements, or a map's values.
    fn value(self, name: &str) -> Place<'_> {
        let depth = self.depth + 1;
        let offset = CONTAINER_IDS_OF_COLUMN.wrapping_mul(self.column_id).wrapping_add(depth);
        Place { name, id: Some(CONTAINER_ID.wrapping_add(offset)), column_id: self.column_id, depth }
    }

    /// The place of a map's keys.
    fn key(self, name: &str) -> Place<'_> {
        let depth = self.depth + 1;
        let offset = CONTAINER_IDS_OF_COLUMN.wrapping_mul(self.column_id).wrapping_add(depth);
        Place { name, id: Some(CONTAINER_ID.wrapping_sub(offset)), column_id: self.column_id, depth }
    }
}

fn parquet_type(data_type: &DataType, place: Place<'_>) -> Result<TypePtr> {
    let repetition = if data_type.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    match &data_type.root {
        TypeRoot::Array(element) => list(repetition, place, element),
        TypeRoot::Map { key, value } => map(repetition, place, key, value),
        TypeRoot::Multiset(element) => map(repetition, place, element, &DataType::not_null(TypeRoot::Int)),
        TypeRoot::Row(fields) => {
            let fields = fields.iter().map(column).collect::<Result<Vec<_>>>()?;
            let group = Type::group_type_builder(place.name).with_fields(fields);
            built(group.with_repetition(repetition).with_id(place.id).build())
        }
        root => atom(root, repetition, place),
    }
}

fn list(repetition: Repetition, place: Place<'_>, element: &DataType) -> Result<TypePtr> {
    let element = parquet_type(element, place.value("element"))?;
    let repeated = Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![element]);
    let group = Type::group_type_builder(place.name)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![built(repeated.build())?]);
    built(group.with_id(place.id).build())
}

fn map(repetition: Repetition, place: Place<'_>, key: &DataType, value: &DataType) -> Result<TypePtr> {
    let key = parquet_type(&key.with_nullable(false), place.key("key"))?;
    let value = parquet_type(value, place.value("value"))?;
    let repeated = Type::group_type_builder("key_value")
        .with_repetition(Repetition::REPEATED)
        .with_converted_type(ConvertedType::MAP_KEY_VALUE)
        .with_fields(vec![key, value]);
    let group = Type::group_type_builder(place.name)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::Map))
        .with_fields(vec![built(repeated.build())?]);
    built(group.with_id(place.id).build())
}

fn atom(root: &TypeRoot, repetition: Repetition, place: Place<'_>) -> Result<TypePtr> {
    let (physical, logical) = match root {
        TypeRoot::Boolean => (PhysicalType::BOOLEAN, None),
        TypeRoot::TinyInt => (PhysicalType::INT32, Some(signed(8))),
        TypeRoot::SmallInt => (PhysicalType::INT32, Some(signed(16))),
        TypeRoot::Int => (PhysicalType::INT32, None),
        TypeRoot::BigInt => (PhysicalType::INT64, None),
        TypeRoot::Float => (PhysicalType::FLOAT, None),
        TypeRoot::Double => (PhysicalType::DOUBLE, None),
        TypeRoot::Decimal { precision, scale } => return decimal(*precision, *scale, repetition, place),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => (PhysicalType::BYTE_ARRAY, None),
        TypeRoot::Date => (PhysicalType::INT32, Some(LogicalType::Date)),
        TypeRoot::Time(_) => {
            // Paimon's times are of no zone, but its Java writer says otherwise.
            (PhysicalType::INT32, Some(LogicalType::time(true, TimeUnit::MILLIS)))
        }
        root if is_int96(root) => (PhysicalType::INT96, None),
        TypeRoot::Timestamp(precision) => (PhysicalType::INT64, Some(timestamp(*precision, Zone::None))),
        TypeRoot::TimestampLtz(precision) => (PhysicalType::INT64, Some(timestamp(*precision, Zone::Local))),
        root => return Err(Error::unsupported(format!("the type {root}"))),
    };
    let builder = Type::primitive_type_builder(place.name, physical).with_repetition(repetition);
    built(builder.with_logical_type(logical).with_id(place.id).build())
}

fn decimal(precision: u8, scale: u8, repetition: Repetition, place: Place<'_>) -> Result<TypePtr> {
    let (digits, scale) = (i32::from(precision), i32::from(scale));
    let (physical, length) = match precision {
        0..=9 => (PhysicalType::INT32, None),
        10..=18 => (PhysicalType::INT64, None),
        _ => (PhysicalType::FIXED_LEN_BYTE_ARRAY, Some(decimal_bytes(precision))),
    };
    let mut builder = Type::primitive_type_builder(place.name, physical)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::decimal(scale, digits)))
        .with_precision(digits)
        .with_scale(scale)
        .with_id(place.id);
    if let Some(length) = length {
        builder = builder.with_length(length);
    }
    built(builder.build())
}

/// As few bytes as hold any number of `precision` digits in two's complement.
fn decimal_bytes(precision: u8) -> i32 {
    let largest = 10_u128.saturating_pow(u32::from(precision)) - 1;
    let bits = u128::BITS - largest.leading_zeros() + 1;
    // At most 128 bits.
    bits.div_ceil(8).cast_signed()
}

fn signed(bits: i8) -> LogicalType {
    LogicalType::integer(bits, true)
}

/// A timestamp of an INT64.
fn timestamp(precision: u8, zone: Zone) -> LogicalType {
    let unit = if precision <= 3 { TimeUnit::MILLIS } else { TimeUnit::MICROS };
    LogicalType::timestamp(zone == Zone::Local, unit)
}

/// Whether a timestamp is a moment or a reading of a clock somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    None,
    Local,
}

/// A type as a pointer; what this module asks for can always be built.
fn built(result: parquet::errors::Result<Type>) -> Result<TypePtr> {
    result.map(Arc::new).map_err(|error| Error::internal("a Parquet schema could not be built").with_source(error))
}

#[cfg(test)]
mod tests;
