//! Another number of buckets, asked for step by step.

use alluvium_format::{Predicate, Result};
use alluvium_store::TableStore;
use alluvium_writer::rescale::{RescaleReport, RescaleRequest, rescale};

/// A rescaling that is being asked for.
#[derive(Clone, Debug)]
pub struct Rescale {
    store: TableStore,
    request: RescaleRequest,
}

impl Rescale {
    pub(crate) fn of(store: TableStore) -> Self {
        Self { store, request: RescaleRequest { buckets: None, partitions: Predicate::True } }
    }

    /// Into so many buckets; by default as many as the option `bucket` says.
    #[must_use]
    pub fn buckets(mut self, buckets: i32) -> Self {
        self.request.buckets = Some(buckets);
        self
    }

    /// Only partitions for which this condition on partition columns is true.
    #[must_use]
    pub fn partitions(mut self, condition: Predicate) -> Self {
        self.request.partitions = condition;
        self
    }

    /// Splits the partitions anew, in one commit.
    ///
    /// # Errors
    /// `Unsupported` for tables that have no number of buckets; `Invalid` when it is not positive, or must be given; `Conflict` when others
    /// brought rows meanwhile, so that nothing was done.
    pub async fn execute(self) -> Result<RescaleReport> {
        rescale(&self.store, &self.request).await
    }
}
