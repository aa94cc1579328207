//! What compactions did, in numbers.

use std::collections::HashSet;

use alluvium_format::CompactIncrement;

use super::outlook::bytes_of;

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// The COMPACT snapshot, or the OVERWRITE one of a sort, the last one when there are several; `None` when there was nothing to do.
    pub snapshot: Option<i64>,
    /// Buckets that were compacted.
    pub buckets: usize,
    /// Files taken out.
    pub files_before: usize,
    /// Files put in.
    pub files_after: usize,
    /// Of these, those that were moved to another level without being rewritten.
    pub files_upgraded: usize,
    /// Changelog files written on the way.
    pub changelog_files: usize,
    /// Bytes of data files read and rewritten.
    pub bytes_rewritten: u64,
    /// Bytes of data and changelog files written.
    pub bytes_written: u64,
}

impl CompactReport {
    /// Adds the compaction of a bucket.
    pub fn add(&mut self, compact: &CompactIncrement) {
        let after: HashSet<&str> = compact.compact_after.iter().map(|file| file.file_name.as_str()).collect();
        let moved = compact.compact_before.iter().filter(|file| after.contains(file.file_name.as_str())).count();
        let rewritten = compact.compact_before.iter().filter(|file| !after.contains(file.file_name.as_str()));
        self.buckets += 1;
        self.files_before += compact.compact_before.len();
        self.files_after += compact.compact_after.len();
        self.files_upgraded += moved;
        self.changelog_files += compact.changelog_files.len();
        self.bytes_rewritten += rewritten.map(bytes_of).sum::<u64>();
        self.bytes_written += compact.written_files().map(bytes_of).sum::<u64>();
    }
    /// With what was done after it.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            snapshot: later.snapshot.or(self.snapshot),
            buckets: self.buckets + later.buckets,
            files_before: self.files_before + later.files_before,
            files_after: self.files_after + later.files_after,
            files_upgraded: self.files_upgraded + later.files_upgraded,
            changelog_files: self.changelog_files + later.changelog_files,
            bytes_rewritten: self.bytes_rewritten + later.bytes_rewritten,
            bytes_written: self.bytes_written + later.bytes_written,
        }
    }
}
