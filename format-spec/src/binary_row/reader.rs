//! The bytes of rows, arrays and maps to values; every offset and length is checked against what is there.
//!
//! Answers to `BinaryRow`, `BinaryArray` and `BinaryMap`.

use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, ErrorKind, Result};

use super::header_bytes;
use super::writer::{DECIMAL_COMPACT_MAX, INLINE_BYTES_MAX, TIMESTAMP_COMPACT_MAX, element_bytes};

/// How deep nested values may go; types are bounded alike.
const DEPTH_MAX: usize = 100;

pub(super) fn decode_row(bytes: &[u8], types: &[DataType]) -> Result<Vec<Option<Datum>>> {
    // Every item of an honest row has bytes of its own, and so has every byte of a text: their sum is below twice the bytes.
    // Offsets that point many times at the same bytes would ask for more, and more memory than the row warrants.
    let mut reader = Reader { depth: 0, room: bytes.len().saturating_mul(2) };
    reader.row(bytes, types)
}

/// How deep the value at hand is nested, and how many bytes and items may still be made.
struct Reader {
    depth: usize,
    room: usize,
}

fn corrupt(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a binary row is corrupt: {}", why.into()))
}

/// `length` bytes at `offset`.
fn part(bytes: &[u8], offset: usize, length: usize) -> Result<&[u8]> {
    offset
        .checked_add(length)
        .and_then(|end| bytes.get(offset..end))
        .ok_or_else(|| corrupt(format!("{length} bytes at {offset} of {}", bytes.len())))
}

/// A little-endian number of 1 to 8 bytes, zero extended.
fn number(bytes: &[u8], offset: usize, width: usize) -> Result<u64> {
    let mut wide = [0; 8];
    wide[..width].copy_from_slice(part(bytes, offset, width)?);
    Ok(u64::from_le_bytes(wide))
}

fn offset_of(slot: u64) -> usize {
    (slot >> 32) as usize
}

fn length_of(slot: u64) -> usize {
    slot as u32 as usize
}

fn pointed(bytes: &[u8], slot: u64) -> Result<&[u8]> {
    part(bytes, offset_of(slot), length_of(slot))
}

fn text_bytes(bytes: &[u8], at: usize, slot: u64) -> Result<&[u8]> {
    let mark = (slot >> 56) as usize;
    if mark & 0x80 == 0 {
        return pointed(bytes, slot);
    }
    let length = mark & 0x7f;
    if length > INLINE_BYTES_MAX {
        return Err(corrupt(format!("an inline text of {length} bytes")));
    }
    part(bytes, at, length)
}

fn decimal(bytes: &[u8], slot: u64, precision: u8) -> Result<i128> {
    if precision <= DECIMAL_COMPACT_MAX {
        return Ok(i128::from(slot.cast_signed()));
    }
    let digits = pointed(bytes, slot)?;
    if digits.is_empty() || digits.len() > 16 {
        return Err(corrupt(format!("a decimal of {} bytes", digits.len())));
    }
    let negative = digits[0] & 0x80 != 0;
    let mut wide = if negative { [0xff; 16] } else { [0; 16] };
    wide[16 - digits.len()..].copy_from_slice(digits);
    Ok(i128::from_be_bytes(wide))
}

fn timestamp(bytes: &[u8], slot: u64, precision: u8) -> Result<Datum> {
    if precision <= TIMESTAMP_COMPACT_MAX {
        return Ok(Datum::Timestamp { millis: slot.cast_signed(), nanos_of_milli: 0 });
    }
    let nanos_of_milli = i32::try_from(length_of(slot)).ok().filter(|nanos| *nanos < 1_000_000);
    let nanos_of_milli =
        nanos_of_milli.ok_or_else(|| corrupt("a timestamp has over a million nanoseconds in a millisecond"))?;
    Ok(Datum::Timestamp { millis: number(bytes, offset_of(slot), 8)?.cast_signed(), nanos_of_milli })
}

type Pairs = Vec<(Option<Datum>, Option<Datum>)>;

impl Reader {
    fn take(&mut self, amount: usize) -> Result<()> {
        self.room = self.room.checked_sub(amount).ok_or_else(|| corrupt("its parts overlap"))?;
        Ok(())
    }

