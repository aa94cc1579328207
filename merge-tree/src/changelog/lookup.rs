//! The changes of a lookup compaction. Answers to `LookupChangelogMergeFunctionWrapper` and `LookupMergeFunction`.

use alluvium_format::{Error, Result};

use super::{ChangelogResult, RecordEqualiser};
use crate::key_groups::KeyGroups;
use crate::key_value::KeyValueBatch;
use crate::merge_function::GroupMerge;

/// Records that were found for keys in levels above those that are compacted.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The key of the groups that each record is of, ascending.
    pub keys: Vec<u32>,
    /// The records, with all columns of the groups.
    pub records: KeyValueBatch,
    /// The level each was found on.
    pub levels: Vec<i32>,
}

/// The keys that must be looked up: no record of them comes from a level above 0.
pub fn missing_keys(groups: &KeyGroups) -> Vec<u32> {
    let _ = groups;
    Vec::new()
}

/// Merges the records of level 0 of each key with the record of the lowest level above it, found or among the groups, which is the
/// image before.
///
/// # Errors
/// Those of the merge function.
pub fn lookup(
    groups: &KeyGroups,
    found: Option<&Found>,
    merge: &GroupMerge,
    equaliser: Option<&RecordEqualiser>,
) -> Result<ChangelogResult> {
    let _ = (groups, found, merge, equaliser);
    Err(Error::internal("not built"))
}
