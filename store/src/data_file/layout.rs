//! What all files of a writer have in common: their columns, and how those become pages.
//!
//! Goes in: a table, the level of the files and what they hold. Comes out: a [`FileLayout`], which turns batches into the columns of a file and a
//! sample of them into the settings of a row group. Answers to `KeyValueFileWriterFactory` and `RowDataParquetBuilder`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_type;
use alluvium_format::{DataField, DataType, Error, Result, ResultExt};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef};
use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr, WriterVersion,
};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, TypePtr};

use super::FileContent;
use super::compression::parquet_codec;
use super::encoding::{ColumnEncoding, DictionaryUse, SAMPLE_ROWS, choose_encodings};
use super::int96::{stored_type, to_stored};
use super::parquet_schema::{KeyColumnsMode, key_value_fields, message_type, with_fixed_int96};
use crate::table_store::TableStore;

/// Java's defaults: bytes and rows of a page, and bytes of a dictionary.
const PAGE_BYTES: usize = 1 << 20;
const PAGE_ROWS: usize = 20_000;
const DICTIONARY_BYTES: usize = 1 << 20;
/// What files say of who wrote them, in the form that Java parses.
const CREATED_BY: &str = concat!("alluvium version ", env!("CARGO_PKG_VERSION"));

/// The columns of a file and how they are written.
#[derive(Debug)]
pub(super) struct FileLayout {
    /// Types of the table's columns, and their form in memory.
    values: Vec<(DataType, ArrowType)>,
    /// Positions of the columns that come before the sequence numbers once more.
    keys: Vec<usize>,
    /// The columns of a file in the form that they are encoded from.
    schema: SchemaRef,
    /// The schema that files show.
    message: TypePtr,
    /// The schema that pages are encoded with, which has FIXED_LEN_BYTE_ARRAY(12) for INT96.
    encoded: TypePtr,
    /// The leaves of `message`.
    leaves: SchemaDescPtr,
    codec: Compression,
    dictionary: DictionaryUse,
    row_group_bytes: u64,
}

impl FileLayout {
    /// The layout of files of the table's latest schema.
    ///
    /// # Errors
    /// `Unsupported` for a file format, a codec or a type; `Invalid` when an option is wrong.
    pub(super) fn of(table: &TableStore, level: i32, content: FileContent) -> Result<Self> {
        let (schema, options) = (table.schema(), table.options());
        let (format, compression) = match content {
            FileContent::Data(_) => (options.file_format(level)?, options.file_compression(level)?),
            FileContent::Changelog => {
                (options.changelog_file_format(level)?, options.changelog_file_compression(level)?)
            }
        };
        if format != "parquet" {
            return Err(Error::unsupported(format!("writing {} files of the format {format}", content.name())));
        }
        let thin = options.data_file_thin_mode()?;
        let mode = if thin { KeyColumnsMode::Thin } else { KeyColumnsMode::Thick };
        let columns = key_value_fields(schema, mode);
        let keys = if thin { Vec::new() } else { schema.trimmed_primary_keys() };
        let keys = keys.iter().filter_map(|name| schema.index_of(name)).collect();
        let values = schema.fields.iter().map(|field| Ok((field.data_type.clone(), to_arrow_type(&field.data_type)?)));
        let message = message_type(&columns)?;
        Ok(Self {
            values: values.collect::<Result<_>>()?,
            keys,
            schema: stored_schema(&columns)?,
            encoded: with_fixed_int96(&message)?,
            leaves: Arc::new(SchemaDescriptor::new(Arc::clone(&message))),
            message,
            codec: parquet_codec(&compression)?,
            dictionary: dictionary_use(options.get(ENABLE_DICTIONARY))?,
            row_group_bytes: options.file_block_bytes()?,
        })
    }

    /// The schema that files show.
    pub(super) fn message(&self) -> &TypePtr {
        &self.message
    }

    /// The schema that pages are encoded with.
    pub(super) fn encoded(&self) -> &TypePtr {
        &self.encoded
    }

