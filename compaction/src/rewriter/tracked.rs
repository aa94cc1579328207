//! A pass over sections that finds out what their records change: in changelog, in the levels above, in rows that these complete.
//!
//! Goes in: the records of keys. Comes out: data files, when sections are rewritten, and changelog files; rows of levels above that are
//! replaced are marked as deleted. Records are read, looked up together a batch at a time, merged and written. Answers to
//! `ChangelogMergeTreeRewriter.rewriteOrProduceChangelog`.

use std::sync::Arc;

use alluvium_format::{DataFileMeta, Result};
use alluvium_merge_tree::changelog::{ChangelogResult, key_rows};
use alluvium_merge_tree::{KeyGroups, Levels, drop_deletes};
use alluvium_store::lookup::{LookupRequest, LookupWanted, lookup};
use alluvium_store::{MergeRead, PartitionBucket, RollingFileWriter};

use super::SLICE_BATCHES;
use super::tracker::{Answer, Tracker};
use crate::deletion_maintainer::DeletionMaintainer;
use crate::settings::CompactSettings;
use crate::stop::StopSignal;
use crate::strategy::Retractions;
use crate::unpublished::delete_unpublished;

/// A pass under way.
pub(super) struct TrackedPass {
    pub(super) settings: Arc<CompactSettings>,
    pub(super) bucket: PartitionBucket,
    pub(super) output_level: i32,
    pub(super) tracker: Arc<Tracker>,
    /// How keys are looked up; `None` when there is nothing to find.
    pub(super) look_up: Option<LookUp>,
    /// The vectors, to which those of the pass are added.
    pub(super) deletions: DeletionMaintainer,
    pub(super) read: MergeRead,
    /// Where merged rows go, when sections are rewritten.
    pub(super) data: Option<(RollingFileWriter, Retractions)>,
    /// Where changes go, when the table has them.
    pub(super) changelog: Option<RollingFileWriter>,
}

/// How keys are looked up.
#[derive(Clone, Debug)]
pub(super) struct LookUp {
    pub(super) levels: Arc<Levels>,
    /// The level above the output, which is the first that is not compacted.
    pub(super) start_level: usize,
    pub(super) wanted: LookupWanted,
}

/// What a pass came to.
#[derive(Debug)]
pub(super) struct TrackedOutput {
    pub(super) data: Vec<DataFileMeta>,
    pub(super) changelog: Vec<DataFileMeta>,
    pub(super) deletions: DeletionMaintainer,
}

/// What a slice of work came to.
enum Slice {
    More(Box<TrackedPass>),
    Done(Box<TrackedOutput>),
}

/// Whether there are more records.
enum Records {
    More,
    End,
}

impl TrackedPass {
    /// Goes to the end. Nothing is left of it when it fails or is stopped.
    pub(super) async fn run(mut self, stop: &StopSignal) -> Result<TrackedOutput> {
        let cpu = self.settings.table.io().cpu().clone();
        loop {
            if stop.is_set() {
                self.abort().await;
                return Err(stop.error());
            }
            match cpu.run(self.slice()).await? {
                Slice::More(rest) => self = *rest,
                Slice::Done(output) => return Ok(*output),
            }
        }
    }

    async fn slice(mut self) -> Result<Slice> {
        match self.go_on().await {
            Ok(Records::More) => Ok(Slice::More(Box::new(self))),
            Ok(Records::End) => Ok(Slice::Done(Box::new(self.finish().await?))),
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn go_on(&mut self) -> Result<Records> {
        for _ in 0..SLICE_BATCHES {
            let Some(groups) = self.read.next_groups().await? else { return Ok(Records::End) };
            let answer = self.look_up(&groups).await?;
            if let Some(result) = self.tracker.merge(&groups, answer, self.output_level)? {
                self.write(result).await?;
            }
        }
        Ok(Records::More)
    }

    /// Looks up the keys that must be, and marks what is found as deleted where the table does so.
    async fn look_up(&mut self, groups: &KeyGroups) -> Result<Option<Answer>> {
        let Self { settings, bucket, tracker, look_up, deletions, .. } = self;
        let Some(LookUp { levels, start_level, wanted }) = look_up else { return Ok(None) };
        let asked = tracker.missing_keys(groups);
        if asked.is_empty() {
            return Ok(None);
        }
        let request = LookupRequest {
            bucket,
            levels,
            start_level: *start_level,
            keys: &key_rows(groups, &asked, &settings.merge().key_columns)?,
            wanted: *wanted,
            deletions: deletions.vectors(),
        };
        let found = lookup(&settings.table, request).await?;
        if tracker.marks_deletions() {
            for (file_name, position) in &found.places {
                deletions.delete(file_name, *position)?;
            }
        }
        let answer = Answer { asked, found };
        Ok(Some(match &settings.expire {
            Some(expire) => answer.without_expired(expire, settings.table.io().clock().now_millis())?,
            None => answer,
        }))
    }

    async fn write(&mut self, result: ChangelogResult) -> Result<()> {
        let ChangelogResult { mut rows, changes } = result;
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

    async fn finish(self) -> Result<TrackedOutput> {
        let mut output = TrackedOutput { data: Vec::new(), changelog: Vec::new(), deletions: self.deletions };
        if let Some((writer, _)) = self.data {
            match writer.finish().await {
                Ok(files) => output.data = files,
                Err(error) => {
                    abort(self.changelog).await;
                    return Err(error);
                }
            }
        }
        if let Some(writer) = self.changelog {
            match writer.finish().await {
                Ok(files) => output.changelog = files,
                Err(error) => {
                    delete_unpublished(&self.settings.table, &self.bucket, &output.data).await;
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

async fn abort(writer: Option<RollingFileWriter>) {
    if let Some(writer) = writer {
        writer.abort().await;
    }
}
