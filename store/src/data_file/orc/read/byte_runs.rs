//! Runs of bytes, and the bits that are stored as such.
//!
//! Answers to `org.apache.orc.impl.RunLengthByteReader` and `BitFieldReader`.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::byte_stream::ByteStream;
use crate::data_file::orc::Decoded;

/// The fewest bytes of a run of equal ones.
const RUN_MIN: usize = 3;

/// Bytes: a run of equal ones, or of those that follow.
#[derive(Debug)]
pub(super) struct ByteRuns {
    bytes: ByteStream,
    left: usize,
    /// The byte of a run of equal ones.
    repeated: Option<u8>,
}

impl ByteRuns {
    pub(super) fn of(bytes: ByteStream) -> Self {
        Self { bytes, left: 0, repeated: None }
    }

    /// Appends the next bytes.
    pub(super) fn append(&mut self, count: usize, out: &mut Vec<u8>) -> Decoded<()> {
        let mut missing = count;
        while missing > 0 {
            if self.left == 0 {
                self.begin_run()?;
            }
            let taken = missing.min(self.left);
            match self.repeated {
                Some(byte) => out.resize(out.len() + taken, byte),
                None => self.bytes.append(taken, out)?,
            }
            self.left -= taken;
            missing -= taken;
        }
        Ok(())
    }

    fn begin_run(&mut self) -> Decoded<()> {
        let control = self.bytes.byte()?;
        if control < 0x80 {
            self.left = usize::from(control) + RUN_MIN;
            self.repeated = Some(self.bytes.byte()?);
        } else {
            self.left = 0x100 - usize::from(control);
            self.repeated = None;
        }
        Ok(())
    }
}

/// Bits, the highest of a byte first.
#[derive(Debug)]
pub(super) struct Bits {
    bytes: ByteRuns,
    /// The bits of the byte that is being read which are still to come, from the lowest on.
    byte: u8,
    left: usize,
}

impl Bits {
    pub(super) fn of(bytes: ByteStream) -> Self {
        Self { bytes: ByteRuns::of(bytes), byte: 0, left: 0 }
    }

    /// The next bits.
    pub(super) fn read(&mut self, count: usize) -> Decoded<BooleanBuffer> {
        let begun = count.min(self.left);
        let mut bytes = Vec::new();
        self.bytes.append((count - begun).div_ceil(8), &mut bytes)?;
        bytes.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        let mut bits = BooleanBufferBuilder::new(count);
        if begun > 0 {
            bits.append_packed_range(0..begun, &[self.byte]);
            self.byte = if begun < 8 { self.byte >> begun } else { 0 };
            self.left -= begun;
        }
        let rest = count - begun;
        bits.append_packed_range(0..rest, &bytes);
        if let Some(last) = bytes.last().filter(|_| !rest.is_multiple_of(8)) {
            self.byte = last >> (rest % 8);
            self.left = 8 - rest % 8;
        }
        Ok(bits.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_file::orc::compression::Codec;
    use crate::data_file::orc::read::byte_stream::Chunks;

    fn stream(bytes: &[u8]) -> ByteStream {
        ByteStream::of(bytes.to_vec().into(), Chunks { codec: Codec::None, bytes: 0 })
    }

    /// The examples of the specification.
    #[test]
    fn runs_and_literals_are_told_apart() {
        let mut bytes = Vec::new();
        ByteRuns::of(stream(&[0x61, 0x00])).append(100, &mut bytes).unwrap();
        assert_eq!(bytes, [0; 100]);
        bytes.clear();
        ByteRuns::of(stream(&[0xfe, 0x44, 0x45])).append(2, &mut bytes).unwrap();
        assert_eq!(bytes, [0x44, 0x45]);
        assert!(ByteRuns::of(stream(&[0xfe, 0x44])).append(2, &mut bytes).is_err());
    }

    #[test]
    fn bits_go_on_where_they_were_left() {
        let mut bits = Bits::of(stream(&[0xfe, 0b1010_0110, 0b1100_0001]));
        let mut read = Vec::new();
        for count in [1, 2, 0, 6, 3, 4] {
            read.extend(bits.read(count).unwrap().iter());
        }
        let wanted: Vec<bool> = "1010011011000001".chars().map(|bit| bit == '1').collect();
        assert_eq!(read, wanted);
        assert!(bits.read(1).is_err());
    }
}
