//! Rows as lines of text: JSON objects, or CSV records under a header.
//!
//! Goes in: the columns of a batch and its row kinds. Comes out: bytes on the end of a buffer. In CSV an empty field is null and `""` an
//! empty text; nested values are JSON.

use alluvium::{DataField, Error, Result, RowKind};

use super::ROWKIND;
use super::column::{Column, TextForm};

/// The text before each member's value: `{"id":`, `,"total":`.
#[derive(Debug)]
pub(super) struct NdjsonForm {
    /// For each row kind byte, the beginning of a row; one when rows carry none.
    openings: Vec<Vec<u8>>,
    prefixes: Vec<Vec<u8>>,
}

impl NdjsonForm {
    /// The form of rows with or without a kind.
    ///
    /// # Errors
    /// `Internal` when a name cannot be written.
    pub(super) fn new(fields: &[DataField], kinds: super::RowKindColumn) -> Result<Self> {
        let openings: Vec<Vec<u8>> = match kinds {
            super::RowKindColumn::Absent => vec![b"{".to_vec()],
            super::RowKindColumn::Leading => {
                KINDS.iter().map(|kind| format!("{{\"{ROWKIND}\":\"{kind}\"").into_bytes()).collect()
            }
        };
        let mut prefixes = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            let comma = if index == 0 && kinds == super::RowKindColumn::Absent { "" } else { "," };
            let name = serde_json::to_string(&field.name).map_err(|error| Error::internal(error.to_string()))?;
            prefixes.push(format!("{comma}{name}:").into_bytes());
        }
        Ok(Self { openings, prefixes })
    }

    /// Adds the line of a row.
    ///
    /// # Errors
    /// As [`Column::write_json`].
    pub(super) fn write_row(&self, columns: &[Column<'_>], row: usize, kind: RowKind, out: &mut Vec<u8>) -> Result<()> {
        let opening = self.openings.get(kind.to_byte() as usize).or(self.openings.first());
        out.extend_from_slice(opening.map_or(b"{", Vec::as_slice));
        for (prefix, column) in self.prefixes.iter().zip(columns) {
            out.extend_from_slice(prefix);
            column.write_json(row, out)?;
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}

/// The row kinds in the order of their bytes.
const KINDS: [RowKind; 4] = [RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete];

/// Adds the header of a CSV file.
pub(super) fn write_csv_header(fields: &[DataField], kinds: super::RowKindColumn, out: &mut Vec<u8>) {
    if kinds == super::RowKindColumn::Leading {
        out.extend_from_slice(ROWKIND.as_bytes());
    }
    for (index, field) in fields.iter().enumerate() {
        if index > 0 || kinds == super::RowKindColumn::Leading {
            out.push(b',');
        }
        let start = out.len();
        out.extend_from_slice(field.name.as_bytes());
        quote_from(start, out);
    }
    out.push(b'\n');
}

/// Adds the record of a row.
///
/// # Errors
/// As [`Column::write_text`].
pub(super) fn write_csv_row(
    columns: &[Column<'_>],
    row: usize,
    kind: Option<RowKind>,
    out: &mut Vec<u8>,
) -> Result<()> {
    if let Some(kind) = kind {
        out.extend_from_slice(kind.short_string().as_bytes());
    }
    for (index, column) in columns.iter().enumerate() {
        if index > 0 || kind.is_some() {
            out.push(b',');
        }
        if column.is_null(row) {
            continue;
        }
        let start = out.len();
        column.write_text(row, out)?;
        // What is neither text nor nested has nothing to quote, but an empty binary is told from null by its quotes.
        if column.text_form(row) != TextForm::Quoted || out.len() == start {
            quote_from(start, out);
        }
    }
    out.push(b'\n');
    Ok(())
}

/// Quotes what is in `out` from `start` on, where it must be.
fn quote_from(start: usize, out: &mut Vec<u8>) {
    let field = &out[start..];
    if !field.is_empty() && !field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return;
    }
    let field = out.split_off(start);
    out.push(b'"');
    for part in field.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.last() == Some(&b'"') {
            out.push(b'"');
        }
    }
    out.push(b'"');
}
