//! `merge-engine = aggregation`: each column has a function of its own. Answers to
//! `org.apache.paimon.mergetree.compact.aggregate.AggregateMergeFunction`.

use alluvium_format::options::CoreOptions;
use alluvium_format::{Error, Result, TableSchema};
use arrow_schema::SchemaRef;

use super::candidates::Candidates;
use super::merged_keys::MergedKeys;
use crate::key_value::KeyValueBatch;

/// Each column has a function of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregation {}

impl Aggregation {
    /// The functions of a table.
    ///
    /// # Errors
    /// `Invalid` for options that cannot be, as [`super::FieldAggregator::new`].
    pub fn new(schema: &TableSchema, options: &CoreOptions) -> Result<Self> {
        let _ = (schema, options);
        Ok(Self {})
    }

    /// The functions for batches whose values have the schema `columns`.
    pub(super) fn bind(&self, columns: &SchemaRef) -> Result<BoundAggregation> {
        let _ = columns;
        Ok(BoundAggregation {})
    }
}

/// The functions of the columns of a batch.
#[derive(Clone, Debug)]
pub(super) struct BoundAggregation {}

impl BoundAggregation {
    /// Merges `records` by the rows of each key; no key vanishes.
    pub(super) fn merge(&self, records: &KeyValueBatch, candidates: &Candidates) -> Result<MergedKeys> {
        let _ = (records, candidates);
        Err(Error::internal("not built"))
    }
}
