//! `merge_map_with_keytime`: the entries of maps in one map, of each key the value with the greatest time.
//!
//! Values are rows, one field of which is a text that tells the time. A null value takes its key out, one without a time is skipped, and
//! of equal times the earlier value stays. Answers to
//! `org.apache.paimon.mergetree.compact.aggregate.FieldMergeMapWithKeyTimeAgg`.

use alluvium_format::data_type::DataType;
use alluvium_format::datum::Datum;
use alluvium_format::{Error, Result};

use super::entries;
use super::merge_map::as_map;
use crate::merge_function::aggregate::folds::Rule;
use crate::merge_function::aggregate::java_map::JavaMap;
use crate::merge_function::aggregate::java_value::Boxed;
use crate::merge_function::aggregate::no_retraction;

/// Unites maps by the time of each value.
pub(crate) struct MergeMapWithKeytime<'a> {
    key: &'a DataType,
    time_field: usize,
}

impl<'a> MergeMapWithKeytime<'a> {
    /// For a column whose keys are of type `key`, and whose values have their time at `time_field`.
    pub(crate) fn new(key: &'a DataType, time_field: usize) -> Self {
        Self { key, time_field }
    }

    fn time<'v>(&self, value: &'v Datum) -> Result<Option<&'v str>> {
        let field = match value {
            Datum::Row(fields) => fields.get(self.time_field).and_then(Option::as_ref),
            _ => None,
        };
        match field {
            None => Ok(None),
            Some(Datum::String(time)) => Ok(Some(time)),
            Some(_) => Err(Error::invalid("the time field of merge_map_with_keytime must be a STRING")),
        }
    }

    /// Whether `value`, which has a time, takes the place of the value that is there.
    fn is_newer(&self, time: &str, there: Option<&Datum>) -> Result<bool> {
        let there = there.map(|there| self.time(there)).transpose()?.flatten();
        // Java compares the 16-bit units of texts.
        Ok(there.is_none_or(|there| time.encode_utf16().gt(there.encode_utf16())))
    }
}

impl Rule<Datum> for MergeMapWithKeytime<'_> {
    fn combine(&mut self, accumulator: Datum, value: Datum) -> Result<Option<Datum>> {
        let mut map = JavaMap::new();
        for (key, value) in entries(accumulator) {
            map.put(Boxed::new(key, self.key), value);
        }
        for (key, value) in entries(value) {
            let key = Boxed::new(key, self.key);
            let Some(value) = value else {
                map.remove(&key);
                continue;
            };
            let Some(time) = self.time(&value)? else { continue };
            if self.is_newer(time, map.get(&key).and_then(Option::as_ref))? {
                map.put(key, Some(value));
            }
        }
        Ok(Some(as_map(map)))
    }

    fn retract(&mut self, _: Option<Datum>, _: Option<Datum>) -> Result<Option<Datum>> {
        Err(no_retraction("merge_map_with_keytime"))
    }
}
