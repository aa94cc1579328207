//! The smallest or the greatest value of a key.

use std::cmp::Ordering;
use std::sync::Arc;

use alluvium_format::Result;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{ArrayRef, ArrowNativeTypeOp, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{DataType, TimeUnit};

use super::{Accumulator, present};

/// Keeps values that come first in an order; `None` where a type has none here.
pub(super) fn accumulator(column: usize, of: &DataType, wanted: Ordering) -> Option<Box<dyn Accumulator>> {
    fn of_type<T: ArrowPrimitiveType>(column: usize, of: &DataType, wanted: Ordering) -> Box<dyn Accumulator> {
        Box::new(Extreme::<T> { column, data_type: of.clone(), wanted, kept: Vec::new() })
    }
    let make = match of {
        DataType::Int8 => of_type::<Int8Type>,
        DataType::Int16 => of_type::<Int16Type>,
        DataType::Int32 => of_type::<Int32Type>,
        DataType::Int64 => of_type::<Int64Type>,
        DataType::Float32 => of_type::<Float32Type>,
        DataType::Float64 => of_type::<Float64Type>,
        DataType::Decimal128(..) => of_type::<Decimal128Type>,
        DataType::Date32 => of_type::<Date32Type>,
        DataType::Time32(TimeUnit::Millisecond) => of_type::<Time32MillisecondType>,
        DataType::Timestamp(TimeUnit::Second, _) => of_type::<TimestampSecondType>,
        DataType::Timestamp(TimeUnit::Millisecond, _) => of_type::<TimestampMillisecondType>,
        DataType::Timestamp(TimeUnit::Microsecond, _) => of_type::<TimestampMicrosecondType>,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => of_type::<TimestampNanosecondType>,
        DataType::Utf8 => return Some(Box::new(ExtremeText { column, wanted, kept: Vec::new() })),
        _ => return None,
    };
    Some(make(column, of, wanted))
}

struct Extreme<T: ArrowPrimitiveType> {
    column: usize,
    data_type: DataType,
    wanted: Ordering,
    kept: Vec<Option<T::Native>>,
}

impl<T: ArrowPrimitiveType> Accumulator for Extreme<T> {
    fn grow(&mut self, keys: usize) {
        self.kept.resize(keys, None);
    }

    fn add(&mut self, batch: &RecordBatch, rows: &[u32], keys: &[u32]) -> Result<()> {
        let column = batch.column(self.column).as_primitive::<T>();
        for (row, key) in present(column, rows, keys) {
            let value = column.value(row);
            if let Some(kept) = self.kept.get_mut(key)
                && kept.is_none_or(|kept| value.compare(kept) == self.wanted)
            {
                *kept = Some(value);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let values: PrimitiveArray<T> = std::mem::take(&mut self.kept).into_iter().collect();
        Ok(Arc::new(values.with_data_type(self.data_type.clone())))
    }
}

struct ExtremeText {
    column: usize,
    wanted: Ordering,
    kept: Vec<Option<String>>,
}

impl Accumulator for ExtremeText {
    fn grow(&mut self, keys: usize) {
        self.kept.resize(keys, None);
    }

    fn add(&mut self, batch: &RecordBatch, rows: &[u32], keys: &[u32]) -> Result<()> {
        let column = batch.column(self.column).as_string::<i32>();
        for (row, key) in present(column, rows, keys) {
            let value = column.value(row);
            if let Some(kept) = self.kept.get_mut(key)
                && kept.as_deref().is_none_or(|kept| value.cmp(kept) == self.wanted)
            {
                *kept = Some(value.to_owned());
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(StringArray::from(std::mem::take(&mut self.kept))))
    }
}
