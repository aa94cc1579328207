//! What an ORC file says at its very end: how long and in which codec the rest of what it says of itself is.
//!
//! Answers to `OrcProto.PostScript`.

use super::Decoded;
use super::compression::{CHUNK_BYTES_MAX, Codec};
use super::protobuf::{Fields, Message};

/// What begins a file, and ends its postscript.
pub(super) const MAGIC: &[u8] = b"ORC";
/// The version of the format: that of Hive 0.12, the last one.
const VERSION: [u64; 2] = [0, 12];
/// The version of the writer, as Java counts: ORC-14, the last one that says anything of the bytes.
const WRITER_VERSION: u64 = 9;

/// The lengths are of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PostScript {
    pub(super) footer_bytes: u64,
    pub(super) metadata_bytes: u64,
    pub(super) codec: Codec,
    /// What a chunk has at most before it is compressed.
    pub(super) chunk_bytes: usize,
}

impl PostScript {
    pub(super) fn decode(bytes: &[u8]) -> Decoded<Self> {
        let (mut footer_bytes, mut metadata_bytes, mut codec, mut chunk_bytes) = (0, 0, 0, 256 << 10);
        let mut is_orc = false;
        let mut fields = Fields::of(bytes);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => footer_bytes = value.number()?,
                2 => codec = value.number()?,
                3 => chunk_bytes = value.number()?,
                5 => metadata_bytes = value.number()?,
                8000 => is_orc = value.bytes()? == MAGIC,
                _ => {}
            }
        }
        if !is_orc {
            return Err("its last bytes are no postscript of ORC".into());
        }
        let chunk_bytes = usize::try_from(chunk_bytes).ok().filter(|bytes| *bytes <= CHUNK_BYTES_MAX);
        let chunk_bytes = chunk_bytes.ok_or("its chunks are larger than chunks can be")?;
        Ok(Self { footer_bytes, metadata_bytes, codec: Codec::numbered(codec)?, chunk_bytes })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = Message::default();
        message.number(1, self.footer_bytes);
        message.number(2, self.codec.number());
        message.number(3, self.chunk_bytes as u64);
        message.numbers(4, VERSION);
        message.number(5, self.metadata_bytes);
        message.number(6, WRITER_VERSION);
        message.bytes(8000, MAGIC);
        message.into_bytes()
    }
}
