//! Rewrites files one after the other, as they are, into as few as the target size allows.
//!
//! Goes in: files of a bucket in the order of their rows, and which of these are deleted. Comes out: files. The work is done in slices:
//! between two of them the thread goes back to the pool. Invariants: rows keep their order; sequence numbers go on from the first of the
//! first file, so that they stay within those of the files; on failure, and when it is stopped, nothing is left. Answers to
//! `BaseAppendFileStoreWrite.compactRewrite`.

use std::sync::Arc;

use alluvium_format::{DataFileMeta, FileSource, Result};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{
    DataFileSpec, DeletionVectors, FileContent, MemoryReservation, PartitionBucket, RollingFileWriter,
};

use super::file_rows::FileRows;
use super::settings::AppendSettings;
use crate::stop::StopSignal;

/// The level of all files of such tables.
const LEVEL: i32 = 0;
/// Batches gone through before the thread is given back: about a quarter of a second of work.
const SLICE_BATCHES: usize = 64;
/// What a rewrite takes at most: a row group that is decoded, and one that is encoded.
const MEMORY_BYTES_MAX: i64 = 96 << 20;

/// What is rewritten.
#[derive(Debug)]
pub(super) struct AppendRewrite {
    pub(super) settings: Arc<AppendSettings>,
    pub(super) bucket: PartitionBucket,
    pub(super) files: Vec<DataFileMeta>,
    pub(super) deletions: Arc<DeletionVectors>,
    pub(super) stop: StopSignal,
}

/// A rewrite under way.
struct Work {
    rows: FileRows,
    write: RollingFileWriter,
    next_sequence: i64,
    _memory: MemoryReservation,
}

/// What a slice of work came to.
enum Slice {
    More(Box<Work>),
    Done(Vec<DataFileMeta>),
}

/// Whether there are more rows.
enum Rows {
    More,
    End,
}

impl AppendRewrite {
    /// Rewrites the files, when fewer compactions are open than there may be.
    ///
    /// # Errors
    /// Those of reading and writing files; `Closed` when it was stopped. Nothing of it is left then.
    pub(super) async fn perform(self) -> Result<Vec<DataFileMeta>> {
        let (settings, stop) = (Arc::clone(&self.settings), self.stop.clone());
        let _open = settings.admit().await.map_err(|_| stop.error())?;
        let mut work = self.begin().await?;
        loop {
            if stop.is_set() {
                work.write.abort().await;
                return Err(stop.error());
            }
            match settings.table.io().cpu().run(work.slice()).await? {
                Slice::More(rest) => work = *rest,
                Slice::Done(files) => return Ok(files),
            }
        }
    }

    async fn begin(self) -> Result<Work> {
        let Self { settings, bucket, files, deletions, .. } = self;
        let table = &settings.table;
        let bytes = files.iter().map(|file| file.file_size).fold(0, i64::saturating_add);
        let memory = usize::try_from(bytes.clamp(0, MEMORY_BYTES_MAX)).unwrap_or(usize::MAX);
        let content = FileContent::Data(FileSource::Compact);
        Ok(Work {
            write: RollingFileWriter::new(table, DataFileSpec { bucket: bucket.clone(), level: LEVEL, content })?,
            next_sequence: files.first().map_or(0, |file| file.min_sequence_number),
            _memory: table.io().memory().reserve(memory).await?,
            rows: FileRows::of(table, &bucket, files, deletions),
        })
    }
}

impl Work {
    async fn slice(mut self) -> Result<Slice> {
        match self.copy_batches().await {
            Ok(Rows::More) => Ok(Slice::More(Box::new(self))),
            Ok(Rows::End) => self.write.finish().await.map(Slice::Done),
            Err(error) => {
                self.write.abort().await;
                Err(error)
            }
        }
    }

    async fn copy_batches(&mut self) -> Result<Rows> {
        for _ in 0..SLICE_BATCHES {
            let Some(values) = self.rows.next().await? else { return Ok(Rows::End) };
            let batch = KeyValueBatch::inserts(values, self.next_sequence);
            self.next_sequence = self.next_sequence.saturating_add(batch.num_rows() as i64);
            self.write.write(&batch).await?;
        }
        Ok(Rows::More)
    }
}
