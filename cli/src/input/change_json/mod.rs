//! Rows from the change events of databases, one JSON object a line: Debezium, Canal, Maxwell and OGG.
//!
//! Goes in: the text of a line. Comes out: the rows of the event in the [`RowBuffer`]: none, one, an update's two, or those of a batch;
//! all of a line or none. An update gives its -U only where the event says what was there before. Values are taken in whatever form the
//! tools write them (`"7"` for 7, `1` for true, a number for a text), as such events carry texts for everything.
//! Answers to Flink's formats `debezium-json`, `canal-json`, `maxwell-json` and `ogg-json`.

mod debezium_schema;
mod event;

use alluvium::RowKind;

use self::debezium_schema::{DebeziumSchema, SchemaCache};
use self::event::{Event, Image};
use super::cell::{Cell, CellKind, RowFailure};
use super::json_scan::{JsonScan, unescape};
use super::member_names::{MemberNames, Slot};
use super::row_buffer::{RowBuffer, Writing};

pub(super) use self::event::ChangeFormat;

/// Reads change events.
pub(super) struct ChangeDecoder {
    format: ChangeFormat,
    names: MemberNames,
    schemas: SchemaCache,
    /// The line, and behind it the values that were put into another form.
    text: String,
    cells: Vec<Cell>,
    earlier: Vec<Cell>,
    scratch: String,
}

impl ChangeDecoder {
    /// Reads events of the table with these names.
    pub(super) fn new(format: ChangeFormat, names: MemberNames) -> Self {
        let cells = vec![Cell::ABSENT; names.column_count()];
        let (earlier, schemas) = (cells.clone(), SchemaCache::default());
        Self { format, names, schemas, text: String::new(), cells, earlier, scratch: String::new() }
    }

    /// Adds the rows of a line.
    ///
    /// # Errors
    /// Why it cannot be read; no row was added.
    pub(super) fn decode(&mut self, record: &str, rows: &mut RowBuffer) -> Result<(), RowFailure> {
        let Event { changes, schema } = event::of(self.format, record)?;
        if let Some(schema) = schema {
            self.schemas.learn(schema.text(record))?;
        }
        let before = rows.len();
        self.text.clear();
        self.text.push_str(record);
        for (kind, image) in changes {
            if let Err(failure) = self.append(kind, image, schema.is_some(), rows) {
                rows.truncate(before);
                return Err(failure);
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        kind: RowKind,
        image: Image,
        has_schema: bool,
        rows: &mut RowBuffer,
    ) -> Result<(), RowFailure> {
        let schema = if has_schema { self.schemas.known() } else { None };
        let mut reading = ImageReading { names: &mut self.names, schema, scratch: &mut self.scratch };
        reading.read(&mut self.text, image.row, &mut self.cells)?;
        if let Some(over) = image.over {
            std::mem::swap(&mut self.cells, &mut self.earlier);
            reading.read(&mut self.text, over, &mut self.cells)?;
            for (cell, earlier) in self.cells.iter_mut().zip(&self.earlier) {
                if cell.kind == CellKind::Absent {
                    *cell = *earlier;
                }
            }
        }
        rows.append(&self.text, &self.cells, kind.to_byte(), Writing::AnyForm)
    }
}

/// How the images of an event are read.
struct ImageReading<'a> {
    names: &'a mut MemberNames,
    schema: Option<&'a DebeziumSchema>,
    scratch: &'a mut String,
}

impl ImageReading<'_> {
    /// The cells of a row's columns.
    fn read(&mut self, text: &mut String, image: Cell, cells: &mut [Cell]) -> Result<(), RowFailure> {
        cells.fill(Cell::ABSENT);
        let mut place = 0;
        let mut converted = Vec::new();
        JsonScan::within(text, image).members(|name, value| {
            let shown = match name.kind {
                CellKind::EscapedText => {
                    unescape(name.text(text), self.scratch)?;
                    self.scratch.as_str()
                }
                _ => name.text(text),
            };
            let slot = self.names.slot_at(place, shown)?;
            place += usize::from(slot != Slot::Ignored);
            let Slot::Column(index) = slot else { return Ok(()) };
            if cells[index].kind != CellKind::Absent {
                return Err(RowFailure::of_column(self.names.shown(slot), "it is there twice"));
            }
            cells[index] = value;
            if let Some(form) = self.schema.and_then(|schema| schema.form(shown)) {
                converted.push((index, form));
            }
            Ok::<(), RowFailure>(())
        })?;
        for (index, form) in converted {
            let value = form.text(cells[index], text);
            let value = value.map_err(|why| RowFailure::of_column(self.names.shown(Slot::Column(index)), why))?;
            if let Some(value) = value {
                cells[index] = Cell { kind: CellKind::Field, start: text.len(), end: text.len() + value.len() };
                text.push_str(&value);
            }
        }
        Ok(())
    }
}
