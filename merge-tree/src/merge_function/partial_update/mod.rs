//! `merge-engine = partial-update`: the last value of each column wins that is not null.
//! Answers to `org.apache.paimon.mergetree.compact.PartialUpdateMergeFunction`.

use alluvium_format::options::CoreOptions;
use alluvium_format::{Error, Result, TableSchema};
use arrow_schema::SchemaRef;

use super::candidates::Candidates;
use super::merged_keys::MergedKeys;
use crate::key_value::KeyValueBatch;

/// The last value of each column wins that is not null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialUpdate {}

impl PartialUpdate {
    /// The rules of a table.
    pub fn new(schema: &TableSchema, options: &CoreOptions) -> Result<Self> {
        let _ = (schema, options);
        Ok(Self {})
    }

    /// The columns that decide what becomes of `wanted`, beside themselves.
    pub(crate) fn required_columns<'a>(&'a self, wanted: &'a [String]) -> impl Iterator<Item = &'a str> {
        wanted.iter().map(String::as_str)
    }

    /// The rules for batches whose values have the schema `columns`.
    pub(super) fn bind(&self, columns: &SchemaRef) -> Result<BoundPartialUpdate> {
        let _ = columns;
        Ok(BoundPartialUpdate {})
    }
}

/// The rules of the columns of a batch.
#[derive(Clone, Debug)]
pub(super) struct BoundPartialUpdate {}

impl BoundPartialUpdate {
    /// Merges `records` by the rows of each key.
    pub(super) fn merge(&self, records: &KeyValueBatch, candidates: &Candidates) -> Result<MergedKeys> {
        let _ = (records, candidates);
        Err(Error::internal("not built"))
    }
}
