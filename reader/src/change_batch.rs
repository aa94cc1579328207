//! Rows as a read yields them: with their kinds, or rows of the table, which need none.
//!
//! Goes in: what files and merges give. Comes out: the rows of a batch that pass, and kinds where they are asked for.

use alluvium_format::{Error, Predicate, Result, RowKind};
use arrow_array::cast::AsArray;
use arrow_array::types::Int8Type;
use arrow_array::{Int8Array, RecordBatch};
use arrow_schema::ArrowError;
use arrow_select::filter::{filter, filter_record_batch};

use crate::filter::matching_rows;

/// Changes of rows.
#[derive(Clone, Debug)]
pub struct ChangeBatch {
    /// The bytes of [`alluvium_format::RowKind`].
    pub kinds: Int8Array,
    /// The rows.
    pub rows: RecordBatch,
}

impl ChangeBatch {
    /// Rows that all come into being.
    #[must_use]
    pub fn inserts(rows: RecordBatch) -> Self {
        let kinds = Int8Array::from_value(RowKind::Insert.to_byte(), rows.num_rows());
        Self { kinds, rows }
    }
}

/// Rows of a split; without kinds where all are rows of the table.
#[derive(Clone, Debug)]
pub(crate) struct SplitBatch {
    pub(crate) kinds: Option<Int8Array>,
    pub(crate) rows: RecordBatch,
}

impl SplitBatch {
    /// What is left when only rows that pass stay.
    pub(crate) fn filtered(self, predicate: &Predicate) -> Result<Self> {
        if *predicate == Predicate::True {
            return Ok(self);
        }
        let keep = matching_rows(predicate, &self.rows)?;
        if keep.true_count() == self.rows.num_rows() {
            return Ok(self);
        }
        let failed = |error: ArrowError| Error::internal("filtering a batch failed").with_source(error);
        let kinds = match &self.kinds {
            None => None,
            Some(kinds) => Some(filter(kinds, &keep).map_err(failed)?.as_primitive::<Int8Type>().clone()),
        };
        Ok(Self { kinds, rows: filter_record_batch(&self.rows, &keep).map_err(failed)? })
    }

    /// The first `rows` rows, or all.
    pub(crate) fn first(self, rows: usize) -> Self {
        if self.rows.num_rows() <= rows {
            return self;
        }
        Self { kinds: self.kinds.map(|kinds| kinds.slice(0, rows)), rows: self.rows.slice(0, rows) }
    }

    /// All but the first `rows` rows, of which there are so many at least.
    pub(crate) fn behind(self, rows: usize) -> Self {
        let left = self.rows.num_rows().saturating_sub(rows);
        Self { kinds: self.kinds.map(|kinds| kinds.slice(rows, left)), rows: self.rows.slice(rows, left) }
    }

    /// All rows as deletes, whatever the kind they were written with.
    pub(crate) fn deleted(self) -> Self {
        let kinds = Int8Array::from_value(RowKind::Delete.to_byte(), self.rows.num_rows());
        Self { kinds: Some(kinds), rows: self.rows }
    }

    /// As changes: with the kinds there are, or `+I`.
    pub(crate) fn into_changes(self) -> ChangeBatch {
        match self.kinds {
            Some(kinds) => ChangeBatch { kinds, rows: self.rows },
            None => ChangeBatch::inserts(self.rows),
        }
    }
}
