//! What a merge needs to know of a table: its key, its order of records of one key, and what becomes of them.
//!
//! Goes in: the schema and options of a table. Comes out: [`MergeOptions`]. Answers to the parts of `CoreOptions` and
//! `KeyValueFileStore` that configure a merge.

use alluvium_format::options::{CoreOptions, MergeEngine};
use alluvium_format::{Error, Result, TableSchema};

use crate::merge_function::{Deduplicate, Deletes, MergeFunction};

/// How records of a table merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    /// The trimmed primary key, in key order.
    pub key_columns: Vec<String>,
    /// `sequence.field`: columns that order the records of one key before their sequence numbers do.
    pub sequence_columns: Vec<String>,
    /// `sequence.field.sort-order`.
    pub sequence_order: SequenceOrder,
    /// What becomes of several records of one key.
    pub function: MergeFunction,
}

/// Which record of a key is the later one by its sequence columns. Null is the earliest in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SequenceOrder {
    /// The larger value is later.
    #[default]
    Ascending,
    /// The smaller value is later.
    Descending,
}

impl MergeOptions {
    /// How records of the table of `schema` merge. `Unsupported` for merge engines other than `deduplicate`, `Invalid` for a
    /// table without primary key and for an option that cannot be read.
    pub fn new(schema: &TableSchema, options: &CoreOptions) -> Result<Self> {
        let key_columns = schema.trimmed_primary_keys();
        if key_columns.is_empty() {
            return Err(Error::invalid("a table without primary key does not merge"));
        }
        let deletes = if options.ignore_delete()? { Deletes::Ignored } else { Deletes::Count };
        let function = match options.merge_engine()? {
            MergeEngine::Deduplicate => MergeFunction::Deduplicate(Deduplicate { deletes }),
            MergeEngine::PartialUpdate => return Err(Error::unsupported("merge-engine = partial-update")),
            MergeEngine::Aggregation => return Err(Error::unsupported("merge-engine = aggregation")),
            MergeEngine::FirstRow => return Err(Error::unsupported("merge-engine = first-row")),
        };
        let sequence_order =
            if options.sequence_descending()? { SequenceOrder::Descending } else { SequenceOrder::Ascending };
        Ok(Self { key_columns, sequence_columns: options.sequence_fields(), sequence_order, function })
    }

    /// Deduplicates by `key_columns`: the record of the highest sequence number wins.
    pub fn deduplicate<S: Into<String>>(key_columns: impl IntoIterator<Item = S>) -> Self {
        Self {
            key_columns: key_columns.into_iter().map(Into::into).collect(),
            sequence_columns: Vec::new(),
            sequence_order: SequenceOrder::Ascending,
            function: MergeFunction::default(),
        }
    }

    /// The columns that a merge reads, whatever the projection: key columns first, then sequence columns, each once.
    pub fn required_columns(&self) -> Vec<String> {
        let mut columns = self.key_columns.clone();
        for column in &self.sequence_columns {
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
        columns
    }
}
