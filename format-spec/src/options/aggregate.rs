//! The options of aggregate functions, column by column.
//!
//! Goes in: the options and the name of a column. Comes out: what its function is told. Answers to the accessors of `CoreOptions` that
//! the factories of `FieldAggregator` ask.

use super::{CoreOptions, key};
use crate::error::Result;

impl CoreOptions {
    fn of_field<'a>(&'a self, column: &str, suffix: &str) -> Option<&'a str> {
        self.options.get(&field_key(column, suffix)).map(String::as_str)
    }

    /// `fields.<column>.nested-key`: the fields that identify a row of an `ARRAY<ROW>`.
    pub fn field_nested_key(&self, column: &str) -> Vec<String> {
        let names = self.of_field(column, key::NESTED_KEY_SUFFIX);
        names.map(|names| names.split(',').map(|name| name.trim().to_owned()).collect()).unwrap_or_default()
    }

    /// `fields.<column>.count-limit`: how many rows `nested_update` keeps.
    pub fn field_count_limit(&self, column: &str) -> Result<i32> {
        self.number(&field_key(column, key::COUNT_LIMIT_SUFFIX), i32::MAX)
    }

    /// `fields.<column>.distinct`, of `collect` and `listagg`.
    pub fn field_distinct(&self, column: &str) -> Result<bool> {
        self.flag(&field_key(column, key::DISTINCT_SUFFIX))
    }

    /// `fields.<column>.list-agg-delimiter`, with the blanks it is set with.
    pub fn field_list_agg_delimiter(&self, column: &str) -> &str {
        self.of_field(column, key::LIST_AGG_DELIMITER_SUFFIX).unwrap_or(",")
    }

    /// `fields.<column>.ts-field`, of `merge_map_with_keytime`.
    pub fn field_ts_field(&self, column: &str) -> Option<&str> {
        self.of_field(column, key::TS_FIELD_SUFFIX)
    }
}

fn field_key(column: &str, suffix: &str) -> String {
    format!("{}{column}{suffix}", key::FIELDS_PREFIX)
}
