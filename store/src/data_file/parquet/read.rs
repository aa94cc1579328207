//! Reads a Parquet file, row group after row group.
//!
//! Goes in: the file and the columns that are wanted. Comes out: which row groups there are and may match a predicate, then batches of
//! the columns in their in-memory form. Answers to `org.apache.paimon.format.parquet.ParquetReaderFactory`.

mod columns;
mod footer;
mod leaf;
mod row_groups;
mod schema_depth;
mod source;

pub(in crate::data_file) use source::{ParquetBatches, ParquetFile};
