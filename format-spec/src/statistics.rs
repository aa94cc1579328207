#![doc = include_str!("../statistics.md")]

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::json;

/// The content of `statistics/stat-<uuid>-<n>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableStatistics {
    /// The snapshot that was analysed.
    pub snapshot_id: i64,
    /// The table's schema then.
    pub schema_id: i64,
    /// Rows after merging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_record_count: Option<i64>,
    /// Bytes after merging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_record_size: Option<i64>,
    /// By column name.
    #[serde(default)]
    pub col_stats: IndexMap<String, TableColumnStatistics>,
}

/// What an analysis found out about a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the format page")]
pub struct TableColumnStatistics {
    pub col_id: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_count: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_count: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avg_len: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_len: Option<i64>,
}

impl TableStatistics {
    /// The statistics that the JSON text `bytes`, read from `path`, holds; [`crate::ErrorKind::Corrupt`] when it holds none.
    pub fn from_json(bytes: &[u8], path: &str) -> Result<Self> {
        json::from_slice(bytes, path)
    }

    /// The text of the statistics file, as Java writes it.
    pub fn to_json(&self) -> String {
        json::to_pretty(self)
    }
}
