//! The compaction of one bucket by a job that does nothing else.
//!
//! Goes in: the bucket's files with their deletion vectors, and what is asked for. Comes out: the message for a commit. A bucket is
//! compacted as asked, then once more by the rules, as the commit of a writer does; in tables that look up, until level 0 is empty.
//! Invariant: a job that fails or is stopped leaves no file. Answers to `StoreCompactOperator`.

use std::sync::Arc;

use alluvium_format::{CommitMessage, CompactIncrement, DataIncrement, Result};
use alluvium_store::{PartitionBucket, TableStore};

use super::outlook::{BucketOutlook, Heat};
use crate::bucket_compaction::BucketCompaction;
use crate::settings::{CompactSettings, Picking};
use crate::stop::StopSignal;
use crate::unpublished::delete_unpublished_compaction;

/// How often level 0 is picked until it is empty: `lookup-compact.max-interval` picks may find nothing to do.
const LEVEL0_PICKS_MAX: usize = 100;

/// The compaction of one bucket that is to be done.
#[derive(Debug)]
pub(crate) struct BucketJob {
    settings: Arc<CompactSettings>,
    bucket: PartitionBucket,
    total_buckets: i32,
    compaction: BucketCompaction,
    picking: Picking,
    outlook: BucketOutlook,
}

/// One that is done.
#[derive(Debug)]
pub(crate) struct DoneJob {
    /// What is to be committed.
    pub(crate) message: CommitMessage,
}

impl BucketJob {
    /// The job of a bucket; `None` when there is nothing to do.
    pub(crate) fn of(
        settings: &Arc<CompactSettings>,
        bucket: PartitionBucket,
        total_buckets: i32,
        compaction: BucketCompaction,
        picking: Picking,
    ) -> Result<Option<Self>> {
        let plan = compaction.preview(picking)?;
        if plan.is_none() && !compaction.is_not_completed() {
            return Ok(None);
        }
        let outlook = BucketOutlook::of(settings.table(), &bucket, compaction.levels(), plan.as_ref())?;
        Ok(Some(Self { settings: Arc::clone(settings), bucket, total_buckets, compaction, picking, outlook }))
    }

    /// Which bucket it is.
    pub(crate) fn bucket(&self) -> &PartitionBucket {
        &self.bucket
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
    pub(crate) async fn perform(mut self, stop: &StopSignal) -> Result<DoneJob> {
        let outcome = tokio::select! {
            outcome = self.compact() => outcome,
            () = stop.stopped() => Err(stop.error()),
        };
        let increment = match outcome {
            Ok(()) => self.compaction.take_increment().await,
            Err(error) => Err(error),
        };
        match increment {
            Ok(increment) => Ok(DoneJob { message: message(&self.bucket, self.total_buckets, increment) }),
            Err(error) => {
                self.compaction.abandon().await;
                Err(error)
            }
        }
    }

    async fn compact(&mut self) -> Result<()> {
        self.pick(self.picking).await?;
        self.pick(Picking::Universal).await?;
        for _ in 0..LEVEL0_PICKS_MAX {
            if !self.settings.needs_lookup() || self.compaction.levels().level0().is_empty() {
                break;
            }
            self.pick(Picking::Universal).await?;
        }
        Ok(())
    }

    async fn pick(&mut self, picking: Picking) -> Result<()> {
        self.compaction.trigger(picking)?;
        self.compaction.wait().await
    }
}

impl DoneJob {
    /// Which bucket it was.
    pub(crate) fn bucket(&self) -> PartitionBucket {
        PartitionBucket { partition: self.message.partition.clone(), bucket: self.message.bucket }
    }

    /// Deletes what it wrote, which is in no snapshot.
    pub(crate) async fn discard(&self, table: &TableStore) {
        delete_unpublished_compaction(table, &self.bucket(), &self.message.compact).await;
    }
}

fn message(bucket: &PartitionBucket, total_buckets: i32, compact: CompactIncrement) -> CommitMessage {
    let (partition, bucket) = (bucket.partition.clone(), bucket.bucket);
    CommitMessage { partition, bucket, total_buckets, data: DataIncrement::default(), compact }
}
