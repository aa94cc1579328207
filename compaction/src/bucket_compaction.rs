//! The compactions of one bucket beside its writer: at most one at a time, in the background.
//!
//! Goes in: the bucket's files, then those that the writer flushes. Comes out: what the compactions since the last commit did.
//! Invariant: the levels are those of the table as this writer will have left it; no file is deleted that a snapshot may name.
//! Answers to `org.apache.paimon.mergetree.compact.MergeTreeCompactManager`, and to the waiting rules of `MergeTreeWriter`.

use std::sync::Arc;

use alluvium_format::{DataFileMeta, Error, Result};
use alluvium_merge_tree::Levels;
use alluvium_store::PartitionBucket;
use tokio::task::JoinHandle;

use crate::rewriter::Rewriter;
use crate::settings::{CompactSettings, Picking};
use crate::stop::StopGuard;
use crate::strategy::{CompactResult, FoldedResults};
use crate::unpublished::delete_unpublished;

/// The state of a bucket's compactions. Dropping it stops the one that is running.
#[derive(Debug)]
pub struct BucketCompaction {
    settings: Arc<CompactSettings>,
    bucket: PartitionBucket,
    levels: Levels,
    running: Option<Running>,
    folded: FoldedResults,
}

#[derive(Debug)]
struct Running {
    task: JoinHandle<Result<CompactResult>>,
    stop: StopGuard,
}

impl BucketCompaction {
    /// The compactions of a bucket that has these files.
    ///
    /// # Errors
    /// `Corrupt` when files of one level overlap.
    pub fn new(settings: &Arc<CompactSettings>, bucket: PartitionBucket, files: Vec<DataFileMeta>) -> Result<Self> {
        let levels = settings.levels(files)?;
        let (settings, folded) = (Arc::clone(settings), FoldedResults::default());
        Ok(Self { settings, bucket, levels, running: None, folded })
    }

    /// Takes a file that the writer flushed.
    ///
    /// # Errors
    /// `Internal` when it is not of level 0.
    pub fn add_flushed(&mut self, file: DataFileMeta) -> Result<()> {
        self.levels.add_level0_file(file)
    }

    /// The files by level.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Whether a flush waits for the compaction under way: there are more runs than the stop trigger.
    pub fn holds_up_flush(&self) -> bool {
        self.levels.number_of_sorted_runs() > self.settings.stop_trigger()
    }

    /// Whether a commit waits for it: there are more runs than the stop trigger and one.
    pub fn holds_up_commit(&self) -> bool {
        self.levels.number_of_sorted_runs() > self.settings.stop_trigger().saturating_add(1)
    }

    /// Whether a compaction is under way, or done and not yet taken in.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts a compaction when none is running and there is something to do.
    ///
    /// # Errors
    /// `Corrupt` when a file's key range cannot be decoded.
    pub fn trigger(&mut self, picking: Picking) -> Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        if let Some(plan) = self.settings.plan(&self.levels, picking)? {
            let stop = StopGuard::default();
            let (settings, bucket) = (Arc::clone(&self.settings), self.bucket.clone());
            let rewriter = Rewriter { settings, bucket, stop: stop.signal() };
            self.running = Some(Running { task: tokio::spawn(rewriter.perform(plan)), stop });
        }
        Ok(())
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
    /// As [`BucketCompaction::poll`].
    pub async fn wait(&mut self) -> Result<()> {
        // Taken out only when it is over, so that a caller who stops waiting loses nothing.
        let Some(running) = &mut self.running else { return Ok(()) };
        let done = (&mut running.task).await;
        self.running = None;
        let result = done.map_err(|error| Error::internal("a compaction died").with_source(error))??;
        self.levels.update(&result.before, result.after.clone())?;
        let intermediate = self.folded.fold(result);
        delete_unpublished(&self.settings.table, &self.bucket, &intermediate).await;
        Ok(())
    }

    /// What was done since the last time, for a commit.
    pub fn take_results(&mut self) -> CompactResult {
        self.folded.take()
    }

    /// Stops what is running and deletes what compactions wrote since the last commit; the files that went into them are still there.
    pub async fn abandon(mut self) {
        if let Some(running) = self.running.take() {
            running.stop.stop();
            if let Ok(Ok(result)) = running.task.await {
                delete_unpublished(&self.settings.table, &self.bucket, &result.rewritten()).await;
            }
        }
        let results = self.folded.take();
        delete_unpublished(&self.settings.table, &self.bucket, &results.rewritten()).await;
    }
}
