//! The compactions of a table without buckets, beside one of its writers.
//!
//! Goes in: what the snapshots since the last look brought, by whomever. Comes out: the messages of tasks that are done, for a commit. Small
//! files of a partition wait until there are enough of them, or for [`IDLE_ROUNDS_MAX`] looks that brought no more. Invariant: a file is in
//! one task at most; a task whose files others took away is given up, and the table is looked through again. Answers to
//! `org.apache.paimon.append.AppendCompactCoordinator` and to `AppendTableCompactor` of the Flink connector.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use alluvium_format::{
    CommitMessage, DataFileMeta, Error, ErrorKind, FileKind, ManifestEntry, Predicate, Result, Snapshot,
};
use alluvium_store::{PartitionBucket, deletion_vectors, scan};
use tokio::task::JoinHandle;

use super::coordinator::is_wanted;
use super::settings::AppendSettings;
use super::task::{AppendTask, packed};
use crate::settings::Picking;
use crate::stop::StopGuard;
use crate::unpublished::delete_unpublished_compaction;

/// So many looks at which a partition got no file are waited for more: Java's `COMPACT_AGE`.
pub(crate) const IDLE_ROUNDS_MAX: u32 = 5;
/// After so many its files are forgotten: Java's `REMOVE_AGE`.
const IDLE_ROUNDS_KEPT: u32 = 10;
/// More snapshots than these are not gone through one by one: the table is looked through again.
const SNAPSHOTS_MAX: i64 = 100;

/// The compactions of a table. Dropping it stops those that are running.
#[derive(Debug)]
pub struct UnawareCompaction {
    settings: Arc<AppendSettings>,
    /// The last snapshot that was looked at; `None`: the whole table is to be looked through.
    seen: Option<i64>,
    waiting: HashMap<PartitionBucket, Waiting>,
    running: Vec<Running>,
}

/// The files of a partition.
#[derive(Debug, Default)]
struct Waiting {
    files: Vec<DataFileMeta>,
    idle_rounds: u32,
}

#[derive(Debug)]
struct Running {
    /// The names of its files.
    files: Vec<String>,
    task: JoinHandle<Result<CommitMessage>>,
    stop: StopGuard,
}

impl Running {
    fn begin(task: AppendTask) -> Self {
        let files = task.files.iter().map(|file| file.file_name.clone()).collect();
        let stop = StopGuard::default();
        let signal = stop.signal();
        Self { files, task: tokio::spawn(async move { task.perform(&signal).await }), stop }
    }
}

impl UnawareCompaction {
    /// The compactions of a table, of which nothing is known yet.
    pub fn new(settings: &Arc<AppendSettings>) -> Self {
        Self { settings: Arc::clone(settings), seen: None, waiting: HashMap::new(), running: Vec::new() }
    }

    /// Looks at what is new in the table, and starts the tasks that it makes worthwhile.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` when the table cannot be read.
    pub async fn look(&mut self) -> Result<()> {
        let Some(latest) = self.settings.table().snapshots().latest().await? else { return Ok(()) };
        self.take_in(&latest).await?;
        let partitions: Vec<PartitionBucket> = self.waiting.keys().cloned().collect();
        let vectors = deletion_vectors::read_by_file(self.settings.table(), &latest, &partitions).await?;
        for (bucket, index_files) in partitions.into_iter().zip(vectors) {
            let Some(waiting) = self.waiting.get_mut(&bucket) else { continue };
            let picking = if waiting.idle_rounds > IDLE_ROUNDS_MAX { Picking::Full } else { Picking::Universal };
            let total_buckets = self.settings.total_buckets;
            waiting
                .files
                .retain(|file| is_wanted(&packed(file, &index_files), self.settings.rules(), Picking::Universal));
            let files = (waiting.files.as_slice(), &index_files);
            let tasks = AppendTask::all_of(&self.settings, &bucket, total_buckets, files, picking);
            let tasks: Vec<Running> = tasks.into_iter().map(Running::begin).collect();
            let taken: HashSet<&str> = tasks.iter().flat_map(|task| task.files.iter().map(String::as_str)).collect();
            waiting.files.retain(|file| !taken.contains(file.file_name.as_str()));
            self.running.extend(tasks);
        }
        self.waiting.retain(|_, waiting| !waiting.files.is_empty() && waiting.idle_rounds <= IDLE_ROUNDS_KEPT);
        Ok(())
    }

