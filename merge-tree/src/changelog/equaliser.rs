//! Whether two images of a row are the same: `changelog-producer.row-deduplicate` and its ignored fields.
//!
//! Goes in: two batches of one schema. Comes out: whether a row of the one equals a row of the other. What Paimon's generated code says
//! is the rule, also where it surprises. Floats are compared by `==`: 0.0 is -0.0, NaN is not NaN. Two nulls are equal as columns and as
//! fields of a row; in an array, or as the value of a map, null differs from everything. The order of a map's entries does not count;
//! its numbers are compared as Java compares boxes: whole ones are equal only from -128 to 127, floating-point ones never, nor are keys
//! of bytes. All differences in doubt cost a reader no more than an update of a row to an equal one. Answers to
//! `org.apache.paimon.codegen.RecordEqualiser` and `ValueEqualiserSupplier`.

use std::collections::HashMap;
use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{DataType, TimeUnit};

use crate::key_value::kernel_error;

/// Compares rows by all columns but some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordEqualiser {
    /// Columns that do not count.
    pub ignored: Vec<String>,
}

/// Whether a row of one array equals a row of another.
type Equality = Box<dyn Fn(usize, usize) -> bool + Send>;

/// An equaliser for two batches.
pub(super) struct BoundEqualiser {
    columns: Vec<Equality>,
}

impl RecordEqualiser {
    /// For rows of `left` and rows of `right`, batches of one schema.
    ///
    /// # Errors
    /// `Internal` for a type that no column has.
    pub(super) fn bind(&self, left: &RecordBatch, right: &RecordBatch) -> Result<BoundEqualiser> {
        let schema = left.schema();
        let fields = schema.fields().iter().zip(left.columns().iter().zip(right.columns()));
        let counts = fields.filter(|(field, _)| !self.ignored.contains(field.name()));
        let columns = counts.map(|(_, (left, right))| column_equality(left, right));
        Ok(BoundEqualiser { columns: columns.collect::<Result<_>>()? })
    }
}

impl BoundEqualiser {
    pub(super) fn equals(&self, left: usize, right: usize) -> bool {
        self.columns.iter().all(|equal| equal(left, right))
    }
}

/// Of columns, and of fields of rows: two nulls are equal.
fn column_equality(left: &ArrayRef, right: &ArrayRef) -> Result<Equality> {
    let values = value_equality(left, right)?;
    let (left, right) = (Arc::clone(left), Arc::clone(right));
    Ok(Box::new(move |a, b| match (left.is_null(a), right.is_null(b)) {
        (false, false) => values(a, b),
        (a, b) => a == b,
    }))
}

/// Of elements of arrays: null equals nothing.
fn element_equality(left: &ArrayRef, right: &ArrayRef) -> Result<Equality> {
    let values = value_equality(left, right)?;
    let (left, right) = (Arc::clone(left), Arc::clone(right));
    Ok(Box::new(move |a, b| !left.is_null(a) && !right.is_null(b) && values(a, b)))
}

