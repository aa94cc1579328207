//! Removes files that no snapshot names.
//!
//! Goes in: files of which it is certain that they were never published. Nothing comes out: a file that stays is garbage, which
//! no reader sees and which the removal of orphan files finds.

use alluvium_format::{CompactIncrement, DataFileMeta};
use alluvium_store::{FileLocation, PartitionBucket, TableStore, index_files};

/// Deletes the files and what lies beside them, at best effort.
pub fn delete_unpublished<'a>(
    table: &TableStore,
    bucket: &PartitionBucket,
    files: impl IntoIterator<Item = &'a DataFileMeta>,
) -> impl Future<Output = ()> + Send {
    // The places are taken before anything is awaited: whoever awaits this can be spawned, whatever the files come from.
    let places: Vec<FileLocation> = files.into_iter().flat_map(|file| places_of(table, bucket, file)).collect();
    async move {
        for place in places {
            let _ = place.delete().await;
        }
    }
}

/// Where a file and what lies beside it are; nothing when that is not allowed.
fn places_of(table: &TableStore, bucket: &PartitionBucket, file: &DataFileMeta) -> Vec<FileLocation> {
    let Ok(place) = table.data_file(&bucket.partition, bucket.bucket, file) else { return Vec::new() };
    let beside: Vec<FileLocation> = file.extra_files.iter().filter_map(|name| place.beside(name).ok()).collect();
    std::iter::once(place).chain(beside).collect()
}

/// Deletes what a compaction wrote, its changelog and index files included, at best effort.
pub async fn delete_unpublished_compaction(table: &TableStore, bucket: &PartitionBucket, compact: &CompactIncrement) {
    delete_unpublished(table, bucket, compact.written_files()).await;
    for file in &compact.new_index_files {
        index_files::delete_unpublished(table, bucket, file).await;
    }
}
