//! Rows from files and standard input, as batches in a table's in-memory form.
//!
//! Goes in: names of files or `-`, the table's schema, and how to read. Comes out: [`InputBatch`]es of all columns of the table
//! with a row kind each, and the [`Position`] after them, from which the same inputs go on. Invariants: rows come in order; a
//! row that cannot be read comes out as an error that names file, line, column, value and reason, after every row before it; a
//! batch never waits for a source while it holds rows.

mod cell;
mod change_json;
mod column_buffer;
mod conversion;
mod csv;
mod csv_scan;
mod format;
mod json_scan;
mod member_names;
mod ndjson;
mod parquet_input;
mod records;
mod rejects;
mod row_buffer;
mod scalar_text;
mod source;
mod text_input;
mod value;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alluvium::arrow_array::{Int8Array, RecordBatch};
use alluvium::{Error, ErrorKind, Result, TableSchema};

use format::{InputFile, Origin, STDIN};
use member_names::MemberNames;
use parquet_input::ParquetInput;
use rejects::Rejects;
use row_buffer::RowBuffer;
use text_input::{Filled, TextInput};

pub(crate) use format::InputFormat;

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
    /// The member that holds the row kind; change events say it in their own way.
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
#[derive(Clone, Debug)]
pub(crate) struct InputProgress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl InputProgress {
    /// Bytes read from files and pipes so far, as they are stored (compressed).
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes of all inputs as they are stored; `None` when one of them is no regular file.
    pub(crate) fn bytes_total(&self) -> Option<u64> {
        self.total
    }
}

/// An open input.
enum Open {
    Text(Box<TextInput>),
    Parquet(Box<ParquetInput>),
}

/// Reads rows from a list of inputs, one after the other. Every call may block: it belongs on a blocking thread.
pub(crate) struct RowReader {
    inputs: Vec<InputFile>,
    table: Arc<TableSchema>,
    names: MemberNames,
    unknown: UnknownMembers,
    rejects: Rejects,
    rows: RowBuffer,
    progress: InputProgress,
    /// The input at `position.file`, once it is begun.
    open: Option<Open>,
    position: Position,
    /// What is to be said after the rows before it.
    failure: Option<Error>,
    failed: bool,
    /// The last input is read.
    ended: bool,
}

impl RowReader {
    /// Opens the inputs: each is looked at, none is read.
    ///
    /// # Errors
    /// `Invalid` for a format that is not known, a file that is not there, standard input named twice, a row kind field that is a
    /// column of the table; `Unsupported` by name for formats and types that are not built.
    pub(crate) fn open(paths: &[String], schema: Arc<TableSchema>, options: InputOptions) -> Result<Self> {
        let inputs = paths.iter().map(|path| InputFile::look(path, options.format)).collect::<Result<Vec<_>>>()?;
        if paths.iter().filter(|path| *path == STDIN).count() > 1 {
            return Err(Error::invalid("standard input (-) is named twice: it can be read once"));
        }
        let sizes = inputs.iter().map(|input| match input.origin {
            Origin::File { bytes } => Some(bytes),
            Origin::Stream => None,
        });
        let says_kind = !matches!(options.format, Some(InputFormat::Change(_)));
        let rowkind_field = says_kind.then_some(options.rowkind_field.as_str());
        let progress = InputProgress { read: Arc::default(), total: sizes.sum() };
        Ok(Self {
            names: MemberNames::new(&schema, rowkind_field, options.unknown)?,
            rows: RowBuffer::new(&schema, options.unknown)?,
            rejects: Rejects::open(&options.on_error)?,
            unknown: options.unknown,
            inputs,
            table: schema,
            progress,
            open: None,
            position: Position::default(),
            failure: None,
            failed: false,
            ended: false,
        })
    }

    /// How far the reading is; the handle stays good while the reader works on another thread.
    pub(crate) fn progress(&self) -> InputProgress {
        self.progress.clone()
    }

