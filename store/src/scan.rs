//! What files a snapshot has, and what one commit changed.
//!
//! Goes in: a snapshot. Comes out: manifest entries, pruned by partition: first whole manifests by their statistics, then entries by
//! their partition row. Invariants: a file lives when an ADD names it and no DELETE of the base and delta manifests does, whatever their
//! order; entries come in the order of the manifests. Answers to `org.apache.paimon.operation.FileStoreScan`.

pub(crate) mod file_identity;
pub(crate) mod live_files;
pub(crate) mod partition_filter;

use std::sync::Arc;

use alluvium_format::{ManifestEntry, ManifestFileMeta, Predicate, Result, Snapshot};

use crate::table_store::TableStore;
use live_files::{LiveFiles, over_entries};
use partition_filter::PartitionFilter;

/// The files of a snapshot: ADD entries of its base and delta manifests that no DELETE took back. Only partitions for which
/// `partitions`, a condition on partition columns, may be true ([`Predicate::True`]: all). Files of the postpone bucket (-2) are among
/// them: whoever reads rows leaves them out, as they wait for their buckets.
///
/// Long folds run in the CPU pool: never call it from work that runs there.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Storage`.
pub async fn live_entries(
    table: &TableStore,
    snapshot: &Snapshot,
    partitions: &Predicate,
) -> Result<Vec<ManifestEntry>> {
    let files = live_files(table, snapshot, PartitionFilter::matching(table, partitions)).await?;
    over_entries(table.io(), files.len(), move || Ok(files.iter().cloned().collect())).await
}

/// The entries of a snapshot's delta, as they are: what its commit added and deleted.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Storage`.
pub async fn delta_entries(
    table: &TableStore,
    snapshot: &Snapshot,
    partitions: &Predicate,
) -> Result<Vec<ManifestEntry>> {
    entries_of_list(table, &snapshot.delta_manifest_list, PartitionFilter::matching(table, partitions)).await
}

/// The changelog files of a snapshot; none when it has no changelog.
///
/// # Errors
/// `NotFound`, `Corrupt` or `Storage`.
pub async fn changelog_entries(
    table: &TableStore,
    snapshot: &Snapshot,
    partitions: &Predicate,
) -> Result<Vec<ManifestEntry>> {
    match &snapshot.changelog_manifest_list {
        Some(list) => entries_of_list(table, list, PartitionFilter::matching(table, partitions)).await,
        None => Ok(Vec::new()),
    }
}

/// The files of a snapshot, without a copy of them.
pub(crate) async fn live_files(
    table: &TableStore,
    snapshot: &Snapshot,
    partitions: PartitionFilter,
) -> Result<LiveFiles> {
    let manifests = partitions.pruned(&data_manifests(table, snapshot).await?)?;
    let entries = table.manifests().entries_of(&manifests).await?;
    let count = entries.iter().map(|entries| entries.len()).sum();
    over_entries(table.io(), count, move || LiveFiles::fold(entries, &partitions)).await
}

/// The manifests of a snapshot, those of the base before those of the delta.
pub(crate) async fn data_manifests(table: &TableStore, snapshot: &Snapshot) -> Result<Vec<ManifestFileMeta>> {
    let manifests = table.manifests();
    let (base, delta) = futures::future::try_join(
        manifests.list(&snapshot.base_manifest_list),
        manifests.list(&snapshot.delta_manifest_list),
    )
    .await?;
    Ok(base.iter().chain(delta.iter()).cloned().collect())
}

async fn entries_of_list(table: &TableStore, list: &str, partitions: PartitionFilter) -> Result<Vec<ManifestEntry>> {
    let manifests = partitions.pruned(&table.manifests().list(list).await?)?;
    let entries: Vec<Arc<Vec<ManifestEntry>>> = table.manifests().entries_of(&manifests).await?;
    let count = entries.iter().map(|entries| entries.len()).sum();
    over_entries(table.io(), count, move || {
        let mut partitions = partitions.remembering();
        let mut kept = Vec::new();
        for entry in entries.iter().flat_map(|entries| entries.iter()) {
            if partitions.passes(&entry.partition)? {
                kept.push(entry.clone());
            }
        }
        Ok(kept)
    })
    .await
}
