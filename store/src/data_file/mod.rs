//! Data files, and changelog files: sorted key-value records, or rows of tables without key, in a format that the options choose.
//!
//! Goes in: batches of records in key order. Comes out: files with their [`DataFileMeta`](alluvium_format::DataFileMeta); and from
//! files, batches again, in the columns of the schema that is asked for. Invariants: a file is in ascending key order, and a data file
//! holds each key once; what a manifest says of it (rows, keys, sequence numbers, statistics) covers every row.

mod avro;
mod file_index;
mod file_names;
mod file_summary;
mod file_writer;
mod format;
mod orc;
mod parquet;
pub mod reader;
mod record_columns;
pub mod rolling;
mod stats_modes;
mod upload;

use alluvium_format::{BinaryRow, FileSource};

pub use file_index::{rewrite_indexes, select_rows};
pub use reader::{DataFileBatch, DataFileRead, DataFileReader, SystemColumns};
pub use rolling::RollingFileWriter;

/// One bucket of one partition: an LSM tree of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartitionBucket {
    /// Values of the partition columns; the empty row when the table has none.
    pub partition: BinaryRow,
    /// From 0.
    pub bucket: i32,
}

/// What all files of one writer have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFileSpec {
    /// Where they go.
    pub bucket: PartitionBucket,
    /// The level that their metadata names.
    pub level: i32,
    /// What they hold.
    pub content: FileContent,
}

/// What files hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileContent {
    /// Rows of the table, each key once, by whoever writes them.
    Data(FileSource),
    /// Changes of the table: a key may come again, a `-U` stands before its `+U`.
    Changelog,
    /// Rows that wait for their buckets, as they came.
    Waiting,
}

impl FileContent {
    /// What the metadata names as the source: every changelog file is as one that was appended.
    fn source(self) -> FileSource {
        match self {
            Self::Data(source) => source,
            Self::Changelog | Self::Waiting => FileSource::Append,
        }
    }

    /// What such files are called.
    fn name(self) -> &'static str {
        match self {
            Self::Data(_) | Self::Waiting => "data",
            Self::Changelog => "changelog",
        }
    }
}
