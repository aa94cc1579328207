//! Cuts the bytes of a text input into records: lines, or CSV records, which may span lines in quotes.
//!
//! Goes in: a source of bytes. Comes out: one record after the other, without its line end, with the line it begins on. Holds
//! one buffer that is as large as the largest record so far, at most [`RECORD_BYTES_MAX`].

use std::io::{self, ErrorKind};
use std::ops::Range;

use memchr::memchr;

use super::source::{UnpackedSource, Wait};

/// The size of a record above which it is refused: far more than a row should be, far less than a batch's 2 GiB of text.
pub(super) const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The buffer to begin with.
const BUFFER_BYTES: usize = 256 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// At every line feed.
    Lines,
    /// At a line feed that is not in quotes.
    Csv,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A record: where it is in [`Records::bytes`].
    Record(Range<usize>),
    /// No whole record is at hand.
    Pending,
    /// There are no more.
    End,
}

/// Where the search for the end of a CSV record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CsvState {
    FieldStart,
    Bare,
    Quoted,
    /// After a quote in quotes: the end of the field, or the first of two.
    QuoteInQuotes,
}

/// The records of one input.
pub(super) struct Records {
    source: UnpackedSource,
    framing: Framing,
    buffer: Vec<u8>,
    /// The bytes read and not yet given out.
    unread: Range<usize>,
    /// How far the search for the record's end has come.
    searched: usize,
    state: CsvState,
    ended: bool,
    begun: bool,
    /// The line on which the next record begins, counted from 1.
    next_line: u64,
    /// The line on which the last record given out begins.
    line: u64,
}

impl Records {
    /// The records of `source`.
    pub(super) fn new(source: UnpackedSource, framing: Framing) -> Self {
        Self {
            source,
            framing,
            buffer: vec![0; BUFFER_BYTES],
            unread: 0..0,
            searched: 0,
            state: CsvState::FieldStart,
            ended: false,
            begun: false,
            next_line: 1,
            line: 1,
        }
    }

    /// What the ranges of [`Next::Record`] are ranges of.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The line on which the record given out last begins.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next record; the one before it is gone.
    ///
    /// # Errors
    /// When reading or unpacking fails, when a record is too large, or when quotes are open at the end.
    pub(super) fn next(&mut self, wait: Wait) -> io::Result<Next> {
        loop {
            if let Some(end) = self.find_end() {
                return Ok(Next::Record(self.take(end, end + 1)));
            }
            if self.ended {
                if self.unread.is_empty() {
                    return Ok(Next::End);
                }
                if self.framing == Framing::Csv && self.state == CsvState::Quoted {
                    let why = format!("the quotes opened in the record on line {} are never closed", self.next_line);
                    return Err(io::Error::new(ErrorKind::InvalidData, why));
                }
                return Ok(Next::Record(self.take(self.unread.end, self.unread.end)));
            }
            match self.fill(wait) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Pending),
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the line feed is that ends the record.
    fn find_end(&mut self) -> Option<usize> {
        if !self.begun {
            self.pass_byte_order_mark()?;
        }
        let from = self.searched.max(self.unread.start);
        let unsearched = self.buffer.get(from..self.unread.end)?;
        let found = match self.framing {
            Framing::Lines => memchr(b'\n', unsearched),
            Framing::Csv => csv_end(unsearched, &mut self.state),
        };
        self.searched = found.map_or(self.unread.end, |at| from + at);
        found.map(|at| from + at)
    }

    /// `None` while the bytes at hand may be the beginning of the mark.
    fn pass_byte_order_mark(&mut self) -> Option<()> {
        let unread = &self.buffer[self.unread.clone()];
        if unread.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(unread) && !self.ended {
            return None;
        }
        if unread.starts_with(BYTE_ORDER_MARK) {
            self.unread.start += BYTE_ORDER_MARK.len();
        }
        self.begun = true;
        Some(())
    }

    /// Gives out the record up to `end` and goes on at `next`.
    fn take(&mut self, end: usize, next: usize) -> Range<usize> {
        let mut record = self.unread.start..end;
        self.line = self.next_line;
        let inner_lines = match self.framing {
            Framing::Lines => 0,
            Framing::Csv => self.buffer[record.clone()].iter().filter(|byte| **byte == b'\n').count(),
        };
        self.next_line += 1 + inner_lines as u64;
        if self.buffer[record.clone()].ends_with(b"\r") {
            record.end -= 1;
        }
        self.unread.start = next;
        self.searched = next;
        self.state = CsvState::FieldStart;
        record
    }

    /// Reads more behind what is unread.
    fn fill(&mut self, wait: Wait) -> io::Result<()> {
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.searched = self.searched.saturating_sub(self.unread.start);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.buffer.len() {
            if self.buffer.len() >= RECORD_BYTES_MAX {
                let why = format!("the record on line {} is larger than {RECORD_BYTES_MAX} bytes", self.next_line);
                return Err(io::Error::new(ErrorKind::InvalidData, why));
            }
            self.buffer.resize((self.buffer.len() * 2).min(RECORD_BYTES_MAX), 0);
        }
        let read = self.source.read(&mut self.buffer[self.unread.end..], wait)?;
        self.ended = read == 0;
        self.unread.end += read;
        Ok(())
    }
}

/// Where the line feed is that ends the record, when `bytes` go on in `state`.
fn csv_end(bytes: &[u8], state: &mut CsvState) -> Option<usize> {
    for (at, byte) in bytes.iter().enumerate() {
        *state = match (*state, byte) {
            (CsvState::Quoted, b'"') => CsvState::QuoteInQuotes,
            (CsvState::Quoted, _) => CsvState::Quoted,
            (CsvState::QuoteInQuotes | CsvState::FieldStart, b'"') => CsvState::Quoted,
            (_, b'\n') => return Some(at),
            (_, b',') => CsvState::FieldStart,
            _ => CsvState::Bare,
        };
    }
    None
}
