//! Performs a plan: merges and rewrites sections, moves files by their metadata.
//!
//! Goes in: the plan of one bucket. Comes out: what it took and what it left. The work is done in slices: between two of them the
//! thread goes back to the pool, so that a long compaction neither holds up the flushes of writers nor outlives them. Invariant: on
//! failure, and when it is stopped, whatever it wrote is deleted, as nobody names it. Answers to `MergeTreeCompactRewriter`.

use std::sync::Arc;

use alluvium_format::{DataFileMeta, FileSource, Predicate, Result};
use alluvium_merge_tree::{Section, drop_deletes};
use alluvium_store::{
    DataFileRead, DataFileSpec, FileContent, MergeRead, PartitionBucket, RollingFileWriter, SystemColumns,
};

use crate::settings::CompactSettings;
use crate::stop::StopSignal;
use crate::strategy::{CompactPlan, CompactResult, CompactStep};
use crate::unpublished::delete_unpublished;

/// Batches merged before the thread is given back: about a quarter of a second of work.
const SLICE_BATCHES: usize = 64;

/// Compacts one bucket as a plan says.
#[derive(Debug)]
pub(crate) struct Rewriter {
    pub(crate) settings: Arc<CompactSettings>,
    pub(crate) bucket: PartitionBucket,
    pub(crate) stop: StopSignal,
}

impl Rewriter {
    /// Performs the plan, when fewer compactions are open than there may be.
    ///
    /// # Errors
    /// Those of reading and writing files; `Closed` when it was stopped. Nothing of it is left then.
    pub(crate) async fn perform(self, plan: CompactPlan) -> Result<CompactResult> {
        let _open = self.settings.open.acquire().await.map_err(|_| self.stop.error())?;
        let mut result = CompactResult::default();
        let mut outcome = Ok(());
        for step in &plan.steps {
            outcome = self.step(step, &plan, &mut result).await;
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() && self.stop.is_set() {
            outcome = Err(self.stop.error());
        }
        match outcome {
            Ok(()) => Ok(result),
            Err(error) => {
                delete_unpublished(&self.settings.table, &self.bucket, &result.rewritten()).await;
                Err(error)
            }
        }
    }

    async fn step(&self, step: &CompactStep, plan: &CompactPlan, result: &mut CompactResult) -> Result<()> {
        match step {
            CompactStep::Upgrade(file) => {
                let mut upgraded = file.as_ref().clone();
                upgraded.level = plan.output_level;
                result.before.push(file.as_ref().clone());
                result.after.push(upgraded);
            }
            CompactStep::Rewrite(sections) => {
                result.after.extend(self.rewrite(sections, plan).await?);
                result.before.extend(sections.iter().flat_map(Section::files).cloned());
            }
        }
        Ok(())
    }

    async fn rewrite(&self, sections: &[Section], plan: &CompactPlan) -> Result<Vec<DataFileMeta>> {
        let table = &self.settings.table;
        let fields = table.schema().fields.as_slice().into();
        let read =
            DataFileRead { fields, system: SystemColumns::All, predicate: Predicate::True, deletions: Arc::default() };
        let level = plan.output_level;
        let spec = DataFileSpec { bucket: self.bucket.clone(), level, content: FileContent::Data(FileSource::Compact) };
        let mut work = Rewrite {
            read: MergeRead::new(table, self.bucket.clone(), sections.to_vec(), &self.settings.merge, read)?,
            write: RollingFileWriter::new(table, spec)?,
            drop_delete: plan.drop_delete,
        };
        loop {
            if self.stop.is_set() {
                work.write.abort().await;
                return Err(self.stop.error());
            }
            match table.io().cpu().run(work.slice()).await? {
                Slice::More(rest) => work = *rest,
                Slice::Done(files) => return Ok(files),
            }
        }
    }
}

/// A merge of sections into files, under way.
struct Rewrite {
    read: MergeRead,
    write: RollingFileWriter,
    drop_delete: bool,
}

/// What a slice of work came to.
enum Slice {
    More(Box<Rewrite>),
    Done(Vec<DataFileMeta>),
}

/// Whether the merge has more rows.
enum Rows {
    More,
    End,
}

impl Rewrite {
    async fn slice(mut self) -> Result<Slice> {
        match self.merge_batches().await {
            Ok(Rows::More) => Ok(Slice::More(Box::new(self))),
            Ok(Rows::End) => self.write.finish().await.map(Slice::Done),
            Err(error) => {
                self.write.abort().await;
                Err(error)
            }
        }
    }

    async fn merge_batches(&mut self) -> Result<Rows> {
        for _ in 0..SLICE_BATCHES {
            let Some(mut batch) = self.read.next().await? else { return Ok(Rows::End) };
            if self.drop_delete {
                batch = drop_deletes(batch)?;
            }
            if batch.num_rows() > 0 {
                self.write.write(&batch).await?;
            }
        }
        Ok(Rows::More)
    }
}
