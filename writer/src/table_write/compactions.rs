//! Compactions that a commit still owes: those that clashed with another job's, those that an earlier run left undone.
//!
//! Goes in: the buckets. Comes out: the COMPACT part of the commit, planned anew from the latest snapshot. Invariants: rows that are
//! published stay so, whatever becomes of these; a commit has one COMPACT snapshot at most.

use std::collections::BTreeSet;

use alluvium_compaction::Picking;
use alluvium_format::{CommitKind, CommitMessage, Error, ErrorKind, Result, Snapshot};
use alluvium_store::{Committable, Committed, EmptyCommits, FileStoreCommit, PartitionBucket};
use futures::future::join_all;

use super::commits::{Change, Commit};
use super::{CompactionWait, TableWrite, place_of};
use crate::bucket_writer::BucketWriter;
use crate::leftovers::{Published, drop_changelog};
use crate::unfinished::Owed;

/// How often the compactions of one commit are planned again after a clash with those of another job.
const PLANS_MAX: usize = 5;

impl TableWrite {
    /// A commit that is in the table already: its rows are dropped. When it is the last one, and its compactions were left undone, they
    /// are done.
    pub(super) async fn finish(&mut self, head: Committable) -> Result<Committed> {
        self.abandon_buckets().await;
        self.partitioner.forget();
        self.take_up_unfinished().await?;
        let is_last = |last: &Snapshot| last.commit_identifier == head.identifier;
        let lacks_compactions = |last: &Snapshot| last.commit_kind != CommitKind::Compact && is_last(last);
        if self.buckets.is_empty() || !self.last.as_ref().is_some_and(lacks_compactions) {
            return Ok(Committed::default());
        }
        let buckets = self.buckets.values().map(|writer| writer.bucket().clone()).collect();
        let commit = Commit { demand: self.demand(head.identifier), change: Change::Append, head };
        let snapshots: Vec<Snapshot> = self.compact_again(&commit, buckets).await?.into_iter().collect();
        if let Some(snapshot) = snapshots.last() {
            self.last = Some(snapshot.clone());
        }
        Ok(Committed { snapshots })
    }

    /// What the buckets know of the table was replaced. Files that are still on level 0 are compacted, where readers wait for that.
    pub(super) async fn settle_overwrite(
        &mut self,
        commit: &Commit,
        mut messages: Vec<CommitMessage>,
        mut committed: Committed,
    ) -> Result<Committed> {
        self.abandon_buckets().await;
        drop_changelog(&self.table, &mut messages).await;
        if self.settings.looks_up() {
            let buckets = messages.iter().map(bucket_of).collect();
            committed.snapshots.extend(self.compact_again(commit, buckets).await?);
        }
        Ok(committed)
    }

    /// Another job compacted the same files: the rows are published, and the buckets go on from what that job left.
    pub(super) async fn survive(
        &mut self,
        commit: &Commit,
        published: Published,
        messages: &[CommitMessage],
        error: Error,
    ) -> Result<Committed> {
        let has_rows = messages.iter().any(|message| !message.data.is_empty());
        let mut snapshots = match published {
            Published::Rows(snapshot) => vec![*snapshot],
            Published::Nothing if !has_rows => Vec::new(),
            Published::Nothing | Published::Perhaps => return Err(error),
        };
        let clashed: Vec<PartitionBucket> =
            messages.iter().filter(|message| !message.compact.is_empty()).map(bucket_of).collect();
        self.close_buckets(&clashed).await;
        if let Some(unaware) = &mut self.unaware {
            unaware.look_anew();
        }
        if let Some(rows) = snapshots.last() {
            self.last = Some(rows.clone());
        }
        snapshots.extend(self.compact_again(commit, clashed).await?);
        Ok(Committed { snapshots })
    }

    /// Opens buckets from the latest snapshot. Where the commit waits for compactions, they are compacted, and that becomes the COMPACT
    /// part of the commit; `None` when there was nothing to do, or others were first again and again.
    async fn compact_again(&mut self, commit: &Commit, buckets: Vec<PartitionBucket>) -> Result<Option<Snapshot>> {
        if commit.demand.wait == CompactionWait::Background {
            if self.owed != Owed::Nothing {
                self.reopen(&buckets, commit).await?;
            }
            return Ok(None);
        }
        let publisher = FileStoreCommit::new(&self.table, self.user.as_str(), EmptyCommits::Skipped);
        for _ in 0..PLANS_MAX {
            self.reopen(&buckets, commit).await?;
            let places: BTreeSet<_> = buckets.iter().map(place_of).collect();
            let writers =
                self.buckets.iter_mut().filter(|(place, _)| places.contains(*place)).map(|(_, writer)| writer);
            let prepared = join_all(writers.map(|writer| writer.prepare_commit(commit.demand))).await;
            let mut messages = self.all_or_none(prepared).await?;
            if let Change::Overwrite(_) = commit.change {
                drop_changelog(&self.table, &mut messages).await;
            }
            match publisher.commit(commit.with(messages.clone())).await {
                Ok(committed) => {
                    self.settle(commit.demand);
                    return Ok(committed.snapshots.into_iter().next_back());
                }
                Err(error) => {
                    let identifier = commit.head.identifier;
                    let published = Published::find(&publisher, identifier, self.last.as_ref(), &error).await;
                    published.delete_leftovers(&self.table, &messages).await;
                    if error.kind() != ErrorKind::Conflict || published == Published::Perhaps {
                        return Err(error);
                    }
                    self.close_buckets(&buckets).await;
                }
            }
        }
        self.reopen(&buckets, commit).await?;
        Ok(None)
    }

    async fn close_buckets(&mut self, buckets: &[PartitionBucket]) {
        let writers: Vec<BucketWriter> =
            buckets.iter().filter_map(|bucket| self.buckets.remove(&place_of(bucket))).collect();
        join_all(writers.into_iter().map(BucketWriter::abandon)).await;
    }

    async fn reopen(&mut self, buckets: &[PartitionBucket], commit: &Commit) -> Result<()> {
        self.open_buckets(buckets).await?;
        if commit.demand.picking == Picking::Full || matches!(self.owed, Owed::FullCompaction(_)) {
            let opened = buckets.iter().map(place_of);
            for place in opened {
                if let Some(writer) = self.buckets.get_mut(&place) {
                    writer.expect_full_compaction();
                }
            }
        }
        Ok(())
    }
}

fn bucket_of(message: &CommitMessage) -> PartitionBucket {
    PartitionBucket { partition: message.partition.clone(), bucket: message.bucket }
}
