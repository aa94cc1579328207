//! The commit of compactions that are done.
//!
//! Goes in: what buckets of one table did. Comes out: a COMPACT snapshot, or an OVERWRITE one where rows were sorted; when it clashes with what another job did to one of them, one
//! for each of the others. Invariant: what is certainly in no snapshot is deleted, nothing else.

use alluvium_format::{Error, ErrorKind, Result};
use alluvium_store::{Committable, EmptyCommits, FileStoreCommit, PartitionBucket, TableStore};

use super::bucket_job::DoneJob;
use super::report::CompactReport;

/// Who commits, and which commit of theirs it is.
#[derive(Clone, Debug)]
pub(crate) struct CommitName {
    pub(crate) user: String,
    pub(crate) identifier: i64,
}

/// What came of a commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publication {
    /// What is in the table.
    pub(crate) report: CompactReport,
    /// Buckets in which another job was first.
    pub(crate) clashed: Vec<PartitionBucket>,
}

/// Publishes what the jobs did.
///
/// # Errors
/// `Unknown` when the store does not say; `Storage`. What other buckets have published by then stays.
pub(crate) async fn publish(table: &TableStore, name: &CommitName, jobs: Vec<DoneJob>) -> Result<Publication> {
    let mut publication = Publication::default();
    let jobs: Vec<DoneJob> = jobs.into_iter().filter(|job| !job.message.compact.is_empty()).collect();
    if jobs.is_empty() {
        return Ok(publication);
    }
    match commit(table, name, &jobs).await {
        Ok(snapshot) => publication.add(&jobs, snapshot),
        Err(error) if error.kind() == ErrorKind::Conflict => match &jobs[..] {
            [only] => publication.clash(table, only).await,
            _ => publish_each(table, name.identifier, jobs, &mut publication).await?,
        },
        Err(error) => return Err(discard(table, &jobs, error).await),
    }
    Ok(publication)
}

/// Publishes each for itself, by users of their own: a user has one COMPACT snapshot of an identifier at most.
async fn publish_each(
    table: &TableStore,
    identifier: i64,
    jobs: Vec<DoneJob>,
    publication: &mut Publication,
) -> Result<()> {
    let mut rest = &jobs[..];
    while let Some((job, others)) = rest.split_first() {
        let name = CommitName { user: table.io().namer().uuid(), identifier };
        match commit(table, &name, std::slice::from_ref(job)).await {
            Ok(snapshot) => publication.add(std::slice::from_ref(job), snapshot),
            Err(error) if error.kind() == ErrorKind::Conflict => publication.clash(table, job).await,
            Err(error) => {
                let error = discard(table, std::slice::from_ref(job), error).await;
                // These were in no commit.
                for other in others {
                    other.discard(table).await;
                }
                return Err(error);
            }
        }
        rest = others;
    }
    Ok(())
}

async fn commit(table: &TableStore, name: &CommitName, jobs: &[DoneJob]) -> Result<Option<i64>> {
    let commit = FileStoreCommit::new(table, name.user.as_str(), EmptyCommits::Skipped);
    let messages = jobs.iter().map(DoneJob::commit_message).collect();
    let committable = Committable { identifier: name.identifier, messages, ..Committable::default() };
    let committed = commit.commit(committable).await?;
    Ok(committed.snapshots.last().map(|snapshot| snapshot.id))
}

/// Deletes what jobs wrote whose commit failed, unless it may be in the table.
async fn discard(table: &TableStore, jobs: &[DoneJob], error: Error) -> Error {
    if error.kind() != ErrorKind::Unknown {
        for job in jobs {
            job.discard(table).await;
        }
    }
    error
}

impl Publication {
    fn add(&mut self, jobs: &[DoneJob], snapshot: Option<i64>) {
        self.report.snapshot = snapshot.or(self.report.snapshot);
        jobs.iter().for_each(|job| self.report.add(&job.message.compact));
    }

    async fn clash(&mut self, table: &TableStore, job: &DoneJob) {
        job.discard(table).await;
        self.clashed.push(job.bucket());
    }
}
