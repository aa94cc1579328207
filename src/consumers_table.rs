//! The system table `$consumers`: who streams a table, and from which snapshot each goes on.
//!
//! Goes in: a table. Comes out: rows, in the order of the ids. Answers to `org.apache.paimon.table.system.ConsumersTable`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataField, DataType, Error, Predicate, Result, TableSchema};
use alluvium_reader::filter_batch;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;

use crate::table::Table;

const COLUMNS: [(&str, &str); 2] = [("consumer_id", "STRING NOT NULL"), ("next_snapshot_id", "BIGINT NOT NULL")];

/// The consumers of a table, or of a branch of one, as rows.
#[derive(Clone, Debug)]
pub struct ConsumersTable {
    table: Table,
}

impl ConsumersTable {
    pub(crate) fn of(table: Table) -> Self {
        Self { table }
    }

    /// Its columns: `consumer_id`, the key, and `next_snapshot_id`.
    ///
    /// # Errors
    /// None in practice.
    pub fn schema(&self) -> Result<TableSchema> {
        let fields = COLUMNS.iter().zip(0..).map(|((name, data_type), id)| {
            let data_type = DataType::parse(data_type)?;
            Ok(DataField { id, name: (*name).to_owned(), data_type, description: None, default_value: None })
        });
        let [(key, _), _] = COLUMNS;
        Ok(TableSchema {
            fields: fields.collect::<Result<_>>()?,
            highest_field_id: 1,
            partition_keys: Vec::new(),
            primary_keys: vec![key.to_owned()],
            options: Default::default(),
            ..self.table.schema().as_ref().clone()
        })
    }

    /// The rows for which `condition` is true, in these columns (`None`: all).
    ///
    /// # Errors
    /// `Invalid` for columns that are not there and a condition that does not fit them; `Corrupt` or `Storage`.
    pub async fn rows(&self, columns: Option<&[String]>, condition: &Predicate) -> Result<RecordBatch> {
        let schema = self.schema()?;
        let (ids, next): (Vec<String>, Vec<i64>) = self.table.consumers().await?.into_iter().unzip();
        let arrays = vec![Arc::new(StringArray::from(ids)) as _, Arc::new(Int64Array::from(next)) as _];
        let failed = |error: ArrowError| Error::internal("the rows of consumers do not fit").with_source(error);
        let all = RecordBatch::try_new(to_arrow_schema(&schema.fields)?, arrays).map_err(failed)?;
        let rows = filter_batch(condition, &all)?;
        let Some(columns) = columns else { return Ok(rows) };
        let wanted = schema.fields_of(columns)?;
        let places: Vec<usize> = wanted.iter().filter_map(|field| schema.index_of(&field.name)).collect();
        rows.project(&places).map_err(failed)
    }
}
