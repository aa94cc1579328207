//! The writer of one bucket: an LSM tree that grows by flushes and is kept small by compaction.
//!
//! Goes in: rows. Comes out: what a commit says of the bucket. Invariants: sequence numbers ascend by arrival, from the highest of
//! the restored files on; one flush and one compaction at most are under way; a file is published by the commit that its message
//! goes into, or deleted. Answers to `org.apache.paimon.mergetree.MergeTreeWriter`.

use std::sync::Arc;

use alluvium_compaction::{BucketCompaction, CompactSettings, Picking, delete_unpublished};
use alluvium_format::{CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, ErrorKind, Result};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{PartitionBucket, TableStore};
use arrow_array::Int64Array;

use crate::flush::Flush;
use crate::restore::{Restored, restore};
use crate::table_rows::TableRows;
use crate::table_write::CompactionWait;
use crate::write_buffer::WriteBuffer;

/// What the writers of all buckets share.
#[derive(Debug)]
pub(crate) struct BucketSettings {
    pub(crate) compact: Arc<CompactSettings>,
    pub(crate) compaction: Compaction,
    pub(crate) total_buckets: i32,
}

/// Whether buckets are compacted by their writer: `write-only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compaction {
    /// Here.
    ByWriter,
    /// Elsewhere.
    ByOthers,
}

impl BucketSettings {
    fn table(&self) -> &TableStore {
        self.compact.table()
    }
}

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
    new_files: Vec<DataFileMeta>,
    compaction: Option<BucketCompaction>,
    /// Commits since something was last done here.
    idle_commits: u32,
}

