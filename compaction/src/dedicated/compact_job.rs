//! What a dedicated compactor runs: the compaction of a bucket, or a task of a table without buckets.
//!
//! Goes in: either, with what it would do. Comes out: the message for a commit.

use alluvium_format::Result;
use alluvium_store::PartitionBucket;

use super::bucket_job::{BucketJob, DoneJob};
use super::outlook::{BucketOutlook, Heat};
use crate::append::AppendTask;
use crate::sort_compaction::RowsDone;
use crate::stop::StopSignal;
use crate::strategy::PickState;

/// A compaction that is to be done.
#[derive(Debug)]
pub(crate) struct CompactJob {
    work: Work,
    outlook: BucketOutlook,
}

#[derive(Debug)]
enum Work {
    Bucket(Box<BucketJob>),
    Task(Box<AppendTask>),
}

impl CompactJob {
    /// The compaction of a bucket.
    pub(crate) fn of_bucket(job: Box<BucketJob>, outlook: BucketOutlook) -> Self {
        Self { work: Work::Bucket(job), outlook }
    }

    /// A task.
    pub(crate) fn of_task(task: AppendTask, outlook: BucketOutlook) -> Self {
        Self { work: Work::Task(Box::new(task)), outlook }
    }

    /// Which bucket it is.
    pub(crate) fn bucket(&self) -> &PartitionBucket {
        match &self.work {
            Work::Bucket(job) => job.bucket(),
            Work::Task(task) => &task.bucket,
        }
    }

    /// Lets it say there how far it is, where it sorts; gives how many rows it will go through.
    pub(crate) fn tell(&mut self, rows_done: &RowsDone) -> u64 {
        match &mut self.work {
            Work::Bucket(_) => 0,
            Work::Task(task) => task.tell(rows_done),
        }
    }

    /// How urgent it is.
    pub(crate) fn heat(&self) -> Heat {
        self.outlook.heat()
    }

    /// What it would do.
    pub(crate) fn into_outlook(self) -> BucketOutlook {
        self.outlook
    }

    /// Compacts.
    ///
    /// # Errors
    /// Those of reading and writing; `NotFound` when others took its files away; `Closed` when it was stopped.
    pub(crate) async fn perform(self, stop: &StopSignal) -> Result<DoneJob> {
        match self.work {
            Work::Bucket(job) => job.perform(stop).await,
            Work::Task(task) => {
                let kind = task.kind();
                Ok(DoneJob { message: task.perform(stop).await?, kind, picks: PickState::default() })
            }
        }
    }
}
