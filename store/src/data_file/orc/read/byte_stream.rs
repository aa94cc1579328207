//! The bytes of one stream of a stripe, decompressed chunk by chunk as they are asked for.
//!
//! Goes in: what is stored. Comes out: bytes, and an error where there are fewer than asked for. Invariant: one chunk is held at a time,
//! and nothing is allocated for bytes that are not there.

use bytes::Bytes;

use crate::data_file::orc::Decoded;
use crate::data_file::orc::compression::{Codec, HEADER_BYTES};

/// How the chunks of a file are made.
#[derive(Clone, Copy, Debug)]
pub(in crate::data_file::orc) struct Chunks {
    pub(in crate::data_file::orc) codec: Codec,
    /// What a chunk has at most.
    pub(in crate::data_file::orc) bytes: usize,
}

#[derive(Debug)]
pub(in crate::data_file::orc) struct ByteStream {
    /// What is still stored.
    stored: Bytes,
    chunks: Chunks,
    /// The content of the chunk that is being read, from `at` on.
    content: Bytes,
    at: usize,
}

impl ByteStream {
    pub(in crate::data_file::orc) fn of(stored: Bytes, chunks: Chunks) -> Self {
        Self { stored, chunks, content: Bytes::new(), at: 0 }
    }

    /// A stream that a stripe does not have, as it holds nothing.
    pub(super) fn empty() -> Self {
        Self::of(Bytes::new(), Chunks { codec: Codec::None, bytes: 0 })
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Decoded<u8> {
        loop {
            if let Some(byte) = self.content.get(self.at) {
                self.at += 1;
                return Ok(*byte);
            }
            self.next_chunk()?;
        }
    }

    /// Appends the next bytes.
    pub(super) fn append(&mut self, length: usize, out: &mut Vec<u8>) -> Decoded<()> {
        let mut missing = length;
        while missing > 0 {
            let there = self.content.get(self.at..).unwrap_or_default();
            let taken = there.get(..missing).unwrap_or(there);
            out.extend_from_slice(taken);
            self.at += taken.len();
            missing -= taken.len();
            if missing > 0 {
                self.next_chunk()?;
            }
        }
        Ok(())
    }

    /// All that is left, which has at most `limit` bytes.
    pub(super) fn rest(mut self, limit: usize) -> Decoded<Vec<u8>> {
        let mut out = self.content.slice(self.at..).to_vec();
        while !self.stored.is_empty() {
            self.next_chunk()?;
            out.extend_from_slice(&self.content);
            if out.len() > limit {
                return Err(format!("a section of more than {limit} bytes").into());
            }
        }
        Ok(out)
    }

    /// A number of seven bits a byte, lowest first, of at most 64 bits.
    pub(super) fn varint(&mut self) -> Decoded<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number of more than 64 bits".into())
    }

    /// The same of at most 128 bits.
    pub(super) fn wide_varint(&mut self) -> Decoded<u128> {
        let mut number = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number of more than 128 bits".into())
    }

    fn next_chunk(&mut self) -> Decoded<()> {
        if self.stored.is_empty() {
            return Err("a stream ends before its values do".into());
        }
        self.at = 0;
        if self.chunks.codec == Codec::None {
            self.content = std::mem::take(&mut self.stored);
            return Ok(());
        }
        let header = self.stored.first_chunk::<HEADER_BYTES>().ok_or("a chunk without its header")?;
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        // 23 bits fit.
        let (length, is_original) = ((header >> 1) as usize, header & 1 == 1);
        let end = HEADER_BYTES + length;
        if end > self.stored.len() {
            return Err("a chunk is longer than its stream".into());
        }
        let chunk = self.stored.slice(HEADER_BYTES..end);
        self.stored = self.stored.slice(end..);
        self.content = match is_original {
            true => chunk,
            false => self.chunks.codec.decompress(&chunk, self.chunks.bytes)?.into(),
        };
        Ok(())
    }
}
