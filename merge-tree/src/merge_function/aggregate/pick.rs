//! Functions that pick one of the values: `last_value`, `first_value`, `min`, `max` and their kin.
//!
//! Values are rows of the column until the end, when one kernel gathers those that were picked: any type goes, and nothing is copied
//! twice. For example `min` over `7 null 3` by `Set 0, Aggregate 1, Aggregate 2` picks row 2. Answers to
//! `org.apache.paimon.mergetree.compact.aggregate.FieldLastValueAgg`, `FieldLastNonNullValueAgg`, `FieldFirstValueAgg`,
//! `FieldFirstNonNullValueAgg`, `FieldPrimaryKeyAgg`, `FieldMinAgg` and `FieldMaxAgg`.

use std::cmp::Ordering;

use alluvium_format::data_type::TypeRoot;
use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;

use super::folds::{Folds, Retractions, Rule, fold_each};
use super::no_retraction;
use crate::key_value::kernel_error;

/// The value that came last, null too.
pub(super) struct LastValue;

/// The value that came last and is not null.
pub(super) struct LastNonNullValue;

/// The value of the record, also of one that retracts.
pub(super) struct PrimaryKey;

/// The value that came first, null too.
#[derive(Default)]
pub(super) struct FirstValue {
    seen: bool,
}

/// The first value that is not null.
#[derive(Default)]
pub(super) struct FirstNonNullValue {
    seen: bool,
}

impl Rule<u32> for LastValue {
    fn aggregate(&mut self, _: Option<u32>, value: Option<u32>) -> Result<Option<u32>> {
        Ok(value)
    }

    fn combine(&mut self, _: u32, value: u32) -> Result<Option<u32>> {
        Ok(Some(value))
    }

    fn retract(&mut self, _: Option<u32>, _: Option<u32>) -> Result<Option<u32>> {
        Ok(None)
    }
}

impl Rule<u32> for LastNonNullValue {
    fn combine(&mut self, _: u32, value: u32) -> Result<Option<u32>> {
        Ok(Some(value))
    }

    fn retract(&mut self, accumulator: Option<u32>, value: Option<u32>) -> Result<Option<u32>> {
        Ok(accumulator.filter(|_| value.is_none()))
    }
}

impl Rule<u32> for PrimaryKey {
    fn aggregate(&mut self, _: Option<u32>, value: Option<u32>) -> Result<Option<u32>> {
        Ok(value)
    }

    fn combine(&mut self, _: u32, value: u32) -> Result<Option<u32>> {
        Ok(Some(value))
    }

    fn retract(&mut self, _: Option<u32>, value: Option<u32>) -> Result<Option<u32>> {
        Ok(value)
    }
}

impl Rule<u32> for FirstValue {
    fn reset(&mut self) {
        self.seen = false;
    }

    fn aggregate(&mut self, accumulator: Option<u32>, value: Option<u32>) -> Result<Option<u32>> {
        Ok(if std::mem::replace(&mut self.seen, true) { accumulator } else { value })
    }

    fn combine(&mut self, accumulator: u32, _: u32) -> Result<Option<u32>> {
        Ok(Some(accumulator))
    }

    fn retract(&mut self, _: Option<u32>, _: Option<u32>) -> Result<Option<u32>> {
        Err(no_retraction("first_value"))
    }
}

impl Rule<u32> for FirstNonNullValue {
    fn reset(&mut self) {
        self.seen = false;
    }

    fn aggregate(&mut self, accumulator: Option<u32>, value: Option<u32>) -> Result<Option<u32>> {
        if self.seen || value.is_none() {
            return Ok(accumulator);
        }
        self.seen = true;
        Ok(value)
    }

    fn combine(&mut self, accumulator: u32, _: u32) -> Result<Option<u32>> {
        Ok(Some(accumulator))
    }

    fn retract(&mut self, _: Option<u32>, _: Option<u32>) -> Result<Option<u32>> {
        Err(no_retraction("first_non_null_value"))
    }
}

/// Which of two values is picked, by their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extreme {
    /// The smaller one, the later of equals.
    Min,
    /// The larger one, the earlier of equals.
    Max,
}

struct ByOrder<F> {
    extreme: Extreme,
    compare: F,
}

impl<F: Fn(usize, usize) -> Result<Ordering>> Rule<u32> for ByOrder<F> {
    fn combine(&mut self, accumulator: u32, value: u32) -> Result<Option<u32>> {
        let below = (self.compare)(accumulator as usize, value as usize)?.is_lt();
        Ok(Some(if below == (self.extreme == Extreme::Min) { accumulator } else { value }))
    }

