//! The changes of a full compaction. Answers to `FullChangelogMergeFunctionWrapper`.

use alluvium_format::{Error, Result};

use super::{ChangelogResult, RecordEqualiser};
use crate::key_groups::KeyGroups;
use crate::merge_function::GroupMerge;

/// Merges all records of each key; what was on `max_level` is the image before.
///
/// # Errors
/// Those of the merge function.
pub fn full_compaction(
    groups: &KeyGroups,
    merge: &GroupMerge,
    max_level: i32,
    equaliser: Option<&RecordEqualiser>,
) -> Result<ChangelogResult> {
    let _ = (groups, merge, max_level, equaliser);
    Err(Error::internal("not built"))
}
