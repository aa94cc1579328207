//! Whole numbers, in runs of either version of the encoding.
//!
//! Goes in: the bytes of a stream. Comes out: numbers of 64 bits. A run is decoded as a whole and given away piece by piece. Answers
//! to `org.apache.orc.impl.RunLengthIntegerReader` and `RunLengthIntegerReaderV2`.

use super::byte_stream::ByteStream;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::packed::{closest_width, packed_bytes, unpack, width_of_code};
use crate::data_file::orc::protobuf::unzigzag;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::RleVersion;

/// The fewest numbers of a run that says one of them.
const RUN_MIN: usize = 3;

#[derive(Debug)]
pub(in crate::data_file::orc) struct Integers {
    bytes: ByteStream,
    version: RleVersion,
    sign: Sign,
    /// The run that is being read, from `at` on.
    run: Vec<i64>,
    at: usize,
    /// Packed bytes of a run.
    packed: Vec<u8>,
}

impl Integers {
    pub(in crate::data_file::orc) fn of(bytes: ByteStream, version: RleVersion, sign: Sign) -> Self {
        Self { bytes, version, sign, run: Vec::new(), at: 0, packed: Vec::new() }
    }

    /// The next numbers.
    pub(in crate::data_file::orc) fn read(&mut self, count: usize) -> Decoded<Vec<i64>> {
        let mut out = Vec::new();
        while out.len() < count {
            let left = self.run.get(self.at..).unwrap_or_default();
            let taken = left.get(..count - out.len()).unwrap_or(left);
            out.extend_from_slice(taken);
            self.at += taken.len();
            if out.len() < count {
                self.run.clear();
                self.at = 0;
                match self.version {
                    RleVersion::V1 => self.read_run_of_v1()?,
                    RleVersion::V2 => self.read_run()?,
                }
            }
        }
        Ok(out)
    }

    fn read_run_of_v1(&mut self) -> Decoded<()> {
        let control = self.bytes.byte()?;
        if control < 0x80 {
            let delta = i64::from(self.bytes.byte()?.cast_signed());
            let mut number = self.varint()?;
            for _ in 0..usize::from(control) + RUN_MIN {
                self.run.push(number);
                number = number.wrapping_add(delta);
            }
        } else {
            for _ in 0..0x100 - usize::from(control) {
                let number = self.varint()?;
                self.run.push(number);
            }
        }
        Ok(())
    }

    fn read_run(&mut self) -> Decoded<()> {
        let first = self.bytes.byte()?;
        match first >> 6 {
            0 => self.read_short_repeat(first),
            1 => self.read_direct(first),
            2 => self.read_patched(first),
            _ => self.read_delta(first),
        }
    }

    /// A number of up to eight bytes, a few times.
    fn read_short_repeat(&mut self, first: u8) -> Decoded<()> {
        let number = self.big_endian(usize::from(first >> 3 & 7) + 1)?;
        let number = self.signed(number);
        self.run.resize(usize::from(first & 7) + RUN_MIN, number);
        Ok(())
    }

    /// Numbers as they are.
    fn read_direct(&mut self, first: u8) -> Decoded<()> {
        let (width, count) = (width_of_code(first >> 1 & 0x1f), self.count(first)?);
        self.take(packed_bytes(count, width))?;
        let Self { run, packed, sign, .. } = self;
        match sign {
            Sign::Signed => unpack(packed, count, width, |number| run.push(unzigzag(number))),
            Sign::Unsigned => unpack(packed, count, width, |number| run.push(number.cast_signed())),
        }
        Ok(())
    }

    /// Numbers above the least of them, and a list of the highest bits of those few that have more.
    fn read_patched(&mut self, first: u8) -> Decoded<()> {
        let (width, count) = (width_of_code(first >> 1 & 0x1f), self.count(first)?);
        let [third, fourth] = [self.bytes.byte()?, self.bytes.byte()?];
        let base_bytes = usize::from(third >> 5) + 1;
        let patch_width = width_of_code(third & 0x1f);
        let (gap_width, patches) = (u32::from(fourth >> 5) + 1, usize::from(fourth & 0x1f));
        let base = self.big_endian(base_bytes)?;
        // The highest bit is the sign.
        let sign = 1_u64 << (base_bytes * 8 - 1);
        let base = if base & sign == 0 { base.cast_signed() } else { (base & !sign).cast_signed().wrapping_neg() };
        self.take(packed_bytes(count, width))?;
        let mut numbers = Vec::with_capacity(count);
        unpack(&self.packed, count, width, |number| numbers.push(number));
        let entry_width = closest_width(gap_width + patch_width);
        if gap_width + patch_width > 64 {
            return Err("a patch of more than 64 bits".into());
        }
        self.take(packed_bytes(patches, entry_width))?;
        let mut at = 0;
        let mut is_wrong = false;
        unpack(&self.packed, patches, entry_width, |entry| {
            let (gap, patch) = (entry.checked_shr(patch_width).unwrap_or(0), entry & low_bits(patch_width));
            at += usize::try_from(gap).unwrap_or(usize::MAX).min(count);
            match numbers.get_mut(at) {
                Some(number) => *number |= patch.checked_shl(width).unwrap_or(0),
                // A gap that is too long for one entry goes on in the next.
                None => is_wrong |= patch != 0,
            }
        });
        if is_wrong {
            return Err("a patch behind the end of its run".into());
        }
        self.run.extend(numbers.into_iter().map(|number| base.wrapping_add(number.cast_signed())));
        Ok(())
    }

