//! What files a snapshot has, and what one commit changed.
//!
//! Goes in: a snapshot. Comes out: manifest entries, pruned by partition. Answers to `org.apache.paimon.operation.FileStoreScan`.

use alluvium_format::{Error, ManifestEntry, Predicate, Result, Snapshot};

use crate::table_store::TableStore;

/// The files of a snapshot: ADD entries of its base and delta manifests that no DELETE took back. Only partitions for which
/// `partitions`, a condition on partition columns, may be true ([`Predicate::True`]: all).
///
/// # Errors
/// `NotFound`, `Corrupt` or `Storage`.
pub async fn live_entries(
    _table: &TableStore,
    _snapshot: &Snapshot,
    _partitions: &Predicate,
) -> Result<Vec<ManifestEntry>> {
    Err(Error::internal("not built"))
}

/// The entries of a snapshot's delta, as they are: what its commit added and deleted.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Storage`.
pub async fn delta_entries(
    _table: &TableStore,
    _snapshot: &Snapshot,
    _partitions: &Predicate,
) -> Result<Vec<ManifestEntry>> {
    Err(Error::internal("not built"))
}

/// The changelog files of a snapshot; none when it has no changelog.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Storage`.
pub async fn changelog_entries(
    _table: &TableStore,
    _snapshot: &Snapshot,
    _partitions: &Predicate,
) -> Result<Vec<ManifestEntry>> {
    Err(Error::internal("not built"))
}
