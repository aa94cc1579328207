//! `collect`: the elements of arrays in one array.
//!
//! Elements are appended; with `distinct` each is there once. Nested elements are told apart by an equaliser, one by one, and keep their
//! place, others by a Java hash set and come out in its order. A retraction takes back one element for each of its own.
//! `[1, 2]` and `[2, null]` make `[1, 2, 2, null]`, and less `[2]` that is `[1, 2, null]`.
//! Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldCollectAgg`.

use alluvium_format::Result;
use alluvium_format::data_type::{DataType, TypeRoot};
use alluvium_format::datum::Datum;

use super::{Elements, element_type, elements};
use crate::merge_function::aggregate::folds::Rule;
use crate::merge_function::aggregate::function::Tokens;
use crate::merge_function::aggregate::java_value::{Boxed, boxed_equal, equaliser_equal};
use alluvium_format::java_map::JavaMap;

/// Appends arrays.
pub(crate) struct Collect<'a> {
    tokens: Tokens,
    element: &'a DataType,
}

impl<'a> Collect<'a> {
    /// For a column of `data_type`, an array.
    pub(crate) fn new(tokens: Tokens, data_type: &'a DataType) -> Self {
        Self { tokens, element: element_type(data_type) }
    }

    fn has_equaliser(&self) -> bool {
        self.tokens == Tokens::Distinct && self.element.is_nested()
    }

    fn equal(&self, left: &Option<Datum>, right: &Option<Datum>) -> bool {
        let equal = if self.has_equaliser() { equaliser_equal } else { boxed_equal };
        equal(left.as_ref(), right.as_ref())
    }

    /// Both together; either may be missing.
    fn distinct(&self, accumulator: Elements, value: Elements) -> Elements {
        if self.has_equaliser() {
            let mut all = accumulator;
            for element in value {
                if !all.iter().any(|known| self.equal(known, &element)) {
                    all.push(element);
                }
            }
            return all;
        }
        if matches!(self.element.root, TypeRoot::Binary(_) | TypeRoot::VarBinary(_)) {
            // No two binaries are equal to Java, so all are there, in an order that is random there.
            return accumulator.into_iter().chain(value).collect();
        }
        let mut set = JavaMap::new();
        for element in accumulator.into_iter().chain(value) {
            set.put(Boxed::new(element, self.element), ());
        }
        set.into_entries().map(|(element, ())| element.value).collect()
    }

    fn without(&self, all: Elements, mut taken_back: Elements) -> Elements {
        let mut kept = all;
        kept.retain(|element| match taken_back.iter().position(|taken| self.equal(taken, element)) {
            Some(at) => {
                taken_back.remove(at);
                false
            }
            None => true,
        });
        kept
    }
}

impl Rule<Datum> for Collect<'_> {
    fn aggregate(&mut self, accumulator: Option<Datum>, value: Option<Datum>) -> Result<Option<Datum>> {
        match (accumulator, value) {
            (None, None) => Ok(None),
            (Some(accumulator), Some(value)) => self.combine(accumulator, value),
            (accumulator, value) if self.tokens == Tokens::All => Ok(accumulator.or(value)),
            (accumulator, value) => {
                let part = |part: Option<Datum>| part.map(elements).unwrap_or_default();
                Ok(Some(Datum::Array(self.distinct(part(accumulator), part(value)))))
            }
        }
    }

    fn combine(&mut self, accumulator: Datum, value: Datum) -> Result<Option<Datum>> {
        let (mut all, more) = (elements(accumulator), elements(value));
        if self.tokens == Tokens::Distinct {
            return Ok(Some(Datum::Array(self.distinct(all, more))));
        }
        all.extend(more);
        Ok(Some(Datum::Array(all)))
    }

    /// Earlier elements are appended like later ones.
    fn aggregate_reversed(&mut self, accumulator: Option<Datum>, value: Option<Datum>) -> Result<Option<Datum>> {
        self.aggregate(accumulator, value)
    }

    fn retract(&mut self, accumulator: Option<Datum>, value: Option<Datum>) -> Result<Option<Datum>> {
        Ok(match (accumulator, value) {
            (Some(accumulator), Some(value)) => {
                Some(Datum::Array(self.without(elements(accumulator), elements(value))))
            }
            (accumulator, _) => accumulator,
        })
    }
}
