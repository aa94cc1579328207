//! Functions that make one value of the values a column has in the records of a key.
//!
//! Goes in: a column of records, and for each row of output the steps of its fold. Comes out: a column of output. For example a sum over
//! `1 2 5` by the folds `Set 0, Aggregate 1 | Set 2` is `3 5`. Numbers fold in one loop over native values, functions that pick a value
//! gather rows, the others go value by value. Answers to `org.apache.paimon.mergetree.compact.aggregate.FieldAggregator` and
//! `FieldIgnoreRetractAgg`.

mod boolean;
mod decimal;
mod folds;
mod function;
mod java_value;
mod listagg;
mod nested;
mod number;
mod pick;
mod sketch;

use alluvium_format::options::CoreOptions;
use alluvium_format::{DataField, Error, Result, ResultExt, TypeRoot};
use arrow_array::ArrayRef;

use boolean::Connective;
use folds::Retractions;
pub use folds::{FoldOp, FoldStep, Folds};
use function::Function;
pub(super) use function::{LAST_NON_NULL_VALUE, LAST_VALUE, PRIMARY_KEY};
use nested::{Collect, MergeMap, MergeMapWithKeytime, NestedPartialUpdate, NestedUpdate, fold_datums};
use pick::Extreme;

/// A function of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldAggregator {
    function: Function,
    retractions: Retractions,
    field: DataField,
}

impl FieldAggregator {
    /// The function of this `name` for a column, with what `options` say of the column.
    ///
    /// # Errors
    /// `Invalid` for a name that there is not, a type that the function does not take, and options that contradict each other.
    pub fn new(name: &str, field: &DataField, options: &CoreOptions) -> Result<Self> {
        let ignores = options.field_ignore_retract(&field.name)?;
        if ignores && options.aggregation_remove_record_on_delete()? {
            return Err(Error::invalid(format!(
                "aggregation.remove-record-on-delete and fields.{}.ignore-retract contradict each other: set one of them",
                field.name
            )));
        }
        Ok(Self {
            function: Function::new(name, field, options)?,
            retractions: if ignores { Retractions::Ignored } else { Retractions::Count },
            field: field.clone(),
        })
    }

    /// Folds a column.
    ///
    /// # Errors
    /// `Invalid` for a retraction that the function does not have, and for values it cannot take.
    pub fn fold(&self, input: &ArrayRef, folds: &Folds) -> Result<ArrayRef> {
        self.folded(input, folds).context(|| format!("aggregating the column {}", self.field.name))
    }

    fn folded(&self, input: &ArrayRef, folds: &Folds) -> Result<ArrayRef> {
        let (root, retractions) = (&self.field.data_type.root, self.retractions);
        match &self.function {
            Function::Sum => number::sum(root, input, folds, retractions),
            Function::Product => number::product(root, input, folds, retractions),
            Function::Min => pick::extreme(Extreme::Min, root, input, folds, retractions),
            Function::Max => pick::extreme(Extreme::Max, root, input, folds, retractions),
            Function::LastValue => pick::pick(pick::LastValue, input, folds, retractions),
            Function::LastNonNullValue => pick::pick(pick::LastNonNullValue, input, folds, retractions),
            Function::FirstValue => pick::pick(pick::FirstValue::default(), input, folds, retractions),
            Function::FirstNonNullValue => pick::pick(pick::FirstNonNullValue::default(), input, folds, retractions),
            Function::PrimaryKey => pick::pick(pick::PrimaryKey, input, folds, retractions),
            Function::BoolAnd => boolean::connect(Connective::And, input, folds, retractions),
            Function::BoolOr => boolean::connect(Connective::Or, input, folds, retractions),
            Function::Listagg { delimiter, tokens } => listagg::listagg(delimiter, *tokens, input, folds, retractions),
            Function::Rbm32 => sketch::unite::<sketch::Rbm32>(input, folds, retractions),
            Function::Rbm64 => sketch::unite::<sketch::Rbm64>(input, folds, retractions),
            Function::HllSketch => sketch::unite::<sketch::Hll>(input, folds, retractions),
            Function::ThetaSketch => sketch::unite::<sketch::Theta>(input, folds, retractions),
            nested => self.fold_nested(nested, input, folds),
        }
    }

    fn fold_nested(&self, function: &Function, input: &ArrayRef, folds: &Folds) -> Result<ArrayRef> {
        let (data_type, retractions) = (&self.field.data_type, self.retractions);
        let map_key = match &data_type.root {
            TypeRoot::Map { key, .. } => key,
            _ => data_type,
        };
        match function {
            Function::Collect(tokens) => {
                fold_datums(Collect::new(*tokens, data_type), data_type, input, folds, retractions)
            }
            Function::MergeMap => fold_datums(MergeMap::new(map_key), data_type, input, folds, retractions),
            Function::MergeMapWithKeytime { time_field } => {
                fold_datums(MergeMapWithKeytime::new(map_key, *time_field), data_type, input, folds, retractions)
            }
            Function::NestedUpdate { key, count_limit } => {
                fold_datums(NestedUpdate::new(key, *count_limit, data_type), data_type, input, folds, retractions)
            }
            Function::NestedPartialUpdate { key } => {
                fold_datums(NestedPartialUpdate::new(key, data_type), data_type, input, folds, retractions)
            }
            _ => Err(Error::internal("a function of other than nested values came among them")),
        }
    }
}

/// A record retracts, and the function has no rule for it.
fn no_retraction(function: &str) -> Error {
    Error::invalid(format!(
        "{function} cannot take back a value, which a record of kind -U or -D asks for: set fields.<column>.ignore-retract = true to \
         leave the column as it is then"
    ))
}

/// The values of a text or binary column of one batch take at most 2 GiB.
fn check_array_bytes(bytes: usize) -> Result<()> {
    if i32::try_from(bytes).is_err() {
        return Err(Error::invalid(format!("aggregated values of {bytes} bytes in one batch: at most 2 GiB fit")));
    }
    Ok(())
}
