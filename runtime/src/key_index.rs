//! Keys numbered in the order that they came.
//!
//! Goes in: rows and the places of their key columns. Comes out: the number of each row's key, from 0, so that what is kept of keys is kept in
//! columns; and the keys again, as columns.

use alluvium_format::{Error, Result};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, Schema};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::key_hash::KeyHash;

/// Makes keys comparable.
#[derive(Debug)]
pub(crate) struct KeyEncoder {
    columns: Vec<usize>,
    hash: KeyHash,
    converter: RowConverter,
}

/// The keys of a batch.
#[derive(Debug)]
pub(crate) struct BatchKeys {
    rows: Rows,
    hashes: Vec<u64>,
}

impl KeyEncoder {
    /// Of keys that are these columns.
    ///
    /// # Errors
    /// `Unsupported`, naming a column whose type can be no key.
    pub(crate) fn new(schema: &Schema, columns: Vec<usize>) -> Result<Self> {
        let hash = KeyHash::new(schema, columns.clone())?;
        let fields = columns.iter().map(|column| SortField::new(schema.field(*column).data_type().clone())).collect();
        Ok(Self { columns, hash, converter: RowConverter::new(fields).map_err(failed)? })
    }

    /// The keys of rows.
    pub(crate) fn keys(&self, rows: &RecordBatch) -> Result<BatchKeys> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|column| rows.column(*column).clone()).collect();
        let mut hashes = Vec::new();
        self.hash.hashes(rows, &mut hashes);
        Ok(BatchKeys { rows: self.converter.convert_columns(&columns).map_err(failed)?, hashes })
    }

    /// The columns of all keys of an index, in the order of their numbers.
    pub(crate) fn columns(&self, index: &KeyIndex) -> Result<Vec<ArrayRef>> {
        let parser = self.converter.parser();
        let keys = (0..index.len()).map(|number| parser.parse(index.key(number)));
        self.converter.convert_rows(keys).map_err(failed)
    }
}

/// Keys and their numbers.
#[derive(Debug, Default)]
pub(crate) struct KeyIndex {
    numbers: HashTable<u32>,
    hashes: Vec<u64>,
    /// Key behind key, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyIndex {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The numbers of the keys of these rows of a batch, into `numbers`; new keys get the next ones.
    pub(crate) fn numbers(&mut self, keys: &BatchKeys, rows: &[u32], numbers: &mut Vec<u32>) -> Result<()> {
        numbers.clear();
        for row in rows {
            let place = *row as usize;
            let hash = keys.hashes.get(place).copied().unwrap_or_default();
            numbers.push(self.number(hash, keys.rows.row(place).as_ref())?);
        }
        Ok(())
    }

    fn number(&mut self, hash: u64, key: &[u8]) -> Result<u32> {
        let Self { numbers, hashes, bytes, ends } = self;
        let is_key = |number: &u32| slice(bytes, ends, *number as usize) == key;
        let hash_of = |number: &u32| hashes.get(*number as usize).copied().unwrap_or_default();
        match numbers.entry(hash, is_key, hash_of) {
            Entry::Occupied(number) => Ok(*number.get()),
            Entry::Vacant(place) => {
                let too_many = || Error::internal("a window has more than four billion keys at a subtask");
                let number = u32::try_from(ends.len()).map_err(|_| too_many())?;
                place.insert(number);
                hashes.push(hash);
                bytes.extend_from_slice(key);
                ends.push(bytes.len());
                Ok(number)
            }
        }
    }

    fn key(&self, number: usize) -> &[u8] {
        slice(&self.bytes, &self.ends, number)
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[usize], number: usize) -> &'a [u8] {
    let end = |number: Option<usize>| number.and_then(|number| ends.get(number)).copied().unwrap_or(0);
    bytes.get(end(number.checked_sub(1))..end(Some(number))).unwrap_or_default()
}

fn failed(error: ArrowError) -> Error {
    Error::internal("keys cannot be compared").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};

    use super::*;

    fn batch(keys: &[(Option<i64>, &str)]) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter(keys.iter().map(|key| key.0)));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(keys.iter().map(|key| key.1)));
        RecordBatch::try_from_iter_with_nullable([("a", numbers, true), ("b", texts, false)]).unwrap()
    }

    #[test]
    fn keys_are_numbered_as_they_come() {
        let first = batch(&[(Some(1), "x"), (None, ""), (Some(1), "x"), (Some(1), "y")]);
        let second = batch(&[(Some(2), "x"), (None, "")]);
        let encoder = KeyEncoder::new(&first.schema(), vec![0, 1]).unwrap();
        let (mut index, mut numbers) = (KeyIndex::default(), Vec::new());
        index.numbers(&encoder.keys(&first).unwrap(), &[0, 1, 2, 3], &mut numbers).unwrap();
        assert_eq!(numbers, [0, 1, 0, 2]);
        index.numbers(&encoder.keys(&second).unwrap(), &[1, 0], &mut numbers).unwrap();
        assert_eq!(numbers, [1, 3]);
        let columns = encoder.columns(&index).unwrap();
        let expected = batch(&[(Some(1), "x"), (None, ""), (Some(1), "y"), (Some(2), "x")]);
        assert_eq!(columns, expected.columns());
    }
}
