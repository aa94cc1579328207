//! The commits of a writer: what every bucket did becomes one committable, and what comes of it is settled.
//!
//! Goes in: the identifier of a commit. Comes out: its snapshots. Invariants: files are deleted only when it is certain that no snapshot
//! names them; rows that are published stay so, whatever becomes of the compactions beside them.

use alluvium_compaction::delete_unpublished;
use alluvium_format::{CommitKind, CommitMessage, Error, ErrorKind, Result};
use alluvium_store::{Committable, Committed, EmptyCommits, FileStoreCommit, OverwriteScope};
use futures::future::join_all;

use super::{CommitExtras, State, TableWrite};
use crate::bucket_writer::BucketWriter;
use crate::leftovers::Published;

/// A bucket in which nothing was done for so many commits is forgotten; when it is written again its files are looked up again.
const IDLE_COMMITS_MAX: u32 = 10;

/// Whether a commit adds to the table or replaces.
pub(super) enum Change {
    Append,
    Overwrite(OverwriteScope),
}

impl TableWrite {
    /// Publishes what was written, by one commit.
    pub(super) async fn change(&mut self, change: Change, identifier: i64, extras: CommitExtras) -> Result<Committed> {
        self.check_open()?;
        self.state = State::Busy;
        if self.last_committed().is_some_and(|last| identifier <= last) {
            self.abandon_buckets().await;
            self.state = State::Open;
            return Ok(Committed::default());
        }
        let messages = match self.prepare(&change).await {
            Ok(messages) => messages,
            Err(error) => return Err(self.fail(error).await),
        };
        match self.publish(change, identifier, extras, messages).await {
            Ok(committed) => {
                if let Some(snapshot) = committed.snapshots.last() {
                    self.last = Some(snapshot.clone());
                }
                self.state = State::Open;
                Ok(committed)
            }
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Flushes all buckets, side by side, and gives what each of them has to commit.
    async fn prepare(&mut self, change: &Change) -> Result<Vec<CommitMessage>> {
        let wait = self.options.compaction;
        let prepared = match change {
            Change::Append => {
                self.check_totals()?;
                join_all(self.buckets.values_mut().map(|writer| writer.prepare_commit(wait))).await
            }
            Change::Overwrite(_) => join_all(self.buckets.values_mut().map(BucketWriter::prepare_overwrite)).await,
        };
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
                self.delete_leftovers(&Published::Nothing, &messages).await;
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

    async fn publish(
        &mut self,
        change: Change,
        identifier: i64,
        extras: CommitExtras,
        messages: Vec<CommitMessage>,
    ) -> Result<Committed> {
        let idle: Vec<bool> = messages.iter().map(is_empty).collect();
        let worth: Vec<CommitMessage> = messages.into_iter().filter(|message| !is_empty(message)).collect();
        let properties = extras.properties.into_iter().collect();
        let committable = Committable { identifier, watermark: extras.watermark, properties, messages: worth.clone() };
        let outcome = match &change {
            Change::Append => self.commit.commit(committable).await,
            Change::Overwrite(scope) => self.commit.overwrite(scope.clone(), committable).await,
        };
        match (outcome, change) {
            (Ok(committed), Change::Append) => {
                self.forget_idle(&idle);
                Ok(committed)
            }
            (Ok(committed), Change::Overwrite(_)) => {
                // What the buckets know of the table was replaced.
                self.abandon_buckets().await;
                Ok(committed)
            }
            (Err(error), change) => {
                let published = Published::find(&self.commit, identifier, self.last.as_ref(), &error).await;
                self.delete_leftovers(&published, &worth).await;
                match change {
                    Change::Append if error.kind() == ErrorKind::Conflict => {
                        self.survive(error, published, &worth).await
                    }
                    _ => Err(error),
                }
            }
        }
    }

    /// Another job compacted the same files: the rows are published, and the buckets go on from what that job left.
    async fn survive(&mut self, error: Error, published: Published, messages: &[CommitMessage]) -> Result<Committed> {
        let has_rows = messages.iter().any(|message| !message.data.is_empty());
        let snapshots = match published {
            Published::Rows(snapshot) => vec![*snapshot],
            Published::Nothing if !has_rows => Vec::new(),
            Published::Nothing | Published::Perhaps => return Err(error),
        };
        let clashed = messages.iter().filter(|message| !message.compact.is_empty());
        let clashed = clashed.map(|message| (message.partition.as_bytes().to_vec(), message.bucket));
        let clashed: Vec<BucketWriter> = clashed.filter_map(|place| self.buckets.remove(&place)).collect();
        join_all(clashed.into_iter().map(BucketWriter::abandon)).await;
        Ok(Committed { snapshots })
    }

    /// Counts a commit for the buckets, which are in the order of `idle`, and forgets those in which nothing is done any more.
    fn forget_idle(&mut self, idle: &[bool]) {
        let mut idle = idle.iter();
        self.buckets.retain(|_, writer| {
            let is_idle = idle.next().copied().unwrap_or(false);
            !is_idle || writer.count_idle_commit() <= IDLE_COMMITS_MAX
        });
    }

    /// Commits what compactions did since the last commit, with its identifier and position.
    pub(super) async fn commit_compactions(&mut self) -> Result<Committed> {
        let buckets = std::mem::take(&mut self.buckets).into_values();
        let Some(last) = self.last.clone() else {
            // Without a commit there is nothing that was compacted but files of no commit.
            join_all(buckets.map(BucketWriter::abandon)).await;
            return Ok(Committed::default());
        };
        let (mut messages, mut failure) = (Vec::new(), None);
        for prepared in join_all(buckets.map(BucketWriter::prepare_close)).await {
            match prepared {
                Ok(message) => messages.extend(message.filter(|message| !message.compact.is_empty())),
                Err(error) => failure = Some(error),
            }
        }
        if let Some(error) = failure {
            self.delete_leftovers(&Published::Nothing, &messages).await;
            return Err(error);
        }
        let identifier = last.commit_identifier;
        let properties = last.properties.clone().unwrap_or_default();
        let committable = Committable { identifier, watermark: last.watermark, properties, messages: messages.clone() };
        // A commit has one COMPACT snapshot at most: a further one is that of a job of its own.
        let is_compacted = last.commit_kind == CommitKind::Compact;
        let user = if is_compacted { self.table.io().namer().uuid() } else { self.user.clone() };
        let commit = FileStoreCommit::new(&self.table, user, EmptyCommits::Skipped);
        match commit.commit(committable).await {
            Ok(committed) => Ok(committed),
            Err(error) => {
                let published = Published::find(&commit, identifier, Some(&last), &error).await;
                self.delete_leftovers(&published, &messages).await;
                if error.kind() == ErrorKind::Conflict { Ok(Committed::default()) } else { Err(error) }
            }
        }
    }

    async fn delete_leftovers(&self, published: &Published, messages: &[CommitMessage]) {
        for (bucket, files) in published.leftovers(messages) {
            delete_unpublished(&self.table, &bucket, &files).await;
        }
    }
}

fn is_empty(message: &CommitMessage) -> bool {
    message.data.is_empty() && message.compact.is_empty()
}
