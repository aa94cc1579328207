#![doc = include_str!("../snapshot.md")]

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::json;

/// The `version` that is written; files without one are of version 1.
pub const SNAPSHOT_VERSION: i32 = 3;

/// The commit identifier of a job that commits once: Java's `BatchWriteBuilder.COMMIT_IDENTIFIER`.
pub const BATCH_COMMIT_IDENTIFIER: i64 = i64::MAX;

/// What kind of change a snapshot made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the format page")]
pub struct Snapshot {
    #[serde(default = "first_version")]
    pub version: i32,
    pub id: i64,
    pub schema_id: i64,
    pub base_manifest_list: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_manifest_list_size: Option<i64>,
    pub delta_manifest_list: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_manifest_list_size: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changelog_manifest_list: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changelog_manifest_list_size: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_manifest: Option<String>,
    pub commit_user: String,
    pub commit_identifier: i64,
    pub commit_kind: CommitKind,
    pub time_millis: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_record_count: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_record_count: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changelog_record_count: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<IndexMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_row_id: Option<i64>,
}

fn first_version() -> i32 {
    1
}

impl Snapshot {
    /// The snapshot that the JSON text `bytes`, read from `path`, holds; [`crate::ErrorKind::Corrupt`] when it holds none.
    pub fn from_json(bytes: &[u8], path: &str) -> Result<Self> {
        json::from_slice(bytes, path)
    }

    /// The text of the snapshot file, as Java writes it.
    pub fn to_json(&self) -> String {
        json::to_pretty(self)
    }
}
