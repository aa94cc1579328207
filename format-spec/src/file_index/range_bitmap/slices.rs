//! Rows by the bits of their codes.
//!
//! At rest, big-endian: 4 bytes length of the header; of it 1 version, 1 number of slices, 4 length of the bitmap of the rows that have a
//! code, 4 length of what follows in the header: for each slice 4 offset and 4 length. Then that bitmap, then the slices, from the
//! lowest bit on; offsets count from the first slice. An index without values has 64 slices. Answers to `BitSliceIndexBitmap`.

use bytes::Bytes;
use roaring::RoaringBitmap;

use crate::error::Result;
use crate::file_index::cursor::Cursor;
use crate::file_index::{int, row_bitmap};

const VERSION: u8 = 1;
/// Slices of an index without values: Java's bits of -1.
const SLICES_OF_NOTHING: usize = 64;

/// Rows by the bits of their codes, found as they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Slices {
    bytes: Bytes,
    path: String,
    row_count: u32,
    present: usize,
    /// Where each slice begins.
    slices: Vec<usize>,
}

impl Slices {
    /// Those that begin at `start`.
    pub(super) fn open(bytes: Bytes, start: usize, row_count: u32, path: &str) -> Result<Self> {
        let mut cursor = Cursor::new(&bytes, path);
        cursor.take(start)?;
        let header_bytes = cursor.count(1)?;
        let present = cursor.position() + header_bytes;
        cursor.version(VERSION, "slices of a range-bitmap index")?;
        let count = usize::from(cursor.byte()?);
        let body = present + cursor.count(1)?;
        let places_bytes = cursor.count(1)?;
        if places_bytes != 8 * count || cursor.position() + places_bytes != present {
            return Err(cursor.corrupt(format!("{count} slices in {places_bytes} bytes")));
        }
        let mut slices = Vec::with_capacity(count);
        for _ in 0..count {
            let offset = usize::try_from(cursor.int()?).map_err(|_| cursor.corrupt("a slice has a negative place"))?;
            cursor.int()?;
            slices.push(body.saturating_add(offset));
        }
        Ok(Self { path: path.to_owned(), row_count, present, slices, bytes })
    }

    /// The rows that have a code.
    pub(super) fn present(&self) -> Result<RoaringBitmap> {
        self.rows_at(self.present)
    }

    /// The rows of one code.
    pub(super) fn equal(&self, code: u32) -> Result<RoaringBitmap> {
        let mut rows = self.present()?;
        for (bit, start) in self.slices.iter().enumerate() {
            let slice = self.rows_at(*start)?;
            if bit_of(code, bit) { rows &= slice } else { rows -= slice }
        }
        Ok(rows)
    }

    /// The rows of this code and those above.
    pub(super) fn from(&self, code: u32) -> Result<RoaringBitmap> {
        let Some(below) = code.checked_sub(1) else { return self.present() };
        // Bits that are all set from the lowest on leave nothing above them undecided.
        let first = below.trailing_ones() as usize;
        let mut rows: Option<RoaringBitmap> = None;
        for (bit, start) in self.slices.iter().enumerate().skip(first) {
            let slice = self.rows_at(*start)?;
            rows = Some(match rows {
                None => slice,
                Some(rows) if bit_of(below, bit) => rows & slice,
                Some(rows) => rows | slice,
            });
        }
        rows.map_or_else(|| Ok(RoaringBitmap::new()), |rows| Ok(rows & self.present()?))
    }

    fn rows_at(&self, start: usize) -> Result<RoaringBitmap> {
        let mut cursor = Cursor::new(&self.bytes, &self.path);
        cursor.take(start)?;
        row_bitmap::read(&mut cursor, self.row_count)
    }
}

fn bit_of(code: u32, bit: usize) -> bool {
    u32::try_from(bit).ok().and_then(|bit| code.checked_shr(bit)).is_some_and(|shifted| shifted & 1 == 1)
}

/// The slices at rest; `rows` are those of code 0, 1 and so on.
pub(super) fn encode(rows: impl ExactSizeIterator<Item = RoaringBitmap>, row_count: u32) -> Result<Vec<u8>> {
    let count = match rows.len().checked_sub(1) {
        None => SLICES_OF_NOTHING,
        Some(greatest) => ((usize::BITS - greatest.leading_zeros()) as usize).max(1),
    };
    // Rows ascend in every bitmap, which makes adding them cheap.
    let mut codes: Vec<Option<u32>> = vec![None; row_count as usize];
    for (code, rows) in (0..).zip(rows) {
        for row in rows {
            if let Some(place) = codes.get_mut(row as usize) {
                *place = Some(code);
            }
        }
    }
    let (mut present, mut slices) = (RoaringBitmap::new(), vec![RoaringBitmap::new(); count]);
    for (row, code) in (0..).zip(codes) {
        let Some(mut bits) = code else { continue };
        while bits != 0 {
            if let Some(slice) = slices.get_mut(bits.trailing_zeros() as usize) {
                slice.insert(row);
            }
            bits &= bits - 1;
        }
        present.insert(row);
    }
    let (mut body, mut places) = (Vec::new(), Vec::new());
    row_bitmap::push(&mut body, present)?;
    let present_bytes = body.len();
    for slice in slices {
        let start = body.len();
        row_bitmap::push(&mut body, slice)?;
        places.extend_from_slice(&int(start - present_bytes)?.to_be_bytes());
        places.extend_from_slice(&int(body.len() - start)?.to_be_bytes());
    }
    let mut bytes = Vec::with_capacity(14 + places.len() + body.len());
    bytes.extend_from_slice(&int(10 + places.len())?.to_be_bytes());
    bytes.push(VERSION);
    bytes.push(u8::try_from(count).unwrap_or(u8::MAX));
    bytes.extend_from_slice(&int(present_bytes)?.to_be_bytes());
    bytes.extend_from_slice(&int(places.len())?.to_be_bytes());
    bytes.append(&mut places);
    bytes.append(&mut body);
    Ok(bytes)
}
