//! The order of keys that manifests hold as [`BinaryRow`]: the first and last key of a file.
//!
//! Goes in: rows of the trimmed primary key. Comes out: keys decoded once and compared often, in the order of Paimon's internal
//! types (strings and bytes as unsigned bytes, decimals by value, floats by `<`: -0.0 is 0.0, NaN the highest). Answers to the generated
//! `KeyComparator` of `KeyComparatorSupplier`.

use std::cmp::Ordering;

use alluvium_format::datum::{self, Datum};
use alluvium_format::{BinaryRow, DataFileMeta, DataType, Result, ResultExt};

/// A decoded key.
#[derive(Clone, Debug)]
pub struct Key(Vec<Option<Datum>>);

impl Key {
    /// Decodes a key of the given column types. `Corrupt` when the bytes are no such row.
    pub fn decode(row: &BinaryRow, key_types: &[DataType]) -> Result<Self> {
        row.decode(key_types).map(Self)
    }
}

impl Ord for Key {
    /// Column by column, null lowest.
    fn cmp(&self, other: &Self) -> Ordering {
        datum::compare_keys(&self.0, &other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// The first and the last key of a file.
#[derive(Clone, Debug)]
pub(crate) struct KeyRange {
    pub(crate) min: Key,
    pub(crate) max: Key,
}

impl KeyRange {
    /// Decodes the bounds of every file.
    pub(crate) fn of_files(files: Vec<DataFileMeta>, key_types: &[DataType]) -> Result<Vec<(DataFileMeta, Self)>> {
        files
            .into_iter()
            .map(|file| {
                let min = Key::decode(&file.min_key, key_types);
                let max = Key::decode(&file.max_key, key_types);
                match (min, max) {
                    (Ok(min), Ok(max)) => Ok((file, Self { min, max })),
                    (Err(error), _) | (_, Err(error)) => {
                        Err(error).context(|| format!("decoding the key range of data file {}", file.file_name))
                    }
                }
            })
            .collect()
    }
}
