//! How many keys each bucket has, in a table whose keys move between partitions.
//!
//! Goes in: keys that come and go. Comes out: the bucket that the next key of a partition gets: the first one that has room, else another one.
//! Pure. Answers to `org.apache.paimon.crosspartition.BucketAssigner`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alluvium_format::{Error, Result};

/// How many keys the buckets of each partition have, by the partition's number.
#[derive(Clone, Debug)]
pub(super) struct BucketCounts {
    /// `dynamic-bucket.target-row-num`.
    target_rows: u64,
    partitions: HashMap<u32, Counts>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    rows: BTreeMap<u16, u64>,
    with_room: BTreeSet<u16>,
}

impl BucketCounts {
    /// No keys.
    pub(super) fn new(target_rows: u64) -> Self {
        Self { target_rows, partitions: HashMap::new() }
    }

    /// A key is in a bucket already.
    pub(super) fn add(&mut self, partition: u32, bucket: u16) {
        let counts = self.partitions.entry(partition).or_default();
        let rows = counts.rows.entry(bucket).or_default();
        *rows += 1;
        if *rows < self.target_rows {
            counts.with_room.insert(bucket);
        } else {
            counts.with_room.remove(&bucket);
        }
    }

    /// A key leaves a bucket.
    pub(super) fn remove(&mut self, partition: u32, bucket: u16) {
        let counts = self.partitions.entry(partition).or_default();
        let rows = counts.rows.entry(bucket).or_default();
        *rows = rows.saturating_sub(1);
        if *rows < self.target_rows {
            counts.with_room.insert(bucket);
        }
    }

    /// The bucket that a key of the partition gets.
    ///
    /// # Errors
    /// `Invalid` when there cannot be one more.
    pub(super) fn assign(&mut self, partition: u32) -> Result<u16> {
        let counts = self.partitions.entry(partition).or_default();
        let bucket = match counts.with_room.first() {
            Some(bucket) => *bucket,
            None => counts.first_free().ok_or_else(|| {
                let target = self.target_rows;
                Error::invalid(format!(
                    "a partition has all buckets that there can be, of {target} keys each: raise dynamic-bucket.target-row-num"
                ))
            })?,
        };
        self.add(partition, bucket);
        Ok(bucket)
    }
}

impl Counts {
    /// The lowest bucket that is not there.
    fn first_free(&self) -> Option<u16> {
        let last = self.rows.last_key_value().map(|(bucket, _)| usize::from(*bucket));
        match last {
            None => Some(0),
            // Mostly there is none missing.
            Some(last) if last + 1 == self.rows.len() => u16::try_from(last + 1).ok(),
            Some(_) => (0..u16::MAX).find(|bucket| !self.rows.contains_key(bucket)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]

    use super::*;

    #[test]
    fn the_first_bucket_with_room() {
        let mut counts = BucketCounts::new(2);
        let mut assign = |partition| counts.assign(partition).unwrap();
        assert_eq!([assign(0), assign(0), assign(0), assign(1), assign(0), assign(0)], [0, 0, 1, 0, 1, 2]);
        counts.remove(0, 0);
        counts.add(0, 5);
        let mut assign = |partition| counts.assign(partition).unwrap();
        assert_eq!([assign(0), assign(0), assign(0), assign(0), assign(0)], [0, 2, 5, 3, 3]);
    }
}
