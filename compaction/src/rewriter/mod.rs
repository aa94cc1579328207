//! Performs a plan: merges and rewrites sections, moves files by their metadata, and finds out what that changes.
//!
//! Goes in: the plan of one bucket, with its levels and deletion vectors. Comes out: what it took and what it left, and the vectors. The
//! work is done in slices: between two of them the thread goes back to the pool, so that a long compaction neither holds up the flushes
//! of writers nor outlives them. Invariant: on failure, and when it is stopped, whatever it wrote is deleted, as nobody names it.
//! Answers to `MergeTreeCompactRewriter` and `ChangelogMergeTreeRewriter`.

mod plain;
mod tracked;
mod tracker;

use std::sync::Arc;

use alluvium_format::{DataField, DataFileMeta, FileSource, Predicate, Result};
use alluvium_merge_tree::{Levels, Section, SortedRun};
use alluvium_store::{
    DataFileRead, DataFileSpec, FileContent, MergeRead, PartitionBucket, RollingFileWriter, SystemColumns,
};

use crate::deletion_maintainer::DeletionMaintainer;
use crate::merge_rules::MergeRules;
use crate::settings::CompactSettings;
use crate::stop::StopSignal;
use crate::strategy::{CompactPlan, CompactResult, CompactStep, Pass, Retractions};
use crate::unpublished::delete_unpublished;
use plain::PlainRewrite;
use tracked::{LookUp, TrackedOutput, TrackedPass};
pub(crate) use tracker::Tracker;

/// Batches gone through before the thread is given back: about a quarter of a second of work.
const SLICE_BATCHES: usize = 64;

/// Compacts one bucket as a plan says.
#[derive(Debug)]
pub(crate) struct Rewriter {
    pub(crate) settings: Arc<CompactSettings>,
    pub(crate) rules: Arc<MergeRules>,
    pub(crate) bucket: PartitionBucket,
    /// The levels that were planned for: those above the output level are looked up in.
    pub(crate) levels: Arc<Levels>,
    pub(crate) deletions: DeletionMaintainer,
    pub(crate) stop: StopSignal,
}

/// What a compaction came to.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) result: CompactResult,
    pub(crate) deletions: DeletionMaintainer,
}

impl Rewriter {
    /// Performs the plan, when fewer compactions are open than there may be.
    ///
    /// # Errors
    /// Those of reading and writing files; `Closed` when it was stopped. Nothing of it is left then.
    pub(crate) async fn perform(mut self, plan: CompactPlan) -> Result<Rewritten> {
        let settings = Arc::clone(&self.settings);
        let _open = settings.open.acquire().await.map_err(|_| self.stop.error())?;
        let mut result = CompactResult::default();
        let mut outcome = Ok(());
        for step in plan.steps {
            outcome = self.step(step, plan.output_level, &mut result).await;
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() && self.stop.is_set() {
            outcome = Err(self.stop.error());
        }
        match outcome {
            Ok(()) => Ok(Rewritten { result, deletions: self.deletions }),
            Err(error) => {
                delete_unpublished(&self.settings.table, &self.bucket, &result.rewritten()).await;
                Err(error)
            }
        }
    }

    async fn step(&mut self, step: CompactStep, output_level: i32, result: &mut CompactResult) -> Result<()> {
        match step {
            CompactStep::Upgrade { file, pass } => {
                if pass == Pass::Tracked {
                    let section = Section { runs: vec![SortedRun::single(file.as_ref().clone())] };
                    let output = self.track(vec![section], output_level, None).await?;
                    result.changelog.extend(output.changelog);
                }
                let mut upgraded = file.as_ref().clone();
                upgraded.level = output_level;
                result.before.push(*file);
                result.after.push(upgraded);
            }
            CompactStep::Rewrite { sections, pass, retractions } => {
                let before: Vec<DataFileMeta> = sections.iter().flat_map(Section::files).cloned().collect();
                match pass {
                    Pass::Plain => result.after.extend(self.merge(sections, output_level, retractions).await?),
                    Pass::Tracked => {
                        let output = self.track(sections, output_level, Some(retractions)).await?;
                        result.after.extend(output.data);
                        result.changelog.extend(output.changelog);
                    }
                }
                before.iter().for_each(|file| self.deletions.remove(&file.file_name));
                result.before.extend(before);
            }
        }
        Ok(())
    }

    /// Merges sections into files.
    async fn merge(
        &self,
        sections: Vec<Section>,
        output_level: i32,
        retractions: Retractions,
    ) -> Result<Vec<DataFileMeta>> {
        let fields = self.settings.table.schema().fields.as_slice().into();
        let write = self.writer(output_level, FileContent::Data(FileSource::Compact))?;
        let read = self.without_expired(self.read(sections, fields).await?);
        PlainRewrite { read, write, retractions }.run(&self.settings.table, &self.stop).await
    }

    /// Goes through sections with the table's tracker, and rewrites them when there is a rule for records that retract.
    async fn track(
        &mut self,
        sections: Vec<Section>,
        output_level: i32,
        rewrite: Option<Retractions>,
    ) -> Result<TrackedOutput> {
        let tracker = self.rules.tracker(rewrite)?;
        let changelog = match tracker.writes_changelog() {
            true => Some(self.writer(output_level, FileContent::Changelog)?),
            false => None,
        };
        let data = match rewrite {
            Some(retractions) => {
                Some((self.writer(output_level, FileContent::Data(FileSource::Compact))?, retractions))
            }
            None => None,
        };
        let mut read = self.read(sections, tracker.fields()).await?;
        if tracker.merges() {
            read = self.without_expired(read);
        }
        let look_up = tracker.lookup_wanted().zip(self.start_level(output_level));
        let look_up = look_up.map(|(wanted, start_level)| {
            let levels = Arc::clone(&self.levels);
            LookUp { levels, start_level, wanted }
        });
        let (settings, bucket, deletions) = (Arc::clone(&self.settings), self.bucket.clone(), self.deletions.clone());
        let pass = TrackedPass { settings, bucket, output_level, tracker, look_up, deletions, read, data, changelog };
        let output = pass.run(&self.stop).await?;
        self.deletions = output.deletions.clone();
        Ok(output)
    }

    /// The level above the output; `None` when there is nothing from there on.
    fn start_level(&self, output_level: i32) -> Option<usize> {
        let start = usize::try_from(output_level).ok()?.checked_add(1)?;
        let mut runs = (start..self.levels.number_of_levels()).filter_map(|level| self.levels.run_of_level(level));
        runs.any(|run| !run.is_empty()).then_some(start)
    }

    /// A merge that has its memory.
    async fn read(&self, sections: Vec<Section>, fields: Arc<[DataField]>) -> Result<MergeRead> {
        let read = DataFileRead {
            fields,
            system: SystemColumns::All,
            predicate: Predicate::True,
            deletions: Arc::clone(self.deletions.vectors()),
        };
        MergeRead::new(&self.settings.table, self.bucket.clone(), sections, &self.rules.merge, read)?.admitted().await
    }

    fn without_expired(&self, read: MergeRead) -> MergeRead {
        match &self.settings.expire {
            Some(expire) => read.without_expired(expire.clone(), self.settings.table.io().clock().now_millis()),
            None => read,
        }
    }

    fn writer(&self, level: i32, content: FileContent) -> Result<RollingFileWriter> {
        RollingFileWriter::new(&self.settings.table, DataFileSpec { bucket: self.bucket.clone(), level, content })
    }
}
