//! The dedicated compactor: compacts a table that others write, `write-only` ones too.
//!
//! Goes in: a table and which buckets of it. Comes out: a COMPACT snapshot and a report. A conflict with another compactor is planned
//! again from the latest snapshot. Answers to `org.apache.paimon.flink.compact` and `CompactAction`.

use std::collections::HashMap;
use std::sync::Arc;

use alluvium_format::{
    CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, Error, ErrorKind, ManifestEntry, Predicate, Result,
};
use alluvium_store::{Committable, Committed, EmptyCommits, FileStoreCommit, PartitionBucket, TableStore, scan};
use tokio::task::JoinSet;

use crate::rewriter::Rewriter;
use crate::settings::{CompactSettings, Picking};
use crate::stop::StopGuard;
use crate::strategy::{CompactPlan, CompactResult};
use crate::unpublished::delete_unpublished;

/// The identifier of a job that commits once: Java's `BatchWriteBuilder.COMMIT_IDENTIFIER`.
const COMMIT_IDENTIFIER: i64 = i64::MAX;
/// How often a compaction is planned again after others changed the same files.
const PLANS_MAX: usize = 5;

/// What to compact.
#[derive(Clone, Debug)]
pub struct CompactRequest {
    /// Everything into the highest level, or what the automatic rules pick.
    pub full: bool,
    /// Only partitions for which this condition on partition columns may be true.
    pub partitions: Predicate,
    /// The first and the last bucket; `None`: all.
    pub buckets: Option<(i32, i32)>,
}

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// The COMPACT snapshot; `None` when there was nothing to do.
    pub snapshot: Option<i64>,
    /// Buckets that were compacted.
    pub buckets: usize,
    /// Files taken out.
    pub files_before: usize,
    /// Files put in.
    pub files_after: usize,
    /// Of these, those that were moved to another level without being rewritten.
    pub files_upgraded: usize,
    /// Bytes read and rewritten.
    pub bytes_rewritten: u64,
    /// Bytes written.
    pub bytes_written: u64,
}

/// Compacts `table` as commit user `user`; `progress` hears of every bucket that is done: (done, of how many).
///
/// # Errors
/// `Unsupported` by name for what this library cannot write; `Conflict` when others changed the same files again and again; those of
/// reading, writing and committing.
pub async fn compact_table(
    table: &TableStore,
    user: &str,
    request: &CompactRequest,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<CompactReport> {
    table.options().check_write_supported(table.schema())?;
    let settings = CompactSettings::of(table)?;
    let commit = FileStoreCommit::new(table, user, EmptyCommits::Skipped);
    let mut planned = 1;
    loop {
        let jobs = plan_jobs(&settings, request).await?;
        match run_and_commit(&settings, jobs, &commit, progress).await {
            Err(error) if is_stale(&error) && planned < PLANS_MAX => planned += 1,
            outcome => return outcome,
        }
    }
}

/// Whether others changed the table since it was planned: a file that is gone was compacted, and its snapshot has expired.
fn is_stale(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound)
}

/// The compaction of one bucket.
#[derive(Debug)]
struct Job {
    bucket: PartitionBucket,
    total_buckets: i32,
    plan: CompactPlan,
}

/// One that is done.
#[derive(Debug)]
struct DoneJob {
    bucket: PartitionBucket,
    total_buckets: i32,
    result: CompactResult,
}

async fn plan_jobs(settings: &CompactSettings, request: &CompactRequest) -> Result<Vec<Job>> {
    let table = settings.table();
    let Some(snapshot) = table.snapshots().latest().await? else { return Ok(Vec::new()) };
    let entries = scan::live_entries(table, &snapshot, &request.partitions).await?;
    let picking = if request.full { Picking::Full } else { Picking::Universal };
    let mut jobs = Vec::new();
    for (bucket, entries) in by_bucket(entries, request.buckets) {
        let total_buckets = entries.first().map_or(0, |entry| entry.total_buckets);
        let levels = settings.levels(entries.into_iter().map(|entry| entry.file).collect())?;
        if let Some(plan) = settings.plan(&levels, picking)? {
            jobs.push(Job { bucket, total_buckets, plan });
        }
    }
    Ok(jobs)
}

