//! What becomes of several records of one key.
//!
//! Goes in: the kinds of the records of one key, in merge order (earliest first). Comes out: which record survives, by address;
//! rows are never built here. A key with one record does not come here at all: it passes unchanged, whatever its kind.
//! Answers to `org.apache.paimon.mergetree.compact.MergeFunction` and `ReducerMergeFunctionWrapper`.

mod deduplicate;
mod group_merge;
mod merged_keys;

pub use deduplicate::{Deduplicate, Deletes};
pub use group_merge::GroupMerge;
pub use merged_keys::{MergedKeys, SingleRecords};

/// The merge engine of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeFunction {
    /// The last record wins.
    Deduplicate(Deduplicate),
}

impl Default for MergeFunction {
    fn default() -> Self {
        Self::Deduplicate(Deduplicate::default())
    }
}

impl MergeFunction {
    /// The index of the surviving record among `kinds`, which are in merge order; `None` when the key vanishes.
    #[inline]
    pub fn survivor(&self, kinds: impl DoubleEndedIterator<Item = i8> + ExactSizeIterator) -> Option<usize> {
        if kinds.len() == 1 {
            return Some(0);
        }
        match self {
            Self::Deduplicate(function) => function.survivor(kinds),
        }
    }
}
