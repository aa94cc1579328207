//! Rows in: every type, every way a row can be wrong, every packing, and streams that come in drops.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod change_json;
mod damage;
mod parquet;
mod scans;
mod sources;
mod types;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use alluvium::arrow_array::{ArrayRef, RecordBatch};
use alluvium::format::arrow::datum_at;
use alluvium::format::json_value::to_json;
use alluvium::{DataField, DataType, TableSchema};

use super::{InputBatch, InputFormat, InputOptions, OnError, RowReader, UnknownMembers};

/// A schema of columns `name TYPE`.
pub(super) fn schema(columns: &[(&str, &str)]) -> Arc<TableSchema> {
    let fields = columns
        .iter()
        .enumerate()
        .map(|(id, (name, data_type))| DataField::new(id as i32, *name, DataType::parse(data_type).unwrap()))
        .collect();
    schema_of(fields)
}

pub(super) fn schema_of(fields: Vec<DataField>) -> Arc<TableSchema> {
    Arc::new(TableSchema {
        version: 3,
        id: 0,
        highest_field_id: fields.len() as i32,
        fields,
        partition_keys: Vec::new(),
        primary_keys: Vec::new(),
        options: Default::default(),
        comment: None,
        time_millis: 0,
    })
}

pub(super) fn options(format: Option<InputFormat>) -> InputOptions {
    InputOptions {
        format,
        rowkind_field: "rowkind".to_owned(),
        unknown: UnknownMembers::Refuse,
        on_error: OnError::Stop,
    }
}

/// Each row as `+I [1,"a"]`.
pub(super) fn shown(batch: &InputBatch, schema: &TableSchema) -> Vec<String> {
    let kinds = ["+I", "-U", "+U", "-D"];
    let row = |row: usize| format!("{} {}", kinds[batch.kinds.value(row) as usize], values(&batch.rows, schema, row));
    (0..batch.rows.num_rows()).map(row).collect()
}

fn values(rows: &RecordBatch, schema: &TableSchema, row: usize) -> serde_json::Value {
    let value = |(column, field): (&ArrayRef, &DataField)| {
        to_json(datum_at(column, &field.data_type, row).unwrap().as_ref(), &field.data_type)
    };
    rows.columns().iter().zip(&schema.fields).map(value).collect()
}

/// All rows of some files, and how the reading ended.
pub(super) fn read_all(
    paths: &[&Path],
    schema: &Arc<TableSchema>,
    options: InputOptions,
) -> (Vec<String>, Option<String>) {
    let paths: Vec<String> = paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    let mut reader = RowReader::open(&paths, Arc::clone(schema), options).unwrap();
    let mut rows = Vec::new();
    loop {
        match reader.next_batch(2) {
            Ok(Some(batch)) => rows.extend(shown(&batch, schema)),
            Ok(None) => return (rows, None),
            Err(error) => return (rows, Some(error.to_string())),
        }
    }
}

/// All rows of a text.
pub(super) fn read_text(text: &str, schema: &Arc<TableSchema>, format: InputFormat) -> (Vec<String>, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, text).unwrap();
    let (rows, error) = read_all(&[&path], schema, options(Some(format)));
    (rows, error.map(|error| error.replace(path.to_str().unwrap(), "in")))
}
