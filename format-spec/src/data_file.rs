#![doc = include_str!("../data_file.md")]

use bytes::Bytes;

use crate::avro::{Decoder, Encoder, Fields, Place, Plan, Type};
use crate::binary_row::BinaryRow;
use crate::error::Result;
use crate::stats::{SimpleStats, StatsField};

/// Whether a file was written by a writer or by a compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileSource {
    /// By a writer: `0`.
    Append,
    /// By a compaction: `1`.
    Compact,
}

/// What a manifest says of a data file (or changelog file): the `_FILE` record.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the format page")]
pub struct DataFileMeta {
    pub file_name: String,
    pub file_size: i64,
    pub row_count: i64,
    /// The first record's trimmed primary key; the empty row in append tables.
    pub min_key: BinaryRow,
    /// The last record's trimmed primary key; the empty row in append tables.
    pub max_key: BinaryRow,
    pub key_stats: SimpleStats,
    pub value_stats: SimpleStats,
    pub min_sequence_number: i64,
    pub max_sequence_number: i64,
    pub schema_id: i64,
    pub level: i32,
    pub extra_files: Vec<String>,
    /// Local wall-clock milliseconds of the writer, as if UTC.
    pub creation_time_millis: Option<i64>,
    /// Rows of kind `-U` or `-D`; `None` only in old files.
    pub delete_row_count: Option<i64>,
    pub embedded_index: Option<Bytes>,
    pub file_source: Option<FileSource>,
    /// The columns that `value_stats` speaks of; `None`: all of the write schema.
    pub value_stats_cols: Option<Vec<String>>,
    /// The full path, when the file lies outside of the table.
    pub external_path: Option<String>,
    pub first_row_id: Option<i64>,
    pub write_cols: Option<Vec<String>>,
}

/// The columns of the `_FILE` record.
#[derive(Debug)]
pub(crate) enum FileField {
    FileName,
    FileSize,
    RowCount,
    MinKey,
    MaxKey,
    KeyStats(Plan<StatsField>),
    ValueStats(Plan<StatsField>),
    MinSequenceNumber,
    MaxSequenceNumber,
    SchemaId,
    Level,
    ExtraFiles,
    CreationTime,
    DeleteRowCount,
    EmbeddedIndex,
    FileSource,
    ValueStatsCols,
    ExternalPath,
    FirstRowId,
    WriteCols,
}

impl Fields for FileField {
    const REQUIRED: &'static [&'static str] = &["_FILE_NAME", "_FILE_SIZE", "_ROW_COUNT", "_SCHEMA_ID", "_LEVEL"];

    fn named(name: &str, value: &Type, place: &Place<'_>) -> Result<Option<Self>> {
        Ok(Some(match name {
            "_FILE_NAME" => Self::FileName,
            "_FILE_SIZE" => Self::FileSize,
            "_ROW_COUNT" => Self::RowCount,
            "_MIN_KEY" => Self::MinKey,
            "_MAX_KEY" => Self::MaxKey,
            "_KEY_STATS" => Self::KeyStats(Plan::of(value, place)?),
            "_VALUE_STATS" => Self::ValueStats(Plan::of(value, place)?),
            "_MIN_SEQUENCE_NUMBER" => Self::MinSequenceNumber,
            "_MAX_SEQUENCE_NUMBER" => Self::MaxSequenceNumber,
            "_SCHEMA_ID" => Self::SchemaId,
            "_LEVEL" => Self::Level,
            "_EXTRA_FILES" => Self::ExtraFiles,
            "_CREATION_TIME" => Self::CreationTime,
            "_DELETE_ROW_COUNT" => Self::DeleteRowCount,
            "_EMBEDDED_FILE_INDEX" => Self::EmbeddedIndex,
            "_FILE_SOURCE" => Self::FileSource,
            "_VALUE_STATS_COLS" => Self::ValueStatsCols,
            "_EXTERNAL_PATH" => Self::ExternalPath,
            "_FIRST_ROW_ID" => Self::FirstRowId,
            "_WRITE_COLS" => Self::WriteCols,
            _ => return Ok(None),
        }))
    }
}

impl FileSource {
    fn from_code(code: i32, decoder: &Decoder<'_>) -> Result<Self> {
        match code {
            0 => Ok(Self::Append),
            1 => Ok(Self::Compact),
            other => Err(decoder.corrupt(format!("{other} is no file source: it is 0 (append) or 1 (compact)"))),
        }
    }

    fn code(self) -> i32 {
        match self {
            Self::Append => 0,
            Self::Compact => 1,
        }
    }
}

