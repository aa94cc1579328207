//! The folds of a column: which of its values make the values of a new one, and how.
//!
//! Goes in: steps, by row. Comes out: what a [`Rule`] leaves of them. Invariants: a fold begins with null; folds are in the order of the
//! rows they make. For example `Set 0, Aggregate 1 | Set 2` are two folds.

use alluvium_format::Result;

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

/// Whether retractions count: `fields.<column>.ignore-retract`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retractions {
    Count,
    Ignored,
}

/// A function, value by value. `None` is null.
pub(super) trait Rule<V> {
    /// Forgets what is remembered beside the accumulator: a fold begins.
    fn reset(&mut self) {}

    /// The accumulator after a value; by default one that is null leaves the other.
    fn aggregate(&mut self, accumulator: Option<V>, value: Option<V>) -> Result<Option<V>> {
        match (accumulator, value) {
            (Some(accumulator), Some(value)) => self.combine(accumulator, value),
            (accumulator, value) => Ok(accumulator.or(value)),
        }
    }

    /// What [`Rule::aggregate`] makes of two values.
    fn combine(&mut self, accumulator: V, value: V) -> Result<Option<V>>;

    /// The accumulator after a value that was before it.
    fn aggregate_reversed(&mut self, accumulator: Option<V>, value: Option<V>) -> Result<Option<V>> {
        self.aggregate(value, accumulator)
    }

    /// The accumulator after a value is taken back.
    fn retract(&mut self, accumulator: Option<V>, value: Option<V>) -> Result<Option<V>>;
}

/// Gives what `rule` makes of each fold to `emit`; `value` is the input column.
pub(super) fn fold_each<V>(
    folds: &Folds,
    retractions: Retractions,
    rule: &mut impl Rule<V>,
    value: impl Fn(usize) -> Result<Option<V>>,
    mut emit: impl FnMut(Option<V>),
) -> Result<()> {
    for steps in folds.iter() {
        rule.reset();
        let mut accumulator = None;
        for step in steps {
            let row = step.row as usize;
            accumulator = match (step.op, retractions) {
                (FoldOp::Set, _) => value(row)?,
                (FoldOp::Aggregate, _) => rule.aggregate(accumulator, value(row)?)?,
                (FoldOp::AggregateReversed, Retractions::Count) => rule.aggregate_reversed(accumulator, value(row)?)?,
                // Java's wrapper around the function hides what it does of its own in reverse.
                (FoldOp::AggregateReversed, Retractions::Ignored) => rule.aggregate(value(row)?, accumulator)?,
                (FoldOp::Retract, Retractions::Count) => rule.retract(accumulator, value(row)?)?,
                (FoldOp::Retract, Retractions::Ignored) => accumulator,
            };
        }
        emit(accumulator);
    }
    Ok(())
}
