//! The compaction of one bucket by a job that does nothing else.
//!
//! Goes in: the bucket's files with their deletion vectors, and what is asked for. Comes out: the message for a commit. A bucket is
//! compacted as asked, then once more by the rules, as the commit of a writer does. Invariant: a job that fails or is stopped leaves no
//! file. Answers to `StoreCompactOperator`.

use alluvium_format::{CommitKind, CommitMessage, CompactIncrement, DataIncrement, Result};
use alluvium_store::{PartitionBucket, TableStore};

use super::outlook::BucketOutlook;
use crate::bucket_compactor::BucketCompactor;
use crate::settings::Picking;
use crate::stop::StopSignal;
use crate::strategy::PickState;
use crate::unpublished::delete_unpublished_compaction;

/// The compaction of one bucket that is to be done.
#[derive(Debug)]
pub(crate) struct BucketJob {
    bucket: PartitionBucket,
    total_buckets: i32,
    compactor: BucketCompactor,
    picking: Picking,
}

/// One that is done.
#[derive(Debug)]
pub(crate) struct DoneJob {
    /// What it did, as a compaction.
    pub(crate) message: CommitMessage,
    /// The kind of snapshot that it makes.
    pub(crate) kind: CommitKind,
    /// What its picks leave for those after them.
    pub(crate) picks: PickState,
}

/// What there is to do in a bucket.
#[derive(Debug)]
pub(crate) enum Prospect {
    /// This, with what it would do.
    Job(Box<BucketJob>, BucketOutlook),
    /// Nothing yet, though level 0 waits for its lookups: what this pick leaves for those after it.
    Later(PickState),
    /// Nothing.
    Nothing,
}

impl BucketJob {
    /// The job of a bucket.
    pub(crate) fn of(
        table: &TableStore,
        bucket: PartitionBucket,
        total_buckets: i32,
        compactor: BucketCompactor,
        picking: Picking,
    ) -> Result<Prospect> {
        let outlook = match &compactor {
            BucketCompactor::MergeTree(compaction) => match compaction.preview(picking)? {
                (Some(plan), _) => BucketOutlook::of(table, &bucket, compaction.levels(), &plan)?,
                (None, picks) if compaction.awaits_lookups() => return Ok(Prospect::Later(picks)),
                (None, _) => return Ok(Prospect::Nothing),
            },
            BucketCompactor::Append(compaction) => match compaction.preview(picking) {
                Some(files) => BucketOutlook::of_append(table, &bucket, compaction.queue().files(), &files)?,
                None => return Ok(Prospect::Nothing),
            },
        };
        Ok(Prospect::Job(Box::new(Self { bucket, total_buckets, compactor, picking }), outlook))
    }

    /// Which bucket it is.
    pub(crate) fn bucket(&self) -> &PartitionBucket {
        &self.bucket
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
            Ok(()) => self.compactor.take_increment().await,
            Err(error) => Err(error),
        };
        match increment {
            Ok(increment) => {
                let message = message(&self.bucket, self.total_buckets, increment);
                Ok(DoneJob { message, kind: CommitKind::Compact, picks: self.compactor.picks() })
            }
            Err(error) => {
                self.compactor.abandon().await;
                Err(error)
            }
        }
    }

    async fn compact(&mut self) -> Result<()> {
        self.pick(self.picking).await?;
        self.pick(Picking::Universal).await
    }

    async fn pick(&mut self, picking: Picking) -> Result<()> {
        self.compactor.trigger(picking)?;
        self.compactor.wait().await
    }
}

impl DoneJob {
    /// Which bucket it was.
    pub(crate) fn bucket(&self) -> PartitionBucket {
        PartitionBucket { partition: self.message.partition.clone(), bucket: self.message.bucket }
    }

    /// What is to be committed. A part that only adds and deletes files makes an OVERWRITE snapshot.
    pub(crate) fn commit_message(&self) -> CommitMessage {
        if self.kind == CommitKind::Compact {
            return self.message.clone();
        }
        let CommitMessage { partition, bucket, total_buckets, compact, .. } = self.message.clone();
        let data = DataIncrement {
            new_files: compact.compact_after,
            deleted_files: compact.compact_before,
            new_index_files: compact.new_index_files,
            deleted_index_files: compact.deleted_index_files,
            ..DataIncrement::default()
        };
        CommitMessage { partition, bucket, total_buckets, data, compact: CompactIncrement::default() }
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
