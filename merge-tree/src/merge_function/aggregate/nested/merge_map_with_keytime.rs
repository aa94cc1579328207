//! `merge_map_with_keytime`: the entries of maps in one map, of each key the value with the greatest time.
//!
//! Values are rows, one field of which is a text that tells the time. A null value takes its key out, one without a time is skipped, and
//! of equal times the earlier value stays. Answers to
//! `org.apache.paimon.mergetree.compact.aggregate.FieldMergeMapWithKeyTimeAgg`.

use alluvium_format::Result;
use alluvium_format::data_type::DataType;
use alluvium_format::datum::Datum;

use super::entries;
use super::merge_map::as_map;
use crate::merge_function::aggregate::folds::Rule;
use crate::merge_function::aggregate::java_value::Boxed;
use crate::merge_function::aggregate::no_retraction;
use alluvium_format::java_map::JavaMap;

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

    fn time<'v>(&self, value: Option<&'v Datum>) -> Option<&'v str> {
        match value {
            Some(Datum::Row(fields)) => match fields.get(self.time_field) {
                Some(Some(Datum::String(time))) => Some(time),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether a time is after another. Java compares the 16-bit units of texts.
fn is_after(time: &str, other: &str) -> bool {
    time.encode_utf16().gt(other.encode_utf16())
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
            let Some(time) = self.time(Some(&value)) else { continue };
            let there = self.time(map.get(&key).and_then(Option::as_ref));
            if there.is_none_or(|there| is_after(time, there)) {
                map.put(key, Some(value));
            }
        }
        Ok(Some(as_map(map)))
    }

    fn retract(&mut self, _: Option<Datum>, _: Option<Datum>) -> Result<Option<Datum>> {
        Err(no_retraction("merge_map_with_keytime"))
    }
}
