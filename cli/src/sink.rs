//! Where rows go: standard output, in the form that was asked for.
//!
//! Goes in: batches of rows, with or without kinds. Comes out: bytes. A closed pipe ends the command quietly.

use std::io;

use alluvium::arrow_array::{Int8Array, RecordBatch};
use alluvium::{DataField, Error, TableSchema};
use clap::{Args, ValueEnum};

use crate::failure::{Failure, Outcome};
use crate::output::{OutputFormat, OutputOptions, RowKindColumn, RowWriter, is_closed_pipe};
use crate::terminal;

/// Which rows and columns come out, and in which form.
#[derive(Args, Clone, Debug)]
pub(crate) struct SinkArgs {
    /// Only these columns, in this order
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) columns: Option<Vec<String>>,
    /// Only rows for which this SQL condition is true: comparisons, IN, BETWEEN, LIKE, IS NULL, AND, OR, NOT
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    /// The form of the output; table on a terminal and ndjson otherwise when not given
    #[arg(long, value_name = "FORM")]
    pub(crate) output: Option<FormArg>,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormArg {
    /// Aligned columns, for people
    Table,
    /// A JSON object a line
    Ndjson,
    /// Comma-separated values under a header; null is an empty field, an empty text is ""
    Csv,
    /// An Apache Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

impl FormArg {
    fn format(self) -> OutputFormat {
        match self {
            Self::Table => OutputFormat::Table,
            Self::Ndjson => OutputFormat::Ndjson,
            Self::Csv => OutputFormat::Csv,
            Self::Parquet => OutputFormat::Parquet,
            Self::Arrow => OutputFormat::Arrow,
        }
    }
}

impl SinkArgs {
    /// The columns of the output.
    ///
    /// # Errors
    /// `Usage` for columns that are not there or are named twice.
    pub(crate) fn fields(&self, schema: &TableSchema) -> Outcome<Vec<DataField>> {
        let Some(names) = &self.columns else { return Ok(schema.fields.clone()) };
        if let Some((at, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(Failure::Usage(format!("--columns names {name} twice (place {})", at + 1)));
        }
        schema.fields_of(names).map_err(|error| Failure::usage("--columns", error))
    }

    /// Opens standard output for rows of these columns.
    pub(crate) fn open(&self, fields: &[DataField], row_kind: RowKindColumn) -> Outcome<Sink> {
        let is_terminal = terminal::output_is_terminal();
        let form = self.output.unwrap_or(if is_terminal { FormArg::Table } else { FormArg::Ndjson });
        if is_terminal && matches!(form, FormArg::Parquet | FormArg::Arrow) {
            return Err(Failure::Usage("this form is not for a terminal: send it to a file with >".to_owned()));
        }
        let width = is_terminal.then(|| u16::try_from(terminal::output_width()).unwrap_or(u16::MAX));
        let options = OutputOptions { format: form.format(), row_kind, terminal_width: width };
        let writer = RowWriter::new(Box::new(io::stdout()), fields, options).map_err(ended)?;
        Ok(Sink { writer })
    }
}

/// Standard output, open for rows.
pub(crate) struct Sink {
    writer: RowWriter,
}

impl Sink {
    /// Writes rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch, kinds: Option<&Int8Array>) -> Outcome {
        self.writer.write(rows, kinds).map_err(ended)
    }

    /// Brings out what was written so far.
    pub(crate) fn flush(&mut self) -> Outcome {
        self.writer.flush().map_err(ended)
    }

    /// Ends the output.
    pub(crate) fn finish(self) -> Outcome {
        self.writer.finish().map_err(ended)
    }
}

fn ended(error: Error) -> Failure {
    if is_closed_pipe(&error) { Failure::ClosedPipe } else { Failure::Failed(error) }
}
