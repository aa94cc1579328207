//! Writes one Avro file into memory, block after block.
//!
//! Goes in: columns as they are in memory. Comes out: the bytes so far, to be taken away as they come, so that no more than a block is
//! held. Answers to `AvroBulkWriter` and `AvroRowDatumWriter`.

use std::sync::Arc;

use alluvium_format::avro::Writer;
use alluvium_format::{Error, Result};
use arrow_array::{Array, ArrayRef};
use bytes::Bytes;

use super::column_encoder::ColumnEncoder;
use super::layout::AvroLayout;

/// An Avro file on its way.
#[derive(Debug)]
pub(in crate::data_file) struct AvroWriter {
    layout: Arc<AvroLayout>,
    file: Writer,
    taken_bytes: u64,
}

impl AvroWriter {
    /// A file without rows.
    pub(in crate::data_file) fn new(layout: Arc<AvroLayout>) -> Self {
        let file = Writer::new(layout.schema().to_owned(), layout.compression());
        Self { layout, file, taken_bytes: 0 }
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `Internal` when the columns are not of the layout.
    pub(in crate::data_file) fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let types = self.layout.types();
        if types.len() != columns.len() {
            return Err(Error::internal(format!("{} columns for a file of {}", columns.len(), types.len())));
        }
        let encoders = types.iter().zip(columns).map(|(data_type, column)| ColumnEncoder::new(data_type, column));
        let encoders = encoders.collect::<Result<Vec<_>>>()?;
        for row in 0..columns.first().map_or(0, |column| column.len()) {
            self.file.append(|out| encoders.iter().for_each(|column| column.encode(row, out)))?;
        }
        Ok(())
    }

    /// Bytes of the file were it ended now, about.
    pub(in crate::data_file) fn encoded_bytes(&self) -> u64 {
        self.taken_bytes + self.file.pending_bytes() as u64
    }

    /// The bytes that were finished since the last call.
    pub(in crate::data_file) fn take_bytes(&mut self) -> Bytes {
        let bytes = self.file.take_bytes();
        self.taken_bytes += bytes.len() as u64;
        Bytes::from(bytes)
    }

    /// Ends the file and gives the last bytes.
    ///
    /// # Errors
    /// `Internal` when encoding fails.
    pub(in crate::data_file) fn finish(&mut self) -> Result<Bytes> {
        self.file.finish().map(Bytes::from)
    }
}