    /// Goes on after `position`, which an earlier run over the same inputs had reached. To be called before the first batch.
    ///
    /// # Errors
    /// `Invalid` when the inputs end before it.
    pub(crate) fn seek(&mut self, position: Position) -> Result<()> {
        if position.file > self.inputs.len() {
            let (named, count) = (self.inputs.len(), position.file);
            return Err(Error::invalid(format!(
                "{named} inputs are named, and an earlier run had read {count}: they are not the same inputs"
            )));
        }
        for input in &self.inputs[..position.file] {
            if let Origin::File { bytes } = input.origin {
                self.progress.read.fetch_add(bytes, Ordering::Relaxed);
            }
        }
        self.position = position;
        if position.row > 0 {
            self.open = self.open_at(position)?;
        }
        Ok(())
    }

    /// At most `max_rows` rows: waits for the first, then takes what has arrived without waiting. `None` at the end of the last input.
    /// A batch may be empty when rows were skipped.
    ///
    /// # Errors
    /// `Invalid` for a row that cannot be read: it names file, line, column, value and reason; the rows before it came out first.
    /// `Storage` when a source fails. `Closed` after an error.
    pub(crate) fn next_batch(&mut self, max_rows: usize) -> Result<Option<InputBatch>> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if self.failed {
            return Err(Error::new(ErrorKind::Closed, "the inputs could not be read before"));
        }
        let batch = self.read_batch(max_rows.max(1));
        self.failed |= batch.is_err();
        batch
    }

    fn read_batch(&mut self, max_rows: usize) -> Result<Option<InputBatch>> {
        loop {
            if self.ended {
                return Ok(None);
            }
            if self.open.is_none() {
                self.open = self.open_at(self.position)?;
            }
            let (ended, batch) = match &mut self.open {
                None => return Ok(None),
                Some(Open::Text(input)) => {
                    let filled = input.fill(&mut self.rows, max_rows, &mut self.rejects);
                    self.position.row = input.row();
                    let ended = matches!(filled, Ok(Filled::End));
                    (ended, (self.rows.finish()?, filled.err()))
                }
                Some(Open::Parquet(input)) => {
                    let next = input.next(max_rows, &mut self.rejects);
                    self.position.row = input.row();
                    match next {
                        Ok(Some((rows, kinds, stopped))) => (false, ((rows, kinds), stopped)),
                        Ok(None) => (true, (self.rows.finish()?, None)),
                        Err(error) => (false, (self.rows.finish()?, Some(error))),
                    }
                }
            };
            let ((rows, kinds), failure) = batch;
            if ended {
                self.open = None;
                // The position stays behind the last row of the last input: what is appended to it later follows there.
                self.ended = self.position.file + 1 >= self.inputs.len();
                if !self.ended {
                    self.position = Position { file: self.position.file + 1, row: 0 };
                }
            }
            let skipped = self.rejects.take_skipped();
            if rows.num_rows() > 0 || skipped > 0 {
                self.failed |= failure.is_some();
                self.failure = failure;
                return Ok(Some(InputBatch { rows, kinds, position: self.position, skipped }));
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
    }

    /// Opens the input at a position; `None` after the last.
    fn open_at(&self, position: Position) -> Result<Option<Open>> {
        let Some(input) = self.inputs.get(position.file) else { return Ok(None) };
        let read = Arc::clone(&self.progress.read);
        if input.format == InputFormat::Parquet {
            let names = (&self.names, self.unknown);
            let opened = ParquetInput::open(input, &self.table, names, position.row, read)?;
            return Ok(Some(Open::Parquet(Box::new(opened))));
        }
        let mut opened = TextInput::open(input, self.names.clone(), read)?;
        opened.skip_to(position.row)?;
        Ok(Some(Open::Text(Box::new(opened))))
    }
}

#[cfg(test)]
mod tests;
