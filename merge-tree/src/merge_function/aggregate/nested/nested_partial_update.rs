//! `nested_partial_update`: the rows of arrays in one array, of each `nested-key` one row, whose fields are the last that are not null.
//!
//! Null rows are left out. An array alone stays as it is, doubled keys and all.
//! Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldNestedPartialUpdateAgg`.

use alluvium_format::Result;
use alluvium_format::data_type::DataType;
use alluvium_format::datum::Datum;

use super::row_key::RowKey;
use super::{array_of, rows};
use crate::merge_function::aggregate::folds::Rule;
use crate::merge_function::aggregate::no_retraction;
use alluvium_format::java_map::JavaMap;

/// Unites arrays of rows, field by field.
pub(crate) struct NestedPartialUpdate {
    key: RowKey,
}

impl NestedPartialUpdate {
    /// For a column of `data_type`, an array of rows, of which the fields `key` identify a row.
    pub(crate) fn new(key: &[usize], data_type: &DataType) -> Self {
        Self { key: RowKey::new(key, data_type) }
    }
}

impl Rule<Datum> for NestedPartialUpdate {
    fn combine(&mut self, accumulator: Datum, value: Datum) -> Result<Option<Datum>> {
        let mut map: JavaMap<_, Vec<Option<Datum>>> = JavaMap::new();
        for row in rows(accumulator).chain(rows(value)) {
            let fields = map.compute_if_absent(self.key.of(&row)?);
            fields.resize(row.len(), None);
            for (field, value) in fields.iter_mut().zip(row) {
                if value.is_some() {
                    *field = value;
                }
            }
        }
        Ok(Some(array_of(map.into_entries().map(|(_, row)| row))))
    }

    fn retract(&mut self, _: Option<Datum>, _: Option<Datum>) -> Result<Option<Datum>> {
        Err(no_retraction("nested_partial_update"))
    }
}
