//! Rows to a file or standard output, as a table for people, or as lines and files for programs.
//!
//! Goes in: batches in the in-memory form of their columns, with or without row kinds. Comes out: bytes on a writer. Invariants:
//! rows come out in the order in which they went in; after [`RowWriter::flush`] every row written so far is out, where the
//! form allows it (a Parquet file ends with [`RowWriter::finish`]).

use std::io::Write;

use alluvium::arrow_array::{Int8Array, RecordBatch};
use alluvium::{DataField, Error, Result};

/// The form of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// Aligned columns, for people.
    Table,
    /// A JSON object a line.
    Ndjson,
    /// Comma-separated values under a header.
    Csv,
    /// An Apache Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
}

/// Whether rows carry their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKindColumn {
    /// Rows only.
    Absent,
    /// A first column `rowkind`.
    Leading,
}

/// How rows are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputOptions {
    /// The form.
    pub(crate) format: OutputFormat,
    /// Whether rows carry their kind.
    pub(crate) row_kind: RowKindColumn,
    /// Columns of characters that a table may take; `None` for as wide as it gets.
    pub(crate) terminal_width: Option<u16>,
}

/// Writes rows in one form.
pub(crate) struct RowWriter {
}

impl RowWriter {
    /// A writer of rows of `fields`; a header comes out with the first rows, or at the end.
    ///
    /// # Errors
    /// `Invalid` when a column is named `rowkind` and rows carry their kind; `Unsupported` for a type that the form cannot hold.
    pub(crate) fn new(out: Box<dyn Write + Send>, fields: &[DataField], options: OutputOptions) -> Result<Self> {
        let _ = (out, fields, options);
        Err(Error::internal("not built"))
    }

    /// Writes the rows of a batch whose columns are the writer's fields, in their order. `kinds` are the bytes of
    /// [`alluvium::RowKind`]; without them every row is `+I`.
    ///
    /// # Errors
    /// `Closed` when whoever reads is gone (see [`is_closed_pipe`]); `Storage` when writing fails; `Invalid` for a value that the form cannot hold.
    pub(crate) fn write(&mut self, rows: &RecordBatch, kinds: Option<&Int8Array>) -> Result<()> {
        let _ = (rows, kinds);
        Err(Error::internal("not built"))
    }

    /// Brings out what was written so far.
    ///
    /// # Errors
    /// As [`RowWriter::write`].
    pub(crate) fn flush(&mut self) -> Result<()> {
        Err(Error::internal("not built"))
    }

    /// Ends the output: what is left, headers of an output without rows, footers.
    ///
    /// # Errors
    /// As [`RowWriter::write`].
    pub(crate) fn finish(self) -> Result<()> {
        Err(Error::internal("not built"))
    }
}

/// Whether an error says that whoever reads the output has closed it, which ends a command quietly.
pub(crate) fn is_closed_pipe(error: &Error) -> bool {
    let _ = error;
    false
}
