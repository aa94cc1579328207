//! The buckets in which a writer that ended left compactions undone which readers wait for.
//!
//! Goes in: the live files, and the snapshots that brought them. Comes out: the buckets to open with the next writer of that commit
//! user, though no row comes for them: what waits on level 0 of a table that looks up has made no changelog yet, or is not visible yet;
//! what awaits a full compaction likewise. Answers to the states of `LookupSinkWrite` and `GlobalFullCompactionSinkWrite`, which Flink
//! keeps beside the table; here the table says it.

use std::collections::{BTreeMap, HashMap};

use alluvium_format::{FileKind, ManifestEntry, Predicate, Result, Snapshot};
use alluvium_store::{PartitionBucket, TableStore, scan};

use crate::bucket_settings::{BucketSettings, Compaction};

/// How many snapshots are searched for who brought the files; the others count as ours: nobody else is known to care for them.
const SNAPSHOTS_SEARCHED_MAX: usize = 1000;

/// What a writer owes to its readers beyond its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// Nothing.
    Nothing,
    /// That level 0 is compacted.
    LookupCompaction,
    /// That all is compacted into this level or a higher one.
    FullCompaction(i32),
}

impl Owed {
    /// What the writers of a table owe.
    pub(crate) fn of(settings: &BucketSettings) -> Result<Self> {
        let options = settings.table().options();
        if settings.compaction == Compaction::ByOthers || settings.merge().is_none() {
            return Ok(Self::Nothing);
        }
        if options.full_compaction_delta_commits()?.is_some() || options.full_compaction_interval_millis()?.is_some() {
            let top = options.num_levels()?.saturating_sub(1);
            return Ok(Self::FullCompaction(i32::try_from(top).unwrap_or(i32::MAX)));
        }
        Ok(if settings.looks_up() { Self::LookupCompaction } else { Self::Nothing })
    }

    fn concerns(self, entry: &ManifestEntry) -> bool {
        match self {
            Self::Nothing => false,
            Self::LookupCompaction => entry.file.level == 0,
            Self::FullCompaction(top) => entry.file.level < top,
        }
    }
}

/// The buckets in which `user` left undone what is owed, in order.
pub(crate) async fn unfinished(settings: &BucketSettings, owed: Owed, user: &str) -> Result<Vec<PartitionBucket>> {
    let table = settings.table();
    let Some(latest) = table.snapshots().latest().await?.filter(|_| owed != Owed::Nothing) else {
        return Ok(Vec::new());
    };
    let live = scan::live_entries(table, &latest, &Predicate::True).await?;
    let waiting =
        live.into_iter().filter(|entry| owed.concerns(entry) && entry.total_buckets == settings.total_buckets);
    let waiting = waiting
        .map(|entry| (entry.file.file_name, PartitionBucket { partition: entry.partition, bucket: entry.bucket }));
    let buckets = of_user(table, latest, waiting.collect(), user).await?;
    let ordered = buckets.into_iter().map(|bucket| ((bucket.partition.as_bytes().to_vec(), bucket.bucket), bucket));
    Ok(ordered.collect::<BTreeMap<_, _>>().into_values().collect())
}

/// The buckets of the files that nobody but `user` brought.
async fn of_user(
    table: &TableStore,
    latest: Snapshot,
    mut files: HashMap<String, PartitionBucket>,
    user: &str,
) -> Result<Vec<PartitionBucket>> {
    let (mut buckets, mut next) = (Vec::new(), Some(latest));
    for _ in 0..SNAPSHOTS_SEARCHED_MAX {
        let Some(snapshot) = next.filter(|_| !files.is_empty()) else { break };
        for entry in scan::delta_entries(table, &snapshot, &Predicate::True).await? {
            if entry.kind == FileKind::Add
                && let Some(bucket) = files.remove(&entry.file.file_name)
                && snapshot.commit_user == user
            {
                buckets.push(bucket);
            }
        }
        next = table.snapshots().find(snapshot.id - 1).await?;
    }
    buckets.extend(files.into_values());
    Ok(buckets)
}
