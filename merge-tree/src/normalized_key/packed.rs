//! Keys of fixed-width columns, packed into one integer.
//!
//! Goes in: columns of fixed width. Comes out: an integer a row, the first column in its highest bits. Invariants: each column
//! takes the same bits in every row, so the order of the integers is that of the columns; a nullable column has one bit more, on
//! top of its others, which is 0 for null.

use std::cmp::Ordering;
use std::fmt::Debug;

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::{DataType, TimeUnit};

use super::{KeyStore, Keys, is_moment};
use crate::merge_options::SequenceOrder;

/// An unsigned integer that holds a packed key.
pub(crate) trait Word: Copy + Ord + Default + Debug + Send + Sync {
    fn from_u128(value: u128) -> Self;
    fn to_u128(self) -> u128;
    /// Makes room for `bits` low bits, which may be all of the word.
    fn appended(self, bits: u32, value: Self) -> Self;
}

impl Word for u64 {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lanes of this word have 64 bits at most")]
    fn from_u128(value: u128) -> Self {
        value as u64
    }

    #[inline]
    fn to_u128(self) -> u128 {
        u128::from(self)
    }

    #[inline]
    fn appended(self, bits: u32, value: Self) -> Self {
        self.checked_shl(bits).unwrap_or(0) | value
    }
}

impl Word for u128 {
    #[inline]
    fn from_u128(value: u128) -> Self {
        value
    }

    #[inline]
    fn to_u128(self) -> u128 {
        self
    }

    #[inline]
    fn appended(self, bits: u32, value: Self) -> Self {
        self.checked_shl(bits).unwrap_or(0) | value
    }
}

/// Packed keys, one word a row.
#[derive(Debug, Default)]
pub(crate) struct Packed<W>(Vec<W>);

impl<W> Packed<W> {
    pub(crate) fn words(&self) -> &[W] {
        &self.0
    }

    pub(crate) fn push(&mut self, word: W) {
        self.0.push(word);
    }
}

macro_rules! packed_store {
    ($word:ty, $variant:ident) => {
        impl KeyStore for Packed<$word> {
            type Head = $word;

            fn from_keys(keys: Keys) -> Option<Self> {
                match keys {
                    Keys::$variant(keys) => Some(keys),
                    _ => None,
                }
            }

            #[inline]
            fn len(&self) -> usize {
                self.0.len()
            }

            #[inline]
            fn head(&self, row: usize) -> $word {
                self.0[row]
            }

            #[inline]
            fn compare_tails(&self, _row: usize, _other: &Self, _other_row: usize) -> Ordering {
                Ordering::Equal
            }
        }
    };
}

packed_store!(u64, Packed64);
packed_store!(u128, Packed128);

/// The bits of one column in a packed key.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    kind: LaneKind,
    nullable: bool,
    order: SequenceOrder,
}

#[derive(Clone, Copy, Debug)]
enum LaneKind {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    /// Of at most 18 digits: its unscaled value fits into 64 bits.
    CompactDecimal,
    Decimal,
    Moment,
}

impl Lane {
    /// The lane of a column; `None` when its values have no fixed width.
    pub(crate) fn of(data_type: &DataType, nullable: bool, order: SequenceOrder) -> Option<Self> {
        let kind = match data_type {
            DataType::Boolean => LaneKind::Boolean,
            DataType::Int8 => LaneKind::Int8,
            DataType::Int16 => LaneKind::Int16,
            DataType::Int32 | DataType::Date32 | DataType::Time32(TimeUnit::Millisecond) => LaneKind::Int32,
            DataType::Int64 | DataType::Timestamp(_, _) => LaneKind::Int64,
            DataType::Float32 => LaneKind::Float32,
            DataType::Float64 => LaneKind::Float64,
            DataType::Decimal128(precision, _) if *precision <= 18 => LaneKind::CompactDecimal,
            DataType::Decimal128(_, _) => LaneKind::Decimal,
            moment if is_moment(moment) && !nullable => LaneKind::Moment,
            _ => return None,
        };
        Some(Self { kind, nullable, order })
    }

    pub(crate) fn total_bits(lanes: &[Self]) -> u32 {
        lanes.iter().map(|lane| lane.value_bits() + u32::from(lane.nullable)).sum()
    }

    fn value_bits(&self) -> u32 {
        match self.kind {
            LaneKind::Boolean => 1,
            LaneKind::Int8 => 8,
            LaneKind::Int16 => 16,
            LaneKind::Int32 | LaneKind::Float32 => 32,
            LaneKind::Int64 | LaneKind::Float64 | LaneKind::CompactDecimal => 64,
            LaneKind::Decimal => 128,
            LaneKind::Moment => 96,
        }
    }
}

