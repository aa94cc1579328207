//! What a merge needs to know of a table: its key, its order of records of one key, and what becomes of them.
//!
//! Goes in: the schema and options of a table. Comes out: [`MergeOptions`]. Answers to the parts of `CoreOptions` and
//! `KeyValueFileStore` that configure a merge.

use std::sync::Arc;

use alluvium_format::options::{CoreOptions, MergeEngine};
use alluvium_format::{Error, Result, TableSchema};

use crate::merge_function::{Aggregation, Deduplicate, Deletes, FirstRow, MergeFunction, PartialUpdate};

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
    /// How records of the table of `schema` merge.
    ///
    /// # Errors
    /// `Invalid` for a table without primary key, and for options that cannot be read or that contradict each other.
    pub fn new(schema: &TableSchema, options: &CoreOptions) -> Result<Self> {
        let key_columns = schema.trimmed_primary_keys();
        if key_columns.is_empty() {
            return Err(Error::invalid("a table without primary key does not merge"));
        }
        let deletes = if options.ignore_delete()? { Deletes::Ignored } else { Deletes::Count };
        let engine = match options.merge_engine()? {
            MergeEngine::Deduplicate => MergeFunction::Deduplicate(Deduplicate { deletes }),
            MergeEngine::FirstRow => MergeFunction::FirstRow(FirstRow { deletes }),
            MergeEngine::PartialUpdate => MergeFunction::PartialUpdate(Arc::new(PartialUpdate::new(schema, options)?)),
            MergeEngine::Aggregation => MergeFunction::Aggregation(Arc::new(Aggregation::new(schema, options)?)),
        };
        // A first row is the same whichever of the levels above has it.
        let function = match engine {
            MergeFunction::FirstRow(_) => engine,
            _ if options.need_lookup()? => MergeFunction::Lookup(Box::new(engine)),
            _ => engine,
        };
        let sequence_order =
            if options.sequence_descending()? { SequenceOrder::Descending } else { SequenceOrder::Ascending };
        Ok(Self { key_columns, sequence_columns: options.sequence_fields(), sequence_order, function })
    }

    /// As these, but that all records of a key count, whatever levels they are of: where those that are merged into others are
    /// deleted by position, or where nothing was looked up yet.
    #[must_use]
    pub fn of_all_levels(&self) -> Self {
        Self { function: self.function.engine().clone(), ..self.clone() }
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

    /// The columns that a merge must read for `wanted` to come out right: key columns first, then sequence columns, then what the
    /// function goes by, each once; `wanted` are not among them unless they are any of these.
    ///
    /// Answers to `MergeFileSplitRead.withReadType` and `MergeFunctionFactory.adjustReadType`.
    pub fn required_columns<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut columns = self.key_columns.clone();
        let add = |columns: &mut Vec<String>, column: &str| {
            if !columns.iter().any(|there| there == column) {
                columns.push(column.to_owned());
            }
        };
        self.sequence_columns.iter().for_each(|column| add(&mut columns, column));
        if let MergeFunction::PartialUpdate(function) = self.function.engine() {
            let wanted: Vec<String> = wanted.into_iter().map(str::to_owned).chain(columns.clone()).collect();
            function.required_columns(&wanted).for_each(|column| add(&mut columns, column));
        }
        columns
    }
}