    /// The leaf columns that files show.
    pub(super) fn leaves(&self) -> &SchemaDescPtr {
        &self.leaves
    }

    /// The columns of a file in the form that they are encoded from.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// `file.block-size`.
    pub(super) fn row_group_bytes(&self) -> u64 {
        self.row_group_bytes
    }

    /// The columns of a file that holds the rows; nothing is copied but timestamps finer than microseconds.
    ///
    /// # Errors
    /// `Internal` when a column is not of the schema or has a null that it must not have.
    pub(super) fn columns(&self, batch: &KeyValueBatch) -> Result<Vec<ArrayRef>> {
        let arrays = batch.values.columns();
        if arrays.len() != self.values.len() {
            return Err(Error::internal(format!("{} columns for a table of {}", arrays.len(), self.values.len())));
        }
        let mut values = Vec::with_capacity(arrays.len());
        for (index, ((data_type, in_memory), array)) in self.values.iter().zip(arrays).enumerate() {
            if array.data_type() != in_memory {
                let found = array.data_type();
                return Err(Error::internal(format!("column {index} of {data_type} is {found}, not {in_memory}")));
            }
            if !data_type.nullable && array.null_count() > 0 {
                return Err(Error::internal(format!("column {index} of {data_type} has a null")));
            }
            values.push(to_stored(array, data_type).context(|| format!("writing column {index}"))?);
        }
        let mut columns: Vec<ArrayRef> = self.keys.iter().filter_map(|key| values.get(*key)).cloned().collect();
        columns.push(Arc::new(batch.sequences.clone()));
        columns.push(Arc::new(batch.kinds.clone()));
        columns.append(&mut values);
        Ok(columns)
    }

    /// The settings of a file, besides those of its row groups.
    pub(super) fn file_properties(&self) -> WriterPropertiesPtr {
        Arc::new(self.properties().build())
    }

    /// The settings of a row group that begins with `columns`.
    pub(super) fn row_group_properties(&self, columns: &[ArrayRef]) -> WriterPropertiesPtr {
        let mut encodings = Vec::with_capacity(self.leaves.num_columns());
        for column in columns {
            let sample = column.slice(0, column.len().min(SAMPLE_ROWS));
            choose_encodings(&sample, self.dictionary, &mut encodings);
        }
        let mut builder = self.properties();
        for (leaf, encoding) in self.leaves.columns().iter().zip(encodings) {
            let path = || leaf.path().clone();
            builder = match encoding {
                ColumnEncoding::Plain => builder,
                ColumnEncoding::Dictionary => builder.set_column_dictionary_enabled(path(), true),
                ColumnEncoding::DeltaBinaryPacked => builder.set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
            };
            if leaf.physical_type() == PhysicalType::INT96 {
                // The order of INT96 is not defined, so bounds of it must not be used.
                builder = builder.set_column_statistics_enabled(path(), EnabledStatistics::None);
            }
        }
        Arc::new(builder.build())
    }

    fn properties(&self) -> WriterPropertiesBuilder {
        WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(self.codec)
            .set_encoding(Encoding::PLAIN)
            .set_dictionary_enabled(false)
            .set_data_page_size_limit(PAGE_BYTES)
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_statistics_enabled(EnabledStatistics::Chunk)
    }
}

/// The option that forbids dictionaries.
const ENABLE_DICTIONARY: &str = "parquet.enable.dictionary";

fn dictionary_use(option: Option<&str>) -> Result<DictionaryUse> {
    match option.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true") => Ok(DictionaryUse::Allowed),
        Some("false") => Ok(DictionaryUse::Forbidden),
        Some(other) => {
            Err(Error::invalid(format!("the option {ENABLE_DICTIONARY} is {other:?}; it must be true or false")))
        }
    }
}

fn stored_schema(columns: &[DataField]) -> Result<SchemaRef> {
    let fields = columns
        .iter()
        .map(|column| Ok(Field::new(&column.name, stored_type(&column.data_type)?, column.data_type.nullable)));
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
}
