#![doc = include_str!("../arrow.md")]

mod array;
mod datum;

use std::sync::Arc;

use arrow_schema::{DataType as ArrowType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::data_type::{DataField, DataType, TypeRoot};
use crate::error::{Error, Result};

pub use array::array_from_datums;
pub use datum::datum_at;

/// The zone of local-zone timestamps.
pub const UTC: &str = "UTC";
/// The field of milliseconds in the struct of a TIMESTAMP(7 … 9).
pub const MILLIS: &str = "millis";
/// The field of nanoseconds within the millisecond.
pub const NANOS_OF_MILLI: &str = "nanos_of_milli";

/// The Arrow type of a Paimon type.
///
/// # Errors
/// `Unsupported` for VARIANT, BLOB and VECTOR.
pub fn to_arrow_type(data_type: &DataType) -> Result<ArrowType> {
    Ok(match &data_type.root {
        TypeRoot::Boolean => ArrowType::Boolean,
        TypeRoot::TinyInt => ArrowType::Int8,
        TypeRoot::SmallInt => ArrowType::Int16,
        TypeRoot::Int => ArrowType::Int32,
        TypeRoot::BigInt => ArrowType::Int64,
        TypeRoot::Float => ArrowType::Float32,
        TypeRoot::Double => ArrowType::Float64,
        TypeRoot::Decimal { precision, scale } => ArrowType::Decimal128(*precision, scale.cast_signed()),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => ArrowType::Utf8,
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => ArrowType::Binary,
        TypeRoot::Date => ArrowType::Date32,
        TypeRoot::Time(_) => ArrowType::Time32(TimeUnit::Millisecond),
        TypeRoot::Timestamp(precision) => timestamp(*precision, None),
        TypeRoot::TimestampLtz(precision) => timestamp(*precision, Some(UTC.into())),
        TypeRoot::Array(element) => ArrowType::List(Arc::new(field("element", element)?)),
        TypeRoot::Map { key, value } => map(key, value)?,
        TypeRoot::Multiset(element) => map(element, &DataType::not_null(TypeRoot::Int))?,
        TypeRoot::Row(fields) => ArrowType::Struct(fields.iter().map(to_arrow_field).collect::<Result<Fields>>()?),
        root @ (TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. }) => return Err(Error::unsupported(root)),
    })
}

/// The Arrow field of a column.
///
/// # Errors
/// `Unsupported` for VARIANT, BLOB and VECTOR.
pub fn to_arrow_field(column: &DataField) -> Result<Field> {
    field(&column.name, &column.data_type)
}

/// The Arrow schema of some columns.
///
/// # Errors
/// `Unsupported` for VARIANT, BLOB and VECTOR.
pub fn to_arrow_schema(columns: &[DataField]) -> Result<SchemaRef> {
    Ok(Arc::new(Schema::new(columns.iter().map(to_arrow_field).collect::<Result<Vec<_>>>()?)))
}

/// The fields of the struct that stands for a TIMESTAMP(7 … 9).
pub fn wide_timestamp_fields() -> Fields {
    Fields::from(vec![Field::new(MILLIS, ArrowType::Int64, false), Field::new(NANOS_OF_MILLI, ArrowType::Int32, false)])
}

fn field(name: &str, data_type: &DataType) -> Result<Field> {
    Ok(Field::new(name, to_arrow_type(data_type)?, data_type.nullable))
}

fn timestamp(precision: u8, zone: Option<Arc<str>>) -> ArrowType {
    match precision {
        0..=3 => ArrowType::Timestamp(TimeUnit::Millisecond, zone),
        4..=6 => ArrowType::Timestamp(TimeUnit::Microsecond, zone),
        _ => ArrowType::Struct(wide_timestamp_fields()),
    }
}

fn map(key: &DataType, value: &DataType) -> Result<ArrowType> {
    // Parquet and Arrow both ask that keys are not null.
    let entries = Fields::from(vec![field("key", &key.with_nullable(false))?, field("value", value)?]);
    Ok(ArrowType::Map(Arc::new(Field::new("key_value", ArrowType::Struct(entries), false)), false))
}
