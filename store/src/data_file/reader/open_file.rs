//! A data file of any format, opened.
//!
//! Goes in: a file and the fields of its schema that are wanted. Comes out: in which stretches its rows lie, which of them may match a
//! predicate, and then the rows, in their in-memory form. Invariant: rows come in the order of the file, stretch by stretch, so that
//! the position of each is known whatever the format.

use std::ops::Range;

use alluvium_format::{DataField, Predicate, Result};
use arrow_array::ArrayRef;

use super::file_chunks::FileChunks;
use super::stored_file::StoredFile;
use crate::data_file::avro::read::{AvroBatches, AvroFile};
use crate::data_file::format::FileFormat;
use crate::data_file::orc::read::{Instants, OrcBatches, OrcFile};
use crate::data_file::parquet::read::{ParquetBatches, ParquetFile};

/// Rows of a file: one column for each field that was asked for.
#[derive(Debug)]
pub(in crate::data_file) struct DecodedRows {
    pub(in crate::data_file) columns: Vec<ArrayRef>,
    pub(in crate::data_file) rows: usize,
}

/// What is read of a file.
pub(super) struct FilePart {
    /// The fields of the file's schema that are wanted, at every level.
    pub(super) fields: Vec<DataField>,
    /// How many rows it has, as its manifest says.
    pub(super) rows: u64,
    /// What timestamps with local zone of ORC files are.
    pub(super) orc_instants: Instants,
}

/// A file whose header or footer was read.
#[derive(Debug)]
pub(super) enum OpenFile {
    Parquet(ParquetFile),
    Orc(OrcFile),
    Avro(Box<AvroFile>),
}

impl OpenFile {
    /// Reads what a file says of itself.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path; `Unsupported` for what the format has and this library has not.
    pub(super) async fn open(
        format: FileFormat,
        (file, chunks): (StoredFile, Option<FileChunks>),
        part: FilePart,
    ) -> Result<Self> {
        match format {
            FileFormat::Parquet => Ok(Self::Parquet(ParquetFile::open(file, chunks, part.fields).await?)),
            FileFormat::Orc => Ok(Self::Orc(OrcFile::open(file, chunks, (&part.fields, part.orc_instants)).await?)),
            FileFormat::Avro => {
                Ok(Self::Avro(Box::new(AvroFile::open((file, chunks), &part.fields, part.rows).await?)))
            }
        }
    }

    /// The positions of the rows of each stretch that can be left out: row groups, stripes, or all rows.
    pub(super) fn stretches(&self) -> Vec<Range<u64>> {
        match self {
            Self::Parquet(file) => file.stretches(),
            Self::Orc(file) => file.stretches(),
            Self::Avro(file) => file.stretches(),
        }
    }

    /// The stretches for which `predicate` may be true, in order. `written` are the columns of the file's schema, `asked` those asked
    /// for.
    pub(super) fn matching(&self, predicate: &Predicate, written: &[DataField], asked: &[DataField]) -> Vec<usize> {
        match self {
            Self::Parquet(file) => file.matching(predicate, written, asked),
            Self::Orc(file) => file.matching(predicate, written, asked),
            Self::Avro(file) => (0..file.stretches().len()).collect(),
        }
    }

    /// The rows of some stretches, given in order.
    ///
    /// # Errors
    /// `Corrupt` with the path.
    pub(super) fn read(self, stretches: Vec<usize>) -> Result<Batches> {
        match self {
            Self::Parquet(file) => Ok(Batches::Parquet(Box::new(file.read(stretches)?))),
            Self::Orc(file) => Ok(Batches::Orc(Box::new(file.read(stretches)))),
            Self::Avro(file) => Ok(Batches::Avro(Box::new(file.read(&stretches)))),
        }
    }
}

/// Rows of a file, as they are decoded.
#[derive(Debug)]
pub(super) enum Batches {
    Parquet(Box<ParquetBatches>),
    Orc(Box<OrcBatches>),
    Avro(Box<AvroBatches>),
}

impl Batches {
    /// The next rows; `None` behind the last.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub(super) async fn next(&mut self) -> Result<Option<DecodedRows>> {
        match self {
            Self::Parquet(batches) => batches.next().await,
            Self::Orc(batches) => batches.next().await,
            Self::Avro(batches) => batches.next().await,
        }
    }
}
