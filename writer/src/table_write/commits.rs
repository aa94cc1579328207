//! The commits of a writer: what every bucket did becomes one committable, and what comes of it is settled.
//!
//! Goes in: the identifier of a commit. Comes out: its snapshots. Invariants: files are deleted only when it is certain that no snapshot
//! names them; rows that are published stay so, whatever becomes of the compactions beside them; a compaction that clashes with that
//! of another job is planned anew. Answers to `StoreSinkWriteImpl.prepareCommit` and `TableCommitImpl`.

use alluvium_compaction::{Picking, UnawareCompaction};
use alluvium_format::{CommitKind, CommitMessage, Error, ErrorKind, Result};
use alluvium_store::{Committable, Committed, EmptyCommits, FileStoreCommit, OverwriteScope};
use futures::future::{join, join_all};

use super::{CommitExtras, CompactionWait, State, TableWrite};
use crate::bucket_writer::{BucketWriter, CompactionDemand};
use crate::leftovers::Published;
use crate::unfinished::Owed;

/// A bucket in which nothing was done for so many commits is forgotten; when it is written again its files are looked up again.
const IDLE_COMMITS_MAX: u32 = 10;

/// Whether a commit adds to the table or replaces.
pub(super) enum Change {
    Append,
    Overwrite(OverwriteScope),
}

/// A commit on its way: all but the messages, and what it asks of compactions.
pub(super) struct Commit {
    pub(super) change: Change,
    pub(super) head: Committable,
    pub(super) demand: CompactionDemand,
}

impl Commit {
    /// With these messages.
    pub(super) fn with(&self, messages: Vec<CommitMessage>) -> Committable {
        Committable { messages, ..self.head.clone() }
    }
}

