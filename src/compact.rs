//! Compaction, asked for step by step.

use std::num::NonZero;

use alluvium_compaction::{
    BucketOutlook, CompactReport, CompactRequest, OrderStrategy, SortOrder, compact_table, outlook,
};
use alluvium_format::{BucketMode, Predicate, Result};
use alluvium_store::TableStore;
use alluvium_writer::postpone::{compact_postponed, outlook_postponed};

/// A compaction that is being asked for.
#[derive(Clone, Debug)]
pub struct Compact {
    store: TableStore,
    request: CompactRequest,
}

impl Compact {
    pub(crate) fn of(store: TableStore) -> Self {
        Self { store, request: CompactRequest::default() }
    }

    /// Everything into the highest level, not only what the rules pick.
    #[must_use]
    pub fn full(mut self) -> Self {
        self.request.full = true;
        self
    }

    /// Only partitions for which this condition on partition columns is true.
    #[must_use]
    pub fn partitions(mut self, condition: Predicate) -> Self {
        self.request.partitions = condition;
        self
    }

    /// Only the buckets from `first` to `last`.
    #[must_use]
    pub fn buckets(mut self, first: i32, last: i32) -> Self {
        self.request.buckets = Some((first, last));
        self
    }

    /// Sorts the rows of each partition by these columns, instead: all of them are written anew, in an OVERWRITE snapshot, as Paimon's sort
    /// compaction does. Only for tables without a primary key and without buckets; which buckets, and whether it is a full compaction, does
    /// not matter then. Rows that others commit meanwhile stay, unsorted. Memory comes from the budget, and what does not fit goes to the
    /// local disk.
    #[must_use]
    pub fn order_by<S: Into<String>>(mut self, strategy: OrderStrategy, columns: impl IntoIterator<Item = S>) -> Self {
        self.request.order = Some(SortOrder { strategy, columns: columns.into_iter().map(Into::into).collect() });
        self
    }

    /// So many buckets at a time; as many as there are cores by default.
    #[must_use]
    pub fn at_once(mut self, buckets: NonZero<usize>) -> Self {
        self.request.at_once = Some(buckets);
        self
    }

    /// What it would do now, the hottest bucket first; nothing is written.
    ///
    /// # Errors
    /// As [`Compact::execute`].
    pub async fn outlook(self) -> Result<Vec<BucketOutlook>> {
        match self.is_postponed()? {
            true => outlook_postponed(&self.store, &self.request).await,
            false => outlook(&self.store, &self.request).await,
        }
    }

    /// Compacts. In tables of `bucket = -2` rows that wait are given their buckets first.
    ///
    /// # Errors
    /// `Unsupported` by name for what this library cannot write, or sort; `Invalid` for columns that cannot be sorted by; `Conflict` when others changed the same files again and again.
    pub async fn execute(self) -> Result<CompactReport> {
        self.execute_with_progress(&|_, _| {}).await
    }

    /// Compacts, and calls `progress` with the number of buckets that are done and of all; of a sort, with rows that were gone through and all
    /// that will be: each is read once and written once.
    ///
    /// # Errors
    /// As [`Compact::execute`].
    pub async fn execute_with_progress(self, progress: &(dyn Fn(usize, usize) + Send + Sync)) -> Result<CompactReport> {
        if self.is_postponed()? {
            return compact_postponed(&self.store, &self.request, progress).await;
        }
        let user = self.store.io().namer().uuid();
        compact_table(&self.store, &user, &self.request, progress).await
    }

    fn is_postponed(&self) -> Result<bool> {
        let mode = self.store.options().bucket_mode(self.store.schema())?;
        // A sort is refused by name, as of every table with a primary key.
        Ok(mode == BucketMode::Postpone && self.request.order.is_none())
    }
}
