//! Sums: of integers as BIGINT, of decimals with 38 digits, of floats as DOUBLE.

use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{ArrayRef, ArrowNativeTypeOp, PrimitiveArray, RecordBatch};
use arrow_schema::{DECIMAL128_MAX_PRECISION, DataType};

use super::{Accumulator, present};

/// The type of the sum of values; `None`: they have none.
pub(super) fn sum_type(of: &DataType) -> Option<DataType> {
    match of {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Some(DataType::Int64),
        DataType::Float32 | DataType::Float64 => Some(DataType::Float64),
        DataType::Decimal128(_, scale) => Some(DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale)),
        _ => None,
    }
}

pub(super) fn accumulator(column: usize, of: &DataType) -> Option<Box<dyn Accumulator>> {
    let sum = sum_type(of)?;
    Some(match of {
        DataType::Int8 => Box::new(Sum::<Int8Type, Int64Type>::new(column, sum)) as _,
        DataType::Int16 => Box::new(Sum::<Int16Type, Int64Type>::new(column, sum)),
        DataType::Int32 => Box::new(Sum::<Int32Type, Int64Type>::new(column, sum)),
        DataType::Int64 => Box::new(Sum::<Int64Type, Int64Type>::new(column, sum)),
        DataType::Float32 => Box::new(Sum::<Float32Type, Float64Type>::new(column, sum)),
        DataType::Float64 => Box::new(Sum::<Float64Type, Float64Type>::new(column, sum)),
        _ => Box::new(Sum::<Decimal128Type, Decimal128Type>::new(column, sum)),
    })
}

struct Sum<From: ArrowPrimitiveType, To: ArrowPrimitiveType> {
    column: usize,
    data_type: DataType,
    sums: Vec<Option<To::Native>>,
    of: std::marker::PhantomData<From>,
}

impl<From: ArrowPrimitiveType, To: ArrowPrimitiveType> Sum<From, To> {
    fn new(column: usize, data_type: DataType) -> Self {
        Self { column, data_type, sums: Vec::new(), of: std::marker::PhantomData }
    }

    fn beyond(&self) -> Error {
        Error::invalid(format!("a sum is beyond what {} can hold", self.data_type))
    }
}

impl<From, To> Accumulator for Sum<From, To>
where
    From: ArrowPrimitiveType,
    To: ArrowPrimitiveType<Native: std::convert::From<From::Native>>,
{
    fn grow(&mut self, keys: usize) {
        self.sums.resize(keys, None);
    }

    fn add(&mut self, batch: &RecordBatch, rows: &[u32], keys: &[u32]) -> Result<()> {
        let column = batch.column(self.column).as_primitive::<From>();
        for (row, key) in present(column, rows, keys) {
            let value = To::Native::from(column.value(row));
            let sum = match self.sums.get(key).copied().flatten() {
                Some(sum) => sum.add_checked(value).map_err(|_| self.beyond())?,
                None => value,
            };
            if let Some(kept) = self.sums.get_mut(key) {
                *kept = Some(sum);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let sums: PrimitiveArray<To> = std::mem::take(&mut self.sums).into_iter().collect();
        let sums: ArrayRef = Arc::new(sums.with_data_type(self.data_type.clone()));
        if let Some(decimals) = sums.as_primitive_opt::<Decimal128Type>() {
            decimals.validate_decimal_precision(DECIMAL128_MAX_PRECISION).map_err(|_| self.beyond())?;
        }
        Ok(sums)
    }
}
