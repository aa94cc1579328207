//! Which buckets of a table are to be compacted.
//!
//! Goes in: a table at its latest schema, and a request. Comes out: jobs, the hottest first, with all they need to know of the latest
//! snapshot.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;

use alluvium_format::{ManifestEntry, Predicate, Result};
use alluvium_store::{BucketDeletionVectors, PartitionBucket, TableStore, deletion_vectors, scan};

use super::bucket_job::BucketJob;
use crate::bucket_compaction::BucketCompaction;
use crate::settings::{CompactSettings, Picking};

/// What to compact.
#[derive(Clone, Debug)]
pub struct CompactRequest {
    /// Everything into the highest level, or what the automatic rules pick.
    pub full: bool,
    /// Only partitions for which this condition on partition columns may be true.
    pub partitions: Predicate,
    /// The first and the last bucket; `None`: all.
    pub buckets: Option<(i32, i32)>,
    /// Buckets that are compacted at a time; `None`: as many as there are cores.
    pub at_once: Option<NonZero<usize>>,
}

impl Default for CompactRequest {
    /// What the rules pick, everywhere.
    fn default() -> Self {
        Self { full: false, partitions: Predicate::True, buckets: None, at_once: None }
    }
}

impl CompactRequest {
    /// What is picked in each bucket.
    pub(super) fn picking(&self) -> Picking {
        if self.full { Picking::Full } else { Picking::Universal }
    }

    /// Buckets that are compacted at a time.
    pub(super) fn at_once(&self) -> NonZero<usize> {
        self.at_once.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN)
    }
}

/// The jobs of a table.
#[derive(Debug)]
pub(crate) struct TablePlan {
    /// The snapshot they are planned on; `None` in an empty table.
    pub(crate) snapshot: Option<i64>,
    /// The hottest first.
    pub(crate) jobs: Vec<BucketJob>,
}

/// Plans the compaction of `table`; of these buckets only, when they are given.
pub(crate) async fn plan(
    table: &TableStore,
    request: &CompactRequest,
    picking: Picking,
    only: Option<&HashSet<PartitionBucket>>,
) -> Result<TablePlan> {
    table.check_write_supported()?;
    let settings = CompactSettings::of(table)?;
    let Some(snapshot) = table.snapshots().latest().await? else {
        return Ok(TablePlan { snapshot: None, jobs: Vec::new() });
    };
    let entries = scan::live_entries(table, &snapshot, &request.partitions).await?;
    let wanted = |entry: &ManifestEntry| {
        let (first, last) = request.buckets.unwrap_or((0, i32::MAX));
        // What waits in the postpone bucket is of no bucket yet.
        (first.max(0)..=last).contains(&entry.bucket) && only.is_none_or(|only| only.contains(&bucket_of(entry)))
    };
    let buckets = by_bucket(entries.into_iter().filter(wanted));
    let vectors = vectors_of(table, &snapshot, &buckets).await?;
    let mut jobs = Vec::new();
    for ((bucket, entries), vectors) in buckets.into_iter().zip(vectors) {
        let total_buckets = entries.first().map_or(0, |entry| entry.total_buckets);
        let files = entries.into_iter().map(|entry| entry.file).collect();
        let compaction = BucketCompaction::new(&settings, bucket.clone(), files, vectors)?;
        jobs.extend(BucketJob::of(&settings, bucket, total_buckets, compaction, picking)?);
    }
    // Stable: buckets of the same heat stay in the order of the manifests.
    jobs.sort_by_key(|job| std::cmp::Reverse(job.heat()));
    Ok(TablePlan { snapshot: Some(snapshot.id), jobs })
}

async fn vectors_of(
    table: &TableStore,
    snapshot: &alluvium_format::Snapshot,
    buckets: &[(PartitionBucket, Vec<ManifestEntry>)],
) -> Result<Vec<BucketDeletionVectors>> {
    let buckets: Vec<PartitionBucket> = buckets.iter().map(|(bucket, _)| bucket.clone()).collect();
    deletion_vectors::read(table, snapshot, &buckets).await
}

fn bucket_of(entry: &ManifestEntry) -> PartitionBucket {
    PartitionBucket { partition: entry.partition.clone(), bucket: entry.bucket }
}

/// The entries of each bucket, in the order in which the buckets come up.
fn by_bucket(entries: impl Iterator<Item = ManifestEntry>) -> Vec<(PartitionBucket, Vec<ManifestEntry>)> {
    let mut buckets: Vec<(PartitionBucket, Vec<ManifestEntry>)> = Vec::new();
    let mut places: HashMap<PartitionBucket, usize> = HashMap::new();
    for entry in entries {
        let bucket = bucket_of(&entry);
        let place = *places.entry(bucket.clone()).or_insert_with(|| {
            buckets.push((bucket, Vec::new()));
            buckets.len() - 1
        });
        if let Some((_, held)) = buckets.get_mut(place) {
            held.push(entry);
        }
    }
    buckets
}
