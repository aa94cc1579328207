//! What all files of a writer have in common: their columns, and how those become pages.
//!
//! Goes in: the columns of a file, and the options. Comes out: a [`ParquetLayout`], which makes of a sample of the rows the settings of
//! a row group. Answers to `RowDataParquetBuilder`.

use std::sync::Arc;

use alluvium_format::key_value_file::KEY_FIELD_ID_START;
use alluvium_format::options::FileCompression;
use alluvium_format::{CoreOptions, DataField, DataType, Error, Result, ResultExt};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{Field, Schema, SchemaRef};
use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr, WriterVersion,
};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, TypePtr};

use super::compression::parquet_codec;
use super::encoding::{AllowedEncodings, ColumnEncoding, SAMPLE_ROWS, choose_encodings};
use super::int96::{stored_type, to_stored};
use super::schema::{message_type, with_fixed_int96};

/// Java's defaults: bytes and rows of a page, and bytes of a dictionary.
const PAGE_BYTES: usize = 1 << 20;
const PAGE_ROWS: usize = 20_000;
const DICTIONARY_BYTES: usize = 1 << 20;
/// What files say of who wrote them, in the form that Java parses.
const CREATED_BY: &str = concat!("alluvium version ", env!("CARGO_PKG_VERSION"));

/// The columns of a file and how they are written.
#[derive(Debug)]
pub(in crate::data_file) struct ParquetLayout {
    /// The types of the columns.
    types: Vec<DataType>,
    /// The columns of a file in the form that they are encoded from.
    schema: SchemaRef,
    /// The schema that files show.
    message: TypePtr,
    /// The schema that pages are encoded with, which has FIXED_LEN_BYTE_ARRAY(12) for INT96.
    encoded: TypePtr,
    /// The leaves of `message`.
    leaves: SchemaDescPtr,
    codec: Compression,
    /// What each column may be encoded as.
    allowed: Vec<AllowedEncodings>,
    row_group_bytes: u64,
}

impl ParquetLayout {
    /// The layout of files with the columns `fields`.
    ///
    /// # Errors
    /// `Unsupported` for a codec or a type; `Invalid` when an option is wrong.
    pub(in crate::data_file) fn of(
        fields: &[DataField],
        options: &CoreOptions,
        compression: &FileCompression,
    ) -> Result<Self> {
        let message = message_type(fields)?;
        Ok(Self {
            types: fields.iter().map(|field| field.data_type.clone()).collect(),
            schema: stored_schema(fields)?,
            encoded: with_fixed_int96(&message)?,
            leaves: Arc::new(SchemaDescriptor::new(Arc::clone(&message))),
            message,
            codec: parquet_codec(compression)?,
            allowed: allowed_encodings(fields, options)?,
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

    /// Columns in the form that they are encoded from; nothing is copied but timestamps finer than microseconds.
    ///
    /// # Errors
    /// `Invalid` for a timestamp that an INT96 does not hold.
    pub(super) fn stored(&self, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let stored = columns.iter().zip(&self.types).enumerate().map(|(index, (column, data_type))| {
            to_stored(column, data_type).context(|| format!("writing column {index}"))
        });
        stored.collect()
    }

    /// The settings of a file, besides those of its row groups.
    pub(super) fn file_properties(&self) -> WriterPropertiesPtr {
        Arc::new(self.properties().build())
    }

    /// The settings of a row group that begins with `columns`.
    pub(super) fn row_group_properties(&self, columns: &[ArrayRef]) -> WriterPropertiesPtr {
        let mut encodings = Vec::with_capacity(self.leaves.num_columns());
        for (column, allowed) in columns.iter().zip(&self.allowed) {
            let sample = column.slice(0, column.len().min(SAMPLE_ROWS));
            choose_encodings(&sample, *allowed, &mut encodings);
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

/// The index that says of a file only whether to read it, not which rows.
const BLOOM_FILTER: &str = "bloom-filter";

fn allowed_encodings(fields: &[DataField], options: &CoreOptions) -> Result<Vec<AllowedEncodings>> {
    let dictionary = dictionaries_allowed(options.get(ENABLE_DICTIONARY))?;
    let selected = rows_are_selected(options)?;
    // What merges reads whole files; only the table's own columns are read by rows.
    let read_whole = |field: &DataField| !selected || field.id >= KEY_FIELD_ID_START;
    Ok(fields.iter().map(|field| AllowedEncodings { dictionary, delta: read_whole(field) }).collect())
}

/// Whether Paimon may read some rows of a file and not others: those that indexes name, or, under a limit, those that are not deleted.
fn rows_are_selected(options: &CoreOptions) -> Result<bool> {
    Ok(options.deletion_vectors_enabled()?
        || options.indexed_columns()?.iter().any(|index| index.index_type != BLOOM_FILTER))
}

fn dictionaries_allowed(option: Option<&str>) -> Result<bool> {
    match option.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
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
