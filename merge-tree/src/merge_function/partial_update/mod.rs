//! `merge-engine = partial-update`: the last value of each column wins that is not null.
//!
//! Goes in: the records of each key. Comes out: one row for each key. Columns of a sequence group take what the record of the highest
//! sequence in that group says, null included, or are aggregated in that order. For example with `fields.g.sequence-group = a` the
//! records `k g=2 a=x b=1`, `k g=1 a=y b=2`, `k g=null a=z b=null` make `k g=2 a=x b=2`. Invariants: no key vanishes; a row is
//! planned first, record by record ([`History`]), then gathered, column by column.
//! Answers to `org.apache.paimon.mergetree.compact.PartialUpdateMergeFunction`.

mod columns;
mod history;
mod rules;
mod sequence_group;

use std::sync::Arc;

use alluvium_format::{Error, Result};
use arrow_array::{Int8Array, Int64Array, RecordBatch};
use arrow_schema::SchemaRef;

use super::candidates::Candidates;
use super::merged_keys::MergedKeys;
use super::{FieldAggregator, Records};
use crate::key_value::{KeyValueBatch, kernel_error};
use columns::Columns;
use history::{History, Retraction};
pub use rules::PartialUpdate;
use rules::{Group, Role};
use sequence_group::{GroupColumns, GroupOrder};

/// The rules of the columns of a batch.
#[derive(Clone, Debug)]
pub(super) struct BoundPartialUpdate {
    schema: SchemaRef,
    retraction: Retraction,
    /// In the order of the schema.
    columns: Vec<ColumnRule>,
    groups: Vec<Arc<GroupColumns>>,
}

/// How a column comes by its value. Groups are by their places among those that are bound.
#[derive(Clone, Debug)]
enum ColumnRule {
    /// It is of the key, which all records share.
    Key,
    /// The last value that is not null.
    LastPresent,
    /// It orders a group.
    Sequence(usize),
    /// It follows the order of a group.
    Member(usize),
    /// It is aggregated in the order of a group.
    Aggregated(usize, Arc<FieldAggregator>),
}

impl PartialUpdate {
    /// The rules for batches whose values have the schema `columns`.
    ///
    /// # Errors
    /// `Invalid` when a column's sequence fields are not among them; `Unsupported` when one is of a type that has no order.
    pub(super) fn bind(&self, columns: &SchemaRef) -> Result<BoundPartialUpdate> {
        let mut groups = Vec::new();
        let mut bound_at = vec![None; self.groups.len()];
        for (bound, group) in bound_at.iter_mut().zip(&self.groups) {
            if group.names().any(|name| columns.index_of(name).is_ok()) {
                *bound = Some(groups.len());
                groups.push(Arc::new(GroupColumns::new(columns, group)?));
            }
        }
        let group = |group: usize| {
            let bound = bound_at.get(group).copied().flatten();
            bound.ok_or_else(|| Error::internal("a column is of a sequence group that there is not"))
        };
        let rule = |name: &str| {
            Ok(match self.columns.get(name) {
                None => ColumnRule::LastPresent,
                Some(Role::Key) => ColumnRule::Key,
                Some(Role::Sequence(of)) => ColumnRule::Sequence(group(*of)?),
                Some(Role::Member(of)) => ColumnRule::Member(group(*of)?),
                Some(Role::Aggregated(of, function)) => ColumnRule::Aggregated(group(*of)?, Arc::clone(function)),
            })
        };
        let rules: Result<Vec<_>> = columns.fields().iter().map(|field| rule(field.name())).collect();
        Ok(BoundPartialUpdate { schema: Arc::clone(columns), retraction: self.retraction, columns: rules?, groups })
    }
}

impl Group {
    /// All columns that this group is about.
    fn names(&self) -> impl Iterator<Item = &String> {
        self.sequence_fields.iter().chain(&self.members)
    }
}

impl BoundPartialUpdate {
    /// Merges `records` by the rows of each key.
    ///
    /// # Errors
    /// `Invalid` for a retraction without a rule, for what an aggregate function refuses, and when a column without null would be null.
    pub(super) fn merge(&self, records: &Records<'_>, candidates: &Candidates) -> Result<MergedKeys> {
        let groups: Result<Vec<_>> = self.groups.iter().map(|group| GroupOrder::of(group, records)).collect();
        let history = History::new(records, candidates, self.retraction, groups?)?;
        let mut columns = Columns::new(&history, records);
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (at, (rule, field)) in self.columns.iter().zip(self.schema.fields()).enumerate() {
            let array = columns.value(rule, at, field.data_type());
            let array = array.map_err(|error| error.context(format!("merging column {}", field.name())))?;
            if !field.is_nullable() && array.null_count() > 0 {
                return Err(Error::invalid(format!(
                    "partial-update leaves null in column {}, which is NOT NULL: no record of a key has a value for it in force, \
                     as those of its sequence group were retracted or have no sequence; make the column nullable",
                    field.name()
                )));
            }
            arrays.push(array);
        }
        let values = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(kernel_error)?;
        let keys = (0..).take(values.num_rows()).collect();
        let (sequences, kinds) = history.into_system_columns();
        let (sequences, kinds) = (Int64Array::from(sequences), Int8Array::from(kinds));
        Ok(MergedKeys { rows: KeyValueBatch { sequences, kinds, values }, keys })
    }
}
