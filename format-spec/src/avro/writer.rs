//! Writes a container file, block after block.
//!
//! Goes in: the text of a schema, then records. Comes out: the bytes so far, to be taken away as they come. Answers to
//! `org.apache.avro.file.DataFileWriter`.

use std::borrow::Cow;

use super::compression::Compression;
use super::container::{CODEC_KEY, MAGIC, MARKER_BYTES, SCHEMA_KEY};
use super::encoder::Encoder;
use crate::error::Result;

/// A block is written out once it is this long: Java's `DEFAULT_SYNC_INTERVAL`.
const BLOCK_BYTES: usize = 64_000;

/// A file on its way.
#[derive(Debug)]
pub struct Writer {
    schema: Cow<'static, str>,
    compression: Compression,
    /// `None` until the header is written, which is with the first block.
    marker: Option<[u8; MARKER_BYTES]>,
    /// What was finished and not taken yet.
    done: Encoder,
    open: Encoder,
    open_records: i64,
}

impl Writer {
    /// A file of records of `schema`, the exact JSON text for the header.
    pub fn new(schema: impl Into<Cow<'static, str>>, compression: Compression) -> Self {
        let (schema, done, open) = (schema.into(), Encoder::default(), Encoder::default());
        Self { schema, compression, marker: None, done, open, open_records: 0 }
    }

    /// Adds the record that `encode` writes.
    ///
    /// # Errors
    /// `Internal` when a block cannot be compressed.
    pub fn append(&mut self, encode: impl FnOnce(&mut Encoder)) -> Result<()> {
        encode(&mut self.open);
        self.open_records += 1;
        if self.open.len() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    /// Bytes that were not taken yet, those of the open block as they are.
    pub fn pending_bytes(&self) -> usize {
        self.done.len() + self.open.len()
    }

    /// The bytes that were finished since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.done).into_bytes()
    }

    /// Ends the file and gives the last bytes.
    ///
    /// # Errors
    /// `Internal` when a block cannot be compressed.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        if self.open_records > 0 {
            self.end_block()?;
        }
        self.begin_file(&[]);
        Ok(self.take_bytes())
    }

    fn end_block(&mut self) -> Result<()> {
        let payload = self.compression.compress(std::mem::take(&mut self.open).into_bytes())?;
        let marker = self.begin_file(&payload);
        self.done.long(std::mem::take(&mut self.open_records));
        self.done.bytes(&payload);
        self.done.raw(&marker);
        Ok(())
    }

    /// Writes the header of a file whose first block is `payload`, unless it is there already; the marker.
    fn begin_file(&mut self, payload: &[u8]) -> [u8; MARKER_BYTES] {
        if let Some(marker) = self.marker {
            return marker;
        }
        let marker = marker_of(payload);
        self.done.raw(MAGIC);
        self.done.long(2);
        self.done.bytes(SCHEMA_KEY);
        self.done.string(&self.schema);
        self.done.bytes(CODEC_KEY);
        self.done.string(self.compression.codec_name());
        self.done.long(0);
        self.done.raw(&marker);
        *self.marker.insert(marker)
    }
}

/// A marker that the first block decides: two FNV-1a hashes of it from different starts.
fn marker_of(payload: &[u8]) -> [u8; MARKER_BYTES] {
    let hash = |start: u64| {
        payload.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    let (low, high) = (hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142));
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}
