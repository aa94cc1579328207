//! What a container file says at its beginning, and what each of its blocks does.
//!
//! Goes in: bytes from the beginning of a file, or of a block. Comes out: the schema and codec of the file, or how much there is of
//! the block, and then the decompressed block. Invariant: a block has no more records than bytes.

use bytes::Bytes;

use super::Place;
use super::compression::Compression;
use super::container::{CODEC_KEY, MAGIC, MARKER_BYTES, SCHEMA_KEY};
use super::decoder::Decoder;
use super::schema::Type;
use crate::error::{Error, Result};

/// The head of a file.
#[derive(Clone, Debug)]
pub struct Header {
    schema: Type,
    codec: Compression,
    marker: [u8; MARKER_BYTES],
    bytes: usize,
}

impl Header {
    /// The header that `file`, read from `path`, begins with.
    ///
    /// # Errors
    /// `Corrupt`, also when there is more of the header than of `file`; `Unsupported` for a codec, by name.
    pub fn read(file: &Bytes, path: &str) -> Result<Self> {
        let mut at = Decoder::new(file, 0, Place { path, offset: 0 });
        if at.slice(MAGIC.len().min(at.remaining()))? != MAGIC {
            return Err(at.corrupt("no Avro container file: it does not begin with \"Obj\" and 1"));
        }
        let (mut schema, mut codec) = (None, Compression::Null);
        at.items(|at| {
            let key = at.sized_slice()?;
            let value = at.sized_slice()?;
            if key == SCHEMA_KEY {
                schema = Some(value);
            } else if key == CODEC_KEY {
                codec = Compression::from_name(&String::from_utf8_lossy(value), 0)?;
            }
            Ok(())
        })?;
        let schema = schema.ok_or_else(|| at.corrupt("the header has no schema"))?;
        let schema = Type::parse(schema).map_err(|why| Error::corrupt(path, 0, why))?;
        Ok(Self { schema, codec, marker: at.array()?, bytes: at.position() })
    }

    /// The type of the records.
    pub fn schema(&self) -> &Type {
        &self.schema
    }

    /// Where the first block begins.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The decompressed records of the block with the head `head`, whose body is at `place`.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn block(&self, head: &BlockHead, body: &Bytes, place: Place<'_>) -> Result<Bytes> {
        let end = body.len().checked_sub(MARKER_BYTES).filter(|end| body.get(*end..) == Some(&self.marker[..]));
        let end = end.ok_or_else(|| place.corrupt("the block does not end with the file's marker"))?;
        let payload = body.slice(..end);
        let block = match self.codec {
            Compression::Null => payload,
            codec => Bytes::from(codec.decompress(&payload).map_err(|why| place.corrupt(why))?),
        };
        // No record of Paimon's is shorter than a byte.
        if head.records > block.len() {
            return Err(place.corrupt("the block has more records than bytes, or less than none"));
        }
        Ok(block)
    }
}

/// The head of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockHead {
    records: usize,
    body_bytes: usize,
}

impl BlockHead {
    /// The longest head: two numbers.
    pub const BYTES_MAX: usize = 20;

    /// The head at `at`.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn read(at: &mut Decoder<'_>) -> Result<Self> {
        let (records, payload) = (at.varint()?, at.varint()?);
        let records = usize::try_from(records);
        let records = records.map_err(|_| at.corrupt("the block has more records than bytes, or less than none"))?;
        let body_bytes = usize::try_from(payload).ok().and_then(|payload| payload.checked_add(MARKER_BYTES));
        let body_bytes = body_bytes.ok_or_else(|| at.corrupt(format!("a length of {payload} bytes")))?;
        Ok(Self { records, body_bytes })
    }

    /// How many records the block has.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Bytes that follow the head: compressed records and the marker.
    pub fn body_bytes(&self) -> usize {
        self.body_bytes
    }
}
