//! A manifest list, `manifest/manifest-list-<uuid>-<n>`: manifests with what a reader needs to skip them.
//!
//! Goes in: metas in order. Comes out: the bytes of the file, or the metas of one. The page is that of [`crate::manifest`]. Answers
//! to `ManifestList` and `ManifestFileMetaSerializer`.

use crate::avro::{self, Compression, Decoder, Encoder, Fields, Place, Plan, Type, Writer};
use crate::error::Result;
use crate::stats::{SimpleStats, StatsField};

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

/// What the header of a manifest list says of its records, byte for byte as Java writes it.
const SCHEMA: &str = include_str!("list.avsc");

/// The `_VERSION` of every record.
const VERSION: i32 = 2;

/// The bytes of a manifest list that names `manifests`.
pub fn encode(manifests: &[ManifestFileMeta], compression: Compression) -> Result<Vec<u8>> {
    let mut writer = Writer::new(SCHEMA, compression);
    for manifest in manifests {
        writer.append(|encoder| manifest.encode(encoder))?;
    }
    writer.finish()
}

/// The manifests that the manifest list `bytes`, read from `path`, names. Bytes that are no manifest list give
/// [`crate::ErrorKind::Corrupt`], those of another version of the format [`crate::ErrorKind::Unsupported`].
pub fn decode(bytes: &[u8], path: &str) -> Result<Vec<ManifestFileMeta>> {
    avro::read_records(bytes, path, ManifestFileMeta::decode)
}

/// The columns of a manifest list.
#[derive(Debug)]
enum ListField {
    Version,
    FileName,
    FileSize,
    NumAddedFiles,
    NumDeletedFiles,
    PartitionStats(Plan<StatsField>),
    SchemaId,
    MinBucket,
    MaxBucket,
    MinLevel,
    MaxLevel,
    MinRowId,
    MaxRowId,
}

impl Fields for ListField {
    const REQUIRED: &'static [&'static str] = &["_VERSION", "_FILE_NAME", "_FILE_SIZE", "_PARTITION_STATS"];

    fn named(name: &str, value: &Type, place: &Place<'_>) -> Result<Option<Self>> {
        Ok(Some(match name {
            "_VERSION" => Self::Version,
            "_FILE_NAME" => Self::FileName,
            "_FILE_SIZE" => Self::FileSize,
            "_NUM_ADDED_FILES" => Self::NumAddedFiles,
            "_NUM_DELETED_FILES" => Self::NumDeletedFiles,
            "_PARTITION_STATS" => Self::PartitionStats(Plan::of(value, place)?),
            "_SCHEMA_ID" => Self::SchemaId,
            "_MIN_BUCKET" => Self::MinBucket,
            "_MAX_BUCKET" => Self::MaxBucket,
            "_MIN_LEVEL" => Self::MinLevel,
            "_MAX_LEVEL" => Self::MaxLevel,
            "_MIN_ROW_ID" => Self::MinRowId,
            "_MAX_ROW_ID" => Self::MaxRowId,
            _ => return Ok(None),
        }))
    }
}

impl ManifestFileMeta {
    /// A manifest of which nothing is known, for decoding into.
    fn blank() -> Self {
        Self {
            file_name: String::new(),
            file_size: 0,
            num_added_files: 0,
            num_deleted_files: 0,
            partition_stats: SimpleStats::empty(),
            schema_id: 0,
            min_bucket: None,
            max_bucket: None,
            min_level: None,
            max_level: None,
            min_row_id: None,
            max_row_id: None,
        }
    }

    fn decode(plan: &Plan<ListField>, decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut manifest = Self::blank();
        for (field, value) in plan.steps() {
            match field {
                Some(ListField::Version) => decoder.check_version(value, VERSION)?,
                Some(ListField::FileName) => manifest.file_name = decoder.string(value)?,
                Some(ListField::FileSize) => manifest.file_size = decoder.long(value)?,
                Some(ListField::NumAddedFiles) => manifest.num_added_files = decoder.long(value)?,
                Some(ListField::NumDeletedFiles) => manifest.num_deleted_files = decoder.long(value)?,
                Some(ListField::PartitionStats(plan)) => {
                    manifest.partition_stats = SimpleStats::decode(plan, value, decoder)?;
                }
                Some(ListField::SchemaId) => manifest.schema_id = decoder.long(value)?,
                Some(ListField::MinBucket) => manifest.min_bucket = decoder.optional_int(value)?,
                Some(ListField::MaxBucket) => manifest.max_bucket = decoder.optional_int(value)?,
                Some(ListField::MinLevel) => manifest.min_level = decoder.optional_int(value)?,
                Some(ListField::MaxLevel) => manifest.max_level = decoder.optional_int(value)?,
                Some(ListField::MinRowId) => manifest.min_row_id = decoder.optional_long(value)?,
                Some(ListField::MaxRowId) => manifest.max_row_id = decoder.optional_long(value)?,
                None => decoder.skip(value)?,
            }
        }
        Ok(manifest)
    }

    fn encode(&self, encoder: &mut Encoder) {
        encoder.int(VERSION);
        encoder.string(&self.file_name);
        encoder.long(self.file_size);
        encoder.long(self.num_added_files);
        encoder.long(self.num_deleted_files);
        self.partition_stats.encode(encoder);
        encoder.long(self.schema_id);
        encoder.optional_int(self.min_bucket);
        encoder.optional_int(self.max_bucket);
        encoder.optional_int(self.min_level);
        encoder.optional_int(self.max_level);
        encoder.optional_long(self.min_row_id);
        encoder.optional_long(self.max_row_id);
    }
}
