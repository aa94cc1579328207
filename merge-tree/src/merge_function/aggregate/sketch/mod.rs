//! Bitmaps and sketches in binary columns: `rbm32`, `rbm64`, `hll_sketch`, `theta_sketch` unite them.
//!
//! Goes in: their serialised forms, as Java's libraries write them. Comes out: the form of the union. Bytes are read only when two are
//! united, so that a value alone passes as it is; of many, the union is kept unserialised until the fold ends. Invariants: bytes that are
//! no sketch are an error, and never ask for more memory than they could fill.

mod byte_reader;
mod hll;
mod rbm32;
mod rbm64;
mod theta;

use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use byte_reader::ByteReader;
pub(super) use hll::Hll;
pub(super) use rbm32::Rbm32;
pub(super) use rbm64::Rbm64;
pub(super) use theta::Theta;

use super::folds::{Folds, Retractions, Rule, fold_each};
use super::{check_array_bytes, no_retraction};

/// A set, or an estimate of one.
pub(super) trait Sketch: Sized {
    /// The function that unites them.
    const FUNCTION: &'static str;

    /// Of its serialised form.
    fn parse(bytes: &[u8]) -> Result<Self>;

    /// Takes in another one, which came later.
    fn unite(self, later: Self) -> Result<Self>;

    /// Its serialised form.
    fn serialize(self) -> Result<Vec<u8>>;
}

/// A sketch on its way through a fold.
enum State<'a, S> {
    Bytes(&'a [u8]),
    Parsed(S),
}

impl<S: Sketch> State<'_, S> {
    fn parsed(self) -> Result<S> {
        match self {
            Self::Bytes(bytes) => S::parse(bytes),
            Self::Parsed(sketch) => Ok(sketch),
        }
    }
}

struct Union;

impl<'a, S: Sketch> Rule<State<'a, S>> for Union {
    fn combine(&mut self, accumulator: State<'a, S>, value: State<'a, S>) -> Result<Option<State<'a, S>>> {
        Ok(Some(State::Parsed(accumulator.parsed()?.unite(value.parsed()?)?)))
    }

    fn retract(&mut self, _: Option<State<'a, S>>, _: Option<State<'a, S>>) -> Result<Option<State<'a, S>>> {
        Err(no_retraction(S::FUNCTION))
    }
}

/// Unites the sketches of each fold.
pub(super) fn unite<S: Sketch>(input: &ArrayRef, folds: &Folds, retractions: Retractions) -> Result<ArrayRef> {
    let column = input
        .as_binary_opt::<i32>()
        .ok_or_else(|| Error::internal(format!("a column of {} is no VARBINARY", input.data_type())))?;
    let mut states: Vec<Option<State<'_, S>>> = Vec::with_capacity(folds.ends.len());
    let value = |row: usize| Ok((!column.is_null(row)).then(|| State::Bytes(column.value(row))));
    fold_each(folds, retractions, &mut Union, value, |state| states.push(state))?;
    let mut builder = BinaryBuilder::with_capacity(states.len(), column.value_data().len());
    let mut bytes = 0;
    for state in states {
        let serialized;
        let value = match state {
            None => None,
            Some(State::Bytes(bytes)) => Some(bytes),
            Some(State::Parsed(sketch)) => {
                serialized = sketch.serialize()?;
                Some(serialized.as_slice())
            }
        };
        bytes += value.map_or(0, <[u8]>::len);
        check_array_bytes(bytes)?;
        builder.append_option(value);
    }
    Ok(Arc::new(builder.finish()))
}

/// Bytes of a user's that are no sketch.
fn broken(function: &str, why: impl std::fmt::Display) -> Error {
    Error::invalid(format!("a value of a {function} column is no such sketch: {why}"))
}
