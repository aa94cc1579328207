//! The writer of one bucket: an LSM tree, or files one after the other, that grow by flushes and are kept few by compaction.
//!
//! Goes in: rows. Comes out: what a commit says of the bucket. Invariants: sequence numbers ascend by arrival, from the highest of
//! the restored files on; one flush and one compaction at most are under way; a file is published by the commit that its message
//! goes into, or deleted. Answers to `org.apache.paimon.mergetree.MergeTreeWriter` and
//! `org.apache.paimon.append.AppendOnlyWriter`.

use std::sync::Arc;

use alluvium_compaction::{BucketCompactor, Picking};
use alluvium_format::{CommitMessage, CompactIncrement, DataIncrement, ErrorKind, Result};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::PartitionBucket;
use arrow_array::Int64Array;

use crate::bucket_settings::{BucketSettings, Compaction};
use crate::flush::{Flush, Flushed};
use crate::postpone::waiting_rows;
use crate::restore::{Restored, restore};
use crate::table_rows::TableRows;
use crate::table_write::CompactionWait;
use crate::write_buffer::WriteBuffer;

/// How often a compaction that a commit waits for is planned again after others took its files away.
const PLANS_MAX: usize = 5;

/// The writer of one bucket. Dropping it stops what is under way.
#[derive(Debug)]
pub(crate) struct BucketWriter {
    settings: Arc<BucketSettings>,
    bucket: PartitionBucket,
    other_total: Option<i32>,
    next_sequence: i64,
    buffer: WriteBuffer,
    flush: Option<Flush>,
    /// Flushed since the last commit.
    flushed: Flushed,
    compaction: Option<BucketCompactor>,
    fullness: Fullness,
    /// Commits since something was last done here.
    idle_commits: u32,
}

/// Whether rows came since the last full compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fullness {
    /// None came.
    Compacted,
    /// Some came.
    Written,
    /// All that came are in a full compaction that goes into the next commit.
    Committing,
}

/// What a commit asks of the compactions of its buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompactionDemand {
    /// Whether it waits for them.
    pub(crate) wait: CompactionWait,
    /// Full in buckets that were written since their last full one, or by the rules.
    pub(crate) picking: Picking,
}

/// Whether a compaction came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    Done,
    /// Others had taken its files away; the levels are those of the latest snapshot now.
    Stale,
}

impl BucketWriter {
    /// The writer of a bucket in which `restored` is.
    pub(crate) fn new(settings: &Arc<BucketSettings>, bucket: PartitionBucket, restored: Restored) -> Result<Self> {
        let highest = restored.files.iter().map(|file| file.max_sequence_number).max();
        let compacts = settings.compaction == Compaction::ByWriter && restored.other_total.is_none();
        let compaction = if compacts {
            let Restored { files, vectors, looked_up, .. } = restored;
            Some(BucketCompactor::new(&settings.compact, bucket.clone(), files, vectors, looked_up)?)
        } else {
            None
        };
        Ok(Self {
            settings: Arc::clone(settings),
            bucket,
            other_total: restored.other_total,
            next_sequence: highest.map_or(0, |highest| highest.saturating_add(1)),
            buffer: WriteBuffer::default(),
            flush: None,
            flushed: Flushed::default(),
            compaction,
            fullness: Fullness::Compacted,
            idle_commits: 0,
        })
    }

    /// Which bucket it is.
    pub(crate) fn bucket(&self) -> &PartitionBucket {
        &self.bucket
    }

    /// Into how many buckets the partition was split, when that is another number than the table's.
    pub(crate) fn other_total(&self) -> Option<i32> {
        self.other_total
    }

    /// Bytes of the rows that wait.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// Bytes that they would take if those on the local disk were in memory, too.
    pub(crate) fn total_bytes(&self) -> usize {
        self.buffer.total_bytes()
    }

    /// The rows that wait.
    pub(crate) fn buffer(&self) -> &WriteBuffer {
        &self.buffer
    }

    /// The rows that wait, to be taken to the local disk.
    pub(crate) fn buffer_mut(&mut self) -> &mut WriteBuffer {
        &mut self.buffer
    }

    /// Bytes of the rows that are being flushed.
    pub(crate) fn flushing_bytes(&self) -> usize {
        self.flush.as_ref().map_or(0, Flush::bytes)
    }

