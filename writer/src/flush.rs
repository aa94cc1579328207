//! A flush under way: rows of one bucket are sorted and merged, where they have keys, encoded, and written as files of level 0, off the
//! async threads, while the writer goes on taking rows.
//!
//! Goes in: the batches of a write buffer. Comes out: the metadata of the files; with `changelog-producer = input` also that of
//! changelog files of the rows as they came, sorted by key. Invariant: a flush that fails, or that nobody waits for any more, leaves no
//! file. Rows that wait for their buckets are written as they came. Answers to `MergeTreeWriter.flushWriteBuffer`,
//! `AppendOnlyWriter.flush` and `PostponeBucketWriter.write`.

use std::sync::Arc;

use alluvium_compaction::{StopGuard, StopSignal, delete_unpublished};
use alluvium_format::{DataFileMeta, Error, FileSource, Result};
use alluvium_merge_tree::{KeyValueBatch, sort_buffer, sort_records};
use alluvium_store::{DataFileSpec, FileContent, PartitionBucket, RollingFileWriter, TableStore};
use tokio::task::JoinHandle;

use crate::bucket_settings::{BucketSettings, RawChanges};
use crate::write_buffer::WaitingRows;

/// The level of files that writers flush.
const LEVEL: i32 = 0;

/// A flush under way. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Flush {
    task: JoinHandle<Result<Flushed>>,
    stop: StopGuard,
    bytes: usize,
}

/// The files of a flush.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Flushed {
    /// Of the merged rows.
    pub(crate) files: Vec<DataFileMeta>,
    /// Of the rows as they came.
    pub(crate) changelog: Vec<DataFileMeta>,
}

impl Flush {
    /// Begins to flush the rows.
    pub(crate) fn begin(settings: &Arc<BucketSettings>, bucket: &PartitionBucket, rows: WaitingRows) -> Self {
        let stop = StopGuard::default();
        let work = Work { settings: Arc::clone(settings), bucket: bucket.clone(), stop: stop.signal() };
        let io = settings.table().io().clone();
        let bytes = rows.bytes();
        let task = tokio::spawn(async move {
            // Before a CPU thread is taken, as one that waits for memory would hold up those that have it.
            let _memory = io.memory().reserve(rows.flush_bytes()).await?;
            io.cpu().run(work.write_files(rows)).await
        });
        Self { task, stop, bytes }
    }

    /// What the rows in memory took when it began.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is over.
    pub(crate) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for the files. Not to be called again after it came back.
    pub(crate) async fn wait(&mut self) -> Result<Flushed> {
        (&mut self.task).await.map_err(|error| Error::internal("a flush died").with_source(error))?
    }

    /// Stops it; the files are deleted.
    pub(crate) async fn abandon(self, settings: &BucketSettings, bucket: &PartitionBucket) {
        self.stop.stop();
        if let Ok(Ok(flushed)) = self.task.await {
            flushed.delete(settings, bucket).await;
        }
    }
}

impl Flushed {
    /// Deletes the files.
    pub(crate) async fn delete(&self, settings: &BucketSettings, bucket: &PartitionBucket) {
        delete_unpublished(settings.table(), bucket, &self.files).await;
        delete_unpublished(settings.table(), bucket, &self.changelog).await;
    }

    /// Takes in the files of a later flush.
    pub(crate) fn extend(&mut self, later: Self) {
        self.files.extend(later.files);
        self.changelog.extend(later.changelog);
    }

    /// Whether there is no file.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.changelog.is_empty()
    }
}

/// A flush that is performed.
struct Work {
    settings: Arc<BucketSettings>,
    bucket: PartitionBucket,
    stop: StopSignal,
}

impl Work {
    async fn write_files(self, rows: WaitingRows) -> Result<Flushed> {
        let mut flushed = Flushed::default();
        self.check_wanted()?;
        let batches = rows.load()?;
        let outcome = match self.write_changelog(&batches, &mut flushed).await {
            Ok(()) => self.write_data(batches, &mut flushed).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => Ok(flushed),
            Err(error) => {
                flushed.delete(&self.settings, &self.bucket).await;
                Err(error)
            }
        }
    }

    async fn write_changelog(&self, batches: &[KeyValueBatch], flushed: &mut Flushed) -> Result<()> {
        if let Some(merge) = self.settings.merge().filter(|_| self.settings.raw_changes == RawChanges::Written) {
            self.check_wanted()?;
            let sorted = sort_records(batches, merge)?;
            flushed.changelog = self.write(self.settings.table(), vec![sorted], FileContent::Changelog).await?;
        }
        Ok(())
    }

    async fn write_data(&self, batches: Vec<KeyValueBatch>, flushed: &mut Flushed) -> Result<()> {
        self.check_wanted()?;
        let content = FileContent::Data(FileSource::Append);
        flushed.files = match (&self.settings.postponed, self.settings.merge()) {
            (Some(table), _) => self.write(table, batches, FileContent::Waiting).await?,
            (None, Some(merge)) => {
                let merged = sort_buffer(&batches, merge)?;
                drop(batches);
                self.write(self.settings.table(), vec![merged], content).await?
            }
            (None, None) => self.write(self.settings.table(), batches, content).await?,
        };
        self.check_wanted()
    }

    async fn write(
        &self,
        table: &TableStore,
        batches: Vec<KeyValueBatch>,
        content: FileContent,
    ) -> Result<Vec<DataFileMeta>> {
        let mut batches = batches.into_iter().filter(|batch| batch.num_rows() > 0).peekable();
        if batches.peek().is_none() {
            return Ok(Vec::new());
        }
        let spec = DataFileSpec { bucket: self.bucket.clone(), level: LEVEL, content };
        let mut writer = RollingFileWriter::new(table, spec)?;
        for batch in batches {
            if let Err(error) = writer.write(&batch).await {
                writer.abort().await;
                return Err(error);
            }
        }
        writer.finish().await
    }

    fn check_wanted(&self) -> Result<()> {
        if self.stop.is_set() { Err(self.stop.error()) } else { Ok(()) }
    }
}
