//! Texts and byte strings, as they are or as positions in a dictionary.
//!
//! Invariants: texts are UTF-8; a CHAR comes without the blanks that pad it in the file.

use std::sync::Arc;

use alluvium_format::TypeRoot;
use arrow_array::{ArrayRef, BinaryArray, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};

use super::byte_stream::ByteStream;
use super::integers::Integers;
use super::plan::ColumnPlan;
use super::stripe::StripeStreams;
use super::validity;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::schema::TypeKind;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::{EncodingKind, StreamKind};

#[derive(Debug)]
pub(super) struct Texts {
    stored: Stored,
    shape: Shape,
}

#[derive(Debug)]
enum Stored {
    Direct { lengths: Integers, bytes: ByteStream },
    Dictionary { positions: Integers, dictionary: Dictionary },
}

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    PaddedText,
    Bytes,
}

/// The values of a dictionary: value `i` lies between the offsets `i` and `i + 1`.
#[derive(Debug)]
struct Dictionary {
    offsets: Vec<usize>,
    bytes: Vec<u8>,
}

impl Texts {
    pub(super) fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let encoding = streams.encoding(plan.number)?;
        let data = streams.take(plan.number, StreamKind::Data);
        let lengths = Integers::of(streams.take(plan.number, StreamKind::Length), encoding.version, Sign::Unsigned);
        let stored = match encoding.kind {
            EncodingKind::Direct => Stored::Direct { lengths, bytes: data },
            EncodingKind::Dictionary(size) => {
                let bytes = streams.take(plan.number, StreamKind::DictionaryData);
                let positions = Integers::of(data, encoding.version, Sign::Unsigned);
                Stored::Dictionary { positions, dictionary: Dictionary::read(size, lengths, bytes)? }
            }
        };
        let shape = match (plan.kind, &plan.data_type.root) {
            (_, TypeRoot::Binary(_) | TypeRoot::VarBinary(_)) => Shape::Bytes,
            (TypeKind::Char, _) => Shape::PaddedText,
            _ => Shape::Text,
        };
        Ok(Self { stored, shape })
    }

    pub(super) fn read(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Decoded<ArrayRef> {
        let count = validity::count(nulls.as_ref(), rows);
        let (lengths, bytes) = match &mut self.stored {
            Stored::Direct { lengths, bytes } => {
                let lengths = checked(lengths.read(count)?)?;
                let mut values = Vec::new();
                bytes.append(lengths.iter().sum(), &mut values)?;
                (lengths, values)
            }
            Stored::Dictionary { positions, dictionary } => dictionary.gather(&positions.read(count)?)?,
        };
        let (lengths, bytes) = match self.shape {
            Shape::PaddedText => without_padding(lengths, bytes),
            Shape::Text | Shape::Bytes => (lengths, bytes),
        };
        let offsets = OffsetBuffer::from_lengths(validity::spread(lengths, nulls.as_ref()));
        Ok(match self.shape {
            Shape::Bytes => Arc::new(BinaryArray::try_new(offsets, Buffer::from(bytes), nulls)?),
            Shape::Text | Shape::PaddedText => Arc::new(StringArray::try_new(offsets, Buffer::from(bytes), nulls)?),
        })
    }
}

impl Dictionary {
    fn read(size: u64, mut lengths: Integers, bytes: ByteStream) -> Decoded<Self> {
        let size = usize::try_from(size).map_err(|_| "a dictionary larger than memory")?;
        let lengths = checked(lengths.read(size)?)?;
        let mut end = 0;
        let ends = lengths.into_iter().map(|length| {
            end += length;
            end
        });
        let offsets: Vec<usize> = std::iter::once(0).chain(ends).collect();
        let mut values = Vec::new();
        let mut bytes = bytes;
        bytes.append(end, &mut values)?;
        Ok(Self { offsets, bytes: values })
    }

    /// The lengths and the bytes of the values at `positions`.
    fn gather(&self, positions: &[i64]) -> Decoded<(Vec<usize>, Vec<u8>)> {
        let (mut lengths, mut bytes) = (Vec::with_capacity(positions.len()), Vec::new());
        for position in positions {
            let value = usize::try_from(*position).ok().and_then(|position| {
                let (start, end) = (self.offsets.get(position)?, self.offsets.get(position + 1)?);
                self.bytes.get(*start..*end)
            });
            let value = value.ok_or("a position behind the end of its dictionary")?;
            lengths.push(value.len());
            bytes.extend_from_slice(value);
            if bytes.len() > BYTES_MAX {
                return Err(TOO_MANY_BYTES.into());
            }
        }
        Ok((lengths, bytes))
    }
}

/// What the values of a batch have at most: offsets into them have 31 bits.
const BYTES_MAX: usize = i32::MAX as usize;
const TOO_MANY_BYTES: &str = "the values of a batch have more than 2 GiB";

/// Lengths whose sum is one that a batch can have.
fn checked(lengths: Vec<i64>) -> Decoded<Vec<usize>> {
    let mut sum = 0_usize;
    let lengths = lengths.into_iter().map(|length| {
        let length = usize::try_from(length).map_err(|_| TOO_MANY_BYTES)?;
        sum = sum.saturating_add(length);
        if sum > BYTES_MAX { Err(TOO_MANY_BYTES.into()) } else { Ok(length) }
    });
    lengths.collect()
}

/// Values without the blanks at their end.
fn without_padding(mut lengths: Vec<usize>, bytes: Vec<u8>) -> (Vec<usize>, Vec<u8>) {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = &bytes[..];
    for length in &mut lengths {
        let (value, behind) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
        let end = value.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        out.extend_from_slice(&value[..end]);
        *length = end;
        rest = behind;
    }
    (lengths, out)
}