    /// Whether rows came since the last full compaction that was committed.
    pub(crate) fn awaits_full_compaction(&self) -> bool {
        self.fullness != Fullness::Compacted
    }

    /// Takes note that earlier rows await a full compaction.
    pub(crate) fn expect_full_compaction(&mut self) {
        self.fullness = Fullness::Written;
    }

    /// Takes rows.
    pub(crate) async fn push(&mut self, rows: TableRows) -> Result<()> {
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let end = self.next_sequence.saturating_add(count);
        let postponed = self.settings.postponed.is_some();
        let sequences = match postponed {
            true => waiting_rows::sequences(rows.len()),
            false => Int64Array::from_iter_values(self.next_sequence..end),
        };
        let batch = KeyValueBatch::try_new(sequences, rows.kinds, rows.values)?;
        if let Some(merge) = self.settings.merge().filter(|_| postponed) {
            waiting_rows::check_retractions(merge, &batch)?;
        }
        if self.buffer.must_be_flushed_before(&batch) {
            self.begin_flush().await?;
        }
        self.next_sequence = end;
        self.idle_commits = 0;
        self.fullness = Fullness::Written;
        self.buffer.push(batch)
    }

    /// Begins to flush the rows that wait, after the flush before it; and after the compaction under way when there are too many runs.
    pub(crate) async fn begin_flush(&mut self) -> Result<()> {
        self.end_flush(CompactionWait::Background, Picking::Universal).await?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        if self.compaction.as_ref().is_some_and(BucketCompactor::holds_up_flush) {
            self.wait_for_compaction().await?;
        }
        self.flush = Some(Flush::begin(&self.settings, &self.bucket, self.buffer.take()));
        Ok(())
    }

    /// Takes in the flush that is done, if one is.
    pub(crate) async fn poll_flush(&mut self) -> Result<()> {
        match &self.flush {
            Some(flush) if flush.is_finished() => self.take_flush().await,
            _ => Ok(()),
        }
    }

    /// Waits for the flush under way and takes it in.
    pub(crate) async fn take_flush(&mut self) -> Result<()> {
        self.end_flush(CompactionWait::Background, Picking::Universal).await
    }

    /// Waits for the flush under way, takes in its files, and starts a compaction; before that it takes in the compaction that is done,
    /// or waits for it.
    async fn end_flush(&mut self, wait: CompactionWait, picking: Picking) -> Result<()> {
        if let Some(flush) = &mut self.flush {
            let flushed = flush.wait().await;
            self.flush = None;
            let flushed = flushed?;
            if let Some(compaction) = &mut self.compaction {
                flushed.files.iter().cloned().try_for_each(|file| compaction.add_flushed(file))?;
            }
            self.flushed.extend(flushed);
        }
        match wait {
            CompactionWait::Background => self.poll_compaction().await?,
            CompactionWait::Always => drop(self.wait_for_compaction().await?),
        }
        self.trigger(picking)
    }

    fn trigger(&mut self, picking: Picking) -> Result<()> {
        self.compaction.as_mut().map_or(Ok(()), |compaction| compaction.trigger(picking))
    }

    async fn poll_compaction(&mut self) -> Result<()> {
        let Some(compaction) = &mut self.compaction else { return Ok(()) };
        let polled = compaction.poll().await;
        self.restore_when_stale(polled).await.map(drop)
    }

    async fn wait_for_compaction(&mut self) -> Result<Waited> {
        let Some(compaction) = &mut self.compaction else { return Ok(Waited::Done) };
        let waited = compaction.wait().await;
        self.restore_when_stale(waited).await
    }

    /// Waits for the compaction that was picked; when others had taken its files away it is picked again from what they left.
    async fn see_compaction_through(&mut self, picking: Picking) -> Result<()> {
        for _ in 1..PLANS_MAX {
            match self.wait_for_compaction().await? {
                Waited::Done => return Ok(()),
                Waited::Stale => self.trigger(picking)?,
            }
        }
        self.wait_for_compaction().await.map(drop)
    }

