//! The records of one run, from its files or from a copy on the local disk.
//!
//! Goes in: a run. Comes out: its batches, each with the level of the file that it is from. Invariant: a copy has the same records in the
//! same order. Answers to the `SpilledReaderSupplier` of `org.apache.paimon.mergetree.MergeSorter`.

use std::collections::VecDeque;

use alluvium_format::options::LookupCompression;
use alluvium_format::{DataFileMeta, Result};
use alluvium_merge_tree::{KeyValueBatch, RecordLevelExpire, SortedRun};

use super::fan_in::Source;
use crate::data_file::{DataFileBatch, DataFileRead, DataFileReader, PartitionBucket};
use crate::spill::{SpillWriter, SpilledBatch};
use crate::table_store::TableStore;

/// Where the files are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) table: TableStore,
    pub(super) source: Source,
    /// Rows that are too old, by a time in milliseconds since 1970, are left out.
    pub(super) expire: Option<(RecordLevelExpire, i64)>,
    bucket: PartitionBucket,
    compression: LookupCompression,
}

/// The files of a run, one after the other.
#[derive(Debug, Default)]
pub(super) struct RunReader {
    /// Those of a copy that were not read yet; then there are no files.
    copied: VecDeque<(i32, SpilledBatch)>,
    files: VecDeque<DataFileMeta>,
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    level: i32,
    reader: DataFileReader,
}

/// Records of a file of this level.
pub(super) type LevelBatch = (i32, KeyValueBatch);

impl Files {
    /// Those of a bucket.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(super) fn of(table: &TableStore, bucket: PartitionBucket) -> Result<Self> {
        let options = table.options();
        let source = if table.io().has_folders() {
            Source::Machine
        } else {
            Source::Store { row_group_bytes: usize::try_from(options.file_block_bytes()?).unwrap_or(usize::MAX) }
        };
        Ok(Self { table: table.clone(), source, expire: None, bucket, compression: options.spill_compression()? })
    }

    /// The records of a batch that are to be read.
    fn records(&self, batch: DataFileBatch) -> Result<KeyValueBatch> {
        let records = batch.into_key_values()?;
        match &self.expire {
            Some((expire, now_millis)) => expire.retain(records, *now_millis),
            None => Ok(records),
        }
    }
}

impl RunReader {
    /// A reader that has not begun.
    pub(super) fn of(run: SortedRun) -> Self {
        Self { files: run.into_files().into(), ..Self::default() }
    }

    /// Opens the next file if none is open.
    pub(super) async fn open(&mut self, files: &Files, read: &DataFileRead) -> Result<()> {
        if self.open.is_none()
            && let Some(file) = self.files.pop_front()
        {
            let reader = DataFileReader::open(&files.table, &files.bucket, &file, read).await?;
            self.open = Some(OpenFile { level: file.level, reader });
        }
        Ok(())
    }

    /// The next records; `None` at the end.
    pub(super) async fn next(&mut self, files: &Files, read: &DataFileRead) -> Result<Option<LevelBatch>> {
        if let Some((level, batch)) = self.copied.pop_front() {
            return Ok(Some((level, batch.read()?)));
        }
        loop {
            self.open(files, read).await?;
            let Some(OpenFile { level, reader }) = &mut self.open else { return Ok(None) };
            match reader.next().await? {
                Some(batch) => {
                    let (level, records) = (*level, files.records(batch)?);
                    if records.num_rows() > 0 {
                        return Ok(Some((level, records)));
                    }
                }
                None => self.open = None,
            }
        }
    }

    /// Copies all records to the local disk, in blocks of so many rows.
    pub(super) async fn copy(&mut self, files: &Files, read: &DataFileRead, block_rows: usize) -> Result<()> {
        let mut writer = SpillWriter::new(&files.table.io().local_disk()?, files.compression)?;
        let mut levels = Vec::new();
        while let Some((level, batch)) = self.next(files, read).await? {
            for start in (0..batch.num_rows()).step_by(block_rows) {
                writer.write(&batch.slice(start, block_rows.min(batch.num_rows() - start)))?;
                levels.push(level);
            }
        }
        self.copied = levels.into_iter().zip(writer.finish()).collect();
        Ok(())
    }
}
