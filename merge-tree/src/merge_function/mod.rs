//! What becomes of several records of one key.
//!
//! Goes in: the records of each key, in merge order (earliest first). Comes out: at most one record a key. Two ways lead there: a
//! function of which one record survives as it is (`Survivor`) says so by its place; one that builds rows, column by column, works
//! over the records of many keys at once ([`GroupMerge`]). Records move when their values are asked for (`Records`). A key with one record passes unchanged, whatever its kind, but where
//! [`SingleRecords`] says otherwise. Answers to `org.apache.paimon.mergetree.compact.MergeFunction`, `ReducerMergeFunctionWrapper` and
//! `LookupMergeFunction`.

mod aggregate;
mod aggregation;
mod candidates;
mod deduplicate;
mod first_row;
mod group_merge;
mod merged_keys;
mod partial_update;
mod records;

use std::sync::Arc;

use alluvium_format::Result;

pub use aggregate::{FieldAggregator, FoldOp, FoldStep, Folds};
pub use aggregation::Aggregation;
pub(crate) use candidates::{Candidates, HighLevels};
pub use deduplicate::{Deduplicate, Deletes};
pub use first_row::FirstRow;
pub use group_merge::GroupMerge;
pub use merged_keys::{MergedKeys, SingleRecords};
pub use partial_update::PartialUpdate;
pub(crate) use records::{Address, Records};

/// The merge engine of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeFunction {
    /// The last record wins.
    Deduplicate(Deduplicate),
    /// The first record wins.
    FirstRow(FirstRow),
    /// The last value of each column wins that is not null.
    PartialUpdate(Arc<PartialUpdate>),
    /// Each column has a function of its own.
    Aggregation(Arc<Aggregation>),
    /// The function within, for a table whose compactions look up: of the records of levels above 0 only that of the lowest level
    /// counts, as the others are merged into it already. Java's `LookupMergeFunction`.
    Lookup(Box<Self>),
}

impl Default for MergeFunction {
    fn default() -> Self {
        Self::Deduplicate(Deduplicate::default())
    }
}

impl MergeFunction {
    /// The function proper: that within [`MergeFunction::Lookup`], or itself.
    pub fn engine(&self) -> &Self {
        match self {
            Self::Lookup(within) => within.engine(),
            _ => self,
        }
    }

    /// Which records of levels above 0 count.
    pub(crate) fn high_levels(&self) -> HighLevels {
        match self {
            Self::Lookup(_) => HighLevels::Lowest,
            _ => HighLevels::All,
        }
    }

    /// The function, if one record survives as it is.
    pub(crate) fn survivor(&self) -> Option<Survivor> {
        match self {
            Self::Deduplicate(function) => Some(Survivor::Deduplicate(*function)),
            Self::FirstRow(function) => Some(Survivor::FirstRow(*function)),
            Self::PartialUpdate(_) | Self::Aggregation(_) => None,
            Self::Lookup(within) => within.survivor(),
        }
    }
}

/// A merge function of which one record survives as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivor {
    Deduplicate(Deduplicate),
    FirstRow(FirstRow),
}

impl Survivor {
    /// The index of the surviving record among `kinds`, which are in merge order; `None` when the key vanishes.
    ///
    /// # Errors
    /// `Invalid` for a retraction that the function does not take.
    #[inline]
    pub(crate) fn of(self, kinds: impl DoubleEndedIterator<Item = i8> + ExactSizeIterator) -> Result<Option<usize>> {
        match self {
            Self::Deduplicate(function) => Ok(function.survivor(kinds)),
            Self::FirstRow(function) => function.survivor(kinds),
        }
    }
}
