//! The changes of a full compaction: `changelog-producer = full-compaction`.
//!
//! For example, with 5 as the highest level, `a@1(L5) a@7(L0) | b@3(L0) | c@2(L5)` is an update of `a`, an insert of `b`, and
//! nothing of `c`. What came and went between two full compactions is not seen. Answers to `FullChangelogMergeFunctionWrapper`.

use alluvium_format::Result;

use super::images::Images;
use super::{ChangelogResult, ChangesWanted};
use crate::key_groups::KeyGroups;
use crate::key_value::drop_deletes;
use crate::merge_function::{GroupMerge, SingleRecords};

/// Merges all records of each key; what was on `max_level` is the image before. Records that retract are left out, as the highest
/// level has none.
///
/// # Errors
/// Those of the merge function.
pub fn full_compaction(
    groups: &KeyGroups,
    merge: &GroupMerge,
    max_level: i32,
    wanted: &ChangesWanted,
) -> Result<ChangelogResult> {
    let merged = merge.merge(groups, SingleRecords::Pass)?;
    let mut changes = merged.rows.slice(0, 0);
    if let Some(mut images) = Images::new(groups.records(), &merged.rows, wanted)? {
        for (after, key) in merged.keys.iter().enumerate() {
            let mut rows = groups.range(*key as usize);
            let is_alone = rows.len() == 1;
            match rows.find(|row| groups.levels().get(*row) == Some(&max_level)) {
                None => images.appeared(after),
                // It is the record that was.
                Some(_) if is_alone => {}
                Some(before) => images.changed(before, after),
            }
        }
        changes = images.gather()?;
    }
    Ok(ChangelogResult { rows: drop_deletes(merged.rows)?, changes })
}
