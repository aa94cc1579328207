//! Where the rows of an Avro file come from.
//!
//! Goes in: a file, the fields that are wanted, and how many rows its manifest says it has, as the file itself does not say. Comes out:
//! its rows, all or none. Invariant: of the file one block is decompressed, and no more than a batch of rows is decoded.

use std::ops::Range;

use alluvium_format::avro::{BlockHead, Decoder, Header, Place, Type};
use alluvium_format::{DataField, Error, ErrorKind, Result, ResultExt};
use bytes::Bytes;

use super::bytes_ahead::BytesAhead;
use super::record::RecordDecoder;
use crate::data_file::reader::{BATCH_ROWS, DecodedRows, FileChunks, StoredFile};

/// What is read of a file at first: its header, but for tables of hundreds of columns.
const FIRST_HEADER_BYTES: usize = 16 << 10;
/// The longest header that is read: a schema with the most columns that is parsed takes less.
const HEADER_BYTES_MAX: usize = 32 << 20;
/// A batch ends when so many bytes of blocks went into it: rows may be large.
const BATCH_BYTES: usize = 8 << 20;

/// A file whose header was read.
#[derive(Debug)]
pub(in crate::data_file) struct AvroFile {
    bytes: BytesAhead,
    header: Header,
    record: RecordDecoder,
    /// The branch of the union that no record may be of, where records are in one.
    null_branch: Option<i64>,
    rows: u64,
}

impl AvroFile {
    /// Reads what a file says of itself; `chunks` is the file where it is at hand, `fields` are those of its schema that are wanted.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path; `Unsupported` for a codec, by name.
    pub(in crate::data_file) async fn open(
        (file, chunks): (StoredFile, Option<FileChunks>),
        fields: &[DataField],
        rows: u64,
    ) -> Result<Self> {
        let mut bytes = BytesAhead::new(file, chunks);
        let header = read_header(&mut bytes).await?;
        let (null_branch, record) = match header.schema() {
            Type::Nullable { null_branch, value } => (Some(*null_branch), value.as_ref()),
            plain => (None, plain),
        };
        let Type::Record(record) = record else {
            return Err(Error::corrupt(bytes.path(), 0, "its schema is no record"));
        };
        let record = RecordDecoder::new(record, fields).context(|| format!("reading {}", bytes.path()))?;
        bytes.advance(header.bytes());
        Ok(Self { bytes, header, record, null_branch, rows })
    }

    /// The positions of all rows.
    pub(in crate::data_file) fn stretches(&self) -> Vec<Range<u64>> {
        std::iter::once(0..self.rows).collect()
    }

    /// All rows, unless `stretches` has none.
    pub(in crate::data_file) fn read(self, stretches: &[usize]) -> AvroBatches {
        let Self { bytes, header, record, null_branch, .. } = self;
        AvroBatches { bytes, header, record, null_branch, block: None, is_done: stretches.is_empty() }
    }
}

async fn read_header(bytes: &mut BytesAhead) -> Result<Header> {
    let mut length = FIRST_HEADER_BYTES;
    loop {
        let begin = bytes.fill(length).await?.clone();
        match Header::read(&begin, bytes.path()) {
            // It may go on behind what was read.
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                if begin.len() as u64 == bytes.remaining() || length >= HEADER_BYTES_MAX {
                    return Err(error);
                }
                length = begin.len().max(length).saturating_mul(4).min(HEADER_BYTES_MAX);
            }
            read => return read,
        }
    }
}

/// The rows of a file, as they are decoded.
#[derive(Debug)]
pub(in crate::data_file) struct AvroBatches {
    bytes: BytesAhead,
    header: Header,
    record: RecordDecoder,
    null_branch: Option<i64>,
    block: Option<Block>,
    is_done: bool,
}

/// A block that is being decoded.
#[derive(Debug)]
struct Block {
    records: Bytes,
    /// Where the next record begins, and how many there are from there on.
    position: usize,
    left: usize,
    /// Of its body in the file.
    offset: usize,
}

impl AvroBatches {
    /// The next rows; `None` behind the last.
    ///
    /// # Errors
    /// `Corrupt` and `Storage` with the path.
    pub(in crate::data_file) async fn next(&mut self) -> Result<Option<DecodedRows>> {
        let mut bytes = 0;
        while self.record.rows() < BATCH_ROWS && bytes < BATCH_BYTES {
            match self.block.as_mut().filter(|block| block.left > 0) {
                Some(block) => {
                    let start = block.position;
                    block.decode(&mut self.record, self.null_branch, self.bytes.path())?;
                    bytes += block.position - start;
                }
                None if self.is_done => break,
                None => self.next_block().await?,
            }
        }
        let rows = self.record.rows();
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.record.finish().context(|| format!("reading {}", self.bytes.path()))?;
        Ok(Some(DecodedRows { columns, rows }))
    }

    /// Decompresses the next block, if there is one.
    async fn next_block(&mut self) -> Result<()> {
        self.block = None;
        if self.bytes.remaining() == 0 {
            self.is_done = true;
            return Ok(());
        }
        let begin = self.bytes.fill(BlockHead::BYTES_MAX).await?.clone();
        let place = |bytes: &BytesAhead| usize::try_from(bytes.offset()).unwrap_or(usize::MAX);
        let offset = place(&self.bytes);
        let mut at = Decoder::new(&begin, 0, Place { path: self.bytes.path(), offset });
        let head = BlockHead::read(&mut at)?;
        let position = at.position();
        self.bytes.advance(position);
        if head.body_bytes() as u64 > self.bytes.remaining() {
            let place = Place { path: self.bytes.path(), offset };
            return Err(place.corrupt(format!("{} bytes wanted, {} left", head.body_bytes(), self.bytes.remaining())));
        }
        let body = self.bytes.fill(head.body_bytes()).await?.slice(..head.body_bytes());
        let offset = place(&self.bytes);
        let records = self.header.block(&head, &body, Place { path: self.bytes.path(), offset })?;
        self.bytes.advance(head.body_bytes());
        let block = Block { records, position: 0, left: head.records(), offset };
        if block.left == 0 {
            Decoder::new(&block.records, 0, Place { path: self.bytes.path(), offset }).check_end()?;
        }
        self.block = Some(block);
        Ok(())
    }
}

impl Block {
    /// Decodes records until the batch or the block is full.
    fn decode(&mut self, record: &mut RecordDecoder, null_branch: Option<i64>, path: &str) -> Result<()> {
        let mut decoder = Decoder::new(&self.records, self.position, Place { path, offset: self.offset });
        while self.left > 0 && record.rows() < BATCH_ROWS && decoder.position() - self.position < BATCH_BYTES {
            if null_branch.is_some() && null_branch == Some(decoder.varint()?) {
                return Err(decoder.corrupt("a row that is null"));
            }
            record.decode(&mut decoder)?;
            self.left -= 1;
        }
        self.position = decoder.position();
        if self.left == 0 { decoder.check_end() } else { Ok(()) }
    }
}
