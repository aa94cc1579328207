//! Writes sorted records into as many data files as the target size asks for.
//!
//! Goes in: batches of records in ascending key order. Comes out: the files' metadata. Answers to
//! `org.apache.paimon.io.RollingFileWriterImpl` and `KeyValueDataFileWriterImpl`.

use alluvium_format::{DataFileMeta, Error, Result};
use alluvium_merge_tree::KeyValueBatch;

use super::DataFileSpec;
use crate::table_store::TableStore;

/// Writes one sorted run. CPU-bound: drive it in a [`crate::CpuPool`].
#[derive(Debug)]
pub struct RollingFileWriter {}

impl RollingFileWriter {
    /// A writer of files of the table's latest schema.
    ///
    /// # Errors
    /// `Unsupported` for a file format or codec; `Invalid` when an option is wrong.
    pub fn new(_table: &TableStore, _spec: DataFileSpec) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// Appends rows, whose `values` are all columns of the schema and whose keys are above all before them.
    ///
    /// # Errors
    /// `Internal` when the keys do not ascend from batch to batch; `Storage`.
    pub async fn write(&mut self, _batch: &KeyValueBatch) -> Result<()> {
        Err(Error::internal("not built"))
    }

    /// Ends the last file; no file when nothing was written.
    ///
    /// # Errors
    /// `Storage`; the files written so far are deleted then.
    pub async fn finish(self) -> Result<Vec<DataFileMeta>> {
        Err(Error::internal("not built"))
    }

    /// Deletes what was written, at best effort.
    pub async fn abort(self) {}
}