/// Of values that are not null.
fn value_equality(left: &ArrayRef, right: &ArrayRef) -> Result<Equality> {
    match left.data_type() {
        DataType::Boolean => {
            let (left, right) = (left.as_boolean().clone(), right.as_boolean().clone());
            Ok(Box::new(move |a, b| left.value(a) == right.value(b)))
        }
        DataType::Int8 => Ok(primitive::<Int8Type>(left, right)),
        DataType::Int16 => Ok(primitive::<Int16Type>(left, right)),
        DataType::Int32 => Ok(primitive::<Int32Type>(left, right)),
        DataType::Int64 => Ok(primitive::<Int64Type>(left, right)),
        DataType::Float32 => Ok(primitive::<Float32Type>(left, right)),
        DataType::Float64 => Ok(primitive::<Float64Type>(left, right)),
        DataType::Decimal128(..) => Ok(primitive::<Decimal128Type>(left, right)),
        DataType::Date32 => Ok(primitive::<Date32Type>(left, right)),
        DataType::Time32(TimeUnit::Millisecond) => Ok(primitive::<Time32MillisecondType>(left, right)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Ok(primitive::<TimestampMillisecondType>(left, right)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(primitive::<TimestampMicrosecondType>(left, right)),
        DataType::Utf8 => {
            let (left, right) = (left.as_string::<i32>().clone(), right.as_string::<i32>().clone());
            Ok(Box::new(move |a, b| left.value(a) == right.value(b)))
        }
        DataType::Binary => {
            let (left, right) = (left.as_binary::<i32>().clone(), right.as_binary::<i32>().clone());
            Ok(Box::new(move |a, b| left.value(a) == right.value(b)))
        }
        DataType::Struct(_) => {
            let fields = left.as_struct().columns().iter().zip(right.as_struct().columns());
            let fields = fields.map(|(left, right)| column_equality(left, right)).collect::<Result<Vec<_>>>()?;
            Ok(Box::new(move |a, b| fields.iter().all(|equal| equal(a, b))))
        }
        DataType::List(_) => list(left, right),
        DataType::Map(..) => map(left, right),
        other => Err(Error::internal(format!("rows are compared by a column of type {other}"))),
    }
}

fn primitive<T: ArrowPrimitiveType>(left: &ArrayRef, right: &ArrayRef) -> Equality {
    let (left, right) = (left.as_primitive::<T>().clone(), right.as_primitive::<T>().clone());
    Box::new(move |a, b| left.value(a) == right.value(b))
}

fn list(left: &ArrayRef, right: &ArrayRef) -> Result<Equality> {
    let (left, right) = (left.as_list::<i32>().clone(), right.as_list::<i32>().clone());
    let elements = element_equality(left.values(), right.values())?;
    Ok(Box::new(move |a, b| {
        let (of_left, of_right) = (range(left.value_offsets(), a), range(right.value_offsets(), b));
        of_left.len() == of_right.len() && of_left.zip(of_right).all(|(a, b)| elements(a, b))
    }))
}

fn map(left: &ArrayRef, right: &ArrayRef) -> Result<Equality> {
    let (left, right) = (left.as_map().clone(), right.as_map().clone());
    let has_keys = !left.key_type().is_binary();
    let (left_keys, right_keys) = comparable(left.keys(), right.keys())?;
    let values = boxed_equality(left.values(), right.values())?;
    Ok(Box::new(move |a, b| {
        let (of_left, of_right) = (range(left.value_offsets(), a), range(right.value_offsets(), b));
        if of_left.len() != of_right.len() || (!has_keys && !of_left.is_empty()) {
            return false;
        }
        // Of equal keys the last one counts.
        let by_key: HashMap<&[u8], usize> = of_right.map(|row| (right_keys.row(row).data(), row)).collect();
        let of_left: HashMap<&[u8], usize> = of_left.map(|row| (left_keys.row(row).data(), row)).collect();
        of_left.iter().all(|(key, row)| by_key.get(key).is_some_and(|other| values(*row, *other)))
    }))
}

/// The keys of two maps in a form that can be looked up.
fn comparable(left: &ArrayRef, right: &ArrayRef) -> Result<(Rows, Rows)> {
    let converter = RowConverter::new(vec![SortField::new(left.data_type().clone())]).map_err(kernel_error)?;
    let rows = |keys: &ArrayRef| converter.convert_columns(std::slice::from_ref(keys)).map_err(kernel_error);
    Ok((rows(left)?, rows(right)?))
}

/// Of values of maps: of numbers Java compares the boxes, which are the same only where it keeps them.
fn boxed_equality(left: &ArrayRef, right: &ArrayRef) -> Result<Equality> {
    let values = element_equality(left, right)?;
    let kept = |value: i64| i64::from(i8::MIN) <= value && value <= i64::from(i8::MAX);
    let left = Arc::clone(left);
    Ok(match left.data_type() {
        DataType::Float32 | DataType::Float64 => Box::new(|_, _| false),
        DataType::Int16 => Box::new(move |a, b| values(a, b) && kept(left.as_primitive::<Int16Type>().value(a).into())),
        DataType::Int32 => Box::new(move |a, b| values(a, b) && kept(left.as_primitive::<Int32Type>().value(a).into())),
        DataType::Int64 => Box::new(move |a, b| values(a, b) && kept(left.as_primitive::<Int64Type>().value(a))),
        DataType::Date32 => {
            Box::new(move |a, b| values(a, b) && kept(left.as_primitive::<Date32Type>().value(a).into()))
        }
        DataType::Time32(_) => {
            Box::new(move |a, b| values(a, b) && kept(left.as_primitive::<Time32MillisecondType>().value(a).into()))
        }
        _ => values,
    })
}

/// The elements of a row. Offsets are checked when an array is made.
fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |index: usize| offsets.get(index).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0);
    at(row)..at(row + 1)
}
