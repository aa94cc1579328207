//! What compactions did: files taken, files left.
//!
//! Goes in: the result of one compaction after the other, between two commits. Comes out: one result to commit, and the files that
//! nobody will ever see. For example `{a b} → {c}` and `{c d} → {e}` fold to `{a b d} → {e}`, and `c` can be deleted. An upgraded
//! file keeps its name: it is in both lists and is never deleted. Answers to `org.apache.paimon.compact.CompactResult` and
//! `MergeTreeWriter.updateCompactResult`.

use std::collections::HashSet;

use alluvium_format::DataFileMeta;

/// What one compaction did.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CompactResult {
    /// Files taken out, with the levels they had.
    pub before: Vec<DataFileMeta>,
    /// Files put in.
    pub after: Vec<DataFileMeta>,
    /// Changelog files written on the way.
    pub changelog: Vec<DataFileMeta>,
}

impl CompactResult {
    /// The files of `after` that were written, not moved: those that are garbage when the result is never published.
    pub fn rewritten(&self) -> Vec<DataFileMeta> {
        let moved: HashSet<&str> = self.before.iter().map(|file| file.file_name.as_str()).collect();
        let written = self.after.iter().filter(|file| !moved.contains(file.file_name.as_str()));
        written.chain(&self.changelog).cloned().collect()
    }

    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty() && self.changelog.is_empty()
    }
}

/// The results since the last commit.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FoldedResults {
    result: CompactResult,
}

impl FoldedResults {
    /// Folds in the result of the next compaction. Returns intermediate files, which are to be deleted from storage.
    #[must_use = "the files returned are garbage in storage"]
    pub fn fold(&mut self, next: CompactResult) -> Vec<DataFileMeta> {
        let mut intermediate = Vec::new();
        for file in next.before {
            match position(&self.result.after, &file) {
                Some(at) => {
                    let made = self.result.after.remove(at);
                    let was_there = position(&self.result.before, &file).is_some();
                    if !was_there && position(&next.after, &file).is_none() {
                        intermediate.push(made);
                    }
                }
                None => self.result.before.push(file),
            }
        }
        self.result.after.extend(next.after);
        self.result.changelog.extend(next.changelog);
        intermediate
    }

    /// The folded result, for the commit; starts anew.
    pub fn take(&mut self) -> CompactResult {
        std::mem::take(&mut self.result)
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.result.is_empty()
    }
}

fn position(files: &[DataFileMeta], file: &DataFileMeta) -> Option<usize> {
    files.iter().position(|held| held.file_name == file.file_name)
}
