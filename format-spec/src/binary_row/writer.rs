//! Values to the bytes of rows, arrays and maps.
//!
//! Answers to `BinaryRowWriter`, `BinaryArrayWriter` and `AbstractBinaryWriter`.

use crate::data_type::{DataType, TypeRoot};
use crate::datum::Datum;
use crate::error::{Error, Result};

use super::header_bytes;

/// The highest precision of a DECIMAL that fits 64 bits.
pub(crate) const DECIMAL_COMPACT_MAX: u8 = 18;
/// The highest precision of a TIMESTAMP that is whole milliseconds.
pub(crate) const TIMESTAMP_COMPACT_MAX: u8 = 3;
/// The longest text or binary that fits a slot.
pub(crate) const INLINE_BYTES_MAX: usize = 7;

pub(super) fn encode_row(types: &[DataType], values: &[Option<Datum>]) -> Result<Vec<u8>> {
    if types.len() != values.len() {
        return Err(Error::invalid(format!("{} values for a row of {} columns", values.len(), types.len())));
    }
    let mut row = RowWriter::new(types.len());
    for (index, (data_type, value)) in types.iter().zip(values).enumerate() {
        row.write(index, &data_type.root, value.as_ref())?;
    }
    Ok(row.finish())
}

/// Writes a row field by field; used again row after row, it keeps its memory.
#[derive(Debug, Default)]
pub struct RowWriter {
    bytes: Vec<u8>,
    header: usize,
    arity: usize,
}

impl RowWriter {
    /// A row of `arity` fields, all zero.
    pub fn new(arity: usize) -> Self {
        let mut writer = Self { bytes: Vec::new(), header: header_bytes(arity), arity };
        writer.reset();
        writer
    }

    /// Starts the next row.
    pub fn reset(&mut self) {
        self.bytes.clear();
        self.bytes.resize(self.header + self.arity * 8, 0);
    }

    /// The row so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The row.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Puts 8 bytes into the slot of a field.
    #[inline]
    pub fn set_slot(&mut self, index: usize, value: i64) {
        let at = self.header + index * 8;
        if let Some(slot) = self.bytes.get_mut(at..at + 8) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Makes a field null, without the room that wide decimals and timestamps keep.
    #[inline]
    pub fn set_null_bit(&mut self, index: usize) {
        let bit = index + 8;
        if let Some(byte) = self.bytes.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
        }
    }

    /// Puts text or binary into a field: into the slot when short, else into the variable part.
    #[inline]
    pub fn set_bytes(&mut self, index: usize, value: &[u8]) {
        match inline(value) {
            Some(slot) => self.set_slot(index, slot),
            None => self.set_variable(index, value, value.len()),
        }
    }

    /// Appends to the variable part, padded to 8 bytes, and points the slot at it with `low` as its low half.
    fn set_variable(&mut self, index: usize, value: &[u8], low: usize) {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(value);
        pad(&mut self.bytes);
        self.set_slot(index, offset_and(offset, low));
    }

    /// A value of a type into a field.
    ///
    /// # Errors
    /// `Invalid` when the value is not of the type; `Unsupported` for types without a binary form here.
    pub fn write(&mut self, index: usize, root: &TypeRoot, value: Option<&Datum>) -> Result<()> {
        let Some(value) = value else {
            self.write_null(index, root);
            return Ok(());
        };
        match encode(root, value)? {
            Encoded::Slot(slot) => self.set_slot(index, slot),
            Encoded::Variable { bytes, low } => self.set_variable(index, &bytes, low),
        }
        Ok(())
    }

    /// Null, with the room that wide decimals and timestamps keep even then.
    pub fn write_null(&mut self, index: usize, root: &TypeRoot) {
        self.set_null_bit(index);
        match reserved_bytes(root) {
            0 => {}
            room => self.set_variable(index, &[0; 16][..room], 0),
        }
    }

    /// A decimal of the given precision.
    pub fn write_decimal(&mut self, index: usize, precision: u8, unscaled: i128) {
        match encode_decimal(precision, unscaled) {
            Encoded::Slot(slot) => self.set_slot(index, slot),
            Encoded::Variable { bytes, low } => self.set_variable(index, &bytes, low),
        }
    }

