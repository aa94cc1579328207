//! How the values of an Arrow column become those of a column of the table, without loss or not at all.
//!
//! Goes in: an Arrow type as a Parquet file has it, and the table's type. Comes out: a [`Conversion`], or that there is none; then, a row
//! at a time, the value, or why this one cannot be taken: a number out of range, digits that would be lost, a text too long.

use alluvium::arrow_array::cast::AsArray;
use alluvium::arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use alluvium::arrow_array::{Array, ArrayRef};
use alluvium::arrow_schema::{DataType as ArrowType, TimeUnit};
use alluvium::format::TypeRoot;
use alluvium::{DataType, Datum};

use super::UnknownMembers;
use super::value::{Value, datum};

const NANOS_PER_MILLI: i128 = 1_000_000;

/// A way from one type to another.
#[derive(Clone, Debug)]
pub(super) enum Conversion {
    /// Booleans, whole numbers, floats, decimals, dates, times, timestamps and binaries: by value.
    Plain,
    /// Texts, and binaries that hold texts, by what they say.
    Text,
    /// Lists.
    List(Box<Conversion>),
    /// Maps, by key and value.
    Map(Box<Conversion>, Box<Conversion>),
    /// Rows: for each field, where it is in the source and how it converts; absent fields are null.
    Row(Vec<Option<(usize, Conversion)>>),
}

/// The way from `source` to `target`; `None` when there is none.
pub(super) fn conversion(source: &ArrowType, target: &DataType, unknown: UnknownMembers) -> Option<Conversion> {
    use TypeRoot::{BigInt, Int, SmallInt, TinyInt};
    let root = &target.root;
    let is_text = matches!(root, TypeRoot::Char(_) | TypeRoot::VarChar(_));
    let is_bytes = matches!(root, TypeRoot::Binary(_) | TypeRoot::VarBinary(_));
    let plain = match source {
        ArrowType::Utf8 => return Some(Conversion::Text),
        ArrowType::Binary if is_text => return Some(Conversion::Text),
        ArrowType::Boolean => *root == TypeRoot::Boolean,
        ArrowType::Binary | ArrowType::FixedSizeBinary(_) => is_bytes,
        source if source.is_integer() => {
            matches!(root, TinyInt | SmallInt | Int | BigInt | TypeRoot::Decimal { .. })
                || (*root == TypeRoot::Double && source.primitive_width() < Some(8))
        }
        ArrowType::Float16 | ArrowType::Float32 => matches!(root, TypeRoot::Float | TypeRoot::Double),
        ArrowType::Float64 => *root == TypeRoot::Double,
        ArrowType::Decimal128(..) => matches!(root, TypeRoot::Decimal { .. }),
        ArrowType::Date32 => *root == TypeRoot::Date,
        ArrowType::Time32(TimeUnit::Millisecond) | ArrowType::Time64(_) => matches!(root, TypeRoot::Time(_)),
        ArrowType::Timestamp(_, None) => matches!(root, TypeRoot::Timestamp(_)),
        ArrowType::Timestamp(_, Some(_)) => matches!(root, TypeRoot::TimestampLtz(_)),
        _ => return nested_conversion(source, root, unknown),
    };
    plain.then_some(Conversion::Plain)
}

