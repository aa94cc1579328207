//! A manifest: the entries of one file, `manifest/manifest-<uuid>-<n>`.
//!
//! Goes in: entries in order (the order is meaningful: a DELETE comes after its ADD). Comes out: the bytes of the file, or the
//! entries of one. The page is that of [`crate::manifest`]. Answers to `ManifestFile` and `ManifestEntrySerializer`.

use crate::avro::{self, Compression, Decoder, Encoder, Fields, Place, Plan, Type, Writer};
use crate::binary_row::BinaryRow;
use crate::data_file::{DataFileMeta, FileField};
use crate::error::Result;
use crate::manifest::{FileKind, ManifestEntry};

/// What the header of a manifest says of its records, byte for byte as Java writes it.
const SCHEMA: &str = include_str!("entry.avsc");

/// The `_VERSION` of every record.
const VERSION: i32 = 2;

/// The bytes of a manifest that holds `entries`.
pub fn encode(entries: &[ManifestEntry], compression: Compression) -> Result<Vec<u8>> {
    let mut writer = Writer::new(SCHEMA, compression);
    for entry in entries {
        writer.append(|encoder| entry.encode(encoder))?;
    }
    writer.finish()
}

/// The entries of the manifest `bytes`, read from `path`. Bytes that are no manifest give [`crate::ErrorKind::Corrupt`], those of
/// another version of the format [`crate::ErrorKind::Unsupported`].
pub fn decode(bytes: &[u8], path: &str) -> Result<Vec<ManifestEntry>> {
    avro::read_records(bytes, path, ManifestEntry::decode)
}

/// The columns of a manifest.
#[derive(Debug)]
enum EntryField {
    Version,
    Kind,
    Partition,
    Bucket,
    TotalBuckets,
    File(Plan<FileField>),
}

impl Fields for EntryField {
    const REQUIRED: &'static [&'static str] =
        &["_VERSION", "_KIND", "_PARTITION", "_BUCKET", "_TOTAL_BUCKETS", "_FILE"];

    fn named(name: &str, value: &Type, place: &Place<'_>) -> Result<Option<Self>> {
        Ok(Some(match name {
            "_VERSION" => Self::Version,
            "_KIND" => Self::Kind,
            "_PARTITION" => Self::Partition,
            "_BUCKET" => Self::Bucket,
            "_TOTAL_BUCKETS" => Self::TotalBuckets,
            "_FILE" => Self::File(Plan::of(value, place)?),
            _ => return Ok(None),
        }))
    }
}

impl FileKind {
    /// The kind at `decoder`.
    pub(crate) fn decode(value: &Type, decoder: &mut Decoder<'_>) -> Result<Self> {
        match decoder.int(value)? {
            0 => Ok(Self::Add),
            1 => Ok(Self::Delete),
            other => Err(decoder.corrupt(format!("{other} is no kind of entry: it is 0 (add) or 1 (delete)"))),
        }
    }

    /// `0` or `1`.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Add => 0,
            Self::Delete => 1,
        }
    }
}

impl ManifestEntry {
    fn decode(plan: &Plan<EntryField>, decoder: &mut Decoder<'_>) -> Result<Self> {
        let (mut kind, mut partition) = (FileKind::Add, BinaryRow::empty());
        let (mut bucket, mut total_buckets, mut file) = (0, 0, DataFileMeta::blank());
        for (field, value) in plan.steps() {
            match field {
                Some(EntryField::Version) => decoder.check_version(value, VERSION)?,
                Some(EntryField::Kind) => kind = FileKind::decode(value, decoder)?,
                Some(EntryField::Partition) => partition = decoder.row(value)?,
                Some(EntryField::Bucket) => bucket = decoder.int(value)?,
                Some(EntryField::TotalBuckets) => total_buckets = decoder.int(value)?,
                Some(EntryField::File(plan)) => file = DataFileMeta::decode(plan, value, decoder)?,
                None => decoder.skip(value)?,
            }
        }
        Ok(Self { kind, partition, bucket, total_buckets, file })
    }

    fn encode(&self, encoder: &mut Encoder) {
        encoder.int(VERSION);
        encoder.int(self.kind.code());
        encoder.row(&self.partition);
        encoder.int(self.bucket);
        encoder.int(self.total_buckets);
        self.file.encode(encoder);
    }
}
