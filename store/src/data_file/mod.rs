//! Data files of keyed tables: sorted key-value records in Parquet.
//!
//! Goes in: batches of records in key order. Comes out: files with their [`DataFileMeta`](alluvium_format::DataFileMeta); and from
//! files, batches again, in the columns of the schema that is asked for. Invariants: a file holds each key once, in ascending order;
//! what a manifest says of it (rows, keys, sequence numbers, statistics) covers every row.

mod compression;
mod encoding;
mod file_summary;
mod file_writer;
mod int96;
mod layout;
mod parquet_schema;
pub mod reader;
pub mod rolling;
mod upload;

use alluvium_format::{BinaryRow, FileSource};

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
    /// Who writes them.
    pub source: FileSource,
}
