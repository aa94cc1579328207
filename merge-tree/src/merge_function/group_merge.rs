//! A merge function bound to the columns of batches: rows are built here, column by column.
//!
//! Goes in: [`KeyGroups`]. Comes out: [`MergedKeys`]. Columns are gathered by kernels: a function that picks says which record each
//! value comes from, one that aggregates folds a column key by key.

use alluvium_format::{Error, Result};
use arrow_schema::SchemaRef;

use super::MergeFunction;
use super::merged_keys::{MergedKeys, SingleRecords};
use crate::key_groups::KeyGroups;

/// A merge function for batches of one schema.
#[derive(Clone, Debug)]
pub struct GroupMerge {
    function: MergeFunction,
    columns: SchemaRef,
}

impl GroupMerge {
    /// `function` for batches whose values have the schema `columns`.
    ///
    /// # Errors
    /// `Invalid` when a column that the function needs is not among them.
    pub fn new(function: &MergeFunction, columns: &SchemaRef) -> Result<Self> {
        Ok(Self { function: function.clone(), columns: columns.clone() })
    }

    /// Merges the records of each key.
    ///
    /// # Errors
    /// `Invalid` where the function refuses a record, such as a retraction it has no rule for.
    pub fn merge(&self, groups: &KeyGroups, singles: SingleRecords) -> Result<MergedKeys> {
        let _ = (&self.function, &self.columns, groups, singles);
        Err(Error::internal("not built"))
    }
}
