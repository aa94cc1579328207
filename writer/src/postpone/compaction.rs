//! Gives rows that wait their buckets: the compaction of a table of `bucket = -2`.
//!
//! Goes in: the files of the postpone bucket, in the order in which they were made. Comes out: files of real buckets, and one COMPACT snapshot in
//! which the first ones are gone. A partition keeps the number of buckets that it has; one that has none yet gets
//! `postpone.default-bucket-num`. Invariants: rows of one writer keep their order; a file is gone by the commit that brings its rows.
//! Answers to `CompactAction.buildForPostponeBucketCompaction` and `PostponeBucketCompactSplitSource`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alluvium_compaction::{
    BucketOutlook, CompactReport, CompactRequest, Picking, compact_table, delete_unpublished, outlook,
};
use alluvium_format::options::key;
use alluvium_format::snapshot::BATCH_COMMIT_IDENTIFIER;
use alluvium_format::{
    BinaryRow, CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, Error, ErrorKind, Predicate, Result, path,
};
use alluvium_store::{
    Committable, DataFileRead, DataFileReader, EmptyCommits, FileStoreCommit, PartitionBucket, SystemColumns,
    TableStore, scan,
};

use super::bucket_files::as_compaction;
use crate::leftovers::Published;
use crate::row_source::RowSource;
use crate::table_write::{CompactionWait, TableWrite, WriteOptions};

/// How often it is planned again after another job changed the same files.
const PLANS_MAX: usize = 5;

/// What waits in a partition.
#[derive(Clone, Debug, PartialEq)]
struct WaitingFiles {
    partition: BinaryRow,
    /// The oldest first.
    files: Vec<DataFileMeta>,
    total_buckets: i32,
}

