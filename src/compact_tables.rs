//! The compaction of many tables, asked for step by step.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZero;
use std::time::Duration;

use alluvium_compaction::{
    CompactRequest, Fleet, FleetEvent, FleetRequest, FleetScope, FleetSummary, StopGuard, TableOutlook,
};
use alluvium_format::{Predicate, Result};
use alluvium_store::FileSystemCatalog;

/// A compaction of many tables that is being asked for. What fails in one table leaves the others alone.
#[derive(Clone, Debug)]
pub struct CompactTables {
    catalog: FileSystemCatalog,
    request: FleetRequest,
}

impl CompactTables {
    pub(crate) fn of(catalog: FileSystemCatalog, scope: FleetScope) -> Self {
        let compact = CompactRequest::default();
        Self { catalog, request: FleetRequest { scope, compact, options: BTreeMap::new() } }
    }

    /// Everything into the highest level, not only what the rules pick.
    #[must_use]
    pub fn full(mut self) -> Self {
        self.request.compact.full = true;
        self
    }

    /// Only partitions for which this condition on partition columns is true.
    #[must_use]
    pub fn partitions(mut self, condition: Predicate) -> Self {
        self.request.compact.partitions = condition;
        self
    }

    /// Only the buckets from `first` to `last`.
    #[must_use]
    pub fn buckets(mut self, first: i32, last: i32) -> Self {
        self.request.compact.buckets = Some((first, last));
        self
    }

    /// With these options over those of the tables.
    #[must_use]
    pub fn options(mut self, options: BTreeMap<String, String>) -> Self {
        self.request.options = options;
        self
    }

    /// So many buckets at a time; as many as there are cores by default.
    #[must_use]
    pub fn at_once(mut self, buckets: NonZero<usize>) -> Self {
        self.request.compact.at_once = Some(buckets);
        self
    }

    /// What would be done now, the hottest bucket of all tables first; nothing is written. `hear` hears of tables that are left out.
    ///
    /// # Errors
    /// `NotFound` or `Storage` when the tables cannot be listed.
    pub async fn outlook(self, hear: &(dyn Fn(FleetEvent) + Send + Sync)) -> Result<Vec<TableOutlook>> {
        Fleet::new(self.catalog, self.request).outlook(hear).await
    }

    /// Compacts once. When `until` ends before it is done, what is under way is stopped, and what is done is committed.
    ///
    /// # Errors
    /// `NotFound` or `Storage` when the tables cannot be listed; what fails in a table is an event.
    pub async fn execute(
        self,
        until: impl Future<Output = ()>,
        hear: &(dyn Fn(FleetEvent) + Send + Sync),
    ) -> Result<FleetSummary> {
        let mut fleet = Fleet::new(self.catalog, self.request);
        let stop = StopGuard::default();
        let signal = stop.signal();
        stopped_by(until, &stop, fleet.run_once(&signal, hear)).await
    }

    /// Compacts until `until` ends: it looks for work every `interval`, and goes on at once while there is more. What is under way in
    /// the end is stopped, and what is done is committed.
    pub async fn watch(
        self,
        interval: Duration,
        until: impl Future<Output = ()>,
        hear: &(dyn Fn(FleetEvent) + Send + Sync),
    ) {
        let mut fleet = Fleet::new(self.catalog, self.request);
        let stop = StopGuard::default();
        let signal = stop.signal();
        stopped_by(until, &stop, fleet.watch(interval, &signal, hear)).await;
    }
}

/// Sees `work` through, which is told to stop once `until` ends.
async fn stopped_by<T>(until: impl Future<Output = ()>, stop: &StopGuard, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        outcome = &mut work => return outcome,
        () = until => stop.stop(),
    }
    work.await
}
