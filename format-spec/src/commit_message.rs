//! What one bucket's writer hands to the commit: the files it added, replaced and compacted.
//!
//! Never at rest by itself. Answers to `CommitMessageImpl`, `DataIncrement` and `CompactIncrement`.

use std::collections::HashSet;

use crate::binary_row::BinaryRow;
use crate::data_file::DataFileMeta;
use crate::index_file::IndexFileMeta;

/// The files of the APPEND part of a commit.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DataIncrement {
    pub new_files: Vec<DataFileMeta>,
    pub deleted_files: Vec<DataFileMeta>,
    pub changelog_files: Vec<DataFileMeta>,
    pub new_index_files: Vec<IndexFileMeta>,
    pub deleted_index_files: Vec<IndexFileMeta>,
    /// The names of all hash index files of the partition that were read, where these gave the rows their buckets: the rows are right
    /// beside these alone. `None` where no index does.
    pub known_index_files: Option<Vec<String>>,
}

/// The files of the COMPACT part of a commit.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CompactIncrement {
    pub compact_before: Vec<DataFileMeta>,
    pub compact_after: Vec<DataFileMeta>,
    pub changelog_files: Vec<DataFileMeta>,
    pub new_index_files: Vec<IndexFileMeta>,
    pub deleted_index_files: Vec<IndexFileMeta>,
    /// The names of all files above level 0 that the compaction knew, where it looked keys up in them: what it made is right beside
    /// these alone. `None` where nothing is looked up.
    pub known_files: Option<Vec<String>>,
}

/// What one bucket's writer hands to the commit.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitMessage {
    /// The bucket's partition.
    pub partition: BinaryRow,
    /// The bucket.
    pub bucket: i32,
    /// How many buckets the partition has.
    pub total_buckets: i32,
    /// The APPEND part.
    pub data: DataIncrement,
    /// The COMPACT part.
    pub compact: CompactIncrement,
}

impl DataIncrement {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.new_files.is_empty()
            && self.deleted_files.is_empty()
            && self.changelog_files.is_empty()
            && self.new_index_files.is_empty()
            && self.deleted_index_files.is_empty()
    }
}

impl CompactIncrement {
    /// The data and changelog files that were written for it, without those that were moved to another level by their metadata: what is
    /// garbage when it is never committed.
    pub fn written_files(&self) -> impl Iterator<Item = &DataFileMeta> {
        let taken: HashSet<&str> = self.compact_before.iter().map(|file| file.file_name.as_str()).collect();
        let written = self.compact_after.iter().filter(move |file| !taken.contains(file.file_name.as_str()));
        written.chain(&self.changelog_files)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.compact_before.is_empty()
            && self.compact_after.is_empty()
            && self.changelog_files.is_empty()
            && self.new_index_files.is_empty()
            && self.deleted_index_files.is_empty()
    }
}
