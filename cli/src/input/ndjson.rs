//! Rows from JSON objects, one a line.
//!
//! Goes in: the text of a line. Comes out: a row of the [`RowBuffer`]. A member that is there twice makes the row an error: which of the
//! two is meant is not for us to say.

use super::cell::{Cell, CellKind, RowFailure};
use super::json_scan::{JsonScan, unescape};
use super::member_names::{MemberNames, Slot};
use super::row_buffer::{RowBuffer, Writing};

/// Reads JSON objects.
pub(super) struct NdjsonDecoder {
    names: MemberNames,
    cells: Vec<Cell>,
    scratch: String,
}

impl NdjsonDecoder {
    /// Reads rows of the table with these names.
    pub(super) fn new(names: MemberNames) -> Self {
        let cells = vec![Cell::ABSENT; names.column_count()];
        Self { names, cells, scratch: String::new() }
    }

    /// Adds the row of a line.
    ///
    /// # Errors
    /// Why it cannot be read; no row was added.
    pub(super) fn decode(&mut self, record: &str, rows: &mut RowBuffer) -> Result<(), RowFailure> {
        self.cells.fill(Cell::ABSENT);
        let mut kind = Cell::ABSENT;
        let mut place = 0;
        let Self { names, cells, scratch } = self;
        JsonScan::new(record).members(|name, value| {
            let text = match name.kind {
                CellKind::EscapedText => {
                    unescape(name.text(record), scratch)?;
                    scratch.as_str()
                }
                _ => name.text(record),
            };
            let slot = names.slot_at(place, text)?;
            // Names that mean nothing do not move the places of those that do.
            place += usize::from(slot != Slot::Ignored);
            let cell = match slot {
                Slot::Column(index) => &mut cells[index],
                Slot::RowKind => &mut kind,
                Slot::Ignored => return checked(value, record, scratch),
            };
            if cell.kind != CellKind::Absent {
                return Err(RowFailure::of_column(names.shown(slot), "it is there twice"));
            }
            *cell = value;
            Ok(())
        })?;
        let kind = rows.row_kind(kind, record)?;
        rows.append(record, &self.cells, kind, Writing::Exact)
    }
}

/// Looks into a value that is left out, so that a line that is no JSON is never taken for one.
fn checked(value: Cell, record: &str, scratch: &mut String) -> Result<(), RowFailure> {
    match value.kind {
        CellKind::Nested => serde_json::from_str::<serde_json::Value>(value.text(record))
            .map(drop)
            .map_err(|error| RowFailure::of_row(format!("it is no JSON: {error}"))),
        CellKind::EscapedText => Ok(unescape(value.text(record), scratch)?),
        _ => Ok(()),
    }
}

impl From<String> for RowFailure {
    fn from(why: String) -> Self {
        Self::of_row(why)
    }
}
