//! Decodes records into columns.
//!
//! Goes in: the record's type in the file, and fields of the schema that the file was written with, found by name. Comes out: a column
//! for each field; one that the file lacks is null, one that nobody asked for is skipped. Answers to `FieldReaderFactory.RowReader`.

use alluvium_format::arrow::to_arrow_type;
use alluvium_format::avro::{Decoder, Record, Type};
use alluvium_format::{DataField, Result};
use arrow_array::{ArrayRef, new_null_array};
use arrow_schema::DataType as ArrowType;

use super::column::ColumnDecoder;

/// Decodes records of one type.
#[derive(Debug)]
pub(super) struct RecordDecoder {
    /// What to do with each field of the file.
    steps: Vec<Step>,
    columns: Vec<ColumnDecoder>,
    /// Where each field that is asked for comes from.
    sources: Vec<Source>,
    rows: usize,
}

#[derive(Debug)]
enum Step {
    /// Into the column at this position.
    Decode(usize),
    Skip(Type),
}

#[derive(Debug)]
enum Source {
    /// The column at this position.
    Column(usize),
    Absent(ArrowType),
}

impl RecordDecoder {
    /// The decoder of `record` into `fields`.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR; `Corrupt` when a field is of another type than its schema says.
    pub(super) fn new(record: &Record, fields: &[DataField]) -> Result<Self> {
        let (mut steps, mut columns) = (Vec::with_capacity(record.fields.len()), Vec::with_capacity(fields.len()));
        let mut found: Vec<Option<usize>> = vec![None; fields.len()];
        for (name, in_file) in &record.fields {
            let wanted = fields.iter().zip(&mut found).find(|(field, found)| field.name == *name && found.is_none());
            steps.push(match wanted {
                None => Step::Skip(in_file.clone()),
                Some((field, found)) => {
                    let column = ColumnDecoder::new(in_file, &field.data_type);
                    columns.push(column.map_err(|error| error.context(format!("column {name}")))?);
                    Step::Decode(*found.insert(columns.len() - 1))
                }
            });
        }
        let sources = fields.iter().zip(found).map(|(field, found)| {
            Ok(match found {
                Some(column) => Source::Column(column),
                None => Source::Absent(to_arrow_type(&field.data_type)?),
            })
        });
        Ok(Self { sources: sources.collect::<Result<_>>()?, steps, columns, rows: 0 })
    }

    /// Records since the last batch.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Decodes one record.
    ///
    /// # Errors
    /// `Corrupt` with path and offset.
    pub(super) fn decode(&mut self, decoder: &mut Decoder<'_>) -> Result<()> {
        for step in &self.steps {
            match step {
                Step::Decode(column) => self.columns[*column].decode(decoder)?,
                Step::Skip(value) => decoder.skip(value)?,
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// A record that is not there: what its columns hold counts for nothing.
    pub(super) fn push_null(&mut self) {
        self.columns.iter_mut().for_each(ColumnDecoder::push_null);
        self.rows += 1;
    }

    /// The columns of the records since the last batch.
    ///
    /// # Errors
    /// `Corrupt` for texts that are no UTF-8, and for nulls where there must be none.
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>> {
        let rows = std::mem::take(&mut self.rows);
        let columns = self.columns.iter_mut().map(ColumnDecoder::finish).collect::<Result<Vec<_>>>()?;
        let arrays = self.sources.iter().map(|source| match source {
            Source::Column(column) => columns[*column].clone(),
            Source::Absent(arrow) => new_null_array(arrow, rows),
        });
        Ok(arrays.collect())
    }
}
