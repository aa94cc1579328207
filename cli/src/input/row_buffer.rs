//! The rows that have been read and not yet handed out.
//!
//! Goes in: the [`Cell`]s of a record, one a column of the table, and its row kind. Comes out: a batch. A row comes in as a whole or not
//! at all.

use std::sync::Arc;

use alluvium::arrow_array::{Int8Array, RecordBatch};
use alluvium::arrow_schema::SchemaRef;
use alluvium::format::arrow::to_arrow_schema;
use alluvium::{Error, Result, RowKind, TableSchema};

use super::UnknownMembers;
use super::cell::{Cell, RowFailure};
use super::column_buffer::ColumnBuffer;
use super::value::{Value, shortened};

/// The text of rows above which a batch ends, so that its columns stay far below the 2 GiB that their offsets reach.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// In which forms values may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// In the one of their type.
    Exact,
    /// In any that is meant for it: change logs write texts for numbers, numbers for booleans, and what they like for texts.
    AnyForm,
}

/// Rows of a table, by column.
pub(super) struct RowBuffer {
    schema: SchemaRef,
    columns: Vec<ColumnBuffer>,
    kinds: Vec<i8>,
    /// Of the records that the rows were.
    bytes: usize,
    scratch: String,
}

impl RowBuffer {
    /// No rows of the table yet.
    ///
    /// # Errors
    /// `Unsupported` for a type that has no in-memory form.
    pub(super) fn new(schema: &TableSchema, unknown: UnknownMembers) -> Result<Self> {
        let columns = schema.fields.iter().map(|field| ColumnBuffer::new(field.clone(), unknown)).collect();
        let schema = to_arrow_schema(&schema.fields)?;
        Ok(Self { schema, columns, kinds: Vec::new(), bytes: 0, scratch: String::new() })
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether a batch should hold no more.
    pub(super) fn is_full(&self, max_rows: usize) -> bool {
        self.len() >= max_rows || self.bytes >= BATCH_BYTES_MAX
    }

    /// Adds a row: a cell of `record` for each column, and its row kind.
    ///
    /// # Errors
    /// Why a value cannot be read; no row was added.
    pub(super) fn append(
        &mut self,
        record: &str,
        cells: &[Cell],
        kind: i8,
        writing: Writing,
    ) -> Result<(), RowFailure> {
        let rows = self.len();
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            let appended = Value::of_cell(*cell, record, &mut self.scratch).and_then(|value| match writing {
                Writing::Exact => column.append(value),
                Writing::AnyForm => column.append(value.map(|value| value.in_form_of(column.root()))),
            });
            if let Err(why) = appended {
                let failure = RowFailure::of_column(column.name(), why);
                self.truncate(rows);
                return Err(failure);
            }
        }
        self.kinds.push(kind);
        self.bytes += record.len();
        Ok(())
    }

    /// Leaves the first `rows` rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
        self.kinds.truncate(rows);
    }

    /// The byte of the row kind that a cell of `record` says; an insert's when there is none.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn row_kind(&mut self, cell: Cell, record: &str) -> Result<i8, RowFailure> {
        match Value::of_cell(cell, record, &mut self.scratch).map_err(RowFailure::of_row)? {
            None => Ok(RowKind::Insert.to_byte()),
            Some(Value::Text(text) | Value::Field(text)) => row_kind_of(text).map_err(RowFailure::of_row),
            Some(other) => Err(RowFailure::of_row(wrong_kind(&other.shown()))),
        }
    }

    /// The rows as a batch; the buffer is empty again.
    ///
    /// # Errors
    /// `Internal` when the columns do not make a batch.
    pub(super) fn finish(&mut self) -> Result<(RecordBatch, Int8Array)> {
        let kinds = Int8Array::from(std::mem::take(&mut self.kinds));
        self.bytes = 0;
        let columns = self.columns.iter_mut().map(ColumnBuffer::finish).collect::<Result<Vec<_>>>()?;
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| Error::internal(format!("making a batch of what was read: {error}")))?;
        Ok((rows, kinds))
    }
}

/// The byte of a row kind.
pub(super) fn row_kind_of(text: &str) -> Result<i8, String> {
    text.parse::<RowKind>().map(RowKind::to_byte).map_err(|_| wrong_kind(&format!("{:?}", shortened(text))))
}

fn wrong_kind(shown: &str) -> String {
    format!("{shown} is no row kind: write +I, -U, +U or -D")
}
