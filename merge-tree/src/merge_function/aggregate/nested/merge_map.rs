//! `merge_map`: the entries of maps in one map, the later value of a key.
//!
//! A retraction takes its keys out. Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldMergeMapAgg`.

use alluvium_format::Result;
use alluvium_format::data_type::DataType;
use alluvium_format::datum::Datum;

use super::{Entries, entries};
use crate::merge_function::aggregate::folds::Rule;
use crate::merge_function::aggregate::java_value::Boxed;
use alluvium_format::java_map::JavaMap;

/// Unites maps.
pub(crate) struct MergeMap<'a> {
    key: &'a DataType,
}

impl<'a> MergeMap<'a> {
    /// For a column whose keys are of type `key`.
    pub(crate) fn new(key: &'a DataType) -> Self {
        Self { key }
    }

    fn put_all(&self, map: &mut JavaMap<Boxed, Option<Datum>>, entries: Entries) {
        for (key, value) in entries {
            map.put(Boxed::new(key, self.key), value);
        }
    }

    fn without(&self, all: Entries, taken_back: Entries) -> Datum {
        let mut gone = JavaMap::new();
        for (key, _) in taken_back {
            gone.put(Boxed::new(key, self.key), ());
        }
        let mut map = JavaMap::new();
        for (key, value) in all {
            let key = Boxed::new(key, self.key);
            if gone.get(&key).is_none() {
                map.put(key, value);
            }
        }
        as_map(map)
    }
}

impl Rule<Datum> for MergeMap<'_> {
    fn combine(&mut self, accumulator: Datum, value: Datum) -> Result<Option<Datum>> {
        let mut map = JavaMap::new();
        self.put_all(&mut map, entries(accumulator));
        self.put_all(&mut map, entries(value));
        Ok(Some(as_map(map)))
    }

    fn retract(&mut self, accumulator: Option<Datum>, value: Option<Datum>) -> Result<Option<Datum>> {
        Ok(match (accumulator, value) {
            (Some(accumulator), Some(value)) => Some(self.without(entries(accumulator), entries(value))),
            (accumulator, _) => accumulator,
        })
    }
}

/// A map as a value.
pub(super) fn as_map(map: JavaMap<Boxed, Option<Datum>>) -> Datum {
    Datum::Map(map.into_entries().map(|(key, value)| (key.value, value)).collect())
}
