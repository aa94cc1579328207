//! Record batches as bytes of a local file: Arrow IPC messages, compressed as a whole, with a checksum.
//!
//! Goes in: batches of one schema. Comes out: bytes, and the [`BlockPlace`] that they are read back by. Only the process that wrote a
//! block reads it, so that this is no format: what is not as it was written comes from a damaged disk.

use alluvium_format::options::LookupCompression;
use alluvium_format::{Error, ErrorKind, Result};
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message};
use arrow_ipc::{Block as IpcBlock, MetadataVersion};
use arrow_schema::{ArrowError, SchemaRef};

use crate::local_disk::{LocalFile, LocalFileWriter};

/// Buffers start at multiples of it: the widest values have 16 bytes.
const ALIGNMENT: usize = 16;

/// Where a block is and what it is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockPlace {
    offset: u64,
    bytes: usize,
    /// Of the content, uncompressed: the message, then the columns.
    content_bytes: usize,
    message_bytes: usize,
    checksum: u32,
}

impl BlockPlace {
    /// Bytes of the one buffer that a batch comes back in.
    pub(crate) fn content_bytes(&self) -> usize {
        self.content_bytes
    }
}

/// Writes batches.
pub(crate) struct BlockWriter {
    file: LocalFileWriter,
    compression: LookupCompression,
    zstd: Option<zstd::bulk::Compressor<'static>>,
    options: IpcWriteOptions,
    context: IpcWriteContext,
}

impl BlockWriter {
    /// A writer to a file that is empty.
    ///
    /// # Errors
    /// `Invalid` for a level that zstd does not have.
    pub(crate) fn new(file: LocalFileWriter, compression: LookupCompression) -> Result<Self> {
        let zstd = match compression {
            LookupCompression::Zstd(level) => Some(zstd::bulk::Compressor::new(level).map_err(|error| {
                Error::invalid(format!("spill-compression.zstd-level {level} cannot be used")).with_source(error)
            })?),
            LookupCompression::None | LookupCompression::Lz4 => None,
        };
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5).map_err(failed)?;
        Ok(Self { file, compression, zstd, options, context: IpcWriteContext::default() })
    }

    /// Writes a batch behind the others.
    ///
    /// # Errors
    /// `Storage` when there is no room.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<BlockPlace> {
        let mut no_dictionaries = DictionaryTracker::new(true);
        let (_, encoded) = IpcDataGenerator {}
            .encode(batch, &mut no_dictionaries, &self.options, &mut self.context)
            .map_err(failed)?;
        let mut content = Vec::with_capacity(encoded.ipc_message.len() + encoded.arrow_data.len() + 4 * ALIGNMENT);
        let (message_bytes, _) = write_message(&mut content, encoded, &self.options).map_err(failed)?;
        let content_bytes = content.len();
        let stored = match &mut self.zstd {
            Some(zstd) => zstd.compress(&content).map_err(|error| failed(error.into()))?,
            None if self.compression == LookupCompression::Lz4 => lz4_flex::block::compress(&content),
            None => content,
        };
        let offset = self.file.bytes();
        self.file.append(&stored)?;
        Ok(BlockPlace { offset, bytes: stored.len(), content_bytes, message_bytes, checksum: crc32fast::hash(&stored) })
    }

    /// The file, to be read.
    pub(crate) fn finish(self, schema: SchemaRef) -> BlockFile {
        BlockFile {
            file: self.file.finish(),
            compression: self.compression,
            decoder: FileDecoder::new(schema, MetadataVersion::V5),
        }
    }
}

/// Reads batches back.
#[derive(Debug)]
pub(crate) struct BlockFile {
    file: LocalFile,
    compression: LookupCompression,
    decoder: FileDecoder,
}

impl BlockFile {
    /// The batch at a place. It blocks.
    ///
    /// # Errors
    /// `Storage` when the disk fails; `Corrupt` when it gives back other bytes than it was given.
    pub(crate) fn read(&self, place: &BlockPlace) -> Result<RecordBatch> {
        let stored = self.file.read(place.offset, place.bytes)?;
        if crc32fast::hash(&stored) != place.checksum {
            return Err(damaged("a checksum does not match"));
        }
        let content = match self.compression {
            LookupCompression::None => stored,
            LookupCompression::Lz4 => lz4_flex::block::decompress(&stored, place.content_bytes).map_err(damaged)?,
            LookupCompression::Zstd(_) => zstd::bulk::decompress(&stored, place.content_bytes).map_err(damaged)?,
        };
        let message_bytes = i32::try_from(place.message_bytes).map_err(damaged)?;
        let column_bytes = place.content_bytes.saturating_sub(place.message_bytes);
        let block = IpcBlock::new(0, message_bytes, i64::try_from(column_bytes).map_err(damaged)?);
        let batch = self.decoder.read_record_batch(&block, &Buffer::from_vec(content)).map_err(damaged)?;
        batch.ok_or_else(|| damaged("a block has no records"))
    }

    /// Its size on the disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.file.bytes()
    }
}

/// Encoding into memory fails only for columns that are not what they should be.
fn failed(error: ArrowError) -> Error {
    Error::internal("encoding a block of records failed").with_source(error)
}

fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let what = "a file that this process wrote to its local disk is damaged; check the disk, or set TMPDIR to another";
    Error::new(ErrorKind::Corrupt, what).with_source(error)
}