    /// The files that the snapshots since the last look added and took away.
    async fn take_in(&mut self, latest: &Snapshot) -> Result<()> {
        let entries = match self.seen {
            Some(seen) if (seen..=seen.saturating_add(SNAPSHOTS_MAX)).contains(&latest.id) => {
                self.changes(seen + 1..=latest.id).await?
            }
            _ => None,
        };
        let Some(entries) = entries else { return self.look_through(latest).await };
        self.seen = Some(latest.id);
        self.add(entries);
        Ok(())
    }

    /// What snapshots changed; `None` when one has expired.
    async fn changes(&self, ids: RangeInclusive<i64>) -> Result<Option<Vec<ManifestEntry>>> {
        let table = self.settings.table();
        let mut entries = Vec::new();
        for id in ids {
            let Some(snapshot) = table.snapshots().find(id).await? else { return Ok(None) };
            match scan::delta_entries(table, &snapshot, &Predicate::True).await {
                Ok(changed) => entries.extend(changed),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(entries))
    }

    /// All files of the table, but for those that are in tasks.
    async fn look_through(&mut self, latest: &Snapshot) -> Result<()> {
        let entries = scan::live_entries(self.settings.table(), latest, &Predicate::True).await?;
        self.seen = Some(latest.id);
        self.waiting.clear();
        self.add(entries);
        Ok(())
    }

    fn add(&mut self, entries: Vec<ManifestEntry>) {
        self.waiting.values_mut().for_each(|waiting| waiting.idle_rounds = waiting.idle_rounds.saturating_add(1));
        let gone: HashSet<String> = (entries.iter())
            .filter(|entry| entry.kind == FileKind::Delete)
            .map(|entry| entry.file.file_name.clone())
            .collect();
        for waiting in self.waiting.values_mut() {
            waiting.files.retain(|file| !gone.contains(&file.file_name));
        }
        let taken: HashSet<&String> = self.running.iter().flat_map(|running| &running.files).collect();
        for ManifestEntry { kind, partition, bucket, file, .. } in entries {
            if kind == FileKind::Add && !gone.contains(&file.file_name) && !taken.contains(&file.file_name) {
                let waiting = self.waiting.entry(PartitionBucket { partition, bucket }).or_default();
                waiting.idle_rounds = 0;
                waiting.files.push(file);
            }
        }
    }

    /// What tasks did that are over.
    ///
    /// # Errors
    /// Those of a task, of which nothing is left then.
    pub async fn take_done(&mut self) -> Result<Vec<CommitMessage>> {
        let mut messages = Vec::new();
        while let Some(at) = self.running.iter().position(|running| running.task.is_finished()) {
            self.take(at, &mut messages).await?;
        }
        Ok(messages)
    }

    /// Waits for all tasks, and gives what they did.
    ///
    /// # Errors
    /// As [`UnawareCompaction::take_done`].
    pub async fn take_all(&mut self) -> Result<Vec<CommitMessage>> {
        let mut messages = Vec::new();
        while !self.running.is_empty() {
            self.take(0, &mut messages).await?;
        }
        Ok(messages)
    }

    /// Waits for a task and takes it in; when it fails, what others did is deleted.
    async fn take(&mut self, at: usize, messages: &mut Vec<CommitMessage>) -> Result<()> {
        // Taken out only when it is over, so that a caller who stops waiting loses nothing.
        let Some(running) = self.running.get_mut(at) else { return Ok(()) };
        let done = (&mut running.task).await.map_err(|error| Error::internal("a compaction died").with_source(error));
        self.running.swap_remove(at);
        match done.flatten() {
            Ok(message) => messages.push(message),
            Err(error) if error.kind() == ErrorKind::NotFound => self.seen = None,
            Err(error) => {
                for message in std::mem::take(messages) {
                    self.discard(&message).await;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn discard(&self, message: &CommitMessage) {
        let bucket = PartitionBucket { partition: message.partition.clone(), bucket: message.bucket };
        delete_unpublished_compaction(self.settings.table(), &bucket, &message.compact).await;
    }

    /// Whether a task is under way, or done and not yet taken.
    pub fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Forgets what was seen: the table is not what it was, or what was taken is not in it.
    pub fn look_anew(&mut self) {
        self.seen = None;
    }

    /// Stops what is running and deletes what it wrote.
    pub async fn abandon(&mut self) {
        for running in std::mem::take(&mut self.running) {
            running.stop.stop();
            if let Ok(Ok(message)) = running.task.await {
                self.discard(&message).await;
            }
        }
        self.look_anew();
    }
}
