//! A flush under way: rows of one bucket are sorted, merged, encoded and written as files of level 0, off the async threads, while
//! the writer goes on taking rows.
//!
//! Goes in: the batches of a write buffer. Comes out: the metadata of the files. Invariant: a flush that fails, or that nobody waits
//! for any more, leaves no file. Answers to `MergeTreeWriter.flushWriteBuffer`.

use alluvium_compaction::{StopGuard, StopSignal, delete_unpublished};
use alluvium_format::{DataFileMeta, Error, FileSource, Result};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, sort_buffer};
use alluvium_store::{DataFileSpec, PartitionBucket, RollingFileWriter, TableStore};
use tokio::task::JoinHandle;

/// The level of files that writers flush.
const LEVEL: i32 = 0;

/// A flush under way. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Flush {
    task: JoinHandle<Result<Vec<DataFileMeta>>>,
    stop: StopGuard,
    bytes: usize,
}

impl Flush {
    /// Begins to flush the batches, which take `bytes`.
    pub(crate) fn begin(
        table: &TableStore,
        bucket: &PartitionBucket,
        merge: &MergeOptions,
        batches: Vec<KeyValueBatch>,
        bytes: usize,
    ) -> Self {
        let stop = StopGuard::default();
        let spec = DataFileSpec { bucket: bucket.clone(), level: LEVEL, source: FileSource::Append };
        let work = write_files(table.clone(), spec, merge.clone(), batches, stop.signal());
        let cpu = table.io().cpu().clone();
        let task = tokio::spawn(async move { cpu.run(work).await });
        Self { task, stop, bytes }
    }

    /// What the rows take in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is over.
    pub(crate) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for the files. Not to be called again after it came back.
    pub(crate) async fn wait(&mut self) -> Result<Vec<DataFileMeta>> {
        (&mut self.task).await.map_err(|error| Error::internal("a flush died").with_source(error))?
    }

    /// Stops it; the files are deleted.
    pub(crate) async fn abandon(self, table: &TableStore, bucket: &PartitionBucket) {
        self.stop.stop();
        if let Ok(Ok(files)) = self.task.await {
            delete_unpublished(table, bucket, &files).await;
        }
    }
}

async fn write_files(
    table: TableStore,
    spec: DataFileSpec,
    merge: MergeOptions,
    batches: Vec<KeyValueBatch>,
    stop: StopSignal,
) -> Result<Vec<DataFileMeta>> {
    if stop.is_set() {
        return Err(stop.error());
    }
    let sorted = sort_buffer(&batches, &merge)?;
    drop(batches);
    if sorted.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let bucket = spec.bucket.clone();
    let mut writer = RollingFileWriter::new(&table, spec)?;
    if let Err(error) = writer.write(&sorted).await {
        writer.abort().await;
        return Err(error);
    }
    drop(sorted);
    let files = writer.finish().await?;
    if stop.is_set() {
        delete_unpublished(&table, &bucket, &files).await;
        return Err(stop.error());
    }
    Ok(files)
}
