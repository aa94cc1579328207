//! The compactions of one bucket of a table without a primary key, beside its writer: at most one at a time, in the background.
//!
//! Goes in: the bucket's files, then those that the writer flushes. Comes out: what the compactions since the last commit did.
//! Invariants: rows keep their order; no file is deleted that a snapshot may name. Answers to
//! `org.apache.paimon.append.BucketedAppendCompactManager`.

use std::sync::Arc;

use alluvium_format::{CompactIncrement, DataFileMeta, Error, IndexFileMeta, Result};
use alluvium_store::{BucketDeletionVectors, PartitionBucket};
use tokio::task::JoinHandle;

use super::queue::AppendQueue;
use super::rewrite::AppendRewrite;
use super::settings::AppendSettings;
use crate::deletion_maintainer::DeletionMaintainer;
use crate::settings::Picking;
use crate::stop::StopGuard;
use crate::strategy::{CompactResult, FoldedResults};
use crate::unpublished::delete_unpublished;

/// The state of a bucket's compactions. Dropping it stops the one that is running.
#[derive(Debug)]
pub struct AppendCompaction {
    settings: Arc<AppendSettings>,
    bucket: PartitionBucket,
    queue: AppendQueue,
    deletions: DeletionMaintainer,
    /// The index file of the last increment, or of the snapshot before.
    index_file: Option<IndexFileMeta>,
    running: Option<Running>,
    folded: FoldedResults,
}

#[derive(Debug)]
struct Running {
    before: Vec<DataFileMeta>,
    task: JoinHandle<Result<Vec<DataFileMeta>>>,
    stop: StopGuard,
}

impl AppendCompaction {
    /// The compactions of a bucket that has these files, of which these rows are deleted.
    pub fn new(
        settings: &Arc<AppendSettings>,
        bucket: PartitionBucket,
        files: Vec<DataFileMeta>,
        vectors: BucketDeletionVectors,
    ) -> Self {
        Self {
            deletions: DeletionMaintainer::new(vectors.vectors, settings.deletion_kind),
            index_file: vectors.file,
            settings: Arc::clone(settings),
            queue: AppendQueue::new(files),
            bucket,
            running: None,
            folded: FoldedResults::default(),
        }
    }

    /// Takes a file that the writer flushed.
    pub fn add_flushed(&mut self, file: DataFileMeta) {
        self.queue.add(file);
    }

    /// The files that wait to be compacted.
    pub fn queue(&self) -> &AppendQueue {
        &self.queue
    }

    /// Whether a compaction is under way, or done and not yet taken in.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What [`AppendCompaction::trigger`] would take now.
    pub fn preview(&self, picking: Picking) -> Option<Vec<DataFileMeta>> {
        self.pick_of(&mut self.queue.clone(), picking)
    }

    /// Starts a compaction when none is running and there is something to do.
    pub fn trigger(&mut self, picking: Picking) {
        if self.running.is_some() {
            return;
        }
        let mut queue = self.queue.clone();
        let picked = self.pick_of(&mut queue, picking);
        self.queue = queue;
        let Some(before) = picked else { return };
        let stop = StopGuard::default();
        let rewrite = AppendRewrite {
            settings: Arc::clone(&self.settings),
            bucket: self.bucket.clone(),
            files: before.clone(),
            deletions: Arc::clone(self.deletions.vectors()),
            stop: stop.signal(),
        };
        self.running = Some(Running { before, task: tokio::spawn(rewrite.perform()), stop });
    }

    fn pick_of(&self, queue: &mut AppendQueue, picking: Picking) -> Option<Vec<DataFileMeta>> {
        let (rules, vectors) = (self.settings.rules(), self.deletions.vectors());
        let picked = match picking {
            Picking::Universal => queue.pick(rules),
            Picking::Full => queue.pick_all(rules, |file| vectors.contains_key(&file.file_name)),
        };
        picked.filter(|files| self.settings.knows_schemas_of(files))
    }

    /// Takes in the compaction that is done, if one is.
    ///
    /// # Errors
    /// Those of the compaction, of which nothing is left then.
    pub async fn poll(&mut self) -> Result<()> {
        if self.running.as_ref().is_some_and(|running| running.task.is_finished()) {
            return self.wait().await;
        }
        Ok(())
    }

    /// Waits for the compaction under way and takes it in.
    ///
    /// # Errors
    /// As [`AppendCompaction::poll`].
    pub async fn wait(&mut self) -> Result<()> {
        // Taken out only when it is over, so that a caller who stops waiting loses nothing.
        let Some(running) = &mut self.running else { return Ok(()) };
        let done = (&mut running.task).await;
        let Some(Running { before, .. }) = self.running.take() else { return Ok(()) };
        let after = done.map_err(|error| Error::internal("a compaction died").with_source(error))??;
        before.iter().for_each(|file| self.deletions.remove(&file.file_name));
        self.queue.add_compacted(&after, self.settings.rules());
        let intermediate = self.folded.fold(CompactResult { before, after, changelog: Vec::new() });
        delete_unpublished(&self.settings.table, &self.bucket, &intermediate).await;
        Ok(())
    }

    /// What was done since the last time, for a commit. When deletion vectors changed they are written, all of the bucket together.
    ///
    /// # Errors
    /// `Storage` when they cannot be written: nothing is taken then.
    pub async fn take_increment(&mut self) -> Result<CompactIncrement> {
        let mut increment = CompactIncrement::default();
        let (table, index_file) = (&self.settings.table, &mut self.index_file);
        self.deletions.write(table, &self.bucket, index_file, &mut increment).await?;
        let CompactResult { before, after, .. } = self.folded.take();
        (increment.compact_before, increment.compact_after) = (before, after);
        Ok(increment)
    }

    /// Stops what is running and deletes what compactions wrote since the last commit; the files that went into them are still there.
    pub async fn abandon(mut self) {
        if let Some(running) = self.running.take() {
            running.stop.stop();
            if let Ok(Ok(after)) = running.task.await {
                delete_unpublished(&self.settings.table, &self.bucket, &after).await;
            }
        }
        let results = self.folded.take();
        delete_unpublished(&self.settings.table, &self.bucket, &results.rewritten()).await;
    }
}
