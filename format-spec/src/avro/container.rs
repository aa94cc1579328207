//! The object container file: a header with the schema and the codec, then blocks of records.
//!
//! `Obj\x01`, a map of metadata, a marker of 16 bytes; then for each block the number of records, the number of bytes, the bytes
//! in the codec, and the marker again. Files written here have a marker made from their content: nothing about them is random.

use bytes::Bytes;

use super::compression::Compression;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::schema::Type;
use super::{Fields, Place, Plan};
use crate::error::{Error, Result};

const MAGIC: &[u8; 4] = b"Obj\x01";
const SCHEMA_KEY: &[u8] = b"avro.schema";
const CODEC_KEY: &[u8] = b"avro.codec";
const MARKER_BYTES: usize = 16;

/// A block is written out once it is this long: Java's `DEFAULT_SYNC_INTERVAL`.
const BLOCK_BYTES: usize = 64_000;

/// All records of the container file `bytes`, read from `path`: `decode` is called once a record with the plan for its schema.
pub(crate) fn read_records<F: Fields, T>(
    bytes: &[u8],
    path: &str,
    decode: impl Fn(&Plan<F>, &mut Decoder<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let file = Bytes::copy_from_slice(bytes);
    let mut at = Decoder::new(&file, Place { path, offset: 0 });
    let header = Header::read(&mut at)?;
    let schema = Type::parse(&header.schema).map_err(|why| Error::corrupt(path, 0, why))?;
    let plan = Plan::<F>::of(&schema, &Place { path, offset: 0 })?;
    let mut records = Vec::new();
    while at.remaining() > 0 {
        let count = at.varint()?;
        let payload = at.bytes(&Type::Bytes)?;
        let place = Place { path, offset: at.offset() - payload.len() };
        if at.take(MARKER_BYTES)? != header.marker {
            return Err(at.corrupt("the block does not end with the file's marker"));
        }
        let block = match header.codec {
            Compression::Null => payload,
            codec => Bytes::from(codec.decompress(&payload).map_err(|why| place.corrupt(why))?),
        };
        let mut decoder = Decoder::new(&block, place);
        // No record of Paimon's is shorter than a byte.
        let count = usize::try_from(count).ok().filter(|count| *count <= block.len());
        let count = count.ok_or_else(|| place.corrupt("the block has more records than bytes, or less than none"))?;
        for _ in 0..count {
            records.push(decode(&plan, &mut decoder)?);
        }
        if decoder.remaining() > 0 {
            return Err(decoder.corrupt("the block goes on after its last record"));
        }
    }
    Ok(records)
}

struct Header {
    schema: Bytes,
    codec: Compression,
    marker: Bytes,
}

impl Header {
    fn read(at: &mut Decoder<'_>) -> Result<Self> {
        if at.take(MAGIC.len())? != MAGIC[..] {
            return Err(at.corrupt("no Avro container file: it does not begin with \"Obj\" and 1"));
        }
        let (mut schema, mut codec) = (None, Compression::Null);
        at.items(|at| {
            let key = at.bytes(&Type::Bytes)?;
            let value = at.bytes(&Type::Bytes)?;
            if key == SCHEMA_KEY {
                schema = Some(value);
            } else if key == CODEC_KEY {
                codec = Compression::from_name(&String::from_utf8_lossy(&value), 0)?;
            }
            Ok(())
        })?;
        let schema = schema.ok_or_else(|| at.corrupt("the header has no schema"))?;
        Ok(Self { schema, codec, marker: at.take(MARKER_BYTES)? })
    }
}

/// A container file as it is written.
pub(crate) struct Writer {
    schema: &'static str,
    compression: Compression,
    /// Number of records and compressed bytes.
    blocks: Vec<(i64, Vec<u8>)>,
    open: Encoder,
    open_records: i64,
}

impl Writer {
    /// A file of records of `schema`, the exact JSON text for the header.
    pub(crate) fn new(schema: &'static str, compression: Compression) -> Self {
        Self { schema, compression, blocks: Vec::new(), open: Encoder::default(), open_records: 0 }
    }

    /// Adds the record that `encode` writes.
    pub(crate) fn append(&mut self, encode: impl FnOnce(&mut Encoder)) -> Result<()> {
        encode(&mut self.open);
        self.open_records += 1;
        if self.open.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    /// The bytes of the file.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        if self.open_records > 0 {
            self.close_block()?;
        }
        let marker = marker_of(&self.blocks);
        let mut file = Encoder::default();
        file.raw(MAGIC);
        file.long(2);
        file.bytes(SCHEMA_KEY);
        file.string(self.schema);
        file.bytes(CODEC_KEY);
        file.string(self.compression.codec_name());
        file.long(0);
        file.raw(&marker);
        for (records, payload) in &self.blocks {
            file.long(*records);
            file.bytes(payload);
            file.raw(&marker);
        }
        Ok(file.into_bytes())
    }

    fn close_block(&mut self) -> Result<()> {
        let payload = self.compression.compress(std::mem::take(&mut self.open).into_bytes())?;
        self.blocks.push((std::mem::take(&mut self.open_records), payload));
        Ok(())
    }
}

/// A marker that the content decides: two FNV-1a hashes of it from different starts.
fn marker_of(blocks: &[(i64, Vec<u8>)]) -> [u8; MARKER_BYTES] {
    let hash = |start: u64| {
        let bytes = blocks.iter().flat_map(|(_, payload)| payload);
        bytes.fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    let (low, high) = (hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142));
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}