fn nested_conversion(source: &ArrowType, root: &TypeRoot, unknown: UnknownMembers) -> Option<Conversion> {
    match (source, root) {
        (ArrowType::List(item), TypeRoot::Array(element)) => {
            Some(Conversion::List(Box::new(conversion(item.data_type(), element, unknown)?)))
        }
        (ArrowType::Map(entries, _), TypeRoot::Map { key, value }) => {
            entry_conversion(entries.data_type(), key, value, unknown)
        }
        (ArrowType::Map(entries, _), TypeRoot::Multiset(element)) => {
            entry_conversion(entries.data_type(), element, &DataType::not_null(TypeRoot::Int), unknown)
        }
        (ArrowType::Struct(members), TypeRoot::Row(fields)) => {
            let known = |name: &str| fields.iter().any(|field| field.name == name);
            if unknown == UnknownMembers::Refuse && members.iter().any(|member| !known(member.name())) {
                return None;
            }
            let ways = fields.iter().map(|field| match members.find(&field.name) {
                None => Some(None),
                Some((index, member)) => {
                    Some(Some((index, conversion(member.data_type(), &field.data_type, unknown)?)))
                }
            });
            Some(Conversion::Row(ways.collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

fn entry_conversion(
    entries: &ArrowType,
    key: &DataType,
    value: &DataType,
    unknown: UnknownMembers,
) -> Option<Conversion> {
    let ArrowType::Struct(members) = entries else { return None };
    let [source_key, source_value] = &members[..] else { return None };
    let key = conversion(source_key.data_type(), key, unknown)?;
    let value = conversion(source_value.data_type(), value, unknown)?;
    Some(Conversion::Map(Box::new(key), Box::new(value)))
}

impl Conversion {
    /// The value of `array` at `row` as one of `target`; `None` is null.
    ///
    /// # Errors
    /// What is there, and why it cannot be taken.
    pub(super) fn value(&self, array: &dyn Array, row: usize, target: &DataType) -> Result<Option<Datum>, String> {
        if array.is_null(row) {
            return if target.nullable { Ok(None) } else { Err(format!("null for {target}")) };
        }
        let value = match (self, &target.root) {
            (Self::Plain, _) => plain(array, row, target)?,
            (Self::Text, _) => return text(array, row, target),
            (Self::List(item), TypeRoot::Array(element)) => match array.as_list_opt::<i32>() {
                Some(lists) => Some(Datum::Array(item.all(&lists.value(row), element)?)),
                None => None,
            },
            (Self::Map(keys, values), TypeRoot::Map { key, value }) => pairs(array, row, (keys, key), (values, value))?,
            (Self::Map(keys, values), TypeRoot::Multiset(element)) => {
                pairs(array, row, (keys, element), (values, &DataType::not_null(TypeRoot::Int)))?
            }
            (Self::Row(ways), TypeRoot::Row(fields)) => {
                let Some(source) = array.as_struct_opt() else { return Err(mismatch(array, target)) };
                let values = fields.iter().zip(ways).map(|(field, way)| match way {
                    Some((index, way)) => way
                        .value(source.column(*index), row, &field.data_type)
                        .map_err(|why| format!("field {}: {why}", field.name)),
                    None if field.data_type.nullable => Ok(None),
                    None => Err(format!("field {}: null for {}", field.name, field.data_type)),
                });
                Some(Datum::Row(values.collect::<Result<_, _>>()?))
            }
            _ => None,
        };
        value.map(Some).ok_or_else(|| mismatch(array, target))
    }

    fn all(&self, array: &ArrayRef, target: &DataType) -> Result<Vec<Option<Datum>>, String> {
        (0..array.len()).map(|row| self.value(array, row, target)).collect()
    }
}

fn mismatch(array: &dyn Array, target: &DataType) -> String {
    format!("a value of {} is no {target}", array.data_type())
}

type Way<'a> = (&'a Conversion, &'a DataType);

fn pairs(array: &dyn Array, row: usize, key: Way<'_>, value: Way<'_>) -> Result<Option<Datum>, String> {
    let Some(maps) = array.as_map_opt() else { return Ok(None) };
    let entries = maps.value(row);
    let [keys, values] = entries.columns() else { return Ok(None) };
    let keys = key.0.all(keys, key.1)?;
    Ok(Some(Datum::Map(keys.into_iter().zip(value.0.all(values, value.1)?).collect())))
}

fn text(array: &dyn Array, row: usize, target: &DataType) -> Result<Option<Datum>, String> {
    let text = match (array.as_string_opt::<i32>(), array.as_binary_opt::<i32>()) {
        (Some(texts), _) => texts.value(row),
        (None, Some(binaries)) => {
            std::str::from_utf8(binaries.value(row)).map_err(|_| "a binary that is not UTF-8 is no text".to_owned())?
        }
        (None, None) => return Err(mismatch(array, target)),
    };
    datum(Value::Field(text), target, UnknownMembers::Refuse)
}

fn plain(array: &dyn Array, row: usize, target: &DataType) -> Result<Option<Datum>, String> {
    let root = &target.root;
    Ok(match root {
        TypeRoot::Boolean => array.as_boolean_opt().map(|values| Datum::Boolean(values.value(row))),
        TypeRoot::TinyInt => whole_as(array, row, root)?.map(Datum::TinyInt),
        TypeRoot::SmallInt => whole_as(array, row, root)?.map(Datum::SmallInt),
        TypeRoot::Int => whole_as(array, row, root)?.map(Datum::Int),
        TypeRoot::BigInt => whole_as(array, row, root)?.map(Datum::BigInt),
        TypeRoot::Float => float(array, row).map(|value| Datum::Float(value as f32)),
        TypeRoot::Double => {
            let small =
                || whole(array, row).and_then(|value| i32::try_from(value).ok().map(f64::from).or(Some(value as f64)));
            float(array, row).or_else(small).map(Datum::Double)
        }
        TypeRoot::Decimal { precision, scale } => decimal(array, row, *precision, *scale)?.map(Datum::Decimal),
        TypeRoot::Binary(length) | TypeRoot::VarBinary(length) => bytes(array, row, *length, root)?,
        TypeRoot::Date => primitive::<Date32Type>(array, row).map(Datum::Date),
        TypeRoot::Time(_) => time(array, row, root)?,
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => timestamp(array, row, *precision, root)?,
        _ => None,
    })
}

fn primitive<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Option<T::Native> {
    array.as_primitive_opt::<T>().map(|values| values.value(row))
}

fn whole(array: &dyn Array, row: usize) -> Option<i128> {
    Some(match array.data_type() {
        ArrowType::Int8 => primitive::<Int8Type>(array, row)?.into(),
        ArrowType::Int16 => primitive::<Int16Type>(array, row)?.into(),
        ArrowType::Int32 => primitive::<Int32Type>(array, row)?.into(),
        ArrowType::Int64 => primitive::<Int64Type>(array, row)?.into(),
        ArrowType::UInt8 => primitive::<UInt8Type>(array, row)?.into(),
        ArrowType::UInt16 => primitive::<UInt16Type>(array, row)?.into(),
        ArrowType::UInt32 => primitive::<UInt32Type>(array, row)?.into(),
        ArrowType::UInt64 => primitive::<UInt64Type>(array, row)?.into(),
        _ => return None,
    })
}

fn whole_as<T: TryFrom<i128>>(array: &dyn Array, row: usize, root: &TypeRoot) -> Result<Option<T>, String> {
    whole(array, row)
        .map(|value| T::try_from(value).map_err(|_| format!("{value} is no {root}: it is out of its range")))
        .transpose()
}

fn float(array: &dyn Array, row: usize) -> Option<f64> {
    match array.data_type() {
        ArrowType::Float16 => primitive::<Float16Type>(array, row).map(f64::from),
        ArrowType::Float32 => primitive::<Float32Type>(array, row).map(f64::from),
        _ => primitive::<Float64Type>(array, row),
    }
}

fn decimal(array: &dyn Array, row: usize, precision: u8, scale: u8) -> Result<Option<i128>, String> {
    let (unscaled, from_scale) = match array.data_type() {
        ArrowType::Decimal128(_, from_scale) => (primitive::<Decimal128Type>(array, row), i32::from(*from_scale)),
        _ => (whole(array, row), 0),
    };
    let Some(unscaled) = unscaled else { return Ok(None) };
    let shift = i32::from(scale) - from_scale;
    let factor = 10_i128.checked_pow(shift.unsigned_abs());
    let moved = match factor {
        Some(factor) if shift >= 0 => unscaled.checked_mul(factor),
        Some(factor) => (unscaled % factor == 0).then_some(unscaled / factor),
        None => (unscaled == 0).then_some(0),
    };
    let limit = 10_u128.pow(u32::from(precision.min(38)));
    moved.filter(|value| value.unsigned_abs() < limit).map(Some).ok_or_else(|| {
        format!("the decimal {unscaled}e{} has more digits than DECIMAL({precision}, {scale})", -from_scale)
    })
}

fn bytes(array: &dyn Array, row: usize, length: u32, root: &TypeRoot) -> Result<Option<Datum>, String> {
    let value = match (array.as_binary_opt::<i32>(), array.as_fixed_size_binary_opt()) {
        (Some(values), _) => values.value(row),
        (None, Some(values)) => values.value(row),
        (None, None) => return Ok(None),
    };
    if value.len() > length as usize {
        return Err(format!("a value of {} bytes is too long for {root}", value.len()));
    }
    Ok(Some(Datum::Bytes(value.to_vec())))
}

fn time(array: &dyn Array, row: usize, root: &TypeRoot) -> Result<Option<Datum>, String> {
    let nanos = match array.data_type() {
        ArrowType::Time32(_) => primitive::<Time32MillisecondType>(array, row).map(|v| i128::from(v) * NANOS_PER_MILLI),
        ArrowType::Time64(TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType>(array, row).map(|v| i128::from(v) * 1000)
        }
        _ => primitive::<Time64NanosecondType>(array, row).map(i128::from),
    };
    let Some(nanos) = nanos else { return Ok(None) };
    let millis = i32::try_from(nanos / NANOS_PER_MILLI).ok().filter(|_| nanos % NANOS_PER_MILLI == 0);
    millis
        .map(|millis| Some(Datum::Time(millis)))
        .ok_or_else(|| format!("a time of {nanos} nanoseconds of the day is finer than {root} holds: milliseconds"))
}

fn timestamp(array: &dyn Array, row: usize, precision: u8, root: &TypeRoot) -> Result<Option<Datum>, String> {
    let ArrowType::Timestamp(unit, _) = array.data_type() else { return Ok(None) };
    let nanos = match unit {
        TimeUnit::Second => primitive::<TimestampSecondType>(array, row).map(|v| i128::from(v) * 1_000_000_000),
        TimeUnit::Millisecond => {
            primitive::<TimestampMillisecondType>(array, row).map(|v| i128::from(v) * NANOS_PER_MILLI)
        }
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, row).map(|v| i128::from(v) * 1000),
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, row).map(i128::from),
    };
    let Some(nanos) = nanos else { return Ok(None) };
    if nanos % 10_i128.pow(9 - u32::from(precision.min(9))) != 0 {
        return Err(format!("a timestamp of {nanos} nanoseconds since 1970 is finer than {root}"));
    }
    let millis = i64::try_from(nanos.div_euclid(NANOS_PER_MILLI));
    let nanos_of_milli = i32::try_from(nanos.rem_euclid(NANOS_PER_MILLI));
    match (millis, nanos_of_milli) {
        (Ok(millis), Ok(nanos_of_milli)) => Ok(Some(Datum::Timestamp { millis, nanos_of_milli })),
        _ => Err(format!("a timestamp of {nanos} nanoseconds since 1970 is too far away for {root}")),
    }
}
