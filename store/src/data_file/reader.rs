//! Reads a data file in the columns of the schema that is asked for, whatever schema it was written with.
//!
//! Goes in: a file's metadata and what is wanted of it. Comes out: batches in the order of the file. The way of a batch: bytes are
//! decoded into the columns of the Parquet file, those are shaped into columns of the schema it was written with, and those become
//! columns of the schema that is asked for. Invariants: a file has as many rows as its manifest says, or reading it ends in an error
//! that names it; row groups whose statistics rule the predicate out, or whose rows are all deleted, are not read. Answers to
//! `org.apache.paimon.io.KeyValueDataFileRecordReader` and `FormatReaderMapping`.

mod cast;
mod columns;
mod deleted_rows;
mod evolution;
mod file_chunks;
mod footer;
mod guard;
mod leaf;
mod moments;
mod row_groups;
mod schema_depth;
mod source;

use std::sync::Arc;

use alluvium_format::key_value_file::{SEQUENCE_NUMBER, SEQUENCE_NUMBER_ID, VALUE_KIND, VALUE_KIND_ID};
use alluvium_format::{
    DataField, DataFileMeta, DataType, Error, ErrorKind, Predicate, Result, ResultExt, RowKind, TypeRoot, path,
};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{Array, Int8Array, Int64Array, RecordBatch};

use super::PartitionBucket;
use crate::deletion_vectors::DeletionVectors;
use crate::table_store::TableStore;
use columns::FileColumns;
use deleted_rows::DeletedRows;
use evolution::Evolution;
use source::{OpenFile, RowGroups};

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

/// The one format that is read.
const PARQUET: &str = "parquet";

/// An open data file. CPU-bound: drive it in a [`crate::CpuPool`].
#[derive(Debug)]
pub struct DataFileReader {
    row_groups: RowGroups,
    columns: FileColumns,
    evolution: Evolution,
    /// The system columns that are read, behind those of the table.
    system: Vec<DataField>,
    /// Rows that are still to be decoded.
    rows_left: u64,
    /// Which of them are left out.
    deleted: Option<DeletedRows>,
}

impl DataFileReader {
    /// Whether files of its format are read; for asking before any file is opened.
    ///
    /// # Errors
    /// `Unsupported` for its format, by name.
    pub fn check_format(file: &DataFileMeta) -> Result<()> {
        match path::file_format(&file.file_name) {
            Some(PARQUET) => Ok(()),
            other => {
                let format = other.unwrap_or("without a name");
                Err(Error::unsupported(format!("data files of format {format} ({})", file.file_name)))
            }
        }
    }

    /// Opens a file and reads what it says of itself.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` and `Storage` with the path; `Unsupported` for its format, by name.
    pub async fn open(
        table: &TableStore,
        bucket: &PartitionBucket,
        file: &DataFileMeta,
        read: &DataFileRead,
    ) -> Result<Self> {
        let relative = table.data_file_path(&bucket.partition, bucket.bucket, file)?;
        Self::check_format(file)?;
        let bytes = u64::try_from(file.file_size)
            .map_err(|_| corrupt(&relative, format!("its manifest says it has {} bytes", file.file_size)))?;
        let schema = table.schemas().get(file.schema_id).await.context(|| format!("reading {relative}"))?;
        let opened = OpenFile::open(table.io(), &relative, bytes).await?;
        let (evolution, mut fields) =
            Evolution::plan(&schema.fields, &read.fields).context(|| format!("reading {relative}"))?;
        let system = read.system.fields();
        fields.extend(system.iter().cloned());
        let columns = FileColumns::new(fields, opened.metadata().parquet_schema())?;
        let metadata = Arc::clone(opened.metadata().metadata());
        let rows = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
        let rows = rows.fold(0, u64::saturating_add);
        if u64::try_from(file.row_count).ok() != Some(rows) {
            let what = format!("it has {rows} rows, where its manifest says {}", file.row_count);
            return Err(corrupt(&relative, what));
        }
        let mut groups = row_groups::select(&metadata, &read.predicate, &schema.fields, &read.fields);
        let deleted = read.deletions.get(&file.file_name).filter(|vector| !vector.is_empty());
        let deleted = deleted.map(|vector| DeletedRows::of(vector, &metadata, &mut groups)).transpose();
        let deleted = deleted.map_err(|what| corrupt(&relative, what))?;
        let rows_left = groups.iter().map(|group| u64::try_from(metadata.row_group(*group).num_rows()).unwrap_or(0));
        let rows_left = rows_left.sum();
        let row_groups = opened.row_groups(groups, columns.mask().clone())?;
        Ok(Self { row_groups, columns, evolution, system, rows_left, deleted })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub async fn next(&mut self) -> Result<Option<DataFileBatch>> {
        loop {
            let Some(mut decoded) = self.row_groups.next().await? else {
                return match self.rows_left {
                    0 => Ok(None),
                    missing => Err(corrupt(self.row_groups.path(), format!("it ends {missing} rows early"))),
                };
            };
            self.rows_left = self
                .rows_left
                .checked_sub(decoded.num_rows() as u64)
                .ok_or_else(|| corrupt(self.row_groups.path(), "it has more rows than its footer says"))?;
            if let Some(deleted) = &mut self.deleted {
                decoded = deleted.apply(decoded)?;
            }
            if decoded.num_rows() > 0 {
                let batch = self.batch(&decoded).context(|| format!("reading {}", self.row_groups.path()))?;
                return Ok(Some(batch));
            }
        }
    }

    fn batch(&self, decoded: &RecordBatch) -> Result<DataFileBatch> {
        let mut columns = self.columns.shape(decoded)?;
        let system = columns.split_off(columns.len() - self.system.len());
        let values = self.evolution.apply(&columns, decoded.num_rows())?;
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

fn corrupt(path: &str, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{path} is not what its manifest says: {what}"))
}
