//! A pass over sections that finds out what their records change: in changelog, in the levels above, in rows that these complete.
//!
//! Goes in: the records of keys. Comes out: data files, when sections are rewritten, and changelog files; rows of levels above that are
//! replaced are marked as deleted. Records are read, looked up together a batch at a time, merged and written. Answers to
//! `ChangelogMergeTreeRewriter.rewriteOrProduceChangelog`.

use std::sync::Arc;

use alluvium_format::{DataFileMeta, Result};
use alluvium_merge_tree::changelog::{ChangelogResult, key_rows};
use alluvium_merge_tree::{KeyGroups, drop_deletes};
use alluvium_store::lookup::{LookupRequest, LookupWanted, lookup};
use alluvium_store::{MergeRead, RollingFileWriter};

use super::tracker::{Answer, Tracker};
use super::{Rewriter, SLICE_BATCHES};
use crate::strategy::Retractions;
use crate::unpublished::delete_unpublished;

/// A pass under way.
pub(super) struct TrackedPass {
    pub(super) read: MergeRead,
    pub(super) tracker: Arc<Tracker>,
    pub(super) output_level: i32,
    /// How keys are looked up; `None` when there is nothing to find.
    pub(super) look_up: Option<LookUp>,
    /// Where merged rows go, when sections are rewritten.
    pub(super) data: Option<(RollingFileWriter, Retractions)>,
    /// Where changes go, when the table has them.
    pub(super) changelog: Option<RollingFileWriter>,
}

/// How keys are looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct LookUp {
    /// The level above the output, which is the first that is not compacted.
    pub(super) start_level: usize,
    pub(super) wanted: LookupWanted,
}

/// What a pass wrote.
#[derive(Debug, Default)]
pub(super) struct TrackedOutput {
    pub(super) data: Vec<DataFileMeta>,
    pub(super) changelog: Vec<DataFileMeta>,
}

/// Keys that were looked up, to be merged next.
type Answered = (KeyGroups, Answer);

/// What comes after a slice of work.
enum Next {
    More,
    /// Keys are to be looked up.
    Ask(Question),
    /// All records were gone through.
    End,
}

/// Keys of the groups that are to be looked up.
struct Question {
    groups: KeyGroups,
    asked: Vec<u32>,
    look_up: LookUp,
}

impl TrackedPass {
    /// Goes to the end. Nothing is left of it when it fails or is stopped.
    pub(super) async fn run(mut self, rewriter: &mut Rewriter) -> Result<TrackedOutput> {
        let cpu = rewriter.settings.table.io().cpu().clone();
        let tracker = Arc::clone(&self.tracker);
        let mut pending = None;
        loop {
            if rewriter.stop.is_set() {
                self.abort().await;
                return Err(rewriter.stop.error());
            }
            let (pass, next) = cpu.run(self.slice(pending.take())).await?;
            self = *pass;
            match next {
                Next::More => {}
                Next::End => return self.finish(rewriter).await,
                Next::Ask(question) => match question.ask(&tracker, rewriter).await {
                    Ok(answered) => pending = Some(answered),
                    Err(error) => {
                        self.abort().await;
                        return Err(error);
                    }
                },
            }
        }
    }

    async fn slice(mut self, pending: Option<Answered>) -> Result<(Box<Self>, Next)> {
        match self.go_on(pending).await {
            Ok(next) => Ok((Box::new(self), next)),
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn go_on(&mut self, pending: Option<Answered>) -> Result<Next> {
        if let Some((groups, answer)) = pending {
            self.merge(&groups, Some(answer)).await?;
        }
        for _ in 0..SLICE_BATCHES {
            let Some(groups) = self.read.next_groups().await? else { return Ok(Next::End) };
            if let Some(look_up) = self.look_up {
                let asked = self.tracker.missing_keys(&groups);
                if !asked.is_empty() {
                    return Ok(Next::Ask(Question { groups, asked, look_up }));
                }
            }
            self.merge(&groups, None).await?;
        }
        Ok(Next::More)
    }

    async fn merge(&mut self, groups: &KeyGroups, answer: Option<Answer>) -> Result<()> {
        let merged = self.tracker.merge(groups, answer, self.output_level)?;
        let Some(ChangelogResult { mut rows, changes }) = merged else { return Ok(()) };
        if let Some((writer, retractions)) = &mut self.data {
            if *retractions == Retractions::Dropped {
                rows = drop_deletes(rows)?;
            }
            if rows.num_rows() > 0 {
                writer.write(&rows).await?;
            }
        }
        if let Some(writer) = &mut self.changelog
            && changes.num_rows() > 0
        {
            writer.write(&changes).await?;
        }
        Ok(())
    }

    async fn finish(self, rewriter: &Rewriter) -> Result<TrackedOutput> {
        let table = &rewriter.settings.table;
        let mut output = TrackedOutput::default();
        if let Some((writer, _)) = self.data {
            match table.io().cpu().run(writer.finish()).await {
                Ok(files) => output.data = files,
                Err(error) => {
                    abort(self.changelog).await;
                    return Err(error);
                }
            }
        }
        if let Some(writer) = self.changelog {
            match table.io().cpu().run(writer.finish()).await {
                Ok(files) => output.changelog = files,
                Err(error) => {
                    delete_unpublished(table, &rewriter.bucket, &output.data).await;
                    return Err(error);
                }
            }
        }
        Ok(output)
    }

    async fn abort(self) {
        abort(self.data.map(|(writer, _)| writer)).await;
        abort(self.changelog).await;
    }
}

impl Question {
    /// Looks the keys up, and marks what is found as deleted where the table does so.
    async fn ask(self, tracker: &Tracker, rewriter: &mut Rewriter) -> Result<Answered> {
        let Self { groups, asked, look_up: LookUp { start_level, wanted } } = self;
        let keys = key_rows(&groups, &asked, &rewriter.settings.merge.key_columns)?;
        let Rewriter { settings, bucket, levels, deletions, .. } = rewriter;
        let request =
            LookupRequest { bucket, levels, start_level, keys: &keys, wanted, deletions: deletions.vectors() };
        let found = lookup(&settings.table, request).await?;
        if tracker.marks_deletions() {
            for (file_name, position) in &found.places {
                deletions.delete(file_name, *position)?;
            }
        }
        Ok((groups, Answer { asked, found }))
    }
}

async fn abort(writer: Option<RollingFileWriter>) {
    if let Some(writer) = writer {
        writer.abort().await;
    }
}
