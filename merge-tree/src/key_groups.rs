//! Records of whole keys, side by side: what a merge function that builds rows, and a producer of changelog, decide over.
//!
//! Goes in: records in key order and within a key in merge order (earliest first), with the level of the file each came from. Comes
//! out: the keys one after the other. Invariants: every record is in one key, every key has one record or more. For example
//! `a@1(L5) a@7(L0) | b@3(L0)` are two keys of three records.

use std::ops::Range;

use alluvium_format::{Error, Result};

use crate::key_value::KeyValueBatch;

/// The level of records that are in no file yet, as they come from a write buffer: Java's `KeyValue.UNKNOWN_LEVEL`.
pub const UNKNOWN_LEVEL: i32 = -1;

/// Records of whole keys.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyGroups {
    records: KeyValueBatch,
    levels: Vec<i32>,
    ends: Vec<u32>,
}

impl KeyGroups {
    /// Puts the parts together: the level of each record, and for each key the position behind its last record.
    ///
    /// # Errors
    /// `Internal` when the lengths do not fit or a key has no record.
    pub fn try_new(records: KeyValueBatch, levels: Vec<i32>, ends: Vec<u32>) -> Result<Self> {
        let rows = records.num_rows();
        let ascends = ends.is_sorted_by(|a, b| a < b) && ends.first() != Some(&0);
        if levels.len() != rows || ends.last().map_or(0, |end| *end as usize) != rows || !ascends {
            return Err(Error::internal(format!("{rows} records do not make {} keys", ends.len())));
        }
        Ok(Self { records, levels, ends })
    }

    /// Records of files of one `level`, each of a key of its own.
    ///
    /// # Errors
    /// `Invalid` for more than 2³² records.
    pub fn of_single_records(records: KeyValueBatch, level: i32) -> Result<Self> {
        let rows = u32::try_from(records.num_rows());
        let rows = rows.map_err(|_| Error::invalid("a batch of more than 2^32 records"))?;
        Ok(Self { levels: vec![level; records.num_rows()], ends: (1..=rows).collect(), records })
    }

    /// How many keys there are.
    pub fn num_keys(&self) -> usize {
        self.ends.len()
    }

    /// Where the records of a key are.
    pub fn range(&self, key: usize) -> Range<usize> {
        let end = |key: usize| self.ends.get(key).map_or(0, |end| *end as usize);
        let start = key.checked_sub(1).map_or(0, end);
        start..end(key)
    }

    /// For each key the position behind its last record.
    pub(crate) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Where the records of each key are.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        let mut start = 0;
        self.ends.iter().map(move |end| std::mem::replace(&mut start, *end as usize)..*end as usize)
    }

    /// Whether a record of the key is of level 0.
    pub fn has_level_0(&self, key: usize) -> bool {
        self.levels.get(self.range(key)).is_some_and(|levels| levels.contains(&0))
    }

    /// The record of the key that is of the lowest level above 0: in a table whose compactions look up, the others of such levels are
    /// merged into it already. Answers to `LookupMergeFunction.pickHighLevel`.
    pub fn high_level_record(&self, key: usize) -> Option<usize> {
        self.range(key).filter(|row| self.levels[*row] > 0).min_by_key(|row| self.levels[*row])
    }

    /// Whether every key has one record.
    pub fn are_single(&self) -> bool {
        self.ends.len() == self.records.num_rows()
    }

    /// All records.
    pub fn records(&self) -> &KeyValueBatch {
        &self.records
    }

    /// The level of each record.
    pub fn levels(&self) -> &[i32] {
        &self.levels
    }
}
