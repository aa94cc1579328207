//! Which row groups of a file may hold rows that are wanted.
//!
//! Goes in: a predicate on columns that are asked for, and the statistics of each row group. Comes out: the row groups to read.
//! Invariant: wrong only in reading too much; a column that was written as another type says nothing.

use alluvium_format::{ColumnRange, DataField, DataType, Datum, Predicate, TypeRoot};
use parquet::basic::{IntType, LogicalType, TimeUnit, Type as PhysicalType};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

/// The row groups for which `predicate` may be true, in order. `written` are the columns of the file's schema, `asked` those asked for.
pub(super) fn select(
    metadata: &ParquetMetaData,
    predicate: &Predicate,
    written: &[DataField],
    asked: &[DataField],
) -> Vec<usize> {
    let all = 0..metadata.num_row_groups();
    if *predicate == Predicate::True {
        return all.collect();
    }
    let groups = all.zip(metadata.row_groups());
    let may_match = groups.filter(|(_, group)| predicate.may_match(&|name| range_of(group, name, written, asked)));
    may_match.map(|(index, _)| index).collect()
}

/// What is known of the column that is asked for as `name`.
fn range_of(group: &RowGroupMetaData, name: &str, written: &[DataField], asked: &[DataField]) -> ColumnRange {
    let unknown = ColumnRange { row_count: Some(group.num_rows()), ..ColumnRange::default() };
    let Some(asked) = asked.iter().find(|field| field.name == name) else { return unknown };
    let Some(field) = written.iter().find(|field| field.id == asked.id) else {
        return ColumnRange { null_count: Some(group.num_rows()), ..unknown };
    };
    if field.data_type.root != asked.data_type.root || field.data_type.is_nested() {
        return unknown;
    }
    let chunk = group.columns().iter().find(|chunk| *chunk.column_path().parts() == [field.name.clone()]);
    match chunk {
        Some(chunk) => range_of_chunk(chunk, &field.data_type, unknown),
        None => unknown,
    }
}

fn range_of_chunk(chunk: &ColumnChunkMetaData, data_type: &DataType, unknown: ColumnRange) -> ColumnRange {
    let Some(statistics) = chunk.statistics() else { return unknown };
    let nulls = statistics.null_count_opt().and_then(|count| i64::try_from(count).ok());
    let known = ColumnRange { null_count: nulls, ..unknown };
    // The old fields have the order of signed bytes, which is right for numbers alone.
    let is_bytes = matches!(chunk.column_type(), PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY);
    if statistics.is_min_max_deprecated() && is_bytes || !is_plain(chunk, data_type) {
        return known;
    }
    let bounds = bounds_of(statistics, data_type);
    ColumnRange { min: bounds.0, max: bounds.1, ..known }
}

/// Whether the chunk holds values as Paimon writes them, so that their order is that of the type.
fn is_plain(chunk: &ColumnChunkMetaData, data_type: &DataType) -> bool {
    let column = chunk.column_descr();
    let scale = column.type_scale();
    let unsigned = matches!(column.logical_type_ref(), Some(LogicalType::Integer(IntType { is_signed: false, .. })));
    let unit = column.logical_type_ref().and_then(|logical| match logical {
        LogicalType::Timestamp(timestamp) => Some(timestamp.unit),
        _ => None,
    });
    match (&data_type.root, column.physical_type()) {
        (TypeRoot::Boolean, PhysicalType::BOOLEAN)
        | (TypeRoot::Float, PhysicalType::FLOAT)
        | (TypeRoot::Double, PhysicalType::DOUBLE)
        | (TypeRoot::Date | TypeRoot::Time(_), PhysicalType::INT32)
        | (TypeRoot::Char(_) | TypeRoot::VarChar(_), PhysicalType::BYTE_ARRAY)
        | (TypeRoot::Binary(_) | TypeRoot::VarBinary(_), PhysicalType::BYTE_ARRAY) => true,
        (TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int, PhysicalType::INT32)
        | (TypeRoot::BigInt, PhysicalType::INT64) => !unsigned,
        (
            TypeRoot::Decimal { scale: wanted, .. },
            PhysicalType::INT32 | PhysicalType::INT64 | PhysicalType::FIXED_LEN_BYTE_ARRAY,
        ) => scale == i32::from(*wanted),
        (TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision), PhysicalType::INT64) => match unit {
            Some(TimeUnit::MILLIS) => *precision <= 3,
            Some(TimeUnit::MICROS) => (4..=6).contains(precision),
            _ => false,
        },
        _ => false,
    }
}

