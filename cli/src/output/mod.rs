//! Rows to a file or standard output, as a table for people, or as lines and files for programs.
//!
//! Goes in: batches in the in-memory form of their columns, with or without row kinds. Comes out: bytes on a writer. Invariants:
//! rows come out in the order in which they went in; after [`RowWriter::flush`] every row written so far is out, where the
//! form allows it (a Parquet file ends with [`RowWriter::finish`]).

mod arrow_form;
mod column;
mod digits;
mod lines;
mod table;

use std::error::Error as StdError;
use std::io::{self, Write};

use alluvium::arrow_array::{Int8Array, RecordBatch};
use alluvium::{DataField, Error, ErrorKind, Result, RowKind};
use arrow_ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use arrow_form::ArrowForm;
use column::Column;
use lines::{NdjsonForm, write_csv_header, write_csv_row};
use table::TablePage;

/// The name of the column of row kinds.
pub(crate) const ROWKIND: &str = "rowkind";
/// Text that is gathered before it is written.
const BUFFER_BYTES: usize = 256 * 1024;
/// The memory that a row group of a Parquet file may take before it is written.
const ROW_GROUP_BYTES: usize = 128 * 1024 * 1024;

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

type Out = Box<dyn Write + Send>;

enum Form {
    Ndjson { form: NdjsonForm, out: Out },
    Csv { out: Out, begun: bool },
    Table { page: TablePage, out: Out },
    Parquet { form: ArrowForm, writer: Box<ArrowWriter<Out>> },
    Arrow { form: ArrowForm, writer: Box<StreamWriter<Out>> },
}

/// Writes rows in one form.
pub(crate) struct RowWriter {
    fields: Vec<DataField>,
    row_kind: RowKindColumn,
    form: Form,
    buffer: Vec<u8>,
}

impl RowWriter {
    /// A writer of rows of `fields`; a header comes out with the first rows, or at the end.
    ///
    /// # Errors
    /// `Invalid` when a column is named `rowkind` and rows carry their kind; `Unsupported` for a type that the form cannot hold.
    pub(crate) fn new(out: Box<dyn Write + Send>, fields: &[DataField], options: OutputOptions) -> Result<Self> {
        let kinds = options.row_kind;
        if kinds == RowKindColumn::Leading && fields.iter().any(|field| field.name == ROWKIND) {
            return Err(Error::invalid(format!(
                "the table has a column {ROWKIND}, which is also the name of the row kind: leave it out of the columns that are asked for"
            )));
        }
        let form = match options.format {
            OutputFormat::Ndjson => Form::Ndjson { form: NdjsonForm::new(fields, kinds)?, out },
            OutputFormat::Csv => Form::Csv { out, begun: false },
            OutputFormat::Table => Form::Table { page: TablePage::new(fields, kinds, options.terminal_width), out },
            OutputFormat::Parquet => {
                let form = ArrowForm::new(fields, kinds)?;
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
                let writer = ArrowWriter::try_new(out, form.schema().clone(), Some(properties.build()));
                Form::Parquet { form, writer: Box::new(writer.map_err(failed)?) }
            }
            OutputFormat::Arrow => {
                let form = ArrowForm::new(fields, kinds)?;
                let writer = StreamWriter::try_new(out, form.schema()).map_err(failed)?;
                Form::Arrow { form, writer: Box::new(writer) }
            }
        };
        Ok(Self { fields: fields.to_vec(), row_kind: kinds, form, buffer: Vec::new() })
    }

