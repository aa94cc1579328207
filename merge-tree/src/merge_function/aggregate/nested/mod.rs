//! Functions over arrays and maps, value by value: `collect`, `merge_map`, `nested_update` and their kin.
//!
//! A value is taken out of its column as a [`Datum`], folded, and put into a new column. Collections come out in the order in which Java
//! has them (see [`alluvium_format::java_map`]).

mod collect;
mod merge_map;
mod merge_map_with_keytime;
mod nested_partial_update;
mod nested_update;
mod row_key;

use alluvium_format::Result;
use alluvium_format::arrow::{array_from_datums, datum_at};
use alluvium_format::data_type::{DataType, TypeRoot};
use alluvium_format::datum::Datum;
use arrow_array::ArrayRef;

pub(super) use collect::Collect;
pub(super) use merge_map::MergeMap;
pub(super) use merge_map_with_keytime::MergeMapWithKeytime;
pub(super) use nested_partial_update::NestedPartialUpdate;
pub(super) use nested_update::NestedUpdate;

use super::folds::{Folds, Retractions, Rule, fold_each};

/// The elements of an array.
type Elements = Vec<Option<Datum>>;

/// The entries of a map.
type Entries = Vec<(Option<Datum>, Option<Datum>)>;

/// Folds a column of any type by a rule over its values.
pub(super) fn fold_datums(
    mut rule: impl Rule<Datum>,
    data_type: &DataType,
    input: &ArrayRef,
    folds: &Folds,
    retractions: Retractions,
) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(folds.ends.len());
    fold_each(folds, retractions, &mut rule, |row| datum_at(input, data_type, row), |value| out.push(value))?;
    array_from_datums(&data_type.with_nullable(true), &out)
}

/// The elements of a value that is an array; there are no others here.
fn elements(value: Datum) -> Elements {
    match value {
        Datum::Array(elements) => elements,
        _ => Vec::new(),
    }
}

/// The entries of a value that is a map; there are no others here.
fn entries(value: Datum) -> Entries {
    match value {
        Datum::Map(entries) => entries,
        _ => Vec::new(),
    }
}

/// The rows of an array of rows; null rows are left out.
fn rows(value: Datum) -> impl Iterator<Item = Vec<Option<Datum>>> {
    elements(value).into_iter().filter_map(|element| match element {
        Some(Datum::Row(fields)) => Some(fields),
        _ => None,
    })
}

/// An array of rows.
fn array_of(rows: impl IntoIterator<Item = Vec<Option<Datum>>>) -> Datum {
    Datum::Array(rows.into_iter().map(|row| Some(Datum::Row(row))).collect())
}

/// The type of the elements of an array, or the type itself when it is none.
fn element_type(data_type: &DataType) -> &DataType {
    match &data_type.root {
        TypeRoot::Array(element) => element,
        _ => data_type,
    }
}
