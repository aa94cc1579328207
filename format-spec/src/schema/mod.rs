#![doc = include_str!("../../schema.md")]

pub mod change;
mod definition;
mod json;

use indexmap::IndexMap;

use crate::data_type::{DataField, DataType};
use crate::error::{Error, Result};
use crate::options::{CoreOptions, key};

pub use definition::{ColumnDefinition, SchemaDefinition};

/// One version of a table's schema: the content of `schema/schema-<id>`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSchema {
    /// Of the JSON layout, 3 today.
    pub version: i32,
    /// 0 for the first schema of the table.
    pub id: i64,
    /// The columns.
    pub fields: Vec<DataField>,
    /// The highest id that any field of any version ever had.
    pub highest_field_id: i32,
    /// Names of the partition columns, in path order.
    pub partition_keys: Vec<String>,
    /// Names of the key columns; empty for an append table.
    pub primary_keys: Vec<String>,
    /// Paimon's table options, in the file's order.
    pub options: IndexMap<String, String>,
    /// The table's comment.
    pub comment: Option<String>,
    /// When it was made, milliseconds since 1970.
    pub time_millis: i64,
}

impl TableSchema {
    /// The position of a column.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The column of a name.
    pub fn field(&self, name: &str) -> Option<&DataField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The columns of the names, in their order.
    ///
    /// # Errors
    /// `Invalid` that names the column that is missing and those there are.
    pub fn fields_of<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<DataField>> {
        names
            .iter()
            .map(|name| {
                let name = name.as_ref();
                self.field(name).cloned().ok_or_else(|| {
                    let known: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
                    Error::invalid(format!("there is no column {name}; the columns are {}", known.join(", ")))
                })
            })
            .collect()
    }

    /// The primary key without the partition columns.
    pub fn trimmed_primary_keys(&self) -> Vec<String> {
        self.primary_keys.iter().filter(|name| !self.partition_keys.contains(name)).cloned().collect()
    }

    /// The columns of the trimmed primary key, in its order.
    pub fn key_fields(&self) -> Vec<DataField> {
        self.present(&self.trimmed_primary_keys())
    }

    /// The types of the trimmed primary key.
    pub fn key_types(&self) -> Vec<DataType> {
        types_of(self.key_fields())
    }

    /// The partition columns, in path order.
    pub fn partition_fields(&self) -> Vec<DataField> {
        self.present(&self.partition_keys)
    }

    /// The types of the partition columns.
    pub fn partition_types(&self) -> Vec<DataType> {
        types_of(self.partition_fields())
    }

    /// The columns whose hash gives the bucket: `bucket-key`, or the trimmed primary key.
    ///
    /// # Errors
    /// `Invalid` when `bucket-key` names a column that is not there.
    pub fn bucket_keys(&self) -> Result<Vec<String>> {
        let given = self.options.get(key::BUCKET_KEY).map(|text| split_names(text)).unwrap_or_default();
        if given.is_empty() {
            return Ok(self.trimmed_primary_keys());
        }
        self.fields_of(&given)?;
        Ok(given)
    }

    /// Whether a key may move between partitions, because it lacks a partition column.
    pub fn is_cross_partition_update(&self) -> bool {
        !self.primary_keys.is_empty() && !self.partition_keys.iter().all(|name| self.primary_keys.contains(name))
    }

    /// The options, typed.
    pub fn core_options(&self) -> CoreOptions {
        CoreOptions::new(self.options.clone())
    }

    /// The same schema with dynamic options over its own.
    #[must_use]
    pub fn with_options<'a>(&self, dynamic: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let mut out = self.clone();
        out.options.extend(dynamic.into_iter().map(|(name, value)| (name.clone(), value.clone())));
        out
    }

    fn present(&self, names: &[String]) -> Vec<DataField> {
        names.iter().filter_map(|name| self.field(name)).cloned().collect()
    }
}

fn types_of(fields: Vec<DataField>) -> Vec<DataType> {
    fields.into_iter().map(|field| field.data_type).collect()
}

/// The names in `a, b`.
pub(crate) fn split_names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