/// Gives the rows that wait in the partitions of `request` their buckets, and compacts the buckets that there are.
///
/// # Errors
/// `Unsupported` by name for what this library cannot write; `Conflict` when others changed the same files again and again; those of
/// reading, writing and committing. Rows that have their buckets by then keep them.
pub async fn compact_postponed(
    table: &TableStore,
    request: &CompactRequest,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<CompactReport> {
    let given = give_all_buckets(table, request).await?;
    let user = table.io().namer().uuid();
    Ok(given.and(compact_table(table, &user, request, progress).await?))
}

/// What [`compact_postponed`] would do now: what waits, and then the buckets, the hottest first.
///
/// # Errors
/// As it.
pub async fn outlook_postponed(table: &TableStore, request: &CompactRequest) -> Result<Vec<BucketOutlook>> {
    let waiting = waiting_files(table, request).await?;
    let mut outlooks = waiting.iter().map(|waiting| waiting.outlook(table)).collect::<Result<Vec<_>>>()?;
    outlooks.extend(outlook(table, request).await?);
    Ok(outlooks)
}

async fn give_all_buckets(table: &TableStore, request: &CompactRequest) -> Result<CompactReport> {
    let mut plans = 0;
    loop {
        plans += 1;
        match compact_once(&table.at_latest_schema().await?, request).await {
            Err(error) if error.kind() == ErrorKind::Conflict && plans < PLANS_MAX => {}
            outcome => return outcome,
        }
    }
}

impl WaitingFiles {
    fn outlook(&self, table: &TableStore) -> Result<BucketOutlook> {
        let bytes = self.files.iter().filter_map(|file| u64::try_from(file.file_size).ok()).sum();
        Ok(BucketOutlook {
            partition: table.partition_path(&self.partition)?,
            bucket: path::POSTPONE_BUCKET,
            sorted_runs: 0,
            level0_files: self.files.len(),
            level0_bytes: bytes,
            files: self.files.len(),
            bytes,
            output_level: None,
        })
    }
}

async fn compact_once(table: &TableStore, request: &CompactRequest) -> Result<CompactReport> {
    table.options().check_write_supported(table.schema())?;
    let waiting = waiting_files(table, request).await?;
    if waiting.is_empty() {
        return Ok(CompactReport::default());
    }
    let mut by_total: BTreeMap<i32, Vec<&WaitingFiles>> = BTreeMap::new();
    waiting.iter().for_each(|files| by_total.entry(files.total_buckets).or_default().push(files));
    let mut messages = Vec::new();
    for (total_buckets, waiting) in by_total {
        match give_buckets(table, total_buckets, &waiting, request.picking()).await {
            Ok(given) => messages.extend(given),
            Err(error) => {
                Published::Nothing.delete_leftovers(table, &messages).await;
                return Err(error);
            }
        }
    }
    messages.extend(waiting.into_iter().map(gone));
    let user = table.io().namer().uuid();
    let commit = FileStoreCommit::new(table, user, EmptyCommits::Skipped);
    let committable =
        Committable { identifier: BATCH_COMMIT_IDENTIFIER, messages: messages.clone(), ..Committable::default() };
    match commit.commit(committable).await {
        Ok(committed) => {
            let snapshot = committed.snapshots.last().map(|snapshot| snapshot.id);
            let mut report = CompactReport { snapshot, ..CompactReport::default() };
            messages.iter().for_each(|message| report.add(&message.compact));
            // Of the postpone bucket files are only taken.
            report.buckets = messages.iter().filter(|message| message.bucket >= 0).count();
            Ok(report)
        }
        Err(error) => {
            let published = Published::find(&commit, BATCH_COMMIT_IDENTIFIER, None, &error).await;
            published.delete_leftovers(table, &messages).await;
            Err(error)
        }
    }
}

/// What waits, partition by partition.
async fn waiting_files(table: &TableStore, request: &CompactRequest) -> Result<Vec<WaitingFiles>> {
    if request.buckets.is_some() {
        return Err(Error::unsupported(
            "compacting some buckets of a table of bucket = -2, whose rows wait for theirs",
        ));
    }
    let Some(snapshot) = table.snapshots().latest().await? else { return Ok(Vec::new()) };
    let default_total = table.options().postpone_default_bucket_num()?;
    let mut totals: HashMap<BinaryRow, i32> = HashMap::new();
    let mut waiting: BTreeMap<Vec<u8>, (BinaryRow, Vec<DataFileMeta>)> = BTreeMap::new();
    for entry in scan::live_entries(table, &snapshot, &request.partitions).await? {
        if entry.bucket == path::POSTPONE_BUCKET {
            let place = entry.partition.as_bytes().to_vec();
            waiting.entry(place).or_insert_with(|| (entry.partition, Vec::new())).1.push(entry.file);
        } else {
            totals.entry(entry.partition).or_insert(entry.total_buckets);
        }
    }
    let waiting = waiting.into_values().map(|(partition, mut files)| {
        // Stable: files of one millisecond stay in the order of their commits.
        files.sort_by_key(|file| file.creation_time_millis);
        let total_buckets = totals.get(&partition).copied().unwrap_or(default_total);
        WaitingFiles { partition, files, total_buckets }
    });
    Ok(waiting.collect())
}

/// Writes the rows of partitions that have, or get, so many buckets.
async fn give_buckets(
    table: &TableStore,
    total_buckets: i32,
    waiting: &[&WaitingFiles],
    picking: Picking,
) -> Result<Vec<CommitMessage>> {
    let real = of_buckets(table, total_buckets)?;
    let options = WriteOptions { compaction: CompactionWait::Always, ..WriteOptions::default() };
    let mut write = TableWrite::open(&real, &table.io().namer().uuid(), options).await?;
    for files in waiting {
        let bucket = PartitionBucket { partition: files.partition.clone(), bucket: path::POSTPONE_BUCKET };
        for file in &files.files {
            if let Err(error) = replay(&real, &bucket, file, &mut write).await {
                return Err(write.give_up(error).await);
            }
        }
    }
    let mut messages = Vec::new();
    for message in write.into_messages(BATCH_COMMIT_IDENTIFIER, picking).await? {
        let (message, on_the_way) = as_compaction(message);
        let bucket = PartitionBucket { partition: message.partition.clone(), bucket: message.bucket };
        delete_unpublished(table, &bucket, &on_the_way).await;
        messages.push(message);
    }
    Ok(messages)
}

/// The table as one of so many buckets, which are compacted here.
pub(crate) fn of_buckets(table: &TableStore, total_buckets: i32) -> Result<TableStore> {
    let options = [(key::BUCKET, total_buckets.to_string()), (key::WRITE_ONLY, "false".to_owned())];
    let options = options.map(|(name, value)| (name.to_owned(), value));
    table.with_options(options.iter().map(|(name, value)| (name, value)))
}

/// Writes the rows of a file, in its order.
async fn replay(
    table: &TableStore,
    bucket: &PartitionBucket,
    file: &DataFileMeta,
    write: &mut TableWrite,
) -> Result<()> {
    let read = DataFileRead {
        fields: table.schema().fields.as_slice().into(),
        system: SystemColumns::Kinds,
        predicate: Predicate::True,
        deletions: Arc::default(),
    };
    let reader = DataFileReader::open(table, bucket, file, &read).await?;
    RowSource::File(Box::new(reader)).write_to(table.io(), write).await.map(drop)
}

/// The files that waited are gone.
fn gone(waiting: WaitingFiles) -> CommitMessage {
    CommitMessage {
        partition: waiting.partition,
        bucket: path::POSTPONE_BUCKET,
        total_buckets: path::POSTPONE_BUCKET,
        data: DataIncrement::default(),
        compact: CompactIncrement { compact_before: waiting.files, ..CompactIncrement::default() },
    }
}
