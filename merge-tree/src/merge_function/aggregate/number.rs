//! `sum` and `product`: arithmetic over columns of numbers, in one loop over the native values.
//!
//! Whole numbers wrap, as Java's do; decimals are in [`super::decimal`]. Nulls are skipped, but a sum takes a value back from null as
//! its negative. For example a sum over `5 null -2` by `Set, Aggregate, Retract` is `7`.
//! Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldSumAgg` and `FieldProductAgg`.

use std::sync::Arc;

use alluvium_format::data_type::TypeRoot;
use alluvium_format::{Error, Result};
use arrow_array::builder::PrimitiveBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};

use super::decimal::{DecimalProduct, DecimalSum};
use super::folds::{Folds, Retractions, Rule, fold_each};

/// Adds, and takes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum;

/// Multiplies, and divides back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product;

/// A native number.
pub(super) trait Number: Copy {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn negative(self) -> Self;
    fn times(self, other: Self) -> Self;
    /// `None`: there is no quotient.
    fn over(self, other: Self) -> Option<Self>;
}

macro_rules! whole_number {
    ($($native:ty)*) => {$(
        impl Number for $native {
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
            fn negative(self) -> Self { self.wrapping_neg() }
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            fn over(self, other: Self) -> Option<Self> { (other != 0).then(|| self.wrapping_div(other)) }
        }
    )*};
}

macro_rules! float {
    ($($native:ty)*) => {$(
        impl Number for $native {
            fn plus(self, other: Self) -> Self { self + other }
            fn minus(self, other: Self) -> Self { self - other }
            fn negative(self) -> Self { -self }
            fn times(self, other: Self) -> Self { self * other }
            fn over(self, other: Self) -> Option<Self> { Some(self / other) }
        }
    )*};
}

whole_number!(i8 i16 i32 i64);
float!(f32 f64);

impl<N: Number> Rule<N> for Sum {
    fn combine(&mut self, accumulator: N, value: N) -> Result<Option<N>> {
        Ok(Some(accumulator.plus(value)))
    }

    fn retract(&mut self, accumulator: Option<N>, value: Option<N>) -> Result<Option<N>> {
        Ok(match (accumulator, value) {
            (Some(accumulator), Some(value)) => Some(accumulator.minus(value)),
            (None, Some(value)) => Some(value.negative()),
            (accumulator, None) => accumulator,
        })
    }
}

impl<N: Number> Rule<N> for Product {
    fn combine(&mut self, accumulator: N, value: N) -> Result<Option<N>> {
        Ok(Some(accumulator.times(value)))
    }

    fn retract(&mut self, accumulator: Option<N>, value: Option<N>) -> Result<Option<N>> {
        match (accumulator, value) {
            (Some(accumulator), Some(value)) => {
                accumulator.over(value).map(Some).ok_or_else(|| Error::invalid("a product cannot take back a 0"))
            }
            (accumulator, _) => Ok(accumulator),
        }
    }
}

/// The sum of each fold of a column of numbers.
pub(super) fn sum(root: &TypeRoot, input: &ArrayRef, folds: &Folds, retractions: Retractions) -> Result<ArrayRef> {
    match root {
        TypeRoot::TinyInt => fold::<Int8Type>(Sum, input, folds, retractions),
        TypeRoot::SmallInt => fold::<Int16Type>(Sum, input, folds, retractions),
        TypeRoot::Int => fold::<Int32Type>(Sum, input, folds, retractions),
        TypeRoot::BigInt => fold::<Int64Type>(Sum, input, folds, retractions),
        TypeRoot::Float => fold::<Float32Type>(Sum, input, folds, retractions),
        TypeRoot::Double => fold::<Float64Type>(Sum, input, folds, retractions),
        TypeRoot::Decimal { precision, .. } => {
            fold::<Decimal128Type>(DecimalSum::new(*precision), input, folds, retractions)
        }
        _ => Err(no_number(input)),
    }
}

/// The product of each fold of a column of numbers.
pub(super) fn product(root: &TypeRoot, input: &ArrayRef, folds: &Folds, retractions: Retractions) -> Result<ArrayRef> {
    match root {
        TypeRoot::TinyInt => fold::<Int8Type>(Product, input, folds, retractions),
        TypeRoot::SmallInt => fold::<Int16Type>(Product, input, folds, retractions),
        TypeRoot::Int => fold::<Int32Type>(Product, input, folds, retractions),
        TypeRoot::BigInt => fold::<Int64Type>(Product, input, folds, retractions),
        TypeRoot::Float => fold::<Float32Type>(Product, input, folds, retractions),
        TypeRoot::Double => fold::<Float64Type>(Product, input, folds, retractions),
        TypeRoot::Decimal { precision, scale } => {
            fold::<Decimal128Type>(DecimalProduct::new(*precision, *scale), input, folds, retractions)
        }
        _ => Err(no_number(input)),
    }
}

fn fold<T: ArrowPrimitiveType>(
    mut rule: impl Rule<T::Native>,
    input: &ArrayRef,
    folds: &Folds,
    retractions: Retractions,
) -> Result<ArrayRef> {
    let column = input.as_primitive_opt::<T>().ok_or_else(|| no_number(input))?;
    let natives = column.values();
    let mut out = PrimitiveBuilder::<T>::with_capacity(folds.ends.len()).with_data_type(input.data_type().clone());
    let value = |row: usize| Ok((!column.is_null(row)).then(|| natives[row]));
    fold_each(folds, retractions, &mut rule, value, |value| out.append_option(value))?;
    Ok(Arc::new(out.finish()))
}

fn no_number(input: &ArrayRef) -> Error {
    Error::internal(format!("a column of {} is not of the numeric type it has in the schema", input.data_type()))
}
