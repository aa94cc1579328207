//! The changes of `merge-engine = first-row`: rows of keys that were not there. Answers to `FirstRowMergeFunctionWrapper`.

use alluvium_format::Result;

use super::images::gather;
use super::{ChangelogResult, ChangesWanted};
use crate::key_groups::KeyGroups;
use crate::key_value::is_retract;
use crate::merge_function::{GroupMerge, SingleRecords};

/// The keys that must be looked up: no record of them that adds is of a level above 0, and there is one that adds.
pub fn missing_keys(groups: &KeyGroups) -> Vec<u32> {
    let adds = |row: &usize| !is_retract(groups.records().kinds.value(*row));
    let is_missing = |key: &u32| {
        let mut levels = groups.range(*key as usize).filter(adds).filter_map(|row| groups.levels().get(row)).peekable();
        levels.peek().is_some() && levels.all(|level| *level <= 0)
    };
    (0..).take(groups.num_keys()).filter(is_missing).collect()
}

/// Merges the records of each key. `known` are those of the [`missing_keys`], ascending, that a level above has: they leave nothing.
/// The others of them are new: their rows are the changes, with the kinds they came with.
///
/// # Errors
/// Those of the merge function.
pub fn first_row(
    groups: &KeyGroups,
    known: &[u32],
    merge: &GroupMerge,
    wanted: &ChangesWanted,
) -> Result<ChangelogResult> {
    let merged = merge.merge(groups, SingleRecords::Merge)?;
    let missing = missing_keys(groups);
    let (mut rows, mut changes) = (Vec::with_capacity(merged.keys.len()), Vec::new());
    for (row, key) in merged.keys.iter().enumerate() {
        let is_missing = missing.binary_search(key).is_ok();
        if is_missing && known.binary_search(key).is_ok() {
            continue;
        }
        rows.push((0, row));
        if is_missing && *wanted != ChangesWanted::Nothing {
            changes.push((0, row));
        }
    }
    let sources = [&merged.rows, &merged.rows];
    Ok(ChangelogResult { rows: gather(&sources, &rows)?, changes: gather(&sources, &changes)? })
}
