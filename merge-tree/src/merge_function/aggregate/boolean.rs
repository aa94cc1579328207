//! `bool_and` and `bool_or`: over columns of booleans; nulls are skipped.
//!
//! Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldBoolAndAgg` and `FieldBoolOrAgg`.

use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::builder::BooleanBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use super::folds::{Folds, Retractions, Rule, fold_each};
use super::no_retraction;

/// What is made of two booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connective {
    And,
    Or,
}

impl Rule<bool> for Connective {
    fn combine(&mut self, accumulator: bool, value: bool) -> Result<Option<bool>> {
        Ok(Some(match self {
            Self::And => accumulator && value,
            Self::Or => accumulator || value,
        }))
    }

    fn retract(&mut self, _: Option<bool>, _: Option<bool>) -> Result<Option<bool>> {
        Err(no_retraction(match self {
            Self::And => "bool_and",
            Self::Or => "bool_or",
        }))
    }
}

/// Folds a column of booleans.
pub(super) fn connect(
    mut connective: Connective,
    input: &ArrayRef,
    folds: &Folds,
    retractions: Retractions,
) -> Result<ArrayRef> {
    let column = input
        .as_boolean_opt()
        .ok_or_else(|| Error::internal(format!("a column of {} is no BOOLEAN", input.data_type())))?;
    let mut out = BooleanBuilder::with_capacity(folds.ends.len());
    let value = |row: usize| Ok((!column.is_null(row)).then(|| column.value(row)));
    fold_each(folds, retractions, &mut connective, value, |value| out.append_option(value))?;
    Ok(Arc::new(out.finish()))
}
