//! What a snapshot's rows or changes are read from: manifests, pruned, grouped by bucket and cut into splits.
//!
//! Goes in: a [`TableRead`], a snapshot, and which of it is wanted. Comes out: splits by ascending partition and bucket. A thin shell
//! around [`crate::prune`], [`crate::bucket_files`] and [`crate::split_generator`]. Files that cannot be read right are refused here,
//! before the first row comes out. Answers to `SnapshotReaderImpl`.

use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use alluvium_format::deletion_vector::INDEX_TYPE;
use alluvium_format::{DataFileMeta, Error, FileKind, ManifestEntry, Predicate, Result, Snapshot};
use alluvium_store::{DataFileReader, PartitionBucket, scan};

use crate::bucket_files::{BucketFiles, by_bucket};
use crate::follow_up_scanner::FollowUp;
use crate::prune::{Pruning, WrittenSchemas, partition_condition};
use crate::split::{DataSplit, SplitReading};
use crate::split_generator::SplitRules;
use crate::table_read::TableRead;

/// Which levels of a snapshot are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LevelFilter {
    /// All.
    All,
    /// All but level 0.
    AboveZero,
    /// This one.
    Only(i32),
}

impl LevelFilter {
    fn takes(self, level: i32) -> bool {
        match self {
            Self::All => true,
            Self::AboveZero => level > 0,
            Self::Only(wanted) => level == wanted,
        }
    }
}

/// The splits that make the rows of `snapshot`.
///
/// # Errors
/// `Unsupported` by name where the answer would not be right; `NotFound`, `Corrupt` or `Storage`.
pub(crate) async fn plan_rows(read: &TableRead, snapshot: &Snapshot, levels: LevelFilter) -> Result<Vec<DataSplit>> {
    check_index(read, snapshot).await?;
    let partitions = partition_condition(&read.schema, &read.predicate);
    let mut entries = scan::live_entries(&read.table, snapshot, &partitions).await?;
    // Rows in the postpone bucket are no rows of the table until a compaction gives them a bucket.
    entries.retain(|entry| entry.bucket >= 0 && levels.takes(entry.file.level));
    let written = written_schemas(read, &entries).await?;
    let pruning = Pruning { schema: &read.schema, predicate: &read.predicate, written: &written };
    let entries = pruning.prune(entries)?;
    check_files(read, &entries)?;
    let rules = SplitRules::new(read.table.options(), read.key_types())?;
    let mut splits = Vec::new();
    for bucket in by_bucket(entries, &read.schema.partition_types())? {
        let BucketFiles { bucket, values, files } = bucket;
        let may_match =
            |file: &DataFileMeta| read.predicate == Predicate::True || pruning.values_may_match(&values, file);
        for (files, reading) in rules.split(files, &may_match)? {
            splits.push(DataSplit {
                snapshot_id: snapshot.id,
                partition: bucket.partition.clone(),
                bucket: bucket.bucket,
                files,
                reading,
            });
        }
    }
    Ok(splits)
}

/// The splits that make the changes of `snapshot`.
///
/// # Errors
/// As [`plan_rows`].
pub(crate) async fn plan_changes(read: &TableRead, snapshot: &Snapshot, follow_up: FollowUp) -> Result<Vec<DataSplit>> {
    let partitions = partition_condition(&read.schema, &read.predicate);
    let entries = match follow_up {
        FollowUp::Skip => return Ok(Vec::new()),
        FollowUp::AddedFiles | FollowUp::Overwrite => scan::delta_entries(&read.table, snapshot, &partitions).await?,
        FollowUp::ChangelogFiles => scan::changelog_entries(&read.table, snapshot, &partitions).await?,
    };
    if follow_up == FollowUp::Overwrite {
        check_index(read, snapshot).await?;
    }
    let written = written_schemas(read, &entries).await?;
    let entries = Pruning { schema: &read.schema, predicate: &read.predicate, written: &written }.prune(entries)?;
    check_files(read, &entries)?;
    let (added, deleted): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.kind == FileKind::Add);
    if follow_up == FollowUp::Overwrite {
        return overwritten(read, snapshot, deleted, added);
    }
    let mut splits = Vec::new();
    for bucket in by_bucket(added, &read.schema.partition_types())? {
        splits.push(whole(snapshot, bucket, SplitReading::Changes));
    }
    Ok(splits)
}

