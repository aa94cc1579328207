#![doc = include_str!("../schema.md")]

use indexmap::IndexMap;

use crate::data_type::DataField;

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
