//! Which files say what became of a table between two snapshots.
//!
//! Goes in: two snapshots. Comes out: a split for each bucket that either has, with the files of both. A file that both have is left out where
//! the last record of a key is its row: what is in it only counts where other files of both sides have none of its keys, and then nothing
//! became of them. Where it can be otherwise (merge engines that combine records, sequence fields, deletion vectors) all files are
//! compared; Paimon leaves them out there, too, and gives rows that are not complete. Answers to `SnapshotReaderImpl.readIncrementalDiff`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use alluvium_format::{DataFileMeta, Error, MergeEngine, Result, Snapshot};
use alluvium_store::{PartitionBucket, scan};

use crate::bucket_files::{BucketFiles, by_bucket};
use crate::prune::partition_condition;
use crate::scan_plan::{LevelFilter, check_files, looked_up, of_files, vectors_of};
use crate::split::{BeforeFiles, DataSplit, SplitReading};
use crate::table_read::TableRead;

/// The files of a bucket at one snapshot, and what is deleted of them.
type State = BeforeFiles;

/// The splits that say what became of the rows of `before` until `after`.
///
/// # Errors
/// `Unsupported` for append tables; `Invalid` when the number of buckets changed between the two; `NotFound`, `Corrupt` or `Storage`.
pub(crate) async fn plan_diff(read: &TableRead, before: &Snapshot, after: &Snapshot) -> Result<Vec<DataSplit>> {
    if read.merge.is_none() {
        return Err(Error::unsupported(
            "the difference between two states of a table without primary key; ask for the changes between two \
             snapshots, or set incremental-between-tag-to-snapshot = true",
        ));
    }
    check_buckets(read, before, after).await?;
    let (earlier, later) = (buckets_at(read, before).await?, buckets_at(read, after).await?);
    let gone: Vec<PartitionBucket> = earlier.iter().map(|(bucket, _)| bucket.clone()).collect();
    let gone = gone.into_iter().filter(|bucket| later.iter().all(|(other, _)| other != bucket)).collect::<Vec<_>>();
    let mut earlier: HashMap<PartitionBucket, State> = earlier.into_iter().collect();
    let leaves_out = leaves_common_files_out(read)?;
    let all = later.into_iter().chain(gone.into_iter().map(|bucket| (bucket, State::default())));
    let splits = all.map(|(bucket, mut after_state)| {
        let mut before = earlier.remove(&bucket).unwrap_or_default();
        if leaves_out {
            leave_common_out(&mut before.files, &mut after_state.files);
        }
        let PartitionBucket { partition, bucket } = bucket;
        let BeforeFiles { files, deletions } = after_state;
        DataSplit { snapshot_id: after.id, partition, bucket, files, reading: SplitReading::Diff, deletions, before }
    });
    Ok(splits.filter(|split| !split.files.is_empty() || !split.before.files.is_empty()).collect())
}

/// What a batch read of the snapshot would read of each bucket, in the order of the buckets.
async fn buckets_at(read: &TableRead, snapshot: &Snapshot) -> Result<Vec<(PartitionBucket, State)>> {
    let partitions = partition_condition(&read.schema, &read.predicate);
    let mut entries = scan::live_entries(&read.table, snapshot, &partitions).await?;
    let looked_up = looked_up(read, &entries).await?;
    entries.retain(|entry| entry.bucket >= 0 && LevelFilter::Batch.takes(&entry.file, looked_up));
    check_files(read, &entries)?;
    let buckets = by_bucket(entries, &read.schema.partition_types())?;
    let vectors = vectors_of(read, snapshot, &buckets).await?;
    let states = buckets.into_iter().zip(vectors).map(|(BucketFiles { bucket, files, .. }, vectors)| {
        let deletions = Arc::new(of_files(&vectors, &files));
        (bucket, State { files, deletions })
    });
    Ok(states.collect())
}

/// Keys are in other buckets once there are more or fewer of them.
async fn check_buckets(read: &TableRead, before: &Snapshot, after: &Snapshot) -> Result<()> {
    let buckets =
        async |snapshot: &Snapshot| read.table.schemas().get(snapshot.schema_id).await?.core_options().bucket();
    let (earlier, later) = (buckets(before).await?, buckets(after).await?);
    if earlier == later {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the table has {earlier} buckets at snapshot {} and {later} at snapshot {}: rows cannot be compared across that; \
         ask for a range on one side of it",
        before.id, after.id
    )))
}

fn leaves_common_files_out(read: &TableRead) -> Result<bool> {
    let options = read.table.options();
    Ok(options.merge_engine()? == MergeEngine::Deduplicate
        && options.sequence_fields().is_empty()
        && !options.deletion_vectors_enabled()?)
}

fn leave_common_out(before: &mut Vec<DataFileMeta>, after: &mut Vec<DataFileMeta>) {
    let names = |files: &[DataFileMeta]| -> HashSet<(String, i32)> {
        files.iter().map(|file| (file.file_name.clone(), file.level)).collect()
    };
    let (earlier, later) = (names(before), names(after));
    let is_in =
        |names: &HashSet<(String, i32)>, file: &DataFileMeta| names.contains(&(file.file_name.clone(), file.level));
    before.retain(|file| !is_in(&later, file));
    after.retain(|file| !is_in(&earlier, file));
}
