//! Bytes as runs of equal ones, and bits as such bytes.
//!
//! Answers to `org.apache.orc.impl.RunLengthByteWriter` and `BitFieldWriter`.

use alluvium_format::Result;
use arrow_buffer::BooleanBuffer;

use super::stream::StreamWriter;
use crate::data_file::orc::compression::ChunkCompressor;

/// Bytes that are looked at together.
const BLOCK: usize = 4096;
/// Bytes of a run of equal ones.
const RUN_MIN: usize = 3;
const RUN_MAX: usize = 130;
/// Bytes of a run of others, at most.
const LITERALS_MAX: usize = 128;

#[derive(Debug, Default)]
pub(super) struct ByteRunsWriter {
    stream: StreamWriter,
    block: Vec<u8>,
}

impl ByteRunsWriter {
    pub(super) fn push(&mut self, byte: u8) {
        self.block.push(byte);
        if self.block.len() == BLOCK {
            self.end_block();
        }
    }

    /// Compresses what is whole chunks.
    pub(super) fn settle(&mut self, compressor: &mut ChunkCompressor) -> Result<()> {
        self.stream.settle(compressor)
    }

    /// Ends the stream and begins another.
    pub(super) fn finish(&mut self, compressor: &mut ChunkCompressor) -> Result<Vec<u8>> {
        self.end_block();
        self.stream.finish(compressor)
    }

    /// Bytes so far, about.
    pub(super) fn bytes(&self) -> u64 {
        self.stream.bytes()
    }

    fn end_block(&mut self) {
        encode(&self.block, self.stream.content());
        self.block.clear();
    }
}

fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let (mut literals, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        let run = bytes[at..].iter().take(RUN_MAX).take_while(|next| *next == byte).count();
        if run >= RUN_MIN {
            encode_literals(&bytes[literals..at], out);
            // At most 127.
            out.extend_from_slice(&[(run - RUN_MIN) as u8, *byte]);
            literals = at + run;
        }
        at += run;
    }
    encode_literals(&bytes[literals..], out);
}

fn encode_literals(bytes: &[u8], out: &mut Vec<u8>) {
    for literals in bytes.chunks(LITERALS_MAX) {
        // From 128 to 255.
        out.push((0x100 - literals.len()) as u8);
        out.extend_from_slice(literals);
    }
}

/// Bits, the highest of a byte first.
#[derive(Debug, Default)]
pub(super) struct BitsWriter {
    bytes: ByteRunsWriter,
    byte: u8,
    filled: u32,
}

impl BitsWriter {
    pub(super) fn push(&mut self, bit: bool) {
        self.byte = self.byte << 1 | u8::from(bit);
        self.filled += 1;
        if self.filled == 8 {
            self.bytes.push(std::mem::take(&mut self.byte));
            self.filled = 0;
        }
    }

    /// Appends bits.
    pub(super) fn append(&mut self, bits: &BooleanBuffer) {
        bits.iter().for_each(|bit| self.push(bit));
    }

    pub(super) fn settle(&mut self, compressor: &mut ChunkCompressor) -> Result<()> {
        self.bytes.settle(compressor)
    }

    /// Ends the stream and begins another.
    pub(super) fn finish(&mut self, compressor: &mut ChunkCompressor) -> Result<Vec<u8>> {
        if self.filled > 0 {
            self.bytes.push(self.byte << (8 - self.filled));
            (self.byte, self.filled) = (0, 0);
        }
        self.bytes.finish(compressor)
    }

    /// Bytes so far, about.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_literals_alternate() {
        let mut out = Vec::new();
        encode(&[1, 2, 2, 3, 3, 3, 3, 4], &mut out);
        assert_eq!(out, [0xfd, 1, 2, 2, 1, 3, 0xff, 4]);
        out.clear();
        encode(&[0; 131], &mut out);
        assert_eq!(out, [127, 0, 0xff, 0]);
    }
}
