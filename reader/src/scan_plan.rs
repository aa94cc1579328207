//! What a snapshot's rows or changes are read from: manifests, pruned, grouped by bucket and cut into splits.
//!
//! Goes in: a [`TableRead`], a snapshot, and which of it is wanted. Comes out: splits by ascending partition and bucket. A thin shell
//! around [`crate::prune`], [`crate::bucket_files`] and [`crate::split_generator`]. Files that cannot be read right are refused here,
//! before the first row comes out. Answers to `SnapshotReaderImpl`.

use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use alluvium_format::{DataFileMeta, Datum, FileKind, ManifestEntry, Predicate, Result, Snapshot};
use alluvium_store::{Clock, DataFileReader, DeletionVectors, LookedUp, PartitionBucket, deletion_vectors, scan};

use crate::bucket_files::{BucketFiles, by_bucket};
use crate::follow_up_scanner::FollowUp;
use crate::prune::{Pruning, WrittenSchemas, partition_condition};
use crate::split::{BeforeFiles, DataSplit, SplitReading};
use crate::split_generator::{FileFacts, SplitRules};
use crate::table_read::TableRead;

/// Which levels of a snapshot are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LevelFilter {
    /// All.
    All,
    /// What a batch read sees: all, but level 0 only where it needs no compaction to be looked up.
    Batch,
    /// All but level 0.
    AboveZero,
    /// This one.
    Only(i32),
}

impl LevelFilter {
    pub(crate) fn takes(self, file: &DataFileMeta, looked_up: LookedUp) -> bool {
        match self {
            Self::All => true,
            Self::Batch => file.level > 0 || !looked_up.covers(file),
            Self::AboveZero => file.level > 0,
            Self::Only(wanted) => file.level == wanted,
        }
    }
}

/// Which files of a snapshot are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilesWanted {
    /// Of these levels.
    pub(crate) levels: LevelFilter,
    /// Created at this time or later, milliseconds since 1970.
    pub(crate) since_millis: Option<i64>,
}

impl FilesWanted {
    /// Files of any age.
    pub(crate) fn of(levels: LevelFilter) -> Self {
        Self { levels, since_millis: None }
    }

    /// Whether a file is as young as it has to be; those that do not say when they were created are.
    fn is_young(self, file: &DataFileMeta, clock: &dyn Clock) -> bool {
        let Some((since, created)) = self.since_millis.zip(file.creation_time_millis) else { return true };
        clock.millis_of_local(created) >= since
    }
}

/// What is known of the files of one bucket.
struct BucketFacts<'a> {
    pruning: Pruning<'a>,
    looked_up: LookedUp,
    partition: &'a [Option<Datum>],
}

impl FileFacts for BucketFacts<'_> {
    fn may_match(&self, file: &DataFileMeta) -> bool {
        *self.pruning.predicate == Predicate::True || self.pruning.values_may_match(self.partition, file)
    }

    fn is_looked_up(&self, file: &DataFileMeta) -> bool {
        self.looked_up.covers(file)
    }
}

/// The splits that make the rows of `snapshot`.
///
/// # Errors
/// `Unsupported` by name where the answer would not be right; `NotFound`, `Corrupt` or `Storage`.
pub(crate) async fn plan_rows(read: &TableRead, snapshot: &Snapshot, files: FilesWanted) -> Result<Vec<DataSplit>> {
    let partitions = partition_condition(&read.schema, &read.predicate);
    let mut entries = scan::live_entries(&read.table, snapshot, &partitions).await?;
    let looked_up = looked_up(read, &entries).await?;
    // Rows in the postpone bucket are no rows of the table until a compaction gives them a bucket.
    let clock = read.table.io().clock().as_ref();
    entries.retain(|entry| {
        let file = &entry.file;
        entry.bucket >= 0 && files.levels.takes(file, looked_up) && files.is_young(file, clock)
    });
    let written = written_schemas(read, &entries).await?;
    let pruning = pruning(read, &written)?;
    let entries = pruning.prune(entries)?;
    check_files(read, &entries)?;
    let rules = SplitRules::new(read.table.options(), read.key_types())?;
    let rules = if looked_up.counts_all_levels() { rules.merging_all_levels() } else { rules };
    let buckets = by_bucket(entries, &read.schema.partition_types())?;
    let vectors = vectors_of(read, snapshot, &buckets).await?;
    let mut splits = Vec::new();
    for (BucketFiles { bucket, values, files }, vectors) in buckets.into_iter().zip(vectors) {
        let facts = BucketFacts { pruning, looked_up, partition: &values };
        for (files, reading) in rules.split(files, &facts)? {
            splits.push(DataSplit {
                snapshot_id: snapshot.id,
                partition: bucket.partition.clone(),
                bucket: bucket.bucket,
                deletions: Arc::new(of_files(&vectors, &files)),
                files,
                reading,
                before: BeforeFiles::default(),
            });
        }
    }
    Ok(splits)
}

