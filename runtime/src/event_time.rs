//! When the events of a batch happened.
//!
//! Goes in: rows and the column that says it. Comes out: milliseconds since 1970, a row each. A row without a time belongs nowhere: it is an
//! error, as in Flink.

use alluvium_format::{Error, ErrorKind, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};

/// The column with the time of events.
#[derive(Clone, Debug)]
pub(crate) struct EventTime {
    column: usize,
    name: String,
    unit: TimeUnit,
}

impl EventTime {
    /// The time that a column says: a timestamp, or a BIGINT of milliseconds.
    ///
    /// # Errors
    /// `Invalid` where there is no such column, `Unsupported` where it is no time.
    pub(crate) fn of(schema: &Schema, name: &str) -> Result<Self> {
        let column =
            schema.index_of(name).map_err(|_| Error::invalid(format!("there is no column {name} with a time")))?;
        let unit = match schema.field(column).data_type() {
            DataType::Timestamp(unit, _) => *unit,
            DataType::Int64 => TimeUnit::Millisecond,
            other => {
                let what = format!("{name} is {other}, which is no time of events: it is a timestamp or milliseconds");
                return Err(Error::new(ErrorKind::Unsupported, what));
            }
        };
        Ok(Self { column, name: name.to_owned(), unit })
    }

    /// The time of each row, into `times`.
    ///
    /// # Errors
    /// `Invalid` where a row has none.
    pub(crate) fn times(&self, rows: &RecordBatch, times: &mut Vec<i64>) -> Result<()> {
        let column = rows.column(self.column);
        if column.null_count() > 0 {
            return Err(Error::invalid(format!("a row's {} is null: an event has a time", self.name)));
        }
        let (values, per_milli) = match (column.data_type(), self.unit) {
            (DataType::Int64, _) => (column.as_primitive::<Int64Type>().values(), Scale::As(1)),
            (_, TimeUnit::Second) => (column.as_primitive::<TimestampSecondType>().values(), Scale::Times(1000)),
            (_, TimeUnit::Millisecond) => (column.as_primitive::<TimestampMillisecondType>().values(), Scale::As(1)),
            (_, TimeUnit::Microsecond) => (column.as_primitive::<TimestampMicrosecondType>().values(), Scale::As(1000)),
            (_, TimeUnit::Nanosecond) => {
                (column.as_primitive::<TimestampNanosecondType>().values(), Scale::As(1_000_000))
            }
        };
        times.clear();
        times.extend(values.iter().map(|value| per_milli.millis(*value)));
        Ok(())
    }
}

/// How a unit becomes milliseconds.
#[derive(Clone, Copy)]
enum Scale {
    Times(i64),
    As(i64),
}

impl Scale {
    fn millis(self, value: i64) -> i64 {
        match self {
            Self::Times(factor) => value.saturating_mul(factor),
            Self::As(parts) => value.div_euclid(parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray, TimestampSecondArray};

    use super::*;

    fn times(column: ArrayRef) -> Result<Vec<i64>> {
        let rows = RecordBatch::try_from_iter_with_nullable([("t", column, true)]).unwrap();
        let mut times = Vec::new();
        EventTime::of(&rows.schema(), "t")?.times(&rows, &mut times).map(|()| times)
    }

    #[test]
    fn all_units_are_milliseconds() {
        assert_eq!(times(Arc::new(Int64Array::from(vec![-1, 7]))).unwrap(), [-1, 7]);
        assert_eq!(times(Arc::new(TimestampSecondArray::from(vec![-1, 7]))).unwrap(), [-1000, 7000]);
        // Before 1970, too, a moment belongs to the millisecond that it is in.
        assert_eq!(times(Arc::new(TimestampMicrosecondArray::from(vec![-1, 0, 999, 1000]))).unwrap(), [-1, 0, 0, 1]);
    }

    #[test]
    fn what_has_no_time_is_refused() {
        let null = times(Arc::new(Int64Array::from(vec![Some(1), None]))).unwrap_err();
        assert!(null.to_string().contains("t is null"), "{null}");
        let text = times(Arc::new(StringArray::from(vec!["noon"]))).unwrap_err();
        assert!(text.to_string().contains("t is Utf8"), "{text}");
    }
}
