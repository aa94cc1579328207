//! Writes one Parquet file into memory, row group after row group.
//!
//! Goes in: columns as they are in memory. Comes out: the bytes so far, to be taken away as they come, so that no more than a row
//! group is held. The encodings are chosen anew for each row group from its first rows. Columns of INT96 are encoded as
//! FIXED_LEN_BYTE_ARRAY(12), whose pages are the same, and spliced in under their true type. Answers to
//! `org.apache.parquet.hadoop.InternalParquetRecordWriter`.

use std::io;
use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use super::layout::ParquetLayout;

/// Rows of a row group, at most: what a reader can skip at a time, and a bound on what it must keep in memory.
const ROW_GROUP_ROWS_MAX: usize = 1 << 20;
/// Row groups of a file, at most: they are numbered with 16 bits.
const ROW_GROUPS_MAX: usize = 32_000;

/// A Parquet file on its way.
#[derive(Debug)]
pub(in crate::data_file) struct ParquetWriter {
    layout: Arc<ParquetLayout>,
    file: SerializedFileWriter<Vec<u8>>,
    open: Option<RowGroup>,
}

/// A row group on its way: its columns are encoded side by side and follow each other in the file once it is full.
#[derive(Debug)]
struct RowGroup {
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl ParquetWriter {
    /// A file without rows.
    ///
    /// # Errors
    /// `Internal` when the schema cannot be written.
    pub(in crate::data_file) fn new(layout: Arc<ParquetLayout>) -> Result<Self> {
        let file = SerializedFileWriter::new(Vec::new(), Arc::clone(layout.message()), layout.file_properties());
        Ok(Self { file: file.map_err(failed)?, layout, open: None })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `Internal` when the columns are not of the layout; `Invalid` for a timestamp that an INT96 does not hold.
    pub(in crate::data_file) fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let columns = self.layout.stored(columns)?;
        let group = match &mut self.open {
            Some(group) => group,
            closed => closed.insert(RowGroup::begin(&self.layout, &columns)?),
        };
        group.write(&self.layout, &columns)?;
        if group.rows >= ROW_GROUP_ROWS_MAX || group.encoded_bytes() >= self.layout.row_group_bytes() {
            self.end_row_group()?;
        }
        Ok(())
    }

    /// Bytes of the file were it ended now, about.
    pub(in crate::data_file) fn encoded_bytes(&self) -> u64 {
        self.file.bytes_written() as u64 + self.open.as_ref().map_or(0, RowGroup::encoded_bytes)
    }

    /// Whether no row group may follow.
    pub(in crate::data_file) fn is_full(&self) -> bool {
        self.open.is_none() && self.file.flushed_row_groups().len() >= ROW_GROUPS_MAX
    }

    /// The bytes that were finished since the last call.
    ///
    /// # Errors
    /// None in practice: memory takes all.
    pub(in crate::data_file) fn take_bytes(&mut self) -> Result<Bytes> {
        self.file.flush().map_err(|error| failed(error.into()))?;
        Ok(Bytes::from(std::mem::take(self.file.inner_mut())))
    }

    /// Writes the footer and gives the last bytes.
    ///
    /// # Errors
    /// `Internal` when a row group cannot be ended.
    pub(in crate::data_file) fn finish(&mut self) -> Result<Bytes> {
        self.end_row_group()?;
        self.file.finish().map_err(failed)?;
        self.take_bytes()
    }

    fn end_row_group(&mut self) -> Result<()> {
        let Some(group) = self.open.take() else { return Ok(()) };
        let mut out = self.file.next_row_group().map_err(failed)?;
        for (column, leaf) in group.columns.into_iter().zip(self.layout.leaves().columns()) {
            let mut chunk = column.close().map_err(failed)?;
            show_as(&mut chunk, leaf)?;
            chunk.append_to_row_group(&mut out).map_err(failed)?;
        }
        out.close().map_err(failed)?;
        Ok(())
    }
}

impl RowGroup {
    fn begin(layout: &ParquetLayout, columns: &[ArrayRef]) -> Result<Self> {
        // The factory takes its schema from a file's writer, and the one of this file shows INT96.
        let properties = layout.row_group_properties(columns);
        let encoded = SerializedFileWriter::new(io::sink(), Arc::clone(layout.encoded()), properties);
        let factory = ArrowRowGroupWriterFactory::new(&encoded.map_err(failed)?, Arc::clone(layout.schema()));
        Ok(Self { columns: factory.create_column_writers(0).map_err(failed)?, rows: 0 })
    }

    fn write(&mut self, layout: &ParquetLayout, columns: &[ArrayRef]) -> Result<()> {
        let mut writers = self.columns.iter_mut();
        for (field, column) in layout.schema().fields().iter().zip(columns) {
            for leaf in compute_leaves(field, column).map_err(failed)? {
                let writer = writers.next().ok_or_else(|| Error::internal("a column has more leaves than its type"))?;
                writer.write(&leaf).map_err(failed)?;
            }
        }
        self.rows += columns.first().map_or(0, |column| column.len());
        Ok(())
    }

    fn encoded_bytes(&self) -> u64 {
        self.columns.iter().map(|column| column.get_estimated_total_bytes() as u64).sum()
    }
}

/// Gives a chunk the type of `leaf`, which differs from the one that it was encoded with for INT96 only.
fn show_as(chunk: &mut ArrowColumnChunk, leaf: &ColumnDescPtr) -> Result<()> {
    let encoded = &chunk.close().metadata;
    if encoded.column_descr() == leaf.as_ref() {
        return Ok(());
    }
    let mut shown = ColumnChunkMetaData::builder(Arc::clone(leaf))
        .set_compression_codec(encoded.compression_codec())
        .set_encodings_mask(*encoded.encodings_mask())
        .set_total_compressed_size(encoded.compressed_size())
        .set_total_uncompressed_size(encoded.uncompressed_size())
        .set_num_values(encoded.num_values())
        .set_data_page_offset(encoded.data_page_offset())
        .set_dictionary_page_offset(encoded.dictionary_page_offset())
        .set_repetition_level_histogram(encoded.repetition_level_histogram().cloned())
        .set_definition_level_histogram(encoded.definition_level_histogram().cloned());
    if let Some(pages) = encoded.page_encoding_stats() {
        shown = shown.set_page_encoding_stats(pages.clone());
    }
    chunk.close_mut().metadata = shown.build().map_err(failed)?;
    Ok(())
}

/// Encoding into memory fails only for columns that are not what they should be.
fn failed(error: ParquetError) -> Error {
    Error::internal("encoding a Parquet file failed").with_source(error)
}
