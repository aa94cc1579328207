//! Removes files that no snapshot names.
//!
//! Goes in: files of which it is certain that they were never published. Nothing comes out: a file that stays is garbage, which
//! no reader sees and which the removal of orphan files finds.

use alluvium_format::{CompactIncrement, DataFileMeta};
use alluvium_store::{PartitionBucket, TableStore, index_files};

/// Deletes the files and what lies beside them, at best effort.
pub fn delete_unpublished<'a>(
    table: &TableStore,
    bucket: &PartitionBucket,
    files: impl IntoIterator<Item = &'a DataFileMeta>,
) -> impl Future<Output = ()> + Send {
    // The names are taken before anything is awaited: whoever awaits this can be spawned, whatever the files come from.
    let names: Vec<String> = files.into_iter().filter(|file| is_ours(file)).flat_map(names_of).cloned().collect();
    let folder = table.bucket_path(&bucket.partition, bucket.bucket);
    async move {
        let Ok(folder) = folder else { return };
        for name in names {
            let _ = table.io().delete(&format!("{folder}/{name}")).await;
        }
    }
}

/// A file outside of the table was not written by this library.
fn is_ours(file: &DataFileMeta) -> bool {
    file.external_path.is_none()
}

fn names_of(file: &DataFileMeta) -> impl Iterator<Item = &String> {
    std::iter::once(&file.file_name).chain(&file.extra_files)
}

/// Deletes what a compaction wrote, its changelog and index files included, at best effort.
pub async fn delete_unpublished_compaction(table: &TableStore, bucket: &PartitionBucket, compact: &CompactIncrement) {
    delete_unpublished(table, bucket, compact.written_files()).await;
    for file in &compact.new_index_files {
        index_files::delete_unpublished(table, bucket, file).await;
    }
}