    /// Writes the rows of a batch whose columns are the writer's fields, in their order. `kinds` are the bytes of
    /// [`alluvium::RowKind`]; without them every row is `+I`.
    ///
    /// # Errors
    /// `Closed` when whoever reads is gone (see [`is_closed_pipe`]); `Storage` when writing fails; `Invalid` for a value that the form cannot hold.
    pub(crate) fn write(&mut self, rows: &RecordBatch, kinds: Option<&Int8Array>) -> Result<()> {
        if rows.num_columns() != self.fields.len() || kinds.is_some_and(|kinds| kinds.len() != rows.num_rows()) {
            let (found, wanted) = (rows.num_columns(), self.fields.len());
            return Err(Error::internal(format!(
                "a batch of {found} columns for an output of {wanted}, or too few kinds"
            )));
        }
        match &mut self.form {
            Form::Parquet { form, writer } => {
                writer.write(&form.batch(rows, kinds)?).map_err(failed)?;
                if writer.memory_size() > ROW_GROUP_BYTES {
                    writer.flush().map_err(failed)?;
                }
                return Ok(());
            }
            Form::Arrow { form, writer } => return writer.write(&form.batch(rows, kinds)?).map_err(failed),
            Form::Ndjson { .. } | Form::Csv { .. } | Form::Table { .. } => {}
        }
        let columns = rows
            .columns()
            .iter()
            .zip(&self.fields)
            .map(|(array, field)| Column::new(array, field))
            .collect::<Result<Vec<_>>>()?;
        for row in 0..rows.num_rows() {
            let kind = kinds.map_or(Ok(RowKind::Insert), |kinds| RowKind::from_byte(kinds.value(row)))?;
            match &mut self.form {
                Form::Ndjson { form, .. } => form.write_row(&columns, row, kind, &mut self.buffer)?,
                Form::Csv { begun, .. } => {
                    if !*begun {
                        write_csv_header(&self.fields, self.row_kind, &mut self.buffer);
                        *begun = true;
                    }
                    let kind = (self.row_kind == RowKindColumn::Leading).then_some(kind);
                    write_csv_row(&columns, row, kind, &mut self.buffer)?;
                }
                Form::Table { page, .. } => page.write_row(&columns, row, kind, &mut self.buffer)?,
                Form::Parquet { .. } | Form::Arrow { .. } => {}
            }
            if self.buffer.len() >= BUFFER_BYTES {
                write_out(&mut self.form, &mut self.buffer)?;
            }
        }
        Ok(())
    }

    /// Brings out what was written so far.
    ///
    /// # Errors
    /// As [`RowWriter::write`].
    pub(crate) fn flush(&mut self) -> Result<()> {
        if let Form::Table { page, .. } = &mut self.form {
            page.flush(&mut self.buffer);
        }
        write_out(&mut self.form, &mut self.buffer)?;
        match &mut self.form {
            Form::Ndjson { out, .. } | Form::Csv { out, .. } | Form::Table { out, .. } => out.flush().map_err(failed),
            Form::Arrow { writer, .. } => writer.flush().map_err(failed),
            Form::Parquet { .. } => Ok(()),
        }
    }

    /// Ends the output: what is left, headers of an output without rows, footers.
    ///
    /// # Errors
    /// As [`RowWriter::write`].
    pub(crate) fn finish(mut self) -> Result<()> {
        match self.form {
            Form::Ndjson { out, .. } => end(out, &self.buffer),
            Form::Csv { out, begun } => {
                if !begun {
                    write_csv_header(&self.fields, self.row_kind, &mut self.buffer);
                }
                end(out, &self.buffer)
            }
            Form::Table { page, out } => {
                page.finish(&mut self.buffer);
                end(out, &self.buffer)
            }
            Form::Parquet { mut writer, .. } => {
                writer.finish().map_err(failed)?;
                writer.inner_mut().flush().map_err(failed)
            }
            Form::Arrow { writer, .. } => end(writer.into_inner().map_err(failed)?, &[]),
        }
    }
}

fn write_out(form: &mut Form, buffer: &mut Vec<u8>) -> Result<()> {
    match form {
        Form::Ndjson { out, .. } | Form::Csv { out, .. } | Form::Table { out, .. } => {
            out.write_all(buffer).map_err(failed)?;
            buffer.clear();
        }
        Form::Parquet { .. } | Form::Arrow { .. } => {}
    }
    Ok(())
}

fn end(mut out: Out, rest: &[u8]) -> Result<()> {
    out.write_all(rest).and_then(|()| out.flush()).map_err(failed)
}

fn failed(error: impl StdError + Send + Sync + 'static) -> Error {
    let closed = is_broken_pipe(&error);
    let kind = if closed { ErrorKind::Closed } else { ErrorKind::Storage };
    Error::new(kind, "writing the output").with_source(error)
}

/// Whether an error says that whoever reads the output has closed it, which ends a command quietly.
pub(crate) fn is_closed_pipe(error: &Error) -> bool {
    error.kind() == ErrorKind::Closed && is_broken_pipe(error)
}

/// Whether the error, or one it comes from, is of the operating system and says that the pipe is broken.
fn is_broken_pipe(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
