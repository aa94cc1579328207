//! Decimals on their way: unscaled numbers of any size, and the digits behind the point of each, which are those of the type.

use alluvium_format::Result;
use arrow_array::ArrayRef;
use arrow_array::types::Decimal128Type;

use super::column::not_of_type;
use super::integers::IntegersWriter;
use super::numbers::each_value;
use super::stream::StreamWriter;
use super::stripe::StripeParts;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, StreamKind};

#[derive(Debug)]
pub(super) struct DecimalsWriter {
    unscaled: StreamWriter,
    scales: IntegersWriter,
    scale: u8,
}

impl DecimalsWriter {
    pub(super) fn new(scale: u8) -> Self {
        Self { unscaled: StreamWriter::default(), scales: IntegersWriter::new(Sign::Signed), scale }
    }

    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        let (out, scales, scale) = (self.unscaled.content(), &mut self.scales, i64::from(self.scale));
        each_value::<Decimal128Type>(array, |value| {
            append_wide_varint(out, ((value << 1) ^ (value >> 127)).cast_unsigned());
            scales.push(scale);
        })
        .ok_or_else(|| not_of_type("decimals"))?;
        self.unscaled.settle(compressor)?;
        self.scales.settle(compressor)
    }

    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        stripe.add(StreamKind::Data, self.unscaled.finish(compressor)?);
        stripe.add(StreamKind::Secondary, self.scales.finish(compressor)?);
        stripe.encode_as(ColumnEncoding::DIRECT);
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.unscaled.bytes() + self.scales.bytes()
    }
}

/// Seven bits a byte, lowest first.
fn append_wide_varint(bytes: &mut Vec<u8>, mut number: u128) {
    while number > 0x7f {
        // The lowest seven bits, and that more follow.
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
