//! How many rows, or values, a key has.

use std::sync::Arc;

use alluvium_format::Result;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};

use super::{Accumulator, present};

pub(super) struct Count {
    /// `None`: of rows.
    column: Option<usize>,
    counts: Vec<i64>,
}

impl Count {
    pub(super) fn of_rows() -> Self {
        Self { column: None, counts: Vec::new() }
    }

    pub(super) fn of_values(column: usize) -> Self {
        Self { column: Some(column), counts: Vec::new() }
    }

    fn add_one(&mut self, key: usize) {
        if let Some(count) = self.counts.get_mut(key) {
            *count += 1;
        }
    }
}

impl Accumulator for Count {
    fn grow(&mut self, keys: usize) {
        self.counts.resize(keys, 0);
    }

    fn add(&mut self, batch: &RecordBatch, rows: &[u32], keys: &[u32]) -> Result<()> {
        match self.column {
            None => keys.iter().for_each(|key| self.add_one(*key as usize)),
            Some(column) => {
                let column = batch.column(column).clone();
                present(column.as_ref(), rows, keys).for_each(|(_, key)| self.add_one(key));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(std::mem::take(&mut self.counts))))
    }
}