impl<W: Word> Packed<W> {
    /// Adds the keys of `rows` rows.
    pub(crate) fn append(&mut self, lanes: &[Lane], arrays: &[ArrayRef], rows: usize) -> Result<()> {
        let start = self.0.len();
        self.0.resize(start + rows, W::default());
        let Some(words) = self.0.get_mut(start..) else {
            return Err(Error::internal("packed keys shrank"));
        };
        for (lane, array) in lanes.iter().zip(arrays) {
            append_lane(words, lane, array)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_sign_loss, reason = "sign bits are flipped: the bits are wanted")]
fn append_lane<W: Word>(words: &mut [W], lane: &Lane, array: &ArrayRef) -> Result<()> {
    if !lane.nullable && array.null_count() > 0 {
        return Err(Error::invalid("a key column, or a sequence column that is NOT NULL, holds a null"));
    }
    match lane.kind {
        LaneKind::Boolean => {
            let values = array.as_boolean().values().clone();
            append_values(words, lane, array.nulls(), values.iter().map(u128::from));
            Ok(())
        }
        LaneKind::Int8 => append_native(words, lane, array, |value: i8| u128::from(value as u8 ^ (1 << 7))),
        LaneKind::Int16 => append_native(words, lane, array, |value: i16| u128::from(value as u16 ^ (1 << 15))),
        LaneKind::Int32 => append_native(words, lane, array, |value: i32| u128::from(value as u32 ^ (1 << 31))),
        LaneKind::Int64 => append_native(words, lane, array, |value: i64| u128::from(value as u64 ^ (1 << 63))),
        LaneKind::Float32 => append_native(words, lane, array, |value: f32| u128::from(float32_bits(value))),
        LaneKind::Float64 => append_native(words, lane, array, |value: f64| u128::from(float64_bits(value))),
        LaneKind::CompactDecimal => {
            // A value beyond its precision is kept from wrapping around; real ones never reach the limits.
            let narrow = |value: i128| value.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            append_native(words, lane, array, |value| (narrow(value) - i128::from(i64::MIN)) as u128)
        }
        LaneKind::Decimal => append_native(words, lane, array, |value: i128| value as u128 ^ (1 << 127)),
        LaneKind::Moment => append_moment(words, lane, array),
    }
}

fn append_moment<W: Word>(words: &mut [W], lane: &Lane, array: &ArrayRef) -> Result<()> {
    let [millis, nanos] = array.as_struct().columns() else {
        return Err(Error::internal("a timestamp of two parts has other parts"));
    };
    append_lane(words, &Lane { kind: LaneKind::Int64, ..lane.clone() }, millis)?;
    append_lane(words, &Lane { kind: LaneKind::Int32, ..lane.clone() }, nanos)
}

fn append_native<W: Word, T: ArrowNativeType>(
    words: &mut [W],
    lane: &Lane,
    array: &ArrayRef,
    bits: impl Fn(T) -> u128,
) -> Result<()> {
    let data = array.to_data();
    if data.buffers().is_empty() {
        return Err(Error::internal("a fixed-width array without values"));
    }
    append_values(words, lane, array.nulls(), data.buffer::<T>(0).iter().map(|value| bits(*value)));
    Ok(())
}

#[inline]
fn append_values<W: Word>(
    words: &mut [W],
    lane: &Lane,
    nulls: Option<&NullBuffer>,
    values: impl Iterator<Item = u128>,
) {
    let bits = lane.value_bits();
    let flip = match lane.order {
        SequenceOrder::Ascending => 0,
        SequenceOrder::Descending => u128::MAX >> (u128::BITS - bits),
    };
    if !lane.nullable {
        for (word, value) in words.iter_mut().zip(values) {
            *word = word.appended(bits, W::from_u128(value ^ flip));
        }
        return;
    }
    for (row, (word, value)) in words.iter_mut().zip(values).enumerate() {
        let valid = nulls.is_none_or(|nulls| nulls.is_valid(row));
        let value = if valid { (1_u128 << bits) | (value ^ flip) } else { 0 };
        *word = word.appended(bits + 1, W::from_u128(value));
    }
}

/// Bits in the order of `alluvium_format::datum::compare_keys`: adding 0.0 makes -0.0 of it.
#[inline]
fn float32_bits(value: f32) -> u32 {
    let bits = if value.is_nan() { f32::NAN.to_bits() } else { (value + 0.0).to_bits() };
    if bits >> 31 == 1 { !bits } else { bits | (1 << 31) }
}

/// As [`float32_bits`].
#[inline]
fn float64_bits(value: f64) -> u64 {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}