    fn row(&mut self, bytes: &[u8], types: &[DataType]) -> Result<Vec<Option<Datum>>> {
        let header = header_bytes(types.len());
        part(bytes, 0, header + types.len() * 8)?;
        let mut values = Vec::with_capacity(types.len());
        for (index, data_type) in types.iter().enumerate() {
            let bit = index + 8;
            let null = bytes[bit / 8] >> (bit % 8) & 1 == 1;
            values.push(if null { None } else { Some(self.value(bytes, header + index * 8, &data_type.root)?) });
        }
        Ok(values)
    }

    /// The value whose slot is at `at` of a row or array that begins at the start of `bytes`.
    fn value(&mut self, bytes: &[u8], at: usize, root: &TypeRoot) -> Result<Datum> {
        let slot = number(bytes, at, element_bytes(root))?;
        let int = || (slot as u32).cast_signed();
        Ok(match root {
            TypeRoot::Boolean => Datum::Boolean(slot & 0xff != 0),
            TypeRoot::TinyInt => Datum::TinyInt((slot as u8).cast_signed()),
            TypeRoot::SmallInt => Datum::SmallInt((slot as u16).cast_signed()),
            TypeRoot::Int => Datum::Int(int()),
            TypeRoot::Date => Datum::Date(int()),
            TypeRoot::Time(_) => Datum::Time(int()),
            TypeRoot::BigInt => Datum::BigInt(slot.cast_signed()),
            TypeRoot::Float => Datum::Float(f32::from_bits(slot as u32)),
            TypeRoot::Double => Datum::Double(f64::from_bits(slot)),
            TypeRoot::Char(_) | TypeRoot::VarChar(_) => {
                let text = text_bytes(bytes, at, slot)?;
                self.take(text.len())?;
                Datum::String(std::str::from_utf8(text).map_err(|_| corrupt("a text is not UTF-8"))?.to_owned())
            }
            TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
                let value = text_bytes(bytes, at, slot)?;
                self.take(value.len())?;
                Datum::Bytes(value.to_vec())
            }
            TypeRoot::Decimal { precision, .. } => Datum::Decimal(decimal(bytes, slot, *precision)?),
            TypeRoot::Timestamp(p) | TypeRoot::TimestampLtz(p) => timestamp(bytes, slot, *p)?,
            TypeRoot::Array(_) | TypeRoot::Map { .. } | TypeRoot::Multiset(_) | TypeRoot::Row(_) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(corrupt(format!("values nest deeper than {DEPTH_MAX}")));
                }
                let value = self.nested(pointed(bytes, slot)?, root)?;
                self.depth -= 1;
                value
            }
            TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. } => return Err(Error::unsupported(root)),
        })
    }

    fn nested(&mut self, bytes: &[u8], root: &TypeRoot) -> Result<Datum> {
        Ok(match root {
            TypeRoot::Array(element) => Datum::Array(self.array(bytes, element)?),
            TypeRoot::Map { key, value } => Datum::Map(self.map(bytes, key, value)?),
            TypeRoot::Multiset(element) => Datum::Map(self.map(bytes, element, &DataType::not_null(TypeRoot::Int))?),
            TypeRoot::Row(fields) => {
                let types: Vec<DataType> = fields.iter().map(|field| field.data_type.clone()).collect();
                self.take(types.len())?;
                Datum::Row(self.row(bytes, &types)?)
            }
            other => return Err(Error::internal(format!("{other} is not nested"))),
        })
    }

    fn array(&mut self, bytes: &[u8], element: &DataType) -> Result<Vec<Option<Datum>>> {
        let count = number(bytes, 0, 4)? as usize;
        let width = element_bytes(&element.root);
        let fixed = count.div_ceil(32).saturating_mul(4).saturating_add(4);
        part(bytes, 0, fixed.saturating_add(count.saturating_mul(width)))?;
        self.take(count)?;
        let mut items = Vec::with_capacity(count);
        for index in 0..count {
            let null = bytes[4 + index / 8] >> (index % 8) & 1 == 1;
            items.push(if null { None } else { Some(self.value(bytes, fixed + index * width, &element.root)?) });
        }
        Ok(items)
    }

    fn map(&mut self, bytes: &[u8], key: &DataType, value: &DataType) -> Result<Pairs> {
        let key_bytes = number(bytes, 0, 4)? as usize;
        let keys = self.array(part(bytes, 4, key_bytes)?, key)?;
        let rest = bytes.get(4 + key_bytes..).unwrap_or_default();
        let values = self.array(rest, value)?;
        if keys.len() != values.len() {
            return Err(corrupt(format!("a map of {} keys and {} values", keys.len(), values.len())));
        }
        Ok(keys.into_iter().zip(values).collect())
    }
}