    /// A FLOAT; every NaN is Java's one.
    #[inline]
    pub fn write_float(&mut self, index: usize, value: f32) {
        self.set_slot(index, i64::from(float_bits(value)));
    }

    /// A DOUBLE; every NaN is Java's one.
    #[inline]
    pub fn write_double(&mut self, index: usize, value: f64) {
        self.set_slot(index, double_bits(value).cast_signed());
    }

    /// A timestamp of the given precision.
    pub fn write_timestamp(&mut self, index: usize, precision: u8, millis: i64, nanos_of_milli: i32) {
        if precision <= TIMESTAMP_COMPACT_MAX {
            self.set_slot(index, millis);
        } else {
            self.set_variable(index, &millis.to_le_bytes(), usize::try_from(nanos_of_milli).unwrap_or(0));
        }
    }
}

/// How many bytes of the variable part a null of the type keeps in a row.
fn reserved_bytes(root: &TypeRoot) -> usize {
    match root {
        TypeRoot::Decimal { precision, .. } if *precision > DECIMAL_COMPACT_MAX => 16,
        TypeRoot::Timestamp(p) | TypeRoot::TimestampLtz(p) if *p > TIMESTAMP_COMPACT_MAX => 8,
        _ => 0,
    }
}

fn offset_and(offset: usize, low: usize) -> i64 {
    // Rows are far below 4 GiB: both halves fit.
    ((offset as u64) << 32 | low as u64).cast_signed()
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

/// The slot of a text or binary of at most 7 bytes.
fn inline(value: &[u8]) -> Option<i64> {
    if value.len() > INLINE_BYTES_MAX {
        return None;
    }
    let mut slot = [0; 8];
    slot[..value.len()].copy_from_slice(value);
    slot[7] = 0x80 | value.len() as u8;
    Some(i64::from_le_bytes(slot))
}

enum Encoded {
    /// The value itself, in the low bytes.
    Slot(i64),
    /// For the variable part, with the low half of the slot.
    Variable { bytes: Vec<u8>, low: usize },
}

fn sized(bytes: Vec<u8>) -> Encoded {
    let low = bytes.len();
    Encoded::Variable { bytes, low }
}

fn encode(root: &TypeRoot, value: &Datum) -> Result<Encoded> {
    let low = |v: i32| i64::from(v.cast_unsigned());
    Ok(match (root, value) {
        (TypeRoot::Boolean, Datum::Boolean(v)) => Encoded::Slot(i64::from(*v)),
        (TypeRoot::TinyInt, Datum::TinyInt(v)) => Encoded::Slot(i64::from(v.cast_unsigned())),
        (TypeRoot::SmallInt, Datum::SmallInt(v)) => Encoded::Slot(i64::from(v.cast_unsigned())),
        (TypeRoot::Int, Datum::Int(v)) | (TypeRoot::Date, Datum::Date(v)) | (TypeRoot::Time(_), Datum::Time(v)) => {
            Encoded::Slot(low(*v))
        }
        (TypeRoot::BigInt, Datum::BigInt(v)) => Encoded::Slot(*v),
        (TypeRoot::Float, Datum::Float(v)) => Encoded::Slot(i64::from(float_bits(*v))),
        (TypeRoot::Double, Datum::Double(v)) => Encoded::Slot(double_bits(*v).cast_signed()),
        (TypeRoot::Char(_) | TypeRoot::VarChar(_), Datum::String(text)) => encode_bytes(text.as_bytes()),
        (TypeRoot::Binary(_) | TypeRoot::VarBinary(_), Datum::Bytes(bytes)) => encode_bytes(bytes),
        (TypeRoot::Decimal { precision, .. }, Datum::Decimal(unscaled)) => encode_decimal(*precision, *unscaled),
        (TypeRoot::Timestamp(p) | TypeRoot::TimestampLtz(p), Datum::Timestamp { millis, nanos_of_milli }) => {
            if *p <= TIMESTAMP_COMPACT_MAX {
                Encoded::Slot(*millis)
            } else {
                let low = usize::try_from(*nanos_of_milli).unwrap_or(0);
                Encoded::Variable { bytes: millis.to_le_bytes().to_vec(), low }
            }
        }
        (TypeRoot::Array(element), Datum::Array(items)) => sized(encode_array(element, items)?),
        (TypeRoot::Map { key, value }, Datum::Map(pairs)) => sized(encode_map(key, value, pairs)?),
        (TypeRoot::Multiset(element), Datum::Map(pairs)) => {
            sized(encode_map(element, &DataType::not_null(TypeRoot::Int), pairs)?)
        }
        (TypeRoot::Row(fields), Datum::Row(values)) => {
            let types: Vec<DataType> = fields.iter().map(|field| field.data_type.clone()).collect();
            sized(encode_row(&types, values)?)
        }
        (TypeRoot::Variant | TypeRoot::Blob | TypeRoot::Vector { .. }, _) => return Err(Error::unsupported(root)),
        _ => return Err(Error::invalid(format!("{value:?} is no {root}"))),
    })
}

/// Java's canonical NaN.
fn float_bits(value: f32) -> u32 {
    if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() }
}

