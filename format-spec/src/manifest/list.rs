//! One entry of a manifest list: a manifest with what a reader needs to skip it.

use crate::stats::SimpleStats;

/// A manifest, as a manifest list names it.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestFileMeta {
    /// Name in the table's `manifest/` folder.
    pub file_name: String,
    /// Bytes.
    pub file_size: i64,
    /// ADD entries.
    pub num_added_files: i64,
    /// DELETE entries.
    pub num_deleted_files: i64,
    /// Over the partition rows of the entries.
    pub partition_stats: SimpleStats,
    /// The highest schema id of the entries.
    pub schema_id: i64,
    /// Lowest bucket of the entries; `None` when unknown.
    pub min_bucket: Option<i32>,
    /// Highest bucket of the entries.
    pub max_bucket: Option<i32>,
    /// Lowest level of the entries.
    pub min_level: Option<i32>,
    /// Highest level of the entries.
    pub max_level: Option<i32>,
    /// Lowest row id; `None` unless every entry has one.
    pub min_row_id: Option<i64>,
    /// Highest row id.
    pub max_row_id: Option<i64>,
}
