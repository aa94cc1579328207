//! Encodes the values of one column, row by row.
//!
//! Goes in: a column in its in-memory form. Comes out: the bytes of each value as the schema of the file has them: a null is branch 0 of
//! a union, a value branch 1; the entries of a map follow each other whatever its key. Answers to `FieldWriterFactory`.

use alluvium_format::avro::Encoder;
use alluvium_format::{DataField, DataType, Error, Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, StringArray};
use arrow_buffer::NullBuffer;

/// The values of a column.
#[derive(Debug)]
pub(super) struct ColumnEncoder<'a> {
    /// Whether its values are in a union with null.
    union: Union,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Union {
    WithNull,
    None,
}

#[derive(Debug)]
enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    /// INT, DATE and TIME.
    Int32(&'a [i32]),
    /// BIGINT and timestamps.
    Int64(&'a [i64]),
    Float(&'a [f32]),
    Double(&'a [f64]),
    Decimal(&'a [i128]),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    List {
        offsets: &'a [i32],
        element: Box<ColumnEncoder<'a>>,
    },
    Map {
        offsets: &'a [i32],
        key: Box<ColumnEncoder<'a>>,
        value: Box<ColumnEncoder<'a>>,
    },
    Row(Vec<ColumnEncoder<'a>>),
}

impl<'a> ColumnEncoder<'a> {
    /// The encoder of `column`, which holds values of `data_type`.
    ///
    /// # Errors
    /// `Internal` when it does not.
    pub(super) fn new(data_type: &DataType, column: &'a ArrayRef) -> Result<Self> {
        let values = Values::of(&data_type.root, column)?;
        let values = values.ok_or_else(|| {
            Error::internal(format!("an array of {} is no column of {data_type} in Avro files", column.data_type()))
        })?;
        let union = if data_type.nullable { Union::WithNull } else { Union::None };
        Ok(Self { union, nulls: column.nulls(), values })
    }

    /// Encodes the value of a row.
    #[inline]
    pub(super) fn encode(&self, row: usize, out: &mut Encoder) {
        if self.union == Union::WithNull {
            if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                out.long(0);
                return;
            }
            out.long(1);
        }
        self.values.encode(row, out);
    }
}

impl<'a> Values<'a> {
    fn of(root: &TypeRoot, column: &'a ArrayRef) -> Result<Option<Self>> {
        Ok(match root {
            TypeRoot::Boolean => column.as_boolean_opt().map(Self::Boolean),
            TypeRoot::TinyInt => slice::<Int8Type>(column).map(Self::Int8),
            TypeRoot::SmallInt => slice::<Int16Type>(column).map(Self::Int16),
            TypeRoot::Int => slice::<Int32Type>(column).map(Self::Int32),
            TypeRoot::Date => slice::<Date32Type>(column).map(Self::Int32),
            TypeRoot::Time(_) => slice::<Time32MillisecondType>(column).map(Self::Int32),
            TypeRoot::BigInt => slice::<Int64Type>(column).map(Self::Int64),
            TypeRoot::Timestamp(0..=3) | TypeRoot::TimestampLtz(0..=3) => {
                slice::<TimestampMillisecondType>(column).map(Self::Int64)
            }
            TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => {
                slice::<TimestampMicrosecondType>(column).map(Self::Int64)
            }
            TypeRoot::Float => slice::<Float32Type>(column).map(Self::Float),
            TypeRoot::Double => slice::<Float64Type>(column).map(Self::Double),
            TypeRoot::Decimal { .. } => slice::<Decimal128Type>(column).map(Self::Decimal),
            TypeRoot::Char(_) | TypeRoot::VarChar(_) => column.as_string_opt().map(Self::Text),
            TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => column.as_binary_opt().map(Self::Bytes),
            TypeRoot::Array(element) => match column.as_list_opt::<i32>() {
                Some(list) => {
                    let element = Box::new(ColumnEncoder::new(element, list.values())?);
                    Some(Self::List { offsets: list.value_offsets(), element })
                }
                None => None,
            },
            TypeRoot::Map { key, value } => Self::map(key, value, column)?,
            TypeRoot::Multiset(element) => Self::map(element, &DataType::nullable(TypeRoot::Int), column)?,
            TypeRoot::Row(fields) => Self::row(fields, column)?,
            TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. } => None,
        })
    }

    fn map(key: &DataType, value: &DataType, column: &'a ArrayRef) -> Result<Option<Self>> {
        let Some(map) = column.as_map_opt() else { return Ok(None) };
        // A key that is text is that of a map, which is in no union.
        let is_text = matches!(key.root, TypeRoot::Char(_) | TypeRoot::VarChar(_));
        let key = if is_text { &key.with_nullable(false) } else { key };
        let key = Box::new(ColumnEncoder::new(key, map.keys())?);
        let value = Box::new(ColumnEncoder::new(value, map.values())?);
        Ok(Some(Self::Map { offsets: map.value_offsets(), key, value }))
    }

    fn row(fields: &[DataField], column: &'a ArrayRef) -> Result<Option<Self>> {
        let Some(row) = column.as_struct_opt().filter(|row| row.num_columns() == fields.len()) else {
            return Ok(None);
        };
        let columns = fields.iter().zip(row.columns());
        let columns = columns.map(|(field, column)| ColumnEncoder::new(&field.data_type, column));
        Ok(Some(Self::Row(columns.collect::<Result<_>>()?)))
    }

    #[inline]
    fn encode(&self, row: usize, out: &mut Encoder) {
        match self {
            Self::Boolean(values) => out.raw(&[u8::from(values.value(row))]),
            Self::Int8(values) => out.long(i64::from(values[row])),
            Self::Int16(values) => out.long(i64::from(values[row])),
            Self::Int32(values) => out.long(i64::from(values[row])),
            Self::Int64(values) => out.long(values[row]),
            Self::Float(values) => out.raw(&values[row].to_le_bytes()),
            Self::Double(values) => out.raw(&values[row].to_le_bytes()),
            Self::Decimal(values) => {
                let (bytes, start) = shortest(values[row]);
                out.bytes(&bytes[start..]);
            }
            Self::Text(values) => out.string(values.value(row)),
            Self::Bytes(values) => out.bytes(values.value(row)),
            Self::List { offsets, element } => items(offsets, row, out, |item, out| element.encode(item, out)),
            Self::Map { offsets, key, value } => items(offsets, row, out, |item, out| {
                key.encode(item, out);
                value.encode(item, out);
            }),
            Self::Row(columns) => columns.iter().for_each(|column| column.encode(row, out)),
        }
    }
}

fn slice<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<&[T::Native]> {
    Some(column.as_primitive_opt::<T>()?.values())
}

/// The items of a list or map: one run.
fn items(offsets: &[i32], row: usize, out: &mut Encoder, encode: impl Fn(usize, &mut Encoder)) {
    // Offsets are never negative.
    let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
    if end > start {
        out.count(end - start);
        (start..end).for_each(|item| encode(item, out));
    }
    out.count(0);
}

/// A number in two's complement, big-endian, and where its shortest form begins: that of `BigInteger.toByteArray`.
fn shortest(value: i128) -> ([u8; 16], usize) {
    let sign_bits = if value < 0 { value.leading_ones() } else { value.leading_zeros() };
    // One bit of the sign stays; at most 127 go.
    (value.to_be_bytes(), ((sign_bits - 1) / 8) as usize)
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn decimals_are_as_short_as_java_makes_them() {
        let table: [(i128, &[u8]); 8] = [
            (0, &[0]),
            (-1, &[0xff]),
            (127, &[0x7f]),
            (128, &[0, 0x80]),
            (-128, &[0x80]),
            (-129, &[0xff, 0x7f]),
            (
                i128::MAX,
                &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
            (i128::MIN, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ];
        for (value, wanted) in table {
            let (bytes, start) = shortest(value);
            assert_eq!(&bytes[start..], wanted, "{value}");
        }
    }
}
