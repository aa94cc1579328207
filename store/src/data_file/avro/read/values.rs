//! The values of one field, as they are decoded.
//!
//! Goes in: the type of the values in the file, and the type that the schema says. Comes out: plain vectors, of which
//! [`Values::finish`] makes an array. What does not fit is an error, never another value. Answers to `FieldReaderFactory`.

use alluvium_format::avro::{Decoder, Type};
use alluvium_format::{DataType, Result, TypeRoot};
use arrow_buffer::BooleanBufferBuilder;

use super::column::ColumnDecoder;
use super::record::RecordDecoder;

/// The values so far; where one is null, anything.
#[derive(Debug)]
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    /// INT, DATE and TIME.
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    /// So many ticks a second.
    Ticks {
        ticks: Vec<i64>,
        per_second: i64,
    },
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal(Vec<i128>),
    /// Texts and byte strings.
    Bytes {
        offsets: Vec<i32>,
        bytes: Vec<u8>,
    },
    List {
        offsets: Vec<i32>,
        element: Box<ColumnDecoder>,
    },
    Map {
        offsets: Vec<i32>,
        key: Box<ColumnDecoder>,
        value: Box<ColumnDecoder>,
    },
    Row(RecordDecoder),
}

impl Values {
    /// Room for values that are `in_file`, as `wanted`; `None` when the types do not go together.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR; `Corrupt` when the types of parts do not go together.
    pub(super) fn of(in_file: &Type, wanted: &DataType) -> Result<Option<Self>> {
        Ok(Some(match (in_file, &wanted.root) {
            (Type::Boolean, TypeRoot::Boolean) => Self::Boolean(BooleanBufferBuilder::new(0)),
            (Type::Integer, TypeRoot::TinyInt) => Self::Int8(Vec::new()),
            (Type::Integer, TypeRoot::SmallInt) => Self::Int16(Vec::new()),
            (Type::Integer, TypeRoot::Int | TypeRoot::Date | TypeRoot::Time(_)) => Self::Int32(Vec::new()),
            (Type::Integer, TypeRoot::BigInt) => Self::Int64(Vec::new()),
            (Type::Timestamp { per_second }, TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_)) => {
                Self::Ticks { ticks: Vec::new(), per_second: *per_second }
            }
            (Type::Float, TypeRoot::Float) => Self::Float(Vec::new()),
            (Type::Double, TypeRoot::Double) => Self::Double(Vec::new()),
            (Type::Decimal { scale: in_file }, TypeRoot::Decimal { scale, .. }) if *in_file == u64::from(*scale) => {
                Self::Decimal(Vec::new())
            }
            (Type::String, TypeRoot::Char(_) | TypeRoot::VarChar(_))
            | (Type::Bytes, TypeRoot::Binary(_) | TypeRoot::VarBinary(_)) => {
                Self::Bytes { offsets: vec![0], bytes: Vec::new() }
            }
            (Type::Array(item), TypeRoot::Array(element)) => {
                Self::List { offsets: vec![0], element: Box::new(ColumnDecoder::new(item, element)?) }
            }
            (Type::Array(_) | Type::Map(_), TypeRoot::Map { key, value }) => return Self::map(in_file, key, value),
            (Type::Array(_) | Type::Map(_), TypeRoot::Multiset(element)) => {
                return Self::map(in_file, element, &DataType::not_null(TypeRoot::Int));
            }
            (Type::Record(record), TypeRoot::Row(fields)) => Self::Row(RecordDecoder::new(record, fields)?),
            _ => return Ok(None),
        }))
    }

    /// A map with keys that are texts, or a list of entries.
    fn map(in_file: &Type, key: &DataType, value: &DataType) -> Result<Option<Self>> {
        let (key_in_file, value_in_file) = match in_file {
            Type::Map(value_in_file) => (&Type::String, value_in_file.as_ref()),
            Type::Array(entry) => match entry.as_ref() {
                Type::Record(entry) => match entry.fields.as_slice() {
                    [(_, key_in_file), (_, value_in_file)] => (key_in_file, value_in_file),
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let key = Box::new(ColumnDecoder::new(key_in_file, &key.with_nullable(false))?);
        Ok(Some(Self::Map { offsets: vec![0], key, value: Box::new(ColumnDecoder::new(value_in_file, value)?) }))
    }

    /// Decodes one value.
    ///
    /// # Errors
    /// `Corrupt` with path and offset.
    #[inline]
    pub(super) fn decode(&mut self, decoder: &mut Decoder<'_>) -> Result<()> {
        match self {
            Self::Boolean(values) => match decoder.array()? {
                [0] => values.append(false),
                [1] => values.append(true),
                [other] => return Err(decoder.corrupt(format!("{other} is no boolean"))),
            },
            Self::Int8(values) => values.push(narrow(decoder)?),
            Self::Int16(values) => values.push(narrow(decoder)?),
            Self::Int32(values) => values.push(narrow(decoder)?),
            Self::Int64(values) | Self::Ticks { ticks: values, .. } => values.push(decoder.varint()?),
            Self::Float(values) => values.push(f32::from_le_bytes(decoder.array()?)),
            Self::Double(values) => values.push(f64::from_le_bytes(decoder.array()?)),
            Self::Decimal(values) => {
                let unscaled = decoder.sized_slice()?;
                values.push(number(unscaled).ok_or_else(|| decoder.corrupt("a DECIMAL of more than 38 digits"))?);
            }
            Self::Bytes { offsets, bytes } => {
                bytes.extend_from_slice(decoder.sized_slice()?);
                offsets.push(offset(bytes.len(), decoder)?);
            }
            Self::List { offsets, element } => {
                decoder.items(|decoder| element.decode(decoder))?;
                offsets.push(offset(element.len(), decoder)?);
            }
            Self::Map { offsets, key, value } => {
                decoder.items(|decoder| {
                    key.decode(decoder)?;
                    value.decode(decoder)
                })?;
                offsets.push(offset(key.len(), decoder)?);
            }
            Self::Row(record) => record.decode(decoder)?,
        }
        Ok(())
    }

    /// Something where a null is.
    pub(super) fn push_any(&mut self) {
        match self {
            Self::Boolean(values) => values.append(false),
            Self::Int8(values) => values.push(0),
            Self::Int16(values) => values.push(0),
            Self::Int32(values) => values.push(0),
            Self::Int64(values) | Self::Ticks { ticks: values, .. } => values.push(0),
            Self::Float(values) => values.push(0.0),
            Self::Double(values) => values.push(0.0),
            Self::Decimal(values) => values.push(0),
            Self::Bytes { offsets, .. } | Self::List { offsets, .. } | Self::Map { offsets, .. } => {
                offsets.push(offsets.last().copied().unwrap_or(0));
            }
            Self::Row(record) => record.push_null(),
        }
    }
}

/// An integer of fewer than 64 bits.
#[inline]
fn narrow<T: TryFrom<i64>>(decoder: &mut Decoder<'_>) -> Result<T> {
    let value = decoder.varint()?;
    T::try_from(value).map_err(|_| decoder.corrupt(format!("{value} does not fit {} bits", size_of::<T>() * 8)))
}

/// A big-endian number of any length, where all that goes beyond 128 bits is its sign.
fn number(bytes: &[u8]) -> Option<i128> {
    let sign: u8 = if bytes.first().is_some_and(|first| *first >= 0x80) { 0xff } else { 0 };
    let spare = bytes.len().saturating_sub(size_of::<i128>());
    let (beyond, bytes) = bytes.split_at_checked(spare)?;
    let mut whole = [sign; size_of::<i128>()];
    whole.get_mut(size_of::<i128>() - bytes.len()..)?.copy_from_slice(bytes);
    let whole = i128::from_be_bytes(whole);
    (beyond.iter().all(|byte| *byte == sign) && (whole < 0) == (sign != 0)).then_some(whole)
}

fn offset(end: usize, decoder: &Decoder<'_>) -> Result<i32> {
    i32::try_from(end).map_err(|_| decoder.corrupt("a column of more than 2 GiB in a batch"))
}
