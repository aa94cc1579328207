//! What all files of a writer have in common: their columns, and how those are stored.
//!
//! Goes in: the columns of a file, and the options. Comes out: an [`OrcLayout`]. Answers to `OrcFileFormat` and `OrcWriterFactory`.

use alluvium_format::options::{FileCompression, key};
use alluvium_format::{CoreOptions, DataField, DataType, Error, Result, TypeRoot};

use super::column::ColumnWriter;
use super::tally::Detail;
use crate::data_file::orc::compression::{CHUNK_BYTES_MAX, ChunkCompressor, Codec};
use crate::data_file::orc::schema::OrcSchema;

/// Java's defaults: bytes of a chunk and of a stripe.
const CHUNK_BYTES: u64 = 256 << 10;
const STRIPE_BYTES: u64 = 64 << 20;

/// The options that are handed to ORC as they are.
const ORC_COMPRESS: &str = "orc.compress";
const ORC_CHUNK_BYTES: &str = "orc.compress.size";
const ORC_STRIPE_BYTES: &str = "orc.stripe.size";
const ORC_ZSTD_LEVEL: &str = "orc.compression.zstd.level";

/// The columns of a file and how they are written.
#[derive(Debug)]
pub(in crate::data_file) struct OrcLayout {
    types: Vec<DataType>,
    schema: OrcSchema,
    codec: Codec,
    zstd_level: i32,
    chunk_bytes: usize,
    stripe_bytes: u64,
    has_timestamps: bool,
}

impl OrcLayout {
    /// The layout of files with the columns `fields`.
    ///
    /// # Errors
    /// `Unsupported` for a codec or a type; `Invalid` when an option is wrong.
    pub(in crate::data_file) fn of(
        fields: &[DataField],
        options: &CoreOptions,
        compression: &FileCompression,
    ) -> Result<Self> {
        let chunk_bytes = number(options, ORC_CHUNK_BYTES)?.unwrap_or(CHUNK_BYTES);
        let chunk_bytes = usize::try_from(chunk_bytes).ok().filter(|bytes| (1..=CHUNK_BYTES_MAX).contains(bytes));
        let stripe_bytes = match options.get(key::FILE_BLOCK_SIZE) {
            Some(_) => options.file_block_bytes()?,
            None => number(options, ORC_STRIPE_BYTES)?.unwrap_or(STRIPE_BYTES),
        };
        let level = number(options, ORC_ZSTD_LEVEL)?.and_then(|level| i32::try_from(level).ok());
        let layout = Self {
            types: fields.iter().map(|field| field.data_type.clone()).collect(),
            schema: OrcSchema::of(fields)?,
            codec: Codec::of(options.get(ORC_COMPRESS), compression)?,
            zstd_level: level.unwrap_or(compression.zstd_level),
            chunk_bytes: chunk_bytes.ok_or_else(|| wrong(options, ORC_CHUNK_BYTES, "from 1 to 8388607"))?,
            stripe_bytes,
            has_timestamps: fields.iter().any(|field| has_timestamps(&field.data_type)),
        };
        layout.compressor()?;
        Ok(layout)
    }

    pub(super) fn schema(&self) -> &OrcSchema {
        &self.schema
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunk_bytes
    }

    /// A stripe of so many bytes ends.
    pub(super) fn stripe_bytes(&self) -> u64 {
        self.stripe_bytes
    }

    /// Whether stripes say in which zone timestamps were written.
    pub(super) fn has_timestamps(&self) -> bool {
        self.has_timestamps
    }

    /// # Errors
    /// `Invalid` for a level that zstd does not have.
    pub(super) fn compressor(&self) -> Result<ChunkCompressor> {
        ChunkCompressor::new(self.codec, self.zstd_level, self.chunk_bytes)
    }

    /// The columns, without rows.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR.
    pub(super) fn columns(&self) -> Result<Vec<ColumnWriter>> {
        self.types.iter().map(|data_type| ColumnWriter::new(data_type, Detail::Bounds)).collect()
    }
}

fn number(options: &CoreOptions, name: &str) -> Result<Option<u64>> {
    let number = options.get(name).map(|text| text.parse().map_err(|_| wrong(options, name, "a number")));
    number.transpose()
}

fn wrong(options: &CoreOptions, name: &str, wanted: &str) -> Error {
    let found = options.get(name).unwrap_or_default();
    Error::invalid(format!("the option {name} is {found:?}; it must be {wanted}"))
}

fn has_timestamps(data_type: &DataType) -> bool {
    match &data_type.root {
        TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => true,
        TypeRoot::Array(element) | TypeRoot::Multiset(element) => has_timestamps(element),
        TypeRoot::Map { key, value } => has_timestamps(key) || has_timestamps(value),
        TypeRoot::Row(fields) => fields.iter().any(|field| has_timestamps(&field.data_type)),
        _ => false,
    }
}
