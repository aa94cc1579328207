//! Reads a data file in the columns of the schema that is asked for, whatever schema it was written with.
//!
//! Goes in: a file's metadata and what is wanted of it. Comes out: batches in the order of the file. The way of a batch: bytes are
//! decoded, as the file's format has it, into columns of the schema that the file was written with, deleted rows are left out, and
//! the columns become those of the schema that is asked for. Invariants: a file has as many rows as its manifest says, or reading it
//! ends in an error that names it; stretches of rows that the predicate or the indexes rule out, or that are all deleted, are not read. Answers to
//! `org.apache.paimon.io.KeyValueDataFileRecordReader` and `FormatReaderMapping`.

mod cast;
mod evolution;
mod file_chunks;
mod guard;
mod kept_rows;
mod moments;
mod open_file;
mod stored_file;

use std::sync::Arc;

use alluvium_format::arrow::array_from_datums;
use alluvium_format::file_index::FileIndexResult;
use alluvium_format::key_value_file::{SEQUENCE_NUMBER, SEQUENCE_NUMBER_ID, VALUE_KIND, VALUE_KIND_ID};
use alluvium_format::{
    BinaryRow, DataField, DataFileMeta, DataType, Error, ErrorKind, Predicate, Result, ResultExt, RowKind, TypeRoot,
};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int8Array, Int64Array, RecordBatch};
use arrow_schema::ArrowError;

use super::PartitionBucket;
use super::format::FileFormat;
use super::orc::read::Instants;
use crate::deletion_vectors::DeletionVectors;
use crate::table_store::TableStore;
use evolution::Evolution;
use kept_rows::KeptRows;
use open_file::{Batches, FilePart, OpenFile};

pub(crate) use cast::value_of_text;
pub(super) use file_chunks::{FetchedRange, FileChunks};
pub(super) use guard::{DecoderError, guarded};
pub(super) use moments::Moments;
pub(super) use open_file::DecodedRows;
pub(super) use stored_file::StoredFile;

/// Rows of a batch: limits of cache, not of speed, which is the same from 8 Ki to 64 Ki.
pub(super) const BATCH_ROWS: usize = 8192;

/// Which of `_SEQUENCE_NUMBER` and `_VALUE_KIND` are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemColumns {
    /// Neither: rows that are known to be rows of the table.
    None,
    /// The kinds.
    Kinds,
    /// Both: what a merge needs.
    All,
}

/// What is wanted of data files.
#[derive(Clone, Debug)]
pub struct DataFileRead {
    /// The columns, by the ids of the schema that is asked for, in the order of the output.
    pub fields: Arc<[DataField]>,
    /// What besides.
    pub system: SystemColumns,
    /// Rows for which it is not true may be left out, a row group at a time; the caller filters what comes.
    pub predicate: Predicate,
    /// Rows of files that are left out, by position in their file.
    pub deletions: Arc<DeletionVectors>,
}

/// Rows of a file.
#[derive(Clone, Debug)]
pub struct DataFileBatch {
    /// The columns asked for, in their in-memory form.
    pub values: RecordBatch,
    /// `_SEQUENCE_NUMBER`, when asked for.
    pub sequences: Option<Int64Array>,
    /// `_VALUE_KIND`, when asked for.
    pub kinds: Option<Int8Array>,
}

impl DataFileBatch {
    /// As records of a merge.
    ///
    /// # Errors
    /// `Internal` when the system columns were not asked for; `Corrupt` when they hold nulls or no kinds.
    pub fn into_key_values(self) -> Result<KeyValueBatch> {
        let (Some(sequences), Some(kinds)) = (self.sequences, self.kinds) else {
            return Err(Error::internal("a merge reads files with their system columns"));
        };
        KeyValueBatch::try_new(sequences, kinds, self.values).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the system columns of a data file are wrong").with_source(error)
        })
    }
}

/// An open data file. CPU-bound: drive it in a [`crate::CpuPool`].
#[derive(Debug)]
pub struct DataFileReader {
    batches: Batches,
    /// Of the file, for errors.
    path: String,
    evolution: Evolution,
    /// The system columns that are read, behind those of the table.
    system: Vec<DataField>,
    /// Rows that are still to be decoded.
    rows_left: u64,
    /// Which of them are not left out.
    kept: Option<KeptRows>,
}

impl DataFileReader {
    /// Whether files of its format are read; for asking before any file is opened.
    ///
    /// # Errors
    /// `Unsupported` for its format, by name.
    pub fn check_format(file: &DataFileMeta) -> Result<()> {
        FileFormat::of_file(&file.file_name).map(drop)
    }

    /// Opens a file and reads what it says of itself.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` and `Storage` with the path; `Unsupported` for its format, by name; `Invalid` when it is where the catalog does
    /// not allow it.
    pub async fn open(
        table: &TableStore,
        bucket: &PartitionBucket,
        file: &DataFileMeta,
        read: &DataFileRead,
    ) -> Result<Self> {
        Self::open_selected(table, bucket, file, (read, &FileIndexResult::Remain)).await
    }

