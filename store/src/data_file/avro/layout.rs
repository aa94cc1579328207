//! What all Avro files of a writer have in common: their schema and codec.
//!
//! Goes in: the columns of a file, and the codec that the options name. Comes out: an [`AvroLayout`]. Answers to
//! `AvroFileFormat.RowAvroWriterFactory`.

use alluvium_format::avro::{Compression, data_file_schema};
use alluvium_format::options::FileCompression;
use alluvium_format::{DataField, DataType, Result};

/// The columns of a file and how they are written.
#[derive(Debug)]
pub(in crate::data_file) struct AvroLayout {
    types: Vec<DataType>,
    schema: String,
    compression: Compression,
}

impl AvroLayout {
    /// The layout of files with the columns `fields`.
    ///
    /// # Errors
    /// `Unsupported` for a codec, a type or a name.
    pub(in crate::data_file) fn of(fields: &[DataField], compression: &FileCompression) -> Result<Self> {
        Ok(Self {
            types: fields.iter().map(|field| field.data_type.clone()).collect(),
            schema: data_file_schema(fields)?,
            compression: Compression::of_data_files(compression)?,
        })
    }

    /// The types of the columns.
    pub(super) fn types(&self) -> &[DataType] {
        &self.types
    }

    /// The text that files show.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// How blocks are compressed.
    pub(super) fn compression(&self) -> Compression {
        self.compression
    }
}