    /// A number, and by how much each is above, or below, the one before.
    fn read_delta(&mut self, first: u8) -> Decoded<()> {
        let code = first >> 1 & 0x1f;
        let count = self.count(first)?;
        let base = self.varint()?;
        let delta = unzigzag(self.bytes.varint()?);
        self.run.push(base);
        let mut last = base;
        if code == 0 {
            for _ in 1..count {
                last = last.wrapping_add(delta);
                self.run.push(last);
            }
            return Ok(());
        }
        if count < 2 {
            return Ok(());
        }
        last = last.wrapping_add(delta);
        self.run.push(last);
        let width = width_of_code(code);
        self.take(packed_bytes(count - 2, width))?;
        let Self { run, packed, .. } = self;
        unpack(packed, count - 2, width, |step| {
            let step = step.cast_signed();
            last = if delta < 0 { last.wrapping_sub(step) } else { last.wrapping_add(step) };
            run.push(last);
        });
        Ok(())
    }

    /// How many numbers a run has: nine bits, one less.
    fn count(&mut self, first: u8) -> Decoded<usize> {
        Ok((usize::from(first & 1) << 8 | usize::from(self.bytes.byte()?)) + 1)
    }

    fn take(&mut self, bytes: usize) -> Decoded<()> {
        self.packed.clear();
        self.bytes.append(bytes, &mut self.packed)
    }

    fn big_endian(&mut self, bytes: usize) -> Decoded<u64> {
        let mut number = 0;
        for _ in 0..bytes {
            number = number << 8 | u64::from(self.bytes.byte()?);
        }
        Ok(number)
    }

    fn varint(&mut self) -> Decoded<i64> {
        let number = self.bytes.varint()?;
        Ok(self.signed(number))
    }

    fn signed(&self, number: u64) -> i64 {
        match self.sign {
            Sign::Signed => unzigzag(number),
            Sign::Unsigned => number.cast_signed(),
        }
    }
}

fn low_bits(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_file::orc::compression::Codec;
    use crate::data_file::orc::read::byte_stream::Chunks;

    fn read(bytes: &[u8], version: RleVersion, sign: Sign, count: usize) -> Decoded<Vec<i64>> {
        let stream = ByteStream::of(bytes.to_vec().into(), Chunks { codec: Codec::None, bytes: 0 });
        Integers::of(stream, version, sign).read(count)
    }

    /// The examples of the specification.
    #[test]
    fn each_encoding_is_read() {
        let v2 = |bytes: &[u8], sign, count| read(bytes, RleVersion::V2, sign, count).unwrap();
        assert_eq!(v2(&[0x0a, 0x27, 0x10], Sign::Unsigned, 5), [10_000; 5]);
        let direct = [0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef];
        assert_eq!(v2(&direct, Sign::Unsigned, 4), [23_713, 43_806, 57_005, 48_879]);
        let delta = [0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46];
        assert_eq!(v2(&delta, Sign::Unsigned, 10), [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        let patched = [
            0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46, 0x50, 0x5a, 0x64, 0x6e,
            0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8,
        ];
        let mut wanted: Vec<i64> = vec![2030, 2000, 2020, 1_000_000];
        wanted.extend((2040..=2190).step_by(10));
        assert_eq!(v2(&patched, Sign::Unsigned, 20), wanted);
        let v1 = |bytes: &[u8], count| read(bytes, RleVersion::V1, Sign::Unsigned, count).unwrap();
        assert_eq!(v1(&[0x61, 0x00, 0x07], 100), [7; 100]);
        assert_eq!(v1(&[0x61, 0xff, 0x64], 100), (1..=100).rev().collect::<Vec<_>>());
        assert_eq!(v1(&[0xfb, 0x02, 0x03, 0x06, 0x07, 0x0b], 5), [2, 3, 6, 7, 11]);
    }

    #[test]
    fn cut_runs_are_errors() {
        for bytes in [&[0x5e, 0x03, 0x5c][..], &[0x5e], &[0xc6, 0x09, 0x80], &[], &[0x8e, 0x13, 0x2b]] {
            assert!(read(bytes, RleVersion::V2, Sign::Signed, 4).is_err(), "{bytes:?}");
        }
    }
}
