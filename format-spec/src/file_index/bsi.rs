//! A bit-sliced index over a column of numbers: the rows whose number has each bit.
//!
//! At rest, big-endian: 1 byte version; 4 row count; 1 whether there are numbers from 0 on, and if so their slices; 1 whether there are
//! negative ones, and if so those of their absolutes. Slices are: 1 byte version; 8 least number; 8 greatest; the rows that have a
//! number, as a bitmap in Roaring's portable form; 4 number of slices; the bitmap of each, from the lowest bit on, of numbers less the
//! least. Java's writer says 0 for the least. Answers to `BitSliceIndexBitmapFileIndex` and `BitSliceIndexRoaringBitmap`.

use roaring::RoaringBitmap;

use super::cursor::Cursor;
use super::value::Values;
use super::value_rows::rows_with;
use super::{int, row_bitmap};
use crate::error::{Error, Result};
use crate::predicate::CompareOp;

const VERSION: u8 = 1;
/// Slices of numbers of 63 bits and the absolute of the least one.
const SLICES_MAX: usize = 64;

/// Rows by the bits of their numbers.
#[derive(Clone, Debug)]
pub(super) struct BsiIndex {
    row_count: u32,
    positive: Slices,
    negative: Slices,
}

/// Rows by the bits of numbers that are not negative.
#[derive(Clone, Debug, Default)]
struct Slices {
    min: u64,
    max: u64,
    present: RoaringBitmap,
    slices: Vec<RoaringBitmap>,
}

/// Rows against one number.
struct Compared {
    below: RoaringBitmap,
    equal: RoaringBitmap,
    above: RoaringBitmap,
}

impl BsiIndex {
    /// From its form at rest, which was read from `path`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for another version; [`crate::ErrorKind::Corrupt`].
    pub(super) fn open(bytes: &[u8], path: &str) -> Result<Self> {
        let mut cursor = Cursor::new(bytes, path);
        cursor.version(VERSION, "bsi index")?;
        let row_count = cursor.rows()?;
        let positive = Slices::read_if_present(&mut cursor, row_count)?;
        let negative = Slices::read_if_present(&mut cursor, row_count)?;
        Ok(Self { row_count, positive, negative })
    }

    /// Rows of the file.
    pub(super) fn row_count(&self) -> u32 {
        self.row_count
    }

    /// The rows that are not null.
    pub(super) fn not_null(&self) -> RoaringBitmap {
        &self.positive.present | &self.negative.present
    }

    /// The rows whose number compares with `number` like this.
    pub(super) fn compare(&self, op: CompareOp, number: i64) -> RoaringBitmap {
        let absolute = number.unsigned_abs();
        let (below, equal, above) = if number < 0 {
            let compared = self.negative.compare(absolute);
            (compared.above, compared.equal, compared.below | &self.positive.present)
        } else {
            let compared = self.positive.compare(absolute);
            (compared.below | &self.negative.present, compared.equal, compared.above)
        };
        match op {
            CompareOp::Eq => equal,
            CompareOp::NotEq => below | above,
            CompareOp::Lt => below,
            CompareOp::LtEq => below | equal,
            CompareOp::Gt => above,
            CompareOp::GtEq => above | equal,
        }
    }
}

impl Slices {
    fn read_if_present(cursor: &mut Cursor<'_>, row_count: u32) -> Result<Self> {
        if cursor.byte()? == 0 {
            return Ok(Self::default());
        }
        cursor.version(VERSION, "slices of a bsi index")?;
        let mut number =
            || u64::try_from(cursor.long()?).map_err(|_| cursor.corrupt("a negative bound of numbers that are not"));
        let (min, max) = (number()?, number()?);
        let present = row_bitmap::read(cursor, row_count)?;
        let count = cursor.count(1)?;
        if count > SLICES_MAX {
            return Err(cursor.corrupt(format!("{count} slices")));
        }
        let slices = (0..count).map(|_| row_bitmap::read(cursor, row_count)).collect::<Result<_>>()?;
        Ok(Self { min, max, present, slices })
    }

    /// O'Neil's comparison, from the highest bit down.
    fn compare(&self, number: u64) -> Compared {
        let none = RoaringBitmap::new;
        if number < self.min {
            return Compared { below: none(), equal: none(), above: self.present.clone() };
        }
        if number > self.max {
            return Compared { below: self.present.clone(), equal: none(), above: none() };
        }
        let number = number - self.min;
        let mut compared = Compared { below: none(), equal: self.present.clone(), above: none() };
        for (bit, slice) in self.slices.iter().enumerate().rev() {
            if number >> bit & 1 == 1 {
                compared.below |= &compared.equal - slice;
                compared.equal &= slice;
            } else {
                compared.above |= &compared.equal & slice;
                compared.equal -= slice;
            }
        }
        compared
    }

    fn add(&mut self, row: u32, number: u64) {
        self.max = self.max.max(number);
        let mut bits = number;
        while bits != 0 {
            let bit = bits.trailing_zeros() as usize;
            if self.slices.len() <= bit {
                self.slices.resize_with(bit + 1, RoaringBitmap::new);
            }
            if let Some(slice) = self.slices.get_mut(bit) {
                slice.insert(row);
            }
            bits &= bits - 1;
        }
        self.present.insert(row);
    }

    fn push(self, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.push(u8::from(!self.present.is_empty()));
        if self.present.is_empty() {
            return Ok(());
        }
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.min.to_be_bytes());
        bytes.extend_from_slice(&self.max.to_be_bytes());
        row_bitmap::push(bytes, self.present)?;
        bytes.extend_from_slice(&int(self.slices.len())?.to_be_bytes());
        self.slices.into_iter().try_for_each(|slice| row_bitmap::push(bytes, slice))
    }
}

/// A bit-sliced index on its way.
#[derive(Debug, Default)]
pub(super) struct BsiWriter {
    row_count: u32,
    positive: Slices,
    negative: Slices,
}

impl BsiWriter {
    /// Appends a column.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for the least number of 64 bits, which Java does not take either, and for too many rows;
    /// [`crate::ErrorKind::Internal`] for what is no number.
    pub(super) fn push(&mut self, values: &Values) -> Result<()> {
        let Values::Numbers(numbers) = values else {
            return Err(Error::internal("a bsi index over what is no number"));
        };
        let first = self.row_count;
        self.row_count = rows_with(first, numbers.len())?;
        for (row, number) in (first..).zip(numbers) {
            match number {
                Some(i64::MIN) => return Err(Error::invalid(format!("a bsi index cannot hold {}", i64::MIN))),
                Some(number) if number < 0 => self.negative.add(row, number.unsigned_abs()),
                Some(number) => self.positive.add(row, number.unsigned_abs()),
                None => {}
            }
        }
        Ok(())
    }

    /// The index at rest.
    pub(super) fn encode(self) -> Result<Vec<u8>> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.row_count.to_be_bytes());
        self.positive.push(&mut bytes)?;
        self.negative.push(&mut bytes)?;
        Ok(bytes)
    }
}
