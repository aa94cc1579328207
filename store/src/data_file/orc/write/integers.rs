//! Whole numbers, in runs of version 2 of the encoding.
//!
//! Goes in: numbers of 64 bits. Comes out: runs of equal numbers, of numbers that only rise or fall, by their differences, and of
//! others, in as few bits as the largest of them needs. Answers to `org.apache.orc.impl.RunLengthIntegerWriterV2`.

use alluvium_format::Result;

use super::stream::StreamWriter;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::packed::{closest_width, code_of_width, pack, packed_bytes};
use crate::data_file::orc::protobuf::{append_varint, zigzag};
use crate::data_file::orc::sign::Sign;

/// Numbers of a run, at most.
const RUN_MAX: usize = 512;
/// Equal numbers are a run of their own from so many on: fewer cost less among others.
const REPEATED_MIN: usize = 8;
/// Equal numbers of a short run.
const SHORT_MIN: usize = 3;
const SHORT_MAX: usize = 10;

#[derive(Debug)]
pub(super) struct IntegersWriter {
    stream: StreamWriter,
    sign: Sign,
    block: Vec<i64>,
}

impl IntegersWriter {
    pub(super) fn new(sign: Sign) -> Self {
        Self { stream: StreamWriter::default(), sign, block: Vec::with_capacity(RUN_MAX) }
    }

    pub(super) fn push(&mut self, number: i64) {
        self.block.push(number);
        if self.block.len() == RUN_MAX {
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
        encode(&self.block, self.sign, self.stream.content());
        self.block.clear();
    }
}

/// At most [`RUN_MAX`] numbers.
fn encode(numbers: &[i64], sign: Sign, out: &mut Vec<u8>) {
    let (mut others, mut at) = (0, 0);
    while let Some(number) = numbers.get(at) {
        let repeated = numbers[at..].iter().take_while(|next| *next == number).count();
        if repeated >= REPEATED_MIN {
            encode_varied(&numbers[others..at], sign, out);
            encode_repeated(*number, repeated, sign, out);
            others = at + repeated;
        }
        at += repeated;
    }
    encode_varied(&numbers[others..], sign, out);
}

fn encode_repeated(number: i64, count: usize, sign: Sign, out: &mut Vec<u8>) {
    if count > SHORT_MAX {
        header(3, 0, count, out);
        append_varint(out, unsigned(number, sign));
        out.push(0);
        return;
    }
    let number = unsigned(number, sign);
    // From one to eight.
    let bytes = (64 - number.leading_zeros()).div_ceil(8).max(1) as usize;
    // Three bits each.
    out.push(((bytes - 1) << 3 | (count - SHORT_MIN)) as u8);
    out.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
}

fn encode_varied(numbers: &[i64], sign: Sign, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let widest = numbers.iter().fold(0, |bits, number| bits | unsigned(*number, sign));
    let width = closest_width(64 - widest.leading_zeros());
    if let Some(steps) =
        Steps::of(numbers).filter(|steps| steps.bytes(numbers, sign) < packed_bytes(numbers.len(), width))
    {
        steps.encode(numbers, sign, out);
        return;
    }
    header(1, code_of_width(width), numbers.len(), out);
    pack(numbers.iter().map(|number| unsigned(*number, sign)), width, out);
}

/// By how much each number is above the one before, or below where they fall.
struct Steps {
    first: i64,
    /// Bits of each step behind the first; 0 when all are equal.
    width: u32,
}

impl Steps {
    /// `None` when the numbers neither only rise nor only fall, or too far.
    fn of(numbers: &[i64]) -> Option<Self> {
        let step = |pair: &[i64]| pair[1].checked_sub(pair[0]);
        let mut steps = numbers.windows(2);
        let first = step(steps.next()?)?;
        let (mut widest, mut are_equal) = (0, true);
        for pair in steps {
            let step = step(pair)?;
            if step != 0 && (step < 0) != (first < 0) {
                return None;
            }
            are_equal &= step == first;
            widest |= step.unsigned_abs();
        }
        // A single bit has the code of equal steps.
        let width = if are_equal { 0 } else { closest_width((64 - widest.leading_zeros()).max(2)) };
        Some(Self { first, width })
    }

