//! The buckets of one partition: which key has which, and which the next one gets.
//!
//! Goes in: the hashes that each bucket has in the table, then the hashes of keys as they come. Comes out: a bucket for each, and the hashes
//! of the buckets that got some. Invariants: a hash has one bucket for ever; a share of the buckets gets none but the hashes of its share.
//!
//! Worked example, three keys to a bucket: of 1 2 3 4 5 the first three get bucket 0, 4 and 5 bucket 1; then 2 has bucket 0, 6 gets 1 and
//! 7 the bucket 2. Pure. Answers to `org.apache.paimon.index.PartitionIndex`; without what the table has to `SimpleHashBucketAssigner`.

use std::collections::{BTreeMap, BTreeSet};

use alluvium_format::options::DYNAMIC_BUCKETS_MAX;
use alluvium_format::{Error, Result};

use super::hash_buckets::HashBuckets;

/// When a bucket is full, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BucketLimits {
    /// `dynamic-bucket.target-row-num`.
    pub(super) target_rows: u64,
    /// `dynamic-bucket.max-buckets`.
    pub(super) max_buckets: Option<i32>,
    /// Of how many shares each has every so manieth bucket.
    pub(super) shares: u16,
}

impl BucketLimits {
    /// Buckets are below this.
    fn end(&self) -> u16 {
        let buckets = self.max_buckets.unwrap_or(DYNAMIC_BUCKETS_MAX).clamp(0, DYNAMIC_BUCKETS_MAX);
        u16::try_from(buckets).unwrap_or(0)
    }

    /// The share that a bucket belongs to.
    fn share_of(&self, bucket: u16) -> u16 {
        bucket % self.shares.max(1)
    }
}

/// The buckets of one share.
#[derive(Clone, Debug, Default)]
struct Share {
    /// All, as they came.
    buckets: Vec<u16>,
    /// Those that may have room.
    with_room: BTreeSet<u16>,
    /// Before this one all are there.
    next: Option<u16>,
}

impl Share {
    fn add(&mut self, bucket: u16) {
        self.buckets.push(bucket);
        self.with_room.insert(bucket);
    }
}

/// The buckets of one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionIndex {
    hashes: HashBuckets,
    /// How many hashes each bucket has.
    rows: BTreeMap<u16, u64>,
    shares: BTreeMap<u16, Share>,
    /// The buckets that got hashes which no index file has.
    changed: BTreeSet<u16>,
    /// The names of the index files that the table has of the partition.
    pub(super) files: BTreeMap<i32, String>,
    /// Commits since a row came.
    pub(super) idle_commits: u32,
}

impl PartitionIndex {
    /// That of these buckets, each with its hashes.
    pub(super) fn of(buckets: Vec<(u16, Vec<i32>)>, limits: &BucketLimits) -> Self {
        let mut index = Self {
            hashes: HashBuckets::with_capacity(buckets.iter().map(|(_, hashes)| hashes.len()).sum()),
            ..Self::default()
        };
        for (bucket, hashes) in buckets {
            let rows = index.rows.entry(bucket).or_insert_with(|| {
                index.shares.entry(limits.share_of(bucket)).or_default().add(bucket);
                0
            });
            *rows += hashes.len() as u64;
            hashes.into_iter().for_each(|hash| index.hashes.insert(hash, bucket));
        }
        index
    }

    /// The bucket of a hash of this share.
    ///
    /// # Errors
    /// `Invalid` when all buckets that there can be are full.
    pub(super) fn assign(&mut self, hash: i32, share: u16, limits: &BucketLimits) -> Result<u16> {
        if let Some(bucket) = self.hashes.get(hash) {
            return Ok(bucket);
        }
        let bucket = match self.bucket_with_room(share, limits) {
            Some(bucket) => bucket,
            None => self.free_bucket(share, limits).map_or_else(|| self.full_bucket(hash, share, limits), Ok)?,
        };
        self.hashes.insert(hash, bucket);
        *self.rows.entry(bucket).or_default() += 1;
        self.changed.insert(bucket);
        Ok(bucket)
    }

    /// The first bucket of a share that has room; full ones are not looked at again.
    fn bucket_with_room(&mut self, share: u16, limits: &BucketLimits) -> Option<u16> {
        let with_room = &mut self.shares.get_mut(&share)?.with_room;
        while let Some(bucket) = with_room.first().copied() {
            if self.rows.get(&bucket).is_none_or(|rows| *rows < limits.target_rows) {
                return Some(bucket);
            }
            with_room.remove(&bucket);
        }
        None
    }

    /// The first bucket of a share that is not there yet.
    fn free_bucket(&mut self, share: u16, limits: &BucketLimits) -> Option<u16> {
        let of_share = self.shares.entry(share).or_default();
        let next = of_share.next.unwrap_or(share);
        let mut buckets = (next..limits.end()).step_by(usize::from(limits.shares.max(1)));
        let found = buckets.find(|bucket| !self.rows.contains_key(bucket));
        of_share.next = Some(found.unwrap_or(u16::MAX));
        found.inspect(|bucket| of_share.add(*bucket))
    }

    /// A bucket of a share, all of which are full. Java takes a random one; here the hash says which, which is as even.
    fn full_bucket(&self, hash: i32, share: u16, limits: &BucketLimits) -> Result<u16> {
        let buckets = self.shares.get(&share).map_or(&[][..], |share| &share.buckets);
        let chosen = (hash.cast_unsigned() >> 8) as usize;
        match (limits.max_buckets, chosen.checked_rem(buckets.len()).and_then(|at| buckets.get(at))) {
            (Some(_), Some(bucket)) => Ok(*bucket),
            _ => Err(Error::invalid(format!(
                "a partition has {} buckets of {} keys each, and there cannot be more: raise the option \
                 dynamic-bucket.target-row-num",
                self.rows.len(),
                limits.target_rows
            ))),
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        // About what a bucket takes in the maps beside its hashes.
        const BUCKET_BYTES: usize = 256;
        self.hashes.bytes() + self.rows.len() * BUCKET_BYTES
    }

    /// Whether there are hashes that no index file has.
    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The buckets that got hashes which no index file has, each with all of its hashes.
    pub(super) fn changed_buckets(&self) -> BTreeMap<u16, Vec<i32>> {
        let room = |bucket: &u16| self.rows.get(bucket).and_then(|rows| usize::try_from(*rows).ok()).unwrap_or(0);
        let changed =
            self.changed.iter().map(|bucket| (*bucket, Vec::with_capacity(room(bucket).min(self.hashes.len()))));
        let mut changed: BTreeMap<u16, Vec<i32>> = changed.collect();
        for (hash, bucket) in self.hashes.iter() {
            if let Some(hashes) = changed.get_mut(&bucket) {
                hashes.push(hash);
            }
        }
        changed
    }

    /// All hashes are in index files.
    pub(super) fn written(&mut self) {
        self.changed.clear();
    }

    /// The names of the index files.
    pub(super) fn file_names(&self) -> Vec<String> {
        self.files.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