    /// A file that is gone was compacted by another job, and its snapshot has expired: the levels are those of the past.
    async fn restore_when_stale(&mut self, outcome: Result<()>) -> Result<Waited> {
        match outcome {
            Ok(()) => Ok(Waited::Done),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.restore_levels().await?;
                Ok(Waited::Stale)
            }
            Err(error) => Err(error),
        }
    }

    /// Drops what compactions did since the last commit and goes on from the files of the latest snapshot.
    async fn restore_levels(&mut self) -> Result<()> {
        if let Some(compaction) = self.compaction.take() {
            compaction.abandon().await;
        }
        let restored = restore(&self.settings, std::slice::from_ref(&self.bucket)).await?;
        let Restored { mut files, vectors, looked_up, .. } = restored.into_iter().next().unwrap_or_default();
        files.extend(self.flushed.files.iter().cloned());
        let highest = files.iter().map(|file| file.max_sequence_number).max().unwrap_or(-1);
        self.next_sequence = self.next_sequence.max(highest.saturating_add(1));
        let (settings, bucket) = (&self.settings.compact, self.bucket.clone());
        self.compaction = Some(BucketCompactor::new(settings, bucket, files, vectors, looked_up)?);
        Ok(())
    }

    /// Flushes all rows and gives what is to be committed. It waits for compaction when it is asked to, and when there are too many runs.
    pub(crate) async fn prepare_commit(&mut self, demand: CompactionDemand) -> Result<CommitMessage> {
        if demand.picking == Picking::Full && self.awaits_full_compaction() {
            self.begin_flush().await?;
            self.end_flush(CompactionWait::Always, Picking::Full).await?;
            self.see_compaction_through(Picking::Full).await?;
            self.fullness = Fullness::Committing;
        }
        self.begin_flush().await?;
        self.end_flush(demand.wait, Picking::Universal).await?;
        let holds_up = self.compaction.as_ref().is_some_and(BucketCompactor::holds_up_commit);
        if demand.wait == CompactionWait::Always || holds_up {
            self.see_compaction_through(Picking::Universal).await?;
        }
        self.take_message().await
    }

    /// Flushes all rows and gives the new files alone, for an overwrite, which replaces what compactions worked on.
    pub(crate) async fn prepare_overwrite(&mut self) -> Result<CommitMessage> {
        if let Some(compaction) = self.compaction.take() {
            compaction.abandon().await;
        }
        self.begin_flush().await?;
        self.take_flush().await?;
        self.take_message().await
    }

    /// Waits for the compaction under way and gives what compactions did, for the end of the writer. Nothing when it may have compacted
    /// files of no commit: these are deleted.
    pub(crate) async fn prepare_close(mut self) -> Result<Option<CommitMessage>> {
        if !self.flushed.is_empty() || self.flush.is_some() || self.compaction.is_none() {
            self.abandon().await;
            return Ok(None);
        }
        let waited = match &mut self.compaction {
            Some(compaction) => compaction.wait().await,
            None => Ok(()),
        };
        let message = match waited {
            Ok(()) => self.take_message().await,
            Err(error) => Err(error),
        };
        match message {
            Ok(message) => Ok(Some(message)),
            Err(error) => {
                self.abandon().await;
                if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) }
            }
        }
    }

    async fn take_message(&mut self) -> Result<CommitMessage> {
        let compact = match &mut self.compaction {
            Some(compaction) => compaction.take_increment().await?,
            None => CompactIncrement::default(),
        };
        let Flushed { files, changelog } = std::mem::take(&mut self.flushed);
        Ok(CommitMessage {
            partition: self.bucket.partition.clone(),
            bucket: self.bucket.bucket,
            total_buckets: self.settings.total_buckets,
            data: DataIncrement { new_files: files, changelog_files: changelog, ..DataIncrement::default() },
            compact,
        })
    }

    /// Takes note that what it gave last is committed.
    pub(crate) fn committed(&mut self) {
        if self.fullness == Fullness::Committing {
            self.fullness = Fullness::Compacted;
        }
    }

    /// Counts a commit in which nothing was done here. Returns how many they are; 0 while something is under way or owed.
    pub(crate) fn count_idle_commit(&mut self) -> u32 {
        let compacts = self.compaction.as_ref().is_some_and(BucketCompactor::is_not_completed);
        let busy = compacts || !self.buffer.is_empty();
        self.idle_commits = if busy { 0 } else { self.idle_commits.saturating_add(1) };
        self.idle_commits
    }

    /// Stops what is under way, and deletes what was written since the last commit.
    pub(crate) async fn abandon(self) {
        if let Some(flush) = self.flush {
            flush.abandon(&self.settings, &self.bucket).await;
        }
        if let Some(compaction) = self.compaction {
            compaction.abandon().await;
        }
        self.flushed.delete(&self.settings, &self.bucket).await;
    }
}
