//! Bytes to values and back, for every artefact of a table in the Paimon 1.4 format; nothing else.
//!
//! Goes in: bytes of schema, snapshot, manifest and index files, or the values they hold. Comes out: the other of the two.
//! Each artefact has a page beside its codec, which is the codec's documentation. No files, no clock, no randomness, no async:
//! names and times are arguments. Hostile bytes give an [`Error`] with path and offset, never a panic.

pub mod arrow;
pub mod avro;
pub mod binary_row;
pub mod bucket;
pub mod calendar;
pub mod changelog;
pub mod commit_message;
pub mod compacted_changelog;
pub mod consumer;
pub mod data_file;
pub mod data_type;
pub mod datum;
pub mod deletion_vector;
pub mod error;
pub mod external_path;
pub mod file_index;
pub mod hash_index;
pub mod index_file;
pub mod java_map;
mod json;
pub mod json_value;
pub mod key_value_file;
pub mod manifest;
pub mod murmur;
pub mod options;
pub mod partition;
pub mod path;
pub mod predicate;
pub mod row_kind;
pub mod schema;
pub mod snapshot;
pub mod statistics;
pub mod stats;
pub mod stats_mode;
pub mod tag;
pub mod text_value;

pub use binary_row::BinaryRow;
pub use bucket::BucketFunction;
pub use changelog::Changelog;
pub use commit_message::{CommitMessage, CompactIncrement, DataIncrement};
pub use compacted_changelog::CompactedChangelog;
pub use consumer::Consumer;
pub use data_file::{DataFileMeta, FileSource};
pub use data_type::{DataField, DataType, TypeRoot};
pub use datum::Datum;
pub use deletion_vector::{DeletionVector, DeletionVectorKind};
pub use error::{Error, ErrorKind, Result, ResultExt};
pub use external_path::ExternalPath;
pub use index_file::{DeletionVectorMeta, IndexFileMeta, IndexManifestEntry};
pub use manifest::{FileIdentifier, FileKind, ManifestEntry, ManifestFileMeta};
pub use options::{BucketMode, ChangelogProducer, CoreOptions, MergeEngine};
pub use predicate::{ColumnRange, CompareOp, Predicate};
pub use row_kind::RowKind;
pub use schema::change::{ColumnPath, Holding, Nullability, Place, SchemaChange};
pub use schema::{ColumnDefinition, SchemaDefinition, TableSchema};
pub use snapshot::{CommitKind, Snapshot};
pub use statistics::{TableColumnStatistics, TableStatistics};
pub use stats::{ColumnStats, SimpleStats};
pub use stats_mode::StatsMode;
pub use tag::{LocalDateTime, Tag};
