//! Rows that cannot be read: where an input ends, or what is counted and put aside.
//!
//! Goes in: a row's place, the reason, and the row itself. Comes out: the error to end with, or a line of the dead letter file:
//! `{"input":…,"line":…,"column":…,"reason":…,"record":…}`, where `record` is the row as it was (`record_hex` when it is not UTF-8). The file is
//! appended to; a run that goes on after a crash may put the same row aside twice.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use alluvium::format::text_value::to_text;
use alluvium::format::{DataType, TypeRoot};
use alluvium::{Datum, Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::OnError;
use super::cell::RowFailure;

/// How a place in an input is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Lines of a text.
    Line,
    /// Rows of a table.
    Row,
}

/// A place in an input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// As messages call the input.
    pub(super) input: &'a str,
    /// What is counted.
    pub(super) unit: Unit,
    /// Which one, counted from 1.
    pub(super) number: u64,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.input, self.unit.name(), self.number)
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Row => "row",
        }
    }
}

/// What becomes of rows that cannot be read.
pub(super) struct Rejects {
    /// Whether they end the reading.
    stop: bool,
    dead_letter: Option<(PathBuf, File)>,
    skipped: u64,
}

impl Rejects {
    /// Opens the dead letter file, if there is to be one.
    ///
    /// # Errors
    /// `Invalid` when it cannot be opened.
    pub(super) fn open(on_error: &OnError) -> Result<Self> {
        let dead_letter = match on_error {
            OnError::Stop | OnError::Skip { dead_letter: None } => None,
            OnError::Skip { dead_letter: Some(path) } => {
                let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
                    Error::invalid(format!("the dead letter file {} cannot be opened", path.display()))
                        .with_source(error)
                })?;
                Some((path.clone(), file))
            }
        };
        Ok(Self { stop: *on_error == OnError::Stop, dead_letter, skipped: 0 })
    }

    /// How many rows were put aside since this was asked last.
    pub(super) fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// How many rows were put aside since [`Rejects::take_skipped`].
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether the first row that cannot be read ends the reading.
    pub(super) fn stops(&self) -> bool {
        self.stop
    }

    /// Puts a row aside.
    ///
    /// # Errors
    /// The row's own error when it ends the reading; `Storage` when the dead letter file cannot be written.
    pub(super) fn put(&mut self, place: Place<'_>, failure: &RowFailure, row: &[u8]) -> Result<()> {
        if self.stop {
            return Err(Error::invalid(match &failure.column {
                Some(column) => format!("{place}, column {column}: {}", failure.why),
                None => format!("{place}: {}", failure.why),
            }));
        }
        if let Some((path, file)) = &mut self.dead_letter {
            // One write a line, unbuffered: what was skipped is kept before the commit that goes past it.
            let line = dead_letter_line(place, failure, row);
            file.write_all(line.as_bytes()).map_err(|error| {
                Error::new(ErrorKind::Storage, format!("writing the dead letter file {}", path.display()))
                    .with_source(error)
            })?;
        }
        self.skipped += 1;
        Ok(())
    }
}

fn dead_letter_line(place: Place<'_>, failure: &RowFailure, row: &[u8]) -> String {
    let mut line = Map::new();
    line.insert("input".to_owned(), place.input.into());
    line.insert(place.unit.name().to_owned(), place.number.into());
    line.insert("column".to_owned(), failure.column.clone().map_or(Value::Null, Value::String));
    line.insert("reason".to_owned(), failure.why.clone().into());
    match std::str::from_utf8(row) {
        Ok(text) => line.insert("record".to_owned(), text.into()),
        Err(_) => {
            let bytes = DataType::nullable(TypeRoot::VarBinary(TypeRoot::STRING_LENGTH));
            line.insert("record_hex".to_owned(), to_text(&Datum::Bytes(row.to_vec()), &bytes).into())
        }
    };
    format!("{}\n", Value::Object(line))
}
