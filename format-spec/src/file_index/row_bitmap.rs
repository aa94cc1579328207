//! Rows of a file as a bitmap, in Roaring's portable form.
//!
//! Invariants: what is written is run-optimised, as Java's `RoaringBitmap32.serialize` does; what is read has no row beyond the file.

use roaring::RoaringBitmap;

use super::cursor::Cursor;
use crate::error::{Error, Result};

/// Appends `rows` in the portable form.
pub(super) fn push(bytes: &mut Vec<u8>, mut rows: RoaringBitmap) -> Result<()> {
    rows.optimize();
    rows.serialize_into(bytes).map_err(|error| Error::internal("a bitmap does not go into memory").with_source(error))
}

/// The bitmap at `cursor`, of a file of `row_count` rows.
///
/// # Errors
/// [`crate::ErrorKind::Corrupt`] for what is none, or one of rows that the file does not have.
pub(super) fn read(cursor: &mut Cursor<'_>, row_count: u32) -> Result<RoaringBitmap> {
    let mut rest = cursor.rest();
    let before = rest.len();
    let rows = RoaringBitmap::deserialize_from(&mut rest)
        .map_err(|error| cursor.corrupt(format!("a bitmap is wrong: {error}")))?;
    if let Some(row) = rows.max().filter(|row| *row >= row_count) {
        return Err(cursor.corrupt(format!("row {row} of {row_count}")));
    }
    cursor.take(before - rest.len())?;
    Ok(rows)
}

/// Every row of a file.
pub(super) fn all(row_count: u32) -> RoaringBitmap {
    let mut rows = RoaringBitmap::new();
    rows.insert_range(0..row_count);
    rows
}
