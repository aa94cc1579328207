#![doc = include_str!("../index_file.md")]

use crate::avro::{self, Compression, Decoder, Encoder, Fields, Place, Plan, Type, Writer};
use crate::binary_row::BinaryRow;
use crate::error::Result;
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

/// What the header of an index manifest says of its records, byte for byte as Java writes it.
const SCHEMA: &str = include_str!("index_file.avsc");

/// The `_VERSION` of every record.
const VERSION: i32 = 1;

/// The bytes of an index manifest that holds `entries`.
pub fn encode_manifest(entries: &[IndexManifestEntry], compression: Compression) -> Result<Vec<u8>> {
    let mut writer = Writer::new(SCHEMA, compression);
    for entry in entries {
        writer.append(|encoder| entry.encode(encoder))?;
    }
    writer.finish()
}

/// The entries of the index manifest `bytes`, read from `path`. Bytes that are no index manifest give
/// [`crate::ErrorKind::Corrupt`], those of another version of the format [`crate::ErrorKind::Unsupported`].
pub fn decode_manifest(bytes: &[u8], path: &str) -> Result<Vec<IndexManifestEntry>> {
    avro::read_records(bytes, path, IndexManifestEntry::decode)
}

/// The columns of an index manifest.
#[derive(Debug)]
enum EntryField {
    Version,
    Kind,
    Partition,
    Bucket,
    IndexType,
    FileName,
    FileSize,
    RowCount,
    DeletionVectorsRanges(Plan<RangeField>),
    ExternalPath,
    GlobalIndex(Plan<GlobalField>),
}

impl Fields for EntryField {
    const REQUIRED: &'static [&'static str] =
        &["_VERSION", "_KIND", "_PARTITION", "_BUCKET", "_INDEX_TYPE", "_FILE_NAME", "_FILE_SIZE", "_ROW_COUNT"];

    fn named(name: &str, value: &Type, place: &Place<'_>) -> Result<Option<Self>> {
        Ok(Some(match name {
            "_VERSION" => Self::Version,
            "_KIND" => Self::Kind,
            "_PARTITION" => Self::Partition,
            "_BUCKET" => Self::Bucket,
            "_INDEX_TYPE" => Self::IndexType,
            "_FILE_NAME" => Self::FileName,
            "_FILE_SIZE" => Self::FileSize,
            "_ROW_COUNT" => Self::RowCount,
            "_DELETIONS_VECTORS_RANGES" => Self::DeletionVectorsRanges(Plan::of(value, place)?),
            "_EXTERNAL_PATH" => Self::ExternalPath,
            "_GLOBAL_INDEX" => Self::GlobalIndex(Plan::of(value, place)?),
            _ => return Ok(None),
        }))
    }
}

/// The columns of a deletion vector's range.
#[derive(Debug)]
enum RangeField {
    DataFileName,
    Offset,
    Length,
    Cardinality,
}

impl Fields for RangeField {
    const REQUIRED: &'static [&'static str] = &["f0", "f1", "f2"];

    fn named(name: &str, _value: &Type, _place: &Place<'_>) -> Result<Option<Self>> {
        Ok(Some(match name {
            "f0" => Self::DataFileName,
            "f1" => Self::Offset,
            "f2" => Self::Length,
            "_CARDINALITY" => Self::Cardinality,
            _ => return Ok(None),
        }))
    }
}

/// The columns of `_GLOBAL_INDEX`.
#[derive(Debug)]
enum GlobalField {
    RowRangeStart,
    RowRangeEnd,
    IndexFieldId,
    ExtraFieldIds,
    IndexMeta,
}

impl Fields for GlobalField {
    const REQUIRED: &'static [&'static str] = &["_ROW_RANGE_START", "_ROW_RANGE_END", "_INDEX_FIELD_ID"];

    fn named(name: &str, _value: &Type, _place: &Place<'_>) -> Result<Option<Self>> {
        Ok(Some(match name {
            "_ROW_RANGE_START" => Self::RowRangeStart,
            "_ROW_RANGE_END" => Self::RowRangeEnd,
            "_INDEX_FIELD_ID" => Self::IndexFieldId,
            "_EXTRA_FIELD_IDS" => Self::ExtraFieldIds,
            "_INDEX_META" => Self::IndexMeta,
            _ => return Ok(None),
        }))
    }
}

