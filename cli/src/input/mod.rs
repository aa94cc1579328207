//! Rows from files and standard input, as batches in a table's in-memory form.
//!
//! Goes in: names of files or `-`, the table's schema, and how to read. Comes out: [`InputBatch`]es of all columns of the table
//! with a row kind each, and the [`Position`] after them, from which the same inputs go on. Invariants: rows come in order; a
//! row that cannot be read comes out as an error that names file, line, column, value and reason, after every row before it; a
//! batch never waits for a source while it holds rows.

use std::path::PathBuf;
use std::sync::Arc;

use alluvium::arrow_array::{Int8Array, RecordBatch};
use alluvium::{Error, Result, TableSchema};

/// The form of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// A JSON object a line.
    Ndjson,
    /// Comma-separated values under a header.
    Csv,
    /// An Apache Parquet file.
    Parquet,
}

/// What to do with a member or column of the input that the table does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UnknownMembers {
    /// The row is an error.
    #[default]
    Refuse,
    /// It is left out.
    Ignore,
}

/// What to do with a row that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnError {
    /// End with an error.
    #[default]
    Stop,
    /// Count it and go on.
    Skip {
        /// Where such rows are appended, each with its place and the reason, as a line of JSON.
        dead_letter: Option<PathBuf>,
    },
}

/// How inputs are read.
#[derive(Clone, Debug)]
pub(crate) struct InputOptions {
    /// The form; by each file's ending when not given.
    pub(crate) format: Option<InputFormat>,
    /// The member that holds the row kind.
    pub(crate) rowkind_field: String,
    /// Members that are no column.
    pub(crate) unknown: UnknownMembers,
    /// Rows that cannot be read.
    pub(crate) on_error: OnError,
}

/// A place between two rows of a list of inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The input, counted from 0.
    pub(crate) file: usize,
    /// How many of its rows are before the place, those that were skipped as unreadable among them.
    pub(crate) row: u64,
}

/// Some rows.
#[derive(Debug)]
pub(crate) struct InputBatch {
    /// All columns of the table.
    pub(crate) rows: RecordBatch,
    /// The byte of the row kind of each row.
    pub(crate) kinds: Int8Array,
    /// The place after the rows.
    pub(crate) position: Position,
    /// How many rows were skipped as unreadable since the batch before.
    pub(crate) skipped: u64,
}

/// How far the reading is, shared with whoever shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputProgress {
}

impl InputProgress {
    /// Bytes read from files and pipes so far, as they are stored (compressed).
    pub(crate) fn bytes_read(&self) -> u64 {
        0
    }

    /// Bytes of all inputs as they are stored; `None` when one of them is no regular file.
    pub(crate) fn bytes_total(&self) -> Option<u64> {
        None
    }
}

/// Reads rows from a list of inputs, one after the other. Every call may block: it belongs on a blocking thread.
pub(crate) struct RowReader {
}

impl RowReader {
    /// Opens the inputs: each is looked at, none is read.
    ///
    /// # Errors
    /// `Invalid` for a format that is not known, a file that is not there, standard input named twice, a row kind field that is a
    /// column of the table; `Unsupported` by name for formats that are not built.
    pub(crate) fn open(paths: &[String], schema: Arc<TableSchema>, options: InputOptions) -> Result<Self> {
        let _ = (paths, schema, options);
        Err(Error::internal("not built"))
    }

    /// How far the reading is; the handle stays good while the reader works on another thread.
    pub(crate) fn progress(&self) -> InputProgress {
        InputProgress::default()
    }

    /// Goes on after `position`, which an earlier run over the same inputs had reached. To be called before the first batch.
    ///
    /// # Errors
    /// `Invalid` when the inputs end before it.
    pub(crate) fn seek(&mut self, position: Position) -> Result<()> {
        let _ = position;
        Err(Error::internal("not built"))
    }

    /// At most `max_rows` rows: waits for the first, then takes what has arrived without waiting. `None` at the end of the last input.
    /// A batch may be empty when rows were skipped.
    ///
    /// # Errors
    /// `Invalid` for a row that cannot be read: it names file, line, column, value and reason; the rows before it came out first.
    /// `Storage` when a source fails.
    pub(crate) fn next_batch(&mut self, max_rows: usize) -> Result<Option<InputBatch>> {
        let _ = max_rows;
        Err(Error::internal("not built"))
    }
}