/// The entries of each bucket within `range`, in the order in which the buckets come up.
fn by_bucket(entries: Vec<ManifestEntry>, range: Option<(i32, i32)>) -> Vec<(PartitionBucket, Vec<ManifestEntry>)> {
    let (first, last) = range.unwrap_or((0, i32::MAX));
    let mut buckets: Vec<(PartitionBucket, Vec<ManifestEntry>)> = Vec::new();
    let mut places: HashMap<PartitionBucket, usize> = HashMap::new();
    for entry in entries.into_iter().filter(|entry| (first.max(0)..=last).contains(&entry.bucket)) {
        let bucket = PartitionBucket { partition: entry.partition.clone(), bucket: entry.bucket };
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

async fn run_and_commit(
    settings: &Arc<CompactSettings>,
    jobs: Vec<Job>,
    commit: &FileStoreCommit,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<CompactReport> {
    let done = run(settings, jobs, progress).await?;
    let mut report = CompactReport::of(&done);
    let messages = done.iter().map(DoneJob::message).collect();
    let committable = Committable { identifier: COMMIT_IDENTIFIER, messages, ..Committable::default() };
    match commit.commit(committable).await {
        Ok(Committed { snapshots }) => {
            report.snapshot = snapshots.last().map(|snapshot| snapshot.id);
            Ok(report)
        }
        Err(error) => {
            if error.kind() != ErrorKind::Unknown {
                discard(settings.table(), &done).await;
            }
            Err(error)
        }
    }
}

/// Runs all jobs; when one fails the others are stopped, and nothing of any is left.
async fn run(
    settings: &Arc<CompactSettings>,
    jobs: Vec<Job>,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<Vec<DoneJob>> {
    let total = jobs.len();
    let stop = StopGuard::default();
    let mut tasks = JoinSet::new();
    for (order, job) in jobs.into_iter().enumerate() {
        let (settings, stop) = (Arc::clone(settings), stop.signal());
        let rewriter = Rewriter { settings, bucket: job.bucket.clone(), stop };
        tasks.spawn(async move {
            let result = rewriter.perform(job.plan).await?;
            Ok((order, DoneJob { bucket: job.bucket, total_buckets: job.total_buckets, result }))
        });
    }
    let (mut done, mut failure) = (Vec::with_capacity(total), None);
    while let Some(joined) = tasks.join_next().await {
        let died = |error| Error::internal("a compaction died").with_source(error);
        match joined.map_err(died).and_then(|outcome| outcome) {
            Ok(job) => {
                done.push(job);
                progress(done.len(), total);
            }
            Err(error) => {
                stop.stop();
                // The first says what happened; those after it were stopped.
                failure.get_or_insert(error);
            }
        }
    }
    // In the order of the plan, whichever was done first.
    done.sort_by_key(|(order, _)| *order);
    let done: Vec<DoneJob> = done.into_iter().map(|(_, job)| job).collect();
    match failure {
        None => Ok(done),
        Some(error) => {
            discard(settings.table(), &done).await;
            Err(error)
        }
    }
}

/// Deletes what jobs wrote that are not published.
async fn discard(table: &TableStore, jobs: &[DoneJob]) {
    for job in jobs {
        delete_unpublished(table, &job.bucket, &job.result.rewritten()).await;
    }
}

impl DoneJob {
    fn message(&self) -> CommitMessage {
        CommitMessage {
            partition: self.bucket.partition.clone(),
            bucket: self.bucket.bucket,
            total_buckets: self.total_buckets,
            data: DataIncrement::default(),
            compact: CompactIncrement {
                compact_before: self.result.before.clone(),
                compact_after: self.result.after.clone(),
                changelog_files: self.result.changelog.clone(),
                ..CompactIncrement::default()
            },
        }
    }
}

impl CompactReport {
    fn of(jobs: &[DoneJob]) -> Self {
        let mut report = Self { buckets: jobs.len(), ..Self::default() };
        let bytes = |file: &DataFileMeta| u64::try_from(file.file_size).unwrap_or(0);
        for result in jobs.iter().map(|job| &job.result) {
            let written = result.rewritten();
            let taken: u64 = result.before.iter().map(bytes).sum();
            let left: u64 = result.after.iter().map(bytes).sum();
            let written_bytes = written.iter().map(bytes).sum();
            report.files_before += result.before.len();
            report.files_after += result.after.len();
            report.files_upgraded += result.after.len().saturating_sub(written.len());
            report.bytes_written += written_bytes;
            // What was neither written nor taken to be read is in both lists.
            report.bytes_rewritten += taken.saturating_sub(left.saturating_sub(written_bytes));
        }
        report
    }
}