impl BucketWriter {
    /// The writer of a bucket in which `restored` is.
    pub(crate) fn new(settings: &Arc<BucketSettings>, bucket: PartitionBucket, restored: Restored) -> Result<Self> {
        let highest = restored.files.iter().map(|file| file.max_sequence_number).max();
        let compacts = settings.compaction == Compaction::ByWriter && restored.other_total.is_none();
        let compaction = if compacts {
            Some(BucketCompaction::new(&settings.compact, bucket.clone(), restored.files)?)
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
            new_files: Vec::new(),
            compaction,
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

    /// Bytes of the rows that are being flushed.
    pub(crate) fn flushing_bytes(&self) -> usize {
        self.flush.as_ref().map_or(0, Flush::bytes)
    }

    /// Takes rows.
    pub(crate) async fn push(&mut self, rows: TableRows) -> Result<()> {
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let end = self.next_sequence.saturating_add(count);
        let sequences = Int64Array::from_iter_values(self.next_sequence..end);
        let batch = KeyValueBatch::try_new(sequences, rows.kinds, rows.values)?;
        if self.buffer.must_be_flushed_before(&batch) {
            self.begin_flush().await?;
        }
        self.next_sequence = end;
        self.idle_commits = 0;
        self.buffer.push(batch)
    }

    /// Begins to flush the rows that wait, after the flush before it; and after the compaction under way when there are too many runs.
    pub(crate) async fn begin_flush(&mut self) -> Result<()> {
        self.end_flush(CompactionWait::Background).await?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        if self.compaction.as_ref().is_some_and(BucketCompaction::holds_up_flush) {
            self.wait_for_compaction().await?;
        }
        let bytes = self.buffer.bytes();
        let (table, merge) = (self.settings.table(), self.settings.compact.merge());
        self.flush = Some(Flush::begin(table, &self.bucket, merge, self.buffer.take(), bytes));
        Ok(())
    }

    /// Takes in the flush that is done, if one is.
    pub(crate) async fn poll_flush(&mut self) -> Result<()> {
        match &self.flush {
            Some(flush) if flush.is_finished() => self.end_flush(CompactionWait::Background).await,
            _ => Ok(()),
        }
    }

    /// Waits for the flush under way, takes in its files, and starts the compaction that they ask for; before that it takes in the
    /// compaction that is done, or waits for it.
    pub(crate) async fn end_flush(&mut self, wait: CompactionWait) -> Result<()> {
        if let Some(flush) = &mut self.flush {
            let flushed = flush.wait().await;
            self.flush = None;
            let files = flushed?;
            if let Some(compaction) = &mut self.compaction {
                files.iter().cloned().try_for_each(|file| compaction.add_flushed(file))?;
            }
            self.new_files.extend(files);
        }
        match wait {
            CompactionWait::Background => self.poll_compaction().await?,
            CompactionWait::Always => self.wait_for_compaction().await?,
        }
        self.compaction.as_mut().map_or(Ok(()), |compaction| compaction.trigger(Picking::Universal))
    }

    async fn poll_compaction(&mut self) -> Result<()> {
        let Some(compaction) = &mut self.compaction else { return Ok(()) };
        let polled = compaction.poll().await;
        self.restore_when_stale(polled).await
    }

    async fn wait_for_compaction(&mut self) -> Result<()> {
        let Some(compaction) = &mut self.compaction else { return Ok(()) };
        let waited = compaction.wait().await;
        self.restore_when_stale(waited).await
    }

    /// A file that is gone was compacted by another job, and its snapshot has expired: the levels are those of the past.
    async fn restore_when_stale(&mut self, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(error) if error.kind() == ErrorKind::NotFound => self.restore_levels().await,
            outcome => outcome,
        }
    }

    /// Drops what compactions did since the last commit and goes on from the files of the latest snapshot.
    async fn restore_levels(&mut self) -> Result<()> {
        if let Some(compaction) = self.compaction.take() {
            compaction.abandon().await;
        }
        let buckets = std::slice::from_ref(&self.bucket);
        let restored = restore(self.settings.table(), self.settings.total_buckets, buckets).await?;
        let mut files: Vec<DataFileMeta> = restored.into_iter().flat_map(|restored| restored.files).collect();
        files.extend(self.new_files.iter().cloned());
        let highest = files.iter().map(|file| file.max_sequence_number).max().unwrap_or(-1);
        self.next_sequence = self.next_sequence.max(highest.saturating_add(1));
        self.compaction = Some(BucketCompaction::new(&self.settings.compact, self.bucket.clone(), files)?);
        Ok(())
    }

    /// Flushes all rows and gives what is to be committed. It waits for compaction when it is asked to, and when there are too many runs.
    pub(crate) async fn prepare_commit(&mut self, wait: CompactionWait) -> Result<CommitMessage> {
        self.begin_flush().await?;
        self.end_flush(wait).await?;
        let holds_up = self.compaction.as_ref().is_some_and(BucketCompaction::holds_up_commit);
        if wait == CompactionWait::Always || holds_up {
            self.wait_for_compaction().await?;
        }
        Ok(self.take_message())
    }

    /// Flushes all rows and gives the new files alone, for an overwrite, which replaces what compactions worked on.
    pub(crate) async fn prepare_overwrite(&mut self) -> Result<CommitMessage> {
        if let Some(compaction) = self.compaction.take() {
            compaction.abandon().await;
        }
        self.begin_flush().await?;
        self.end_flush(CompactionWait::Background).await?;
        Ok(self.take_message())
    }

    /// Waits for the compaction under way and gives what compactions did, for the end of the writer. Nothing when it may have compacted
    /// files of no commit: these are deleted.
    pub(crate) async fn prepare_close(mut self) -> Result<Option<CommitMessage>> {
        if !self.new_files.is_empty() || self.flush.is_some() || self.compaction.is_none() {
            self.abandon().await;
            return Ok(None);
        }
        let waited = match &mut self.compaction {
            Some(compaction) => compaction.wait().await,
            None => Ok(()),
        };
        match waited {
            Ok(()) => Ok(Some(self.take_message())),
            Err(error) => {
                self.abandon().await;
                if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) }
            }
        }
    }

    fn take_message(&mut self) -> CommitMessage {
        let results = self.compaction.as_mut().map(BucketCompaction::take_results).unwrap_or_default();
        CommitMessage {
            partition: self.bucket.partition.clone(),
            bucket: self.bucket.bucket,
            total_buckets: self.settings.total_buckets,
            data: DataIncrement { new_files: std::mem::take(&mut self.new_files), ..DataIncrement::default() },
            compact: CompactIncrement {
                compact_before: results.before,
                compact_after: results.after,
                changelog_files: results.changelog,
                ..CompactIncrement::default()
            },
        }
    }

    /// Counts a commit in which nothing was done here. Returns how many they are; 0 while something is under way.
    pub(crate) fn count_idle_commit(&mut self) -> u32 {
        let compacts = self.compaction.as_ref().is_some_and(BucketCompaction::is_running);
        self.idle_commits = if compacts || !self.buffer.is_empty() { 0 } else { self.idle_commits.saturating_add(1) };
        self.idle_commits
    }

    /// Stops what is under way, and deletes what was written since the last commit.
    pub(crate) async fn abandon(self) {
        let table = self.settings.table();
        if let Some(flush) = self.flush {
            flush.abandon(table, &self.bucket).await;
        }
        if let Some(compaction) = self.compaction {
            compaction.abandon().await;
        }
        delete_unpublished(table, &self.bucket, &self.new_files).await;
    }
}
