//! Which files of a table without buckets are compacted, and which of them together.
//!
//! Goes in: the files of a partition, with their deleted rows. Comes out: files for one task each. Pure. Rows have no order here, so that
//! files are put together by size: of 9 1 5 1 1 MB the three of 1 come first. Invariant: files whose vectors are in one index file go
//! into one task, as that file is written anew. Answers to `org.apache.paimon.append.AppendCompactCoordinator`.

use std::collections::BTreeMap;

use alluvium_format::DataFileMeta;

use super::rules::AppendRules;
use crate::settings::Picking;
use crate::strategy::Rewriting;

/// A file of a partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedFile {
    /// The file.
    pub file: DataFileMeta,
    /// The rows of it that are deleted, and the name of the index file that says so.
    pub deleted: Option<(u64, String)>,
}

/// The tasks of a partition.
pub fn pack(files: Vec<PackedFile>, rules: &AppendRules, picking: Picking) -> Vec<Vec<DataFileMeta>> {
    let mut by_index: BTreeMap<String, Vec<DataFileMeta>> = BTreeMap::new();
    let mut rest = Vec::new();
    for PackedFile { file, deleted } in files.into_iter().filter(|file| is_wanted(file, rules, picking)) {
        match deleted {
            Some((_, index)) => by_index.entry(index).or_default().push(file),
            None => rest.push(vec![file]),
        }
    }
    let files_min = match (picking, rules.rewriting) {
        (Picking::Universal, _) => rules.files_min.max(2),
        (Picking::Full, Rewriting::WhereNeeded) => 2,
        (Picking::Full, Rewriting::AllFiles) => 1,
    };
    // Deleted rows are gone for good only when their file is compacted.
    let mut tasks = bins(by_index.into_values().collect(), rules, 1);
    tasks.extend(bins(rest, rules, files_min));
    tasks
}

/// Whether there is a reason to compact a file.
pub(super) fn is_wanted(packed: &PackedFile, rules: &AppendRules, picking: Picking) -> bool {
    let by_deleted = packed.deleted.as_ref().is_some_and(|(rows, _)| match picking {
        Picking::Full => true,
        Picking::Universal => *rows as f64 > packed.file.row_count as f64 * rules.deleted_ratio_max,
    });
    let all = picking == Picking::Full && rules.rewriting == Rewriting::AllFiles;
    all || by_deleted || rules.is_small(&packed.file)
}

/// Fills bins with groups of files, the smallest first, up to twice the target; a last bin of fewer than `files_min` files stays behind.
fn bins(mut groups: Vec<Vec<DataFileMeta>>, rules: &AppendRules, files_min: usize) -> Vec<Vec<DataFileMeta>> {
    let bytes_of = |group: &[DataFileMeta]| group.iter().map(|file| file.file_size).fold(0, i64::saturating_add);
    let name_of = |group: &[DataFileMeta]| group.first().map(|file| file.file_name.clone());
    groups.sort_by_cached_key(|group| (bytes_of(group), name_of(group)));
    let (mut full, mut open, mut bytes) = (Vec::new(), Vec::new(), 0i64);
    for group in groups {
        for file in group {
            bytes = bytes.saturating_add(file.file_size).saturating_add(rules.open_file_bytes);
            open.push(file);
        }
        if open.len() > 1 && rules.is_enough(bytes) {
            full.push(std::mem::take(&mut open));
            bytes = 0;
        }
    }
    if !open.is_empty() && open.len() >= files_min {
        full.push(open);
    }
    full
}
