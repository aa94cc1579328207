//! The files of a bucket that wait to be compacted, in the order of their rows.
//!
//! Goes in: files as they are found, flushed and compacted. Comes out: neighbours that become one. Pure. Invariant: what is picked has no
//! gap, so that rows keep their order: of `1 1 9 1 1` with `compaction.min.file-num = 2` the first two are picked, never the 1s alone.
//! Unlike Java's, a pick makes fewer files of those it takes, or it would be picked again by the next writer. Answers to the picks of
//! `org.apache.paimon.append.BucketedAppendCompactManager`.

use std::collections::VecDeque;

use alluvium_format::DataFileMeta;

use super::rules::AppendRules;
use crate::strategy::Rewriting;

/// A full compaction of fewer files is worth nothing.
const FULL_FILES_MIN: usize = 3;

/// The files, by ascending sequence number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppendQueue {
    files: VecDeque<DataFileMeta>,
}

impl AppendQueue {
    /// The files of a bucket.
    pub fn new(mut files: Vec<DataFileMeta>) -> Self {
        files.sort_by_key(|file| file.min_sequence_number);
        Self { files: files.into() }
    }

    /// Takes a file.
    pub fn add(&mut self, file: DataFileMeta) {
        let at = self.files.partition_point(|held| held.min_sequence_number <= file.min_sequence_number);
        self.files.insert(at, file);
    }

    /// The files that wait.
    pub fn files(&self) -> impl Iterator<Item = &DataFileMeta> {
        self.files.iter()
    }

    /// The first neighbours that are many, before they are large; files ahead of them wait no more.
    pub fn pick(&mut self, rules: &AppendRules) -> Option<Vec<DataFileMeta>> {
        let mut picked: VecDeque<DataFileMeta> = VecDeque::new();
        let mut bytes = 0i64;
        while let Some(file) = self.files.pop_front() {
            bytes = bytes.saturating_add(file.file_size);
            picked.push_back(file);
            if picked.len() >= rules.files_min && rules.makes_fewer(picked.len(), bytes) {
                return Some(picked.into());
            }
            if rules.is_enough(bytes) {
                let ahead = picked.pop_front();
                bytes = bytes.saturating_sub(ahead.map_or(0, |file| file.file_size));
            }
        }
        self.files = picked;
        None
    }

    /// All files from the first small one on, or the first of which rows are deleted, where that is worth it.
    pub fn pick_all(
        &mut self,
        rules: &AppendRules,
        has_deleted_rows: impl Fn(&DataFileMeta) -> bool,
    ) -> Option<Vec<DataFileMeta>> {
        let all = rules.rewriting == Rewriting::AllFiles;
        let is_wanted = |file: &DataFileMeta| all || rules.is_small(file) || has_deleted_rows(file);
        let first = self.files.iter().position(is_wanted)?;
        let from_first = || self.files.iter().skip(first);
        let (files, small) = (from_first().count(), from_first().filter(|file| rules.is_small(file)).count());
        let bytes = from_first().map(|file| file.file_size).fold(0, i64::saturating_add);
        let is_worthwhile = all
            || from_first().any(&has_deleted_rows)
            || (files >= FULL_FILES_MIN && small > files.saturating_sub(small) && rules.makes_fewer(files, bytes));
        is_worthwhile.then(|| std::mem::take(&mut self.files).into_iter().skip(first).collect())
    }

    /// Takes in what a compaction wrote: the last file of it may still be small.
    pub fn add_compacted(&mut self, after: &[DataFileMeta], rules: &AppendRules) {
        if let Some(last) = after.last().filter(|file| rules.is_small(file)) {
            self.add(last.clone());
        }
    }
}