/// What was taken away is retracted, bucket by bucket, then what came is inserted.
fn overwritten(
    read: &TableRead,
    snapshot: &Snapshot,
    mut deleted: Vec<ManifestEntry>,
    mut added: Vec<ManifestEntry>,
) -> Result<Vec<DataSplit>> {
    // A file that only changed its level brings and takes nothing.
    let names = |entries: &[ManifestEntry]| -> HashSet<String> {
        entries.iter().map(|entry| entry.file.file_name.clone()).collect()
    };
    let (gone, came) = (names(&deleted), names(&added));
    deleted.retain(|entry| !came.contains(&entry.file.file_name));
    added.retain(|entry| !gone.contains(&entry.file.file_name));
    let types = read.schema.partition_types();
    let deleted = by_bucket(deleted, &types)?;
    let emptied: HashSet<PartitionBucket> = deleted.iter().map(|bucket| bucket.bucket.clone()).collect();
    let mut splits: Vec<DataSplit> =
        deleted.into_iter().map(|bucket| whole(snapshot, bucket, SplitReading::Retractions)).collect();
    for bucket in by_bucket(added, &types)? {
        let merges = emptied.contains(&bucket.bucket);
        splits.push(whole(snapshot, bucket, if merges { SplitReading::Merge } else { SplitReading::Changes }));
    }
    Ok(splits)
}

fn whole(snapshot: &Snapshot, bucket: BucketFiles, reading: SplitReading) -> DataSplit {
    let BucketFiles { bucket, files, .. } = bucket;
    let (partition, bucket) = (bucket.partition, bucket.bucket);
    DataSplit { snapshot_id: snapshot.id, partition, bucket, files, reading }
}

/// Only the splits and files that are needed for `limit` rows, where it is certain how many rows they have: those read as they are
/// come first, and the others only when these are too few.
pub(crate) fn limited(splits: Vec<DataSplit>, limit: usize) -> Vec<DataSplit> {
    let mut left = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut enough = Vec::new();
    for mut split in splits.iter().filter(|split| split.reading == SplitReading::Raw).cloned() {
        split.files.retain(|file| {
            let needed = left > 0;
            left = left.saturating_sub(file.row_count.max(0));
            needed
        });
        if !split.files.is_empty() {
            enough.push(split);
        }
    }
    if left <= 0 { enough } else { splits }
}

/// The schema of every file; asked for only where a condition needs them.
async fn written_schemas(read: &TableRead, entries: &[ManifestEntry]) -> Result<WrittenSchemas> {
    let mut written = WrittenSchemas::new();
    if read.predicate == Predicate::True {
        return Ok(written);
    }
    for entry in entries {
        if let Entry::Vacant(unknown) = written.entry(entry.file.schema_id) {
            let id = *unknown.key();
            let known = id == read.schema.id;
            unknown.insert(if known { Arc::clone(&read.schema) } else { read.table.schemas().get(id).await? });
        }
    }
    Ok(written)
}

/// Deletion vectors of a table whose options deny them would be passed over.
async fn check_index(read: &TableRead, snapshot: &Snapshot) -> Result<()> {
    let Some(name) = &snapshot.index_manifest else { return Ok(()) };
    let entries = read.table.manifests().index_entries(name).await?;
    let deletes = |entry: &&alluvium_format::IndexManifestEntry| {
        entry.index_file.index_type == INDEX_TYPE
            && entry.index_file.dv_ranges.as_ref().is_none_or(|ranges| !ranges.is_empty())
    };
    match entries.iter().find(deletes) {
        Some(entry) => Err(Error::unsupported(format!(
            "deletion vectors: snapshot {} has some in {}",
            snapshot.id, entry.index_file.file_name
        ))),
        None => Ok(()),
    }
}

/// Refuses files of formats that are not built, and those outside of the table.
fn check_files(read: &TableRead, entries: &[ManifestEntry]) -> Result<()> {
    for entry in entries {
        DataFileReader::check_format(&entry.file)?;
        if entry.file.external_path.is_some() {
            read.table.data_file_path(&entry.partition, entry.bucket, &entry.file)?;
        }
    }
    Ok(())
}
