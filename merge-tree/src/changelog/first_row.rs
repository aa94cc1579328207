//! The changes of `merge-engine = first-row`: rows of keys that were not there. Answers to `FirstRowMergeFunctionWrapper`.

use alluvium_format::{Error, Result};

use super::ChangelogResult;
use crate::key_groups::KeyGroups;
use crate::merge_function::GroupMerge;

/// Merges the records of each key; `known` are the keys (ascending) that a level above has: they leave nothing.
///
/// # Errors
/// Those of the merge function.
pub fn first_row(groups: &KeyGroups, known: &[u32], merge: &GroupMerge) -> Result<ChangelogResult> {
    let _ = (groups, known, merge);
    Err(Error::internal("not built"))
}
