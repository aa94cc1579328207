//! Gives keys their buckets in tables with dynamic buckets: the one a key has, or one that has room.
//!
//! Goes in: the partitions and key hashes of rows. Comes out: their buckets; and at a commit, which hashes each bucket has now. Invariants: a
//! key stays in its bucket; what is not committed is forgotten with the writer; only one job writes a table, and its commit fails where
//! another one did. Answers to `org.apache.paimon.index.HashBucketAssigner` and `DynamicBucketIndexMaintainer`.

mod hash_buckets;
mod partition_index;

use std::collections::{BTreeMap, HashMap};

use alluvium_format::{BinaryRow, CoreOptions, Error, Result, path};
use alluvium_store::hash_index_files::{self, BucketIndexFile};
use alluvium_store::{PartitionBucket, TableStore};

use self::partition_index::{BucketLimits, PartitionIndex};
use crate::table_write::WriteMode;

/// The index of a partition without rows for so many commits is forgotten; when rows come it is read again.
const IDLE_COMMITS_MAX: u32 = 10;

/// The assigners of a table, which share the work of one writer: each has hashes and buckets of its own.
#[derive(Debug)]
pub(crate) struct HashBucketAssigner {
    table: TableStore,
    mode: WriteMode,
    limits: BucketLimits,
    channels: i32,
    partitions: BTreeMap<Vec<u8>, (BinaryRow, PartitionIndex)>,
    /// Written for the commit under way.
    written: Vec<BucketIndexFile>,
}

impl HashBucketAssigner {
    /// The assigners of a table.
    pub(crate) fn of(table: &TableStore, mode: WriteMode) -> Result<Self> {
        let (limits, channels) = assigners_of(table.options())?;
        let (partitions, written) = (BTreeMap::new(), Vec::new());
        Ok(Self { table: table.clone(), mode, limits, channels, partitions, written })
    }

    /// What the writer was opened for.
    pub(crate) fn mode(&self) -> WriteMode {
        self.mode
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.partitions.values().map(|(_, index)| index.bytes()).sum()
    }

    /// Reads the indexes of the partitions that are not known yet.
    pub(crate) async fn load(&mut self, partitions: &[BinaryRow]) -> Result<()> {
        let unknown = partitions.iter().filter(|row| !self.partitions.contains_key(row.as_bytes()));
        let unknown: Vec<BinaryRow> = unknown.cloned().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let files = match self.mode {
            WriteMode::Append => {
                let latest = self.table.snapshots().latest().await?;
                hash_index_files::find(&self.table, latest.as_ref(), &unknown).await?
            }
            WriteMode::Overwrite => vec![Vec::new(); unknown.len()],
        };
        for (partition, files) in unknown.into_iter().zip(files) {
            let index = self.load_one(&files).await?;
            self.partitions.insert(partition.as_bytes().to_vec(), (partition, index));
        }
        Ok(())
    }

    async fn load_one(&self, files: &[BucketIndexFile]) -> Result<PartitionIndex> {
        let hashes = hash_index_files::read(&self.table, files).await?;
        let buckets = files.iter().zip(hashes).map(|((bucket, _), hashes)| {
            let number = u16::try_from(bucket.bucket).ok().filter(|bucket| *bucket < u16::MAX);
            let wrong = || {
                let what = format!("a hash index of bucket {}: there is no such bucket", bucket.bucket);
                Error::corrupt(path::MANIFEST_FOLDER, 0, what)
            };
            Ok((number.ok_or_else(wrong)?, hashes))
        });
        let (buckets, limits) = (buckets.collect::<Result<Vec<_>>>()?, self.limits);
        let load = async move { Ok(PartitionIndex::of(buckets, &limits)) };
        let mut index = self.table.io().cpu().run(load).await?;
        index.files = files.iter().map(|(bucket, file)| (bucket.bucket, file.file_name.clone())).collect();
        Ok(index)
    }

