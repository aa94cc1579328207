//! Rows out: what every form looks like, and that what goes out comes back in.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod forms;
mod round_trip;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use alluvium::arrow_array::{Int8Array, RecordBatch};
use alluvium::format::arrow::{array_from_datums, to_arrow_schema};
use alluvium::{DataField, Datum, Result};

use super::{OutputFormat, OutputOptions, RowKindColumn, RowWriter};

/// A writer whose bytes can be looked at.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

fn batch(fields: &[DataField], rows: &[Vec<Option<Datum>>]) -> RecordBatch {
    let columns = fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let values: Vec<Option<Datum>> = rows.iter().map(|row| row[index].clone()).collect();
            array_from_datums(&field.data_type, &values).unwrap()
        })
        .collect();
    RecordBatch::try_new(to_arrow_schema(fields).unwrap(), columns).unwrap()
}

fn options(format: OutputFormat, row_kind: RowKindColumn) -> OutputOptions {
    OutputOptions { format, row_kind, terminal_width: None }
}

/// What a writer makes of one batch.
fn written(
    fields: &[DataField],
    rows: &[Vec<Option<Datum>>],
    kinds: Option<&[i8]>,
    format: OutputFormat,
) -> Result<Vec<u8>> {
    let out = Shared::default();
    let row_kind = if kinds.is_some() { RowKindColumn::Leading } else { RowKindColumn::Absent };
    let mut writer = RowWriter::new(Box::new(out.clone()), fields, options(format, row_kind))?;
    let kinds = kinds.map(|kinds| Int8Array::from(kinds.to_vec()));
    writer.write(&batch(fields, rows), kinds.as_ref())?;
    writer.finish()?;
    Ok(out.bytes())
}
