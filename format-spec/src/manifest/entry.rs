//! One entry of a manifest: a data file that was added to a bucket or deleted from it.

use bytes::Bytes;

use crate::binary_row::BinaryRow;
use crate::data_file::DataFileMeta;

/// Whether the file came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// `0`.
    Add,
    /// `1`.
    Delete,
}

/// A file that was added to a bucket or deleted from it.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestEntry {
    /// Came or went.
    pub kind: FileKind,
    /// Values of the partition columns; the empty row when the table has none.
    pub partition: BinaryRow,
    /// From 0; -2 is the postpone bucket.
    pub bucket: i32,
    /// The number of buckets when it was written; -1 dynamic or unaware, -2 postpone.
    pub total_buckets: i32,
    /// The file.
    pub file: DataFileMeta,
}

/// What makes two entries speak of the same file: a DELETE must repeat all of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are those of the entry")]
pub struct FileIdentifier {
    pub partition: BinaryRow,
    pub bucket: i32,
    pub level: i32,
    pub file_name: String,
    pub extra_files: Vec<String>,
    pub embedded_index: Option<Bytes>,
    pub external_path: Option<String>,
}

impl ManifestEntry {
    /// The identity of the file this entry adds or deletes.
    pub fn identifier(&self) -> FileIdentifier {
        FileIdentifier {
            partition: self.partition.clone(),
            bucket: self.bucket,
            level: self.file.level,
            file_name: self.file.file_name.clone(),
            extra_files: self.file.extra_files.clone(),
            embedded_index: self.file.embedded_index.clone(),
            external_path: self.file.external_path.clone(),
        }
    }
}