/// Java's canonical NaN.
fn double_bits(value: f64) -> u64 {
    if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() }
}

fn encode_bytes(bytes: &[u8]) -> Encoded {
    inline(bytes).map_or_else(|| sized(bytes.to_vec()), Encoded::Slot)
}

fn encode_decimal(precision: u8, unscaled: i128) -> Encoded {
    if precision <= DECIMAL_COMPACT_MAX {
        // The value has at most 18 digits.
        return Encoded::Slot(unscaled as i64);
    }
    let wide = unscaled.to_be_bytes();
    let sign = if unscaled < 0 { 0xff } else { 0 };
    // Minimal two's complement: leading sign bytes go as long as the next byte still shows the sign.
    let skipped = wide.windows(2).take_while(|pair| pair[0] == sign && (pair[1] ^ sign) & 0x80 == 0).count();
    let low = wide.len() - skipped;
    let mut bytes = wide[skipped..].to_vec();
    bytes.resize(16, 0);
    Encoded::Variable { bytes, low }
}

/// Bytes an array element takes in the fixed part.
pub(super) fn element_bytes(root: &TypeRoot) -> usize {
    match root {
        TypeRoot::Boolean | TypeRoot::TinyInt => 1,
        TypeRoot::SmallInt => 2,
        TypeRoot::Int | TypeRoot::Float | TypeRoot::Date | TypeRoot::Time(_) => 4,
        _ => 8,
    }
}

fn encode_array(element: &DataType, items: &[Option<Datum>]) -> Result<Vec<u8>> {
    let width = element_bytes(&element.root);
    let fixed = 4 + items.len().div_ceil(32) * 4;
    let mut out = vec![0; (fixed + items.len() * width).next_multiple_of(8)];
    let count = u32::try_from(items.len()).map_err(|_| Error::invalid("an array of over 4 billion elements"))?;
    out[..4].copy_from_slice(&count.to_le_bytes());
    for (index, item) in items.iter().enumerate() {
        let Some(item) = item else {
            out[4 + index / 8] |= 1 << (index % 8);
            continue;
        };
        let slot = match encode(&element.root, item)? {
            Encoded::Slot(slot) => slot,
            Encoded::Variable { bytes, low } => {
                let offset = out.len();
                out.extend_from_slice(&bytes);
                pad(&mut out);
                offset_and(offset, low)
            }
        };
        let at = fixed + index * width;
        out[at..at + width].copy_from_slice(&slot.to_le_bytes()[..width]);
    }
    Ok(out)
}

fn encode_map(key: &DataType, value: &DataType, pairs: &[(Option<Datum>, Option<Datum>)]) -> Result<Vec<u8>> {
    let keys: Vec<Option<Datum>> = pairs.iter().map(|(key, _)| key.clone()).collect();
    let values: Vec<Option<Datum>> = pairs.iter().map(|(_, value)| value.clone()).collect();
    let keys = encode_array(key, &keys)?;
    let size = u32::try_from(keys.len()).map_err(|_| Error::invalid("a map of over 4 GiB"))?;
    let mut out = size.to_le_bytes().to_vec();
    out.extend_from_slice(&keys);
    out.extend_from_slice(&encode_array(value, &values)?);
    Ok(out)
}
