//! Reads a data file in the columns of the schema that is asked for, whatever schema it was written with.
//!
//! Goes in: a file's metadata and what is wanted of it. Comes out: batches in the order of the file. Answers to
//! `org.apache.paimon.io.KeyValueDataFileRecordReader` and `FormatReaderMapping`.

use std::sync::Arc;

use alluvium_format::{DataField, DataFileMeta, Error, Predicate, Result};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::{Int8Array, Int64Array, RecordBatch};

use super::PartitionBucket;
use crate::table_store::TableStore;

/// Which of `_SEQUENCE_NUMBER` and `_VALUE_KIND` are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemColumns {
    /// Neither: rows that are known to be rows of the table.
    None,
    /// The kinds.
    Kinds,
    /// Both: what a merge needs.
    All,
}

/// What is wanted of data files.
#[derive(Clone, Debug)]
pub struct DataFileRead {
    /// The columns, by the ids of the schema that is asked for, in the order of the output.
    pub fields: Arc<[DataField]>,
    /// What besides.
    pub system: SystemColumns,
    /// Rows for which it is not true may be left out, a row group at a time; the caller filters what comes.
    pub predicate: Predicate,
}

/// Rows of a file.
#[derive(Clone, Debug)]
pub struct DataFileBatch {
    /// The columns asked for, in their in-memory form.
    pub values: RecordBatch,
    /// `_SEQUENCE_NUMBER`, when asked for.
    pub sequences: Option<Int64Array>,
    /// `_VALUE_KIND`, when asked for.
    pub kinds: Option<Int8Array>,
}

impl DataFileBatch {
    /// As records of a merge.
    ///
    /// # Errors
    /// `Internal` when the system columns were not asked for; `Corrupt` when they hold nulls or no kinds.
    pub fn into_key_values(self) -> Result<KeyValueBatch> {
        let (Some(sequences), Some(kinds)) = (self.sequences, self.kinds) else {
            return Err(Error::internal("a merge reads files with their system columns"));
        };
        KeyValueBatch::try_new(sequences, kinds, self.values)
    }
}

/// An open data file. CPU-bound: drive it in a [`crate::CpuPool`].
#[derive(Debug)]
pub struct DataFileReader {}

impl DataFileReader {
    /// Opens a file and reads what it says of itself.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` and `Storage` with the path; `Unsupported` for its format, by name.
    pub async fn open(
        _table: &TableStore,
        _bucket: &PartitionBucket,
        _file: &DataFileMeta,
        _read: &DataFileRead,
    ) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub async fn next(&mut self) -> Result<Option<DataFileBatch>> {
        Err(Error::internal("not built"))
    }
}
