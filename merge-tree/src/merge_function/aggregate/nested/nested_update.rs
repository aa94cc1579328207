//! `nested_update`: the rows of arrays in one array, as rows of a table within the row.
//!
//! With a `nested-key` of several rows of one key the last stays, and a retraction takes out the rows of its keys; without one rows are
//! appended, and a retraction takes out all rows that equal its own. An array that has `count-limit` rows takes no more. Null rows are
//! left out. Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldNestedUpdateAgg`.

use alluvium_format::Result;
use alluvium_format::data_type::DataType;
use alluvium_format::datum::Datum;

use super::row_key::RowKey;
use super::{array_of, elements, rows};
use crate::merge_function::aggregate::folds::Rule;
use crate::merge_function::aggregate::java_value::equaliser_equal;
use alluvium_format::java_map::JavaMap;

/// Unites arrays of rows.
pub(crate) struct NestedUpdate {
    key: Option<RowKey>,
    count_limit: usize,
}

impl NestedUpdate {
    /// For a column of `data_type`, an array of rows, of which the fields `key` identify a row.
    pub(crate) fn new(key: &[usize], count_limit: usize, data_type: &DataType) -> Self {
        Self { key: (!key.is_empty()).then(|| RowKey::new(key, data_type)), count_limit }
    }

    fn without(&self, all: Datum, taken_back: Datum) -> Result<Datum> {
        let Some(key) = &self.key else {
            let gone: Vec<Datum> = rows(taken_back).map(Datum::Row).collect();
            let is_gone = |row: &Datum| gone.iter().any(|gone| equaliser_equal(Some(row), Some(gone)));
            return Ok(Datum::Array(rows(all).map(Datum::Row).filter(|row| !is_gone(row)).map(Some).collect()));
        };
        let mut map = JavaMap::new();
        for row in rows(all) {
            map.put(key.of(&row)?, row);
        }
        for row in rows(taken_back) {
            map.remove(&key.of(&row)?);
        }
        Ok(array_of(map.into_entries().map(|(_, row)| row)))
    }
}

impl Rule<Datum> for NestedUpdate {
    fn combine(&mut self, accumulator: Datum, value: Datum) -> Result<Option<Datum>> {
        let held = elements(accumulator);
        let Some(room) = self.count_limit.checked_sub(held.len()).filter(|room| *room > 0) else {
            return Ok(Some(Datum::Array(held)));
        };
        let all = rows(Datum::Array(held)).chain(rows(value).take(room));
        let Some(key) = &self.key else { return Ok(Some(array_of(all))) };
        let mut map = JavaMap::new();
        for row in all {
            map.put(key.of(&row)?, row);
        }
        Ok(Some(array_of(map.into_entries().map(|(_, row)| row))))
    }

    fn retract(&mut self, accumulator: Option<Datum>, value: Option<Datum>) -> Result<Option<Datum>> {
        match (accumulator, value) {
            (Some(accumulator), Some(value)) => self.without(accumulator, value).map(Some),
            (accumulator, _) => Ok(accumulator),
        }
    }
}
