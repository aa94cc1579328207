//! A range-bitmap index over a column: values in order, coded by their place, and the rows by the bits of their codes.
//!
//! At rest, big-endian: 4 bytes length of the header; of it 1 version, 4 row count, 4 number of values, the least and the greatest value
//! where there is one, 4 length of the dictionary; then the [`dictionary`], then the [`slices`]. Answers to `RangeBitmap`.

mod dictionary;
mod slices;

use bytes::Bytes;
use roaring::RoaringBitmap;

use super::cursor::Cursor;
use super::int;
use super::value::{Value, ValueForm};
use super::value_rows::ValueRows;
use crate::error::Result;
use crate::predicate::CompareOp;
use dictionary::Dictionary;
use slices::Slices;

const VERSION: u8 = 1;

/// Rows by value, where values have an order.
#[derive(Clone, Debug)]
pub(super) struct RangeBitmapIndex {
    row_count: u32,
    /// `None`: every row is null.
    coded: Option<(Dictionary, Slices)>,
}

impl RangeBitmapIndex {
    /// From its form at rest, which was read from `path`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for another version; [`crate::ErrorKind::Corrupt`].
    pub(super) fn open(bytes: Bytes, form: ValueForm, path: &str) -> Result<Self> {
        let mut cursor = Cursor::new(&bytes, path);
        let header_bytes = cursor.count(1)?;
        let dictionary_start = cursor.position() + header_bytes;
        cursor.version(VERSION, "range-bitmap index")?;
        let row_count = cursor.rows()?;
        let values = cursor.rows()?;
        if values == 0 {
            return Ok(Self { row_count, coded: None });
        }
        form.read(&mut cursor)?;
        form.read(&mut cursor)?;
        let dictionary_bytes = cursor.count(1)?;
        if cursor.position() != dictionary_start {
            return Err(cursor.corrupt("the header is of another length than it says"));
        }
        let slices_start = dictionary_start + dictionary_bytes;
        let dictionary = Dictionary::open(bytes.slice(..slices_start), dictionary_start, form, path)?;
        let slices = Slices::open(bytes.clone(), slices_start, row_count, path)?;
        Ok(Self { row_count, coded: Some((dictionary, slices)) })
    }

    /// Rows of the file.
    pub(super) fn row_count(&self) -> u32 {
        self.row_count
    }

    /// The rows that are not null.
    pub(super) fn not_null(&self) -> Result<RoaringBitmap> {
        self.coded.as_ref().map_or_else(|| Ok(RoaringBitmap::new()), |(_, slices)| slices.present())
    }

    /// The rows whose value compares with `value` like this.
    pub(super) fn compare(&self, op: CompareOp, value: &Value) -> Result<RoaringBitmap> {
        let Some((dictionary, slices)) = &self.coded else { return Ok(RoaringBitmap::new()) };
        // The code of the value, or of the first above it.
        let (code, is_there) = match dictionary.find(value)? {
            Ok(code) => (code, true),
            Err(above) => (above, false),
        };
        let next = if is_there { code.saturating_add(1) } else { code };
        match op {
            CompareOp::Eq if is_there => slices.equal(code),
            CompareOp::Eq => Ok(RoaringBitmap::new()),
            CompareOp::NotEq if is_there => Ok(slices.present()? - slices.equal(code)?),
            CompareOp::NotEq => slices.present(),
            CompareOp::Lt => Ok(slices.present()? - slices.from(code)?),
            CompareOp::LtEq => Ok(slices.present()? - slices.from(next)?),
            CompareOp::Gt => slices.from(next),
            CompareOp::GtEq => slices.from(code),
        }
    }
}

/// The index at rest of rows by value, with a dictionary in chunks of at most `chunk_bytes`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for an index of over 2 GiB.
pub(super) fn encode(rows: ValueRows, form: ValueForm, chunk_bytes: u64) -> Result<Vec<u8>> {
    let row_count = rows.row_count();
    let mut entries = rows.into_entries();
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    let dictionary = dictionary::encode(entries.iter().map(|(value, _)| value), form, chunk_bytes)?;
    let mut header = vec![VERSION];
    header.extend_from_slice(&row_count.to_be_bytes());
    header.extend_from_slice(&int(entries.len())?.to_be_bytes());
    if let (Some((least, _)), Some((greatest, _))) = (entries.first(), entries.last()) {
        form.push(&mut header, least)?;
        form.push(&mut header, greatest)?;
    }
    header.extend_from_slice(&int(dictionary.len())?.to_be_bytes());
    let slices = slices::encode(entries.into_iter().map(|(_, rows)| rows), row_count)?;
    let mut bytes = Vec::with_capacity(4 + header.len() + dictionary.len() + slices.len());
    bytes.extend_from_slice(&int(header.len())?.to_be_bytes());
    for part in [header, dictionary, slices] {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}
