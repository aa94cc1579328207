#![doc = include_str!("../index_file.md")]

use crate::binary_row::BinaryRow;
use crate::manifest::FileKind;

/// Where one deletion vector lies in its index file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionVectorMeta {
    /// The data file it speaks of.
    pub data_file_name: String,
    /// Offset of the size field in the index file, bytes.
    pub offset: i32,
    /// Length as the kind of vector counts it, bytes.
    pub length: i32,
    /// How many rows are deleted.
    pub cardinality: Option<i64>,
}

/// Where a global index stands: over which rows and field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the format page")]
pub struct GlobalIndexMeta {
    pub row_range_start: i64,
    pub row_range_end: i64,
    pub index_field_id: i32,
    pub extra_field_ids: Option<Vec<i32>>,
    pub index_meta: Option<Vec<u8>>,
}

/// An index file: hash index, deletion vectors, or a global index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFileMeta {
    /// `HASH`, `DELETION_VECTORS`, or the name of a global index.
    pub index_type: String,
    /// Name in the table's `index/` folder.
    pub file_name: String,
    /// Bytes.
    pub file_size: i64,
    /// Hashes, or deletion vectors.
    pub row_count: i64,
    /// In the order of the file.
    pub dv_ranges: Option<Vec<DeletionVectorMeta>>,
    /// The full path, when it lies outside of the table.
    pub external_path: Option<String>,
    /// For a global index.
    pub global_index: Option<GlobalIndexMeta>,
}

/// One entry of an index manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the format page")]
pub struct IndexManifestEntry {
    pub kind: FileKind,
    pub partition: BinaryRow,
    pub bucket: i32,
    pub index_file: IndexFileMeta,
}
