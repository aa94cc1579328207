//! Arrays of the values that were decoded.
//!
//! Goes in: the values of a batch, the nulls among them and the type that the schema says. Comes out: an array in its in-memory form;
//! the values are taken, and the next batch begins. Invariant: texts are UTF-8, and decimals have no more digits than their type.

use std::sync::Arc;

use alluvium_format::arrow::UTC;
use alluvium_format::{DataType, Error, Result, TypeRoot};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType,
};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray, StringArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType as ArrowType;

use super::values::Values;
use crate::data_file::reader::{Moments, refused};

impl Values {
    /// The values so far, as a column of `data_type`, whose Arrow type is `arrow`.
    ///
    /// # Errors
    /// `Corrupt` for texts that are no UTF-8, and for nulls where there must be none.
    pub(super) fn finish(
        &mut self,
        (data_type, arrow): (&DataType, &ArrowType),
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef> {
        Ok(match self {
            Self::Boolean(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Self::Int8(values) => primitive::<Int8Type>(values, nulls)?,
            Self::Int16(values) => primitive::<Int16Type>(values, nulls)?,
            Self::Int32(values) => match arrow {
                ArrowType::Date32 => primitive::<Date32Type>(values, nulls)?,
                ArrowType::Time32(_) => primitive::<Time32MillisecondType>(values, nulls)?,
                _ => primitive::<Int32Type>(values, nulls)?,
            },
            Self::Int64(values) => primitive::<Int64Type>(values, nulls)?,
            Self::Ticks { ticks, per_second } => {
                let ticks = PrimitiveArray::try_new(std::mem::take(ticks).into(), nulls).map_err(refused)?;
                timestamps(Moments::Ticks { ticks, per_second: *per_second }, &data_type.root)?
            }
            Self::Float(values) => primitive::<Float32Type>(values, nulls)?,
            Self::Double(values) => primitive::<Float64Type>(values, nulls)?,
            Self::Decimal(values) => decimals(std::mem::take(values), nulls, arrow)?,
            Self::Bytes { offsets, bytes } => {
                let (offsets, bytes) = (taken(offsets), std::mem::take(bytes).into());
                match arrow {
                    ArrowType::Utf8 => Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(refused)?),
                    _ => Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(refused)?),
                }
            }
            Self::List { offsets, element } => {
                let ArrowType::List(field) = arrow else { return Err(mismatch()) };
                let list = ListArray::try_new(Arc::clone(field), taken(offsets), element.finish()?, nulls);
                Arc::new(list.map_err(refused)?)
            }
            Self::Map { offsets, key, value } => {
                let ArrowType::Map(entries, sorted) = arrow else { return Err(mismatch()) };
                let ArrowType::Struct(fields) = entries.data_type() else { return Err(mismatch()) };
                let columns = vec![key.finish()?, value.finish()?];
                let columns = StructArray::try_new(fields.clone(), columns, None).map_err(refused)?;
                let map = MapArray::try_new(Arc::clone(entries), taken(offsets), columns, nulls, *sorted);
                Arc::new(map.map_err(refused)?)
            }
            Self::Row(record) => {
                let ArrowType::Struct(fields) = arrow else { return Err(mismatch()) };
                let rows = record.rows();
                let row = StructArray::try_new_with_length(fields.clone(), record.finish()?, nulls, rows);
                Arc::new(row.map_err(refused)?)
            }
        })
    }
}

/// The offsets so far; the next ones begin at 0.
fn taken(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    // They ascend: each is the length of what only grows.
    OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into())
}

fn primitive<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let array = PrimitiveArray::<T>::try_new(std::mem::take(values).into(), nulls);
    Ok(Arc::new(array.map_err(refused)?))
}

fn timestamps(moments: Moments, root: &TypeRoot) -> Result<ArrayRef> {
    match root {
        TypeRoot::Timestamp(precision) => moments.to_precision(*precision, None),
        TypeRoot::TimestampLtz(precision) => moments.to_precision(*precision, Some(UTC)),
        _ => Err(mismatch()),
    }
}

fn decimals(values: Vec<i128>, nulls: Option<NullBuffer>, arrow: &ArrowType) -> Result<ArrayRef> {
    let ArrowType::Decimal128(precision, scale) = arrow else { return Err(mismatch()) };
    let array = PrimitiveArray::<Decimal128Type>::try_new(values.into(), nulls).map_err(refused)?;
    let array = array.with_precision_and_scale(*precision, *scale).map_err(refused)?;
    array.validate_decimal_precision(*precision).map_err(refused)?;
    Ok(Arc::new(array))
}

fn mismatch() -> Error {
    Error::internal("a column of values that are not of its type")
}