    /// The bucket of each row, by the hash of its key; `of_rows` says which of the partitions it is in, where they are several. All of
    /// them are loaded.
    pub(crate) fn assign(&mut self, partitions: &[BinaryRow], of_rows: &[u32], hashes: &[i32]) -> Result<Vec<i32>> {
        let places: HashMap<&[u8], usize> = partitions.iter().map(BinaryRow::as_bytes).zip(0..).collect();
        let mut indexes: Vec<Option<(i32, &mut PartitionIndex)>> = partitions.iter().map(|_| None).collect();
        for (partition, (row, index)) in &mut self.partitions {
            let place = places.get(partition.as_slice()).and_then(|at| indexes.get_mut(*at));
            if let Some(place) = place {
                index.idle_commits = 0;
                *place = Some((row.hash().wrapping_rem(self.channels).wrapping_abs(), index));
            }
        }
        let bucket_of = |(row, hash): (usize, &i32)| {
            let at = of_rows.get(row).map_or(0, |at| *at as usize);
            match indexes.get_mut(at) {
                Some(Some((start, index))) => {
                    let share = share_of(*start, *hash, self.channels, &self.limits);
                    index.assign(*hash, share, &self.limits).map(i32::from)
                }
                _ => Err(Error::internal("the hash index of a partition is not loaded")),
            }
        };
        hashes.iter().enumerate().map(bucket_of).collect()
    }

    /// Writes the indexes of the buckets that got keys since the last commit.
    pub(crate) async fn write_changed(&mut self) -> Result<&[BucketIndexFile]> {
        let changed = self.partitions.values().filter(|(_, index)| index.is_changed());
        let buckets = changed.flat_map(|(partition, index)| {
            index.changed_buckets().into_iter().map(|(bucket, hashes)| {
                (PartitionBucket { partition: partition.clone(), bucket: i32::from(bucket) }, hashes)
            })
        });
        let buckets: Vec<_> = buckets.collect();
        self.written = hash_index_files::write(&self.table, buckets).await?;
        Ok(&self.written)
    }

    /// The names of the index files that gave the rows of a partition their buckets; `None` where none did.
    pub(crate) fn known_files(&self, partition: &BinaryRow) -> Option<Vec<String>> {
        match self.mode {
            WriteMode::Append => self.partitions.get(partition.as_bytes()).map(|(_, index)| index.file_names()),
            WriteMode::Overwrite => None,
        }
    }

    /// What was written is in the table.
    pub(crate) fn committed(&mut self) {
        if self.mode == WriteMode::Overwrite {
            return self.forget();
        }
        for (bucket, file) in std::mem::take(&mut self.written) {
            if let Some((_, index)) = self.partitions.get_mut(bucket.partition.as_bytes()) {
                index.files.insert(bucket.bucket, file.file_name);
            }
        }
        self.partitions.retain(|_, (_, index)| {
            index.written();
            index.idle_commits += 1;
            index.idle_commits <= IDLE_COMMITS_MAX
        });
    }

    /// Goes on from what the table has.
    pub(crate) fn forget(&mut self) {
        self.partitions.clear();
        self.written.clear();
    }
}

/// The limits of buckets, and the number of channels: as with Paimon's, of so many tasks at most each partition takes as many as it has
/// buckets at first.
fn assigners_of(options: &CoreOptions) -> Result<(BucketLimits, i32)> {
    let initial = options.dynamic_bucket_initial_buckets()?;
    let max_buckets = options.dynamic_bucket_max_buckets()?;
    let channels = options.dynamic_bucket_assigner_parallelism()?.or(initial).unwrap_or(1);
    // An assigner without a bucket could not go on.
    let shares = initial.unwrap_or(channels).min(channels).min(max_buckets.unwrap_or(channels));
    let shares = u16::try_from(shares).map_err(|_| Error::internal("there are too many assigners"))?;
    let limits = BucketLimits { target_rows: options.dynamic_bucket_target_rows()?, max_buckets, shares };
    Ok((limits, channels))
}

/// The share of the buckets that a key may have: `BucketAssigner.computeAssigner` and `isMyBucket`.
fn share_of(start: i32, hash: i32, channels: i32, limits: &BucketLimits) -> u16 {
    let shares = i32::from(limits.shares.max(1));
    let assigner = (start + hash.wrapping_rem(shares).wrapping_abs()) % channels;
    u16::try_from(assigner % shares).unwrap_or(0)
}
