//! Averages of numbers, as DOUBLE.

use std::sync::Arc;

use alluvium_format::Result;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::sum::sum_type;
use super::{Accumulator, present};

pub(super) fn accumulator(column: usize, of: &DataType) -> Option<Box<dyn Accumulator>> {
    sum_type(of)?;
    Some(Box::new(Average { column, kept: Vec::new() }))
}

struct Average {
    column: usize,
    /// Sum and number of values.
    kept: Vec<(f64, u64)>,
}

impl Accumulator for Average {
    fn grow(&mut self, keys: usize) {
        self.kept.resize(keys, (0.0, 0));
    }

    fn add(&mut self, batch: &RecordBatch, rows: &[u32], keys: &[u32]) -> Result<()> {
        let column = cast(batch.column(self.column), &DataType::Float64)
            .map_err(|error| alluvium_format::Error::internal("numbers that are no DOUBLE").with_source(error))?;
        let values = column.as_primitive::<Float64Type>();
        for (row, key) in present(column.as_ref(), rows, keys) {
            if let Some((sum, count)) = self.kept.get_mut(key) {
                *sum += values.value(row);
                *count += 1;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let kept = std::mem::take(&mut self.kept).into_iter();
        let averages = kept.map(|(sum, count)| (count > 0).then(|| sum / count as f64));
        let averages: Float64Array = averages.collect();
        Ok(Arc::new(averages))
    }
}