    fn retract(&mut self, _: Option<u32>, _: Option<u32>) -> Result<Option<u32>> {
        Err(no_retraction(match self.extreme {
            Extreme::Min => "min",
            Extreme::Max => "max",
        }))
    }
}

/// The values that `rule` picks.
pub(super) fn pick(
    mut rule: impl Rule<u32>,
    input: &ArrayRef,
    folds: &Folds,
    retractions: Retractions,
) -> Result<ArrayRef> {
    let mut rows: Vec<Option<u32>> = Vec::with_capacity(folds.ends.len());
    let nulls = input.logical_nulls();
    let value = |row: usize| {
        let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        Ok(if valid { u32::try_from(row).ok() } else { None })
    };
    fold_each(folds, retractions, &mut rule, value, |row| rows.push(row))?;
    take(input, &UInt32Array::from(rows), None).map_err(kernel_error)
}

/// The least or the greatest value of each fold, in the order that Java has for the type.
pub(super) fn extreme(
    extreme: Extreme,
    root: &TypeRoot,
    input: &ArrayRef,
    folds: &Folds,
    retractions: Retractions,
) -> Result<ArrayRef> {
    let task = Task { extreme, input, folds, retractions };
    match root {
        TypeRoot::TinyInt => task.native::<Int8Type>(Ord::cmp),
        TypeRoot::SmallInt => task.native::<Int16Type>(Ord::cmp),
        TypeRoot::Int => task.native::<Int32Type>(Ord::cmp),
        TypeRoot::BigInt => task.native::<Int64Type>(Ord::cmp),
        TypeRoot::Float => task.native::<Float32Type>(|a, b| compare_floats(f64::from(*a), f64::from(*b))),
        TypeRoot::Double => task.native::<Float64Type>(|a, b| compare_floats(*a, *b)),
        TypeRoot::Decimal { .. } => task.native::<Decimal128Type>(Ord::cmp),
        TypeRoot::Date => task.native::<Date32Type>(Ord::cmp),
        TypeRoot::Time(_) => task.native::<Time32MillisecondType>(Ord::cmp),
        TypeRoot::Timestamp(0..=3) | TypeRoot::TimestampLtz(0..=3) => task.native::<TimestampMillisecondType>(Ord::cmp),
        TypeRoot::Timestamp(4..=6) | TypeRoot::TimestampLtz(4..=6) => task.native::<TimestampMicrosecondType>(Ord::cmp),
        TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_) => task.wide_timestamps(),
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => {
            let column = input.as_string_opt::<i32>().ok_or_else(|| unlike(input))?;
            task.by(|a, b| Ok(column.value(a).as_bytes().cmp(column.value(b).as_bytes())))
        }
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
            let column = input.as_binary_opt::<i32>().ok_or_else(|| unlike(input))?;
            task.by(|a, b| Ok(column.value(a).cmp(column.value(b))))
        }
        _ => task.by(|_, _| Err(Error::invalid("min and max take only a type whose values have an order"))),
    }
}

struct Task<'a> {
    extreme: Extreme,
    input: &'a ArrayRef,
    folds: &'a Folds,
    retractions: Retractions,
}

impl Task<'_> {
    fn by(&self, compare: impl Fn(usize, usize) -> Result<Ordering>) -> Result<ArrayRef> {
        pick(ByOrder { extreme: self.extreme, compare }, self.input, self.folds, self.retractions)
    }

    fn native<T: ArrowPrimitiveType>(&self, compare: impl Fn(&T::Native, &T::Native) -> Ordering) -> Result<ArrayRef> {
        let natives = self.input.as_primitive_opt::<T>().ok_or_else(|| unlike(self.input))?.values();
        self.by(|a, b| Ok(compare(&natives[a], &natives[b])))
    }

    /// Timestamps of more than six digits: milliseconds and nanoseconds within them.
    fn wide_timestamps(&self) -> Result<ArrayRef> {
        let parts = self.input.as_struct_opt().map(|parts| parts.columns());
        let Some([millis, nanos]) = parts else { return Err(unlike(self.input)) };
        let (Some(millis), Some(nanos)) =
            (millis.as_primitive_opt::<Int64Type>(), nanos.as_primitive_opt::<Int32Type>())
        else {
            return Err(unlike(self.input));
        };
        let (millis, nanos) = (millis.values(), nanos.values());
        self.by(|a, b| Ok((millis[a], nanos[a]).cmp(&(millis[b], nanos[b]))))
    }
}

/// `Double.compare`: -0.0 before 0.0; every NaN is one, and the last.
fn compare_floats(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(&b),
        (a, b) => a.cmp(&b),
    }
}

fn unlike(input: &ArrayRef) -> Error {
    Error::internal(format!("a column of {} is not of the type it has in the schema", input.data_type()))
}