    /// Opens a file of which only the rows are wanted that its indexes select.
    ///
    /// # Errors
    /// As [`DataFileReader::open`].
    pub async fn open_selected(
        table: &TableStore,
        bucket: &PartitionBucket,
        file: &DataFileMeta,
        (read, selected): (&DataFileRead, &FileIndexResult),
    ) -> Result<Self> {
        let location = table.data_file(&bucket.partition, bucket.bucket, file)?;
        let relative = location.path();
        let format = FileFormat::of_file(&file.file_name)?;
        let bytes = u64::try_from(file.file_size)
            .map_err(|_| corrupt(relative, format!("its manifest says it has {} bytes", file.file_size)))?;
        let said = u64::try_from(file.row_count)
            .map_err(|_| corrupt(relative, format!("its manifest says it has {} rows", file.row_count)))?;
        let schema = table.schemas().get(file.schema_id).await.context(|| format!("reading {relative}"))?;
        let stored = StoredFile::open(&location, bytes).await?;
        let path = stored.0.path().to_owned();
        let partition = partition_columns(table, &bucket.partition)?;
        let (evolution, mut fields) =
            Evolution::plan(&schema.fields, &read.fields, &partition).context(|| format!("reading {relative}"))?;
        let system = read.system.fields();
        fields.extend(system.iter().cloned());
        let part = FilePart { fields, rows: said, orc_instants: Instants::of(table.options())? };
        let opened = OpenFile::open(format, stored, part).await?;
        let stretches = opened.stretches();
        let rows = stretches.last().map_or(0, |last| last.end);
        if said != rows {
            return Err(corrupt(relative, format!("it has {rows} rows, where its manifest says {said}")));
        }
        let mut chosen = opened.matching(&read.predicate, &schema.fields, &read.fields);
        let deleted = read.deletions.get(&file.file_name).filter(|vector| !vector.is_empty());
        let kept = (deleted.is_some() || *selected != FileIndexResult::Remain)
            .then(|| KeptRows::of(deleted, selected, &stretches, &mut chosen))
            .transpose()
            .map_err(|what| corrupt(relative, what))?;
        let rows_left = chosen.iter().filter_map(|index| stretches.get(*index)).map(|rows| rows.end - rows.start).sum();
        let batches = opened.read(chosen)?;
        Ok(Self { batches, path, evolution, system, rows_left, kept })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub async fn next(&mut self) -> Result<Option<DataFileBatch>> {
        loop {
            let Some(mut decoded) = self.batches.next().await? else {
                return match self.rows_left {
                    0 => Ok(None),
                    missing => Err(corrupt(&self.path, format!("it ends {missing} rows early"))),
                };
            };
            self.rows_left = self
                .rows_left
                .checked_sub(decoded.rows as u64)
                .ok_or_else(|| corrupt(&self.path, "it has more rows than its footer, or its manifest, says"))?;
            if let Some(kept) = &mut self.kept {
                decoded = kept.apply(decoded)?;
            }
            if decoded.rows > 0 {
                return Ok(Some(self.batch(decoded).context(|| format!("reading {}", self.path))?));
            }
        }
    }

    fn batch(&self, decoded: DecodedRows) -> Result<DataFileBatch> {
        let mut columns = decoded.columns;
        let system = columns.split_off(columns.len().saturating_sub(self.system.len()));
        let values = self.evolution.apply(&columns, decoded.rows)?;
        let (mut sequences, mut kinds) = (None, None);
        for (field, column) in self.system.iter().zip(&system) {
            if column.null_count() > 0 {
                return Err(Error::new(ErrorKind::Corrupt, format!("a row without {}", field.name)));
            }
            match column.as_primitive_opt::<Int64Type>() {
                Some(column) => sequences = Some(column.clone()),
                None => kinds = column.as_primitive_opt::<Int8Type>().cloned(),
            }
        }
        if let Some(kind) = kinds.iter().flat_map(|kinds| kinds.values()).find(|kind| !(0..=3).contains(*kind)) {
            RowKind::from_byte(*kind)?;
        }
        Ok(DataFileBatch { values, sequences, kinds })
    }
}

/// The values of a partition, by the ids of their columns: the manifest says them, and a file need not hold them.
fn partition_columns(table: &TableStore, partition: &BinaryRow) -> Result<Vec<(i32, ArrayRef)>> {
    let fields = table.schema().partition_fields();
    let values = partition.decode(&table.partition_types())?;
    let column = |(field, value): (&DataField, _)| Ok((field.id, array_from_datums(&field.data_type, &[value])?));
    fields.iter().zip(values).map(column).collect()
}

impl SystemColumns {
    /// Their fields in a file.
    fn fields(self) -> Vec<DataField> {
        let sequence = || DataField::new(SEQUENCE_NUMBER_ID, SEQUENCE_NUMBER, DataType::nullable(TypeRoot::BigInt));
        let kind = || DataField::new(VALUE_KIND_ID, VALUE_KIND, DataType::nullable(TypeRoot::TinyInt));
        match self {
            Self::None => Vec::new(),
            Self::Kinds => vec![kind()],
            Self::All => vec![sequence(), kind()],
        }
    }
}

/// Arrow refuses parts that do not fit: nulls where the schema has none.
pub(super) fn refused(error: ArrowError) -> Error {
    Error::new(ErrorKind::Corrupt, "its values are not those of its type").with_source(error)
}

fn corrupt(path: &str, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{path} is not what its manifest says: {what}"))
}
