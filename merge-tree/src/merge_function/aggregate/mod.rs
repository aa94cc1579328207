//! Functions that make one value of the values a column has in the records of a key.
//!
//! Goes in: a column of records, and for each row of output the steps of its fold. Comes out: a column of output. For example a sum over
//! `1 2 5` by the folds `Set 0, Aggregate 1 | Set 2` is `3 5`. Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldAggregator`.

use alluvium_format::options::CoreOptions;
use alluvium_format::{DataField, Error, Result};
use arrow_array::ArrayRef;

/// What a step of a fold does with the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldOp {
    /// The value of the row takes its place, whatever the function; what the function remembers beside the accumulator (whether a first
    /// value was seen) stays: a record that passes, and one that a removed record leaves.
    Set,
    /// `agg(accumulator, value)`.
    Aggregate,
    /// `aggReversed(accumulator, value)`: the value is the earlier one.
    AggregateReversed,
    /// `retract(accumulator, value)`.
    Retract,
}

/// One step of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldStep {
    /// The row of the input column.
    pub row: u32,
    /// What is done with its value.
    pub op: FoldOp,
}

/// The folds of a column: one for each row of output, in order. An accumulator starts as null; a fold without steps leaves null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    /// The steps of all folds, one fold after the other.
    pub steps: Vec<FoldStep>,
    /// For each fold the position behind its last step.
    pub ends: Vec<u32>,
}

impl Folds {
    /// The steps of each fold.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[FoldStep]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let steps = &self.steps[start..*end as usize];
            start = *end as usize;
            steps
        })
    }

    /// Adds a step to the fold that is not ended.
    pub fn push(&mut self, row: u32, op: FoldOp) {
        self.steps.push(FoldStep { row, op });
    }

    /// Ends a fold.
    pub fn end(&mut self) {
        self.ends.push(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
    }
}

/// A function of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldAggregator {
    name: String,
    field: DataField,
}

impl FieldAggregator {
    /// The function of this `name` for a column, with what `options` say of the column.
    ///
    /// # Errors
    /// `Invalid` for a name that there is not, a type that the function does not take, and options that contradict each other.
    pub fn new(name: &str, field: &DataField, options: &CoreOptions) -> Result<Self> {
        let _ = options;
        Ok(Self { name: name.to_owned(), field: field.clone() })
    }

    /// Folds a column.
    ///
    /// # Errors
    /// `Invalid` for a retraction that the function does not have, and for values it cannot take.
    pub fn fold(&self, input: &ArrayRef, folds: &Folds) -> Result<ArrayRef> {
        let _ = (&self.name, &self.field, input, folds);
        Err(Error::internal("not built"))
    }
}
