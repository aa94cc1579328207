//! Which columns a read returns, and which it must read for that.
//!
//! Goes in: a schema, the columns asked for and a condition. Comes out: the columns of the output, and for each way of reading the
//! columns that files are asked for: those of the output, of the condition, and of the key and sequence where runs are merged.
//! Invariant: the output's columns stand first among those that are read, so that the rest is cut off without moving any.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataField, Error, Predicate, Result, TableSchema};
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};

use crate::filter::check_filter;

/// The columns of a read.
#[derive(Clone, Debug)]
pub(crate) struct Projection {
    fields: Vec<DataField>,
    schema: SchemaRef,
    all: Vec<DataField>,
}

impl Projection {
    /// The `columns` of `table`, or all of them; `predicate` must be a condition on its columns.
    ///
    /// # Errors
    /// `Invalid` for a column that is not there or asked for twice, and for a condition that does not fit the columns.
    pub(crate) fn new(table: &TableSchema, columns: Option<&[String]>, predicate: &Predicate) -> Result<Self> {
        check_filter(predicate, &to_arrow_schema(&table.fields)?)?;
        let fields = match columns {
            None => table.fields.clone(),
            Some(columns) => {
                check_distinct(columns)?;
                table.fields_of(columns)?
            }
        };
        Ok(Self { schema: to_arrow_schema(&fields)?, fields, all: table.fields.clone() })
    }

    /// The columns of the output.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What files are asked for: the output's columns, then those of `required` that are not among them. At least one, as rows
    /// without columns have no length.
    pub(crate) fn read_fields<'a>(&self, required: impl IntoIterator<Item = &'a str>) -> Result<Arc<[DataField]>> {
        let mut fields = self.fields.clone();
        for name in required {
            if !fields.iter().any(|field| field.name == name) {
                let known = self.all.iter().find(|field| field.name == name).cloned();
                fields.push(known.ok_or_else(|| Error::invalid(format!("there is no column {name} to read by")))?);
            }
        }
        if fields.is_empty() {
            fields.extend(self.all.first().cloned());
        }
        Ok(fields.into())
    }

    /// Cuts what was read for other reasons off.
    pub(crate) fn project(&self, rows: RecordBatch) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let (_, mut columns, _) = rows.into_parts();
        columns.truncate(self.fields.len());
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(|error: ArrowError| {
            Error::internal("a file was not read in the columns asked for").with_source(error)
        })
    }
}

fn check_distinct(columns: &[String]) -> Result<()> {
    match columns.iter().enumerate().find(|(at, name)| columns[..*at].contains(*name)) {
        Some((_, name)) => Err(Error::invalid(format!("the column {name} is asked for twice: {}", columns.join(", ")))),
        None => Ok(()),
    }
}
