//! An input of text, one record after the other.
//!
//! Goes in: an [`InputFile`] of JSON lines, CSV or change events. Comes out: rows in a [`RowBuffer`], and the count of records that are behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use alluvium::{Error, ErrorKind, Result};

use super::cell::RowFailure;
use super::change_json::ChangeDecoder;
use super::csv::CsvDecoder;
use super::format::{InputFile, InputFormat};
use super::member_names::MemberNames;
use super::ndjson::NdjsonDecoder;
use super::records::{Framing, Next, Records};
use super::rejects::{Place, Rejects, Unit};
use super::row_buffer::RowBuffer;
use super::source::{UnpackedSource, Wait};

/// Whether there may be more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// The buffer is full, or nothing more is at hand.
    More,
    /// The input has ended.
    End,
}

enum Decoder {
    Ndjson(NdjsonDecoder),
    Csv(CsvDecoder),
    Change(ChangeDecoder),
}

/// An open input of text.
pub(super) struct TextInput {
    name: String,
    records: Records,
    decoder: Decoder,
    /// How many records are behind.
    row: u64,
}

impl TextInput {
    /// Opens an input at its beginning.
    ///
    /// # Errors
    /// `Invalid` when it cannot be opened.
    pub(super) fn open(input: &InputFile, names: MemberNames, read_total: Arc<AtomicU64>) -> Result<Self> {
        let (framing, decoder) = match input.format {
            InputFormat::Csv => (Framing::Csv, Decoder::Csv(CsvDecoder::new(names))),
            InputFormat::Ndjson => (Framing::Lines, Decoder::Ndjson(NdjsonDecoder::new(names))),
            InputFormat::Change(format) => (Framing::Lines, Decoder::Change(ChangeDecoder::new(format, names))),
            InputFormat::Parquet => return Err(Error::internal("a Parquet file is no text")),
        };
        let records = Records::new(UnpackedSource::open(input, read_total)?, framing);
        Ok(Self { name: input.shown().to_owned(), records, decoder, row: 0 })
    }

    /// How many records are behind.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Passes records until `row` are behind.
    ///
    /// # Errors
    /// `Invalid` when there are not so many; `Storage` when reading fails.
    pub(super) fn skip_to(&mut self, row: u64) -> Result<()> {
        while self.row < row {
            match self.next_record(Wait::ForData)? {
                Next::Record(_) => self.row += 1,
                Next::Pending => {}
                Next::End => {
                    return Err(Error::invalid(format!(
                        "{} has {} rows, and an earlier run had read {row} of it: it is not the same input",
                        self.name, self.row
                    )));
                }
            }
        }
        Ok(())
    }

    /// Adds rows until the buffer is full or, when it holds any, nothing more is at hand.
    ///
    /// # Errors
    /// The first record that cannot be read, unless such are put aside; `Storage` when reading fails.
    pub(super) fn fill(&mut self, rows: &mut RowBuffer, max_rows: usize, rejects: &mut Rejects) -> Result<Filled> {
        while !rows.is_full(max_rows) {
            let wait = if rows.len() == 0 && rejects.skipped() == 0 { Wait::ForData } else { Wait::Never };
            let record = match self.next_record(wait)? {
                Next::Record(range) => &self.records.bytes()[range],
                Next::Pending => return Ok(Filled::More),
                Next::End => return Ok(Filled::End),
            };
            let decoded = match std::str::from_utf8(record) {
                Err(error) => Err(not_utf8(error.valid_up_to())),
                Ok(text) => match &mut self.decoder {
                    Decoder::Ndjson(decoder) => decoder.decode(text, rows),
                    Decoder::Csv(decoder) => decoder.decode(text, rows),
                    Decoder::Change(decoder) => decoder.decode(text, rows),
                },
            };
            if let Err(failure) = decoded {
                let place = Place { input: &self.name, unit: Unit::Line, number: self.records.line() };
                rejects.put(place, &failure, record)?;
            }
            self.row += 1;
        }
        Ok(Filled::More)
    }

    /// The next record that is a row; headers and empty lines are passed.
    fn next_record(&mut self, wait: Wait) -> Result<Next> {
        loop {
            let next = self.records.next(wait).map_err(|error| failed(&self.name, error))?;
            let Next::Record(range) = &next else { return Ok(next) };
            let record = &self.records.bytes()[range.clone()];
            match &mut self.decoder {
                Decoder::Ndjson(_) | Decoder::Change(_) if record.trim_ascii().is_empty() => {}
                Decoder::Csv(decoder) if decoder.is_blank(record) => {}
                Decoder::Csv(decoder) if decoder.wants_header() => {
                    let header = std::str::from_utf8(record).map_err(|error| not_utf8(error.valid_up_to()).why);
                    header
                        .and_then(|header| decoder.read_header(header))
                        .map_err(|why| Error::invalid(format!("{} line {}: {why}", self.name, self.records.line())))?;
                }
                _ => return Ok(next),
            }
        }
    }
}

fn not_utf8(valid_bytes: usize) -> RowFailure {
    RowFailure::of_row(format!("it is not UTF-8 at byte {}", valid_bytes + 1))
}

fn failed(name: &str, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => ErrorKind::Invalid,
        _ => ErrorKind::Storage,
    };
    Error::new(kind, format!("reading {name}")).with_source(error)
}
