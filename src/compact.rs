//! Compaction, asked for step by step.

use alluvium_compaction::{CompactReport, CompactRequest, compact_table};
use alluvium_format::{Predicate, Result};
use alluvium_store::TableStore;

/// A compaction that is being asked for.
#[derive(Clone, Debug)]
pub struct Compact {
    store: TableStore,
    request: CompactRequest,
}

impl Compact {
    pub(crate) fn of(store: TableStore) -> Self {
        Self { store, request: CompactRequest { full: false, partitions: Predicate::True, buckets: None } }
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

    /// Compacts.
    ///
    /// # Errors
    /// `Unsupported` by name for what this library cannot write; `Conflict` when others changed the same files again and again.
    pub async fn execute(self) -> Result<CompactReport> {
        self.execute_with_progress(&|_, _| {}).await
    }

    /// Compacts, and calls `progress` with the number of buckets that are done and of all.
    ///
    /// # Errors
    /// As [`Compact::execute`].
    pub async fn execute_with_progress(self, progress: &(dyn Fn(usize, usize) + Send + Sync)) -> Result<CompactReport> {
        let user = self.store.io().namer().uuid();
        compact_table(&self.store, &user, &self.request, progress).await
    }
}
