//! The columns of a data file, whatever its format.
//!
//! Goes in: a table's schema; then batches of its rows. Comes out: the fields of its files in their order, and the columns of a batch
//! in the form they have in memory. A keyed table's file has its keys (unless it is thin), the sequence numbers, the row kinds and the
//! columns of the table; a file of a table without key has the columns of the table alone. Answers to
//! `KeyValue.createKeyValueFields`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_type;
use alluvium_format::key_value_file::{
    KEY_FIELD_ID_START, KEY_FIELD_PREFIX, SEQUENCE_NUMBER, SEQUENCE_NUMBER_ID, VALUE_KIND, VALUE_KIND_ID,
};
use alluvium_format::{DataField, DataType, Error, Result, TableSchema, TypeRoot};
use alluvium_merge_tree::KeyValueBatch;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;

/// Whether files hold their keys twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data_file) enum KeyColumnsMode {
    /// In `_KEY_` columns, and as columns of the table.
    Thick,
    /// As columns of the table only: `data-file.thin-mode`.
    Thin,
}

/// The columns of a file that is written with `schema`.
pub(in crate::data_file) fn file_fields(schema: &TableSchema, mode: KeyColumnsMode) -> Vec<DataField> {
    if schema.primary_keys.is_empty() {
        return schema.fields.clone();
    }
    let mut out = Vec::with_capacity(schema.fields.len() + 2);
    if mode == KeyColumnsMode::Thick {
        out.extend(schema.key_fields().into_iter().map(|key| {
            let id = KEY_FIELD_ID_START.saturating_add(key.id);
            DataField::new(id, format!("{KEY_FIELD_PREFIX}{}", key.name), key.data_type)
        }));
    }
    out.push(DataField::new(SEQUENCE_NUMBER_ID, SEQUENCE_NUMBER, DataType::not_null(TypeRoot::BigInt)));
    out.push(DataField::new(VALUE_KIND_ID, VALUE_KIND, DataType::not_null(TypeRoot::TinyInt)));
    out.extend(schema.fields.iter().cloned());
    out
}

/// How batches of a table become columns of its files.
#[derive(Debug)]
pub(super) struct RecordColumns {
    /// The fields of a file.
    fields: Vec<DataField>,
    /// Types of the table's columns, and their form in memory.
    values: Vec<(DataType, ArrowType)>,
    /// Positions of the columns that come before the sequence numbers once more.
    keys: Vec<usize>,
    system: SystemPart,
}

/// Whether there are sequence numbers and row kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SystemPart {
    Present,
    Absent,
}

impl RecordColumns {
    /// The columns of files of a table.
    ///
    /// # Errors
    /// `Unsupported` for VARIANT, BLOB and VECTOR.
    pub(super) fn of(schema: &TableSchema, mode: KeyColumnsMode) -> Result<Self> {
        let keys = if mode == KeyColumnsMode::Thin { Vec::new() } else { schema.trimmed_primary_keys() };
        let values = schema.fields.iter().map(|field| Ok((field.data_type.clone(), to_arrow_type(&field.data_type)?)));
        let system = if schema.primary_keys.is_empty() { SystemPart::Absent } else { SystemPart::Present };
        Ok(Self {
            fields: file_fields(schema, mode),
            values: values.collect::<Result<_>>()?,
            keys: keys.iter().filter_map(|name| schema.index_of(name)).collect(),
            system,
        })
    }

    /// The fields of a file.
    pub(super) fn fields(&self) -> &[DataField] {
        &self.fields
    }

    /// The columns of a file that holds the rows; nothing is copied.
    ///
    /// # Errors
    /// `Internal` when a column is not of the schema or has a null that it must not have.
    pub(super) fn columns(&self, batch: &KeyValueBatch) -> Result<Vec<ArrayRef>> {
        let arrays = batch.values.columns();
        if arrays.len() != self.values.len() {
            return Err(Error::internal(format!("{} columns for a table of {}", arrays.len(), self.values.len())));
        }
        for (index, ((data_type, in_memory), array)) in self.values.iter().zip(arrays).enumerate() {
            if array.data_type() != in_memory {
                let found = array.data_type();
                return Err(Error::internal(format!("column {index} of {data_type} is {found}, not {in_memory}")));
            }
            if !data_type.nullable && array.null_count() > 0 {
                return Err(Error::internal(format!("column {index} of {data_type} has a null")));
            }
        }
        let mut columns: Vec<ArrayRef> = self.keys.iter().filter_map(|key| arrays.get(*key)).cloned().collect();
        if self.system == SystemPart::Present {
            columns.push(Arc::new(batch.sequences.clone()));
            columns.push(Arc::new(batch.kinds.clone()));
        }
        columns.extend(arrays.iter().cloned());
        Ok(columns)
    }
}
