//! Columns of a key as binary rows, a row at a time into memory that is used again.
//!
//! Goes in: the columns of a batch that make a key, with their types. Comes out: the binary row of any of its rows, or its hash,
//! without a value on the heap. The columns are looked at once for their kind, not once a row.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array,
    PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::NullBuffer;

use crate::binary_row::RowWriter;
use crate::data_type::{DataType, TypeRoot};
use crate::error::{Error, Result};
use crate::murmur;

/// The columns of a key, ready to be written as binary rows.
#[derive(Debug)]
pub struct KeyColumns<'a> {
    columns: Vec<KeyColumn<'a>>,
}

#[derive(Debug)]
struct KeyColumn<'a> {
    root: &'a TypeRoot,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

#[derive(Debug)]
enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    /// INT, DATE and TIME, whose arrays differ in type only.
    Int32(&'a [i32]),
    Int64(&'a Int64Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Decimal(&'a Decimal128Array, u8),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Millis(&'a PrimitiveArray<TimestampMillisecondType>),
    Micros(&'a PrimitiveArray<TimestampMicrosecondType>),
    Nanos(&'a [i64], &'a [i32]),
}

impl<'a> KeyColumns<'a> {
    /// The columns, which are of `types` and equally long.
    ///
    /// # Errors
    /// `Internal` when a column is not of its type; `Invalid` for a nested type, which no key can have.
    pub fn new(types: &'a [DataType], columns: &'a [ArrayRef]) -> Result<Self> {
        let rows = columns.first().map_or(0, |column| column.len());
        if types.len() != columns.len() || columns.iter().any(|column| column.len() != rows) {
            return Err(Error::internal(format!("{} key columns for {} types", columns.len(), types.len())));
        }
        let columns = types.iter().zip(columns).map(|(data_type, column)| {
            if data_type.is_nested() {
                return Err(Error::invalid(format!("a key cannot have a column of type {data_type}")));
            }
            let values = Values::of(&data_type.root, column).ok_or_else(|| {
                Error::internal(format!("an array of {} is no column of {data_type}", column.data_type()))
            })?;
            Ok(KeyColumn { root: &data_type.root, nulls: column.nulls(), values })
        });
        Ok(Self { columns: columns.collect::<Result<_>>()? })
    }

    /// Writes a row, which must be one of the columns', into `writer`, made for as many fields as there are columns.
    pub fn write(&self, row: usize, writer: &mut RowWriter) {
        writer.reset();
        for (index, column) in self.columns.iter().enumerate() {
            if column.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                writer.write_null(index, column.root);
            } else {
                column.values.write(row, index, writer);
            }
        }
    }

    /// The hash of a row; `writer` is only memory.
    pub fn hash(&self, row: usize, writer: &mut RowWriter) -> i32 {
        self.write(row, writer);
        murmur::hash_words(writer.as_bytes())
    }
}

impl<'a> Values<'a> {
    fn of(root: &TypeRoot, array: &'a dyn Array) -> Option<Self> {
        Some(match root {
            TypeRoot::Boolean => Self::Boolean(array.as_boolean_opt()?),
            TypeRoot::TinyInt => Self::Int8(array.as_primitive_opt()?),
            TypeRoot::SmallInt => Self::Int16(array.as_primitive_opt()?),
            TypeRoot::Int => Self::Int32(array.as_primitive_opt::<Int32Type>()?.values()),
            TypeRoot::Date => Self::Int32(array.as_primitive_opt::<Date32Type>()?.values()),
            TypeRoot::Time(_) => Self::Int32(array.as_primitive_opt::<Time32MillisecondType>()?.values()),
            TypeRoot::BigInt => Self::Int64(array.as_primitive_opt::<Int64Type>()?),
            TypeRoot::Float => Self::Float32(array.as_primitive_opt::<Float32Type>()?),
            TypeRoot::Double => Self::Float64(array.as_primitive_opt::<Float64Type>()?),
            TypeRoot::Decimal { precision, .. } => {
                Self::Decimal(array.as_primitive_opt::<Decimal128Type>()?, *precision)
            }
            TypeRoot::Char(_) | TypeRoot::VarChar(_) => Self::Text(array.as_string_opt::<i32>()?),
            TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => Self::Bytes(array.as_binary_opt::<i32>()?),
            TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => match precision {
                0..=3 => Self::Millis(array.as_primitive_opt()?),
                4..=6 => Self::Micros(array.as_primitive_opt()?),
                _ => {
                    let parts: &StructArray = array.as_struct_opt()?;
                    let [millis, nanos] = parts.columns() else { return None };
                    Self::Nanos(
                        millis.as_primitive_opt::<Int64Type>()?.values(),
                        nanos.as_primitive_opt::<Int32Type>()?.values(),
                    )
                }
            },
            _ => return None,
        })
    }

    #[inline]
    fn write(&self, row: usize, index: usize, writer: &mut RowWriter) {
        match self {
            Self::Boolean(array) => writer.set_slot(index, i64::from(array.value(row))),
            Self::Int8(array) => writer.set_slot(index, i64::from(array.value(row).cast_unsigned())),
            Self::Int16(array) => writer.set_slot(index, i64::from(array.value(row).cast_unsigned())),
            Self::Int32(values) => writer.set_slot(index, i64::from(values[row].cast_unsigned())),
            Self::Int64(array) => writer.set_slot(index, array.value(row)),
            Self::Float32(array) => writer.write_float(index, array.value(row)),
            Self::Float64(array) => writer.write_double(index, array.value(row)),
            Self::Decimal(array, precision) => writer.write_decimal(index, *precision, array.value(row)),
            Self::Text(array) => writer.set_bytes(index, array.value(row).as_bytes()),
            Self::Bytes(array) => writer.set_bytes(index, array.value(row)),
            Self::Millis(array) => writer.set_slot(index, array.value(row)),
            Self::Micros(array) => {
                let micros = array.value(row);
                // A remainder of 1000 fits.
                let nanos = (micros.rem_euclid(1000) * 1000) as i32;
                writer.write_timestamp(index, TIMESTAMP_MICROS, micros.div_euclid(1000), nanos);
            }
            Self::Nanos(millis, nanos) => writer.write_timestamp(index, TIMESTAMP_NANOS, millis[row], nanos[row]),
        }
    }
}

/// Digits of a timestamp of microseconds, and of one of nanoseconds.
const TIMESTAMP_MICROS: u8 = 6;
const TIMESTAMP_NANOS: u8 = 9;