    /// What they take besides the header, about.
    fn bytes(&self, numbers: &[i64], sign: Sign) -> usize {
        let varint = |number: u64| (64 - number.leading_zeros()).div_ceil(7).max(1) as usize;
        let base = numbers.first().map_or(0, |first| varint(unsigned(*first, sign)));
        base + varint(zigzag(self.first)) + packed_bytes(numbers.len().saturating_sub(2), self.width)
    }

    fn encode(&self, numbers: &[i64], sign: Sign, out: &mut Vec<u8>) {
        let code = if self.width == 0 { 0 } else { code_of_width(self.width) };
        header(3, code, numbers.len(), out);
        append_varint(out, numbers.first().map_or(0, |first| unsigned(*first, sign)));
        append_varint(out, zigzag(self.first));
        if self.width > 0 {
            let steps = numbers.windows(2).skip(1).map(|pair| pair[1].abs_diff(pair[0]));
            pack(steps, self.width, out);
        }
    }
}

/// The kind of a run, the code of its width and how many numbers it has.
fn header(kind: u8, code: u8, count: usize, out: &mut Vec<u8>) {
    let count = count - 1;
    // Nine bits.
    out.extend_from_slice(&[kind << 6 | code << 1 | (count >> 8) as u8, count as u8]);
}

fn unsigned(number: i64, sign: Sign) -> u64 {
    match sign {
        Sign::Signed => zigzag(number),
        Sign::Unsigned => number.cast_unsigned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::data_file::orc::compression::Codec;
    use crate::data_file::orc::read::{ByteStream, Chunks, Integers};
    use crate::data_file::orc::stripe_footer::RleVersion;

    fn read_back(bytes: Vec<u8>, sign: Sign, count: usize) -> Vec<i64> {
        let stream = ByteStream::of(bytes.into(), Chunks { codec: Codec::None, bytes: 0 });
        Integers::of(stream, RleVersion::V2, sign).read(count).unwrap()
    }

    fn written(numbers: &[i64], sign: Sign) -> Vec<u8> {
        let mut out = Vec::new();
        numbers.chunks(RUN_MAX).for_each(|block| encode(block, sign, &mut out));
        out
    }

    #[test]
    fn numbers_that_go_on_evenly_cost_a_few_bytes_a_run() {
        let rising: Vec<i64> = (1_000_000..1_000_512).collect();
        assert!(written(&rising, Sign::Signed).len() < 8);
        assert!(written(&[42; 512], Sign::Signed).len() < 6);
        assert_eq!(written(&[-1; 8], Sign::Signed), [5, 1]);
    }

    /// Numbers that differ a little from each other, by a lot, or not at all.
    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let part = prop_oneof![
            (any::<i64>(), 1..40_usize).prop_map(|(number, count)| vec![number; count]),
            (any::<i64>(), -300..300_i64, 1..600_usize).prop_map(|(start, step, count)| {
                (0..count).map(|at| start.wrapping_add(step.wrapping_mul(at as i64))).collect()
            }),
            vec(-1000..1000_i64, 0..600),
            vec(any::<i64>(), 0..20),
            (any::<i64>(), vec(0..5_i64, 0..600)).prop_map(|(start, steps)| {
                steps.iter().scan(start, |last, step| Some(std::mem::replace(last, last.wrapping_add(*step)))).collect()
            }),
            Just(vec![i64::MIN, i64::MAX, 0, -1, i64::MIN]),
        ];
        vec(part, 0..6).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(numbers in numbers()) {
            prop_assert_eq!(&read_back(written(&numbers, Sign::Signed), Sign::Signed, numbers.len()), &numbers);
            prop_assert_eq!(&read_back(written(&numbers, Sign::Unsigned), Sign::Unsigned, numbers.len()), &numbers);
        }
    }
}