impl DataFileMeta {
    /// A file of which nothing is known: without name, rows, keys and statistics, at level 0.
    pub fn blank() -> Self {
        Self {
            file_name: String::new(),
            file_size: 0,
            row_count: 0,
            min_key: BinaryRow::empty(),
            max_key: BinaryRow::empty(),
            key_stats: SimpleStats::empty(),
            value_stats: SimpleStats::empty(),
            min_sequence_number: 0,
            max_sequence_number: 0,
            schema_id: 0,
            level: 0,
            extra_files: Vec::new(),
            creation_time_millis: None,
            delete_row_count: None,
            embedded_index: None,
            file_source: None,
            value_stats_cols: None,
            external_path: None,
            first_row_id: None,
            write_cols: None,
        }
    }

    /// The record at `decoder`, of the type `value`.
    pub(crate) fn decode(plan: &Plan<FileField>, value: &Type, decoder: &mut Decoder<'_>) -> Result<Self> {
        decoder.required(value)?;
        let mut file = Self::blank();
        for (field, value) in plan.steps() {
            match field {
                Some(field) => file.decode_field(field, value, decoder)?,
                None => decoder.skip(value)?,
            }
        }
        Ok(file)
    }

    fn decode_field(&mut self, field: &FileField, value: &Type, decoder: &mut Decoder<'_>) -> Result<()> {
        match field {
            FileField::FileName => self.file_name = decoder.string(value)?,
            FileField::FileSize => self.file_size = decoder.long(value)?,
            FileField::RowCount => self.row_count = decoder.long(value)?,
            FileField::MinKey => self.min_key = decoder.row(value)?,
            FileField::MaxKey => self.max_key = decoder.row(value)?,
            FileField::KeyStats(plan) => self.key_stats = SimpleStats::decode(plan, value, decoder)?,
            FileField::ValueStats(plan) => self.value_stats = SimpleStats::decode(plan, value, decoder)?,
            FileField::MinSequenceNumber => self.min_sequence_number = decoder.long(value)?,
            FileField::MaxSequenceNumber => self.max_sequence_number = decoder.long(value)?,
            FileField::SchemaId => self.schema_id = decoder.long(value)?,
            FileField::Level => self.level = decoder.int(value)?,
            FileField::ExtraFiles => self.extra_files = decoder.list(value, Decoder::string)?,
            FileField::CreationTime => self.creation_time_millis = decoder.optional_long(value)?,
            FileField::DeleteRowCount => self.delete_row_count = decoder.optional_long(value)?,
            FileField::EmbeddedIndex => {
                // A copy, so that a small index does not keep a whole block of the manifest in memory.
                self.embedded_index = decoder.optional_bytes(value)?.map(|index| Bytes::copy_from_slice(&index));
            }
            FileField::FileSource => {
                let code = decoder.optional_int(value)?;
                self.file_source = code.map(|code| FileSource::from_code(code, decoder)).transpose()?;
            }
            FileField::ValueStatsCols => self.value_stats_cols = decoder.optional_list(value, Decoder::string)?,
            FileField::ExternalPath => self.external_path = decoder.optional_string(value)?,
            FileField::FirstRowId => self.first_row_id = decoder.optional_long(value)?,
            FileField::WriteCols => self.write_cols = decoder.optional_list(value, Decoder::string)?,
        }
        Ok(())
    }

    /// Writes the `_FILE` record.
    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        let names =
            |encoder: &mut Encoder, names: &Vec<String>| encoder.list(names, |encoder, name| encoder.string(name));
        encoder.string(&self.file_name);
        encoder.long(self.file_size);
        encoder.long(self.row_count);
        encoder.row(&self.min_key);
        encoder.row(&self.max_key);
        self.key_stats.encode(encoder);
        self.value_stats.encode(encoder);
        encoder.long(self.min_sequence_number);
        encoder.long(self.max_sequence_number);
        encoder.long(self.schema_id);
        encoder.int(self.level);
        names(encoder, &self.extra_files);
        encoder.optional_long(self.creation_time_millis);
        encoder.optional_long(self.delete_row_count);
        encoder.optional(self.embedded_index.as_deref(), Encoder::bytes);
        encoder.optional_int(self.file_source.map(FileSource::code));
        encoder.optional(self.value_stats_cols.as_ref(), names);
        encoder.optional(self.external_path.as_deref(), Encoder::string);
        encoder.optional_long(self.first_row_id);
        encoder.optional(self.write_cols.as_ref(), names);
    }
}
