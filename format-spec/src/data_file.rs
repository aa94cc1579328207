#![doc = include_str!("../data_file.md")]

use bytes::Bytes;

use crate::binary_row::BinaryRow;
use crate::stats::SimpleStats;

/// Whether a file was written by a writer or by a compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileSource {
    /// By a writer: `0`.
    Append,
    /// By a compaction: `1`.
    Compact,
}

/// What a manifest says of a data file (or changelog file): the `_FILE` record.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the format page")]
pub struct DataFileMeta {
    pub file_name: String,
    pub file_size: i64,
    pub row_count: i64,
    /// The first record's trimmed primary key; the empty row in append tables.
    pub min_key: BinaryRow,
    /// The last record's trimmed primary key; the empty row in append tables.
    pub max_key: BinaryRow,
    pub key_stats: SimpleStats,
    pub value_stats: SimpleStats,
    pub min_sequence_number: i64,
    pub max_sequence_number: i64,
    pub schema_id: i64,
    pub level: i32,
    pub extra_files: Vec<String>,
    /// Local wall-clock milliseconds of the writer, as if UTC.
    pub creation_time_millis: Option<i64>,
    /// Rows of kind `-U` or `-D`; `None` only in old files.
    pub delete_row_count: Option<i64>,
    pub embedded_index: Option<Bytes>,
    pub file_source: Option<FileSource>,
    /// The columns that `value_stats` speaks of; `None`: all of the write schema.
    pub value_stats_cols: Option<Vec<String>>,
    /// The full path, when the file lies outside of the table.
    pub external_path: Option<String>,
    pub first_row_id: Option<i64>,
    pub write_cols: Option<Vec<String>>,
}
