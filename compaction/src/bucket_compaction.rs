//! The compactions of one bucket beside its writer: at most one at a time, in the background.
//!
//! Goes in: the bucket's files, then those that the writer flushes. Comes out: what the compactions since the last commit did.
//! Invariant: the levels are those of the table as this writer will have left it; no file is deleted that a snapshot may name.
//! Answers to `org.apache.paimon.mergetree.compact.MergeTreeCompactManager`, and to the waiting rules of `MergeTreeWriter`.

use std::collections::HashSet;
use std::sync::Arc;

use alluvium_format::{CompactIncrement, DataFileMeta, Error, IndexFileMeta, Result};
use alluvium_merge_tree::Levels;
use alluvium_store::{BucketDeletionVectors, LookedUp, PartitionBucket, lookup};
use tokio::task::JoinHandle;

use crate::deletion_maintainer::DeletionMaintainer;
use crate::rewriter::{Rewriter, Rewritten};
use crate::settings::{CompactSettings, Picking};
use crate::stop::StopGuard;
use crate::strategy::{CompactPlan, FoldedResults, PickState};
use crate::unpublished::delete_unpublished;

/// The state of a bucket's compactions. Dropping it stops the one that is running.
#[derive(Debug)]
pub struct BucketCompaction {
    settings: Arc<CompactSettings>,
    bucket: PartitionBucket,
    levels: Levels,
    deletions: DeletionMaintainer,
    looked_up: LookedUp,
    /// The index file of the last increment, or of the snapshot before.
    index_file: Option<IndexFileMeta>,
    picks: PickState,
    running: Option<Running>,
    folded: FoldedResults,
}

#[derive(Debug)]
struct Running {
    task: JoinHandle<Result<Rewritten>>,
    stop: StopGuard,
}

impl BucketCompaction {
    /// The compactions of a bucket that has these files, of which these rows are deleted; keys were looked up as said.
    ///
    /// # Errors
    /// `Corrupt` when files of one level overlap.
    pub fn new(
        settings: &Arc<CompactSettings>,
        bucket: PartitionBucket,
        files: Vec<DataFileMeta>,
        vectors: BucketDeletionVectors,
        looked_up: LookedUp,
    ) -> Result<Self> {
        let levels = settings.levels(files)?;
        let (settings, folded) = (Arc::clone(settings), FoldedResults::default());
        let deletions = DeletionMaintainer::new(vectors.vectors, settings.deletion_kind());
        let (picks, index_file) = (PickState::default(), vectors.file);
        Ok(Self { settings, bucket, levels, deletions, looked_up, index_file, picks, running: None, folded })
    }

    /// Going on from what earlier picks left.
    #[must_use]
    pub(crate) fn with_picks(self, picks: PickState) -> Self {
        Self { picks, ..self }
    }

    /// What its picks leave for those after them.
    pub(crate) fn picks(&self) -> PickState {
        self.picks
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

    /// Whether something is left to do: a compaction is under way, or level 0 waits for its lookups.
    pub fn is_not_completed(&self) -> bool {
        self.is_running() || self.awaits_lookups()
    }

    /// Whether level 0 waits for its lookups.
    pub fn awaits_lookups(&self) -> bool {
        self.settings.needs_lookup() && !self.levels.level0().is_empty()
    }

    /// What [`BucketCompaction::trigger`] would do now, and what that pick would leave for those after it.
    ///
    /// # Errors
    /// `Corrupt` when a file's key range cannot be decoded.
    pub fn preview(&self, picking: Picking) -> Result<(Option<CompactPlan>, PickState)> {
        let (picking, mut picks) = (self.picking(picking), self.picks);
        let plan = self.settings.plan(&self.levels, self.deletions.vectors(), picking, &mut picks)?;
        Ok((plan, picks))
    }

    /// Full where a lookup would find one of several live rows of a key: these are merged with each other first.
    fn picking(&self, asked: Picking) -> Picking {
        if self.looked_up.leaves_versions(self.levels.files()) { Picking::Full } else { asked }
    }

    /// Starts a compaction when none is running and there is something to do.
    ///
    /// # Errors
    /// `Corrupt` when a file's key range cannot be decoded.
    pub fn trigger(&mut self, picking: Picking) -> Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let picking = self.picking(picking);
        if let Some(plan) = self.settings.plan(&self.levels, self.deletions.vectors(), picking, &mut self.picks)? {
            let stop = StopGuard::default();
            let mut deletions = self.deletions.clone();
            deletions.written();
            let rewriter = Rewriter {
                settings: Arc::clone(&self.settings),
                rules: Arc::clone(self.settings.rules(&self.levels, self.looked_up)),
                bucket: self.bucket.clone(),
                levels: Arc::new(self.levels.clone()),
                deletions,
                stop: stop.signal(),
            };
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
        let Rewritten { result, mut deletions } =
            done.map_err(|error| Error::internal("a compaction died").with_source(error))??;
        self.levels.update(&result.before, result.after.clone())?;
        deletions.succeed(&self.deletions);
        self.deletions = deletions;
        let stay: HashSet<&str> = result.after.iter().map(|file| file.file_name.as_str()).collect();
        let gone = result.before.iter().filter(|file| !stay.contains(file.file_name.as_str()));
        gone.for_each(|file| lookup::forget(&self.settings.table, &file.file_name));
        let intermediate = self.folded.fold(result);
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
        let result = self.folded.take();
        if self.settings.needs_lookup() {
            let files = self.levels.all_files();
            let known = files.iter().chain(&result.before).filter(|file| file.level > 0);
            increment.known_files = Some(known.map(|file| file.file_name.clone()).collect());
        }
        increment.compact_before = result.before;
        increment.compact_after = result.after;
        increment.changelog_files = result.changelog;
        Ok(increment)
    }

    /// Stops what is running and deletes what compactions wrote since the last commit; the files that went into them are still there.
    pub async fn abandon(mut self) {
        if let Some(running) = self.running.take() {
            running.stop.stop();
            if let Ok(Ok(Rewritten { result, .. })) = running.task.await {
                delete_unpublished(&self.settings.table, &self.bucket, &result.rewritten()).await;
            }
        }
        let results = self.folded.take();
        delete_unpublished(&self.settings.table, &self.bucket, &results.rewritten()).await;
    }
}