/// The deletion vectors of every bucket, read at once. They count whatever the options say: what they take away was replaced or
/// deleted, whoever reads it now.
pub(crate) async fn vectors_of(
    read: &TableRead,
    snapshot: &Snapshot,
    buckets: &[BucketFiles],
) -> Result<Vec<DeletionVectors>> {
    if snapshot.index_manifest.is_none() {
        return Ok(vec![DeletionVectors::new(); buckets.len()]);
    }
    let names: Vec<PartitionBucket> = buckets.iter().map(|bucket| bucket.bucket.clone()).collect();
    let found = deletion_vectors::read(&read.table, snapshot, &names).await?;
    Ok(found.into_iter().map(|bucket| bucket.vectors).collect())
}

pub(crate) fn of_files(vectors: &DeletionVectors, files: &[DataFileMeta]) -> DeletionVectors {
    let names = files.iter().map(|file| &file.file_name);
    names.filter_map(|name| vectors.get(name).map(|vector| (name.clone(), Arc::clone(vector)))).collect()
}

pub(crate) async fn looked_up(read: &TableRead, entries: &[ManifestEntry]) -> Result<LookedUp> {
    if read.merge.is_none() {
        return Ok(LookedUp::Never);
    }
    LookedUp::of(&read.table, read.table.options(), read.schema.id, entries.iter().map(|entry| &entry.file)).await
}

/// The splits that make the changes of `snapshot`. Deletion vectors play no part: what is deleted by position is no change of its own,
/// and an overwrite retracts what lies in the files it takes away.
///
/// # Errors
/// As [`plan_rows`].
pub(crate) async fn plan_changes(
    read: &TableRead,
    snapshot: &Snapshot,
    follow_up: FollowUp,
    files: FilesWanted,
) -> Result<Vec<DataSplit>> {
    let partitions = partition_condition(&read.schema, &read.predicate);
    let mut entries = match follow_up {
        FollowUp::Skip => return Ok(Vec::new()),
        FollowUp::AddedFiles | FollowUp::Overwrite => scan::delta_entries(&read.table, snapshot, &partitions).await?,
        FollowUp::ChangelogFiles => scan::changelog_entries(&read.table, snapshot, &partitions).await?,
    };
    if files.levels != LevelFilter::All {
        let looked_up = looked_up(read, &entries).await?;
        entries.retain(|entry| files.levels.takes(&entry.file, looked_up));
    }
    let clock = read.table.io().clock().as_ref();
    entries.retain(|entry| files.is_young(&entry.file, clock));
    let written = written_schemas(read, &entries).await?;
    let entries = pruning(read, &written)?.prune(entries)?;
    check_files(read, &entries)?;
    let (added, deleted): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.kind == FileKind::Add);
    if follow_up == FollowUp::Overwrite {
        return overwritten(read, snapshot, deleted, added);
    }
    let mut splits = Vec::new();
    for mut bucket in by_bucket(added, &read.schema.partition_types())? {
        if read.merge.is_none() {
            // Rows without keys have no order but that of their bucket.
            bucket.files.sort_by_key(|file| file.min_sequence_number);
        }
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
    let mut splits = Vec::new();
    for (entries, reading) in [(deleted, SplitReading::Retractions), (added, SplitReading::Merge)] {
        splits.extend(by_bucket(entries, &types)?.into_iter().map(|bucket| whole(snapshot, bucket, reading)));
    }
    Ok(splits)
}

fn whole(snapshot: &Snapshot, bucket: BucketFiles, reading: SplitReading) -> DataSplit {
    let BucketFiles { bucket, files, .. } = bucket;
    let (partition, bucket) = (bucket.partition, bucket.bucket);
    let (deletions, before) = (Arc::default(), BeforeFiles::default());
    DataSplit { snapshot_id: snapshot.id, partition, bucket, files, reading, deletions, before }
}

/// Only the splits and files that are needed for `limit` rows, where it is certain how many rows they have: those read as they are
/// come first, and the others only when these are too few.
pub(crate) fn limited(splits: Vec<DataSplit>, limit: usize) -> Vec<DataSplit> {
    let mut left = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut enough = Vec::new();
    for mut split in splits.iter().filter(|split| split.reading == SplitReading::Raw).cloned() {
        let mut files = std::mem::take(&mut split.files);
        files.retain(|file| {
            let needed = left > 0;
            left = left.saturating_sub(split.rows_left(file));
            needed
        });
        split.files = files;
        if !split.files.is_empty() {
            enough.push(split);
        }
    }
    if left <= 0 { enough } else { splits }
}

fn pruning<'a>(read: &'a TableRead, written: &'a WrittenSchemas) -> Result<Pruning<'a>> {
    let reads_indexes = read.table.options().file_index_read_enabled()?;
    Ok(Pruning { schema: &read.schema, predicate: &read.predicate, written, reads_indexes })
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

/// Refuses files of formats that are not built, and those that are where the catalog does not allow it.
pub(crate) fn check_files(read: &TableRead, entries: &[ManifestEntry]) -> Result<()> {
    for entry in entries {
        DataFileReader::check_format(&entry.file)?;
        if entry.file.external_path.is_some() {
            read.table.data_file(&entry.partition, entry.bucket, &entry.file)?;
        }
    }
    Ok(())
}
