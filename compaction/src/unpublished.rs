//! Removes files that no snapshot names.
//!
//! Goes in: files of which it is certain that they were never published. Nothing comes out: a file that stays is garbage, which
//! no reader sees and which the removal of orphan files finds.

use alluvium_format::{CompactIncrement, DataFileMeta};
use alluvium_store::{PartitionBucket, TableStore, deletion_vectors};

/// Deletes the files and what lies beside them, at best effort.
pub async fn delete_unpublished<'a>(
    table: &TableStore,
    bucket: &PartitionBucket,
    files: impl IntoIterator<Item = &'a DataFileMeta>,
) {
    let Ok(folder) = table.bucket_path(&bucket.partition, bucket.bucket) else { return };
    for file in files {
        // A file outside of the table was not written by this library.
        if file.external_path.is_some() {
            continue;
        }
        for name in std::iter::once(&file.file_name).chain(&file.extra_files) {
            let _ = table.io().delete(&format!("{folder}/{name}")).await;
        }
    }
}

/// Deletes what a compaction wrote, its changelog and index files included, at best effort.
pub async fn delete_unpublished_compaction(table: &TableStore, bucket: &PartitionBucket, compact: &CompactIncrement) {
    delete_unpublished(table, bucket, compact.written_files()).await;
    for file in &compact.new_index_files {
        deletion_vectors::delete_unpublished(table, bucket, file).await;
    }
}
