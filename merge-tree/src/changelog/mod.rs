//! Changes of a table, made while its files are compacted.
//!
//! Goes in: the records of keys, and what is known of the keys before. Comes out: the merged records and the changes. Invariants: `+I`
//! only where nothing was; `-U` directly before its `+U`; an image before is the record that was, and one after the merged record, each
//! with its sequence number. Pure, and by address: no row is built here. Answers to
//! `org.apache.paimon.mergetree.compact.ChangelogResult` and the wrappers of merge functions.

pub mod equaliser;
pub mod first_row;
pub mod full_compaction;
mod images;
pub mod lookup;

pub use equaliser::RecordEqualiser;

use alluvium_format::{Error, Result};
use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use crate::key_groups::KeyGroups;
use crate::key_value::{KeyValueBatch, kernel_error};

/// What compacting keys came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangelogResult {
    /// The merged records, those that retract included where they must stay.
    pub rows: KeyValueBatch,
    /// The changes, in key order.
    pub changes: KeyValueBatch,
}

/// Which changes are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ChangesWanted {
    /// None.
    Nothing,
    /// All: a key that is written again is updated, whatever its row.
    #[default]
    All,
    /// All but updates of a row to an equal one: `changelog-producer.row-deduplicate`.
    Differing(RecordEqualiser),
}

/// The key columns of these keys of the groups: what is looked up.
///
/// # Errors
/// `Internal` when the groups lack a key or a key column.
pub fn key_rows(groups: &KeyGroups, keys: &[u32], key_columns: &[String]) -> Result<RecordBatch> {
    let first = |key: &u32| u32::try_from(groups.range(*key as usize).start).unwrap_or(u32::MAX);
    let values = &groups.records().values;
    let column_of = |name: &String| {
        let found = values.schema().column_with_name(name).map(|(index, _)| index);
        found.ok_or_else(|| Error::internal(format!("records without key column {name} are looked up")))
    };
    let columns = key_columns.iter().map(column_of).collect::<Result<Vec<_>>>()?;
    let rows: UInt32Array = keys.iter().map(first).collect();
    take_record_batch(&values.project(&columns).map_err(kernel_error)?, &rows).map_err(kernel_error)
}

#[cfg(test)]
mod tests;
