//! Whole numbers, floating ones, dates and times.
//!
//! Invariant: a number that does not fit its type is an error, never another number.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType,
};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::{DataType as ArrowType, TimeUnit};

use super::byte_runs::ByteRuns;
use super::byte_stream::ByteStream;
use super::integers::Integers;
use super::plan::ColumnPlan;
use super::stripe::StripeStreams;
use super::validity;
use crate::data_file::orc::Decoded;
use crate::data_file::orc::schema::TypeKind;
use crate::data_file::orc::sign::Sign;
use crate::data_file::orc::stripe_footer::StreamKind;

#[derive(Debug)]
pub(super) struct Numbers {
    stored: Stored,
    arrow: ArrowType,
}

#[derive(Debug)]
enum Stored {
    Bytes(ByteRuns),
    Integers(Integers),
    Floats(ByteStream),
    Doubles(ByteStream),
}

impl Numbers {
    pub(super) fn begin(plan: &ColumnPlan, streams: &mut StripeStreams) -> Decoded<Self> {
        let data = streams.take(plan.number, StreamKind::Data);
        let stored = match plan.kind {
            TypeKind::Byte => Stored::Bytes(ByteRuns::of(data)),
            TypeKind::Float => Stored::Floats(data),
            TypeKind::Double => Stored::Doubles(data),
            _ => Stored::Integers(Integers::of(data, streams.encoding(plan.number)?.version, Sign::Signed)),
        };
        Ok(Self { stored, arrow: plan.arrow.clone() })
    }

    pub(super) fn read(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Decoded<ArrayRef> {
        let count = validity::count(nulls.as_ref(), rows);
        match &mut self.stored {
            Stored::Bytes(bytes) => {
                let mut values = Vec::new();
                bytes.append(count, &mut values)?;
                whole(values.into_iter().map(|byte| byte.cast_signed().into()).collect(), nulls, &self.arrow)
            }
            Stored::Integers(integers) => whole(integers.read(count)?, nulls, &self.arrow),
            Stored::Floats(bytes) => {
                let values = fixed(bytes, count, f32::from_le_bytes)?;
                if self.arrow == ArrowType::Float64 {
                    return Ok(array::<Float64Type>(values.into_iter().map(f64::from).collect(), nulls));
                }
                Ok(array::<Float32Type>(values, nulls))
            }
            Stored::Doubles(bytes) => {
                let values = fixed(bytes, count, f64::from_le_bytes)?;
                if self.arrow == ArrowType::Float32 {
                    return Err("a DOUBLE where the schema says FLOAT".into());
                }
                Ok(array::<Float64Type>(values, nulls))
            }
        }
    }
}

/// Numbers of `N` bytes each, the lowest first.
fn fixed<T, const N: usize>(stream: &mut ByteStream, count: usize, number: fn([u8; N]) -> T) -> Decoded<Vec<T>> {
    let mut bytes = Vec::new();
    stream.append(count.checked_mul(N).ok_or("more values than there can be")?, &mut bytes)?;
    Ok(bytes.as_chunks::<N>().0.iter().copied().map(number).collect())
}

fn whole(values: Vec<i64>, nulls: Option<NullBuffer>, arrow: &ArrowType) -> Decoded<ArrayRef> {
    match arrow {
        ArrowType::Int8 => narrowed::<Int8Type>(&values, nulls),
        ArrowType::Int16 => narrowed::<Int16Type>(&values, nulls),
        ArrowType::Int32 => narrowed::<Int32Type>(&values, nulls),
        ArrowType::Int64 => Ok(array::<Int64Type>(values, nulls)),
        ArrowType::Date32 => narrowed::<Date32Type>(&values, nulls),
        ArrowType::Time32(TimeUnit::Millisecond) => narrowed::<Time32MillisecondType>(&values, nulls),
        other => Err(format!("whole numbers where the schema says {other}").into()),
    }
}

fn narrowed<T: ArrowPrimitiveType>(values: &[i64], nulls: Option<NullBuffer>) -> Decoded<ArrayRef>
where
    T::Native: TryFrom<i64>,
{
    let narrow = |value: &i64| T::Native::try_from(*value).map_err(|_| format!("{value} does not fit its type").into());
    Ok(array::<T>(values.iter().map(narrow).collect::<Decoded<_>>()?, nulls))
}

/// The array of values of the rows that are not null.
fn array<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef
where
    T::Native: ArrowNativeType,
{
    Arc::new(PrimitiveArray::<T>::new(validity::spread(values, nulls.as_ref()).into(), nulls))
}
