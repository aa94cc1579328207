//! The rows of each value of a column, gathered batch by batch.
//!
//! Goes in: a column, batch by batch. Comes out: values in the order in which they were first met, with their rows, and the rows that
//! are null. Rows count from 0 over all batches.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::value::{Value, Values};
use crate::error::{Error, Result};

/// Rows by value.
#[derive(Debug, Default)]
pub(super) struct ValueRows {
    numbers: HashMap<i64, usize>,
    bytes: HashMap<Vec<u8>, usize>,
    entries: Vec<(Value, RoaringBitmap)>,
    nulls: RoaringBitmap,
    row_count: u32,
}

impl ValueRows {
    /// Appends a column.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for more rows than an index can count.
    pub(super) fn push(&mut self, values: &Values) -> Result<()> {
        let first = self.row_count;
        self.row_count = rows_with(first, values.len())?;
        match values {
            Values::Numbers(values) => {
                let (mut last, mut entry) = (None, 0);
                for (row, value) in (first..).zip(values) {
                    let Some(value) = value else {
                        self.nulls.insert(row);
                        continue;
                    };
                    if last != Some(value) {
                        entry = self.number(value);
                        last = Some(value);
                    }
                    self.add(entry, row);
                }
            }
            Values::Texts(values) => {
                for (row, value) in (first..).zip(values) {
                    self.push_bytes(row, value.map(str::as_bytes));
                }
            }
            Values::Bytes(values) => {
                for (row, value) in (first..).zip(values) {
                    self.push_bytes(row, value);
                }
            }
        }
        Ok(())
    }

    fn number(&mut self, value: i64) -> usize {
        *self.numbers.entry(value).or_insert_with(|| {
            self.entries.push((Value::Number(value), RoaringBitmap::new()));
            self.entries.len() - 1
        })
    }

    fn push_bytes(&mut self, row: u32, value: Option<&[u8]>) {
        let Some(value) = value else {
            self.nulls.insert(row);
            return;
        };
        let entry = match self.bytes.get(value) {
            Some(entry) => *entry,
            None => {
                self.bytes.insert(value.to_vec(), self.entries.len());
                self.entries.push((Value::Bytes(value.to_vec()), RoaringBitmap::new()));
                self.entries.len() - 1
            }
        };
        self.add(entry, row);
    }

    fn add(&mut self, entry: usize, row: u32) {
        if let Some((_, rows)) = self.entries.get_mut(entry) {
            rows.insert(row);
        }
    }

    /// Rows that were pushed.
    pub(super) fn row_count(&self) -> u32 {
        self.row_count
    }

    /// The rows that are null.
    pub(super) fn nulls(&self) -> &RoaringBitmap {
        &self.nulls
    }

    /// Values with their rows, in the order in which they were first met.
    pub(super) fn into_entries(self) -> Vec<(Value, RoaringBitmap)> {
        self.entries
    }
}

/// `rows` and `more` rows: Java counts them in 31 bits.
pub(super) fn rows_with(rows: u32, more: usize) -> Result<u32> {
    let sum =
        u32::try_from(more).ok().and_then(|more| rows.checked_add(more)).filter(|sum| i32::try_from(*sum).is_ok());
    sum.ok_or_else(|| Error::invalid("a file index over more than 2147483647 rows"))
}
