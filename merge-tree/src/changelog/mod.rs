//! Changes of a table, made while its files are compacted.
//!
//! Goes in: the records of keys, and what is known of the keys before. Comes out: the merged records and the changes. Invariants: `+I`
//! only where nothing was; `-U` directly before its `+U`; an image before is the record that was, with its sequence number. Pure.
//! Answers to `org.apache.paimon.mergetree.compact.ChangelogResult` and the wrappers of merge functions.

pub mod equaliser;
pub mod first_row;
pub mod full_compaction;
pub mod lookup;

pub use equaliser::RecordEqualiser;

use crate::key_value::KeyValueBatch;

/// What compacting keys came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangelogResult {
    /// The merged records, deletes included.
    pub rows: KeyValueBatch,
    /// The changes, in key order.
    pub changes: KeyValueBatch,
}
