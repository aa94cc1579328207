//! How splits of a table become rows: its merge, the columns that are read, the condition that rows must pass.
//!
//! Goes in: a table, the schema that is read and what is asked of it. Comes out: a [`TableRead`], which all splits of a read share.
//! Answers to `KeyValueTableRead` and `AppendTableRead`.

use std::sync::Arc;

use alluvium_format::{DataField, DataType, Error, Predicate, Result, TableSchema};
use alluvium_merge_tree::MergeOptions;
use alluvium_store::TableStore;
use arrow_schema::SchemaRef;

use crate::change_log::{ChangeLog, ChangeLogRead};
use crate::projection::Projection;
use crate::prune::row_condition;

/// What all splits of a read share.
#[derive(Clone, Debug)]
pub(crate) struct TableRead {
    pub(crate) table: TableStore,
    /// The schema that is read, with the options of the table as it was opened.
    pub(crate) schema: Arc<TableSchema>,
    /// The whole condition: what plans are pruned by.
    pub(crate) predicate: Predicate,
    /// The part of it that a row must pass when its partition passes.
    pub(crate) row_condition: Predicate,
    pub(crate) projection: Projection,
    /// How records of a key merge; `None` for append tables.
    pub(crate) merge: Option<MergeOptions>,
    /// What files are asked for where their rows are taken as they are.
    pub(crate) raw_fields: Arc<[DataField]>,
    /// What they are asked for where their records merge.
    pub(crate) merge_fields: Arc<[DataField]>,
    /// What is made of the rows, where they are asked for as those of a log.
    pub(crate) change_log: Option<ChangeLogRead>,
}

impl TableRead {
    /// A read of `columns` (`None`: all) and of rows for which `predicate` is true, under `schema`.
    ///
    /// # Errors
    /// `Unsupported` by name where the answer would not be right; `Invalid` for columns, conditions and options.
    pub(crate) fn new(
        table: &TableStore,
        schema: Arc<TableSchema>,
        columns: Option<&[String]>,
        predicate: &Predicate,
    ) -> Result<Self> {
        let options = schema.core_options();
        options.check_read_supported(&schema)?;
        let projection = Projection::new(&schema, columns, predicate)?;
        let row_condition = row_condition(&schema, predicate);
        let merge = if schema.primary_keys.is_empty() { None } else { Some(MergeOptions::new(&schema, &options)?) };
        let filtered = row_condition.columns();
        let raw_fields = projection.read_fields(filtered.iter().copied())?;
        let wanted = raw_fields.iter().map(|field| field.name.as_str());
        let required = merge.as_ref().map(|merge| merge.required_columns(wanted)).unwrap_or_default();
        Ok(Self {
            merge_fields: projection
                .read_fields(filtered.iter().copied().chain(required.iter().map(String::as_str)))?,
            raw_fields,
            table: table.clone(),
            predicate: predicate.clone(),
            row_condition,
            projection,
            merge,
            schema,
            change_log: None,
        })
    }

    /// The same, where `columns` and `predicate` are of the log that the rows are shown as, if any.
    ///
    /// # Errors
    /// As [`TableRead::new`], and as [`ChangeLog::schema`].
    pub(crate) fn shown(
        table: &TableStore,
        schema: Arc<TableSchema>,
        columns: Option<&[String]>,
        predicate: &Predicate,
        change_log: Option<ChangeLog>,
    ) -> Result<Self> {
        let Some(form) = change_log else { return Self::new(table, schema, columns, predicate) };
        let (log, asked) = ChangeLogRead::new(form, &schema, columns, predicate)?;
        let read = Self::new(table, schema, Some(&asked.columns), &asked.predicate)?;
        Ok(Self { change_log: Some(log), ..read })
    }

    /// Whether rows are shown as those of a log: records as they are stored, deletes included.
    pub(crate) fn is_log(&self) -> bool {
        self.change_log.is_some()
    }

    /// Whether each row that is read is one of the output.
    pub(crate) fn keeps_rows(&self) -> bool {
        self.change_log.as_ref().is_none_or(ChangeLogRead::keeps_rows)
    }

    /// The columns of the output.
    pub(crate) fn output(&self) -> &SchemaRef {
        self.change_log.as_ref().map_or(self.projection.schema(), ChangeLogRead::output)
    }

    /// How records of a key merge.
    ///
    /// # Errors
    /// `Internal` for an append table.
    pub(crate) fn merge(&self) -> Result<&MergeOptions> {
        self.merge.as_ref().ok_or_else(|| Error::internal("records of an append table do not merge"))
    }

    /// The types of the trimmed primary key; `None` for append tables.
    pub(crate) fn key_types(&self) -> Option<Vec<DataType>> {
        self.merge.as_ref().map(|_| self.schema.key_types())
    }
}