/// The least and the greatest value that the statistics allow.
fn bounds_of(statistics: &Statistics, data_type: &DataType) -> (Option<Datum>, Option<Datum>) {
    let of_number = |value: i64| number(value, data_type);
    match statistics {
        Statistics::Boolean(values) => {
            (values.min_opt().copied().map(Datum::Boolean), values.max_opt().copied().map(Datum::Boolean))
        }
        Statistics::Int32(values) => {
            let of_number = |value: &i32| of_number(i64::from(*value));
            (values.min_opt().and_then(of_number), values.max_opt().and_then(of_number))
        }
        Statistics::Int64(values) => {
            let of_number = |value: &i64| of_number(*value);
            (values.min_opt().and_then(of_number), values.max_opt().and_then(of_number))
        }
        Statistics::Float(values) => {
            (values.min_opt().copied().map(Datum::Float), values.max_opt().copied().map(Datum::Float))
        }
        Statistics::Double(values) => {
            (values.min_opt().copied().map(Datum::Double), values.max_opt().copied().map(Datum::Double))
        }
        Statistics::ByteArray(values) => {
            let bytes = |value: &ByteArray| bytes_value(value.data(), data_type);
            (values.min_opt().and_then(bytes), values.max_opt().and_then(bytes))
        }
        Statistics::FixedLenByteArray(values) => {
            let decimal = |value: &FixedLenByteArray| decimal(value.data(), data_type);
            (values.min_opt().and_then(decimal), values.max_opt().and_then(decimal))
        }
        Statistics::Int96(_) => (None, None),
    }
}

fn number(value: i64, data_type: &DataType) -> Option<Datum> {
    Some(match data_type.root {
        TypeRoot::TinyInt => Datum::TinyInt(i8::try_from(value).ok()?),
        TypeRoot::SmallInt => Datum::SmallInt(i16::try_from(value).ok()?),
        TypeRoot::Int => Datum::Int(i32::try_from(value).ok()?),
        TypeRoot::BigInt => Datum::BigInt(value),
        TypeRoot::Date => Datum::Date(i32::try_from(value).ok()?),
        TypeRoot::Time(_) => Datum::Time(i32::try_from(value).ok()?),
        TypeRoot::Decimal { .. } => Datum::Decimal(i128::from(value)),
        TypeRoot::Timestamp(0..=3) | TypeRoot::TimestampLtz(0..=3) => {
            Datum::Timestamp { millis: value, nanos_of_milli: 0 }
        }
        TypeRoot::Timestamp(4..=6) | TypeRoot::TimestampLtz(4..=6) => {
            let nanos = value.rem_euclid(1000) * 1000;
            Datum::Timestamp { millis: value.div_euclid(1000), nanos_of_milli: i32::try_from(nanos).ok()? }
        }
        _ => return None,
    })
}

fn bytes_value(bytes: &[u8], data_type: &DataType) -> Option<Datum> {
    match data_type.root {
        // A bound that was cut within a character says nothing here.
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => String::from_utf8(bytes.to_vec()).ok().map(Datum::String),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => Some(Datum::Bytes(bytes.to_vec())),
        _ => None,
    }
}

/// A big-endian two's complement number of at most 16 bytes.
fn decimal(bytes: &[u8], data_type: &DataType) -> Option<Datum> {
    if !matches!(data_type.root, TypeRoot::Decimal { .. }) || bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1_i128 };
    Some(Datum::Decimal(bytes.iter().fold(sign, |value, byte| value << 8 | i128::from(*byte))))
}
