//! Writes one ORC file into memory, stripe after stripe.
//!
//! Goes in: columns as they are in memory. Comes out: the bytes so far, to be taken away as they come, so that no more than a stripe
//! is held. There are no indexes of rows: stripes are what readers leave out. Answers to `org.apache.orc.impl.WriterImpl`.

use std::sync::Arc;

use alluvium_format::{Error, Result, ResultExt};
use arrow_array::{Array, ArrayRef};
use bytes::Bytes;

use super::column::ColumnWriter;
use super::layout::OrcLayout;
use super::stripe::StripeParts;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::footer::{Footer, Stripe};
use crate::data_file::orc::postscript::{MAGIC, PostScript};
use crate::data_file::orc::protobuf::Message;
use crate::data_file::orc::statistics::ColumnStatistics;
use crate::data_file::orc::stripe_footer::ColumnEncoding;

/// Rows of a stripe, at most: what a reader can skip at a time.
const STRIPE_ROWS_MAX: u64 = 1 << 20;
/// Stripes of a file, at most, so that its footer stays a small part of it.
const STRIPES_MAX: usize = 10_000;
/// The zone of timestamps.
const ZONE: &str = "UTC";

/// An ORC file on its way.
#[derive(Debug)]
pub(in crate::data_file) struct OrcWriter {
    layout: Arc<OrcLayout>,
    compressor: ChunkCompressor,
    columns: Vec<ColumnWriter>,
    /// Rows of the stripe that is being written.
    rows: u64,
    /// What was not taken away.
    bytes: Vec<u8>,
    /// Bytes of the file before those.
    taken: u64,
    stripes: Vec<Stripe>,
    stripe_statistics: Vec<Vec<ColumnStatistics>>,
}

impl OrcWriter {
    /// A file without rows.
    ///
    /// # Errors
    /// `Internal` when the columns cannot be written.
    pub(in crate::data_file) fn new(layout: Arc<OrcLayout>) -> Result<Self> {
        Ok(Self {
            compressor: layout.compressor()?,
            columns: layout.columns()?,
            layout,
            rows: 0,
            bytes: MAGIC.to_vec(),
            taken: 0,
            stripes: Vec::new(),
            stripe_statistics: Vec::new(),
        })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `Internal` when the columns are not of the layout; `Invalid` for a timestamp that ORC does not hold.
    pub(in crate::data_file) fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        if columns.len() != self.columns.len() {
            return Err(Error::internal(format!("{} columns for a file of {}", columns.len(), self.columns.len())));
        }
        for (index, (writer, column)) in self.columns.iter_mut().zip(columns).enumerate() {
            writer.write(column, &mut self.compressor).context(|| format!("writing column {index}"))?;
        }
        self.rows += columns.first().map_or(0, |column| column.len() as u64);
        let is_full = self.rows >= STRIPE_ROWS_MAX
            || self.stripe_bytes() >= self.layout.stripe_bytes()
            || self.columns.iter().any(ColumnWriter::is_full);
        if is_full { self.end_stripe() } else { Ok(()) }
    }

    /// Bytes of the file were it ended now, about.
    pub(in crate::data_file) fn encoded_bytes(&self) -> u64 {
        self.offset() + self.stripe_bytes()
    }

    /// Whether no stripe may follow.
    pub(in crate::data_file) fn is_full(&self) -> bool {
        self.rows == 0 && self.stripes.len() >= STRIPES_MAX
    }

    /// The bytes that were finished since the last call.
    pub(in crate::data_file) fn take_bytes(&mut self) -> Bytes {
        self.taken = self.offset();
        Bytes::from(std::mem::take(&mut self.bytes))
    }

    /// Writes the footer and gives the last bytes.
    ///
    /// # Errors
    /// `Internal` when a codec fails.
    pub(in crate::data_file) fn finish(&mut self) -> Result<Bytes> {
        self.end_stripe()?;
        let content_bytes = self.offset();
        let metadata_bytes = self.append_section(&self.stripe_statistics_message())?;
        let footer = self.footer().encode(MAGIC.len() as u64, content_bytes);
        let footer_bytes = self.append_section(&footer)?;
        let (codec, chunk_bytes) = (self.layout.codec(), self.layout.chunk_bytes());
        let postscript = PostScript { footer_bytes, metadata_bytes, codec, chunk_bytes }.encode();
        self.bytes.extend_from_slice(&postscript);
        let length = u8::try_from(postscript.len()).map_err(|_| Error::internal("a postscript of over 255 bytes"))?;
        self.bytes.push(length);
        Ok(self.take_bytes())
    }

    fn end_stripe(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut parts = StripeParts::default();
        parts.begin_column(ColumnStatistics::counted(self.rows));
        parts.encode_as(ColumnEncoding::DIRECT_V1);
        self.columns.iter_mut().try_for_each(|column| column.finish(&mut parts, &mut self.compressor))?;
        if self.layout.has_timestamps() {
            parts.footer.writer_zone = Some(ZONE.to_owned());
        }
        let (offset, rows) = (self.offset(), std::mem::take(&mut self.rows));
        self.bytes.extend_from_slice(&parts.bytes);
        let footer_bytes = self.append_section(&parts.footer.encode())?;
        self.stripes.push(Stripe { offset, index_bytes: 0, data_bytes: parts.bytes.len() as u64, footer_bytes, rows });
        self.stripe_statistics.push(parts.statistics);
        Ok(())
    }

    /// Appends a section in chunks; how many bytes it takes.
    fn append_section(&mut self, content: &[u8]) -> Result<u64> {
        let before = self.bytes.len();
        for chunk in content.chunks(self.layout.chunk_bytes()) {
            self.compressor.append_chunk(chunk, &mut self.bytes)?;
        }
        Ok((self.bytes.len() - before) as u64)
    }

    fn footer(&self) -> Footer {
        let rows = self.stripes.iter().map(|stripe| stripe.rows).sum();
        let mut statistics = vec![ColumnStatistics::counted(rows)];
        self.columns.iter().for_each(|column| column.each_statistics(&mut |found| statistics.push(found)));
        Footer { stripes: self.stripes.clone(), schema: self.layout.schema().clone(), rows, statistics }
    }

    fn stripe_statistics_message(&self) -> Vec<u8> {
        let mut message = Message::default();
        for columns in &self.stripe_statistics {
            let mut stripe = Message::default();
            columns.iter().for_each(|column| stripe.message(1, &column.encode()));
            message.message(1, &stripe);
        }
        message.into_bytes()
    }

    fn stripe_bytes(&self) -> u64 {
        self.columns.iter().map(ColumnWriter::bytes).sum()
    }

    /// Bytes of the file so far.
    fn offset(&self) -> u64 {
        self.taken + self.bytes.len() as u64
    }
}
