//! The rows of files, one file after the other.
//!
//! Goes in: files of a bucket, and which of their rows are deleted. Comes out: batches of those that are not. Invariant: one file is open at
//! a time.

use std::sync::Arc;

use alluvium_format::{DataFileMeta, Predicate, Result};
use alluvium_store::{DataFileRead, DataFileReader, DeletionVectors, PartitionBucket, SystemColumns, TableStore};
use arrow_array::RecordBatch;

/// Rows that are being read. CPU-bound: drive it in a [`alluvium_store::CpuPool`].
#[derive(Debug)]
pub(crate) struct FileRows {
    table: TableStore,
    bucket: PartitionBucket,
    read: DataFileRead,
    /// The files that are not begun.
    ahead: std::vec::IntoIter<DataFileMeta>,
    open: Option<Box<DataFileReader>>,
}

impl FileRows {
    /// The rows of these files, in all columns of the table.
    pub(crate) fn of(
        table: &TableStore,
        bucket: &PartitionBucket,
        files: Vec<DataFileMeta>,
        deletions: Arc<DeletionVectors>,
    ) -> Self {
        let read = DataFileRead {
            fields: table.schema().fields.as_slice().into(),
            system: SystemColumns::None,
            predicate: Predicate::True,
            deletions,
        };
        Self { table: table.clone(), bucket: bucket.clone(), read, ahead: files.into_iter(), open: None }
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// Those of reading files.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(batch) = open.next().await? {
                    return Ok(Some(batch.values));
                }
                self.open = None;
            }
            let Some(file) = self.ahead.next() else { return Ok(None) };
            let reader = DataFileReader::open(&self.table, &self.bucket, &file, &self.read).await?;
            self.open = Some(Box::new(reader));
        }
    }
}