impl TableWrite {
    /// Publishes what was written, by one commit.
    pub(super) async fn change(&mut self, change: Change, identifier: i64, extras: CommitExtras) -> Result<Committed> {
        self.check_open()?;
        self.check_mode(&change)?;
        self.state = State::Busy;
        let properties = extras.properties.into_iter().collect();
        let known_until = self.read_at.or(self.partitioner.known_until());
        let head =
            Committable { identifier, watermark: extras.watermark, properties, known_until, messages: Vec::new() };
        if self.last_committed().is_some_and(|last| identifier <= last) {
            return match self.finish(head).await {
                Ok(committed) => {
                    self.state = State::Open;
                    Ok(committed)
                }
                Err(error) => Err(self.fail(error).await),
            };
        }
        let commit = Commit { demand: self.demand(identifier), change, head };
        let messages = match self.prepare(&commit).await {
            Ok(messages) => messages,
            Err(error) => return Err(self.fail(error).await),
        };
        match self.publish(&commit, messages).await {
            Ok(committed) => {
                if let Some(snapshot) = committed.snapshots.last() {
                    self.last = Some(snapshot.clone());
                }
                self.partitioner.committed(committed.snapshots.last().map(|snapshot| snapshot.id));
                self.state = State::Open;
                Ok(committed)
            }
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// What the commit of this identifier asks of compactions.
    pub(super) fn demand(&self, identifier: i64) -> CompactionDemand {
        let awaited = self.buckets.values().any(BucketWriter::awaits_full_compaction);
        if awaited && self.full_compactions.are_due(identifier, self.now_millis()) {
            return CompactionDemand { wait: CompactionWait::Always, picking: Picking::Full };
        }
        CompactionDemand { wait: self.options.compaction, picking: Picking::Universal }
    }

    fn now_millis(&self) -> i64 {
        self.table.io().clock().now_millis()
    }

    /// Flushes all buckets, side by side, and gives what each of them has to commit.
    async fn prepare(&mut self, commit: &Commit) -> Result<Vec<CommitMessage>> {
        let prepared = match commit.change {
            Change::Append => {
                self.check_totals()?;
                let buckets = self.buckets.values_mut().map(|writer| writer.prepare_commit(commit.demand));
                let beside = compact_beside(self.unaware.as_mut(), commit.demand.wait);
                let (mut prepared, beside) = join(join_all(buckets), beside).await;
                prepared.extend(beside);
                prepared
            }
            Change::Overwrite(_) => {
                if let Some(unaware) = &mut self.unaware {
                    unaware.abandon().await;
                }
                join_all(self.buckets.values_mut().map(BucketWriter::prepare_overwrite)).await
            }
        };
        let messages = self.all_or_none(prepared).await?;
        self.with_hash_indexes(messages).await
    }

    /// All messages; when one could not be made, what the others name is deleted.
    pub(super) async fn all_or_none(&self, prepared: Vec<Result<CommitMessage>>) -> Result<Vec<CommitMessage>> {
        let (mut messages, mut failure) = (Vec::with_capacity(prepared.len()), None);
        for message in prepared {
            match message {
                Ok(message) => messages.push(message),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            None => Ok(messages),
            Some(error) => {
                Published::Nothing.delete_leftovers(&self.table, &messages).await;
                Err(error)
            }
        }
    }

    /// Rows are found by the number of buckets of their partition: there can be one only.
    fn check_totals(&self) -> Result<()> {
        let differs = |writer: &BucketWriter| Some((writer.other_total()?, writer.bucket().clone()));
        let Some((other, bucket)) = self.buckets.values().find_map(differs) else { return Ok(()) };
        let partition = self.table.partition_path(&bucket.partition)?;
        let partition = if partition.is_empty() { "the table".to_owned() } else { format!("partition {partition}") };
        let total = self.settings.total_buckets;
        Err(Error::invalid(format!(
            "{partition} is split into {other} buckets, and the option bucket is {total}: overwrite it to split it anew, \
             or set bucket = {other}"
        )))
    }

    async fn publish(&mut self, commit: &Commit, messages: Vec<CommitMessage>) -> Result<Committed> {
        let idle: Vec<bool> = messages.iter().map(is_empty).collect();
        let worth: Vec<CommitMessage> = messages.into_iter().filter(|message| !is_empty(message)).collect();
        let outcome = match &commit.change {
            Change::Append => self.commit.commit(commit.with(worth.clone())).await,
            Change::Overwrite(scope) => self.commit.overwrite(scope.clone(), commit.with(worth.clone())).await,
        };
        match (outcome, &commit.change) {
            (Ok(committed), Change::Append) => {
                self.settle(commit.demand);
                self.forget_idle(&idle);
                Ok(committed)
            }
            (Ok(committed), Change::Overwrite(_)) => self.settle_overwrite(commit, worth, committed).await,
            (Err(error), change) => {
                let identifier = commit.head.identifier;
                let published = Published::find(&self.commit, identifier, self.last.as_ref(), &error).await;
                published.delete_leftovers(&self.table, &worth).await;
                match change {
                    Change::Append if error.kind() == ErrorKind::Conflict => {
                        self.survive(commit, published, &worth, error).await
                    }
                    _ => Err(error),
                }
            }
        }
    }

    /// The compactions that went into a commit are in the table.
    pub(super) fn settle(&mut self, demand: CompactionDemand) {
        self.buckets.values_mut().for_each(BucketWriter::committed);
        if demand.picking == Picking::Full {
            self.full_compactions.done(self.now_millis());
        }
    }

    /// Counts a commit for the buckets, which are in the order of `idle`, and forgets those in which nothing is done, or due, any more.
    fn forget_idle(&mut self, idle: &[bool]) {
        let mut idle = idle.iter();
        let full_compactions_come = matches!(self.owed, Owed::FullCompaction(_));
        self.buckets.retain(|_, writer| {
            let is_idle = idle.next().copied().unwrap_or(false);
            let is_awaited = full_compactions_come && writer.awaits_full_compaction();
            !is_idle || is_awaited || writer.count_idle_commit() <= IDLE_COMMITS_MAX
        });
    }

    /// Commits what compactions did since the last commit, with its identifier and position.
    pub(super) async fn commit_compactions(&mut self) -> Result<Committed> {
        let buckets = std::mem::take(&mut self.buckets).into_values();
        let Some(last) = self.last.clone() else {
            // Without a commit there is nothing that was compacted but files of no commit.
            join_all(buckets.map(BucketWriter::abandon)).await;
            self.abandon_buckets().await;
            return Ok(Committed::default());
        };
        let prepared = join_all(buckets.map(BucketWriter::prepare_close)).await;
        let mut prepared: Vec<Result<CommitMessage>> = prepared.into_iter().filter_map(Result::transpose).collect();
        if let Some(unaware) = &mut self.unaware {
            prepared.extend(each(unaware.take_all().await));
        }
        let messages = self.all_or_none(prepared).await?;
        let messages: Vec<CommitMessage> = messages.into_iter().filter(|message| !message.compact.is_empty()).collect();
        let identifier = last.commit_identifier;
        let properties = last.properties.clone().unwrap_or_default();
        let watermark = last.watermark;
        let messages_of = messages.clone();
        let committable =
            Committable { identifier, watermark, properties, messages: messages_of, ..Committable::default() };
        // A commit has one COMPACT snapshot at most: a further one is that of a job of its own.
        let is_compacted = last.commit_kind == CommitKind::Compact;
        let user = if is_compacted { self.table.io().namer().uuid() } else { self.user.clone() };
        let commit = FileStoreCommit::new(&self.table, user, EmptyCommits::Skipped);
        match commit.commit(committable).await {
            Ok(committed) => Ok(committed),
            Err(error) => {
                let published = Published::find(&commit, identifier, Some(&last), &error).await;
                published.delete_leftovers(&self.table, &messages).await;
                if error.kind() == ErrorKind::Conflict { Ok(Committed::default()) } else { Err(error) }
            }
        }
    }
}

/// Starts what is worthwhile in a table without buckets, and gives what is done, or all where it is waited for.
async fn compact_beside(unaware: Option<&mut UnawareCompaction>, wait: CompactionWait) -> Vec<Result<CommitMessage>> {
    let Some(unaware) = unaware else { return Vec::new() };
    if let Err(error) = unaware.look().await {
        return vec![Err(error)];
    }
    each(match wait {
        CompactionWait::Background => unaware.take_done().await,
        CompactionWait::Always => unaware.take_all().await,
    })
}

fn each(messages: Result<Vec<CommitMessage>>) -> Vec<Result<CommitMessage>> {
    match messages {
        Ok(messages) => messages.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}

fn is_empty(message: &CommitMessage) -> bool {
    message.data.is_empty() && message.compact.is_empty()
}
