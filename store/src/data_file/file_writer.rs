//! Writes one data file of any format into memory, piece by piece.
//!
//! Goes in: what the files of a writer have in common, then columns. Comes out: the bytes so far, to be taken away as they come.
//! Answers to `org.apache.paimon.format.FormatWriter`.

use std::sync::Arc;

use alluvium_format::options::FileCompression;
use alluvium_format::{CoreOptions, DataField, Result};
use arrow_array::ArrayRef;
use bytes::Bytes;

use super::avro::{AvroLayout, AvroWriter};
use super::format::FileFormat;
use super::orc::{OrcLayout, OrcWriter};
use super::parquet::{ParquetLayout, ParquetWriter};

/// What all files of a writer have in common.
#[derive(Debug)]
pub(super) enum FileLayout {
    Parquet(Arc<ParquetLayout>),
    Orc(Arc<OrcLayout>),
    Avro(Arc<AvroLayout>),
}

impl FileLayout {
    /// The layout of files with the columns `fields`.
    ///
    /// # Errors
    /// `Unsupported` for a codec or a type; `Invalid` when an option is wrong.
    pub(super) fn of(
        format: FileFormat,
        fields: &[DataField],
        options: &CoreOptions,
        compression: &FileCompression,
    ) -> Result<Self> {
        Ok(match format {
            FileFormat::Parquet => Self::Parquet(Arc::new(ParquetLayout::of(fields, options, compression)?)),
            FileFormat::Orc => Self::Orc(Arc::new(OrcLayout::of(fields, options, compression)?)),
            FileFormat::Avro => Self::Avro(Arc::new(AvroLayout::of(fields, compression)?)),
        })
    }

    /// A file without rows.
    ///
    /// # Errors
    /// `Internal` when the schema cannot be written.
    pub(super) fn begin(&self) -> Result<FileWriter> {
        Ok(match self {
            Self::Parquet(layout) => FileWriter::Parquet(Box::new(ParquetWriter::new(Arc::clone(layout))?)),
            Self::Orc(layout) => FileWriter::Orc(Box::new(OrcWriter::new(Arc::clone(layout))?)),
            Self::Avro(layout) => FileWriter::Avro(Box::new(AvroWriter::new(Arc::clone(layout)))),
        })
    }
}

/// A file on its way.
#[derive(Debug)]
pub(super) enum FileWriter {
    Parquet(Box<ParquetWriter>),
    Orc(Box<OrcWriter>),
    Avro(Box<AvroWriter>),
}

impl FileWriter {
    /// Appends rows.
    ///
    /// # Errors
    /// `Internal` when the columns are not of the layout; `Invalid` for a value that the format does not hold.
    pub(super) fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(columns),
            Self::Orc(writer) => writer.write(columns),
            Self::Avro(writer) => writer.write(columns),
        }
    }

    /// Bytes of the file were it ended now, about.
    pub(super) fn encoded_bytes(&self) -> u64 {
        match self {
            Self::Parquet(writer) => writer.encoded_bytes(),
            Self::Orc(writer) => writer.encoded_bytes(),
            Self::Avro(writer) => writer.encoded_bytes(),
        }
    }

    /// Whether nothing may follow, whatever the size.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Parquet(writer) => writer.is_full(),
            Self::Orc(writer) => writer.is_full(),
            Self::Avro(_) => false,
        }
    }

    /// The bytes that were finished since the last call.
    ///
    /// # Errors
    /// `Internal` when encoding fails.
    pub(super) fn take_bytes(&mut self) -> Result<Bytes> {
        match self {
            Self::Parquet(writer) => writer.take_bytes(),
            Self::Orc(writer) => Ok(writer.take_bytes()),
            Self::Avro(writer) => Ok(writer.take_bytes()),
        }
    }

    /// Ends the file and gives the last bytes.
    ///
    /// # Errors
    /// `Internal` when encoding fails.
    pub(super) fn finish(&mut self) -> Result<Bytes> {
        match self {
            Self::Parquet(writer) => writer.finish(),
            Self::Orc(writer) => writer.finish(),
            Self::Avro(writer) => writer.finish(),
        }
    }
}
