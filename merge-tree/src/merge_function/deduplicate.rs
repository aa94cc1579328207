//! `merge-engine = deduplicate`: the last record of a key wins, with its kind.
//!
//! A surviving `-D` stays as a tombstone until a compaction into the highest level drops it. With `ignore-delete` records of kind
//! `-U` and `-D` do not count: `a+I@1 a-D@2` leaves `a+I@1`, and `a-D@1 a-D@2` leaves nothing.
//! Answers to `org.apache.paimon.mergetree.compact.DeduplicateMergeFunction`.

use crate::key_value::is_retract;

/// The last record wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Deduplicate {
    /// Which records are in the running.
    pub deletes: Deletes,
}

/// Whether records that retract count: `ignore-delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Deletes {
    /// `-U` and `-D` win like any other record.
    #[default]
    Count,
    /// `-U` and `-D` are skipped.
    Ignored,
}

impl Deduplicate {
    #[inline]
    pub(super) fn survivor(self, kinds: impl DoubleEndedIterator<Item = i8> + ExactSizeIterator) -> Option<usize> {
        match self.deletes {
            Deletes::Count => kinds.len().checked_sub(1),
            Deletes::Ignored => {
                let mut kinds = kinds;
                kinds.rposition(|kind| !is_retract(kind))
            }
        }
    }
}