impl IndexManifestEntry {
    fn decode(plan: &Plan<EntryField>, decoder: &mut Decoder<'_>) -> Result<Self> {
        let (mut kind, mut partition, mut bucket) = (FileKind::Add, BinaryRow::empty(), 0);
        let mut file = IndexFileMeta::blank();
        for (field, value) in plan.steps() {
            match field {
                Some(EntryField::Version) => decoder.check_version(value, VERSION)?,
                Some(EntryField::Kind) => kind = FileKind::decode(value, decoder)?,
                Some(EntryField::Partition) => partition = decoder.row(value)?,
                Some(EntryField::Bucket) => bucket = decoder.int(value)?,
                Some(EntryField::IndexType) => file.index_type = decoder.string(value)?,
                Some(EntryField::FileName) => file.file_name = decoder.string(value)?,
                Some(EntryField::FileSize) => file.file_size = decoder.long(value)?,
                Some(EntryField::RowCount) => file.row_count = decoder.long(value)?,
                Some(EntryField::DeletionVectorsRanges(plan)) => {
                    let ranges = decoder.optional_list(value, |decoder, item| {
                        decoder.required(item)?;
                        DeletionVectorMeta::decode(plan, decoder)
                    });
                    file.dv_ranges = ranges?;
                }
                Some(EntryField::ExternalPath) => file.external_path = decoder.optional_string(value)?,
                Some(EntryField::GlobalIndex(plan)) => {
                    if decoder.present(value)?.is_some() {
                        file.global_index = Some(GlobalIndexMeta::decode(plan, decoder)?);
                    }
                }
                None => decoder.skip(value)?,
            }
        }
        Ok(Self { kind, partition, bucket, index_file: file })
    }

    fn encode(&self, encoder: &mut Encoder) {
        let file = &self.index_file;
        encoder.int(VERSION);
        encoder.int(self.kind.code());
        encoder.row(&self.partition);
        encoder.int(self.bucket);
        encoder.string(&file.index_type);
        encoder.string(&file.file_name);
        encoder.long(file.file_size);
        encoder.long(file.row_count);
        encoder.optional(file.dv_ranges.as_ref(), |encoder, ranges| {
            encoder.list(ranges, |encoder, range| {
                encoder.optional(Some(range), |encoder, range| range.encode(encoder));
            });
        });
        encoder.optional(file.external_path.as_deref(), Encoder::string);
        encoder.optional(file.global_index.as_ref(), |encoder, index| index.encode(encoder));
    }
}

impl IndexFileMeta {
    /// A file of which nothing is known, for decoding into.
    fn blank() -> Self {
        Self {
            index_type: String::new(),
            file_name: String::new(),
            file_size: 0,
            row_count: 0,
            dv_ranges: None,
            external_path: None,
            global_index: None,
        }
    }
}

impl DeletionVectorMeta {
    fn decode(plan: &Plan<RangeField>, decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut range = Self { data_file_name: String::new(), offset: 0, length: 0, cardinality: None };
        for (field, value) in plan.steps() {
            match field {
                Some(RangeField::DataFileName) => range.data_file_name = decoder.string(value)?,
                Some(RangeField::Offset) => range.offset = decoder.int(value)?,
                Some(RangeField::Length) => range.length = decoder.int(value)?,
                Some(RangeField::Cardinality) => range.cardinality = decoder.optional_long(value)?,
                None => decoder.skip(value)?,
            }
        }
        Ok(range)
    }

    fn encode(&self, encoder: &mut Encoder) {
        encoder.string(&self.data_file_name);
        encoder.int(self.offset);
        encoder.int(self.length);
        encoder.optional_long(self.cardinality);
    }
}

impl GlobalIndexMeta {
    fn decode(plan: &Plan<GlobalField>, decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut index =
            Self { row_range_start: 0, row_range_end: 0, index_field_id: 0, extra_field_ids: None, index_meta: None };
        for (field, value) in plan.steps() {
            match field {
                Some(GlobalField::RowRangeStart) => index.row_range_start = decoder.long(value)?,
                Some(GlobalField::RowRangeEnd) => index.row_range_end = decoder.long(value)?,
                Some(GlobalField::IndexFieldId) => index.index_field_id = decoder.int(value)?,
                Some(GlobalField::ExtraFieldIds) => {
                    index.extra_field_ids = decoder.optional_list(value, Decoder::int)?
                }
                Some(GlobalField::IndexMeta) => {
                    index.index_meta = decoder.optional_bytes(value)?.map(|meta| meta.to_vec());
                }
                None => decoder.skip(value)?,
            }
        }
        Ok(index)
    }

    fn encode(&self, encoder: &mut Encoder) {
        encoder.long(self.row_range_start);
        encoder.long(self.row_range_end);
        encoder.int(self.index_field_id);
        encoder.optional(self.extra_field_ids.as_ref(), |encoder, ids| {
            encoder.list(ids, |encoder, id| encoder.int(*id));
        });
        encoder.optional(self.index_meta.as_deref(), Encoder::bytes);
    }
}
