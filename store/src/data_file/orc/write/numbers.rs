//! Whole numbers, floating ones, dates and times on their way.

use alluvium_format::{Result, TypeRoot};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType,
};
use arrow_array::{Array, ArrayRef};

use super::byte_runs::ByteRunsWriter;
use super::column::not_of_type;
use super::integers::IntegersWriter;
use super::stream::StreamWriter;
use super::stripe::StripeParts;
use crate::data_file::orc::compression::ChunkCompressor;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::{ColumnEncoding, StreamKind};

#[derive(Debug)]
pub(super) enum NumbersWriter {
    Bytes(ByteRunsWriter),
    Integers(IntegersWriter),
    Floating(StreamWriter),
}

impl NumbersWriter {
    pub(super) fn new(root: &TypeRoot) -> Self {
        match root {
            TypeRoot::TinyInt => Self::Bytes(ByteRunsWriter::default()),
            TypeRoot::Float | TypeRoot::Double => Self::Floating(StreamWriter::default()),
            _ => Self::Integers(IntegersWriter::new(Sign::Signed)),
        }
    }

    pub(super) fn write(&mut self, array: &ArrayRef, compressor: &mut ChunkCompressor) -> Result<()> {
        match self {
            Self::Bytes(bytes) => {
                each_value::<Int8Type>(array, |value| bytes.push(value.cast_unsigned()))
                    .ok_or_else(|| not_of_type("bytes"))?;
                bytes.settle(compressor)
            }
            Self::Integers(integers) => {
                each_value::<Int64Type>(array, |value| integers.push(value))
                    .or_else(|| each_value::<Int32Type>(array, |value| integers.push(value.into())))
                    .or_else(|| each_value::<Int16Type>(array, |value| integers.push(value.into())))
                    .or_else(|| each_value::<Date32Type>(array, |value| integers.push(value.into())))
                    .or_else(|| each_value::<Time32MillisecondType>(array, |value| integers.push(value.into())))
                    .ok_or_else(|| not_of_type("whole numbers"))?;
                integers.settle(compressor)
            }
            Self::Floating(stream) => {
                let out = stream.content();
                each_value::<Float64Type>(array, |value| out.extend_from_slice(&value.to_le_bytes()))
                    .or_else(|| each_value::<Float32Type>(array, |value| out.extend_from_slice(&value.to_le_bytes())))
                    .ok_or_else(|| not_of_type("floating numbers"))?;
                stream.settle(compressor)
            }
        }
    }

    pub(super) fn finish(&mut self, stripe: &mut StripeParts, compressor: &mut ChunkCompressor) -> Result<()> {
        let (bytes, encoding) = match self {
            Self::Bytes(bytes) => (bytes.finish(compressor)?, ColumnEncoding::DIRECT_V1),
            Self::Integers(integers) => (integers.finish(compressor)?, ColumnEncoding::DIRECT),
            Self::Floating(stream) => (stream.finish(compressor)?, ColumnEncoding::DIRECT_V1),
        };
        stripe.add(StreamKind::Data, bytes);
        stripe.encode_as(encoding);
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.bytes(),
            Self::Integers(integers) => integers.bytes(),
            Self::Floating(stream) => stream.bytes(),
        }
    }
}

/// Calls `each` with the values that are not null; `None` when the array is of another type.
pub(super) fn each_value<T: ArrowPrimitiveType>(array: &ArrayRef, mut each: impl FnMut(T::Native)) -> Option<()> {
    let array = array.as_primitive_opt::<T>()?;
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => array.values().iter().for_each(|value| each(*value)),
        Some(nulls) => {
            for (start, end) in nulls.valid_slices() {
                array.values()[start..end].iter().for_each(|value| each(*value));
            }
        }
    }
    Some(())
}
