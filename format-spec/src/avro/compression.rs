//! The codecs of container blocks: `null`, `deflate`, `snappy` and `zstandard`.
//!
//! Goes in: one block's bytes. Comes out: the same compressed or not. No block is decompressed to more than [`BLOCK_BYTES_MAX`]; memory
//! grows as it is filled, or is no more than the codec can make of that many bytes.

use std::io::{Read, Write};

use crate::error::{Error, Result};
use crate::options::FileCompression;

/// The largest decompressed block that is read. Java starts a new block every 64 000 bytes, so that only a record of this size
/// could make one.
const BLOCK_BYTES_MAX: usize = 256 << 20;

/// Room for a block of Java's with a record of some size at its end.
const USUAL_BLOCK_BYTES: usize = 128 << 10;

/// The level of `zstandard`, by that name, in Java.
const ZSTANDARD_LEVEL: i32 = 3;

/// What snappy makes of one byte at the most: a copy of 64 bytes is 2 to 3 bytes.
const SNAPPY_RATIO_MAX: usize = 32;

/// How the blocks of a file are compressed when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Null,
    /// `deflate`.
    Deflate,
    /// `snappy`.
    Snappy,
    /// `zstandard` at a level.
    Zstandard {
        /// From 1 (fastest, Paimon's default) to 22.
        level: i32,
    },
}

impl Default for Compression {
    /// What `manifest.compression` and `file.compression.zstd-level` are when not set.
    fn default() -> Self {
        Self::Zstandard { level: 1 }
    }
}

impl Compression {
    /// From the option `manifest.compression` (or the header's `avro.codec`) and the option `file.compression.zstd-level`.
    pub fn from_name(name: &str, zstd_level: i32) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "null" => Ok(Self::Null),
            "deflate" => Ok(Self::Deflate),
            "snappy" => Ok(Self::Snappy),
            "zstd" | "zstandard" => Ok(Self::Zstandard { level: zstd_level }),
            _ => Err(Error::unsupported(format!("Avro compression {name:?}; use zstd, snappy, deflate or null"))),
        }
    }

    /// That of data files. As in Java only `zstd` is of the level that the options say, and `none` is no codec of Avro.
    ///
    /// # Errors
    /// `Unsupported` for a codec, by name.
    pub fn of_data_files(compression: &FileCompression) -> Result<Self> {
        let level = if compression.codec == "zstd" { compression.zstd_level } else { ZSTANDARD_LEVEL };
        Self::from_name(&compression.codec, level)
    }

    /// The header's `avro.codec`.
    pub(super) fn codec_name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstandard { .. } => "zstandard",
        }
    }

    /// One block's bytes, compressed.
    pub(super) fn compress(self, block: Vec<u8>) -> Result<Vec<u8>> {
        let failed = |error: std::io::Error| {
            Error::internal(format!("cannot compress a block as {}", self.codec_name())).with_source(error)
        };
        match self {
            Self::Null => Ok(block),
            Self::Deflate => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&block).and_then(|()| encoder.finish()).map_err(failed)
            }
            Self::Snappy => {
                let mut compressed =
                    snap::raw::Encoder::new().compress_vec(&block).map_err(|error| failed(error.into()))?;
                compressed.extend_from_slice(&crc32fast::hash(&block).to_be_bytes());
                Ok(compressed)
            }
            Self::Zstandard { level } => zstd::bulk::compress(&block, level).map_err(failed),
        }
    }

    /// One block's bytes, decompressed; else why they cannot be.
    pub(super) fn decompress(self, block: &[u8]) -> Result<Vec<u8>, String> {
        let mut plain = match self {
            Self::Null => block.to_vec(),
            Self::Deflate => inflate(block)?,
            Self::Snappy => unsnap(block)?,
            Self::Zstandard { .. } => unzstd(block)?,
        };
        // Values share the block's memory and live on: what it had room for beyond must not.
        plain.shrink_to_fit();
        Ok(plain)
    }
}

fn inflate(block: &[u8]) -> Result<Vec<u8>, String> {
    let mut inflated = Vec::with_capacity(block.len().saturating_mul(4).min(BLOCK_BYTES_MAX));
    let limit = BLOCK_BYTES_MAX as u64 + 1;
    flate2::read::DeflateDecoder::new(block)
        .take(limit)
        .read_to_end(&mut inflated)
        .map_err(|error| format!("the deflate block does not decompress: {error}"))?;
    if inflated.len() > BLOCK_BYTES_MAX {
        return Err(format!("the deflate block is larger than {BLOCK_BYTES_MAX} bytes"));
    }
    Ok(inflated)
}

fn unsnap(block: &[u8]) -> Result<Vec<u8>, String> {
    let (compressed, checksum) = block.split_last_chunk::<4>().ok_or("the snappy block has no checksum")?;
    let length =
        snap::raw::decompress_len(compressed).map_err(|error| format!("the snappy block is wrong: {error}"))?;
    if length > BLOCK_BYTES_MAX.min(compressed.len().saturating_mul(SNAPPY_RATIO_MAX)) {
        return Err(format!("a snappy block of {} bytes cannot hold {length}", compressed.len()));
    }
    let plain = snap::raw::Decoder::new()
        .decompress_vec(compressed)
        .map_err(|error| format!("the snappy block does not decompress: {error}"))?;
    if crc32fast::hash(&plain) != u32::from_be_bytes(*checksum) {
        return Err("the snappy block's checksum is wrong".to_owned());
    }
    Ok(plain)
}

/// Java's frames do not say how long their content is: a usual block is tried first, at once, and what is larger grows as it comes.
fn unzstd(block: &[u8]) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("the zstd block does not decompress: {error}");
    let usual = block.len().saturating_mul(16).clamp(USUAL_BLOCK_BYTES, BLOCK_BYTES_MAX);
    if let Ok(plain) = zstd::bulk::decompress(block, usual) {
        return Ok(plain);
    }
    let mut plain = Vec::new();
    let frames = zstd::stream::read::Decoder::with_buffer(block).map_err(failed)?;
    frames.take(BLOCK_BYTES_MAX as u64 + 1).read_to_end(&mut plain).map_err(failed)?;
    if plain.len() > BLOCK_BYTES_MAX {
        return Err(format!("the zstd block is larger than {BLOCK_BYTES_MAX} bytes"));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_no_room_beyond_its_bytes() {
        for codec in ["null", "deflate", "snappy", "zstd"] {
            let compression = Compression::from_name(codec, 1).unwrap();
            let plain = compression.decompress(&compression.compress(vec![7; 100]).unwrap()).unwrap();
            assert_eq!((plain.len(), plain.capacity()), (100, 100), "{codec}");
        }
    }
}
