//! The codecs of ORC files: a stream is a row of chunks, each compressed by itself, or stored as it is where that is shorter.
//!
//! Goes in: the options of a table, or a number of a file. Comes out: a codec, and chunks compressed and back. Invariant: a chunk
//! never becomes more than the file says that chunks have. Answers to `org.apache.orc.CompressionKind` and its codecs.

use std::io::{Read, Write};

use alluvium_format::options::{FileCompression, key};
use alluvium_format::{Error, Result};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::Decoded;

/// What a chunk has at most: its header has 23 bits for the length.
pub(super) const CHUNK_BYTES_MAX: usize = (1 << 23) - 1;
/// Bytes of the header of a chunk.
pub(super) const HEADER_BYTES: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// There are no chunks.
    None,
    Zlib,
    Snappy,
    Lz4,
    Zstd,
}

/// The option that goes before `file.compression`.
const ORC_COMPRESS: &str = "orc.compress";

impl Codec {
    /// The codec of a table's files.
    ///
    /// # Errors
    /// `Unsupported` that names the codec.
    pub(super) fn of(orc_compress: Option<&str>, compression: &FileCompression) -> Result<Self> {
        let (option, name) = match orc_compress {
            Some(name) => (ORC_COMPRESS, name),
            None => (key::FILE_COMPRESSION, compression.codec.as_str()),
        };
        Ok(match name.to_ascii_lowercase().as_str() {
            "none" => Self::None,
            "zlib" => Self::Zlib,
            "snappy" => Self::Snappy,
            "lz4" => Self::Lz4,
            "zstd" => Self::Zstd,
            _ => {
                let known = "zstd, zlib, snappy, lz4, none";
                return Err(Error::unsupported(format!(
                    "the option {option} = {name}; codecs of ORC files are {known}"
                )));
            }
        })
    }

    /// The codec that a file names by number.
    pub(super) fn numbered(number: u64) -> Decoded<Self> {
        Ok(match number {
            0 => Self::None,
            1 => Self::Zlib,
            2 => Self::Snappy,
            4 => Self::Lz4,
            5 => Self::Zstd,
            other => return Err(format!("it is compressed with codec {other}, which is not known").into()),
        })
    }

    pub(super) fn number(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Zlib => 1,
            Self::Snappy => 2,
            Self::Lz4 => 4,
            Self::Zstd => 5,
        }
    }

    /// The content of a compressed chunk, which has at most `limit` bytes.
    pub(super) fn decompress(self, chunk: &[u8], limit: usize) -> Decoded<Vec<u8>> {
        match self {
            Self::None => Ok(chunk.to_vec()),
            Self::Zlib => {
                let (mut content, mut decoder) = (Vec::new(), DeflateDecoder::new(chunk).take(limit as u64 + 1));
                decoder.read_to_end(&mut content)?;
                if content.len() <= limit { Ok(content) } else { Err("a chunk holds more than chunks do".into()) }
            }
            Self::Snappy => {
                if snap::raw::decompress_len(chunk)? > limit {
                    return Err("a chunk holds more than chunks do".into());
                }
                Ok(snap::raw::Decoder::new().decompress_vec(chunk)?)
            }
            Self::Lz4 => {
                let mut content = vec![0; limit];
                let length = lz4_flex::block::decompress_into(chunk, &mut content)?;
                content.truncate(length);
                Ok(content)
            }
            Self::Zstd => Ok(zstd::bulk::decompress(chunk, limit)?),
        }
    }
}

/// Compresses the chunks of one file.
pub(super) struct ChunkCompressor {
    codec: Codec,
    /// What a chunk has at most.
    chunk_bytes: usize,
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

impl ChunkCompressor {
    /// # Errors
    /// `Invalid` for a level that zstd does not have.
    pub(super) fn new(codec: Codec, zstd_level: i32, chunk_bytes: usize) -> Result<Self> {
        let levels = zstd::compression_level_range();
        if codec != Codec::Zstd {
            return Ok(Self { codec, chunk_bytes, zstd: None });
        }
        if !levels.contains(&zstd_level) {
            let (name, from, to) = (key::FILE_COMPRESSION_ZSTD_LEVEL, levels.start(), levels.end());
            return Err(Error::invalid(format!("the option {name} is {zstd_level}; levels are {from} to {to}")));
        }
        let zstd = zstd::bulk::Compressor::new(zstd_level);
        let zstd = zstd.map_err(|error| Error::internal("zstd gives no compressor").with_source(error))?;
        Ok(Self { codec, chunk_bytes, zstd: Some(zstd) })
    }

    /// What a chunk has at most.
    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunk_bytes
    }

    /// Appends `content` to `stored` as a chunk, or as it is where there are none.
    ///
    /// # Errors
    /// `Internal` when a codec fails.
    pub(super) fn append_chunk(&mut self, content: &[u8], stored: &mut Vec<u8>) -> Result<()> {
        let failed = |error: std::io::Error| Error::internal("compressing a chunk failed").with_source(error);
        let compressed = match (self.codec, &mut self.zstd) {
            (Codec::None, _) => {
                stored.extend_from_slice(content);
                return Ok(());
            }
            (Codec::Zlib, _) => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(content).and_then(|()| encoder.finish()).map_err(failed)?
            }
            (Codec::Snappy, _) => snap::raw::Encoder::new()
                .compress_vec(content)
                .map_err(|error| Error::internal("compressing a chunk failed").with_source(error))?,
            (Codec::Lz4, _) => lz4_flex::block::compress(content),
            (Codec::Zstd, Some(zstd)) => zstd.compress(content).map_err(failed)?,
            (Codec::Zstd, None) => return Err(Error::internal("a writer without its compressor")),
        };
        let (bytes, original) = if compressed.len() < content.len() { (&compressed[..], 0) } else { (content, 1) };
        let header = u32::try_from(bytes.len() << 1).unwrap_or(u32::MAX) | original;
        let [first, second, third, _] = header.to_le_bytes();
        stored.extend_from_slice(&[first, second, third]);
        stored.extend_from_slice(bytes);
        Ok(())
    }
}

impl std::fmt::Debug for ChunkCompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkCompressor").field("codec", &self.codec).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alluvium_format::ErrorKind;

    use super::*;

    #[test]
    fn chunks_come_back_and_none_is_larger_than_it_may() {
        let content = b"abcabcabcabcabcabcabcabcabcabcabcabcabcabcabc".repeat(100);
        for codec in [Codec::Zlib, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            let mut stored = Vec::new();
            ChunkCompressor::new(codec, 1, 1).unwrap().append_chunk(&content, &mut stored).unwrap();
            assert!(stored.len() < content.len() / 5, "{codec:?}");
            assert_eq!(stored[0] & 1, 0);
            let chunk = &stored[HEADER_BYTES..];
            assert_eq!(codec.decompress(chunk, content.len()).unwrap(), content);
            assert!(codec.decompress(chunk, content.len() - 1).is_err(), "{codec:?}");
        }
    }

    #[test]
    fn what_does_not_shrink_is_stored_as_it_is() {
        let mut stored = Vec::new();
        ChunkCompressor::new(Codec::Zstd, 1, 1).unwrap().append_chunk(&[7], &mut stored).unwrap();
        assert_eq!(stored, [3, 0, 0, 7]);
    }

    #[test]
    fn options_name_codecs() {
        let of = |name: &str| Codec::of(None, &FileCompression { codec: name.to_owned(), zstd_level: 1 });
        assert_eq!(of("zstd").unwrap(), Codec::Zstd);
        assert_eq!(of("brotli").unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(ChunkCompressor::new(Codec::Zstd, 99, 1).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
