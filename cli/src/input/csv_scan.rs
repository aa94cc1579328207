//! A CSV record, taken apart into its fields as RFC 4180 has them.
//!
//! Goes in: the text of a record without its line end. Comes out: a [`Cell`] a field: an empty field is null, `""` is an empty text.

use super::cell::{Cell, CellKind};

/// Puts the fields of a record into `cells`.
///
/// # Errors
/// Why the record is not CSV.
pub(super) fn fields(record: &str, cells: &mut Vec<Cell>) -> Result<(), String> {
    cells.clear();
    let bytes = record.as_bytes();
    let mut at = 0;
    loop {
        let cell = if bytes.get(at) == Some(&b'"') { quoted(bytes, at)? } else { bare(bytes, at) };
        at = match cell.kind {
            CellKind::Null => at,
            _ if bytes.get(at) == Some(&b'"') => cell.end + 1,
            _ => cell.end,
        };
        cells.push(cell);
        match bytes.get(at) {
            None => return Ok(()),
            Some(b',') => at += 1,
            Some(_) => {
                let found = record.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                return Err(format!(
                    "it is no CSV: {found:?} follows the closing quote at byte {at}; a quote inside of quotes is doubled"
                ));
            }
        }
    }
}

fn bare(bytes: &[u8], start: usize) -> Cell {
    let length = memchr::memchr(b',', &bytes[start..]).unwrap_or(bytes.len() - start);
    let kind = if length == 0 { CellKind::Null } else { CellKind::Field };
    Cell { kind, start, end: start + length }
}

/// A field in quotes, of which the first is at `open`.
fn quoted(bytes: &[u8], open: usize) -> Result<Cell, String> {
    let start = open + 1;
    let mut kind = CellKind::Field;
    let mut at = start;
    while let Some(found) = memchr::memchr(b'"', &bytes[at..]) {
        let quote = at + found;
        if bytes.get(quote + 1) != Some(&b'"') {
            return Ok(Cell { kind, start, end: quote });
        }
        kind = CellKind::QuotedField;
        at = quote + 2;
    }
    Err("it is no CSV: quotes are not closed".to_owned())
}

/// Undoes the doubling of quotes.
pub(super) fn undouble(text: &str, out: &mut String) {
    out.clear();
    let mut parts = text.split("\"\"");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push('"');
        out.push_str(part);
    }
}
