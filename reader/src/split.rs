//! Splits: the pieces of a plan that are read independently of each other, each from one bucket.
//!
//! A [`DataSplit`] names the files of one bucket that must be read together and how: merged (all runs of a key range, one row a
//! key) or raw (rows as they are, file after file). Answers to `org.apache.paimon.table.source.DataSplit`.

use std::sync::Arc;

use alluvium_format::{BinaryRow, DataFileMeta};
use alluvium_store::DeletionVectors;

/// How the files of a split become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitReading {
    /// All versions of a key are merged by the table's merge engine and deleted rows are dropped.
    Merge,
    /// The same, where records of all levels count: lower levels are not merged with those above, and what of these is replaced is deleted.
    MergeAllLevels,
    /// Each row of each file is a row of the table, but for those that a deletion vector takes away: no other file has its key.
    Raw,
    /// Each row of each file is a change, in the order of the files, with its row kind.
    Changes,
    /// Merged like [`SplitReading::Merge`], then every row is a delete: what an overwrite took away.
    Retractions,
    /// The rows of the files, merged, are compared with those of [`DataSplit::before`]: what became of them.
    Diff,
}

/// Files of an earlier snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BeforeFiles {
    /// In the order of the manifest.
    pub files: Vec<DataFileMeta>,
    /// Which rows of them were deleted.
    pub deletions: Arc<DeletionVectors>,
}

/// Files of one bucket that are read together.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSplit {
    /// The snapshot the plan was made from.
    pub snapshot_id: i64,
    /// Values of the partition columns; the empty row when the table has none.
    pub partition: BinaryRow,
    /// From 0.
    pub bucket: i32,
    /// In reading order.
    pub files: Vec<DataFileMeta>,
    /// How they become rows.
    pub reading: SplitReading,
    /// Which rows of them are deleted.
    pub deletions: Arc<DeletionVectors>,
    /// What they are compared with.
    pub before: BeforeFiles,
}

impl DataSplit {
    /// Rows in the files, unmerged.
    pub fn row_count(&self) -> i64 {
        self.files.iter().map(|file| file.row_count).sum()
    }

    /// Rows of a file that are not deleted by position.
    pub(crate) fn rows_left(&self, file: &DataFileMeta) -> i64 {
        let deleted = self.deletions.get(&file.file_name).map_or(0, |vector| vector.cardinality());
        file.row_count.saturating_sub(i64::try_from(deleted).unwrap_or(i64::MAX)).max(0)
    }

    /// Bytes of the files.
    pub fn bytes(&self) -> i64 {
        self.files.iter().map(|file| file.file_size).sum()
    }
}
