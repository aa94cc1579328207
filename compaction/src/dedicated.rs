//! The dedicated compactor: compacts a table that others write, `write-only` ones too.
//!
//! Goes in: a table and which buckets of it. Comes out: COMPACT snapshots and a report. A bucket in which another job was first is
//! planned again from the latest snapshot, with the schema that is the latest then. [`fleet`] keeps many tables compact. Answers to
//! `org.apache.paimon.flink.compact`, `CompactAction` and `StoreCompactOperator`.

mod bucket_job;
mod compact_job;
pub mod fleet;
mod headway;
mod outlook;
mod planning;
mod publish;
mod report;
mod runner;

use std::collections::HashSet;
use std::num::NonZero;

use alluvium_format::snapshot::BATCH_COMMIT_IDENTIFIER;
use alluvium_format::{Error, ErrorKind, Result};
use alluvium_store::{PartitionBucket, TableStore};

use self::bucket_job::DoneJob;
use self::compact_job::CompactJob;
use self::headway::Headway;
use self::planning::{Known, plan};
use self::publish::{CommitName, publish};
use self::runner::Runner;
use crate::stop::StopGuard;

pub use outlook::BucketOutlook;
pub use planning::CompactRequest;
pub use report::CompactReport;

/// How often a compaction is planned again after others changed the same files.
const PLANS_MAX: usize = 5;

/// Compacts `table` as commit user `user`; `progress` hears of every bucket that is done: (done, of how many);
/// of a sort it hears of rows, each of which is read once and written once.
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
    let mut report = CompactReport::default();
    let mut only: Option<HashSet<PartitionBucket>> = None;
    let mut user = user.to_owned();
    for _ in 0..PLANS_MAX {
        let table = table.at_latest_schema().await?;
        let known = Known { only: only.as_ref(), ..Known::default() };
        let jobs = plan(&table, request, request.picking(), known).await?.jobs;
        let Round { done, mut stale } = run(&table, jobs, request.at_once(), progress).await?;
        let publication = publish(&table, &CommitName { user, identifier: BATCH_COMMIT_IDENTIFIER }, done).await?;
        report.extend(&publication.report);
        stale.extend(publication.clashed);
        if stale.is_empty() {
            return Ok(report);
        }
        only = Some(stale);
        // A user has one COMPACT snapshot of an identifier at most.
        user = table.io().namer().uuid();
    }
    Err(always_clashed(table.name(), only.map_or(0, |buckets| buckets.len())))
}

/// Others were first in so many buckets, however often they were planned.
fn always_clashed(table: &str, buckets: usize) -> Error {
    let message = format!(
        "others compacted the same files of {table} again and again, at last in {buckets} of its buckets: let one job at a time compact it, \
         with write-only = true for all others"
    );
    Error::new(ErrorKind::Conflict, message)
}

/// What [`compact_table`] would do, the hottest bucket first.
///
/// # Errors
/// As [`compact_table`], of which only reading is done.
pub async fn outlook(table: &TableStore, request: &CompactRequest) -> Result<Vec<BucketOutlook>> {
    let table = table.at_latest_schema().await?;
    let jobs = plan(&table, request, request.picking(), Known::default()).await?.jobs;
    Ok(jobs.into_iter().map(CompactJob::into_outlook).collect())
}

/// What came of running jobs.
struct Round {
    /// In the order of the plan, whichever was done first.
    done: Vec<DoneJob>,
    /// Buckets of which files are gone: others compacted them, and the snapshots that had them expired.
    stale: HashSet<PartitionBucket>,
}

/// Runs all jobs; when one fails the others are stopped, and nothing of any is left.
async fn run(
    table: &TableStore,
    mut jobs: Vec<CompactJob>,
    at_once: NonZero<usize>,
    progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<Round> {
    let mut headway = Headway::of(&mut jobs, progress);
    let stop = StopGuard::default();
    let mut runner = Runner::new(jobs.into_iter().enumerate(), at_once, stop.signal());
    let (mut done, mut stale, mut failure) = (Vec::new(), HashSet::new(), None);
    loop {
        let outcome = tokio::select! {
            biased;
            outcome = runner.next() => outcome,
            () = headway.changed() => {
                headway.tell(done.len());
                continue;
            }
        };
        let Some(outcome) = outcome else { break };
        match outcome.done {
            Ok(job) => {
                done.push((outcome.key, job));
                headway.tell(done.len());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => drop(stale.insert(outcome.bucket)),
            Err(error) => {
                stop.stop();
                // The first says what happened; those after it were stopped.
                failure.get_or_insert(error);
            }
        }
    }
    done.sort_by_key(|(order, _)| *order);
    let done: Vec<DoneJob> = done.into_iter().map(|(_, job)| job).collect();
    match failure {
        None => Ok(Round { done, stale }),
        Some(error) => {
            for job in &done {
                job.discard(table).await;
            }
            Err(error)
        }
    }
}

impl CompactReport {
    /// Adds what a later commit did.
    fn extend(&mut self, later: &Self) {
        self.snapshot = later.snapshot.or(self.snapshot);
        self.buckets += later.buckets;
        self.files_before += later.files_before;
        self.files_after += later.files_after;
        self.files_upgraded += later.files_upgraded;
        self.changelog_files += later.changelog_files;
        self.bytes_rewritten += later.bytes_rewritten;
        self.bytes_written += later.bytes_written;
    }
}
