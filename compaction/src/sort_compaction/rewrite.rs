//! Rewrites the files of a partition in an order.
//!
//! Goes in: the files, and which of their rows are deleted. Comes out: files of the target size, each with a range of the order of its own.
//! The work is done in slices: between two of them the thread goes back to the pool. Invariants: the rows stay the same; on failure, and
//! when it is stopped, nothing is left.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataFileMeta, FileSource, Result};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{
    DataFileSpec, DeletionVectors, FileContent, MemoryReservation, PartitionBucket, RollingFileWriter, TableStore,
};

use super::external_sort::{ExternalSort, SortStep, SortedRows};
use super::sort_memory::SortMemory;
use super::{RowsDone, SortKeys};
use crate::append::{AppendSettings, FileRows};
use crate::stop::StopSignal;

/// The level of all files of such tables.
const LEVEL: i32 = 0;
/// Rows of tables without buckets have no order that their numbers would keep: as Paimon's writers, from 0.
const FIRST_SEQUENCE: i64 = 0;
/// Batches gone through before the thread is given back: about a quarter of a second of work.
const SLICE_BATCHES: usize = 64;
/// What reading and writing take besides at most: a row group that is decoded, and one that is encoded.
const FILE_BYTES_MAX: usize = 96 << 20;
/// What a row takes in memory for each byte in a file: files are compressed and have dictionaries.
const ROW_EXPANSION: usize = 4;

/// What is rewritten.
#[derive(Debug)]
pub(crate) struct SortRewrite {
    pub(crate) settings: Arc<AppendSettings>,
    pub(crate) bucket: PartitionBucket,
    pub(crate) files: Vec<DataFileMeta>,
    pub(crate) deletions: Arc<DeletionVectors>,
    pub(crate) keys: SortKeys,
    pub(crate) rows_done: RowsDone,
    pub(crate) stop: StopSignal,
}

/// A rewrite under way.
struct Work {
    table: TableStore,
    bucket: PartitionBucket,
    stage: Stage,
    rows_done: RowsDone,
    _memory: MemoryReservation,
}

enum Stage {
    Reading { rows: Box<FileRows>, sort: Box<ExternalSort> },
    Writing { rows: Box<SortedRows>, write: Box<RollingFileWriter>, next_sequence: i64 },
}

/// What a slice of work came to.
enum Slice {
    More(Box<Work>),
    Done(Vec<DataFileMeta>),
}

/// Whether a stage goes on.
enum Progress {
    More,
    Over,
}

impl SortRewrite {
    /// Rewrites the files, when fewer compactions are open than there may be.
    ///
    /// # Errors
    /// Those of reading and writing files, and of the local disk; `Closed` when it was stopped. Nothing of it is left then.
    pub(crate) async fn perform(self) -> Result<Vec<DataFileMeta>> {
        let (settings, stop) = (Arc::clone(&self.settings), self.stop.clone());
        let _open = settings.admit().await.map_err(|_| stop.error())?;
        let mut work = self.begin().await?;
        loop {
            if stop.is_set() {
                work.abort().await;
                return Err(stop.error());
            }
            match settings.table().io().cpu().run(work.slice()).await? {
                Slice::More(rest) => work = *rest,
                Slice::Done(files) => return Ok(files),
            }
        }
    }

    async fn begin(self) -> Result<Work> {
        let table = self.settings.table().clone();
        let bytes: i64 = self.files.iter().map(|file| file.file_size).fold(0, i64::saturating_add);
        let bytes = usize::try_from(bytes).unwrap_or(0);
        let (of_files, of_rows) = (bytes.min(FILE_BYTES_MAX), sort_bytes(&table, bytes)?);
        let reserved = table.io().memory().reserve(of_files.saturating_add(of_rows)).await?;
        let of_rows = of_rows.min(reserved.bytes().saturating_sub(of_files).max(reserved.bytes() / 2));
        let memory = SortMemory::plan(of_rows, table.options().sort_spill_threshold()?);
        let values = to_arrow_schema(&table.schema().fields)?;
        let sort = Box::new(ExternalSort::new(&table, self.keys, values, memory)?);
        let rows = Box::new(FileRows::of(&table, &self.bucket, self.files, self.deletions));
        Ok(Work {
            table,
            bucket: self.bucket,
            stage: Stage::Reading { rows, sort },
            rows_done: self.rows_done,
            _memory: reserved,
        })
    }
}

/// What rows of files of so many bytes are sorted in: `write-buffer-size` at most, as in Paimon.
fn sort_bytes(table: &TableStore, file_bytes: usize) -> Result<usize> {
    let most = usize::try_from(table.options().write_buffer_bytes()?).unwrap_or(usize::MAX);
    Ok(SortMemory::wanted(file_bytes.saturating_mul(ROW_EXPANSION)).min(most))
}

impl Work {
    async fn slice(mut self) -> Result<Slice> {
        match self.stage.go_on(&self.rows_done).await {
            Ok(Progress::More) => Ok(Slice::More(Box::new(self))),
            Ok(Progress::Over) => self.next_stage().await,
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn next_stage(self) -> Result<Slice> {
        let Self { table, bucket, stage, rows_done, _memory } = self;
        match stage {
            Stage::Reading { sort, .. } => {
                let content = FileContent::Data(FileSource::Append);
                let spec = DataFileSpec { bucket: bucket.clone(), level: LEVEL, content };
                let (write, rows) = (Box::new(RollingFileWriter::new(&table, spec)?), Box::new(sort.finish()?));
                let stage = Stage::Writing { rows, write, next_sequence: FIRST_SEQUENCE };
                Ok(Slice::More(Box::new(Self { table, bucket, stage, rows_done, _memory })))
            }
            Stage::Writing { write, .. } => write.finish().await.map(Slice::Done),
        }
    }

    async fn abort(self) {
        if let Stage::Writing { write, .. } = self.stage {
            write.abort().await;
        }
    }
}

impl Stage {
    async fn go_on(&mut self, rows_done: &RowsDone) -> Result<Progress> {
        for _ in 0..SLICE_BATCHES {
            match self {
                Self::Reading { rows, sort } => match rows.next().await? {
                    Some(rows) => {
                        sort.push(&rows)?;
                        rows_done.add(rows.num_rows() as u64);
                    }
                    None => return Ok(Progress::Over),
                },
                Self::Writing { rows, write, next_sequence } => match rows.step()? {
                    SortStep::Rows(rows) => {
                        let batch = KeyValueBatch::inserts(rows, *next_sequence);
                        *next_sequence = next_sequence.saturating_add(batch.num_rows() as i64);
                        write.write(&batch).await?;
                        rows_done.add(batch.num_rows() as u64);
                    }
                    SortStep::Busy => {}
                    SortStep::Done => return Ok(Progress::Over),
                },
            }
        }
        Ok(Progress::More)
    }
}
