#![doc = include_str!("../snapshot.md")]

use indexmap::IndexMap;

/// What kind of change a snapshot made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitKind {
    /// New files only.
    Append,
    /// Files replaced by others with the same rows.
    Compact,
    /// Files deleted or replaced by other rows.
    Overwrite,
    /// Statistics only.
    Analyze,
}

/// The content of `snapshot/snapshot-<id>`.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the format page")]
pub struct Snapshot {
    pub version: i32,
    pub id: i64,
    pub schema_id: i64,
    pub base_manifest_list: String,
    pub base_manifest_list_size: Option<i64>,
    pub delta_manifest_list: String,
    pub delta_manifest_list_size: Option<i64>,
    pub changelog_manifest_list: Option<String>,
    pub changelog_manifest_list_size: Option<i64>,
    pub index_manifest: Option<String>,
    pub commit_user: String,
    pub commit_identifier: i64,
    pub commit_kind: CommitKind,
    pub time_millis: i64,
    pub total_record_count: Option<i64>,
    pub delta_record_count: Option<i64>,
    pub changelog_record_count: Option<i64>,
    pub watermark: Option<i64>,
    pub statistics: Option<String>,
    pub properties: Option<IndexMap<String, String>>,
    pub next_row_id: Option<i64>,
}
