//! What is kept of many rows of a key: counts, sums, extremes, averages.
//!
//! Goes in: rows and the numbers of their keys. Comes out: a column with a value for each key. Nulls do not count, but for `COUNT(*)`; of no
//! value at all a sum, an extreme and an average are null. Rows are added only.

mod average;
mod count;
mod extreme;
mod sum;

use std::cmp::Ordering;

use alluvium_format::{Error, ErrorKind, Result};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

/// What is made of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    CountAll,
    Count,
    Sum,
    Min,
    Max,
    Average,
}

/// An aggregate of rows, as a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    function: Function,
    /// Empty where all rows count.
    of: String,
    name: String,
}

impl Aggregate {
    /// How many rows there are, as BIGINT.
    #[must_use]
    pub fn count_all(name: &str) -> Self {
        Self::new(Function::CountAll, "", name)
    }

    /// How many values a column has, as BIGINT.
    #[must_use]
    pub fn count(of: &str, name: &str) -> Self {
        Self::new(Function::Count, of, name)
    }

    /// The sum of a column: of integers as BIGINT, of decimals with 38 digits, of floats as DOUBLE. What a sum cannot hold is an error.
    #[must_use]
    pub fn sum(of: &str, name: &str) -> Self {
        Self::new(Function::Sum, of, name)
    }

    /// The smallest value of a column; NaN is greater than all.
    #[must_use]
    pub fn min(of: &str, name: &str) -> Self {
        Self::new(Function::Min, of, name)
    }

    /// The greatest value of a column; NaN is greater than all.
    #[must_use]
    pub fn max(of: &str, name: &str) -> Self {
        Self::new(Function::Max, of, name)
    }

    /// The average of a column of numbers, as DOUBLE.
    #[must_use]
    pub fn average(of: &str, name: &str) -> Self {
        Self::new(Function::Average, of, name)
    }

    fn new(function: Function, of: &str, name: &str) -> Self {
        Self { function, of: of.to_owned(), name: name.to_owned() }
    }

    /// The column that it makes of rows with these columns.
    ///
    /// # Errors
    /// `Invalid` where there is no such column; `Unsupported` where the function is not there for its type.
    pub(crate) fn field(&self, schema: &Schema) -> Result<Field> {
        let (data_type, nullable) = match self.function {
            Function::CountAll => (DataType::Int64, false),
            Function::Count => self.source(schema).map(|_| (DataType::Int64, false))?,
            Function::Sum => (sum::sum_type(self.source(schema)?.1.data_type()).ok_or_else(|| self.no(schema))?, true),
            Function::Average => {
                sum::sum_type(self.source(schema)?.1.data_type()).ok_or_else(|| self.no(schema))?;
                (DataType::Float64, true)
            }
            Function::Min | Function::Max => {
                let data_type = self.source(schema)?.1.data_type();
                let ordered = extreme::accumulator(0, data_type, Ordering::Less).is_some();
                (ordered.then(|| data_type.clone()).ok_or_else(|| self.no(schema))?, true)
            }
        };
        Ok(Field::new(&self.name, data_type, nullable))
    }

    /// What keeps it, for no key yet.
    pub(crate) fn accumulator(&self, schema: &Schema) -> Result<Box<dyn Accumulator>> {
        if self.function == Function::CountAll {
            return Ok(Box::new(count::Count::of_rows()));
        }
        let (column, field) = self.source(schema)?;
        let data_type = field.data_type();
        let found = match self.function {
            Function::CountAll | Function::Count => Some(Box::new(count::Count::of_values(column)) as _),
            Function::Sum => sum::accumulator(column, data_type),
            Function::Average => average::accumulator(column, data_type),
            Function::Min => extreme::accumulator(column, data_type, Ordering::Less),
            Function::Max => extreme::accumulator(column, data_type, Ordering::Greater),
        };
        found.ok_or_else(|| self.no(schema))
    }

    fn source<'a>(&self, schema: &'a Schema) -> Result<(usize, &'a Field)> {
        let missing = || Error::invalid(format!("{} is of a column {} that there is not", self.name, self.of));
        let column = schema.index_of(&self.of).map_err(|_| missing())?;
        Ok((column, schema.field(column)))
    }

    fn no(&self, schema: &Schema) -> Error {
        let data_type = self.source(schema).map(|(_, field)| field.data_type().to_string()).unwrap_or_default();
        let what = format!("{}: there is no {:?} of {}, which is {data_type}", self.name, self.function, self.of);
        Error::new(ErrorKind::Unsupported, what)
    }
}

/// Keeps an aggregate for each of some keys, by their numbers.
pub(crate) trait Accumulator {
    /// Has room for so many keys.
    fn grow(&mut self, keys: usize);

    /// Adds rows to their keys: `rows` and `keys` go together.
    ///
    /// # Errors
    /// `Invalid` where a value is beyond what the aggregate can hold.
    fn add(&mut self, batch: &RecordBatch, rows: &[u32], keys: &[u32]) -> Result<()>;

    /// The column of all keys.
    ///
    /// # Errors
    /// As [`Self::add`].
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// The rows whose value is no null, with their keys.
fn present<'a>(column: &'a dyn Array, rows: &'a [u32], keys: &'a [u32]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let pairs = rows.iter().zip(keys).map(|(row, key)| (*row as usize, *key as usize));
    pairs.filter(|(row, _)| column.is_valid(*row))
}
