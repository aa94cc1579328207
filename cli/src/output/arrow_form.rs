//! Rows as Arrow batches for others: the in-memory form with timestamps of nanoseconds, and a column of row kinds.
//!
//! Goes in: a batch in the in-memory form. Comes out: a batch that any reader of Arrow or Parquet understands. A TIMESTAMP(7 … 9) is a
//! count of nanoseconds there, which holds the years 1677 to 2262; what is beyond is refused.

use std::sync::Arc;

use alluvium::arrow_array::cast::AsArray;
use alluvium::arrow_array::types::{Int32Type, Int64Type};
use alluvium::arrow_array::{Array, ArrayRef, Int8Array, RecordBatch, StringArray, TimestampNanosecondArray};
use alluvium::arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};
use alluvium::format::TypeRoot;
use alluvium::format::arrow::{UTC, to_arrow_field};
use alluvium::{DataField, DataType, Error, Result, RowKind};

use super::{ROWKIND, RowKindColumn};

/// The form of batches of some columns.
#[derive(Debug)]
pub(super) struct ArrowForm {
    fields: Vec<DataField>,
    kinds: RowKindColumn,
    schema: SchemaRef,
}

impl ArrowForm {
    /// The form of rows with or without a kind.
    ///
    /// # Errors
    /// `Unsupported` for a type that has no such form.
    pub(super) fn new(fields: &[DataField], kinds: RowKindColumn) -> Result<Self> {
        let mut out = Vec::with_capacity(fields.len() + 1);
        if kinds == RowKindColumn::Leading {
            out.push(Field::new(ROWKIND, ArrowType::Utf8, false));
        }
        for field in fields {
            out.push(match wide_zone(&field.data_type) {
                Some(zone) => {
                    let data_type = ArrowType::Timestamp(TimeUnit::Nanosecond, zone.map(Into::into));
                    Field::new(&field.name, data_type, field.data_type.nullable)
                }
                None if has_wide_timestamp(&field.data_type) => {
                    return Err(Error::unsupported(format!(
                        "a TIMESTAMP of more than 6 digits inside of column {} ({}) in Arrow or Parquet output",
                        field.name, field.data_type.root
                    )));
                }
                None => to_arrow_field(field)?,
            });
        }
        Ok(Self { fields: fields.to_vec(), kinds, schema: Arc::new(Schema::new(out)) })
    }

    /// The schema of the batches.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batch of some rows.
    ///
    /// # Errors
    /// `Invalid` that names the column whose timestamp is too far away; `Internal` when the rows are not of the columns.
    pub(super) fn batch(&self, rows: &RecordBatch, kinds: Option<&Int8Array>) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        if self.kinds == RowKindColumn::Leading {
            let kind = |row| kinds.map_or(Ok(RowKind::Insert), |kinds| RowKind::from_byte(kinds.value(row)));
            let names = (0..rows.num_rows()).map(|row| kind(row).map(RowKind::short_string));
            columns.push(Arc::new(StringArray::from(names.collect::<Result<Vec<_>>>()?)));
        }
        for (field, column) in self.fields.iter().zip(rows.columns()) {
            columns.push(match wide_zone(&field.data_type) {
                Some(zone) => Arc::new(nanoseconds(column, field)?.with_timezone_opt(zone)),
                None => Arc::clone(column),
            });
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| Error::internal(format!("writing a batch: {error}")))
    }
}

/// The zone of a TIMESTAMP(7 … 9); `None` for other types.
fn wide_zone(data_type: &DataType) -> Option<Option<&'static str>> {
    match data_type.root {
        TypeRoot::Timestamp(7..) => Some(None),
        TypeRoot::TimestampLtz(7..) => Some(Some(UTC)),
        _ => None,
    }
}

fn has_wide_timestamp(data_type: &DataType) -> bool {
    wide_zone(data_type).is_some()
        || match &data_type.root {
            TypeRoot::Array(element) | TypeRoot::Multiset(element) => has_wide_timestamp(element),
            TypeRoot::Map { key, value } => has_wide_timestamp(key) || has_wide_timestamp(value),
            TypeRoot::Row(fields) => fields.iter().any(|field| has_wide_timestamp(&field.data_type)),
            _ => false,
        }
}

fn nanoseconds(column: &ArrayRef, field: &DataField) -> Result<TimestampNanosecondArray> {
    let parts = column.as_struct_opt().and_then(|parts| match parts.columns() {
        [millis, nanos] => Some((millis.as_primitive_opt::<Int64Type>()?, nanos.as_primitive_opt::<Int32Type>()?)),
        _ => None,
    });
    let Some((millis, nanos)) = parts else {
        return Err(Error::internal(format!(
            "column {}: an array of {} is no timestamp",
            field.name,
            column.data_type()
        )));
    };
    let value = |row: usize| {
        let count = i128::from(millis.value(row)) * 1_000_000 + i128::from(nanos.value(row));
        i64::try_from(count).map_err(|_| {
            Error::invalid(format!(
                "column {}: a timestamp {} ms from 1970 is beyond the nanoseconds of Arrow and Parquet (the years 1677 to 2262): write ndjson or csv",
                field.name,
                millis.value(row)
            ))
        })
    };
    let values = (0..column.len()).map(|row| if column.is_null(row) { Ok(None) } else { value(row).map(Some) });
    Ok(TimestampNanosecondArray::from(values.collect::<Result<Vec<_>>>()?))
}
