//! The dedicated compactor: compacts a table that others write, `write-only` ones too.
//!
//! Goes in: a table and which buckets of it. Comes out: a COMPACT snapshot and a report. A conflict with another compactor is planned
//! again from the latest snapshot. Answers to `org.apache.paimon.flink.compact` and `CompactAction`.

use alluvium_format::{Error, Predicate, Result};
use alluvium_store::TableStore;

/// What to compact.
#[derive(Clone, Debug)]
pub struct CompactRequest {
    /// Everything into the highest level, or what the automatic rules pick.
    pub full: bool,
    /// Only partitions for which this condition on partition columns may be true.
    pub partitions: Predicate,
    /// The first and the last bucket; `None`: all.
    pub buckets: Option<(i32, i32)>,
}

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// The COMPACT snapshot; `None` when there was nothing to do.
    pub snapshot: Option<i64>,
    /// Buckets that were compacted.
    pub buckets: usize,
    /// Files taken out.
    pub files_before: usize,
    /// Files put in.
    pub files_after: usize,
    /// Of these, those that were moved to another level without being rewritten.
    pub files_upgraded: usize,
    /// Bytes read and rewritten.
    pub bytes_rewritten: u64,
    /// Bytes written.
    pub bytes_written: u64,
}

/// Compacts `table` as commit user `user`; `progress` hears of every bucket that is done: (done, of how many).
///
/// # Errors
/// `Unsupported` by name for what this library cannot write; `Conflict` when others changed the same files again and again.
pub async fn compact_table(
    _table: &TableStore,
    _user: &str,
    _request: &CompactRequest,
    _progress: &(dyn Fn(usize, usize) + Send + Sync),
) -> Result<CompactReport> {
    Err(Error::internal("not built"))
}
