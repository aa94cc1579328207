//! Rows from comma-separated values under a header.
//!
//! Goes in: the text of a record, the first of which is the header. Comes out: a row of the [`RowBuffer`]. An empty field is null and
//! `""` an empty text; nested types are written as JSON.

use super::cell::{Cell, CellKind, RowFailure};
use super::csv_scan::{fields, undouble};
use super::member_names::{MemberNames, Slot};
use super::row_buffer::{RowBuffer, Writing};

/// Reads CSV records.
pub(super) struct CsvDecoder {
    names: MemberNames,
    /// What each field of a record is; empty before the header.
    header: Vec<Slot>,
    fields: Vec<Cell>,
    cells: Vec<Cell>,
}

impl CsvDecoder {
    /// Reads rows of the table with these names.
    pub(super) fn new(names: MemberNames) -> Self {
        let cells = vec![Cell::ABSENT; names.column_count()];
        Self { names, header: Vec::new(), fields: Vec::new(), cells }
    }

    /// Whether the next record is the header.
    pub(super) fn wants_header(&self) -> bool {
        self.header.is_empty()
    }

    /// Whether a record is an empty line that is no row. Under a header of one column it is one: its only field is null.
    pub(super) fn is_blank(&self, record: &[u8]) -> bool {
        record.is_empty() && self.header.len() != 1
    }

    /// Takes the header.
    ///
    /// # Errors
    /// Why it is none, or the name that is no column or there twice.
    pub(super) fn read_header(&mut self, record: &str) -> Result<(), String> {
        fields(record, &mut self.fields)?;
        let mut header = Vec::with_capacity(self.fields.len());
        for cell in &self.fields {
            let mut name = cell.text(record).to_owned();
            if cell.kind == CellKind::QuotedField {
                undouble(cell.text(record), &mut name);
            }
            let slot =
                self.names.slot(&name).map_err(|why| format!("in the header, which names the columns: {why}"))?;
            if slot != Slot::Ignored && header.contains(&slot) {
                return Err(format!("the header names {name} twice"));
            }
            header.push(slot);
        }
        self.header = header;
        Ok(())
    }

    /// Adds the row of a record.
    ///
    /// # Errors
    /// Why it cannot be read; no row was added.
    pub(super) fn decode(&mut self, record: &str, rows: &mut RowBuffer) -> Result<(), RowFailure> {
        fields(record, &mut self.fields)?;
        if self.fields.len() != self.header.len() {
            let (found, wanted) = (self.fields.len(), self.header.len());
            return Err(RowFailure::of_row(format!("it has {found} fields, the header has {wanted}")));
        }
        self.cells.fill(Cell::ABSENT);
        let mut kind = Cell::ABSENT;
        for (slot, cell) in self.header.iter().zip(&self.fields) {
            match slot {
                Slot::Column(index) => self.cells[*index] = *cell,
                Slot::RowKind => kind = *cell,
                Slot::Ignored => {}
            }
        }
        let kind = rows.row_kind(kind, record)?;
        rows.append(record, &self.cells, kind, Writing::Exact)
    }
}
